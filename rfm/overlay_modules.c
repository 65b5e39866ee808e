// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which modules a device needs, by the module index of the kernel that will
 * boot. The configuration of the running system (modprobe.d) does not count:
 * what is blacklisted in the supervisor may be wanted in a subOS.
 */
#include "overlay_priv.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "overlay_kmod.h"

#define DEPTH_MAX	16	/* dependencies of dependencies */

static const struct rfm_kmod *kmod;	/* from open_index() on */

void rfm_paths_free(struct rfm_paths *paths)
{
	size_t i;

	for (i = 0; i < paths->count; i++)
		free(paths->path[i]);
	free(paths->path);
	memset(paths, 0, sizeof(*paths));
}

static bool has_path(const struct rfm_paths *paths, const char *path)
{
	size_t i;

	for (i = 0; i < paths->count; i++) {
		if (!strcmp(paths->path[i], path))
			return true;
	}
	return false;
}

static int add_path(struct rfm_paths *paths, const char *path)
{
	char **grown = realloc(paths->path, (paths->count + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	paths->path = grown;
	grown[paths->count] = strdup(path);
	if (!grown[paths->count])
		return -ENOMEM;
	paths->count++;
	return 0;
}

static int add_module(struct rfm_paths *paths, struct kmod_module *mod, int depth);

static int add_list(struct rfm_paths *paths, struct kmod_list *list, int depth)
{
	struct kmod_module *mod;
	struct kmod_list *item;
	int ret = 0;

	for (item = list; item; item = kmod->list_next(list, item)) {
		mod = kmod->module_get_module(item);
		if (!ret)
			ret = add_module(paths, mod, depth);
		kmod->module_unref(mod);
	}
	return ret;
}

static int add_needed(struct rfm_paths *paths, struct kmod_module *mod, int depth)
{
	struct kmod_list *pre = NULL, *post = NULL, *deps;
	int ret;

	deps = kmod->module_get_dependencies(mod);
	ret = add_list(paths, deps, depth);
	kmod->module_unref_list(deps);
	if (ret || kmod->module_get_softdeps(mod, &pre, &post))
		return ret;
	ret = add_list(paths, pre, depth);
	kmod->module_unref_list(pre);
	kmod->module_unref_list(post);
	return ret;
}

/* What a module needs goes before it. A built-in one has no path. */
static int add_module(struct rfm_paths *paths, struct kmod_module *mod, int depth)
{
	const char *path = kmod->module_get_path(mod);
	int ret;

	if (!path || depth > DEPTH_MAX || has_path(paths, path))
		return 0;
	ret = add_needed(paths, mod, depth + 1);
	if (ret || has_path(paths, path))
		return ret;
	return add_path(paths, path);
}

static int add_alias(struct rfm_paths *paths, struct kmod_ctx *ctx, const char *alias)
{
	struct kmod_list *list = NULL;
	int ret;

	ret = kmod->module_new_from_lookup(ctx, alias, &list);
	if (ret < 0)
		return ret == -ENOMEM ? ret : 0;
	ret = add_list(paths, list, 0);
	kmod->module_unref_list(list);
	return ret;
}

/* libkmod reports on standard error what is no error here. */
static void stay_quiet(void *data, int priority, const char *file, int line, const char *fn,
		       const char *format, va_list args)
{
	(void)data, (void)priority, (void)file, (void)line, (void)fn, (void)format, (void)args;
}

static int check_index(const char *dir, char *err, size_t err_size)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/modules.dep.bin", dir) < (int)sizeof(path) &&
	    !access(path, R_OK))
		return 0;
	snprintf(err, err_size, "%s/modules.dep.bin cannot be read: %s; run depmod for this kernel",
		 dir, strerror(errno));
	return -EIO;
}

/* An index of that kernel, by nobody's configuration; NULL: no memory. libkmod is there. */
static struct kmod_ctx *open_index(const struct rfm_overlay_request *req, char *dir, size_t size)
{
	static const char *const no_config[] = { NULL };
	struct kmod_ctx *ctx;

	kmod = rfm_kmod_load();
	if (snprintf(dir, size, "%s/lib/modules/%s", req->module_root, req->release) >= (int)size)
		dir[0] = '\0';
	ctx = kmod->new(dir, (const char **)no_config);
	if (ctx)
		kmod->set_log_fn(ctx, stay_quiet, NULL);
	return ctx;
}

int rfm_modules_known(struct rfm_paths *paths, const struct rfm_overlay_request *req,
		      const char *name)
{
	struct kmod_list *list = NULL;
	struct kmod_ctx *ctx;
	char dir[PATH_MAX];
	int ret;

	memset(paths, 0, sizeof(*paths));
	ctx = open_index(req, dir, sizeof(dir));
	if (!ctx)
		return -ENOMEM;
	ret = kmod->module_new_from_lookup(ctx, name, &list);
	if (ret < 0)
		ret = ret == -ENOMEM ? ret : 0;
	else if (list)
		ret = add_list(paths, list, 0) ?: 1;
	kmod->module_unref_list(list);
	kmod->unref(ctx);
	if (ret < 0)
		rfm_paths_free(paths);
	return ret;
}

int rfm_modules_find(struct rfm_paths *paths, const struct rfm_overlay_request *req,
		     char *err, size_t err_size)
{
	const char *const *alias = req->modaliases;
	struct kmod_ctx *ctx;
	char dir[PATH_MAX];
	int ret;

	memset(paths, 0, sizeof(*paths));
	if (!alias || !*alias)
		return 0;
	ctx = open_index(req, dir, sizeof(dir));
	if (!ctx)
		return -ENOMEM;
	ret = check_index(dir, err, err_size);
	for (; !ret && *alias; alias++)
		ret = add_alias(paths, ctx, *alias);
	kmod->unref(ctx);
	if (ret)
		rfm_paths_free(paths);
	return ret;
}
