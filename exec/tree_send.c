// SPDX-License-Identifier: GPL-2.0-only
/* Sending a tree. */
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chan.h"

/**
 * struct sender - a tree on its way
 * @chan: channel
 * @warn: see tree_send()
 * @e: see tree_send()
 * @path: of what is sent at the moment
 * @buf: an ENTRY, or bytes of a file
 */
struct sender {
	int chan;
	tree_warn *warn;
	struct tree_error *e;
	char path[4096];
	unsigned char buf[EXEC_DATA_MAX];
};

static int send_tree(struct sender *s, int dir, const char *name, const char *as, int depth);

static int failed(struct sender *s, int step, int error)
{
	s->e->step = step;
	s->e->error = error < 0 ? -error : error;
	s->e->remote = false;
	if (step)
		snprintf(s->e->text, sizeof(s->e->text), "%.*s", EXEC_TEXT_MAX, s->path);
	return -1;
}

/* What is not there any more, or is nothing that can be copied. */
static int left_out(struct sender *s, int error)
{
	s->warn(s->chan, error, s->path, strnlen(s->path, EXEC_TEXT_MAX));
	return 0;
}

static int send_entry(struct sender *s, enum exec_entry_kind kind, const struct stat *st,
		      const char *name, const char *target)
{
	struct exec_entry_head head = {
		.type = EXEC_ENTRY, .kind = kind, .name_len = strlen(name),
		.mode = st->st_mode & 07777, .mtime = st->st_mtim.tv_sec,
		.mtime_nsec = st->st_mtim.tv_nsec,
	};
	size_t len = sizeof(head), n = strlen(target);
	int ret;

	memcpy(s->buf, &head, len);
	memcpy(s->buf + len, name, head.name_len);
	len += head.name_len;
	memcpy(s->buf + len, target, n);
	ret = exec_send(s->chan, s->buf, len + n);
	return ret ? failed(s, 0, ret) : 0;
}

static int send_link(struct sender *s, int dir, const char *name, const char *as,
		     const struct stat *st)
{
	char target[EXEC_TARGET_MAX + 1];
	ssize_t n = readlinkat(dir, name, target, EXEC_TARGET_MAX);

	if (n <= 0)
		return left_out(s, n ? errno : EINVAL);
	target[n] = '\0';
	return send_entry(s, EXEC_LINK, st, as, target);
}

static int send_bytes(struct sender *s, int fd)
{
	ssize_t n;
	int ret;

	while ((n = read(fd, s->buf, sizeof(s->buf)))) {
		if (n < 0)
			return failed(s, EXEC_STEP_READ, errno);
		ret = exec_send_bytes(s->chan, EXEC_DATA, s->buf, n);
		if (ret)
			return failed(s, 0, ret);
	}
	return 0;
}

static int send_file(struct sender *s, int fd, const char *as, const struct stat *st)
{
	int ret = send_entry(s, EXEC_FILE, st, as, "");

	return ret ? ret : send_bytes(s, fd);
}

static int send_children(struct sender *s, DIR *d, int depth)
{
	size_t len = strlen(s->path);
	struct dirent *de;
	int ret = 0;

	while (!ret && (errno = 0, de = readdir(d))) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		if (len + strlen(de->d_name) + 2 > sizeof(s->path))
			return failed(s, EXEC_STEP_READ, ENAMETOOLONG);
		s->path[len] = '/';
		strcpy(s->path + len + 1, de->d_name);
		ret = send_tree(s, dirfd(d), de->d_name, de->d_name, depth + 1);
		if (!ret)
			s->path[len] = '\0';
	}
	return !ret && errno ? failed(s, EXEC_STEP_READ, errno) : ret;
}

static int send_dir(struct sender *s, int fd, const char *as, const struct stat *st, int depth)
{
	DIR *d;
	int ret;

	if (depth >= TREE_DEPTH)
		return failed(s, EXEC_STEP_READ, ENAMETOOLONG);
	ret = send_entry(s, EXEC_DIR, st, as, "");
	if (ret)
		return ret;
	d = fdopendir(dup(fd));
	if (!d)
		return failed(s, EXEC_STEP_READ, errno);
	ret = send_children(s, d, depth);
	closedir(d);
	return ret ? ret : send_entry(s, EXEC_UP, st, "", "");
}

/* Whatever has the name by then: what was opened is looked at, and nothing else. */
static int send_tree(struct sender *s, int dir, const char *name, const char *as, int depth)
{
	struct stat st;
	int fd, ret;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		return depth ? left_out(s, errno) : failed(s, EXEC_STEP_READ, errno);
	if (S_ISLNK(st.st_mode))
		return send_link(s, dir, name, as, &st);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return left_out(s, EOPNOTSUPP);
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return depth && errno == ENOENT ? left_out(s, errno) :
						  failed(s, EXEC_STEP_READ, errno);
	if (fstat(fd, &st))
		ret = failed(s, EXEC_STEP_READ, errno);
	else if (S_ISDIR(st.st_mode))
		ret = send_dir(s, fd, as, &st, depth);
	else
		ret = S_ISREG(st.st_mode) ? send_file(s, fd, as, &st) : left_out(s, EOPNOTSUPP);
	close(fd);
	return ret;
}

int tree_send(int chan, const char *path, tree_warn *warn, struct tree_error *e)
{
	struct sender *s = calloc(1, sizeof(*s));
	const char done = EXEC_DONE;
	int ret;

	*e = (struct tree_error){ .step = EXEC_STEP_READ, .error = s ? ENAMETOOLONG : ENOMEM };
	if (!s || strlen(path) >= sizeof(s->path)) {
		free(s);
		return -1;
	}
	s->chan = chan;
	s->warn = warn;
	s->e = e;
	strcpy(s->path, path);
	/* what it is called there, the receiver was told */
	ret = send_tree(s, AT_FDCWD, path, "top", 0);
	if (!ret) {
		ret = exec_send(chan, &done, 1);
		if (ret)
			ret = failed(s, 0, ret);
	}
	free(s);
	return ret;
}
