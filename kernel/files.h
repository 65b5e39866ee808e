/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * proc and sysfs of this kernel, for the module itself.
 */
#ifndef _RFSUBOS_FILES_H
#define _RFSUBOS_FILES_H

#include <linux/types.h>

int subos_files_init(void);
ssize_t subos_proc_read(const char *name, char *text, size_t size);
int subos_sys_write(const char *name, const char *text);

#endif /* _RFSUBOS_FILES_H */
