// SPDX-License-Identifier: GPL-2.0-only
/* rfm loop: packets between kernels without a device. What the module shows is in /sys. */
#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev.h"
#include "fmt.h"
#include "sysroot.h"

#define MODULE_DIR	"/sys/module/rfloop"
#define TEXT_MAX	(128 * 1024)	/* 1024 addresses, a line each */

static const struct rfm_option json_option[] = { RFM_OPTION_JSON, { 0 } };

static const struct fmt_column peer_columns[] = {
	{ "id", NULL, true },
	{ "kernel", "KERNEL", false },
	{ "state", "STATE", false },
	{ "sent", "SENT", true },
	{ "sent_bytes", "BYTES", true },
	{ "received", "RECEIVED", true },
	{ "received_bytes", "BYTES", true },
	{ "received_long", NULL, true },
	{ "doorbells", "DOORBELLS", true },
	{ "copies_out", NULL, true },
	{ "copies_in", "COPIES IN", true },
	{ "copies_in_long", NULL, true },
	{ "full", NULL, true },
	{ "links", NULL, true },
	{ "broken", "BROKEN", true },
	{ "drops_down", NULL, true },
	{ "drops_shape", NULL, true },
	{ "drops_bad", NULL, true },
	{ "drops_spoofed", NULL, true },
	{ "drops_stray", NULL, true },
	{ "drops_memory", NULL, true },
	{ NULL, "DROPPED", true },
};

static const struct fmt_column address_columns[] = {
	{ "id", "ID", true },
	{ "address", "ADDRESS", false },
	{ "mac", "MAC", false },
	{ "state", "STATE", false },
};

static int loaded(void)
{
	return sysroot_exists(MODULE_DIR) ? RFM_OK :
	       rfm_fail(RFM_INCOMPATIBLE, "the module rfloop is not loaded; modprobe rfloop");
}

/* A counter of a peer, 0 when it has just gone. */
static uint64_t counter(const char *peer, const char *key)
{
	char text[32];

	return sysroot_read(text, sizeof(text), MODULE_DIR "/peers/%s/%s", peer, key) ? 0 :
	       strtoull(text, NULL, 10);
}

static void add_peer(struct fmt_table *t, const char *peer)
{
	size_t i, nr = sizeof(peer_columns) / sizeof(*peer_columns);
	char name[RF_NAME_MAX] = "?", state[16] = "?";
	uint64_t n, dropped = 0;

	sysroot_read(name, sizeof(name), MODULE_DIR "/peers/%s/name", peer);
	sysroot_read(state, sizeof(state), MODULE_DIR "/peers/%s/state", peer);
	fmt_row(t);
	fmt_number(t, strtoull(peer, NULL, 10));
	fmt_text(t, name);
	fmt_text(t, state);
	for (i = 3; i < nr - 1; i++) {
		n = counter(peer, peer_columns[i].key);
		if (!strncmp(peer_columns[i].key, "drops_", 6))
			dropped += n;
		if (strstr(peer_columns[i].key, "_bytes"))
			fmt_bytes(t, n);
		else
			fmt_number(t, n);
	}
	fmt_number(t, dropped);
}

static int list(void)
{
	struct fmt_table *t;
	struct dirent *entry;
	DIR *dir;

	if (loaded())
		return RFM_INCOMPATIBLE;
	dir = sysroot_opendir(MODULE_DIR "/peers");
	if (!dir)
		return rfm_fail_errno(errno, NULL, "cannot read " MODULE_DIR "/peers");
	t = fmt_table_new("peers", peer_columns, sizeof(peer_columns) / sizeof(*peer_columns));
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			add_peer(t, entry->d_name);
	closedir(dir);
	return fmt_table_print(t) ? RFM_FAILED : RFM_OK;
}

/* A line for each: id, address, MAC address. */
static void add_addresses(struct fmt_table *t, const char *file, const char *state)
{
	char *text = malloc(TEXT_MAX), path[SYSROOT_PATH], *line, *rest, *id, *address, *mac;
	long n;

	snprintf(path, sizeof(path), MODULE_DIR "/%s", file);
	n = text ? sysroot_read_bytes(text, TEXT_MAX - 1, path) : -ENOMEM;
	if (n >= 0)
		text[n] = '\0';
	for (rest = n < 0 ? NULL : text; (line = strsep(&rest, "\n"));) {
		id = strsep(&line, " ");
		address = strsep(&line, " ");
		mac = strsep(&line, " ");
		if (!mac)
			continue;
		fmt_row(t);
		fmt_number(t, strtoull(id, NULL, 10));
		fmt_text(t, address);
		fmt_text(t, mac);
		fmt_text(t, state);
	}
	free(text);
}

static int addresses(void)
{
	struct fmt_table *t;

	if (loaded())
		return RFM_INCOMPATIBLE;
	t = fmt_table_new("addresses", address_columns,
			  sizeof(address_columns) / sizeof(*address_columns));
	add_addresses(t, "addresses", "used");
	add_addresses(t, "refused", "refused");
	return fmt_table_print(t) ? RFM_FAILED : RFM_OK;
}

/* The id of a kernel by its name, in @id; 0, or an exit status, reported. */
static int find(const char *name, unsigned int *id)
{
	struct rf_info info;
	int ret;

	*id = 0;
	if (!strcmp(name, "supervisor"))
		return RFM_OK;
	rfm.object = name;
	ret = dev_subos_info(name, &info);
	if (ret)
		return -ret;
	*id = info.id;
	return RFM_OK;
}

static int turn(const char *name, const char *how)
{
	char path[SYSROOT_PATH], text[16];
	unsigned int id;
	int fd, ret, n;

	ret = loaded();
	if (!ret)
		ret = find(name, &id);
	if (ret)
		return ret;
	n = snprintf(text, sizeof(text), "%u\n", id);
	fd = open(sysroot_path(path, MODULE_DIR "/%s", how), O_WRONLY | O_CLOEXEC);
	ret = fd < 0 || write(fd, text, n) != n ? errno : 0;
	if (fd >= 0)
		close(fd);
	return ret ? rfm_fail_errno(ret, NULL, "cannot turn it %s for %s", how, name) : RFM_OK;
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
	if (argc == 1 && !strcmp(what, "addresses"))
		return addresses();
	if (argc == 2 && (!strcmp(what, "on") || !strcmp(what, "off")))
		return turn(argv[1], what);
	return rfm_fail(RFM_USAGE, "write list, addresses, on NAME or off NAME");
}

const struct rfm_command cmd_loop = {
	.verb = "loop", .args = "list|addresses|on NAME|off NAME",
	.summary = "Show and switch packets between kernels that need no device",
	.text = "\nPackets for an address of another kernel of this machine take the short way, with\n"
		"the module rfloop in both: from and to the supervisor always, between subOSes where\n"
		"rfm channel allows one of them to open channels to the other. list shows what went\n"
		"between this kernel and others, addresses who has which. Switched off (the name\n"
		"\"supervisor\" is this kernel) a kernel's packets take the device at once.\n"
		"Examples:\n\n"
		"  rfm loop list\n"
		"  rfm loop off web",
	.options = json_option, .run = run,
};
