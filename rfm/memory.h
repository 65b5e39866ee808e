/* SPDX-License-Identifier: GPL-2.0-only */
/* The C library's own allocations, which nobody can put others before. */
#ifndef RFM_MEMORY_H
#define RFM_MEMORY_H

#include <stddef.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t nr, size_t size);
void *__libc_realloc(void *old, size_t size);

#endif /* RFM_MEMORY_H */
