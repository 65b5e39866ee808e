// SPDX-License-Identifier: GPL-2.0-only
#include "overlay_kmod.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

static struct rfm_kmod kmod;
static bool loaded;

static void load(void)
{
	void *lib = dlopen(RFM_KMOD_SONAME, RTLD_LAZY | RTLD_LOCAL);

	if (!lib)
		return;
#define FIND(name)						\
	kmod.name = dlsym(lib, "kmod_" #name);			\
	if (!kmod.name)						\
		return;
	RFM_KMOD_FUNCTIONS(FIND)
#undef FIND
	loaded = true;
}

const struct rfm_kmod *rfm_kmod_load(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load);
	return loaded ? &kmod : NULL;
}
