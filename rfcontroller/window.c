// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Windows: the memory of a subOS in the address space of its back ends
 *
 * A window is a file whose offsets are physical addresses. There are pages where a
 * running subOS has memory. A page enters under rfctl_mem_list_lock, after the look at
 * the block's owner; what makes memory leave changes what that look sees, takes the lock
 * once, and unmaps then: nobody maps the memory any more, and nobody will.
 *
 * The pages are mapped by frame number: no reference to them can be taken, so that
 * nothing but a mapping keeps them.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pfn_t.h>
#include <linux/rainforest_wire.h>
#include <linux/slab.h>
#include "fail.h"
#include "internal.h"
#include "mem.h"

/**
 * struct window - an open window
 * @node: in windows
 * @so: whose memory; a reference
 * @file: it
 */
struct window {
	struct list_head node;
	struct subos *so;
	struct file *file;
};

static LIST_HEAD(windows);
static DEFINE_MUTEX(windows_lock);	/* protects windows; mappings change under it */

/* Under rfctl_mem_list_lock. May a back end see all of this? It lies in one block. */
static bool window_shows(struct subos *so, u64 start, u64 bytes)
{
	u64 svc = so->svc ? __pa(so->svc) : 0;
	struct rfctl_mem_block *block;

	lockdep_assert_held(&rfctl_mem_list_lock);
	if (!READ_ONCE(so->running) || !svc)
		return false;
	if (start < svc + RF_SERVICE_SIZE && start + bytes > svc)
		return false;
	if (so->low && start >= so->low && start + bytes <= so->low + RFCTL_LOW_SIZE)
		return true;
	list_for_each_entry(block, &rfctl_mem_blocks, node)
		if (start >= block->start && start < block->start + RF_GRAIN)
			return block->owner == so->id && (!block->hot || block->offered);
	return false;
}

static vm_fault_t window_fault(struct vm_fault *vmf)
{
	struct window *w = vmf->vma->vm_file->private_data;

	guard(mutex)(&rfctl_mem_list_lock);
	if (!window_shows(w->so, PFN_PHYS((u64)vmf->pgoff), PAGE_SIZE))
		return VM_FAULT_SIGBUS;
	return vmf_insert_pfn(vmf->vma, vmf->address, vmf->pgoff);
}

static vm_fault_t window_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct window *w = vmf->vma->vm_file->private_data;
	unsigned long addr = vmf->address & PMD_MASK;
	unsigned long pfn = vmf->pgoff & ~(unsigned long)(PTRS_PER_PMD - 1);

	if (order != PMD_ORDER || addr < vmf->vma->vm_start ||
	    addr + PMD_SIZE > vmf->vma->vm_end ||
	    linear_page_index(vmf->vma, addr) != pfn)
		return VM_FAULT_FALLBACK;
	guard(mutex)(&rfctl_mem_list_lock);
	if (!window_shows(w->so, PFN_PHYS((u64)pfn), PMD_SIZE))
		return VM_FAULT_FALLBACK;
	return vmf_insert_pfn_pmd(vmf, pfn_to_pfn_t(pfn), vmf->flags & FAULT_FLAG_WRITE);
}

static const struct vm_operations_struct window_vm_ops = {
	.fault = window_fault,
	.huge_fault = window_huge_fault,
};

static int window_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	vm_flags_mod(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP | VM_DONTCOPY, VM_MAYEXEC);
	vma->vm_ops = &window_vm_ops;
	return 0;
}

static int window_release(struct inode *inode, struct file *file)
{
	struct window *w = file->private_data;

	mutex_lock(&windows_lock);
	list_del(&w->node);
	mutex_unlock(&windows_lock);
	subos_put(w->so);
	kfree(w);
	return 0;
}

static const struct file_operations window_fops = {
	.owner = THIS_MODULE,
	.mmap = window_mmap,
	.get_unmapped_area = thp_get_unmapped_area,
	.release = window_release,
	.llseek = noop_llseek,
};

/**
 * rfctl_window_open() - a descriptor through which back ends map a subOS's memory
 * @so: the subOS; the window takes a reference
 *
 * An inode of its own, so that its mappings can be found.
 *
 * Return: the descriptor, close-on-exec. -ENOENT the subOS is gone; -EMFILE, -ENFILE,
 * -ENOMEM.
 */
int rfctl_window_open(struct subos *so)
{
	struct window *w;
	int fd;

	if (READ_ONCE(so->gone))
		return -ENOENT;
	w = rfctl_zalloc(sizeof(*w));
	if (!w)
		return -ENOMEM;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		goto err_window;
	w->file = rfctl_fail("alloc") ? ERR_PTR(-ENOMEM) :
		  anon_inode_create_getfile("[rainforest-window]", &window_fops, w, O_RDWR, NULL);
	if (IS_ERR(w->file))
		goto err_fd;
	kref_get(&so->ref);
	w->so = so;
	mutex_lock(&windows_lock);
	list_add(&w->node, &windows);
	mutex_unlock(&windows_lock);
	fd_install(fd, w->file);
	return fd;

err_fd:
	put_unused_fd(fd);
	fd = PTR_ERR(w->file);
err_window:
	kfree(w);
	return fd;
}

/**
 * rfctl_window_shut() - unmap memory that leaves a subOS, or all of it
 * @so: the subOS
 * @start: physical address
 * @bytes: 0: to the end
 *
 * The caller has seen to it that it does not enter any more: the subOS does not run, or
 * its block is not offered. Nobody in user space maps it after this.
 *
 * Context: process, may sleep; rfctl_mem_list_lock not held.
 */
void rfctl_window_shut(struct subos *so, u64 start, u64 bytes)
{
	struct window *w;

	mutex_lock(&rfctl_mem_list_lock);	/* who looked before is done */
	mutex_unlock(&rfctl_mem_list_lock);
	guard(mutex)(&windows_lock);
	list_for_each_entry(w, &windows, node)
		if (w->so == so)
			unmap_mapping_range(w->file->f_mapping, start, bytes, 1);
}
