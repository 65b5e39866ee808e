// SPDX-License-Identifier: GPL-2.0-only
/* rfm device: virtio devices of a subOS that lives. */
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev.h"
#include "devices.h"
#include "fmt.h"

static const struct rfm_option options[] = {
	{ OPT_NET, "net", "CARD", "add: tap=NAME|bridge=BRIDGE[,mac=MAC][,queues=N]" },
	{ OPT_FS, "fs", "TAG=DIR", "add: a directory; [,ro][,cache=always]" },
	{ OPT_DISK, "disk", "FILE", "add: an image; [,format=raw|qcow2][,ro]" },
	RFM_OPTION_JSON, { 0 }
};

static const struct fmt_column columns[] = {
	{ "subos", "SUBOS", false },
	{ "device", "DEVICE", false },
	{ "kind", "KIND", false },
	{ "state", "STATE", false },
	{ "what", "WHAT", false },
};

struct request {
	enum spec_kind kind[RF_VIRTIO_DEVICES];
	const char *text[RF_VIRTIO_DEVICES];
	unsigned int nr;
};

static void add_rows(struct fmt_table *t, const char *name)
{
	struct device_line lines[RF_VIRTIO_DEVICES];
	char *answer = malloc(CLIENT_TEXT_MAX);
	unsigned int i, nr;

	nr = answer ? devices_list(name, answer, lines) : 0;
	for (i = 0; i < nr; i++) {
		fmt_row(t);
		fmt_text(t, name);
		fmt_text(t, lines[i].name);
		fmt_text(t, lines[i].kind);
		fmt_text(t, lines[i].state);
		fmt_text(t, lines[i].text);
	}
	free(answer);
}

static int list_all(struct fmt_table *t)
{
	struct rf_info *infos;
	unsigned int nr, i;
	int dev, ret;

	dev = dev_connect();
	if (dev < 0)
		return -dev;
	ret = dev_list(dev, &infos, &nr);
	close(dev);
	if (ret)
		return rfm_fail_errno(ret, NULL, "cannot get the list of subOSes");
	for (i = 0; i < nr; i++)
		add_rows(t, infos[i].name);
	free(infos);
	return 0;
}

/* A keeper that was killed is started again by whoever asks. */
static int list_one(struct fmt_table *t, const char *name)
{
	int fd = dev_connect_subos(name), ret;

	if (fd < 0)
		return -fd;
	close(fd);
	ret = devices_resume(name);
	if (!ret)
		add_rows(t, name);
	return ret;
}

static int list(const char *name)
{
	struct fmt_table *t = fmt_table_new("devices", columns,
					    sizeof(columns) / sizeof(*columns));
	int ret = name ? list_one(t, name) : list_all(t);

	if (ret) {
		json_object_put(fmt_table_rows(t));
		return ret;
	}
	return fmt_table_print(t) ? RFM_FAILED : RFM_OK;
}

/* All are looked at before the first is added. */
static int add(const char *name, const struct request *r)
{
	struct spec *s;
	unsigned int i;
	int fd, ret = 0;

	if (!r->nr)
		return rfm_fail(RFM_USAGE, "say which: --net, --fs or --disk; see rfm device --help");
	fd = dev_connect_subos(name);
	if (fd < 0)
		return -fd;
	close(fd);
	s = calloc(r->nr, sizeof(*s));
	if (!s)
		return rfm_fail(RFM_FAILED, "out of memory");
	for (i = 0; !ret && i < r->nr; i++)
		ret = devices_parse_one(&s[i], r->kind[i], r->text[i]);
	for (i = 0; !ret && i < r->nr; i++)
		devices_warn_shared(name, &s[i]);
	for (i = 0; !ret && i < r->nr; i++)
		ret = devices_add(name, &s[i]);
	free(s);
	return ret;
}

static int take_away(const char *name, const char *device)
{
	int fd = dev_connect_subos(name);

	if (fd < 0)
		return -fd;
	close(fd);
	return devices_remove(name, device);
}

static int read_request(struct request *r, const struct rfm_command *cmd, int argc, char **argv)
{
	int id;

	while ((id = rfm_getopt(cmd, argc, argv)) > 0) {
		if (r->nr == RF_VIRTIO_DEVICES)
			return rfm_fail(RFM_USAGE, "a subOS can have %d devices at most",
					RF_VIRTIO_DEVICES);
		r->kind[r->nr] = id == OPT_NET ? SPEC_NET : id == OPT_FS ? SPEC_FS : SPEC_DISK;
		r->text[r->nr++] = optarg;
	}
	return id < 0 ? RFM_USAGE : 0;
}

static int run(const struct rfm_command *cmd, int argc, char **argv)
{
	struct request r = { 0 };
	const char *what;

	if (read_request(&r, cmd, argc, argv))
		return RFM_USAGE;
	argv += optind;
	argc -= optind;
	what = argc ? argv[0] : "";
	if (argc > 1 && !units_valid_name(argv[1]))
		return rfm_fail(RFM_USAGE, "'%s' is no name of a subOS; " UNITS_NAME_RULE, argv[1]);
	if (argc > 1)
		rfm.object = argv[1];
	if (argc >= 1 && argc <= 2 && !r.nr && !strcmp(what, "list"))
		return list(argc == 2 ? argv[1] : NULL);
	if (argc == 2 && !strcmp(what, "add"))
		return add(argv[1], &r);
	if (argc == 3 && !r.nr && !strcmp(what, "remove"))
		return take_away(argv[1], argv[2]);
	return rfm_fail(RFM_USAGE, "write list [NAME], add NAME --net|--fs|--disk ..., or remove NAME DEVICE");
}

const struct rfm_command cmd_device = {
	.verb = "device", .args = "list [NAME]|add NAME|remove NAME DEVICE",
	.summary = "Network cards, directories and disks that the supervisor gives to a subOS",
	.text = "\nThey are virtio devices: drivers in the subOS, back ends in the supervisor. They come\n"
		"and go while it runs, and stay through its restarts. A directory is mounted there by\n"
		"its tag: mount -t virtiofs TAG /mnt. Examples:\n\n"
		"  rfm device add web --net bridge=br0 --fs data=/srv/data,ro\n"
		"  rfm device list web\n"
		"  rfm device remove web net0",
	.options = options, .run = run,
};
