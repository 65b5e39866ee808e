// SPDX-License-Identifier: GPL-2.0-only
/* rfm channel: who may open channels to whom, and which there are. */
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev.h"
#include "fmt.h"

#define LOOPBACK	0xffffffffU	/* struct rfcom_channel @peer: this kernel itself */

static const struct rfm_option json_option[] = { RFM_OPTION_JSON, { 0 } };

static const struct fmt_column rule_columns[] = {
	{ "from", "FROM", false },
	{ "from_id", NULL, true },
	{ "to", "TO", false },
	{ "to_id", NULL, true },
};

static const struct fmt_column channel_columns[] = {
	{ "id", "ID", true },
	{ "kernel", "KERNEL", false },
	{ "kernel_id", NULL, true },
	{ "service", "SERVICE", false },
	{ "opened_by", "OPENED BY", false },
	{ "state", "STATE", false },
	{ "sent", "SENT", true },
	{ "sent_bytes", NULL, true },
	{ "received", "RECEIVED", true },
	{ "received_bytes", NULL, true },
	{ "waiting_cells", NULL, true },
};

static int rule(const char *from, const char *to, bool allow)
{
	struct dev_msg msg;
	int dev, ret;

	if (!units_valid_name(from) || !units_valid_name(to))
		return rfm_fail(RFM_USAGE, "'%s' is no name of a subOS; " UNITS_NAME_RULE,
				units_valid_name(from) ? to : from);
	if (!strcmp(from, to))
		return rfm_fail(RFM_USAGE, "%s needs no rule to talk to itself", from);
	dev = dev_connect();
	if (dev < 0)
		return -dev;
	ret = dev_rule(dev, from, to, allow, &msg);
	close(dev);
	return ret ? rfm_fail_errno(ret, msg.text, "cannot change the rule") : RFM_OK;
}

static int rules(void)
{
	struct rf_rule_entry *entries;
	struct fmt_table *t;
	unsigned int nr, i;
	int dev, ret;

	dev = dev_connect();
	if (dev < 0)
		return -dev;
	ret = dev_rules(dev, &entries, &nr);
	close(dev);
	if (ret)
		return rfm_fail_errno(ret, NULL, "cannot get the rules");
	t = fmt_table_new("rules", rule_columns, sizeof(rule_columns) / sizeof(*rule_columns));
	for (i = 0; i < nr; i++) {
		fmt_row(t);
		fmt_text(t, entries[i].from_name);
		fmt_number(t, entries[i].from);
		fmt_text(t, entries[i].to_name);
		fmt_number(t, entries[i].to);
	}
	free(entries);
	return fmt_table_print(t) ? RFM_FAILED : RFM_OK;
}

static const char *state(const struct rfcom_channel *c)
{
	static const char *const names[] = { "opening", "open", "closed" };

	if (c->state == RFCOM_STATE_CLOSED && c->error)
		return "broken";
	return c->state < sizeof(names) / sizeof(*names) ? names[c->state] : "?";
}

static void add_channel(struct fmt_table *t, const struct rfcom_channel *c)
{
	fmt_row(t);
	fmt_number(t, c->id);
	fmt_text(t, c->peer == LOOPBACK ? "(this one)" : c->kernel);
	fmt_number(t, c->peer);
	fmt_text(t, c->service);
	fmt_text(t, c->accepted ? "there" : "here");
	fmt_text(t, state(c));
	fmt_number(t, c->sent);
	fmt_number(t, c->sent_bytes);
	fmt_number(t, c->received);
	fmt_number(t, c->received_bytes);
	fmt_number(t, c->waiting);
}

static int list(void)
{
	struct rfcom_channel *channels;
	struct fmt_table *t;
	unsigned int nr, i;
	int com, ret;

	com = dev_connect_com();
	if (com < 0)
		return -com;
	ret = dev_channels(com, &channels, &nr);
	close(com);
	if (ret)
		return rfm_fail_errno(ret, NULL, "cannot get the list of channels");
	t = fmt_table_new("channels", channel_columns,
			  sizeof(channel_columns) / sizeof(*channel_columns));
	for (i = 0; i < nr; i++)
		add_channel(t, &channels[i]);
	free(channels);
	return fmt_table_print(t) ? RFM_FAILED : RFM_OK;
}

static int run(const struct rfm_command *cmd, int argc, char **argv)
{
	const char *what;

	if (rfm_getopt(cmd, argc, argv))
		return RFM_USAGE;
	argv += optind;
	argc -= optind;
	what = argc ? argv[0] : "";
	if (argc == 1 && !strcmp(what, "list"))
		return list();
	if (argc == 1 && !strcmp(what, "rules"))
		return rules();
	if (argc == 3 && (!strcmp(what, "allow") || !strcmp(what, "deny")))
		return rule(argv[1], argv[2], !strcmp(what, "allow"));
	return rfm_fail(RFM_USAGE, "write list, rules, allow FROM TO or deny FROM TO");
}

const struct rfm_command cmd_channel = {
	.verb = "channel", .args = "list|rules|allow FROM TO|deny FROM TO",
	.summary = "Say who may open channels to whom, and show which there are",
	.text = "\nThe supervisor and a subOS may always talk; a subOS may open channels to another\n"
		"only where it was allowed to. deny also closes those that it opened. A rule ends with\n"
		"either of the two, not with a restart. list shows the channels of this kernel.\n"
		"Examples:\n\n"
		"  rfm channel allow web db\n"
		"  rfm channel rules",
	.options = json_option, .run = run,
};
