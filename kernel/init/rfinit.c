// SPDX-License-Identifier: GPL-2.0-only
/*
 * First program of a subOS (rdinit=/.rainforest/init): loads the modules named
 * in /.rainforest/modules, tells the supervisor that init starts, and becomes
 * the /init of the user's own initrd, with the arguments that the kernel meant
 * for it, or of a root file system that the supervisor shares (root.c). Before
 * that it starts the agent of "rfm exec" (exec/agent.c).
 *
 * It must never let the machine be reset: where it cannot go on, it powers the
 * subOS off, or halts it when our module is not there.
 */
#include "rfinit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <unistd.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#define DIR_SYS		DIR_OURS "/sys"
#define DIR_SUBOS	DIR_SYS "/kernel/rainforest"
#define FILE_MODULES	DIR_OURS "/modules"
#define FILE_BOOT_ID	DIR_PROC "/sys/kernel/random/boot_id"
#define FILE_KEXEC	DIR_PROC "/sys/kernel/kexec_load_disabled"
#define FILE_MEMORY	DIR_SYS "/devices/system/memory/auto_online_blocks"
#define AGENT		DIR_OURS "/agent"
#define NODE_KMSG	DIR_OURS "/kmsg"
#define NODE_CONSOLE	DIR_OURS "/console"
#define MODULE_SUBOS	"rfsubos.ko"
#define INIT		"/init"
#define MODULES_SIZE	(16 << 10)
#define GROUPS_MAX	16
#define LATER_MAX	32
#define LOADERS_MAX	8

/* Lines of FILE_MODULES that begin a group, see modules_load(). */
enum mark { EARLY = '<', AFTER = '-', LATER = '>' };

struct group {
	enum mark mark;
	char *text;
};

/* Opened before init starts: it may remove the file. */
struct later {
	const char *path, *params;
	int fd;
};

static int kmsg = -1;
static struct group groups[GROUPS_MAX];
static unsigned int nr_groups;
static struct later later[LATER_MAX];
static unsigned int nr_later;
static pid_t loaders[LOADERS_MAX];
static unsigned int nr_loaders;

/* A line for the kernel's log; level as in printk, detail may be NULL. */
void say(int level, const char *text, const char *detail)
{
	char line[256];
	int n;

	n = snprintf(line, sizeof(line), "<%d>rfinit: %s%s%s\n", level, text,
		     detail ? ": " : "", detail ? detail : "");
	if (n >= (int)sizeof(line))
		n = sizeof(line) - 1;
	if (kmsg < 0 || write(kmsg, line, n) != n)
		dprintf(STDERR_FILENO, "%.*s", n, line);
}

static bool file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done;

	if (fd < 0)
		return false;
	done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return done;
}

static void file_read_word(const char *path, char *word, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, word, size - 1);

	word[n > 0 ? n : 0] = '\0';
	word[strcspn(word, " \t\r\n")] = '\0';
	if (fd >= 0)
		close(fd);
}

/* With the module, power off ends in a report; without, only halt leaves the machine alone. */
static noreturn void give_up(bool module, const char *reason)
{
	say(0, reason, NULL);
	if (module) {
		file_write(DIR_SUBOS "/reason", reason);
		sync();
		reboot(RB_POWER_OFF);
	}
	reboot(RB_HALT_SYSTEM);
	for (;;)
		pause();
}

/* Node of ours in the initramfs: the user's /dev is left as it is. */
static int node_open(const char *path, unsigned int major, unsigned int minor, int flags)
{
	int fd;

	if (mknod(path, S_IFCHR | 0600, makedev(major, minor)) && errno != EEXIST)
		return -1;
	fd = open(path, flags);
	unlink(path);
	return fd;
}

static void mounts_make(void)
{
	mkdir(DIR_PROC, 0700);
	mkdir(DIR_SYS, 0700);
	if (mount("proc", DIR_PROC, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		say(3, "cannot mount proc", strerror(errno));
	if (mount("sysfs", DIR_SYS, "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		say(3, "cannot mount sysfs", strerror(errno));
}

static void mounts_undo(void)
{
	umount2(DIR_SYS, MNT_DETACH);
	umount2(DIR_PROC, MNT_DETACH);
	rmdir(DIR_SYS);
	rmdir(DIR_PROC);
}

/* Modules that depend on each other may be listed twice: the second time is no failure. */
static bool module_fd_load(int fd, const char *path, const char *params)
{
	bool done;

	done = fd >= 0 && (!syscall(SYS_finit_module, fd, params, 0) || errno == EEXIST);
	if (!done)
		say(3, path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return done;
}

static bool module_load(const char *path, const char *params)
{
	return module_fd_load(open(path, O_RDONLY | O_CLOEXEC), path, params);
}

static bool is_subos_module(const char *path)
{
	const char *slash = strrchr(path, '/');

	return !strcmp(slash ? slash + 1 : path, MODULE_SUBOS);
}

static bool subos_module_load(const char *path, const char *params)
{
	char boot_id[40], all[256];

	file_read_word(FILE_BOOT_ID, boot_id, sizeof(boot_id));
	snprintf(all, sizeof(all), "boot_id=%s %s", boot_id, params);
	return module_load(path, all);
}

/* Cuts a line of FILE_MODULES in two. Return: the parameters. */
static char *params_of(char *line)
{
	char *params = line + strcspn(line, " ");

	if (*params)
		*params++ = '\0';
	return params;
}

static bool line_load(char *line)
{
	char *params = params_of(line);

	if (is_subos_module(line))
		return subos_module_load(line, params);
	module_load(line, params);
	return false;
}

/* Return: whether rfsubos was there and is loaded. */
static bool group_load(char *text)
{
	bool subos = false;
	char *line, *save;

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (*line != '#')
			subos |= line_load(line);
	return subos;
}

/* A group has a process of its own; where there can be none it is loaded here. */
static void group_start(char *text)
{
	pid_t pid = nr_loaders < LOADERS_MAX ? fork() : -1;

	if (pid > 0)
		loaders[nr_loaders++] = pid;
	else
		group_load(text);
	if (!pid)
		_exit(0);
}

static void groups_start(enum mark mark)
{
	unsigned int i;

	for (i = 0; i < nr_groups; i++)
		if (groups[i].mark == mark)
			group_start(groups[i].text);
}

static void loaders_wait(void)
{
	while (nr_loaders)
		waitpid(loaders[--nr_loaders], NULL, 0);
}

static bool is_mark(const char *line)
{
	return (*line == EARLY || *line == AFTER || *line == LATER) && line[1] == '\n';
}

/* Ends what stands before the first mark, and each group, with a zero. */
static void groups_find(char *text)
{
	char *line, *next;

	for (line = text; line; line = next) {
		next = strchr(line, '\n');
		next = next ? next + 1 : NULL;
		if (!is_mark(line))
			continue;
		if (nr_groups == GROUPS_MAX) {
			say(3, "too many groups of modules", FILE_MODULES);
			*line = '\0';
			return;
		}
		groups[nr_groups++] = (struct group){ *line, next };
		*line = '\0';
	}
}

/*
 * Each line is a path and, after a space, parameters; lines that begin with #
 * are comments. What stands before the first mark is loaded first, one after
 * the other. A mark, alone in a line, begins a group, which has a process of its
 * own, as the kernel takes long to verify signatures:
 *	<  it needs nothing of ours: beside what is loaded first
 *	-  it needs that, and the groups before: init waits for it
 *	>  the same, but nobody is known yet who wants it: beside init (later_load())
 * Return: whether the module is there without which nothing may go on.
 */
static bool modules_load(void)
{
	static char text[MODULES_SIZE];
	int fd = open(FILE_MODULES, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	bool subos;

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return false;
	if (n == sizeof(text) - 1)
		say(3, "too many modules", FILE_MODULES);
	groups_find(text);
	groups_start(EARLY);
	subos = group_load(text);
	loaders_wait();
	if (subos)
		groups_start(AFTER);
	return subos;
}

static void later_open(char *text)
{
	char *line, *save;
	struct later *l;

	for (line = strtok_r(text, "\n", &save); line && nr_later < LATER_MAX;
	     line = strtok_r(NULL, "\n", &save)) {
		if (*line == '#')
			continue;
		l = &later[nr_later++];
		l->params = params_of(line);
		l->path = line;
		l->fd = open(line, O_RDONLY | O_CLOEXEC);
	}
	if (line)
		say(3, "too many modules", FILE_MODULES);
}

/* Beside init, to which the process belongs; by its name systemd knows to let it live. */
static void later_load(char *name)
{
	unsigned int i;
	pid_t pid;

	for (i = 0; i < nr_groups; i++)
		if (groups[i].mark == LATER)
			later_open(groups[i].text);
	pid = nr_later ? fork() : 1;
	if (pid < 0)
		say(4, "no drivers of devices to come", strerror(errno));
	if (pid)
		return;
	*name = '@';
	for (i = 0; i < nr_later; i++)
		module_fd_load(later[i].fd, later[i].path, later[i].params);
	_exit(0);
}

static void console_take(void)
{
	int fd = node_open(NODE_CONSOLE, 5, 1, O_RDWR | O_NOCTTY);
	int i;

	if (fd < 0) {
		say(4, "no console", strerror(errno));
		return;
	}
	for (i = STDIN_FILENO; i <= STDERR_FILENO; i++)
		if (i != fd)
			dup2(fd, i);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* The agent of "rfm exec"; its first process ends when it listens. It may not be there. */
static void agent_start(void)
{
	static char name[] = "@rfagent";	/* '@': systemd lets it live */
	char *argv[] = { name, NULL }, *envp[] = { NULL };
	pid_t pid = fork();

	if (!pid) {
		execve(AGENT, argv, envp);
		_exit(0);
	}
	if (pid < 0)
		say(4, "no agent", strerror(errno));
	else
		waitpid(pid, NULL, 0);
}

/* The way to say why it fails is lost with the initrd: a descriptor of it stays. */
static noreturn void root_go(const char *tag, char **argv, char **envp)
{
	int reason_fd = open(DIR_SUBOS "/reason", O_WRONLY | O_CLOEXEC);
	char reason[96];
	int ret;

	mounts_undo();
	ret = root_enter(tag);
	if (!ret)
		root_exec(argv, envp);
	if (ret)
		snprintf(reason, sizeof(reason), "the root %.36s cannot be mounted: %s", tag,
			 strerror(-ret));
	else
		snprintf(reason, sizeof(reason), "there is no init in the root %.36s", tag);
	if (reason_fd >= 0 && write(reason_fd, reason, strlen(reason)) < 0)
		say(3, "cannot tell why", strerror(errno));
	give_up(true, reason);
}

int main(int argc, char **argv, char **envp)
{
	char reason[96], tag[64];
	bool shared;

	(void)argc;
	kmsg = node_open(NODE_KMSG, 1, 11, O_WRONLY | O_CLOEXEC);
	say(6, "starts", NULL);		/* tools/bench looks for it */
	mounts_make();
	if (!modules_load())
		give_up(false, MODULE_SUBOS " is not loaded, this kernel could reset the machine");
	if (!file_write(FILE_KEXEC, "1") && !access(FILE_KEXEC, F_OK))
		say(4, "kexec is not disabled", strerror(errno));
	/* memory that the supervisor adds later shall be able to leave again */
	if (!file_write(FILE_MEMORY, "online_movable") && !access(FILE_MEMORY, F_OK))
		say(4, "memory that is added may not leave again", strerror(errno));
	console_take();
	shared = root_wanted(tag, sizeof(tag));
	if (!shared && access(INIT, X_OK))
		give_up(true, "there is no " INIT " in the initrd that could be started");

	agent_start();
	loaders_wait();
	file_write(DIR_SUBOS "/state", "init");
	later_load(argv[0]);
	if (shared)
		root_go(tag, argv, envp);
	mounts_undo();
	argv[0] = (char *)INIT;
	execve(INIT, argv, envp);

	snprintf(reason, sizeof(reason), INIT " cannot be started: %s", strerror(errno));
	mounts_make();
	give_up(true, reason);
}
