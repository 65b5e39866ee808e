// SPDX-License-Identifier: GPL-2.0-only
/* rfm share: memory that kernels share, and taking it back. */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev.h"
#include "fmt.h"

#define TIMEOUT_S	5	/* a kernel that lives answers in milliseconds */

static const struct rfm_option options[] = {
	{ OPT_FROM, "from", "NAME", "revoke: from this kernel alone" },
	{ OPT_TIMEOUT, "timeout", "S", "revoke: seconds to wait until they let go (5)" },
	RFM_OPTION_JSON, { 0 }
};

static const struct fmt_column columns[] = {
	{ "region", "REGION", false },
	{ "owner", "OWNER", false },
	{ "bytes", "SIZE", true },
	{ "kernel", "HELD BY", false },
	{ "kernel_id", NULL, true },
	{ "access", "ACCESS", false },
	{ "state", "STATE", false },
};

static const char *state(const struct rfcom_hold *h)
{
	if (h->flags & RFCOM_LOST)
		return "quarantined";
	if (h->flags & RFCOM_REVOKED)
		return "revoked";
	return h->flags & RFCOM_OWNER ? "offers" : "maps";
}

static void add_hold(struct fmt_table *t, const struct rfcom_hold *h)
{
	fmt_row(t);
	fmt_text(t, h->region);
	fmt_text(t, h->owner);
	fmt_bytes(t, h->bytes);
	fmt_text(t, h->kernel);
	fmt_number(t, h->peer);
	fmt_text(t, h->flags & RFCOM_WRITE ? "write" : "read");
	fmt_text(t, state(h));
}

static int get_holds(struct rfcom_hold **holds, unsigned int *nr)
{
	int com, ret;

	com = dev_connect_com();
	if (com < 0)
		return -com;
	ret = dev_holds(com, holds, nr);
	close(com);
	return ret ? rfm_fail_errno(ret, NULL, "cannot get the list of regions") : RFM_OK;
}

static int list(void)
{
	struct rfcom_hold *holds;
	struct fmt_table *t;
	unsigned int nr, i;
	int ret;

	ret = get_holds(&holds, &nr);
	if (ret)
		return ret;
	t = fmt_table_new("regions", columns, sizeof(columns) / sizeof(*columns));
	for (i = 0; i < nr; i++)
		add_hold(t, &holds[i]);
	free(holds);
	return fmt_table_print(t) ? RFM_FAILED : RFM_OK;
}

/* The first that was told to let go, and has not; empty when it just did. Its flags. */
static unsigned int first_that_holds(const char *owner, const char *region, char *name)
{
	struct rfcom_hold *holds;
	unsigned int nr, i, flags = 0;

	*name = '\0';
	if (get_holds(&holds, &nr))
		return 0;
	for (i = 0; i < nr && !*name; i++)
		if (holds[i].flags & RFCOM_REVOKED && !strcmp(holds[i].owner, owner) &&
		    !strcmp(holds[i].region, region)) {
			strcpy(name, holds[i].kernel);
			flags = holds[i].flags;
		}
	free(holds);
	return flags;
}

static int take_back(const char *owner, const char *region, const char *from, long timeout_s)
{
	char name[RFCOM_NAME_MAX];
	unsigned int held, flags;
	int com, ret;

	com = dev_connect_com();
	if (com < 0)
		return -com;
	ret = dev_revoke(com, owner, region, from, timeout_s * 1000, &held);
	close(com);
	if (ret == -ENOENT && *from)
		return rfm_fail(RFM_NOT_FOUND, "%s does not hold region %s of %s; rfm share list shows who does",
				from, region, owner);
	if (ret == -ENOENT)
		return rfm_fail(RFM_NOT_FOUND, "%s offers no region %s; rfm share list shows those there are",
				owner, region);
	if (ret)
		return rfm_fail_errno(ret, NULL, "cannot revoke it");
	if (!held)
		return RFM_OK;
	flags = first_that_holds(owner, region, name);
	if (!*name)
		return RFM_OK;
	if (flags & RFCOM_LOST)
		return rfm_fail(RFM_TIMEOUT, "%s is in quarantine and never lets go of region %s of %s; reboot the machine to have that memory back",
				name, region, owner);
	return rfm_fail(RFM_TIMEOUT, "%s does not let go of region %s of %s; it is asked on, or destroy it: rfm destroy %s",
			name, region, owner, name);
}

static int run_revoke(char **argv, const char *from, long timeout_s)
{
	if (strlen(argv[1]) >= RFCOM_NAME_MAX || strlen(argv[2]) >= RFCOM_NAME_MAX ||
	    strlen(from) >= RFCOM_NAME_MAX || !*argv[1] || !*argv[2])
		return rfm_fail(RFM_USAGE, "a name has 1 to %d characters", RFCOM_NAME_MAX - 1);
	rfm.object = argv[2];
	return take_back(argv[1], argv[2], from, timeout_s);
}

static int run(const struct rfm_command *cmd, int argc, char **argv)
{
	const char *from = "";
	long timeout_s = TIMEOUT_S;
	int id;

	while ((id = rfm_getopt(cmd, argc, argv)) > 0) {
		if (id == OPT_FROM)
			from = optarg;
		else if (units_parse_number(optarg, 0, 3600, &timeout_s))
			return rfm_fail(RFM_USAGE, "--timeout %s: write 0 to 3600 seconds", optarg);
	}
	if (id < 0)
		return RFM_USAGE;
	argv += optind;
	argc -= optind;
	if (argc == 1 && !strcmp(argv[0], "list"))
		return list();
	if (argc == 3 && !strcmp(argv[0], "revoke"))
		return run_revoke(argv, from, timeout_s);
	return rfm_fail(RFM_USAGE, "write list or revoke OWNER REGION");
}

const struct rfm_command cmd_share = {
	.verb = "share", .args = "list|revoke OWNER REGION",
	.summary = "Show which memory kernels share, and take it back",
	.text = "\nA kernel offers a region of memory by name, others map it (rf_map). revoke takes it\n"
		"from all but its owner, and nobody can map it any more; with --from from one kernel\n"
		"alone. Programs that still use it get a bus error.\nExamples:\n\n"
		"  rfm share list\n"
		"  rfm share revoke db frames --from web",
	.options = options, .run = run,
};
