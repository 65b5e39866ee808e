// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Lending memory for regions, in the supervisor
 *
 * A region is memory of the supervisor, so that no kernel maps what another may lose.
 * Each kernel that has it, its owner too, is a holder until it says that nothing maps it
 * any more, or its cores are parked: then nothing can. A subOS in quarantine may still
 * run, and holds on for ever. The memory is freed with the last holder.
 */
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "internal.h"
#include "lend.h"

#define HOLDS_MAX	1024U	/* of one kernel */
#define REMIND		HZ	/* whoever was told to let go, and has not */

/**
 * struct lent - a region
 * @node: in the list of regions
 * @name: its name
 * @owner: who offers it, or did
 * @flags: RF_COM_WRITE, RF_COM_ONLY
 * @only: with RF_COM_ONLY the kernel that alone may attach to it, beside its owner
 * @offered: kernels can attach to it
 * @bytes: whole pages
 * @memory: where it is
 * @holds: who has it
 */
struct lent {
	struct list_head node;
	char name[RFCOM_NAME_MAX];
	struct ficm_kernel owner;
	u32 flags;
	struct ficm_kernel only;
	bool offered;
	u64 bytes;
	struct lent_memory memory;
	struct list_head holds;
};

/**
 * struct hold - a kernel that has a region
 * @node: in the list of its holders
 * @region: which
 * @who: the kernel
 * @number: under which it knows the region
 * @flags: RFCOM_WRITE, RFCOM_OWNER, RFCOM_REVOKED, RFCOM_LOST
 */
struct hold {
	struct list_head node;
	struct lent *region;
	struct ficm_kernel who;
	u32 number;
	u32 flags;
};

static unsigned int share_mb = 64;
module_param(share_mb, uint, 0644);
MODULE_PARM_DESC(share_mb, "MB that a subOS may offer in regions, in all");

static DEFINE_MUTEX(lend_lock);		/* protects the list, and all that hangs on it */
static LIST_HEAD(regions);
static unsigned int gone;		/* counts the holds that ended */
static DECLARE_WAIT_QUEUE_HEAD(let_go);	/* woken by that */

static void remind_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(remind, remind_work);

static bool same(const struct ficm_kernel *a, const struct ficm_kernel *b)
{
	return a->peer == b->peer && a->generation == b->generation;
}

/* The next hold after this one, of all regions; NULL: the first. */
static struct hold *hold_next(struct hold *after)
{
	struct lent *r;

	lockdep_assert_held(&lend_lock);
	if (after && !list_is_last(&after->node, &after->region->holds))
		return list_next_entry(after, node);
	r = after ? after->region : list_entry(&regions, struct lent, node);
	list_for_each_entry_continue(r, &regions, node)
		if (!list_empty(&r->holds))
			return list_first_entry(&r->holds, struct hold, node);
	return NULL;
}

static struct lent *lent_find(const struct ficm_kernel *owner, const char *name)
{
	struct lent *r;

	lockdep_assert_held(&lend_lock);
	list_for_each_entry(r, &regions, node)
		if (r->offered && same(&r->owner, owner) && !strcmp(r->name, name))
			return r;
	return NULL;
}

static struct hold *hold_add(struct lent *r, const struct ficm_kernel *who, u32 number, u32 flags)
{
	struct hold *h, *other = NULL;
	unsigned int n = 0;

	while ((other = hold_next(other)))
		n += other->who.peer == who->peer;
	if (n >= HOLDS_MAX)
		return ERR_PTR(-EMFILE);
	h = kzalloc(sizeof(*h), GFP_KERNEL);
	if (!h)
		return ERR_PTR(-ENOMEM);
	h->region = r;
	h->who = *who;
	h->number = number;
	h->flags = flags;
	list_add_tail(&h->node, &r->holds);
	return h;
}

/* The answer is on its way already, or nobody waits for it: this may be repeated. */
static void hold_revoke(struct hold *h)
{
	h->flags |= RFCOM_REVOKED;
	if (!(h->flags & RFCOM_LOST))
		rfcom_tell_end(h->who.peer, RF_MSG_COM_REVOKE, h->number, h->number);
	queue_delayed_work(system_unbound_wq, &remind, REMIND);
}

/* From all but its owner, and nobody new comes. */
static void lent_withdraw(struct lent *r)
{
	struct hold *h;

	r->offered = false;
	list_for_each_entry(h, &r->holds, node)
		if (!(h->flags & (RFCOM_OWNER | RFCOM_REVOKED)))
			hold_revoke(h);
}

static void lent_free(struct lent *r)
{
	list_del(&r->node);
	rfcom_memory_free(&r->memory);
	kfree(r);
	module_put(THIS_MODULE);
}

static void hold_drop(struct hold *h)
{
	struct lent *r = h->region;
	bool owner = h->flags & RFCOM_OWNER;

	lockdep_assert_held(&lend_lock);
	list_del(&h->node);
	kfree(h);
	if (owner)
		lent_withdraw(r);
	if (list_empty(&r->holds))
		lent_free(r);
	WRITE_ONCE(gone, gone + 1);
	wake_up_all(&let_go);
}

static void remind_work(struct work_struct *work)
{
	struct hold *h = NULL;

	mutex_lock(&lend_lock);
	while ((h = hold_next(h)))
		if ((h->flags & (RFCOM_REVOKED | RFCOM_LOST)) == RFCOM_REVOKED)
			hold_revoke(h);
	mutex_unlock(&lend_lock);
}

static void answer_fill(struct rf_com_region *answer, const struct lent *r, bool write)
{
	answer->flags = cpu_to_le32(write ? RF_COM_WRITE : 0);
	answer->nr_extents = cpu_to_le32(r->memory.nr);
	answer->bytes = cpu_to_le64(r->bytes);
	answer->table = cpu_to_le64(virt_to_phys(r->memory.table));
}

/* The supervisor may offer what it likes; it is its memory. */
static int quota_check(const struct ficm_kernel *who, u64 bytes)
{
	struct lent *r;

	if (who->peer == FICM_LOOPBACK)
		return 0;
	list_for_each_entry(r, &regions, node)
		if (r->owner.peer == who->peer)
			bytes += r->bytes;
	return bytes > (u64)READ_ONCE(share_mb) * SZ_1M ? -EDQUOT : 0;
}

static int offer_check(const struct ficm_kernel *who, const struct rf_com_offer *want, u64 bytes)
{
	if (!want->from || !rfcom_name_good(want->name) || !bytes || bytes > RF_COM_REGION_MAX ||
	    le32_to_cpu(want->flags) & ~(RF_COM_WRITE | RF_COM_ONLY))
		return -EINVAL;
	return quota_check(who, bytes);
}

static int offer_list(struct lent *r, u32 number)
{
	struct hold *h;

	if (lent_find(&r->owner, r->name))
		return -EEXIST;
	h = hold_add(r, &r->owner, number, RFCOM_OWNER | RFCOM_WRITE);
	if (IS_ERR(h))
		return PTR_ERR(h);
	__module_get(THIS_MODULE);
	r->offered = true;
	list_add_tail(&r->node, &regions);
	return 0;
}

/* Whom it is for is settled now: a kernel that comes in its place later is another one. */
static int offer_only(struct lent *r, const struct rf_com_offer *want)
{
	u32 only = le32_to_cpu(want->only);

	if (!(le32_to_cpu(want->flags) & RF_COM_ONLY))
		return 0;
	return ficm_describe(only == FICM_SUPERVISOR ? FICM_LOOPBACK : only, &r->only);
}

/**
 * rfcom_lend_offer() - a kernel offers a region
 * @who: it
 * @want: what it wants
 * @answer: (out) the region, but @error
 *
 * Context: sleeps.
 * Return: 0, or an error of struct rf_com_region.
 */
int rfcom_lend_offer(const struct ficm_kernel *who, const struct rf_com_offer *want,
		     struct rf_com_region *answer)
{
	u64 bytes = le32_to_cpu(want->bytes);
	struct lent *r;
	int ret;

	bytes = bytes > RF_COM_REGION_MAX ? bytes : PAGE_ALIGN(bytes);
	mutex_lock(&lend_lock);
	ret = offer_check(who, want, bytes);
	mutex_unlock(&lend_lock);
	if (ret)
		return ret;
	r = kzalloc(sizeof(*r), GFP_KERNEL);
	if (!r)
		return -ENOMEM;
	ret = offer_only(r, want) ?: rfcom_memory_alloc(&r->memory, bytes);
	if (ret)
		goto err_free;
	INIT_LIST_HEAD(&r->holds);
	strscpy(r->name, want->name, sizeof(r->name));
	r->owner = *who;
	r->flags = le32_to_cpu(want->flags);
	r->bytes = bytes;
	mutex_lock(&lend_lock);
	ret = offer_list(r, le32_to_cpu(want->from));
	if (!ret)
		answer_fill(answer, r, true);
	mutex_unlock(&lend_lock);
	if (!ret)
		return 0;
	rfcom_memory_free(&r->memory);
err_free:
	kfree(r);
	return ret;
}

/* Whose region a kernel wants. */
static int attach_owner(const struct ficm_kernel *who, u32 id, struct ficm_kernel *owner)
{
	if (id == RF_FICM_NOBODY || id == who->peer) {
		*owner = *who;
		return 0;
	}
	return ficm_describe(id == FICM_SUPERVISOR ? FICM_LOOPBACK : id, owner);
}

/*
 * May a kernel have a region (NULL: there is none of that name) of another? What is for one
 * kernel alone is given away by its owner: so a rule in either direction will do.
 */
static bool may_attach(const struct ficm_kernel *who, const struct ficm_kernel *owner,
		       const struct lent *r)
{
	bool only = r && r->flags & RF_COM_ONLY;

	if (same(who, owner))
		return true;
	if (only && !same(who, &r->only))
		return false;
	if (who->peer == FICM_LOOPBACK || owner->peer == FICM_LOOPBACK)
		return true;
	return ficm_may_open(who->peer, owner->peer) ||
	       (only && ficm_may_open(owner->peer, who->peer));
}

static int attach_locked(const struct ficm_kernel *who, const struct ficm_kernel *owner,
			 const struct rf_com_attach *want, struct rf_com_region *answer)
{
	bool write = le32_to_cpu(want->flags) & RF_COM_WRITE;
	struct lent *r = lent_find(owner, want->name);
	struct hold *h;

	if (!may_attach(who, owner, r))
		return -EACCES;
	if (!r)
		return -ENOENT;
	if (write && !(r->flags & RF_COM_WRITE) && !same(who, &r->owner))
		return -EACCES;
	h = hold_add(r, who, le32_to_cpu(want->from), write ? RFCOM_WRITE : 0);
	if (IS_ERR(h))
		return PTR_ERR(h);
	answer_fill(answer, r, write);
	return 0;
}

/**
 * rfcom_lend_attach() - a kernel wants to map a region
 * @who: it
 * @want: what it wants
 * @answer: (out) the region, but @error
 *
 * Context: sleeps.
 * Return: 0, or an error of struct rf_com_region.
 */
int rfcom_lend_attach(const struct ficm_kernel *who, const struct rf_com_attach *want,
		      struct rf_com_region *answer)
{
	struct ficm_kernel owner;
	int ret;

	if (!want->from || !rfcom_name_good(want->name) ||
	    le32_to_cpu(want->flags) & ~RF_COM_WRITE)
		return -EINVAL;
	if (attach_owner(who, le32_to_cpu(want->owner), &owner))
		return who->peer == FICM_LOOPBACK ? -ENOENT : -EACCES;
	mutex_lock(&lend_lock);
	ret = attach_locked(who, &owner, want, answer);
	mutex_unlock(&lend_lock);
	return ret;
}

/**
 * rfcom_lend_detach() - a kernel has let go of a region, or has none of that number
 * @peer: which
 * @number: under which it held it
 *
 * Context: sleeps.
 */
void rfcom_lend_detach(u32 peer, u32 number)
{
	struct hold *h = NULL;

	mutex_lock(&lend_lock);
	while ((h = hold_next(h)))
		if (h->who.peer == peer && h->number == number)
			break;
	if (h)
		hold_drop(h);
	mutex_unlock(&lend_lock);
}

/* True when it is gone. */
static bool hold_look(struct hold *h)
{
	struct ficm_kernel now;
	int ret;

	if (h->who.peer == FICM_LOOPBACK || h->flags & RFCOM_LOST)
		return false;
	ret = ficm_describe(h->who.peer, &now);
	if (ret == -EHOSTDOWN) {
		h->flags |= RFCOM_LOST;
		if (h->flags & RFCOM_OWNER)
			lent_withdraw(h->region);
		return false;
	}
	if (ret == -ENOENT || (!ret && !same(&h->who, &now)))
		return true;
	if (!ret && !(h->flags & (RFCOM_OWNER | RFCOM_REVOKED)) &&
	    !may_attach(&h->who, &h->region->owner, h->region))
		hold_revoke(h);
	return false;
}

static struct hold *hold_first_gone(void)
{
	struct hold *h = NULL;

	while ((h = hold_next(h)))
		if (hold_look(h))
			break;
	return h;
}

/**
 * rfcom_lend_look() - the directory has changed: kernels may be gone, or rules other
 *
 * Context: sleeps.
 */
void rfcom_lend_look(void)
{
	struct hold *h;

	mutex_lock(&lend_lock);
	while ((h = hold_first_gone()))
		hold_drop(h);
	mutex_unlock(&lend_lock);
}

/**
 * rfcom_lend_nth() - who holds what
 * @n: which, from 0
 * @out: (out) that
 *
 * Context: sleeps.
 * Return: false when there are not so many.
 */
bool rfcom_lend_nth(u32 n, struct rfcom_hold *out)
{
	struct hold *h;

	mutex_lock(&lend_lock);
	for (h = hold_next(NULL); h && n; n--)
		h = hold_next(h);
	if (h) {
		memset(out, 0, sizeof(*out));
		out->peer = h->who.peer;
		out->flags = h->flags;
		out->bytes = h->region->bytes;
		memcpy(out->kernel, h->who.name, sizeof(out->kernel));
		memcpy(out->owner, h->region->owner.name, sizeof(out->owner));
		memcpy(out->region, h->region->name, sizeof(out->region));
	}
	mutex_unlock(&lend_lock);
	return h;
}

/* Is it one that is to be revoked, or was? All of the region, when from is empty. */
static bool hold_means(const struct hold *h, const char *owner, const char *region,
		       const char *from)
{
	return !(h->flags & RFCOM_OWNER) && !strcmp(h->region->owner.name, owner) &&
	       !strcmp(h->region->name, region) && (!*from || !strcmp(h->who.name, from));
}

static u32 holds_revoked(const char *owner, const char *region, const char *from)
{
	struct hold *h = NULL;
	u32 n = 0;

	mutex_lock(&lend_lock);
	while ((h = hold_next(h)))
		n += h->flags & RFCOM_REVOKED && hold_means(h, owner, region, from);
	mutex_unlock(&lend_lock);
	return n;
}

/* How many regions or holders that meant. */
static unsigned int revoke_begin(const char *owner, const char *region, const char *from)
{
	struct hold *h = NULL;
	struct lent *r;
	unsigned int n = 0;

	lockdep_assert_held(&lend_lock);
	while ((h = hold_next(h)))
		if (hold_means(h, owner, region, from)) {
			hold_revoke(h);
			n++;
		}
	list_for_each_entry(r, &regions, node)
		if (!*from && !strcmp(r->owner.name, owner) && !strcmp(r->name, region)) {
			r->offered = false;
			n++;
		}
	return n;
}

/**
 * rfcom_lend_revoke() - take a region from those who attached to it
 * @owner: name of the kernel that offers it
 * @region: its name
 * @from: name of the kernel to take it from; empty: from all, and it is not offered any more
 * @timeout_ms: how long to wait until they have let go
 * @held: (out) how many have not
 *
 * Context: sleeps.
 * Return: 0; -ENOENT nobody holds such a region; -EINTR a signal came, it goes on.
 */
int rfcom_lend_revoke(const char *owner, const char *region, const char *from,
		      unsigned int timeout_ms, u32 *held)
{
	long left = msecs_to_jiffies(timeout_ms);
	unsigned int n, seen;

	mutex_lock(&lend_lock);
	n = revoke_begin(owner, region, from);
	mutex_unlock(&lend_lock);
	if (!n)
		return -ENOENT;
	for (;;) {
		seen = READ_ONCE(gone);
		*held = holds_revoked(owner, region, from);
		if (!*held || left <= 0)
			break;
		left = wait_event_interruptible_timeout(let_go, READ_ONCE(gone) != seen, left);
	}
	return left < 0 ? -EINTR : 0;
}

/**
 * rfcom_lend_exit() - there is no region any more: each keeps the module
 */
void rfcom_lend_exit(void)
{
	cancel_delayed_work_sync(&remind);
}
