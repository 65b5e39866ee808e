// SPDX-License-Identifier: GPL-2.0-only
/*
 * exec/proto.h and tree_receive() against a side that lies. The input is a list of
 * messages, each behind its length; all are parsed. One input in TREES is also taken for a
 * tree that goes into a directory of its own, beside which nothing may appear or change.
 */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "tree.h"

#define TREES		16	/* making and removing one takes much longer than to parse it */
#define MESSAGES_MAX	100	/* a socket holds so many that nobody has read */

static unsigned long good, bad, whole, broken;
static char outside[256], jail[300];

static void must(int good_enough)
{
	if (!good_enough)
		abort();
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	return ftw->level && remove(path);
}

static void clean(void)
{
	must(!nftw(jail, drop, 16, FTW_DEPTH | FTW_PHYS));
	rmdir(jail);
	rmdir(outside);
}

static void prepare(void)
{
	if (*jail)
		return;
	snprintf(outside, sizeof(outside), "%s/exec-fuzz.XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	must(mkdtemp(outside) != NULL);
	snprintf(jail, sizeof(jail), "%s/jail", outside);
	must(!mkdir(jail, 0700));
	atexit(clean);
}

/* Nothing beside the jail, and in it no name that only half a file has. */
static int is_half(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	return !strncmp(path + ftw->base, ".rfm-cp-", 8) && strlen(path + ftw->base) == 16;
}

static void check(void)
{
	struct dirent *de;
	DIR *d = opendir(outside);

	must(d != NULL);
	while ((de = readdir(d)))
		must(!strcmp(de->d_name, ".") || !strcmp(de->d_name, "..") ||
		     !strcmp(de->d_name, "jail"));
	closedir(d);
	must(!nftw(jail, is_half, 16, FTW_PHYS));
	must(!nftw(jail, drop, 16, FTW_DEPTH | FTW_PHYS));
}

/* Whatever it says, it is inside the message. */
static void parse(const uint8_t *data, size_t len)
{
	static struct exec_msg m;
	uint8_t *copy = malloc(len ? len : 1);
	char **strings;
	uint32_t n;

	memcpy(copy, data, len);
	if (exec_parse(&m, copy, len)) {
		bad++;
		free(copy);
		return;
	}
	good++;
	must(!m.len || ((uint8_t *)m.data > copy && (uint8_t *)m.data + m.len <= copy + len));
	if (m.type == EXEC_ENTRY)
		must(strlen(m.name) == m.entry.name_len && !strchr(m.name, '/') &&
		     strcmp(m.name, ".."));
	if (m.type == EXEC_START) {
		n = 1 + m.start.nr_args + m.start.nr_env;
		strings = malloc(n * sizeof(*strings));
		exec_strings(&m, 0, n, strings);
		must(strings[n - 1] + strlen(strings[n - 1]) + 1 == m.data + m.len);
		free(strings);
	}
	free(copy);
}

static void warn(int chan, int error, const char *text, size_t len)
{
	static char copy[EXEC_TEXT_MAX];

	(void)chan;
	(void)error;
	memcpy(copy, text, len);
}

/* The next message of the input: its length, SIZE_MAX behind the last. */
static size_t next(const uint8_t **data, size_t *size)
{
	size_t len;

	if (*size < 2)
		return SIZE_MAX;
	len = (*data)[0] | ((*data)[1] & 0x0f) << 8;
	*data += 2;
	*size -= 2;
	len = len < *size ? len : *size;
	*data += len;
	*size -= len;
	return len;
}

static void receive(const uint8_t *data, size_t size)
{
	struct tree_place place = { .name = size % 3 ? "x" : "." };
	struct tree_error e;
	int end[2], messages = 0;
	size_t len;

	prepare();
	must(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, end));
	while (messages++ < MESSAGES_MAX && (len = next(&data, &size)) != SIZE_MAX)
		if (len && write(end[0], data - len, len) < 0)
			break;
	close(end[0]);
	place.dir = open(jail, O_RDONLY | O_DIRECTORY);
	must(place.dir >= 0);
	if (tree_receive(end[1], &place, warn, &e))
		broken++;
	else
		whole++;
	close(place.dir);
	close(end[1]);
	check();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *at = data;
	size_t left = size, len;

	while ((len = next(&at, &left)) != SIZE_MAX)
		parse(at - len, len);
	if (size && (size + data[size / 2]) % TREES == 0)
		receive(data, size);
	return 0;
}

static const char *const names[] = { "a", "b", "c", "a",
				     "..", ".", "", "../a", "/nosuch/a", "a/b" };

/* In most inputs: the first is a directory, and there is a way up for each way down. */
static unsigned int depth;
static int orderly;

static int make_kind(uint64_t (*random)(void))
{
	int kind = random() % 5;

	if (!orderly)
		return kind;
	if (!depth)
		kind = EXEC_DIR;
	else if (!kind || (kind == EXEC_UP && depth == 1))
		kind = EXEC_FILE;
	depth += kind == EXEC_DIR;
	depth -= kind == EXEC_UP;
	return kind;
}

static size_t put_message(uint8_t *data, size_t len)
{
	data[0] = len;
	data[1] = len >> 8;
	return 2 + len;
}

static size_t make_ups(uint8_t *data)
{
	struct exec_entry_head head = { .type = EXEC_ENTRY, .kind = EXEC_UP, .mode = 0755 };
	size_t at = 0;

	for (; orderly && depth; depth--) {
		memcpy(data + at + 2, &head, sizeof(head));
		at += put_message(data + at, sizeof(head));
	}
	return at;
}

static size_t make_entry(uint8_t *to, uint64_t (*random)(void))
{
	struct exec_entry_head head = { .type = EXEC_ENTRY, .kind = make_kind(random),
					.mode = random() % 010000, .mtime = (int64_t)random() };
	const char *name = names[random() % (orderly ? 4 : 10)];
	const char *target = head.kind == EXEC_LINK ? names[random() % 10] : "";

	if (!orderly && random() % 8 == 0)
		target = names[random() % 10];
	if (head.kind == EXEC_UP && (orderly || random() % 16))
		name = "";
	head.name_len = strlen(name) + (!orderly && random() % 64 == 0);
	memcpy(to, &head, sizeof(head));
	memcpy(to + sizeof(head), name, strlen(name));
	memcpy(to + sizeof(head) + strlen(name), target, strlen(target));
	return sizeof(head) + strlen(name) + strlen(target);
}

static size_t make_message(uint8_t *to, uint64_t (*random)(void))
{
	static const uint8_t types[] = { EXEC_START, EXEC_STDIN, EXEC_WINSIZE, EXEC_SIGNAL,
					 EXEC_TAKEN, EXEC_EXIT, EXEC_ERROR, EXEC_WARNING };
	struct exec_start_head start = { .type = EXEC_START, .version = EXEC_VERSION,
					 .kind = 1 + random() % 4, .nr_args = random() % 3,
					 .nr_env = random() % 3 };
	size_t len, i;

	switch (random() % 16) {
	case 0 ... 12:
		return make_entry(to, random);
	case 13:
		memcpy(to, &start, sizeof(start));
		memcpy(to + sizeof(start), "/\0a\0b\0c\0d", 10);
		return sizeof(start) + 2 + 2 * (start.nr_args + start.nr_env) + !(random() % 4);
	default:
		len = random() % 40;
		for (i = 0; i < len; i++)
			to[i] = random() % 4 ? 0 : random();
		to[0] = types[random() % sizeof(types)];
		return len;
	}
}

size_t fuzz_make(uint8_t *data, uint64_t (*random)(void))
{
	size_t at = 0, count = 1 + random() % 40, len;

	depth = 0;
	orderly = random() % 4 > 0;
	for (; count; count--) {
		do
			len = make_message(data + at + 2, random);
		while ((orderly || random() % 32) && data[at + 2] != EXEC_ENTRY);
		at += put_message(data + at, len);
		if (data[at - len + 1] == EXEC_FILE && random() % 2) {
			data[at + 2] = EXEC_DATA;
			at += put_message(data + at, 1 + random() % 20);
		}
	}
	at += make_ups(data + at);
	data[at + 2] = EXEC_DONE;
	return at + put_message(data + at, 1);
}

int fuzz_summary(char *text, size_t size)
{
	snprintf(text, size, "%lu messages taken, %lu refused; %lu trees whole, %lu broken", good,
		 bad, whole, broken);
	return !good || !bad || !whole || !broken;
}
