/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of rfcom share.
 *
 * A channel's end is found by its number under the lock of the table (channel.c),
 * which holds a reference to it. Handlers of messages run in ficm's thread and wait
 * for nobody: they take spinlocks only, and what needs memory is done later, in a
 * queue of work (service.c).
 */
#ifndef _RFCOM_INTERNAL_H
#define _RFCOM_INTERNAL_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rfcom.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <rainforest/ficm.h>
#include <rainforest/rfcom.h>

#include "queue.h"

struct iov_iter;

#define RFCOM_PEERS	(RF_WIRE_PEERS + 1)	/* all kernels and the loopback */
#define RFCOM_STALL	(5 * HZ)	/* a kernel takes nothing: then the channel breaks */
#define RFCOM_HELD	(RF_COM_CHUNKS / 4 * 3)	/* chunks of one kernel that wait for readers */

/**
 * struct rf_channel - an end of a channel
 * @ref: one for the table, one for its user
 * @id: its number
 * @peer: the other kernel, as ficm calls it
 * @generation: of that kernel
 * @accepted: the other kernel opened it
 * @kernel: name of the other kernel
 * @service: name of the service
 * @lock: protects @state, @error, @remote
 * @state: RFCOM_STATE_*
 * @error: why it is closed, negative; 0: the other end closed it
 * @remote: number of the other end, 0: not known yet
 * @wait: woken by messages, credit and changes of @state
 * @write_lock: one writer at a time
 * @out: what may be sent
 * @news: asks for news of what was taken, while there is little room
 * @asked: how often that was, without an answer
 * @rest: struct rfcom_rest; under @write_lock, as the next
 * @resting: whether there are any
 * @stalled: since when none of these could be sent
 * @closing: nobody uses the end any more, but @push
 * @push: sends @rest
 * @sent: messages; under @write_lock
 * @sent_bytes: of these
 * @read_lock: one reader at a time
 * @in: what was received
 * @lost: bytes of @in were in the memory of a kernel that is gone
 * @part: cells of the first message that rf_read_some() has read; under @read_lock
 * @part_bytes: and bytes of the line behind them
 * @received: messages that were read; under @read_lock
 * @received_bytes: of these
 * @node: in the queue of the service, until it is accepted
 */
struct rf_channel {
	struct kref ref;
	u32 id;
	u32 peer;
	u32 generation;
	bool accepted;
	char kernel[RF_FICM_NAME];
	char service[RFCOM_NAME_MAX];
	spinlock_t lock;	/* see above */
	u32 state;
	int error;
	u32 remote;
	wait_queue_head_t wait;
	struct mutex write_lock;	/* see above */
	struct rfcom_credit out;
	struct delayed_work news;
	u32 asked;
	struct list_head rest;
	bool resting;
	unsigned long stalled;
	bool closing;
	struct work_struct push;
	u64 sent;
	u64 sent_bytes;
	struct mutex read_lock;	/* see above */
	struct rfcom_queue in;
	bool lost;
	u32 part;
	u32 part_bytes;
	u64 received;
	u64 received_bytes;
	struct list_head node;
};

/**
 * struct rfcom_held - a line whose bytes are still in chunks, or were
 * @ch: the end that has the line, NULL: they were taken
 * @cell: first cell of the line
 * @chunks: how many; those behind the first have no struct rfcom_held of their own
 */
struct rfcom_held {
	struct rf_channel *ch;
	u32 cell;
	u32 chunks;
};

/**
 * struct rfcom_bulk - chunks from and to one other kernel
 * @used: it is of somebody
 * @peer: of whom
 * @generation: of that kernel
 * @lock: one sender at a time
 * @head: chunks filled and told of so far, modulo 2^32; under @lock, as the next
 * @waited: @head when the last wait for a free chunk was in vain
 * @out: what we write
 * @in: what the other kernel writes
 * @hold_lock: protects what follows, and changes of @out and @in; lines are copied into
 *	cells under it, one at a time
 * @tail: chunks of the other kernel taken so far, modulo 2^32
 * @told: @tail as the other kernel was last told
 * @next: those that came; from @tail on they are in @held
 * @token: of the memory that they are in
 * @fetched: lines that were copied into a queue
 * @held: by the first chunk of each line
 */
struct rfcom_bulk {
	bool used;
	u32 peer;
	u32 generation;
	struct mutex lock;	/* see above */
	u32 head;
	u32 waited;
	struct rf_com_bulk __rcu *out;
	struct rf_com_bulk __rcu *in;
	spinlock_t hold_lock;	/* see above */
	u32 tail;
	u32 told;
	u32 next;
	u32 token;
	unsigned long fetched;
	struct rfcom_held held[RF_COM_CHUNKS];
};

/**
 * struct rfcom_quota - requests of other kernels that are being answered
 * @lock: protects what follows
 * @max: of one kernel
 * @of: of each that has some
 */
struct rfcom_quota {
	spinlock_t lock;	/* see above */
	unsigned int max;
	struct {
		u32 peer;
		unsigned int count;
	} of[RFCOM_PEERS];
};

#define RFCOM_QUOTA_INIT(name, most)	\
	{ .lock = __SPIN_LOCK_UNLOCKED((name).lock), .max = (most) }

/* quota.c */
bool rfcom_quota_begin(struct rfcom_quota *q, u32 peer);
void rfcom_quota_end(struct rfcom_quota *q, u32 peer);

/* channel.c */
struct rf_channel *rfcom_channel_create(const struct ficm_kernel *kernel, const char *service);
struct rf_channel *rfcom_channel_find(u32 id, u32 peer);
struct rf_channel *rfcom_channel_next(unsigned long *id);
void rfcom_channel_put(struct rf_channel *ch);
void rfcom_channel_wake(struct rf_channel *ch);
void rfcom_channel_fail(struct rf_channel *ch, int error);
void rfcom_channel_end(struct rf_channel *ch);
bool rfcom_channel_is_open(const struct rf_channel *ch);
ssize_t rfcom_read(struct rf_channel *ch, struct iov_iter *to, bool nowait);
void rfcom_tell_taken(struct rf_channel *ch);
int rfcom_watch(void);
void rfcom_unwatch(void);
bool rfcom_name_good(const char *name);

/* bulk.c: what does not fit into lines */
void rfcom_bulk_init(void);
void rfcom_bulk_exit(void);
void rfcom_bulk_open(const struct ficm_kernel *kernel);
void rfcom_bulk_look(void);
struct rfcom_bulk *rfcom_bulk_begin(u32 peer, u32 generation);
void rfcom_bulk_end(struct rfcom_bulk *b);
int rfcom_bulk_fill(struct rfcom_bulk *b, struct iov_iter *from, size_t most,
		    struct rf_com_chunk *chunk);
void rfcom_bulk_sent(struct rfcom_bulk *b, u32 bytes);
struct rfcom_bulk *rfcom_bulk_find(u32 peer);

/* hold.c: what came in chunks */
int rfcom_hold_put(struct rf_channel *ch, u32 peer, const struct rf_com_data *body, u32 len);
void rfcom_hold_end(struct rf_channel *ch);
void rfcom_hold_leave(struct rfcom_bulk *b);
void rfcom_hold_forget(struct rf_channel *ch);
void rfcom_hold_took(struct rf_channel *ch, u32 cells);
size_t rfcom_hold_read(struct rf_channel *ch, u32 at, u32 skip, struct iov_iter *to, size_t most);

/* write.c */
int rfcom_write(struct rf_channel *ch, struct iov_iter *from, unsigned int flags);
int rfcom_send_lines(struct rf_channel *ch, struct iov_iter *from, size_t *left, u32 flags);
void rfcom_news_work(struct work_struct *work);

/* rest.c: what was written without waiting, and has to wait all the same */
int rfcom_rest_keep(struct rf_channel *ch, struct iov_iter *from, size_t len, u32 flags);
int rfcom_rest_send(struct rf_channel *ch);
void rfcom_rest_forget(struct rf_channel *ch);
void rfcom_rest_work(struct work_struct *work);
bool rfcom_rest_close(struct rf_channel *ch);
int rfcom_rest_init(void);
void rfcom_rest_exit(void);

/* service.c */
int rfcom_services_init(void);
void rfcom_services_exit(void);
void rfcom_service_asked(u32 peer, const struct rf_msg *msg);
bool rfcom_service_ready(const struct rf_service *service);

/* message.c: to the other end, and from it */
int rfcom_send(u32 peer, u16 type, u32 to, const void *body, size_t len);
void rfcom_tell(u32 peer, u16 type, u32 to, const void *body, size_t len);
void rfcom_tell_end(u32 peer, u16 type, u32 to, u32 from);
void rfcom_channel_break(struct rf_channel *ch, int error);
int rfcom_messages_init(void);
void rfcom_messages_exit(void);

/* dev.c: /dev/rfcom */
int rfcom_dev_fetch(void __user *arg, void *req, size_t size);
int rfcom_dev_init(void);
void rfcom_dev_exit(void);

#endif /* _RFCOM_INTERNAL_H */
