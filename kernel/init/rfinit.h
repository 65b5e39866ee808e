/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of rfinit share.
 */
#ifndef RFINIT_H
#define RFINIT_H

#include <stdbool.h>
#include <stddef.h>

#define DIR_OURS	"/.rainforest"
#define DIR_PROC	DIR_OURS "/proc"

/* rfinit.c */
void say(int level, const char *text, const char *detail);

/* root.c */
bool root_wanted(char *tag, size_t size);
int root_enter(const char *tag);
void root_exec(char **argv, char **envp);

#endif /* RFINIT_H */
