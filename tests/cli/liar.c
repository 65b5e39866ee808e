// SPDX-License-Identifier: GPL-2.0-only
/*
 * An agent that lies, for tests of rfm exec and rfm cp.
 *
 * usage: liar CHANNEL		on that descriptor, as $LIE says
 *	  liar			offers the agent's service; each time as the file /run/lie says
 *	  liar ask KERNEL	no agent but one that asks an agent for "touch /run/asked", and
 *				prints what it says
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "rainforest.h"

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

static int lie_as(const char *lie)
{
	static struct exec_msg m;
	static unsigned char buf[EXEC_MESSAGE];

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

static int offer(void)
{
	int service = rf_listen(EXEC_SERVICE, 4, 0);
	char lie[32];
	FILE *file;

	if (service < 0)
		return 1;
	puts("ready");
	fflush(stdout);
	while ((chan = rf_accept(service, NULL, 0, 0)) >= 0) {
		file = fopen("/run/lie", "r");
		if (!file || fscanf(file, "%31s", lie) != 1)
			return 1;
		fclose(file);
		lie_as(lie);
		rf_close(chan);
	}
	return 1;
}

static int ask(const char *kernel)
{
	static struct exec_msg m;
	static unsigned char buf[EXEC_MESSAGE];
	struct exec_start_head head = { .kind = EXEC_RUN };
	char *argv[] = { "touch", "/run/asked", NULL }, *env[] = { "PATH=/bin", NULL };
	int ret;

	chan = rf_open(kernel, EXEC_SERVICE, 5000, 0);
	if (chan < 0) {
		printf("open: %s\n", strerror(errno));
		return 0;
	}
	ret = exec_ask(chan, buf, exec_start_pack(buf, &head, "/", argv, env));
	if (!ret)
		ret = exec_receive(chan, &m, buf);
	if (ret > 0 && m.type == EXEC_ERROR)
		printf("refused: %s\n", strerror(m.error.error));
	else if (ret > 0 && m.type == EXEC_EXIT)
		printf("done: %d\n", m.exit.value);
	else
		printf("%d\n", ret);
	return 0;
}

int main(int argc, char **argv)
{
	const char *lie = getenv("LIE");

	if (argc == 1)
		return offer();
	if (argc == 3 && !strcmp(argv[1], "ask"))
		return ask(argv[2]);
	if (argc != 2 || !lie)
		return 2;
	chan = atoi(argv[1]);
	return lie_as(lie);
}
