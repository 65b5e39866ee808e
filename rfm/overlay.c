// SPDX-License-Identifier: GPL-2.0-only
/*
 * Collects what the overlay carries: our init, the agent, our modules, and those
 * that the granted devices need.
 */
#include "overlay_priv.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cpio.h"
#include "decompress.h"
#include "image_cache.h"
#include "overlay_kmod.h"

#define FILE_MAX	(256U << 20)	/* larger than any module */
#define OUR_DIR		".rainforest"

/* Lines for our init (kernel/init/rfinit.c): a group begins that ... */
#define EARLY		"<"		/* needs nothing of ours */
#define AFTER		"-"		/* needs ours, and those before; /init waits for it */
#define LATER		">"		/* is loaded while /init runs */

/* ours, in the order in which they are loaded */
static const char *const our_modules[] = { "ficm.ko", "rfcom.ko", "rfsubos.ko" };

/* Those go in where they are there, and that kernel has what they stand on. */
static const struct optional {
	const char *name;
	const char *base;		/* NULL: nothing that would not be there */
	const char *const *with;	/* goes in, too, as far as that kernel has it */
	enum { ALWAYS, FOR_DEVICES, FOR_PEERS } wanted;
} optional_modules[] = {
	{ "rfcom_vsock.ko", "vsock", NULL, ALWAYS },
	{ "rfvirtio.ko", "virtio",
	  (const char *const []){ "virtio_net", "virtio_blk", "virtiofs", NULL }, FOR_DEVICES },
	{ "rfloop.ko", NULL, NULL, FOR_PEERS },
};

/* What is being put together, and where errors go. */
struct builder {
	const struct rfm_overlay_request *req;
	struct rfm_cpio cpio;
	struct rfm_blob order;
	char *err;
	size_t err_size;
};

static int read_fd(int fd, struct rfm_blob *blob, struct stat *st)
{
	ssize_t got;
	size_t used;

	if (fstat(fd, st))
		return -errno;
	if (!S_ISREG(st->st_mode))
		return -EINVAL;
	if (st->st_size > (off_t)FILE_MAX)
		return -EFBIG;
	blob->data = malloc(st->st_size + 1);
	if (!blob->data)
		return -ENOMEM;
	for (used = 0; used < (size_t)st->st_size; used += got) {
		got = read(fd, (char *)blob->data + used, st->st_size - used);
		if (got <= 0) {
			got = got ? -errno : -EIO;
			free(blob->data);
			return got;
		}
	}
	blob->size = used;
	return 0;
}

static int read_file_stat(const char *path, struct rfm_blob *blob, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int ret;

	if (fd < 0)
		return -errno;
	ret = read_fd(fd, blob, st);
	close(fd);
	return ret;
}

static int read_file(const char *path, struct rfm_blob *blob)
{
	struct stat st;

	return read_file_stat(path, blob, &st);
}

static int cannot_read(struct builder *b, const char *path, int error, const char *way_out)
{
	snprintf(b->err, b->err_size, "%s cannot be read: %s; %s", path, strerror(-error), way_out);
	return error == -ENOMEM ? error : -EIO;
}

static int copy_of(struct rfm_blob *blob, const struct rfm_map *map)
{
	blob->data = malloc(map->size);
	if (!blob->data)
		return -ENOMEM;
	blob->size = map->size;
	memcpy(blob->data, map->addr, map->size);
	return 0;
}

static void keep_unpacked(const char *cache_dir, const unsigned char *key,
			  const struct rfm_blob *plain)
{
	struct rfm_cache_new entry;

	if (!cache_dir || rfm_cache_begin(&entry, cache_dir, plain->size))
		return;
	memcpy(entry.map.addr, plain->data, plain->size);
	rfm_cache_commit(&entry, cache_dir, key);
	rfm_unmap(&entry.map);
}

/*
 * A compressed module is unpacked here, where it is quick, and once only: that
 * takes longer than all else that is done for a subOS here.
 */
static int unpack_module(const struct builder *b, struct rfm_blob *blob, const struct stat *st)
{
	const char *cache_dir = b->req->cache_dir;
	unsigned char key[RFM_DIGEST_SIZE];
	struct rfm_blob plain = { 0 };
	struct rfm_map map;
	int ret;

	if (!rfm_decompress_format(blob->data, blob->size))
		return 0;
	rfm_cache_key(key, cache_dir, st, blob->data, blob->size);
	if (rfm_cache_find(&map, cache_dir, key)) {
		ret = copy_of(&plain, &map);
		rfm_unmap(&map);
	} else {
		ret = rfm_decompress_alloc(&plain.data, &plain.size, FILE_MAX, blob->data,
					   blob->size);
		if (!ret)
			keep_unpacked(cache_dir, key, &plain);
	}
	free(blob->data);
	*blob = plain;
	return ret;
}

static int read_module(struct builder *b, const char *path, struct rfm_blob *blob)
{
	struct stat st;
	int ret = read_file_stat(path, blob, &st);

	if (ret)
		return cannot_read(b, path, ret, "install that kernel again");
	ret = unpack_module(b, blob, &st);
	if (ret)
		return cannot_read(b, path, ret, "install that kernel again");
	return 0;
}

/* A line for our init. */
static int add_to_order(struct builder *b, const char *line)
{
	char *text;
	int len;

	len = asprintf(&text, "%.*s%s\n", (int)b->order.size,
		       b->order.data ? (char *)b->order.data : "", line);
	if (len < 0)
		return -ENOMEM;
	free(b->order.data);
	b->order = (struct rfm_blob){ text, len };
	return 0;
}

static bool has_line(const struct rfm_blob *text, const char *line)
{
	size_t len = strlen(line);
	const char *end = (const char *)text->data + text->size;
	const char *p = text->data;

	for (; p && p < end; p = memchr(p, '\n', end - p) + 1) {
		if ((size_t)(end - p) > len && !memcmp(p, line, len) && p[len] == '\n')
			return true;
	}
	return false;
}

/* What several need is in each of their groups, and in the archive once. */
static int add_module(struct builder *b, const char *name, const struct rfm_blob *blob)
{
	char path[NAME_MAX + sizeof(OUR_DIR) + 2];

	snprintf(path, sizeof(path), "/" OUR_DIR "/%.*s", NAME_MAX, name);
	if (!has_line(&b->order, path))
		rfm_cpio_file(&b->cpio, path + 1, 0644, blob->data, blob->size);
	return add_to_order(b, path);
}

/* "/lib/modules/.../nvme-core.ko.xz" goes in as "nvme-core.ko". */
static int add_found_module(struct builder *b, const char *path)
{
	const char *base = strrchr(path, '/');
	struct rfm_blob blob;
	char name[NAME_MAX + 1];
	char *end;
	int ret;

	ret = read_module(b, path, &blob);
	if (ret)
		return ret;
	snprintf(name, sizeof(name), "%s", base ? base + 1 : path);
	end = strstr(name, ".ko.");
	if (end)
		end[3] = '\0';
	ret = add_module(b, name, &blob);
	free(blob.data);
	return ret;
}

static int no_module(struct builder *b, const char *path, const char *release)
{
	snprintf(b->err, b->err_size,
		 "%s is not there: no module for kernel %s; install linux-headers-%s and run make",
		 path, release, release);
	return -ENOENT;
}

/* Is the module for another kernel? Its vermagic begins with the release. */
static bool is_foreign(const struct rfm_blob *blob, const char *release)
{
	static const char tag[] = "vermagic=";
	size_t len = strlen(release);
	const char *end = (const char *)blob->data + blob->size;
	const char *p = memmem(blob->data, blob->size, tag, sizeof(tag) - 1);

	if (!p)
		return false;
	p += sizeof(tag) - 1;
	return (size_t)(end - p) <= len || memcmp(p, release, len) || p[len] != ' ';
}

static int add_own_module(struct builder *b, const struct rfm_overlay_request *req,
			  const char *name)
{
	struct rfm_blob blob;
	char path[PATH_MAX];
	int ret;

	snprintf(path, sizeof(path), "%s/modules/%s/%s", req->lib_dir, req->release, name);
	ret = read_file(path, &blob);
	if (ret == -ENOENT || ret == -ENOTDIR)
		return no_module(b, path, req->release);
	if (ret)
		return cannot_read(b, path, ret, "run make install again");
	if (is_foreign(&blob, req->release)) {
		snprintf(b->err, b->err_size, "%s was built for another kernel; run make again",
			 path);
		ret = -ENOENT;
	} else {
		ret = add_module(b, name, &blob);
	}
	free(blob.data);
	return ret;
}

const char *rfm_overlay_missing(const char *lib_dir, const char *release)
{
	char path[PATH_MAX];
	size_t i;

	for (i = sizeof(our_modules) / sizeof(*our_modules); i--;) {
		snprintf(path, sizeof(path), "%s/modules/%s/%s", lib_dir, release, our_modules[i]);
		if (access(path, R_OK))
			return our_modules[i];
	}
	return NULL;
}

static int add_own_modules(struct builder *b, const struct rfm_overlay_request *req)
{
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < sizeof(our_modules) / sizeof(*our_modules); i++)
		ret = add_own_module(b, req, our_modules[i]);
	return ret;
}

static int add_program(struct builder *b, const struct rfm_overlay_request *req, const char *name)
{
	char in_archive[sizeof(OUR_DIR) + 16];
	struct rfm_blob blob;
	char path[PATH_MAX];
	int ret;

	snprintf(in_archive, sizeof(in_archive), OUR_DIR "/%s", name);
	snprintf(path, sizeof(path), "%s/%s", req->lib_dir, name);
	ret = read_file(path, &blob);
	if (ret)
		return cannot_read(b, path, ret, "run make install again");
	rfm_cpio_file(&b->cpio, in_archive, 0755, blob.data, blob.size);
	free(blob.data);
	return 0;
}

static int add_found_modules(struct builder *b, const struct rfm_paths *paths)
{
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < paths->count; i++)
		ret = add_found_module(b, paths->path[i]);
	return ret;
}

static int add_device_modules(struct builder *b, const struct rfm_overlay_request *req)
{
	struct rfm_paths paths;
	int ret;

	ret = rfm_modules_find(&paths, req, b->err, b->err_size);
	if (!ret)
		ret = add_found_modules(b, &paths);
	rfm_paths_free(&paths);
	return ret;
}

/*
 * A module of that kernel, with what it needs, in a group of its own; nothing when it
 * is built in. Return: 1, 0 it has none, or an error.
 */
static int add_known_module(struct builder *b, const struct rfm_overlay_request *req,
			    const char *name, const char *mark)
{
	struct rfm_paths paths;
	int ret, err;

	ret = rfm_modules_known(&paths, req, name);
	if (ret <= 0)
		return ret;
	err = paths.count ? add_to_order(b, mark) : 0;
	if (!err)
		err = add_found_modules(b, &paths);
	rfm_paths_free(&paths);
	return err ? err : ret;
}

static int add_optional_module(struct builder *b, const struct rfm_overlay_request *req,
			       const struct optional *module)
{
	bool now = module->wanted == ALWAYS || (module->wanted == FOR_DEVICES && req->devices);
	const char *theirs = now ? EARLY : LATER, *ours = now ? AFTER : LATER;
	const char *const *with = module->with;
	char path[PATH_MAX];
	int ret = 1;

	snprintf(path, sizeof(path), "%s/modules/%s/%s", req->lib_dir, req->release,
		 module->name);
	if (access(path, R_OK))
		return 0;
	if (module->base)
		ret = add_known_module(b, req, module->base, theirs);
	if (ret <= 0)
		return ret;
	for (; ret >= 0 && with && *with; with++)
		ret = add_known_module(b, req, *with, theirs);
	return ret < 0 ? ret : add_to_order(b, ours) ?: add_own_module(b, req, module->name);
}

static int add_optional_modules(struct builder *b, const struct rfm_overlay_request *req)
{
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < sizeof(optional_modules) / sizeof(*optional_modules); i++)
		ret = add_optional_module(b, req, &optional_modules[i]);
	return ret;
}

/* The release becomes part of paths, and may come out of a file. */
static int check_release(struct builder *b, const char *release)
{
	if (release && *release && *release != '.' && !strchr(release, '/'))
		return 0;
	snprintf(b->err, b->err_size,
		 "the kernel does not say which version it is: no module fits; name another kernel");
	return -ENOENT;
}

/* It finds modules. */
static int check_libkmod(struct builder *b)
{
	const char *why;

	if (rfm_kmod_load())
		return 0;
	why = dlerror();
	snprintf(b->err, b->err_size, "%s cannot be loaded: %s; install libkmod2", RFM_KMOD_SONAME,
		 why ? why : "it lacks a function");
	return -ELIBACC;
}

static int add_all(struct builder *b, const struct rfm_overlay_request *req)
{
	int ret;

	ret = check_release(b, req->release);
	if (!ret)
		ret = check_libkmod(b);
	if (ret)
		return ret;
	rfm_cpio_dir(&b->cpio, OUR_DIR);
	ret = add_own_modules(b, req);
	if (!ret)
		ret = add_program(b, req, "init");
	if (!ret)
		ret = add_program(b, req, "agent");
	if (!ret)
		ret = add_device_modules(b, req);
	if (!ret)
		ret = add_optional_modules(b, req);
	if (!ret)
		rfm_cpio_file(&b->cpio, OUR_DIR "/modules", 0644, b->order.data, b->order.size);
	return ret;
}

int rfm_overlay_build(struct rfm_blob *out, const struct rfm_overlay_request *req,
		      char *err, size_t err_size)
{
	struct builder b = { .req = req, .err = err, .err_size = err_size };
	int ret;

	ret = add_all(&b, req);
	if (ret)
		rfm_cpio_abort(&b.cpio);
	else
		ret = rfm_cpio_finish(&b.cpio, out);
	free(b.order.data);
	if (ret == -ENOMEM)
		snprintf(err, err_size, "overlay for kernel %s: out of memory", req->release);
	return ret;
}
