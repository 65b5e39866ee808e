// SPDX-License-Identifier: GPL-2.0-only
/* Taking a tree from somebody who may lie. */
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chan.h"

#define MODE_FILE	0777	/* what is kept of a mode */
#define MODE_DIR	01777

/**
 * struct receiver - a tree that comes
 * @p: see tree_receive()
 * @e: see tree_receive()
 * @dir: the directories that we are in, @depth of them behind the first, the place
 * @made: they were not there before
 * @depth: see @dir
 * @begun: the first entry came
 * @file: the file that is written, -1: none
 * @temp: its name until it is complete
 * @m: the message, for a file: its entry
 * @entry: entry of the file
 * @name: name of the file
 * @path: for messages, where we are
 * @path_len: bytes of it at each depth
 * @buf: what @m points into
 */
struct receiver {
	const struct tree_place *p;
	struct tree_error *e;
	int dir[TREE_DEPTH + 1];
	bool made[TREE_DEPTH + 1];
	int depth;
	bool begun;
	int file;
	char temp[32];
	struct exec_msg m;
	struct exec_entry_head entry;
	char name[EXEC_NAME_MAX + 1];
	char path[TREE_DEPTH * (EXEC_NAME_MAX + 1) + 1];
	size_t path_len[TREE_DEPTH + 1];
	unsigned char buf[EXEC_MESSAGE];
};

static int broken(struct receiver *r, int error)
{
	*r->e = (struct tree_error){ .error = error < 0 ? -error : error };
	return -1;
}

/* Writing @name, in the directory where we are, did not succeed. */
static int failed(struct receiver *r, const char *name, int error)
{
	struct tree_error *e = r->e;

	*e = (struct tree_error){ .step = EXEC_STEP_WRITE, .error = error };
	snprintf(e->text, sizeof(e->text), "%.*s%s", (int)r->path_len[r->depth], r->path, name);
	return -1;
}

static void set_times(int fd, const struct exec_entry_head *entry)
{
	struct timespec t[2] = { { .tv_nsec = UTIME_OMIT },
				 { entry->mtime, entry->mtime_nsec } };

	futimens(fd, t);	/* a file system that knows no such time is no failure */
}

/* A name that nobody has: it is tried. */
static int create_temp(struct receiver *r)
{
	unsigned int random, tries;
	int fd = -1;

	for (tries = 0; fd < 0 && tries < 16; tries++) {
		if (getrandom(&random, sizeof(random), 0) < 0)
			return -1;
		snprintf(r->temp, sizeof(r->temp), ".rfm-cp-%08x", random);
		fd = openat(r->dir[r->depth], r->temp,
			    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	return fd;
}

static void drop_file(struct receiver *r)
{
	if (r->file < 0)
		return;
	close(r->file);
	unlinkat(r->dir[r->depth], r->temp, 0);
	r->file = -1;
}

/* What was written gets its name. */
static int end_file(struct receiver *r)
{
	int dir = r->dir[r->depth], ret = 0;

	if (r->file < 0)
		return 0;
	set_times(r->file, &r->entry);
	if (fchmod(r->file, r->entry.mode & MODE_FILE))
		ret = failed(r, r->name, errno);
	if (close(r->file) && !ret)	/* some file systems tell only now that they are full */
		ret = failed(r, r->name, errno);
	if (!ret && renameat(dir, r->temp, dir, r->name))
		ret = failed(r, r->name, errno);
	if (ret)
		unlinkat(dir, r->temp, 0);
	r->file = -1;
	return ret;
}

static int begin_file(struct receiver *r, const char *name)
{
	strcpy(r->name, name);
	r->entry = r->m.entry;
	r->file = create_temp(r);
	return r->file < 0 ? failed(r, name, errno) : 0;
}

static int write_data(struct receiver *r)
{
	const char *data = r->m.data;
	size_t len = r->m.len;
	ssize_t n;

	if (r->file < 0)
		return broken(r, EPROTO);
	for (; len; len -= n, data += n) {
		n = write(r->file, data, len);
		if (n <= 0)
			return failed(r, r->name, n ? errno : ENOSPC);
	}
	return 0;
}

static int make_link(struct receiver *r, const char *name)
{
	int dir = r->dir[r->depth], fd, ret = 0;
	struct timespec t[2] = { { .tv_nsec = UTIME_OMIT },
				 { r->m.entry.mtime, r->m.entry.mtime_nsec } };

	/* a free name: that of a file, which makes room */
	fd = create_temp(r);
	if (fd < 0)
		return failed(r, name, errno);
	close(fd);
	if (unlinkat(dir, r->temp, 0) || symlinkat(r->m.target, dir, r->temp))
		return failed(r, name, errno);
	utimensat(dir, r->temp, t, AT_SYMLINK_NOFOLLOW);
	if (renameat(dir, r->temp, dir, name)) {
		ret = failed(r, name, errno);
		unlinkat(dir, r->temp, 0);
	}
	return ret;
}

/* In, where it is not a link. */
static int enter(struct receiver *r, const char *name)
{
	int dir = r->dir[r->depth], fd;
	bool made;

	if (r->depth == TREE_DEPTH)
		return failed(r, name, ENAMETOOLONG);
	made = strcmp(name, ".") && !mkdirat(dir, name, 0700);
	if (!made && strcmp(name, ".") && errno != EEXIST)
		return failed(r, name, errno);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return failed(r, name, errno);
	r->path_len[r->depth + 1] = r->path_len[r->depth] +
		sprintf(r->path + r->path_len[r->depth], "%s/", name);
	r->depth++;
	r->dir[r->depth] = fd;
	r->made[r->depth] = made;
	return 0;
}

/* Out. A directory that was there keeps its mode and time. */
static int leave(struct receiver *r)
{
	int fd = r->dir[r->depth], ret = 0;

	if (!r->depth)
		return broken(r, EPROTO);
	if (r->made[r->depth]) {
		if (fchmod(fd, r->m.entry.mode & MODE_DIR))
			ret = failed(r, "", errno);
		set_times(fd, &r->m.entry);
	}
	close(fd);
	r->depth--;
	return ret;
}

/* The first entry is all, and its name is ours to choose. */
static int entry(struct receiver *r)
{
	const char *name = r->m.name;

	if (end_file(r))
		return -1;
	if (!r->depth && r->begun)
		return broken(r, EPROTO);
	if (!r->depth)
		name = r->p->name;
	r->begun = true;
	switch (r->m.entry.kind) {
	case EXEC_UP:
		return leave(r);
	case EXEC_DIR:
		return enter(r, name);
	case EXEC_FILE:
		return strcmp(name, ".") ? begin_file(r, name) : failed(r, name, EISDIR);
	default:
		return strcmp(name, ".") ? make_link(r, name) : failed(r, name, EISDIR);
	}
}

static int remote_error(struct receiver *r)
{
	struct tree_error *e = r->e;

	*e = (struct tree_error){ .step = r->m.error.step, .error = r->m.error.error,
				  .remote = true };
	memcpy(e->text, r->m.data, r->m.len);
	return -1;
}

/* 1: it was the last message. */
static int take(struct receiver *r, int chan, tree_warn *warn)
{
	switch (r->m.type) {
	case EXEC_ENTRY:
		return entry(r);
	case EXEC_DATA:
		return write_data(r);
	case EXEC_DONE:
		if (end_file(r))
			return -1;
		return r->depth ? broken(r, EPROTO) : 1;
	case EXEC_WARNING:
		warn(chan, r->m.error.error, r->m.data, r->m.len);
		return 0;
	case EXEC_ERROR:
		return remote_error(r);
	default:
		return broken(r, EPROTO);
	}
}

int tree_receive(int chan, const struct tree_place *p, tree_warn *warn, struct tree_error *e)
{
	struct receiver *r = calloc(1, sizeof(*r));
	int ret = 0, got;

	*e = (struct tree_error){ .step = EXEC_STEP_WRITE, .error = ENOMEM };
	if (!r)
		return -1;
	r->p = p;
	r->e = e;
	r->dir[0] = p->dir;
	r->file = -1;
	while (!ret) {
		got = exec_receive(chan, &r->m, r->buf);
		ret = got > 0 ? take(r, chan, warn) : broken(r, got);
	}
	drop_file(r);
	for (; r->depth; r->depth--)
		close(r->dir[r->depth]);
	free(r);
	return ret < 0 ? -1 : 0;
}

/* The directory above, and the last component. */
static int open_parent(struct tree_place *p, const char *path)
{
	const char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;
	char parent[4096];

	if (!*last || !strcmp(last, ".") || !strcmp(last, ".."))
		return -ENOENT;
	if (strlen(last) > EXEC_NAME_MAX || strlen(path) >= sizeof(parent))
		return -ENAMETOOLONG;
	strcpy(p->name, last);
	snprintf(parent, sizeof(parent), "%.*s", slash ? (int)(slash - path) + 1 : 1,
		 slash ? path : ".");
	p->dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return p->dir < 0 ? -errno : 0;
}

int tree_place_open(struct tree_place *p, const char *path, const char *name, bool into)
{
	if (!*path)
		return -ENOENT;
	if (!*name || strlen(name) > EXEC_NAME_MAX || strchr(name, '/') || !strcmp(name, ".."))
		return -EINVAL;
	strcpy(p->name, name);
	p->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->dir >= 0)
		return 0;
	if (into || (errno != ENOENT && errno != ENOTDIR))
		return -errno;
	return open_parent(p, path);
}
