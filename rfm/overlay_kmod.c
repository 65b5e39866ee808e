// SPDX-License-Identifier: GPL-2.0-only
#include "overlay_kmod.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

static struct rfm_kmod kmod;
static bool loaded;

static void *find(void *lib, const char *name)
{
	void *function = dlsym(lib, name);

	loaded &= !!function;
	return function;
}

static void load(void)
{
	void *lib = dlopen(RFM_KMOD_SONAME, RTLD_LAZY | RTLD_LOCAL);

	loaded = lib;
	if (!lib)
		return;
	kmod.new = find(lib, "kmod_new");
	kmod.unref = find(lib, "kmod_unref");
	kmod.set_log_fn = find(lib, "kmod_set_log_fn");
	kmod.list_next = find(lib, "kmod_list_next");
	kmod.module_new_from_lookup = find(lib, "kmod_module_new_from_lookup");
	kmod.module_get_module = find(lib, "kmod_module_get_module");
	kmod.module_get_path = find(lib, "kmod_module_get_path");
	kmod.module_get_dependencies = find(lib, "kmod_module_get_dependencies");
	kmod.module_get_softdeps = find(lib, "kmod_module_get_softdeps");
	kmod.module_unref = find(lib, "kmod_module_unref");
	kmod.module_unref_list = find(lib, "kmod_module_unref_list");
}

const struct rfm_kmod *rfm_kmod_load(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load);
	return loaded ? &kmod : NULL;
}
