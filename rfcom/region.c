// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions that this kernel holds: asking the supervisor for them, and letting go.
 *
 * A region has a number until the supervisor has said that it knows that we let go. Who
 * maps it is told apart (region_map.c); when it is revoked, what processes have mapped is
 * taken from them, and what this kernel has mapped is waited for.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "internal.h"
#include "region.h"

#define REGIONS_MAX	1024
#define OFFER_TIMEOUT	(10 * MSEC_PER_SEC)	/* for the supervisor to get memory */
#define ASK_AGAIN	HZ			/* that the supervisor knows */

static DEFINE_XARRAY_ALLOC1(regions);	/* by number; holds a reference to each */
static u32 regions_next;

static void again_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(again, again_work);

static void region_free(struct kref *ref)
{
	struct rf_region *r = container_of(ref, struct rf_region, ref);

	kvfree(r->extents);
	kfree(r);
}

/**
 * rfcom_region_put() - a reference less
 * @r: the region
 *
 * Context: any that may free memory of vmalloc(): not in an interrupt.
 */
void rfcom_region_put(struct rf_region *r)
{
	kref_put(&r->ref, region_free);
}

static struct rf_region *region_find(u32 id)
{
	struct rf_region *r;

	xa_lock(&regions);
	r = xa_load(&regions, id);
	if (r)
		kref_get(&r->ref);
	xa_unlock(&regions);
	return r;
}

static bool region_answered(const struct rf_region *r)
{
	/* Pairs with rfcom_region_answered(). */
	return smp_load_acquire(&r->answered);
}

static void region_tell_gone(struct rf_region *r)
{
	rfcom_tell_end(r->supervisor, RF_MSG_COM_DETACH, 0, r->id);
}

/* Nothing maps it any more, and nothing will: the supervisor hears of it until it answers. */
static void region_let_go(struct rf_region *r)
{
	if (test_and_set_bit(0, &r->left))
		return;
	rfcom_region_unremap(r);
	region_tell_gone(r);
	queue_delayed_work(system_unbound_wq, &again, ASK_AGAIN);
}

static void again_work(struct work_struct *work)
{
	struct rf_region *r;
	unsigned long id;
	bool left = false;

	xa_lock(&regions);
	xa_for_each(&regions, id, r)
		if (test_bit(0, &r->left)) {
			region_tell_gone(r);
			left = true;
		}
	xa_unlock(&regions);
	if (left)
		queue_delayed_work(system_unbound_wq, &again, ASK_AGAIN);
}

/**
 * rfcom_region_unused() - did the last kernel mapping go, of what was revoked?
 * @r: the region
 *
 * Context: sleeps.
 */
void rfcom_region_unused(struct rf_region *r)
{
	down_write(&r->gate);
	if (r->revoked && !r->kernel_maps)
		region_let_go(r);
	up_write(&r->gate);
}

static void revoke_work(struct work_struct *work)
{
	struct rf_region *r = container_of(work, struct rf_region, revoke);

	/* Nobody maps a page behind that: pairs with region_fault(), rf_map(). */
	down_write(&r->gate);
	WRITE_ONCE(r->revoked, true);
	up_write(&r->gate);
	unmap_mapping_range(&r->mapping, 0, 0, 1);
	wake_up_all(&r->wait);
	rfcom_region_unused(r);
	rfcom_region_put(r);
}

static struct rf_region *region_create(void)
{
	struct rf_region *r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!r)
		return ERR_PTR(-ENOMEM);
	kref_init(&r->ref);
	init_waitqueue_head(&r->wait);
	init_rwsem(&r->gate);
	INIT_WORK(&r->revoke, revoke_work);
	address_space_init_once(&r->mapping);
	kref_get(&r->ref);
	ret = xa_alloc_cyclic(&regions, &r->id, r, XA_LIMIT(1, REGIONS_MAX), &regions_next,
			      GFP_KERNEL_ACCOUNT);
	if (ret < 0) {
		region_free(&r->ref);
		return ERR_PTR(ret == -EBUSY ? -EMFILE : ret);
	}
	return r;
}

/* Whether the memory is all ours, the supervisor's own, or none of it ours. */
static bool extent_mapped_alike(const struct rf_region *r, const struct rfcom_extent *e)
{
	int want = r->supervisor == FICM_LOOPBACK ? REGION_INTERSECTS : REGION_DISJOINT;

	return region_intersects(e->start, e->pages << PAGE_SHIFT, IORESOURCE_SYSTEM_RAM,
				 IORES_DESC_NONE) == want;
}

static int region_read_table(struct rf_region *r, const struct rf_com_extent *table)
{
	u64 limit = 1ULL << boot_cpu_data.x86_phys_bits;
	struct rf_com_extent *copy;
	int ret;
	u32 i;

	copy = kvmalloc_array(r->nr_extents, sizeof(*copy), GFP_KERNEL);
	r->extents = kvmalloc_array(r->nr_extents, sizeof(*r->extents), GFP_KERNEL_ACCOUNT);
	if (!copy || !r->extents) {
		kvfree(copy);
		return -ENOMEM;
	}
	memcpy(copy, table, r->nr_extents * sizeof(*copy));
	ret = rfcom_extents_check(r->extents, copy, r->nr_extents, r->bytes, limit);
	kvfree(copy);
	for (i = 0; !ret && i < r->nr_extents; i++)
		if (!extent_mapped_alike(r, &r->extents[i]))
			ret = -EPROTO;
	return ret;
}

/* What the supervisor answered, of which nothing was checked yet. */
static int region_take(struct rf_region *r)
{
	u64 limit = 1ULL << boot_cpu_data.x86_phys_bits, table = le64_to_cpu(r->answer.table);
	size_t size;
	void *map;
	int ret;

	r->nr_extents = le32_to_cpu(r->answer.nr_extents);
	r->bytes = le64_to_cpu(r->answer.bytes);
	r->write = le32_to_cpu(r->answer.flags) & RF_COM_WRITE;
	size = r->nr_extents * sizeof(struct rf_com_extent);
	if (!size || r->nr_extents > RF_COM_EXTENTS || !PAGE_ALIGNED(table) || table >= limit ||
	    limit - table < size ||
	    region_intersects(table, size, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) == REGION_MIXED)
		return -EPROTO;
	map = memremap(table, size, MEMREMAP_WB);
	if (!map)
		return -ENOMEM;
	ret = region_read_table(r, map);
	memunmap(map);
	return ret ?: rfcom_region_remap(r);
}

/*
 * Asks, and waits for the answer. However it ends, and whenever the answer comes, the
 * supervisor hears that we let go of it when it is no success.
 */
static int region_ask(struct rf_region *r, u16 type, const void *body, size_t len,
		      unsigned int timeout_ms)
{
	long left;
	int ret;

	ret = rfcom_send(r->supervisor, type, 0, body, len);
	if (ret)
		return ret;
	left = wait_event_interruptible_timeout(r->wait, region_answered(r),
						msecs_to_jiffies(timeout_ms));
	if (left < 0)
		return -EINTR;
	if (!left)
		return -ETIMEDOUT;
	ret = le32_to_cpu(r->answer.error);
	if (ret)
		return ret <= MAX_ERRNO ? -ret : -EPROTO;
	return region_take(r);
}

static int region_find_supervisor(struct rf_region *r)
{
	u32 own = FICM_SUPERVISOR;
	int ret = ficm_own(&own);

	r->supervisor = own == FICM_SUPERVISOR ? FICM_LOOPBACK : FICM_SUPERVISOR;
	return ret;
}

/* Of which the request, whose @from is set here, gets hold. */
static struct rf_region *region_request(u16 type, void *body, size_t len, unsigned int timeout_ms)
{
	struct rf_com_end *head = body;
	struct rf_region *r;
	int ret;

	r = region_create();
	if (IS_ERR(r))
		return r;
	head->from = cpu_to_le32(r->id);
	ret = region_find_supervisor(r) ?: region_ask(r, type, body, len, timeout_ms);
	if (!ret)
		return r;
	rf_detach(r);
	return ERR_PTR(ret);
}

static bool name_good(const char *name)
{
	return strlen(name) < RFCOM_NAME_MAX && rfcom_name_good(name);
}

static struct rf_region *region_offer(const char *region, u64 bytes, unsigned int flags,
				      u32 only_flag, u32 only)
{
	struct rf_com_offer body = {
		.flags = cpu_to_le32((flags & RF_WRITE ? RF_COM_WRITE : 0) | only_flag),
		.bytes = cpu_to_le32(bytes),
		.only = cpu_to_le32(only),
	};

	if (!name_good(region) || flags & ~RF_WRITE || !bytes || bytes > RF_COM_REGION_MAX)
		return ERR_PTR(-EINVAL);
	strscpy_pad(body.name, region, sizeof(body.name));
	return region_request(RF_MSG_COM_OFFER, &body, sizeof(body), OFFER_TIMEOUT);
}

/**
 * rf_offer() - offer a region to other kernels
 * @region: its name
 * @bytes: of it, up to RF_COM_REGION_MAX; whole pages of the supervisor's, zeroed
 * @flags: RF_WRITE: others may write, too
 *
 * It is this kernel's until rf_detach().
 *
 * Context: sleeps.
 * Return: the region, for rf_detach(). -EINVAL, -EEXIST this kernel offers one of that
 * name, -EDQUOT more than a subOS may offer in all, -EMFILE too many, -ENOTCONN this
 * kernel is in no exchange, -ETIMEDOUT the supervisor has no rfcom, -EAGAIN it is busy,
 * -EPROTO it answered nonsense, -EINTR a signal came, -ENOMEM.
 */
struct rf_region *rf_offer(const char *region, u64 bytes, unsigned int flags)
{
	return region_offer(region, bytes, flags, 0, 0);
}
EXPORT_SYMBOL_NS_GPL(rf_offer, RAINFOREST_RFCOM);

/**
 * rf_offer_to() - offer a region to one other kernel alone
 * @peer: that, as ficm calls it; another one in its place, later, may not have it
 * @region: its name
 * @bytes: as for rf_offer()
 * @flags: as for rf_offer()
 *
 * Where a rule lets either of the two open channels to the other, @peer can attach to it.
 *
 * Context: sleeps.
 * Return: as rf_offer(); -ENOENT the supervisor knows no such kernel.
 */
struct rf_region *rf_offer_to(u32 peer, const char *region, u64 bytes, unsigned int flags)
{
	return region_offer(region, bytes, flags, RF_COM_ONLY, peer);
}
EXPORT_SYMBOL_NS_GPL(rf_offer_to, RAINFOREST_RFCOM);

/* Number of the kernel of that name, RF_FICM_NOBODY for this one. */
static int owner_find(const char *kernel, __le32 *owner)
{
	struct ficm_kernel found = { .peer = RF_FICM_NOBODY };
	int ret = *kernel ? ficm_find(kernel, &found) : 0;

	*owner = cpu_to_le32(found.peer);
	return ret;
}

/**
 * rf_attach() - have a region that a kernel offers
 * @kernel: name of its subOS, or "supervisor"; "": this one
 * @region: its name
 * @flags: RF_WRITE
 * @timeout_ms: how long to wait for the supervisor's answer
 *
 * Context: sleeps.
 * Return: the region, for rf_detach(). -ENOENT there is no such kernel, or region, -EACCES
 * no rule allows it, or not to write; otherwise as rf_offer().
 */
struct rf_region *rf_attach(const char *kernel, const char *region, unsigned int flags,
			    unsigned int timeout_ms)
{
	struct rf_com_attach body = {
		.flags = cpu_to_le32(flags & RF_WRITE ? RF_COM_WRITE : 0),
	};
	int ret;

	if (!name_good(region) || flags & ~RF_WRITE)
		return ERR_PTR(-EINVAL);
	ret = owner_find(kernel, &body.owner);
	if (ret)
		return ERR_PTR(ret);
	strscpy_pad(body.name, region, sizeof(body.name));
	return region_request(RF_MSG_COM_ATTACH, &body, sizeof(body), timeout_ms);
}
EXPORT_SYMBOL_NS_GPL(rf_attach, RAINFOREST_RFCOM);

/**
 * rf_detach() - let go of a region; nobody maps it, and nobody uses it any more
 * @r: the region
 *
 * What its owner lets go of is revoked from all others.
 *
 * Context: sleeps, but waits for no other kernel.
 */
void rf_detach(struct rf_region *r)
{
	WARN_ON_ONCE(r->kernel_maps);
	region_let_go(r);
	rfcom_region_put(r);
}
EXPORT_SYMBOL_NS_GPL(rf_detach, RAINFOREST_RFCOM);

/**
 * rf_region_bytes() - how large it is
 * @r: the region
 *
 * Return: bytes, whole pages.
 */
u64 rf_region_bytes(const struct rf_region *r)
{
	return r->bytes;
}
EXPORT_SYMBOL_NS_GPL(rf_region_bytes, RAINFOREST_RFCOM);

/**
 * rf_region_revoked() - was it taken from us?
 * @r: the region
 *
 * Return: whether whoever has mapped it has to unmap it.
 */
bool rf_region_revoked(const struct rf_region *r)
{
	return READ_ONCE(r->revoked);
}
EXPORT_SYMBOL_NS_GPL(rf_region_revoked, RAINFOREST_RFCOM);

/* Of a region that this kernel does not have: so that nobody waits for it. */
static struct rf_region *region_of(u32 peer, const struct rf_msg *msg)
{
	u32 id = le32_to_cpu(msg->tag);
	struct rf_region *r = region_find(id);

	if (!r)
		rfcom_tell_end(peer, RF_MSG_COM_DETACH, 0, id);
	if (r && r->supervisor == peer)
		return r;
	if (r)
		rfcom_region_put(r);
	return NULL;
}

/**
 * rfcom_region_answered() - the supervisor answered a request
 * @peer: who says so
 * @msg: RF_MSG_COM_REGION, of the right length
 *
 * Context: a handler's of ficm.
 */
void rfcom_region_answered(u32 peer, const struct rf_msg *msg)
{
	struct rf_region *r = region_of(peer, msg);

	if (!r)
		return;
	if (!r->answered) {
		memcpy(&r->answer, msg->body, sizeof(r->answer));
		/* The answer before that it is there: pairs with region_answered(). */
		smp_store_release(&r->answered, true);
		wake_up_all(&r->wait);
	}
	rfcom_region_put(r);
}

/**
 * rfcom_region_revoked() - the supervisor wants a region back
 * @peer: who says so
 * @msg: RF_MSG_COM_REVOKE, of the right length
 *
 * Context: a handler's of ficm.
 */
void rfcom_region_revoked(u32 peer, const struct rf_msg *msg)
{
	struct rf_region *r = region_of(peer, msg);

	/* The work has the reference. */
	if (r && !queue_work(system_unbound_wq, &r->revoke))
		rfcom_region_put(r);
}

/**
 * rfcom_region_left() - the supervisor knows that we let go of a region
 * @peer: who says so
 * @msg: RF_MSG_COM_DETACHED, of the right length
 *
 * Context: a handler's of ficm.
 */
void rfcom_region_left(u32 peer, const struct rf_msg *msg)
{
	struct rf_region *r = region_find(le32_to_cpu(msg->tag));

	if (!r)
		return;
	if (r->supervisor == peer && test_bit(0, &r->left) &&
	    xa_cmpxchg(&regions, r->id, r, NULL, GFP_ATOMIC) == r)
		rfcom_region_put(r);
	rfcom_region_put(r);
}

/**
 * rfcom_regions_exit() - nobody asks for one any more, and no message comes
 */
void rfcom_regions_exit(void)
{
	struct rf_region *r;
	unsigned long id;

	cancel_delayed_work_sync(&again);
	xa_for_each(&regions, id, r) {
		if (cancel_work_sync(&r->revoke))
			rfcom_region_put(r);
		rfcom_region_put(r);
	}
	xa_destroy(&regions);
}
