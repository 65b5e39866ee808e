// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chunks: what does not fit into a line goes through memory that the supervisor lends to
 * two kernels, struct rf_com_bulk. Here it is got and filled; who reads: hold.c.
 *
 * That memory may go when this kernel leaves the exchange: it is used under RCU, with
 * faults disabled. A kernel and its successor are told apart by generation.
 */
#include <linux/export.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/sysfs.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "internal.h"

#define BULK_PATIENCE_NS	(100 * NSEC_PER_USEC)	/* until a chunk is free */

static struct rfcom_bulk bulks[RFCOM_PEERS];
static struct rf_com_bulk *loopback;
static DEFINE_MUTEX(bulks_lock);	/* protects which peer each is of */

/**
 * rfcom_bulk_find() - chunks from and to a kernel
 * @peer: which
 *
 * Return: them, NULL: there are none. They may be another kernel's at any time.
 */
struct rfcom_bulk *rfcom_bulk_find(u32 peer)
{
	unsigned int i;

	for (i = 0; i < RFCOM_PEERS; i++)
		if (READ_ONCE(bulks[i].used) && READ_ONCE(bulks[i].peer) == peer)
			return &bulks[i];
	return NULL;
}

static void bulk_init(struct rf_com_bulk *out)
{
	WRITE_ONCE(out->version, cpu_to_le32(RF_WIRE_VERSION));
	WRITE_ONCE(out->size, cpu_to_le32(sizeof(*out)));
	if (!out->token)
		WRITE_ONCE(out->token, cpu_to_le32(get_random_u32() | 1));
	/* The rest before the magic: pairs with bulk_taken(). */
	smp_store_release(&out->magic, cpu_to_le32(RF_COM_BULK_MAGIC));
}

/* Nobody uses it any more when this returns. */
static void bulk_drop(struct rfcom_bulk *b)
{
	lockdep_assert_held(&bulks_lock);
	rfcom_hold_leave(b);
	synchronize_rcu();
	WRITE_ONCE(b->used, false);
}

static int bulk_memory(u32 peer, struct rf_com_bulk **out, struct rf_com_bulk **in)
{
	if (peer != FICM_LOOPBACK)
		return ficm_bulk(peer, out, in);
	*out = loopback;
	*in = loopback;
	return loopback ? 0 : -ENOENT;
}

static void bulk_take(const struct ficm_kernel *kernel)
{
	struct rf_com_bulk *out, *in;
	struct rfcom_bulk *b;

	if (bulk_memory(kernel->peer, &out, &in))
		return;
	for (b = bulks; b < bulks + RFCOM_PEERS; b++)
		if (!b->used)
			break;
	if (b == bulks + RFCOM_PEERS)
		return;
	b->peer = kernel->peer;
	b->generation = kernel->generation;
	/* Not 0 when this module was here before. What was not read then is lost. */
	b->head = le32_to_cpu(READ_ONCE(out->sent));
	b->waited = b->head - 1;
	spin_lock(&b->hold_lock);
	b->next = le32_to_cpu(READ_ONCE(in->sent));
	b->tail = b->next;
	b->told = b->tail;
	WRITE_ONCE(b->token, le32_to_cpu(READ_ONCE(in->token)));
	WRITE_ONCE(out->taken, cpu_to_le32(b->tail));
	bulk_init(out);
	rcu_assign_pointer(b->in, in);
	rcu_assign_pointer(b->out, out);
	spin_unlock(&b->hold_lock);
	WRITE_ONCE(b->used, true);
}

/**
 * rfcom_bulk_open() - make ready for chunks from and to a kernel
 * @kernel: which
 *
 * Without memory for them there are none: all goes in lines.
 *
 * Context: sleeps.
 */
void rfcom_bulk_open(const struct ficm_kernel *kernel)
{
	struct rfcom_bulk *b;

	mutex_lock(&bulks_lock);
	b = rfcom_bulk_find(kernel->peer);
	if (b && b->generation != kernel->generation) {
		bulk_drop(b);
		b = NULL;
	}
	if (!b)
		bulk_take(kernel);
	mutex_unlock(&bulks_lock);
}

/**
 * rfcom_bulk_look() - the directory has changed: let go of what belongs to nobody
 *
 * Context: sleeps.
 */
void rfcom_bulk_look(void)
{
	struct ficm_kernel kernel;
	struct rfcom_bulk *b;

	mutex_lock(&bulks_lock);
	for (b = bulks; b < bulks + RFCOM_PEERS; b++)
		if (b->used && (ficm_describe(b->peer, &kernel) ||
				kernel.generation != b->generation))
			bulk_drop(b);
	mutex_unlock(&bulks_lock);
}

/* Chunks that the other kernel took; false when it can take none. */
static bool bulk_taken(const struct rf_com_bulk *in, u32 *taken)
{
	/* Pairs with bulk_init(). */
	if (le32_to_cpu(smp_load_acquire(&in->magic)) != RF_COM_BULK_MAGIC ||
	    le32_to_cpu(READ_ONCE(in->version)) != RF_WIRE_VERSION)
		return false;
	/* Taken before it is filled anew: pairs with hold_tell(). */
	*taken = le32_to_cpu(smp_load_acquire(&in->taken));
	return true;
}

/**
 * rfcom_bulk_begin() - the chunks to a kernel, for one sender
 * @peer: which
 * @generation: of that kernel
 *
 * Context: sleeps, for a moment: nobody waits for the other kernel while he has them.
 * Return: them, for rfcom_bulk_end(); NULL: there are none, or a signal came.
 */
struct rfcom_bulk *rfcom_bulk_begin(u32 peer, u32 generation)
{
	struct rfcom_bulk *b = rfcom_bulk_find(peer);

	if (!b || mutex_lock_interruptible(&b->lock))
		return NULL;
	if (READ_ONCE(b->peer) == peer && READ_ONCE(b->generation) == generation)
		return b;
	mutex_unlock(&b->lock);
	return NULL;
}

/**
 * rfcom_bulk_end() - another sender may have them
 * @b: the chunks, or NULL
 */
void rfcom_bulk_end(struct rfcom_bulk *b)
{
	if (b)
		mutex_unlock(&b->lock);
}

/* Chunks that may be filled, one behind the other. */
static u32 bulk_free(const struct rfcom_bulk *b, const struct rf_com_bulk *in)
{
	u32 taken;

	if (!bulk_taken(in, &taken) || b->head - taken >= RF_COM_CHUNKS)
		return 0;
	return min(RF_COM_CHUNKS - (b->head - taken), rfcom_chunks_most(b->head));
}

static int bulk_fill(struct rfcom_bulk *b, struct iov_iter *from, size_t most,
		     struct rf_com_chunk *chunk)
{
	const struct rf_com_bulk *in;
	struct rf_com_bulk *out;
	size_t done, bytes = 0;
	int ret = -EAGAIN;

	rcu_read_lock();
	out = rcu_dereference(b->out);
	in = rcu_dereference(b->in);
	if (out && in)
		bytes = min_t(size_t, most, bulk_free(b, in) * RF_COM_CHUNK);
	if (bytes) {
		pagefault_disable();
		done = copy_from_iter(out->chunk[b->head % RF_COM_CHUNKS], bytes, from);
		pagefault_enable();
		ret = done == bytes ? 0 : -EFAULT;
		if (ret)
			iov_iter_revert(from, done);
	}
	rcu_read_unlock();
	chunk->count = cpu_to_le32(b->head);
	chunk->bytes = cpu_to_le32(bytes);
	return ret;
}

/**
 * rfcom_bulk_fill() - fill the next chunks
 * @b: the chunks, from rfcom_bulk_begin()
 * @from: what with
 * @most: how much of it: as much as goes into those that are free, and one line names
 * @chunk: (out) what names them; rfcom_bulk_sent() when the other kernel was told
 *
 * Waits for a moment where none is free: the other kernel frees them as it hears of them, and
 * a message in lines takes both longer than that. Not again before a chunk was sent.
 *
 * Return: 0; -EAGAIN there is none free, or none at all; -EFAULT the memory that it
 * comes from is not there, @from stands where it did.
 */
int rfcom_bulk_fill(struct rfcom_bulk *b, struct iov_iter *from, size_t most,
		    struct rf_com_chunk *chunk)
{
	int ret = bulk_fill(b, from, most, chunk);
	u64 end;

	if (ret != -EAGAIN || b->waited == b->head)
		return ret;
	end = ktime_get_mono_fast_ns() + BULK_PATIENCE_NS;
	do {
		cpu_relax();
		ret = bulk_fill(b, from, most, chunk);
	} while (ret == -EAGAIN && ktime_get_mono_fast_ns() < end);
	if (ret == -EAGAIN)
		b->waited = b->head;
	return ret;
}

/**
 * rfcom_bulk_sent() - the other kernel was told of what rfcom_bulk_fill() filled
 * @b: the chunks
 * @bytes: in them
 */
void rfcom_bulk_sent(struct rfcom_bulk *b, u32 bytes)
{
	struct rf_com_bulk *out;

	b->head += rfcom_chunks(bytes);
	rcu_read_lock();
	out = rcu_dereference(b->out);
	if (out)
		WRITE_ONCE(out->sent, cpu_to_le32(b->head));
	rcu_read_unlock();
}

static int fetched_get(char *text, const struct kernel_param *param)
{
	unsigned long sum = 0;
	unsigned int i;

	for (i = 0; i < RFCOM_PEERS; i++)
		sum += READ_ONCE(bulks[i].fetched);
	return sysfs_emit(text, "%lu\n", sum);
}

static int fetched_set(const char *text, const struct kernel_param *param)
{
	return -EPERM;
}

static const struct kernel_param_ops fetched_ops = {
	.get = fetched_get,
	.set = fetched_set,
};

module_param_cb(fetched, &fetched_ops, NULL, 0444);
MODULE_PARM_DESC(fetched, "lines copied out of chunks as no reader took them in time; read only");

/**
 * rfcom_bulk_init() - chunks within this kernel
 */
void rfcom_bulk_init(void)
{
	unsigned int i;

	for (i = 0; i < RFCOM_PEERS; i++) {
		mutex_init(&bulks[i].lock);
		spin_lock_init(&bulks[i].hold_lock);
	}
	loopback = alloc_pages_exact(sizeof(*loopback), GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN);
}

/**
 * rfcom_bulk_exit() - nobody sends any more
 */
void rfcom_bulk_exit(void)
{
	struct rfcom_bulk *b;

	mutex_lock(&bulks_lock);
	for (b = bulks; b < bulks + RFCOM_PEERS; b++)
		if (b->used)
			bulk_drop(b);
	mutex_unlock(&bulks_lock);
	if (loopback)
		free_pages_exact(loopback, sizeof(*loopback));
}
