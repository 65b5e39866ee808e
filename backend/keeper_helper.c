// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes that serve file systems and disks: virtiofsd and qemu-storage-daemon. They get
 * a socket to listen on, on which we are the only client.
 */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/mount.h>

#include "vuser.h"

#define VIRTIOFSD	"/usr/lib/qemu/virtiofsd"
#define STORAGE		"/usr/bin/qemu-storage-daemon"
#define SOCKET_FD	3	/* of the child */
#define HELLO_MS	10000
#define END_MS		5000	/* for a killed process to be gone */

static int listener(struct sockaddr_un *at)
{
	static unsigned int count;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* Abstract, of our own process: there for as long as it takes to connect. */
	*at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(at->sun_path + 1, sizeof(at->sun_path) - 1, "rfbackend.%d.%u", getpid(), count++);
	if (fd < 0 || bind(fd, (struct sockaddr *)at, sizeof(*at)) || listen(fd, 1)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* A kernel's first root cannot be left by pivot_root(). */
static bool on_rootfs(void)
{
	char line[512];
	bool found = false;
	FILE *f = fopen("/proc/mounts", "re");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "rootfs / ", 9))
			found = true;
	if (f)
		fclose(f);
	return found;
}

/* Of this process alone: the directory, and all that is mounted below it, read-only. */
static void make_read_only(const char *dir)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount(dir, dir, NULL, MS_BIND | MS_REC, NULL) ||
	    syscall(SYS_mount_setattr, AT_FDCWD, dir, AT_RECURSIVE, &attr, sizeof(attr))) {
		fprintf(stderr, "cannot make %s read-only: %s\n", dir, strerror(errno));
		_exit(1);
	}
}

/*
 * Locks stay in the subOS's kernel: virtiofsd cannot wait for one of the supervisor's, and
 * programs that wait for locks would fail.
 */
static void run_virtiofsd(const struct spec *s)
{
	char options[SPEC_PATH_MAX + 200], fd[16];

	if (s->read_only)
		make_read_only(s->path);
	snprintf(options, sizeof(options),
		 "source=%s,sandbox=%s,cache=%s,xattr,announce_submounts,no_posix_lock,no_flock,log_level=err",
		 s->path, on_rootfs() ? "chroot" : "namespace", s->cache_always ? "always" : "auto");
	snprintf(fd, sizeof(fd), "--fd=%d", SOCKET_FD);
	execl(VIRTIOFSD, "virtiofsd", "-f", fd, "--thread-pool-size=0", "-o", options, NULL);
}

/* Root's files and those of others it has to open; nothing else of what root may. */
static int one_capability(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = 1U << CAP_DAC_OVERRIDE, .permitted = 1U << CAP_DAC_OVERRIDE },
	};
	unsigned int cap;

	for (cap = 0; !prctl(PR_CAPBSET_READ, cap, 0, 0, 0) || cap <= CAP_LAST_CAP; cap++)
		if (cap != CAP_DAC_OVERRIDE)
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	return syscall(SYS_capset, &head, data) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void run_storage(const struct spec *s)
{
	char file[SPEC_PATH_MAX + 100], format[100], export[160];
	const char *ro = s->read_only ? "on" : "off";
	struct stat st;

	if (stat(s->path, &st)) {
		fprintf(stderr, "%s: %s\n", s->path, strerror(errno));
		_exit(1);
	}
	snprintf(file, sizeof(file), "driver=%s,node-name=file,filename=%s,read-only=%s,discard=unmap",
		 S_ISBLK(st.st_mode) ? "host_device" : "file", s->path, ro);
	snprintf(format, sizeof(format), "driver=%s,node-name=disk,file=file,read-only=%s,discard=unmap",
		 s->qcow2 ? "qcow2" : "raw", ro);
	snprintf(export, sizeof(export),
		 "type=vhost-user-blk,id=disk,node-name=disk,addr.type=fd,addr.str=%d,writable=%s,num-queues=1",
		 SOCKET_FD, s->read_only ? "off" : "on");
	if (one_capability())
		fprintf(stderr, "cannot give privileges up: %s\n", strerror(errno));
	else
		execl(STORAGE, "qemu-storage-daemon", "--blockdev", file, "--blockdev", format,
		      "--export", export, NULL);
}

static void child(const struct kdev *d, int sock)
{
	const struct spec *s = &d->spec;
	sigset_t none;
	int null = open("/dev/null", O_RDWR);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sock = fcntl(sock, F_DUPFD, 10);	/* out of the way of those that are set up */
	if (dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(d->errors, 2) < 0 ||
	    dup2(sock, SOCKET_FD) < 0)
		_exit(1);
	syscall(SYS_close_range, SOCKET_FD + 1, ~0U, 0);
	if (s->kind == SPEC_DISK)
		run_storage(s);
	else
		run_virtiofsd(s);
	fprintf(stderr, "cannot be started: %s\n", strerror(errno));
	_exit(1);
}

/* The last line of what it complained about. */
static void last_words(struct kdev *d, char *err)
{
	const char *program = d->spec.kind == SPEC_DISK ? STORAGE : VIRTIOFSD;
	char text[1024], *line;
	ssize_t n;

	n = pread(d->errors, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
		text[--n] = '\0';
	line = strrchr(text, '\n');
	line = line ? line + 1 : text;
	snprintf(err, SPEC_ERR_MAX, "%s: %.160s", d->spec.path,
		 *line ? line : "its helper does not answer");
	if (access(program, X_OK))
		snprintf(err, SPEC_ERR_MAX, "there is no %s; apt install qemu-system-common",
			 program);
}

/*
 * What it was writing is written when it has ended: only then another one may begin. Who
 * hangs in a file system of the network is not waited for without limit.
 */
static void kill_helper(pid_t pid)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	uint64_t end = keeper_now_ms() + END_MS;

	kill(pid, SIGKILL);
	while (!waitpid(pid, NULL, WNOHANG) && keeper_now_ms() < end)
		nanosleep(&ms, NULL);
}

void keeper_end_helper(struct kdev *d)
{
	if (d->sock >= 0)
		close(d->sock);
	d->sock = -1;
	if (d->helper)
		kill_helper(d->helper);
	d->helper = 0;
	if (d->errors >= 0)
		close(d->errors);
	d->errors = -1;
	d->served = false;
}

/* It answers: what it was told could be done. */
static int connect_helper(struct kdev *d, const struct sockaddr_un *at)
{
	struct vuser v = { .timeout_ms = HELLO_MS };

	d->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (d->sock < 0 || connect(d->sock, (const struct sockaddr *)at, sizeof(*at)))
		return -errno;
	v.sock = d->sock;
	return vuser_hello(&v, d->spec.kind == SPEC_DISK);
}

int keeper_start_helper(struct keeper *k, struct kdev *d, char err[SPEC_ERR_MAX])
{
	struct sockaddr_un at;
	int sock, ret;

	keeper_end_helper(d);
	d->errors = memfd_create("errors", MFD_CLOEXEC);
	sock = listener(&at);
	if (d->errors < 0 || sock < 0) {
		snprintf(err, SPEC_ERR_MAX, "%s: cannot make a socket: %s", d->spec.path,
			 strerror(errno));
		return -EIO;
	}
	d->helper = fork();
	if (!d->helper)
		child(d, sock);
	close(sock);
	if (d->helper < 0) {
		d->helper = 0;
		snprintf(err, SPEC_ERR_MAX, "cannot start a process: %s", strerror(errno));
		return -EIO;
	}
	ret = connect_helper(d, &at);
	if (!ret)
		return 0;
	last_words(d, err);
	keeper_end_helper(d);
	return -EIO;
}
