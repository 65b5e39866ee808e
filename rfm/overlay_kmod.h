/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libkmod, loaded when an overlay is built: it brings libcrypto along, whose 20000
 * relocations took three quarters of the time that any rfm command needs to start.
 */
#ifndef RFM_OVERLAY_KMOD_H
#define RFM_OVERLAY_KMOD_H

#include <libkmod.h>

#define RFM_KMOD_SONAME	"libkmod.so.2"

#define RFM_KMOD_FUNCTIONS(X)					\
	X(new) X(unref) X(set_log_fn) X(list_next)		\
	X(module_new_from_lookup) X(module_get_module)		\
	X(module_get_path) X(module_get_dependencies)		\
	X(module_get_softdeps) X(module_unref) X(module_unref_list)

/** struct rfm_kmod - functions of libkmod by their names there, less "kmod_" */
struct rfm_kmod {
#define RFM_KMOD_MEMBER(name)	__typeof__(kmod_##name) *name;
	RFM_KMOD_FUNCTIONS(RFM_KMOD_MEMBER)
#undef RFM_KMOD_MEMBER
};

/**
 * rfm_kmod_load - load libkmod, once for this process
 *
 * Context: any thread; dlerror() of the first that calls says why it is not there.
 *
 * Return: its functions, or NULL when the library or a function of it is not there.
 */
const struct rfm_kmod *rfm_kmod_load(void);

#endif /* RFM_OVERLAY_KMOD_H */
