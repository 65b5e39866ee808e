// SPDX-License-Identifier: GPL-2.0-only
/*
 * An agent that lies, as $LIE says; for tests of rfm exec and rfm cp.
 *
 * usage: liar CHANNEL
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"

static int chan;

static void say(const void *msg, size_t len)
{
	exec_send(chan, msg, len);
}

static void say_entry(enum exec_entry_kind kind, const char *name, const char *target)
{
	unsigned char buf[8192];
	struct exec_entry_head head = { .type = EXEC_ENTRY, .kind = kind, .mode = 06777,
					.name_len = strlen(name) };

	memcpy(buf, &head, sizeof(head));
	memcpy(buf + sizeof(head), name, head.name_len);
	memcpy(buf + sizeof(head) + head.name_len, target, strlen(target));
	say(buf, sizeof(head) + head.name_len + strlen(target));
}

static void say_file(const char *name)
{
	say_entry(EXEC_FILE, name, "");
	exec_send_bytes(chan, EXEC_DATA, "evil", 4);
}

static void say_done(void)
{
	exec_send_bytes(chan, EXEC_DONE, "", 0);
}

static void lie_of_exec(const char *lie)
{
	static unsigned char big[EXEC_MESSAGE];
	struct exec_taken taken = { .type = EXEC_TAKEN, .bytes = 1 };
	struct exec_exit status = { .type = EXEC_EXIT, .signalled = 1, .value = 200 };

	if (!strcmp(lie, "nonsense"))
		say("\xff\xff\xff", 3);
	if (!strcmp(lie, "empty-data"))
		exec_send_bytes(chan, EXEC_STDOUT, "", 0);
	big[0] = EXEC_STDOUT;
	if (!strcmp(lie, "long-data"))
		say(big, sizeof(big));
	if (!strcmp(lie, "taken"))
		say(&taken, sizeof(taken));
	if (!strcmp(lie, "status"))
		say(&status, sizeof(status));
	if (!strcmp(lie, "error-text"))
		exec_send_error(chan, EXEC_ERROR, 99, ENOENT, "x");
	if (!strcmp(lie, "start"))
		exec_send_bytes(chan, EXEC_STDIN, "x", 1);
	if (!strcmp(lie, "entry"))
		say_file("x");
	if (!strcmp(lie, "version"))
		exec_send_error(chan, EXEC_ERROR, EXEC_STEP_START, EPROTONOSUPPORT, "");
	if (!strcmp(lie, "escape"))
		exec_send_error(chan, EXEC_ERROR, EXEC_STEP_EXEC, EACCES, "a\033[2Jb");
}

/* A directory that is a link in truth, and what would lie behind it. */
static void lie_of_copies(const char *lie)
{
	int i;

	if (!strcmp(lie, "suid"))
		say_file("x");
	if (!strcmp(lie, "two-tops")) {
		say_file("x");
		say_file("y");
	}
	if (!strcmp(lie, "half"))
		say_file("x");
	if (!strcmp(lie, "deep"))
		for (i = 0; i < 200; i++)
			say_entry(EXEC_DIR, "d", "");
	if (!strncmp(lie, "in-", 3)) {
		say_entry(EXEC_DIR, "d", "");
		if (!strcmp(lie, "in-link")) {
			say_entry(EXEC_LINK, "l", "..");
			say_entry(EXEC_DIR, "l", "");
		}
		say_file(!strcmp(lie, "in-dots") ? ".." : !strcmp(lie, "in-path") ? "../evil" :
			 !strcmp(lie, "in-root") ? "/tmp/evil" : "evil");
	}
	if (!strcmp(lie, "up")) {
		say_entry(EXEC_UP, "", "");
		say_file("evil");
	}
	if (strcmp(lie, "half"))
		say_done();
}

int main(int argc, char **argv)
{
	static struct exec_msg m;
	static unsigned char buf[EXEC_MESSAGE];
	const char *lie = getenv("LIE");

	if (argc != 2 || !lie)
		return 2;
	chan = atoi(argv[1]);
	if (exec_receive(chan, &m, buf) <= 0 || m.type != EXEC_START)
		return 1;
	if (m.start.kind == EXEC_RUN) {
		lie_of_exec(lie);
		exec_receive(chan, &m, buf);	/* a socket that is closed unread is reset */
	} else {
		lie_of_copies(lie);
	}
	return 0;
}
