/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * librainforest: channels to other kernels of this machine, and memory shared with them.
 *
 * Every function returns -1, or NULL, on failure and sets errno, as the manual page of each
 * says. What is opened is a file descriptor, closed on exec, and works with poll().
 */
#ifndef RAINFOREST_H
#define RAINFOREST_H

#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RF_NAME_LENGTH		31	/* bytes of a name at most */
#define RF_MESSAGE_LENGTH	61440	/* bytes of a message at most */
#define RF_NONBLOCK		1U	/* the new descriptor waits for nothing */
#define RF_WRITE		2U	/* of a region: others may write; to write */

int rf_open(const char *kernel, const char *service, int timeout_ms, unsigned int flags);
int rf_listen(const char *service, unsigned int backlog, unsigned int flags);
int rf_accept(int service, char *kernel, size_t size, unsigned int flags);
ssize_t rf_read(int channel, void *data, size_t size);
ssize_t rf_write(int channel, const void *data, size_t length);
int rf_offer(const char *region, size_t bytes, unsigned int flags);
void *rf_map(const char *kernel, const char *region, int timeout_ms, unsigned int flags,
	     size_t *bytes);
int rf_unmap(void *address, size_t bytes);
int rf_close(int descriptor);

#ifdef __cplusplus
}
#endif

#endif /* RAINFOREST_H */
