// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring between two kernels. Documentation/ficm.rst tells how it works and
 * why nothing is lost; tools/model/ring.pml is the same as a model for spin.
 *
 * What the peer can write is read once, checked, then used. Nonsense breaks
 * the ring: from then on each call returns -EPIPE, and nothing else happens.
 */
#include "ring.h"

static_assert(sizeof(struct rf_ring_id) == 16);
static_assert(sizeof(struct rf_msg) == 64);
static_assert(offsetof(struct rf_msg, type) == 8);
static_assert(offsetof(struct rf_msg, body) == 16);
static_assert(sizeof(struct rf_ring_head) == 64);
static_assert(offsetof(struct rf_ring_head, open) == 16);
static_assert(sizeof(struct rf_ring_ack) == 128);
static_assert(offsetof(struct rf_ring_ack, taken) == 16);
static_assert(offsetof(struct rf_ring_ack, wanted) == 64);

#define SLOT_WORDS	(sizeof(struct rf_msg) / sizeof(__le64))

/* a slot as it is read and written: a word at a time, the stamp being the first */
union ficm_slot {
	struct rf_msg msg;
	__le64 word[SLOT_WORDS];
};

/**
 * ficm_ring_size() - bytes of a writer's area
 * @slots: messages that it holds
 *
 * Return: bytes.
 */
u32 ficm_ring_size(u32 slots)
{
	return sizeof(struct rf_ring_head) + slots * sizeof(struct rf_msg);
}

/**
 * ficm_ring_fault_name() - a word for people
 * @fault: what broke a ring
 *
 * Return: one word.
 */
const char *ficm_ring_fault_name(enum ficm_ring_fault fault)
{
	static const char *const names[] = {
		[FICM_RING_GOOD] = "good",
		[FICM_RING_GONE] = "gone",
		[FICM_RING_BAD_ID] = "bad-id",
		[FICM_RING_BAD_STAMP] = "bad-stamp",
		[FICM_RING_BAD_MSG] = "bad-message",
		[FICM_RING_BAD_ACK] = "bad-acknowledgment",
	};

	return names[fault];
}

/**
 * ficm_ring_pair() - upper half of a stamp
 * @writer: generation of the writing kernel
 * @reader: of the reading kernel
 *
 * Return: that, not 0.
 */
u32 ficm_ring_pair(u32 writer, u32 reader)
{
	return (writer % 65535 + 1) << 16 | (reader % 65535 + 1);
}

static u64 stamp_of(u32 pair, u32 number)
{
	return (u64)pair << 32 | number;
}

static bool mem_good(const struct ficm_ring_mem *mem)
{
	return mem->slots >= RF_RING_SLOTS_MIN && mem->slots <= RF_RING_SLOTS_MAX &&
	       !(mem->slots & (mem->slots - 1));
}

static union ficm_slot *slot_at(const struct ficm_ring_mem *mem, u32 number)
{
	return (union ficm_slot *)(mem->head + 1) + (number & (mem->slots - 1));
}

static void id_write(struct rf_ring_id *id, u32 size, u32 slots)
{
	WRITE_ONCE(id->magic, cpu_to_le32(RF_RING_MAGIC));
	WRITE_ONCE(id->version, cpu_to_le32(RF_WIRE_VERSION));
	WRITE_ONCE(id->size, cpu_to_le32(size));
	WRITE_ONCE(id->slots, cpu_to_le32(slots));
}

static bool id_good(const struct rf_ring_id *id, u32 size, u32 slots)
{
	return READ_ONCE(id->magic) == cpu_to_le32(RF_RING_MAGIC) &&
	       READ_ONCE(id->version) == cpu_to_le32(RF_WIRE_VERSION) &&
	       READ_ONCE(id->size) == cpu_to_le32(size) &&
	       READ_ONCE(id->slots) == cpu_to_le32(slots);
}

/**
 * ficm_ring_out_open() - empty the ring and begin to write
 * @out: the end to set up
 * @mem: where the ring lies
 * @self: own generation
 * @peer: the reader's generation; two ends opened with other numbers than each
 *	other's never meet
 *
 * Return: 0, or -EINVAL for a number of slots that cannot be.
 */
int ficm_ring_out_open(struct ficm_ring_out *out, const struct ficm_ring_mem *mem,
		       u32 self, u32 peer)
{
	u32 i;

	if (!mem_good(mem))
		return -EINVAL;
	*out = (struct ficm_ring_out) { .mem = *mem, .pair = ficm_ring_pair(self, peer) };
	WRITE_ONCE(mem->head->open, 0);
	for (i = 0; i < mem->slots; i++) {
		/*
		 * A reader of the stream that ends here, which finds a slot emptied,
		 * also finds that the ring is not its own any more: pairs with
		 * ficm_ring_get().
		 */
		smp_store_release(&slot_at(mem, i)->word[0], 0);
	}
	id_write(&mem->head->id, ficm_ring_size(mem->slots), mem->slots);
	/* Empty before open: pairs with in_meet(). */
	smp_store_release(&mem->head->open, cpu_to_le64(stamp_of(out->pair, 0)));
	/* Empty before anything is put: pairs with ficm_ring_get(). */
	smp_mb();
	return 0;
}

/**
 * ficm_ring_out_close() - tell the reader that nothing more comes
 * @out: the writer's end; messages that are in the ring may be lost
 */
void ficm_ring_out_close(struct ficm_ring_out *out)
{
	out->fault = FICM_RING_GONE;
	WRITE_ONCE(out->mem.head->open, 0);
	/* What does not belong there makes it look; as in ficm_ring_out_open(). */
	smp_store_release(&slot_at(&out->mem, out->next)->word[0],
			  cpu_to_le64(stamp_of(out->pair, out->next + 1)));
}

static int out_break(struct ficm_ring_out *out, enum ficm_ring_fault fault)
{
	out->fault = fault;
	return -EPIPE;
}

/* All slots are used as far as we know: how far is the reader? */
static int out_look(struct ficm_ring_out *out)
{
	const struct rf_ring_ack *ack = out->mem.ack;
	/* Slots are written anew only after they were read: pairs with in_tell(). */
	u64 seen = le64_to_cpu(smp_load_acquire(&ack->taken));
	u32 taken = (u32)seen;

	if (seen >> 32 != out->pair) {
		if (out->met)
			return out_break(out, FICM_RING_GONE);
		out->full++;
		return -EAGAIN;
	}
	if (!out->met && !id_good(&ack->id, sizeof(*ack), out->mem.slots))
		return out_break(out, FICM_RING_BAD_ID);
	out->met = true;
	if (taken - out->taken > out->next - out->taken)
		return out_break(out, FICM_RING_BAD_ACK);
	out->taken = taken;
	if (out->next - taken < out->mem.slots)
		return 0;
	out->full++;
	return -EAGAIN;
}

/*
 * The message, all of its line but the stamp, zero behind its end. Word by word, with
 * no copy in between: on the stack that would cost more than the line itself.
 */
static void line_write(union ficm_slot *slot, const struct rf_msg *msg)
{
	const union ficm_slot *line = (const union ficm_slot *)msg;
	unsigned int i, bytes = offsetof(struct rf_msg, body) + msg->len;
	__le64 rest = cpu_to_le64(~(U64_MAX << 8 * (bytes % sizeof(__le64))));

	for (i = 1; i < bytes / sizeof(__le64); i++)
		WRITE_ONCE(slot->word[i], line->word[i]);
	if (i < SLOT_WORDS) {
		WRITE_ONCE(slot->word[i], line->word[i] & rest);
		i++;
	}
	for (; i < SLOT_WORDS; i++)
		WRITE_ONCE(slot->word[i], 0);
}

/**
 * ficm_ring_put() - send a message
 * @out: the writer's end
 * @msg: the message; its stamp is not looked at
 *
 * After one or more of these ficm_ring_bell() must be called, and also before
 * waiting for room.
 *
 * Return: 0, -EAGAIN when the ring is full, which is nothing unusual, -EPIPE
 * when it is broken, -EINVAL for a length or a flag that cannot be.
 */
int ficm_ring_put(struct ficm_ring_out *out, const struct rf_msg *msg)
{
	union ficm_slot *slot = slot_at(&out->mem, out->next);

	if (msg->len > RF_MSG_BODY || msg->flags)
		return -EINVAL;
	if (out->fault)
		return -EPIPE;
	if (out->next - out->taken >= out->mem.slots) {
		int ret = out_look(out);

		if (ret)
			return ret;
	}
	line_write(slot, msg);
	/* The message before its stamp: pairs with ficm_ring_get(). */
	smp_store_release(&slot->word[0], cpu_to_le64(stamp_of(out->pair, out->next)));
	out->next++;
	out->sent++;
	return 0;
}

/**
 * ficm_ring_bell() - does the reader sleep?
 * @out: the writer's end
 *
 * Return: true when the reader waits for one of the messages put since the
 * last call: ring its doorbell.
 */
bool ficm_ring_bell(struct ficm_ring_out *out)
{
	u32 first = out->belled, count = out->next - first;
	u64 wanted;

	if (!count)
		return false;
	out->belled = out->next;
	/*
	 * We write a stamp and then read what is wanted; the reader writes what it
	 * wants and then reads the stamp. With a full barrier between the two on
	 * both sides at least one sees what the other wrote: pairs with
	 * ficm_ring_arm().
	 */
	smp_mb();
	wanted = le64_to_cpu(READ_ONCE(out->mem.ack->wanted));
	if (wanted >> 32 != out->pair || (u32)wanted - first >= count)
		return false;
	out->bells++;
	return true;
}

/**
 * ficm_ring_in_open() - begin to read
 * @in: the end to set up
 * @mem: where the ring lies
 * @self: own generation
 * @peer: the writer's generation
 *
 * It does not matter which end is opened first.
 *
 * Return: 0, or -EINVAL for a number of slots that cannot be.
 */
int ficm_ring_in_open(struct ficm_ring_in *in, const struct ficm_ring_mem *mem,
		      u32 self, u32 peer)
{
	struct rf_ring_ack *ack = mem->ack;

	if (!mem_good(mem))
		return -EINVAL;
	*in = (struct ficm_ring_in) { .mem = *mem, .pair = ficm_ring_pair(peer, self) };
	WRITE_ONCE(ack->taken, 0);
	WRITE_ONCE(ack->wanted, 0);
	id_write(&ack->id, sizeof(*ack), mem->slots);
	/* The rest before the stamp: pairs with out_look(). */
	smp_store_release(&ack->taken, cpu_to_le64(stamp_of(in->pair, 0)));
	return 0;
}

/**
 * ficm_ring_in_close() - tell the writer that nobody reads any more
 * @in: the reader's end
 */
void ficm_ring_in_close(struct ficm_ring_in *in)
{
	in->fault = FICM_RING_GONE;
	WRITE_ONCE(in->mem.ack->wanted, 0);
	/* No message is read any more: pairs with out_look(). */
	smp_store_release(&in->mem.ack->taken, 0);
}

static int in_break(struct ficm_ring_in *in, enum ficm_ring_fault fault)
{
	in->fault = fault;
	return -EPIPE;
}

static bool in_opened(const struct ficm_ring_in *in)
{
	/* Pairs with ficm_ring_out_open(). */
	return smp_load_acquire(&in->mem.head->open) == cpu_to_le64(stamp_of(in->pair, 0));
}

/* Has the writer opened its end? */
static int in_meet(struct ficm_ring_in *in)
{
	if (!in_opened(in))
		return -EAGAIN;
	if (!id_good(&in->mem.head->id, ficm_ring_size(in->mem.slots), in->mem.slots))
		return in_break(in, FICM_RING_BAD_ID);
	in->met = true;
	return 0;
}

/* What a slot holds until the next message is put there. */
static u64 in_before(const struct ficm_ring_in *in)
{
	return in->got < in->mem.slots ? 0 : stamp_of(in->pair, in->next - in->mem.slots);
}

/* A stamp that does not belong there: has the writer left, or is it nonsense? */
static int in_stray(struct ficm_ring_in *in)
{
	return in_break(in, in_opened(in) ? FICM_RING_BAD_STAMP : FICM_RING_GONE);
}

/* The slots of all that was got may be written anew. */
static void in_tell(struct ficm_ring_in *in)
{
	in->told = in->next;
	/* Read before written anew: pairs with out_look(). */
	smp_store_release(&in->mem.ack->taken, cpu_to_le64(stamp_of(in->pair, in->next)));
}

/**
 * ficm_ring_get() - receive a message
 * @in: the reader's end
 * @msg: where to put it; unspecified unless 0 is returned
 *
 * Return: 0, -EAGAIN when there is none, -EPIPE when the ring is broken.
 */
int ficm_ring_get(struct ficm_ring_in *in, struct rf_msg *msg)
{
	const union ficm_slot *slot = slot_at(&in->mem, in->next);
	union ficm_slot *line = (union ficm_slot *)msg;
	unsigned int i;
	u64 stamp;

	if (in->fault)
		return -EPIPE;
	if (!in->met) {
		int ret = in_meet(in);

		if (ret)
			return ret;
	}
	/* The stamp before the message: pairs with ficm_ring_put(). */
	line->word[0] = smp_load_acquire(&slot->word[0]);
	stamp = le64_to_cpu(line->word[0]);
	if (stamp != stamp_of(in->pair, in->next))
		return stamp == in_before(in) ? -EAGAIN : in_stray(in);
	for (i = 1; i < SLOT_WORDS; i++)
		line->word[i] = READ_ONCE(slot->word[i]);
	/*
	 * The writer may have begun anew meanwhile, and filled this slot again:
	 * pairs with ficm_ring_out_open().
	 */
	smp_rmb();
	if (READ_ONCE(slot->word[0]) != line->word[0])
		return in_stray(in);
	if (line->msg.len > RF_MSG_BODY || line->msg.flags)
		return in_break(in, FICM_RING_BAD_MSG);
	in->next++;
	in->got++;
	if (in->next - in->told >= in->mem.slots / 4)
		in_tell(in);
	return 0;
}

/**
 * ficm_ring_next() - the word that changes when a message comes
 * @in: the reader's end
 * @before: (out) what stands there until then
 *
 * A look at that word costs less than ficm_ring_get(), and shows when that is worth a
 * call. It proves nothing: whoever goes to sleep calls ficm_ring_arm().
 *
 * Return: the word; NULL where only ficm_ring_get() can tell.
 */
const __le64 *ficm_ring_next(const struct ficm_ring_in *in, __le64 *before)
{
	if (in->fault)
		return NULL;
	if (!in->met) {
		*before = READ_ONCE(in->mem.head->open);
		return *before == cpu_to_le64(stamp_of(in->pair, 0)) ? NULL :
		       &in->mem.head->open;
	}
	*before = cpu_to_le64(in_before(in));
	return &slot_at(&in->mem, in->next)->word[0];
}

static bool in_empty(const struct ficm_ring_in *in)
{
	if (!in->met)
		return !in_opened(in);
	return le64_to_cpu(READ_ONCE(slot_at(&in->mem, in->next)->word[0])) == in_before(in);
}

/**
 * ficm_ring_arm() - ask for the doorbell
 * @in: the reader's end, found empty
 *
 * Return: true when the next message will ring, so that the caller may sleep;
 * false when there is something to get by now.
 */
bool ficm_ring_arm(struct ficm_ring_in *in)
{
	if (in->fault)
		return false;
	if (in->told != in->next)
		in_tell(in);
	in->arms++;
	WRITE_ONCE(in->mem.ack->wanted, cpu_to_le64(stamp_of(in->pair, in->next)));
	/* What is wanted before the look at the slot: pairs with ficm_ring_bell(). */
	smp_mb();
	return in_empty(in);
}
