// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Anchor: memory that stays when the module goes
 *
 * Its head is found again through the kernel's own tree of resources, where it
 * hangs below "System RAM": that knowledge is this kernel's and dies with it, so
 * that nothing which an earlier kernel left in memory is ever taken for ours.
 * The structure that hangs there, and its name, lie in the head itself: nothing
 * of the module is pointed to. The data lies in single pages that the head
 * lists, as there may be megabytes of it.
 *
 * What does not fit is refused with a line that says so, and stays: the build
 * that wrote it can still be loaded. See anchor_format.h for what is in it.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <linux/xxhash.h>
#include "anchor.h"
#include "fail.h"
#include "internal.h"

#define ANCHOR_NAME	"RainForest anchor"
#define ANCHOR_BITS	0xb9		/* of the bits that are free for the owner of a resource */
#define ANCHOR_FLAGS	(IORESOURCE_MEM | ANCHOR_BITS)

static_assert(RF_ANCHOR_RESOURCE + sizeof(struct resource) <= RF_ANCHOR_NAME);
static_assert(RF_ANCHOR_NAME + sizeof(ANCHOR_NAME) <= RF_ANCHOR_PAGES);
static_assert(RF_ANCHOR_PAGE == PAGE_SIZE);

/* The one that is being written or read; under detach_lock, or while the module is loaded. */
static struct {
	struct rf_anchor_head *head;
	size_t head_bytes;
	struct page **pages;
	unsigned int nr_pages;
	void *data;
	bool listed;		/* in the tree of resources */
} anchor;

static u64 *anchor_list(struct rf_anchor_head *head)
{
	return (void *)head + RF_ANCHOR_PAGES;
}

static struct resource *anchor_resource(struct rf_anchor_head *head)
{
	return (void *)head + RF_ANCHOR_RESOURCE;
}

static size_t anchor_head_bytes(u64 nr_pages)
{
	return PAGE_ALIGN(RF_ANCHOR_PAGES + nr_pages * sizeof(u64));
}

static u64 anchor_head_sum(const struct rf_anchor_head *head)
{
	struct rf_anchor_head copy = *head;

	copy.head_sum = 0;
	return xxh64((const void *)head + RF_ANCHOR_PAGES, head->nr_pages * sizeof(u64),
		     xxh64(&copy, sizeof(copy), 0));
}

/**
 * rfctl_phys_good - can this be memory of the supervisor?
 * @phys: physical address
 * @size: bytes
 *
 * Return: whether all of it is, page aligned and in use.
 */
bool rfctl_phys_good(u64 phys, u64 size)
{
	u64 end = phys + size;

	if (!phys || !PAGE_ALIGNED(phys) || end < phys)
		return false;
	for (; phys < end; phys += PAGE_SIZE)
		if (!pfn_valid(PHYS_PFN(phys)) || !page_count(pfn_to_page(PHYS_PFN(phys))))
			return false;
	return true;
}

/**
 * rfctl_anchor_close - read it no more; it stays where it is
 */
void rfctl_anchor_close(void)
{
	if (anchor.data)
		vunmap(anchor.data);
	kvfree(anchor.pages);
	memset(&anchor, 0, sizeof(anchor));
}

/**
 * rfctl_anchor_drop - free it
 */
void rfctl_anchor_drop(void)
{
	struct rf_anchor_head *head = anchor.head;
	unsigned int i;

	if (anchor.listed)
		release_resource(anchor_resource(head));
	if (anchor.data)
		vunmap(anchor.data);
	anchor.data = NULL;
	for (i = 0; i < anchor.nr_pages; i++)
		__free_page(anchor.pages[i]);
	if (head)
		free_pages_exact(head, anchor.head_bytes);
	rfctl_anchor_close();
}

static int anchor_map(void)
{
	anchor.data = rfctl_alloc(vmap(anchor.pages, anchor.nr_pages, VM_MAP, PAGE_KERNEL));
	return anchor.data ? 0 : -ENOMEM;
}

/**
 * rfctl_anchor_alloc - make room
 * @size: bytes of data
 * @out: (out) where they go
 *
 * Return: 0, to be followed by rfctl_anchor_seal() or rfctl_anchor_drop(); -ENOMEM.
 */
int rfctl_anchor_alloc(u64 size, struct rf_anchor_out *out)
{
	u64 nr = DIV_ROUND_UP_ULL(size, PAGE_SIZE);

	if (!nr || nr > RF_ANCHOR_MAX_PAGES || rfctl_fail("anchor_alloc"))
		return -ENOMEM;
	anchor.head_bytes = anchor_head_bytes(nr);
	anchor.head = rfctl_alloc(alloc_pages_exact(anchor.head_bytes, GFP_KERNEL | __GFP_ZERO));
	anchor.pages = rfctl_alloc(kvcalloc(nr, sizeof(*anchor.pages), GFP_KERNEL));
	if (!anchor.head || !anchor.pages)
		goto err_drop;
	for (; anchor.nr_pages < nr; anchor.nr_pages++) {
		struct page *page = rfctl_alloc(alloc_page(GFP_KERNEL | __GFP_ZERO));

		if (!page)
			goto err_drop;
		anchor.pages[anchor.nr_pages] = page;
		anchor_list(anchor.head)[anchor.nr_pages] = page_to_phys(page);
	}
	if (anchor_map())
		goto err_drop;
	*out = (struct rf_anchor_out){ .buf = anchor.data, .size = nr * PAGE_SIZE };
	return 0;

err_drop:
	rfctl_anchor_drop();
	return -ENOMEM;
}

/**
 * rfctl_anchor_seal - it is complete: let it be found
 * @out: as rfctl_anchor_alloc() gave it, filled
 *
 * Return: 0. -EOVERFLOW there was more than was counted; -EBUSY it cannot be
 * listed. It is dropped then.
 */
int rfctl_anchor_seal(const struct rf_anchor_out *out)
{
	struct rf_anchor_head *head = anchor.head;
	struct resource *res = anchor_resource(head);
	int ret = out->full ? -EOVERFLOW : 0;

	head->magic = RF_ANCHOR_MAGIC;
	head->version = RF_ANCHOR_VERSION;
	head->head_size = sizeof(*head);
	head->size = out->used;
	head->sum = xxh64(anchor.data, out->used, 0);
	head->nr_pages = anchor.nr_pages;
	strscpy(head->build, RF_VERSION, sizeof(head->build));
	head->head_sum = anchor_head_sum(head);
	memcpy((void *)head + RF_ANCHOR_NAME, ANCHOR_NAME, sizeof(ANCHOR_NAME));
	*res = (struct resource){
		.start = virt_to_phys(head),
		.end = virt_to_phys(head) + anchor.head_bytes - 1,
		.name = (void *)head + RF_ANCHOR_NAME,
		.flags = ANCHOR_FLAGS,
	};
	if (!ret)
		ret = rfctl_fail("anchor_seal") ? -EBUSY : insert_resource(&iomem_resource, res);
	if (ret)
		rfctl_anchor_drop();
	else
		anchor.listed = true;
	return ret;
}

struct anchor_found {
	u64 start;
	u64 size;
	unsigned int nr;
};

static int anchor_look(struct resource *res, void *arg)
{
	struct anchor_found *found = arg;
	u64 size = res->end - res->start + 1;

	if ((res->flags & IORESOURCE_BITS) != ANCHOR_BITS || !rfctl_phys_good(res->start, size) ||
	    *(u64 *)__va(res->start) != RF_ANCHOR_MAGIC)
		return 0;
	found->start = res->start;
	found->size = size;
	found->nr++;
	return 0;
}

/* Is the head what we know, and as it was written? */
static int anchor_check_head(struct rf_anchor_head *head, u64 size)
{
	if (head->version != RF_ANCHOR_VERSION || head->head_size < sizeof(*head)) {
		pr_err("the anchor at %#llx has version %u, this build knows %u; it is left alone: load build %.31s\n",
		       (u64)virt_to_phys(head), head->version, RF_ANCHOR_VERSION, head->build);
		return -EPROTO;
	}
	if (!head->nr_pages || head->nr_pages > RF_ANCHOR_MAX_PAGES ||
	    anchor_head_bytes(head->nr_pages) != size ||
	    head->size > head->nr_pages * PAGE_SIZE || anchor_head_sum(head) != head->head_sum) {
		pr_err("the head of the anchor at %#llx is spoiled; it is left alone\n",
		       (u64)virt_to_phys(head));
		return -EBADMSG;
	}
	return 0;
}

static int anchor_open(struct rf_anchor_head *head)
{
	unsigned int i;

	anchor.pages = rfctl_alloc(kvcalloc(head->nr_pages, sizeof(*anchor.pages), GFP_KERNEL));
	if (!anchor.pages)
		return -ENOMEM;
	for (i = 0; i < head->nr_pages; i++) {
		u64 phys = anchor_list(head)[i];

		if (!rfctl_phys_good(phys, PAGE_SIZE))
			return -EBADMSG;
		anchor.pages[i] = pfn_to_page(PHYS_PFN(phys));
	}
	anchor.nr_pages = head->nr_pages;
	anchor.head = head;
	anchor.head_bytes = anchor_head_bytes(head->nr_pages);
	anchor.listed = true;
	return anchor_map();
}

/**
 * rfctl_anchor_find - what a build before us left
 * @out: (out) its data, until rfctl_anchor_close() or rfctl_anchor_drop()
 *
 * Return: 0 it is there and whole. -ENOENT there is none. -EBADMSG it is
 * spoiled, -EPROTO of a version that is not known, -ENOMEM; it was left alone,
 * and the log says so.
 */
int rfctl_anchor_find(struct rf_anchor *out)
{
	struct anchor_found found = { 0 };
	struct rf_anchor_head *head;
	const char *why = "";
	int ret;

	walk_iomem_res_desc(IORES_DESC_NONE, ANCHOR_FLAGS, 0, -1, &found, anchor_look);
	if (!found.nr)
		return -ENOENT;
	head = __va(found.start);
	ret = found.nr > 1 ? -EBADMSG : anchor_check_head(head, found.size);
	if (ret)
		return ret;
	ret = anchor_open(head);
	if (!ret && xxh64(anchor.data, head->size, 0) != head->sum) {
		why = "its checksum differs";
		ret = -EBADMSG;
	}
	*out = (struct rf_anchor){ .buf = anchor.data, .size = head->size };
	if (!ret)
		ret = rf_anchor_walk(out, &why);
	if (ret) {
		pr_err("the anchor at %#llx, of build %.31s, is refused and left alone: %s (error %d)\n",
		       found.start, head->build, why, -ret);
		rfctl_anchor_close();
	}
	return ret;
}
