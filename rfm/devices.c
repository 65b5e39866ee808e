// SPDX-License-Identifier: GPL-2.0-only
/* Virtio devices: what was asked for, and talking to who keeps them. */
#include "devices.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "rfm.h"
#include "sysroot.h"

#define END_MS	10000	/* for a keeper to end */

static const char *run_dir(char *path, const char *name)
{
	snprintf(path, SYSROOT_PATH, "%s/%s", sysroot_run_dir(), name);
	return path;
}

static int check_directory(struct spec *s, const char *full)
{
	struct stat st;

	if (stat(full, &st))
		return rfm_fail(RFM_NOT_FOUND, "--%s: there is no directory %s (%s)",
				spec_word(s->kind), s->path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return rfm_fail(RFM_NOT_FOUND, "--%s: %s is no directory; name one, or give it as --disk",
				spec_word(s->kind), s->path);
	return 0;
}

static int check_file(struct spec *s, const char *full)
{
	struct stat st;

	if (stat(full, &st))
		return rfm_fail(RFM_NOT_FOUND, "--disk: there is no file %s (%s); truncate -s 10G makes one",
				s->path, strerror(errno));
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return rfm_fail(RFM_NOT_FOUND, "--disk: %s is neither a file nor a block device",
				s->path);
	return 0;
}

/* As the keeper will see it: without links, and with no comma that a link was to hide. */
static int make_absolute(struct spec *s)
{
	char *full = realpath(s->path, NULL);
	int ret;

	ret = s->kind == SPEC_DISK ? check_file(s, full ? full : s->path) :
				     check_directory(s, full ? full : s->path);
	if (!ret && !strchr(full, ',') && strlen(full) < sizeof(s->path))
		strcpy(s->path, full);
	else if (!ret && *s->path != '/')
		ret = rfm_fail(RFM_USAGE, "--%s %s: write the whole path", spec_word(s->kind),
			       s->path);
	free(full);
	return ret;
}

static int check_card(const struct spec *s)
{
	if (*s->bridge && !sysroot_exists("/sys/class/net/%s/bridge", s->bridge))
		return rfm_fail(RFM_NOT_FOUND, "--net: there is no bridge %s; ip link add %s type bridge",
				s->bridge, s->bridge);
	if (*s->tap && sysroot_exists("/sys/class/net/%s", s->tap) &&
	    !sysroot_exists("/sys/class/net/%s/tun_flags", s->tap))
		return rfm_fail(RFM_CONFLICT, "--net: %s is there and no TAP interface; take another name",
				s->tap);
	return 0;
}

/* What a card, a file system, a disk stands on. */
static int check_machine(enum spec_kind kind)
{
	static const char *const nodes[] = { "vhost-net", "net/tun" };
	static const char *const modules[] = { "vhost_net", "tun" };
	const char *program = kind == SPEC_DISK ? "/usr/bin/qemu-storage-daemon" :
						  "/usr/lib/qemu/virtiofsd";
	unsigned int i;

	if (!sysroot_exists("/dev/rfvhost"))
		return rfm_fail(RFM_INCOMPATIBLE, "the module rfvhost is not loaded; modprobe rfvhost");
	for (i = 0; kind == SPEC_NET && i < 2; i++)
		if (!sysroot_exists("/dev/%s", nodes[i]))
			return rfm_fail(RFM_INCOMPATIBLE, "there is no /dev/%s; modprobe %s",
					nodes[i], modules[i]);
	if (kind != SPEC_NET && !sysroot_exists("%s", program))
		return rfm_fail(RFM_INCOMPATIBLE, "there is no %s; apt install qemu-system-common",
				program);
	return 0;
}

int devices_parse_one(struct spec *s, enum spec_kind kind, const char *text)
{
	char err[SPEC_ERR_MAX];
	int ret;

	if (spec_parse(s, kind, text, err))
		return rfm_fail(RFM_USAGE, "%s", err);
	ret = kind == SPEC_NET ? check_card(s) : make_absolute(s);
	return ret ? ret : check_machine(kind);
}

/* Among those of one command; what others have the keeper knows. */
static int check_twice(const struct spec *all, unsigned int nr, const struct spec *s)
{
	char mac[18];
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (s->kind == SPEC_NET && all[i].kind == SPEC_NET && s->has_mac &&
		    all[i].has_mac && !memcmp(s->mac, all[i].mac, 6))
			return rfm_fail(RFM_USAGE, "--net: two cards with the address %s",
					spec_mac_text(s->mac, mac));
		if (s->kind == SPEC_NET && *s->tap && !strcmp(s->tap, all[i].tap))
			return rfm_fail(RFM_USAGE, "--net: two cards with the interface %s",
					s->tap);
		if (*s->tag && !strcmp(s->tag, all[i].tag))
			return rfm_fail(RFM_USAGE, s->kind == SPEC_ROOT ? "--%s: said twice" :
					"--%s: the tag %s twice; a tag names one directory",
					spec_word(s->kind), s->tag);
		if (s->kind == SPEC_DISK && all[i].kind == SPEC_DISK &&
		    !strcmp(s->path, all[i].path) && !(s->read_only && all[i].read_only))
			return rfm_fail(RFM_USAGE, "--disk: %s twice", s->path);
	}
	return 0;
}

static bool is_shared(const struct spec *s)
{
	return (s->kind == SPEC_ROOT || s->kind == SPEC_FS) && !s->read_only;
}

/* Is @inner @outer, or below it? */
static bool is_within(const char *inner, const char *outer)
{
	size_t len = strlen(outer);

	return !strncmp(inner, outer, len) &&
	       (!inner[len] || inner[len] == '/' || !strcmp(outer, "/"));
}

/* By two names, where one is a mount of the other. */
static bool is_same(const char *one, const char *other)
{
	struct stat a, b;

	return !stat(one, &a) && !stat(other, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static bool warn_shared(const char *owner, const struct spec *theirs, void *data)
{
	const struct spec *s = data;

	if (!is_shared(theirs) || !(is_within(s->path, theirs->path) ||
				    is_within(theirs->path, s->path) ||
				    is_same(s->path, theirs->path)))
		return false;
	rfm_warn("%s can write to %s, too: locks on files do not hold between them; give one of them ,ro",
		 owner, theirs->path);
	return false;
}

void devices_warn_shared(const char *name, const struct spec *s)
{
	if (is_shared(s))
		maclist_find(sysroot_run_dir(), name, warn_shared, (void *)s);
}

int devices_parse(struct settings *s, const struct settings_text *text, bool all)
{
	int ret, first = 0;
	struct spec *d;
	unsigned int i;

	if (!text->nr_devices)
		return 0;
	s->devices = calloc(text->nr_devices, sizeof(*s->devices));
	if (!s->devices)
		return rfm_fail(RFM_FAILED, "out of memory");
	for (i = 0; (all || !first) && i < text->nr_devices; i++) {
		d = &s->devices[s->nr_devices];
		ret = devices_parse_one(d, text->device_kind[i], text->device[i]);
		if (!ret)
			ret = check_twice(s->devices, s->nr_devices, d);
		if (!ret)
			devices_warn_shared(s->name, &s->devices[s->nr_devices++]);
		first = first ? first : ret;
	}
	return first;
}

/* It says itself why it cannot be. */
static int start_keeper(const char *name)
{
	char program[SYSROOT_PATH];
	int status;
	pid_t pid;

	snprintf(program, sizeof(program), "%s/rfbackend", sysroot_lib_dir());
	pid = fork();
	if (!pid) {
		execl(program, "rfbackend", "--run", sysroot_run_dir(), name, NULL);
		fprintf(stderr, "rfm: cannot run %s: %s\n", program, strerror(errno));
		_exit(1);
	}
	if (pid < 0)
		return rfm_fail_errno(errno, NULL, "cannot start a process");
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return rfm_fail_errno(errno, NULL, "cannot wait for rfbackend");
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : RFM_FAILED;
}

static bool no_keeper(int ret)
{
	return ret == -ECONNREFUSED || ret == -ENOENT;
}

/* A request, after starting a keeper where there is none. */
static int ask(const char *name, const char *request, char *answer)
{
	char run[SYSROOT_PATH];
	int ret;

	ret = client_ask(run_dir(run, name), request, answer, DEVICES_MS);
	if (no_keeper(ret) && !*answer) {
		ret = start_keeper(name);
		if (ret)
			return ret;
		ret = client_ask(run, request, answer, DEVICES_MS);
	}
	return ret ? rfm_fail_errno(ret, answer, "no answer from rfbackend") : 0;
}

int devices_add(const char *name, const struct spec *s)
{
	char request[SPEC_TEXT_MAX + 16], text[SPEC_TEXT_MAX], answer[CLIENT_TEXT_MAX];

	snprintf(request, sizeof(request), "add %s %s", spec_word(s->kind), spec_format(s, text));
	return ask(name, request, answer);
}

int devices_remove(const char *name, const char *device)
{
	char request[64], answer[CLIENT_TEXT_MAX];

	if (snprintf(request, sizeof(request), "remove %s", device) >= (int)sizeof(request))
		return rfm_fail(RFM_NOT_FOUND, "it has no such device; rfm device list %s shows them",
				name);
	return ask(name, request, answer);
}

int devices_start(const struct settings *s)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < s->nr_devices; i++) {
		rfm_progress("devices, %u of %u", i + 1, s->nr_devices);
		ret = devices_add(s->name, &s->devices[i]);
	}
	return ret;
}

int devices_resume(const char *name)
{
	char path[SYSROOT_PATH + 16], run[SYSROOT_PATH], answer[CLIENT_TEXT_MAX];

	snprintf(path, sizeof(path), "%s/devices", run_dir(run, name));
	return access(path, F_OK) ? 0 : ask(name, "list", answer);
}

unsigned int devices_list(const char *name, char *answer, struct device_line *lines)
{
	char run[SYSROOT_PATH], *rest = answer, *line;
	unsigned int nr = 0;

	if (client_ask(run_dir(run, name), "list", answer, DEVICES_MS))
		return 0;
	while (nr < RF_VIRTIO_DEVICES && (line = strsep(&rest, "\n")) && *line) {
		lines[nr].name = strsep(&line, "\t");
		lines[nr].kind = strsep(&line, "\t");
		lines[nr].state = strsep(&line, "\t");
		lines[nr].text = line;
		nr += line != NULL;
	}
	return nr;
}

void devices_await_end(const char *name)
{
	const struct timespec ms = { .tv_nsec = 10000000 };
	char path[SYSROOT_PATH];
	unsigned int i;

	run_dir(path, name);
	for (i = 0; i < END_MS / 10 && !access(path, F_OK); i++)
		nanosleep(&ms, NULL);
}
