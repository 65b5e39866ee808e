/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Booting a subOS: image, initrd and overlay are got ready, loaded, started,
 * and waited for. Used by create and restart.
 */
#ifndef RFM_BOOT_H
#define RFM_BOOT_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "image.h"
#include "overlay.h"
#include "settings.h"

/**
 * struct boot - what is loaded
 * @s: settings, not owned
 * @lib_dir: where our modules and programs are
 * @cache_dir: of what was unpacked
 * @image: kernel
 * @initrd: mapping of the initrd, NULL for none
 * @initrd_size: its size
 * @release: of the kernel that the overlay is for
 * @overlay: ours; empty for a bare subOS
 * @thread: builds the overlay
 * @running: @thread was started and not joined
 * @ret: what it returned
 * @err: its message
 * @modaliases: of the granted PCI functions, ended by NULL
 */
struct boot {
	const struct settings *s;
	const char *lib_dir;
	const char *cache_dir;
	struct rfm_image image;
	void *initrd;
	size_t initrd_size;
	char release[sizeof(((struct rfm_image *)NULL)->release)];
	struct rfm_blob overlay;
	pthread_t thread;
	bool running;
	int ret;
	char err[400];
	char *modaliases[RF_WIRE_PCI + 1];
};

/* All return 0 or an enum rfm_exit, reported. */

/*
 * Reads everything that can be wrong before anything is taken: opens image and
 * initrd, checks that our module is there for this kernel and that the memory
 * is enough, and starts to build the overlay in the background. @all: an image
 * that will not do does not keep it from the initrd.
 */
int boot_prepare(struct boot *b, const struct settings *s, bool all);

/* Waits for the overlay, hands all to the module, starts the subOS. */
int boot_load(struct boot *b, int fd);
/* As boot_load(), but the module only keeps a copy, to boot it again from. */
int boot_keep(struct boot *b, int fd);
int boot_start(int fd);

/**
 * boot_wait - until init runs inside
 * @fd: the subOS
 * @timeout_ms: limit
 *
 * Return: 0; RFM_TIMEOUT; RFM_INTERRUPTED, not reported; RFM_FAILED it came to an end.
 */
int boot_wait(int fd, unsigned int timeout_ms);

/**
 * boot_panicked - does the log of a kernel that boots tell of a panic?
 * @fd: the subOS
 * @why: (out) the panic's words
 * @size: size of @why
 *
 * Return: true or false; false also where no log is found.
 */
bool boot_panicked(int fd, char *why, size_t size);

void boot_free(struct boot *b);

#endif /* RFM_BOOT_H */
