// SPDX-License-Identifier: GPL-2.0-only
/*
 * What POSIX says of files, asked of a directory, for tests of file systems that a subOS gets
 * from its supervisor. Nothing in it knows of RainForest.
 *
 * usage: fsops posix DIR		one line for each case: "ok NAME" or "not ok NAME: why"
 *	  fsops random DIR SEED COUNT	COUNT random writes, reads, truncations, mappings of a file,
 *					each compared with a copy in memory
 *	  fsops verify FILE SEED MB	writes a file, closes it, reads and compares it
 *	  fsops churn DIR SEED COUNT	makes, renames, links, removes files at random, compares
 *					the names that are there with those that should be
 *
 * Run by root. Exit status 0, 1 when something is not as it should be.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static char why[256];

static jmp_buf leave;	/* the way out of a case that has failed */

static noreturn void fails(int line, const char *what)
{
	snprintf(why, sizeof(why), "line %d: %s (errno %d)", line, what, errno);
	longjmp(leave, 1);
}

#define WANT(condition)		((condition) ? (void)0 : fails(__LINE__, #condition))
#define FAILS(call, error)	WANT((call) == -1 && errno == (error))

static bool put(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	return fd >= 0 && !close(fd) && done;
}

static bool holds(int fd, const char *text)
{
	char buf[256];
	ssize_t n = pread(fd, buf, sizeof(buf), 0);

	return n == (ssize_t)strlen(text) && !memcmp(buf, text, n);
}

static bool passes(bool (*fn)(void))
{
	return !setjmp(leave) && fn();
}

/* In a child, as somebody else if @uid is not 0: its answer. */
static bool child(bool (*fn)(void), uid_t uid)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (uid && (setgid(uid) || setuid(uid)))
			_exit(2);
		if (passes(fn))
			_exit(0);
		dprintf(STDERR_FILENO, "in a child: %s\n", why);
		_exit(1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* --- cases --- */
static bool create_exclusive(void)
{
	int fd = open("f", O_CREAT | O_EXCL | O_RDWR, 0600);

	WANT(fd >= 0);
	FAILS(open("f", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
	close(fd);
	return true;
}

static bool no_such(void)
{
	FAILS(open("none", O_RDONLY), ENOENT);
	FAILS(open("none/none", O_CREAT | O_RDWR, 0600), ENOENT);
	FAILS(unlink("none"), ENOENT);
	FAILS(rmdir("none"), ENOENT);
	FAILS(rename("none", "other"), ENOENT);
	return true;
}

static bool names(void)
{
	char name[300];

	memset(name, 'n', sizeof(name));
	name[255] = '\0';
	WANT(put(name, "x") && !unlink(name));
	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	FAILS(open(name, O_CREAT | O_RDWR, 0600), ENAMETOOLONG);
	WANT(put("a b\tc\\\xc3\xa4\xff", "x") && !unlink("a b\tc\\\xc3\xa4\xff"));
	return true;
}

static bool modes(void)
{
	struct stat st;

	umask(027);
	WANT(put("f", "x"));
	WANT(!stat("f", &st) && (st.st_mode & 07777) == 0640);
	umask(022);
	WANT(!chmod("f", 06755) && !stat("f", &st) && (st.st_mode & 07777) == 06755);
	WANT(!mkdir("d", 01777) && !chmod("d", 01777));
	WANT(!stat("d", &st) && (st.st_mode & 07777) == 01777);
	return true;
}

static bool owners(void)
{
	struct stat st;

	WANT(put("f", "x") && !chown("f", 1234, 5678));
	WANT(!stat("f", &st) && st.st_uid == 1234 && st.st_gid == 5678);
	WANT(!symlink("f", "l") && !lchown("l", 11, 12));
	WANT(!lstat("l", &st) && st.st_uid == 11 && st.st_gid == 12);
	WANT(!stat("l", &st) && st.st_uid == 1234);
	return true;
}

static bool as_other(void)
{
	struct stat st;

	FAILS(open("secret", O_RDONLY), EACCES);
	FAILS(open("new", O_CREAT | O_RDWR, 0600), EACCES);
	FAILS(unlink("secret"), EACCES);
	FAILS(chmod("secret", 0644), EPERM);
	WANT(put("open/mine", "x"));
	WANT(!stat("open/mine", &st) && st.st_uid == 1000 && st.st_gid == 1000);
	FAILS(unlink("open/roots"), EPERM);	/* sticky */
	return true;
}

static bool permissions(void)
{
	WANT(put("secret", "x") && !chmod("secret", 0600));
	WANT(!mkdir("open", 0777) && !chmod("open", 01777) && put("open/roots", "x"));
	WANT(child(as_other, 1000));
	return true;
}

static bool set_group_directory(void)
{
	struct stat st;

	WANT(!mkdir("d", 0755) && !chown("d", 0, 77) && !chmod("d", 02755));
	WANT(put("d/f", "x") && !stat("d/f", &st) && st.st_gid == 77);
	return true;
}

static bool links(void)
{
	struct stat a, b;

	WANT(put("f", "one") && !link("f", "g"));
	WANT(!stat("f", &a) && !stat("g", &b) && a.st_ino == b.st_ino && a.st_nlink == 2);
	WANT(put("g", "two"));
	WANT(!unlink("f") && !stat("g", &b) && b.st_nlink == 1);
	FAILS(link("g", "g"), EEXIST);
	FAILS(link("none", "h"), ENOENT);
	return true;
}

static bool symlinks(void)
{
	char target[64] = "";

	WANT(put("f", "x") && !symlink("f", "l"));
	WANT(readlink("l", target, sizeof(target)) == 1 && target[0] == 'f');
	WANT(!symlink("loop", "loop"));
	FAILS(open("loop", O_RDONLY), ELOOP);
	FAILS(open("l", O_RDONLY | O_NOFOLLOW), ELOOP);
	WANT(!symlink("nowhere", "dangling"));
	FAILS(open("dangling", O_RDONLY), ENOENT);
	return true;
}

static bool directories(void)
{
	WANT(!mkdir("d", 0755));
	FAILS(mkdir("d", 0755), EEXIST);
	WANT(put("d/f", "x"));
	FAILS(rmdir("d"), ENOTEMPTY);
	FAILS(unlink("d"), EISDIR);
	FAILS(rmdir("d/f"), ENOTDIR);
	FAILS(open("d/f/g", O_RDONLY), ENOTDIR);
	FAILS(open("d", O_WRONLY), EISDIR);
	WANT(!unlink("d/f") && !rmdir("d"));
	return true;
}

static bool rename_over_open(void)
{
	int old, new;

	WANT(put("f", "old") && put("g", "new"));
	old = open("f", O_RDWR);
	WANT(old >= 0 && !rename("g", "f"));
	WANT(holds(old, "old"));
	WANT(pwrite(old, "OLD", 3, 0) == 3 && holds(old, "OLD"));
	new = open("f", O_RDONLY);
	WANT(new >= 0 && holds(new, "new"));
	close(old);
	close(new);
	return true;
}

static bool renames(void)
{
	WANT(!mkdir("d", 0755) && !mkdir("e", 0755) && put("d/f", "x") && put("f", "y"));
	FAILS(rename("f", "d"), EISDIR);
	FAILS(rename("d", "f"), ENOTDIR);
	FAILS(rename("d", "d/sub"), EINVAL);
	FAILS(rename("e", "d"), ENOTEMPTY);
	WANT(!rename("d", "e") && !access("e/f", F_OK));
	FAILS(renameat2(AT_FDCWD, "f", AT_FDCWD, "e", RENAME_NOREPLACE), EEXIST);
	WANT(put("g", "z") && !renameat2(AT_FDCWD, "f", AT_FDCWD, "g", RENAME_EXCHANGE));
	return true;
}

static bool unlink_open(void)
{
	struct stat st;
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	WANT(fd >= 0 && write(fd, "still", 5) == 5 && !unlink("f"));
	WANT(holds(fd, "still") && !fstat(fd, &st) && st.st_nlink == 0);
	WANT(write(fd, "!", 1) == 1 && holds(fd, "still!"));
	FAILS(open("f", O_RDONLY), ENOENT);
	close(fd);
	return true;
}

static bool append(void)
{
	int a = open("f", O_CREAT | O_WRONLY | O_APPEND, 0600), b;

	b = open("f", O_RDWR | O_APPEND);
	WANT(a >= 0 && b >= 0);
	for (int i = 0; i < 10; i++)
		WANT(write(i % 2 ? a : b, "ab", 2) == 2);
	WANT(holds(b, "abababababababababab"));
	close(a);
	close(b);
	return true;
}

static bool sizes(void)
{
	struct stat st;
	char c = 1;
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	WANT(fd >= 0 && pwrite(fd, "x", 1, 1000000) == 1);
	WANT(pread(fd, &c, 1, 500000) == 1 && c == 0);
	WANT(!ftruncate(fd, 10) && !fstat(fd, &st) && st.st_size == 10);
	WANT(!ftruncate(fd, 2000000) && pread(fd, &c, 1, 1000000) == 1 && c == 0);
	WANT(pread(fd, &c, 1, 2000000) == 0);
	FAILS(ftruncate(fd, -1), EINVAL);
	WANT(!fallocate(fd, 0, 0, 4096));
	WANT(lseek(fd, 5, SEEK_SET) == 5 && lseek(fd, 0, SEEK_END) == 2000000);
	close(fd);
	return true;
}

static bool times(void)
{
	const struct timespec ts[2] = { { .tv_sec = 1000, .tv_nsec = 5 }, { .tv_sec = 2000 } };
	struct stat a, b;

	WANT(put("f", "x") && !utimensat(AT_FDCWD, "f", ts, 0) && !stat("f", &a));
	WANT(a.st_atim.tv_sec == 1000 && a.st_atim.tv_nsec == 5 && a.st_mtim.tv_sec == 2000);
	WANT(put("f", "y") && !stat("f", &b) && b.st_mtim.tv_sec > 1000000);
	return true;
}

static bool mapped(void)
{
	char *p, c = 0;
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	WANT(fd >= 0 && !ftruncate(fd, 10000));
	p = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	WANT(p != MAP_FAILED);
	p[9000] = 'm';
	WANT(pread(fd, &c, 1, 9000) == 1 && c == 'm');
	WANT(pwrite(fd, "w", 1, 100) == 1 && p[100] == 'w');
	WANT(!msync(p, 10000, MS_SYNC) && !munmap(p, 10000));
	close(fd);
	fd = open("f", O_RDONLY);
	WANT(pread(fd, &c, 1, 9000) == 1 && c == 'm');
	close(fd);
	return true;
}

static bool private_mapping(void)
{
	char *p, c = 0;
	int fd;

	WANT(put("f", "abc"));
	fd = open("f", O_RDONLY);
	p = mmap(NULL, 3, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	WANT(p != MAP_FAILED && p[1] == 'b');
	p[1] = 'X';
	WANT(pread(fd, &c, 1, 1) == 1 && c == 'b');
	munmap(p, 3);
	close(fd);
	return true;
}

static bool syncs(void)
{
	int dir = open(".", O_RDONLY | O_DIRECTORY), fd = open("f", O_CREAT | O_RDWR, 0600);

	WANT(write(fd, "x", 1) == 1 && !fsync(fd) && !fdatasync(fd) && !fsync(dir));
	close(fd);
	close(dir);
	return true;
}

static bool locked_elsewhere(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10 };
	int fd = open("f", O_RDWR);

	WANT(fd >= 0 && fcntl(fd, F_SETLK, &l) == -1 && (errno == EAGAIN || errno == EACCES));
	WANT(!fcntl(fd, F_GETLK, &l) && l.l_type == F_WRLCK && l.l_pid == getppid());
	l = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 30, .l_len = 10 };
	WANT(!fcntl(fd, F_SETLK, &l));
	return true;
}

static bool record_locks(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 10 };
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	WANT(fd >= 0 && !fcntl(fd, F_SETLK, &l));
	WANT(child(locked_elsewhere, 0));
	close(fd);
	return true;
}

static bool flocked_elsewhere(void)
{
	int fd = open("f", O_RDWR);

	FAILS(flock(fd, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	WANT(!flock(fd, LOCK_SH | LOCK_NB));
	return true;
}

static bool whole_locks(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	WANT(fd >= 0 && !flock(fd, LOCK_SH));
	WANT(child(flocked_elsewhere, 0));
	close(fd);
	return true;
}

static bool attributes(void)
{
	char value[16];

	WANT(put("f", "x") && !setxattr("f", "user.a", "one", 3, XATTR_CREATE));
	FAILS(setxattr("f", "user.a", "two", 3, XATTR_CREATE), EEXIST);
	WANT(getxattr("f", "user.a", value, sizeof(value)) == 3 && !memcmp(value, "one", 3));
	FAILS(getxattr("f", "user.b", value, sizeof(value)), ENODATA);
	WANT(listxattr("f", value, sizeof(value)) >= 7);
	WANT(!removexattr("f", "user.a"));
	FAILS(removexattr("f", "user.a"), ENODATA);
	return true;
}

static bool special_files(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = "sock" };
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
	struct stat st;

	WANT(!mkfifo("fifo", 0600) && !stat("fifo", &st) && S_ISFIFO(st.st_mode));
	WANT(!bind(s, (struct sockaddr *)&addr, sizeof(addr)) && !listen(s, 1));
	WANT(!connect(c, (struct sockaddr *)&addr, sizeof(addr)));
	close(s);
	close(c);
	return true;
}

static bool many_entries(void)
{
	char name[32];
	int i, n = 0;
	struct dirent *e;
	DIR *dir;

	WANT(!mkdir("d", 0755));
	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "d/entry-%04d", i);
		WANT(put(name, ""));
	}
	dir = opendir("d");
	WANT(dir);
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	WANT(n == 1000);
	rewinddir(dir);
	while ((e = readdir(dir))) {
		snprintf(name, sizeof(name), "d/%.20s", e->d_name);
		if (e->d_name[0] != '.')
			WANT(!unlink(name));
	}
	closedir(dir);
	WANT(!rmdir("d"));
	return true;
}

static bool space(void)
{
	struct statvfs vfs;

	WANT(!statvfs(".", &vfs) && vfs.f_blocks && vfs.f_bsize && vfs.f_namemax >= 255);
	return true;
}

static bool write_clears_setuid(void)
{
	struct stat st;
	int fd = open("f", O_WRONLY);

	WANT(fd >= 0 && write(fd, "y", 1) == 1 && !close(fd));
	WANT(!stat("f", &st) && !(st.st_mode & S_ISUID));
	return true;
}

static bool setuid_is_cleared(void)
{
	WANT(put("f", "x") && !chown("f", 1000, 1000) && !chmod("f", 04755));
	WANT(child(write_clears_setuid, 1000));
	return true;
}

static bool executes(void)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int from, to, status;
	char buf[65536];
	pid_t pid;

	WANT(n > 0);
	self[n] = '\0';
	from = open(self, O_RDONLY);
	to = open("prog", O_CREAT | O_WRONLY, 0755);
	WANT(from >= 0 && to >= 0);
	while ((n = read(from, buf, sizeof(buf))) > 0)
		WANT(write(to, buf, n) == n);
	close(from);
	WANT(!close(to));
	pid = fork();
	if (!pid) {
		execl("./prog", "prog", (char *)NULL);
		_exit(99);
	}
	WANT(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 2);
	return true;
}

static const struct {
	const char *name;
	bool (*fn)(void);
} cases[] = {
	{ "create exclusive", create_exclusive }, { "no such file", no_such },
	{ "names", names }, { "modes and umask", modes }, { "owners", owners },
	{ "permissions of another user", permissions },
	{ "group of a directory", set_group_directory }, { "hard links", links },
	{ "symbolic links", symlinks }, { "directories", directories },
	{ "rename over an open file", rename_over_open }, { "renames", renames },
	{ "unlink of an open file", unlink_open }, { "append", append }, { "sizes", sizes },
	{ "times", times }, { "shared mapping", mapped }, { "private mapping", private_mapping },
	{ "fsync", syncs }, { "record locks", record_locks }, { "flock", whole_locks },
	{ "extended attributes", attributes }, { "fifos and sockets", special_files },
	{ "a thousand entries", many_entries }, { "statvfs", space },
	{ "set-user-id is cleared by a write", setuid_is_cleared }, { "execution", executes },
};

static int posix(const char *dir)
{
	char sub[32];
	int bad = 0;

	if (chdir(dir)) {
		printf("%s: %s\n", dir, strerror(errno));
		return 1;
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(sub, sizeof(sub), "case%zu", i);
		if (mkdir(sub, 0755) || chdir(sub)) {
			printf("%s: %s\n", sub, strerror(errno));
			return 1;
		}
		umask(022);
		if (passes(cases[i].fn)) {
			printf("ok %s\n", cases[i].name);
		} else {
			printf("not ok %s: %s\n", cases[i].name, why);
			bad = 1;
		}
		if (chdir(".."))
			return 1;
	}
	return bad;
}

/* --- random operations --- */
static uint64_t seed;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (seed >> 33) % below;
}

#define FILE_MAX	(256 * 1024)

static unsigned char copy[FILE_MAX], buf[FILE_MAX];
static size_t size;

static int wrong(unsigned long n, const char *what)
{
	printf("operation %lu, %s: not what it should be\n", n, what);
	return 1;
}

static bool same(size_t at, size_t len)
{
	return !memcmp(buf, copy + at, len);
}

static bool do_write(int fd)
{
	size_t at = rnd(FILE_MAX), len = 1 + rnd(FILE_MAX - at);

	for (size_t i = 0; i < len; i += 97)
		buf[i] = rnd(256);
	if (at > size)
		memset(copy + size, 0, at - size);
	memcpy(copy + at, buf, len);
	size = at + len > size ? at + len : size;
	return pwrite(fd, buf, len, at) == (ssize_t)len;
}

static bool do_read(int fd)
{
	size_t at = rnd(FILE_MAX), len = 1 + rnd(FILE_MAX - at);
	ssize_t want = at >= size ? 0 : at + len > size ? size - at : len;

	return pread(fd, buf, len, at) == want && same(at, want);
}

static bool do_truncate(int fd)
{
	size_t to = rnd(FILE_MAX);

	if (to > size)
		memset(copy + size, 0, to - size);
	size = to;
	return !ftruncate(fd, to);
}

static bool do_map(int fd, bool write)
{
	size_t at, len;
	unsigned char *p;
	bool good = true;

	if (size < 2)
		return true;
	at = rnd(size - 1);
	len = 1 + rnd(size - at - 1);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return false;
	if (write) {
		memset(p + at, rnd(256), len);
		memcpy(copy + at, p + at, len);
	} else {
		good = !memcmp(p + at, copy + at, len);
	}
	if (rnd(3) == 0)
		msync(p, size, MS_SYNC);
	munmap(p, size);
	return good;
}

static int random_operations(const char *dir, unsigned long count)
{
	static const char *const words[] = {
		"write", "read", "truncate", "mapped write", "mapped read", "reopen", "sync"
	};
	unsigned long n;
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/random", dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	for (n = 0; n < count; n++) {
		uint32_t what = rnd(7);
		bool good = fd >= 0;

		if (what == 0)
			good = good && do_write(fd);
		else if (what == 1)
			good = good && do_read(fd);
		else if (what == 2)
			good = good && do_truncate(fd);
		else if (what < 5)
			good = good && do_map(fd, what == 3);
		else if (what == 5)
			good = !close(fd) && (fd = open(path, O_RDWR)) >= 0;
		else
			good = good && !fsync(fd);
		if (!good)
			return wrong(n, words[what]);
	}
	if (pread(fd, buf, FILE_MAX, 0) != (ssize_t)size || !same(0, size))
		return wrong(n, "end");
	printf("%lu operations\n", n);
	return 0;
}

static int verify(const char *path, unsigned long mb)
{
	uint64_t first = seed;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	for (unsigned long i = 0; i < mb * 8; i++) {
		for (size_t j = 0; j < 131072; j += 8) {
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			memcpy(buf + j, &seed, 8);
		}
		if (write(fd, buf, 131072) != 131072) {
			printf("write at %lu KB: %s\n", i * 128, strerror(errno));
			return 1;
		}
	}
	if (fsync(fd) || close(fd))
		return wrong(0, "close");
	fd = open(path, O_RDONLY);
	seed = first;
	for (unsigned long i = 0; i < mb * 8; i++) {
		if (read(fd, buf, 131072) != 131072)
			return wrong(i, "length");
		for (size_t j = 0; j < 131072; j += 8) {
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			if (memcmp(buf + j, &seed, 8))
				return wrong(i, "bytes");
		}
	}
	printf("%lu MB\n", mb);
	return 0;
}

/* Names 0 to 63 in two directories; what is there is known. */
#define NAMES	64

static int churn(const char *dir, unsigned long count)
{
	bool there[2][NAMES] = { 0 };
	char a[64], b[64];

	if (chdir(dir) || mkdir("c0", 0755) || mkdir("c1", 0755))
		return wrong(0, "mkdir");
	for (unsigned long n = 0; n < count; n++) {
		uint32_t d = rnd(2), i = rnd(NAMES), e = rnd(2), j = rnd(NAMES);
		bool self = d == e && i == j, good;

		snprintf(a, sizeof(a), "c%u/%u", d, i);
		snprintf(b, sizeof(b), "c%u/%u", e, j);
		switch (rnd(4)) {
		case 0:
			good = put(a, a);
			there[d][i] = true;
			break;
		case 1:
			good = !unlink(a) == there[d][i];
			there[d][i] = false;
			break;
		case 2:
			/* renaming one link of a file onto another does nothing: no links stay */
			good = !rename(a, b) == there[d][i];
			if (there[d][i] && !self) {
				there[e][j] = true;
				there[d][i] = false;
			}
			break;
		default:
			good = !access(a, F_OK) == there[d][i];
			if (good && there[d][i] && !there[e][j])
				good = !link(a, b) && !unlink(b);
		}
		if (!good)
			return wrong(n, a);
	}
	for (uint32_t d = 0; d < 2; d++)
		for (uint32_t i = 0; i < NAMES; i++) {
			snprintf(a, sizeof(a), "c%u/%u", d, i);
			if (!access(a, F_OK) != there[d][i])
				return wrong(i, a);
			if (there[d][i] && unlink(a))
				return wrong(i, a);
		}
	if (rmdir("c0") || rmdir("c1"))
		return wrong(count, "rmdir");
	printf("%lu operations\n", count);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5)
		seed = strtoull(argv[3], NULL, 0);
	if (argc == 3 && !strcmp(argv[1], "posix"))
		return posix(argv[2]);
	if (argc == 5 && !strcmp(argv[1], "random"))
		return random_operations(argv[2], strtoul(argv[4], NULL, 0));
	if (argc == 5 && !strcmp(argv[1], "verify"))
		return verify(argv[2], strtoul(argv[4], NULL, 0));
	if (argc == 5 && !strcmp(argv[1], "churn"))
		return churn(argv[2], strtoul(argv[4], NULL, 0));
	return 2;
}
