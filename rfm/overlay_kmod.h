/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libkmod, loaded when an overlay is built: it brings libcrypto along, whose 20000
 * relocations took three quarters of the time that any rfm command needs to start.
 */
#ifndef RFM_OVERLAY_KMOD_H
#define RFM_OVERLAY_KMOD_H

#include <libkmod.h>

#define RFM_KMOD_SONAME	"libkmod.so.2"

/** struct rfm_kmod - functions of libkmod by their names there, less "kmod_" */
struct rfm_kmod {
	__typeof__(kmod_new) *new;
	__typeof__(kmod_unref) *unref;
	__typeof__(kmod_set_log_fn) *set_log_fn;
	__typeof__(kmod_list_next) *list_next;
	__typeof__(kmod_module_new_from_lookup) *module_new_from_lookup;
	__typeof__(kmod_module_get_module) *module_get_module;
	__typeof__(kmod_module_get_path) *module_get_path;
	__typeof__(kmod_module_get_dependencies) *module_get_dependencies;
	__typeof__(kmod_module_get_softdeps) *module_get_softdeps;
	__typeof__(kmod_module_unref) *module_unref;
	__typeof__(kmod_module_unref_list) *module_unref_list;
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
