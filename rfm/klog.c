// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads records out of printk's ring, as kernel/printk/printk_ringbuffer.c
 * describes it: a descriptor has an id and a state; around the copying of its
 * text it must not have changed. The other kernel may be running, stopped in
 * the middle of a message, or lying.
 */
#include "klog_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef KLOG_PATIENCE_MS
#define KLOG_PATIENCE_MS	1000	/* until there is nothing to read for once */
#endif
#define WAIT_MS			50	/* of that, for one message that is not completed */
#define STEPS_MAX		(1U << 18)	/* records skipped in one call */
#define RETRIES			16	/* times that a record may change under our eyes */

#define STATE_SHIFT		62
#define STATE_RESERVED		0
#define STATE_COMMITTED		1
#define STATE_FINALIZED		2
#define STATE_REUSABLE		3
#define LPOS_DATALESS		1	/* bit of a position: there is no text */
#define LPOS_EMPTY		3	/* the message is an empty line */

struct klog_priv {
	struct klog_ring ring;
	unsigned int idle_calls;
	unsigned int patience_ms;
	__u64 lost;
	bool open;		/* the record before next_seq may still grow */
	size_t open_len;	/* bytes of it that were given */
};

/* What came of an attempt to read a record. */
enum outcome {
	GOT_FINAL,
	GOT_OPEN,	/* complete so far, but it may grow */
	NOT_YET,
	LOST,
	CHANGED,	/* try again */
	FAILED,
};

static int read_mem(const struct rfm_klog *log, __u64 addr, void *buf, size_t len)
{
	return log->mem.read(log->mem.ctx, addr, buf, len);
}

/* Copies the head of the ring, and sees that it is still the same ring. */
static int read_bounds(const struct rfm_klog *log, struct klog_bounds *bounds)
{
	const struct klog_priv *priv = log->priv;
	const struct klog_ring *ring = &priv->ring;
	const struct klog_layout *l = &ring->layout;
	unsigned char head[KLOG_RING_MAX];

	if (read_mem(log, ring->address, head, l->ring_size) ||
	    klog_get32(head, l->count_bits) != klog_get32(ring->head, l->count_bits) ||
	    klog_get32(head, l->size_bits) != klog_get32(ring->head, l->size_bits) ||
	    klog_get64(head, l->descs) != klog_get64(ring->head, l->descs) ||
	    klog_get64(head, l->infos) != klog_get64(ring->head, l->infos) ||
	    klog_get64(head, l->data) != klog_get64(ring->head, l->data) ||
	    !klog_ring_bounds(bounds, ring, head))
		return -EIO;
	return 0;
}

static __u64 id_of(const struct klog_ring *ring, __u64 seq)
{
	return (seq + ring->first_id) & KLOG_ID_MASK;
}

static int read_desc(const struct rfm_klog *log, __u64 seq, unsigned char *desc)
{
	const struct klog_priv *priv = log->priv;
	const struct klog_ring *ring = &priv->ring;
	__u64 addr = ring->descs + (seq & (ring->count - 1)) * ring->layout.desc_size;

	return read_mem(log, addr, desc, ring->layout.desc_size);
}

/* Whether the descriptor holds a record of this number that can be read. */
static enum outcome judge_desc(const struct klog_ring *ring, __u64 seq, const unsigned char *desc)
{
	__u64 state_var = klog_get64(desc, ring->layout.state_var);
	__u64 ahead = (state_var - id_of(ring, seq)) & KLOG_ID_MASK;

	if (ahead)
		/* an older id: the descriptor was not reserved yet */
		return ahead > KLOG_ID_MASK / 2 ? NOT_YET : LOST;
	switch (state_var >> STATE_SHIFT) {
	case STATE_RESERVED:
		return NOT_YET;
	case STATE_COMMITTED:
		return GOT_OPEN;
	case STATE_FINALIZED:
		return GOT_FINAL;
	default:
		return LOST;
	}
}

/* A block of text begins with the id of its descriptor and does not wrap. */
static bool find_text(const struct klog_ring *ring, const unsigned char *desc,
		      __u64 *addr, __u64 *len)
{
	__u64 begin = klog_get64(desc, ring->layout.begin);
	__u64 next = klog_get64(desc, ring->layout.next);
	__u64 size = 1ULL << ring->data_bits;
	__u64 mask = size - 1;

	if (begin >> ring->data_bits == next >> ring->data_bits && begin < next) {
		*addr = ring->data + (begin & mask);
		*len = next - begin;
	} else if ((begin + size) >> ring->data_bits == next >> ring->data_bits) {
		/* no room before the end: it went to the start */
		*addr = ring->data;
		*len = next & mask;
	} else {
		return false;
	}
	if (*len < sizeof(__u64))
		return false;
	*addr += sizeof(__u64);
	*len -= sizeof(__u64);
	return true;
}

static enum outcome read_text(const struct rfm_klog *log, const unsigned char *desc,
			      struct rfm_klog_record *rec)
{
	const struct klog_priv *priv = log->priv;
	const struct klog_ring *ring = &priv->ring;
	__u64 begin = klog_get64(desc, ring->layout.begin);
	__u64 next = klog_get64(desc, ring->layout.next);
	__u64 addr, len;

	if (begin & next & LPOS_DATALESS) {
		rec->len = 0;
		return begin == LPOS_EMPTY ? GOT_FINAL : LOST;
	}
	if (!find_text(ring, desc, &addr, &len))
		return LOST;
	if (rec->len > len)
		rec->len = len;
	if (rec->len > sizeof(rec->text))
		rec->len = sizeof(rec->text);
	return read_mem(log, addr, rec->text, rec->len) ? FAILED : GOT_FINAL;
}

/* Fills in all but the text. @rec->len is what the writer says. */
static enum outcome read_info(const struct rfm_klog *log, __u64 seq, struct rfm_klog_record *rec)
{
	const struct klog_priv *priv = log->priv;
	const struct klog_ring *ring = &priv->ring;
	const struct klog_layout *l = &ring->layout;
	__u64 addr = ring->infos + (seq & (ring->count - 1)) * l->info_size;
	unsigned char info[KLOG_INFO_MAX];
	__u32 sizes;

	if (read_mem(log, addr, info, l->info_size))
		return FAILED;
	if (klog_get64(info, l->seq) != seq)
		return LOST;
	sizes = klog_get32(info, l->text_len);
	rec->seq = seq;
	rec->ts_nsec = klog_get64(info, l->ts_nsec);
	rec->len = sizes & 0xffff;
	rec->facility = sizes >> 16 & 0xff;
	rec->level = sizes >> 29;
	rec->lost = 0;
	return GOT_FINAL;
}

static enum outcome try_record(const struct rfm_klog *log, __u64 seq, struct rfm_klog_record *rec)
{
	const struct klog_priv *priv = log->priv;
	unsigned char before[KLOG_DESC_MAX], after[KLOG_DESC_MAX];
	enum outcome state, ret;

	if (read_desc(log, seq, before))
		return FAILED;
	state = judge_desc(&priv->ring, seq, before);
	if (state != GOT_FINAL && state != GOT_OPEN)
		return state;
	ret = read_info(log, seq, rec);
	if (ret == GOT_FINAL)
		ret = read_text(log, before, rec);
	if (ret == FAILED || read_desc(log, seq, after))
		return FAILED;
	if (memcmp(before, after, priv->ring.layout.desc_size))
		return CHANGED;
	return ret == GOT_FINAL ? state : ret;
}

static enum outcome read_record(const struct rfm_klog *log, __u64 seq,
				struct rfm_klog_record *rec)
{
	enum outcome ret = CHANGED;
	int i;

	for (i = 0; ret == CHANGED && i < RETRIES; i++)
		ret = try_record(log, seq, rec);
	return ret == CHANGED ? NOT_YET : ret;
}

static void nap(void)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	nanosleep(&ms, NULL);
}

/*
 * A message that its writer has not completed: he may be at work, or dead. It
 * gets some time, but not over and over again.
 */
static enum outcome wait_for_record(struct rfm_klog *log, struct rfm_klog_record *rec,
				    enum outcome ret)
{
	struct klog_priv *priv = log->priv;
	int i;

	for (i = 0; (ret == NOT_YET || ret == GOT_OPEN) && i < WAIT_MS && priv->patience_ms; i++) {
		priv->patience_ms--;
		nap();
		ret = read_record(log, log->next_seq, rec);
	}
	return ret;
}

static void skip_lost(struct rfm_klog *log, __u64 to)
{
	struct klog_priv *priv = log->priv;

	priv->lost += to - log->next_seq;
	log->next_seq = to;
}

static int give(struct rfm_klog *log, struct rfm_klog_record *rec, enum outcome state)
{
	struct klog_priv *priv = log->priv;

	priv->open = state == GOT_OPEN;
	priv->open_len = rec->len;
	priv->idle_calls = 0;
	rec->lost = priv->lost;
	priv->lost = 0;
	log->next_seq++;
	return 1;
}

/* Text that was added to the record given last. Return: as rfm_klog_next() */
static int next_of_open(struct rfm_klog *log, struct rfm_klog_record *rec)
{
	struct klog_priv *priv = log->priv;
	enum outcome state;
	size_t given = priv->open_len;

	if (!priv->open)
		return 0;
	state = read_record(log, log->next_seq - 1, rec);
	if (state == NOT_YET)
		return 0;
	priv->open = state == GOT_OPEN;
	if ((state != GOT_OPEN && state != GOT_FINAL) || rec->len <= given)
		return 0;
	priv->open_len = rec->len;
	rec->len -= given;
	memmove(rec->text, rec->text + given, rec->len);
	return 1;
}

/* Return: 1 a record, 0 none there, -EAGAIN it was skipped, -EIO */
static int step(struct rfm_klog *log, struct rfm_klog_record *rec,
		const struct klog_bounds *bounds)
{
	enum outcome state;

	if (log->next_seq < bounds->first)
		skip_lost(log, bounds->first);
	if (log->next_seq > bounds->end)
		return -EIO;
	if (log->next_seq == bounds->end)
		return 0;
	state = read_record(log, log->next_seq, rec);
	if (state == NOT_YET && log->next_seq + 1 == bounds->end)
		return 0;
	state = wait_for_record(log, rec, state);
	if (state == NOT_YET)
		state = LOST;
	if (state == FAILED)
		return -EIO;
	if (state == LOST) {
		skip_lost(log, log->next_seq + 1);
		return -EAGAIN;
	}
	return give(log, rec, state);
}

static int next_of_ring(struct rfm_klog *log, struct rfm_klog_record *rec)
{
	struct klog_bounds bounds;
	unsigned int steps;
	int ret;

	ret = next_of_open(log, rec);
	if (ret)
		return ret;
	ret = read_bounds(log, &bounds);
	for (steps = 0; !ret && steps < STEPS_MAX; steps++) {
		ret = step(log, rec, &bounds);
		if (ret != -EAGAIN)
			return ret;
		/* what was lost may have made room for newer ones */
		ret = log->next_seq == bounds.end ? read_bounds(log, &bounds) : 0;
	}
	return -EIO;
}

/*
 * The static ring may have been replaced by a larger one. That is looked for
 * now and then, when the old one has gone quiet. Return: true there is a better one.
 */
static bool find_better(struct rfm_klog *log)
{
	struct klog_priv *priv = log->priv;
	unsigned int calls = ++priv->idle_calls;
	struct klog_ring ring;

	if (!priv->ring.by_shape || (calls & (calls - 1) && calls % 64))
		return false;
	if (!klog_find(&ring, &log->mem))
		return false;
	if (ring.by_shape && ring.address == priv->ring.address)
		return false;
	priv->ring = ring;
	return true;
}

int rfm_klog_next(struct rfm_klog *log, struct rfm_klog_record *rec)
{
	struct klog_priv *priv = log->priv;
	int ret = next_of_ring(log, rec);

	if (!ret && find_better(log))
		ret = next_of_ring(log, rec);
	if (!ret)
		priv->patience_ms = KLOG_PATIENCE_MS;
	return ret;
}

int rfm_klog_open(struct rfm_klog *log, const struct rfm_mem *mem, char *err, size_t err_size)
{
	struct klog_priv *priv = calloc(1, sizeof(*priv));

	memset(log, 0, sizeof(*log));
	if (!priv) {
		snprintf(err, err_size, "the kernel log cannot be read: out of memory");
		return -ENOMEM;
	}
	if (!klog_find(&priv->ring, mem)) {
		free(priv);
		snprintf(err, err_size,
			 "no kernel log found in the memory (yet); try again when it has booted further");
		return -EAGAIN;
	}
	priv->patience_ms = KLOG_PATIENCE_MS;
	log->mem = *mem;
	log->priv = priv;
	return 0;
}

void rfm_klog_close(struct rfm_klog *log)
{
	free(log->priv);
	memset(log, 0, sizeof(*log));
}
