/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RFcom: channels between kernels. Exported by rfcom.ko in the name space
 * RAINFOREST_RFCOM.
 *
 * A channel carries messages, whole and in order, both ways between two ends: one
 * that opened it, one that listened for it. Both ends may be in one kernel.
 */
#ifndef _RAINFOREST_RFCOM_H
#define _RAINFOREST_RFCOM_H

#include <linux/types.h>
#include <linux/rainforest_wire.h>

struct iov_iter;
struct rf_channel;
struct rf_region;
struct rf_service;
struct wait_queue_head;

#define RF_NOWAIT	1U	/* -EAGAIN where there would be something to wait for */
#define RF_WRITE	2U	/* of a region: others may write; to write */
#define RF_MARK		4U	/* of a message: rf_read_some() stops before it */
#define RF_PEEK		8U	/* what was read stays */

struct rf_channel *rf_open(const char *kernel, const char *service, unsigned int timeout_ms);
void rf_close(struct rf_channel *ch);
int rf_write(struct rf_channel *ch, const void *data, size_t len, unsigned int flags);
ssize_t rf_read(struct rf_channel *ch, void *data, size_t size, unsigned int flags);

struct rf_service *rf_listen(const char *service, unsigned int backlog);
struct rf_channel *rf_accept(struct rf_service *service, unsigned int flags);
void rf_unlisten(struct rf_service *service);

/*
 * For who waits for more than one thing, and for who carries bytes, not messages.
 */
struct wait_queue_head *rf_service_wait(struct rf_service *service);
struct wait_queue_head *rf_channel_wait(struct rf_channel *ch);
u32 rf_channel_peer(const struct rf_channel *ch);
bool rf_ended(const struct rf_channel *ch, int *error);
bool rf_readable(const struct rf_channel *ch);
bool rf_has_message(const struct rf_channel *ch);
bool rf_marked(const struct rf_channel *ch);
size_t rf_room(const struct rf_channel *ch);
void rf_want_room(struct rf_channel *ch);
int rf_write_iter(struct rf_channel *ch, struct iov_iter *from, unsigned int flags);
ssize_t rf_read_some(struct rf_channel *ch, struct iov_iter *to, size_t bytes,
		     unsigned int flags);

/*
 * Regions: memory that kernels map with each other. A kernel offers one by name; it is
 * gone when its owner has let go of it, and then all others have to.
 */
struct rf_region *rf_offer(const char *region, u64 bytes, unsigned int flags);
struct rf_region *rf_offer_to(u32 peer, const char *region, u64 bytes, unsigned int flags);
struct rf_region *rf_attach(const char *kernel, const char *region, unsigned int flags,
			    unsigned int timeout_ms);
u64 rf_region_bytes(const struct rf_region *r);
bool rf_region_revoked(const struct rf_region *r);
void *rf_map(struct rf_region *r, u64 at, size_t *bytes);
void rf_unmap(struct rf_region *r);
int rf_region_place(const struct rf_region *r, u64 at, u64 *place);
void rf_detach(struct rf_region *r);

#endif /* _RAINFOREST_RFCOM_H */
