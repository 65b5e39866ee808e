// SPDX-License-Identifier: GPL-2.0-only
/* The control queue of a network card. */
#include "ctrlq.h"

#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <linux/fuse.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>

/* a table of descriptors: the queue's, or an indirect one */
struct table {
	uint64_t at;
	uint32_t size;
	bool indirect;
};

/* what was gathered of a chain */
struct chain {
	struct ctrlq_command command;
	uint8_t heading[2];	/* class and cmd */
	uint32_t head;		/* used in @heading */
	uint64_t ack;		/* address of the answer */
	uint32_t ack_bytes;	/* room for it */
	bool has_ack;
	bool too_long;
};

static int get(const struct ctrlq *q, uint64_t at, void *to, uint32_t bytes)
{
	return q->memory->read(q->memory->ctx, at, to, bytes) ? -EFAULT : 0;
}

static int put(const struct ctrlq *q, uint64_t at, const void *from, uint32_t bytes)
{
	return q->memory->write(q->memory->ctx, at, from, bytes) ? -EFAULT : 0;
}

static int get16(const struct ctrlq *q, uint64_t at, uint16_t *value)
{
	uint16_t raw;
	int ret = get(q, at, &raw, sizeof(raw));

	*value = ret ? 0 : le16toh(raw);
	return ret;
}

static int put16(const struct ctrlq *q, uint64_t at, uint16_t value)
{
	value = htole16(value);
	return put(q, at, &value, sizeof(value));
}

/* Command bytes: class, cmd, data. Of what is too long the rest is not looked at. */
static int gather(const struct ctrlq *q, struct chain *c, uint64_t at, uint32_t bytes)
{
	uint8_t *data = c->command.data + c->command.bytes;
	int ret = 0;

	for (; !ret && bytes && c->head < sizeof(c->heading); at++, bytes--)
		ret = get(q, at, &c->heading[c->head++], 1);
	if (bytes > CTRLQ_DATA_MAX - c->command.bytes)
		c->too_long = true;
	if (ret || !bytes || c->too_long)
		return ret;
	c->command.bytes += bytes;
	return get(q, at, data, bytes);
}

static int take(const struct ctrlq *q, struct chain *c, const struct vring_desc *d)
{
	uint32_t bytes = le32toh(d->len);

	if (!(le16toh(d->flags) & VRING_DESC_F_WRITE)) {
		if (c->has_ack)
			return -EPROTO;	/* what is written comes behind what is read */
		return gather(q, c, le64toh(d->addr), bytes);
	}
	if (!c->has_ack && bytes) {
		c->ack = le64toh(d->addr);
		c->ack_bytes = bytes;
		c->has_ack = true;
	}
	return 0;
}

/* An indirect table, in place of the rest of the chain. */
static int enter(struct table *t, const struct vring_desc *d)
{
	uint32_t bytes = le32toh(d->len);

	if (t->indirect || !bytes || bytes % sizeof(*d) ||
	    bytes / sizeof(*d) > CTRLQ_SIZE_MAX || le16toh(d->flags) & VRING_DESC_F_NEXT)
		return -EPROTO;
	*t = (struct table){ .at = le64toh(d->addr), .size = bytes / sizeof(*d),
			     .indirect = true };
	return 0;
}

/* Each descriptor is looked at once: as many as the tables have, or it goes in circles. */
static int walk(const struct ctrlq *q, struct chain *c, uint16_t head)
{
	struct table t = { .at = q->desc, .size = q->size };
	uint32_t left = q->size, i = head;
	struct vring_desc d;
	int ret;

	for (;;) {
		if (i >= t.size || !left--)
			return -EPROTO;
		ret = get(q, t.at + i * sizeof(d), &d, sizeof(d));
		if (ret)
			return ret;
		if (le16toh(d.flags) & VRING_DESC_F_INDIRECT) {
			ret = enter(&t, &d);
			left = t.size;
			i = 0;
		} else {
			ret = take(q, c, &d);
			i = le16toh(d.next);
			if (!ret && !(le16toh(d.flags) & VRING_DESC_F_NEXT))
				return 0;
		}
		if (ret)
			return ret;
	}
}

static int finish(struct ctrlq *q, uint16_t head, uint32_t written)
{
	struct vring_used_elem e = { .id = htole32(head), .len = htole32(written) };
	uint32_t slot = q->used_idx & (q->size - 1);
	int ret;

	ret = put(q, q->used + 4 + slot * sizeof(e), &e, sizeof(e));
	if (ret)
		return ret;
	q->used_idx++;
	__atomic_thread_fence(__ATOMIC_RELEASE);	/* the entry before its index */
	return put16(q, q->used + 2, q->used_idx);
}

/* The next one that waits. */
static int pop(struct ctrlq *q, struct chain *c, uint16_t *head)
{
	int ret = get16(q, q->avail + 4 + 2 * (q->last_avail & (q->size - 1)), head);

	return ret ? ret : walk(q, c, *head);
}

static int carry_out(struct ctrlq *q, bool (*run)(void *ctx, const struct ctrlq_command *c),
		     void *ctx)
{
	struct chain c = { 0 };
	uint8_t ack = VIRTIO_NET_ERR;
	uint16_t head;
	int ret;

	ret = pop(q, &c, &head);
	if (!ret && !c.has_ack)
		ret = -EPROTO;
	if (ret)
		return ret;
	q->last_avail++;
	c.command.class = c.heading[0];
	c.command.cmd = c.heading[1];
	if (c.head == sizeof(c.heading) && !c.too_long && run(ctx, &c.command))
		ack = VIRTIO_NET_OK;
	ret = put(q, c.ack, &ack, 1);
	return ret ? ret : finish(q, head, 1);
}

/* How many wait; the driver is told to kick behind these. */
static int waiting(struct ctrlq *q, uint16_t *nr)
{
	uint16_t idx;
	int ret = 0;

	if (q->event_idx)
		ret = put16(q, q->used + 4 + q->size * sizeof(struct vring_used_elem),
			    q->last_avail);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* told before it is looked */
	if (!ret)
		ret = get16(q, q->avail + 2, &idx);
	if (ret)
		return ret;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);	/* the index before its entries */
	*nr = idx - q->last_avail;
	return *nr > q->size ? -EPROTO : 0;
}

/* Requests without room for an answer want none. The header begins a chain of its own. */
static int refuse(struct ctrlq *q, int error)
{
	struct fuse_out_header out = { .len = sizeof(out), .error = -error };
	struct chain c = { 0 };
	uint32_t written = 0;
	uint16_t head;
	int ret;

	ret = pop(q, &c, &head);
	if (ret)
		return ret;
	q->last_avail++;
	if (c.has_ack && c.ack_bytes >= sizeof(out) &&
	    c.command.bytes + sizeof(c.heading) >= sizeof(struct fuse_in_header)) {
		memcpy(&out.unique, c.command.data + offsetof(struct fuse_in_header, unique) -
		       sizeof(c.heading), sizeof(out.unique));
		written = sizeof(out);
		ret = put(q, c.ack, &out, sizeof(out));
	}
	return ret ? ret : finish(q, head, written);
}

/* Is there another one, behind @done of them? No more at a time than the queue holds. */
static int another(struct ctrlq *q, unsigned int done)
{
	uint16_t nr = 0;
	int ret = done < q->size ? waiting(q, &nr) : 0;

	return ret ? ret : nr > 0;
}

int ctrlq_refuse(struct ctrlq *q, int error)
{
	unsigned int done = 0;
	int ret;

	while ((ret = another(q, done)) > 0) {
		ret = refuse(q, error);
		if (ret)
			break;
		done++;
	}
	return ret ? ret : (int)done;
}

int ctrlq_serve(struct ctrlq *q, bool (*run)(void *ctx, const struct ctrlq_command *c), void *ctx)
{
	unsigned int done = 0;
	int ret;

	while ((ret = another(q, done)) > 0) {
		ret = carry_out(q, run, ctx);
		if (ret)
			break;
		done++;
	}
	return ret ? ret : (int)done;
}

int ctrlq_resume(struct ctrlq *q)
{
	int ret = get16(q, q->used + 2, &q->used_idx);

	q->last_avail = q->used_idx;
	return ret;
}
