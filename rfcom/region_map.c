// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping regions, into processes and into this kernel.
 *
 * Their pages are the supervisor's: in a subOS no page of its own stands for them, so
 * that they are mapped as those of a device are. They cannot be pinned. x86 would have
 * such pages uncached, but where the kernel has them mapped cached already
 * (arch/x86/mm/pat/memtype.c, track_pfn_insert()): so it has, as long as we hold them.
 */
#include <linux/export.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <rainforest/compat.h>

#include "internal.h"
#include "region.h"

#define FAULT_PAGES	64	/* that a fault maps at a time */

/**
 * rfcom_region_remap() - map all of it into this kernel, cached
 * @r: the region, its extents checked
 *
 * Return: 0, -ENOMEM.
 */
int rfcom_region_remap(struct rf_region *r)
{
	u32 i;

	r->maps = kvcalloc(r->nr_extents, sizeof(*r->maps), GFP_KERNEL_ACCOUNT);
	for (i = 0; r->maps && i < r->nr_extents; i++) {
		r->maps[i] = memremap(r->extents[i].start, r->extents[i].pages << PAGE_SHIFT,
				      MEMREMAP_WB);
		if (!r->maps[i])
			rfcom_region_unremap(r);
	}
	return r->maps ? 0 : -ENOMEM;
}

/**
 * rfcom_region_unremap() - undo rfcom_region_remap(), if it was done; nobody maps it
 * @r: the region
 */
void rfcom_region_unremap(struct rf_region *r)
{
	u32 i;

	for (i = 0; r->maps && i < r->nr_extents; i++)
		if (r->maps[i])
			memunmap(r->maps[i]);
	kvfree(r->maps);
	r->maps = NULL;
}

/* Page after page of one extent, while they lie in the mapping. */
static vm_fault_t region_insert(struct rf_region *r, struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	const struct rfcom_extent *e = rfcom_extents_find(r->extents, r->nr_extents, vmf->pgoff);
	u64 left = (vma->vm_end - (vmf->address & PAGE_MASK)) >> PAGE_SHIFT, at, i;
	vm_fault_t ret = VM_FAULT_SIGBUS;

	if (!e)
		return VM_FAULT_SIGBUS;
	at = vmf->pgoff - e->first;
	left = min3(left, e->pages - at, (u64)FAULT_PAGES);
	for (i = 0; i < left; i++) {
		vm_fault_t one = vmf_insert_pfn(vma, (vmf->address & PAGE_MASK) + i * PAGE_SIZE,
						PHYS_PFN(e->start) + at + i);

		if (!i)
			ret = one;
		if (one != VM_FAULT_NOPAGE)
			break;
	}
	return ret;
}

static vm_fault_t region_fault(struct vm_fault *vmf)
{
	struct rf_region *r = vmf->vma->vm_private_data;
	vm_fault_t ret = VM_FAULT_SIGBUS;

	down_read(&r->gate);
	if (!r->revoked)
		ret = region_insert(r, vmf);
	up_read(&r->gate);
	return ret;
}

static const struct vm_operations_struct region_vm_ops = {
	.fault = region_fault,
};

/**
 * rfcom_region_mmap() - map it into a process
 * @r: the region; the file that the mapping is of has a reference to it
 * @vma: where to
 *
 * Return: 0; -EINVAL it ends before, or the mapping would be private; -ENXIO it was
 * revoked.
 */
int rfcom_region_mmap(struct rf_region *r, struct vm_area_struct *vma)
{
	u64 pages = r->bytes >> PAGE_SHIFT;

	if ((vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE)
		return -EINVAL;
	if (vma->vm_pgoff >= pages || vma_pages(vma) > pages - vma->vm_pgoff)
		return -EINVAL;
	if (READ_ONCE(r->revoked))
		return -ENXIO;
	rf_vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = r;
	vma->vm_ops = &region_vm_ops;
	return 0;
}

/**
 * rf_map() - use a part of a region in this kernel
 * @r: the region
 * @at: its first byte
 * @bytes: (out) how many there are: to the end of the region, or of the piece of memory
 *	that @at is in
 *
 * A region that is not to be written is mapped all the same as memory is.
 *
 * Context: sleeps.
 * Return: where it is, for rf_unmap(). -EINVAL the region ends before, -ENXIO it was
 * revoked.
 */
void *rf_map(struct rf_region *r, u64 at, size_t *bytes)
{
	const struct rfcom_extent *e = rfcom_extents_find(r->extents, r->nr_extents,
							  at >> PAGE_SHIFT);
	void *map = ERR_PTR(-ENXIO);
	u64 skip;

	if (!e)
		return ERR_PTR(-EINVAL);
	skip = at - (e->first << PAGE_SHIFT);
	down_write(&r->gate);
	if (!r->revoked) {
		map = r->maps[e - r->extents] + skip;
		r->kernel_maps++;
	}
	up_write(&r->gate);
	*bytes = (e->pages << PAGE_SHIFT) - skip;
	return map;
}
EXPORT_SYMBOL_NS_GPL(rf_map, RAINFOREST_RFCOM);

/**
 * rf_unmap() - undo rf_map()
 * @r: the region
 *
 * Context: sleeps.
 */
void rf_unmap(struct rf_region *r)
{
	down_write(&r->gate);
	r->kernel_maps--;
	up_write(&r->gate);
	rfcom_region_unused(r);
}
EXPORT_SYMBOL_NS_GPL(rf_unmap, RAINFOREST_RFCOM);

/**
 * rf_region_place() - where a part of a region lies
 * @r: the region
 * @at: its first byte, which rf_map() was called for
 * @place: (out) its physical address; what follows does so up to the end that rf_map() told
 *
 * For modules that make pages of their own for it. These have to be gone before rf_unmap().
 *
 * Return: 0, -EINVAL the region ends before.
 */
int rf_region_place(const struct rf_region *r, u64 at, u64 *place)
{
	const struct rfcom_extent *e = rfcom_extents_find(r->extents, r->nr_extents,
							  at >> PAGE_SHIFT);

	if (!e)
		return -EINVAL;
	*place = e->start + at - (e->first << PAGE_SHIFT);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(rf_region_place, RAINFOREST_RFCOM);
