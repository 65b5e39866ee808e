/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that the modules are built for, 6.1 to
 * 6.12. This is the only file that asks for a kernel version. What came with a
 * stable release, of which there is no saying which, have.mk looks for in the
 * kernel's headers: RF_HAVE_*.
 */
#ifndef _RAINFOREST_COMPAT_H
#define _RAINFOREST_COMPAT_H

#include <linux/kmsg_dump.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/tty.h>
#include <linux/types.h>
#include <linux/version.h>

/*
 * kmsg dumpers are handed a structure since 6.12 (and in later stable
 * kernels), and only the reason before.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#define RF_KMSG_DUMP_ARG		struct kmsg_dump_detail *detail
#define rf_kmsg_dump_reason()		(detail->reason)
#else
#define RF_KMSG_DUMP_ARG		enum kmsg_dump_reason dump_reason
#define rf_kmsg_dump_reason()		(dump_reason)
#endif

/*
 * Since 6.11 a core that goes off line leaves through the reset vector of the
 * wake-up structure. Before, it stays in the kernel's own idle loop, where
 * nothing can wake it: the kernel would spin for ever in the attempt.
 */
#define RF_CPU_GOES_OFFLINE	(LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0))

/*
 * The driver that alone may bind a PCI function moved from struct pci_dev to
 * struct device in the middle of 6.12's life.
 */
#ifdef RF_HAVE_DEVICE_OVERRIDE
static inline int rf_pci_set_override(struct pci_dev *pdev, const char *name)
{
	return device_set_driver_override(&pdev->dev, name);
}

/* A copy for kfree(), NULL for none; false without memory for it. */
static inline bool rf_pci_copy_override(struct pci_dev *pdev, const char **name)
{
	bool done;

	spin_lock(&pdev->dev.driver_override.lock);
	*name = kstrdup(pdev->dev.driver_override.name, GFP_ATOMIC);
	done = *name || !pdev->dev.driver_override.name;
	spin_unlock(&pdev->dev.driver_override.lock);
	return done;
}
#else
static inline int rf_pci_set_override(struct pci_dev *pdev, const char *name)
{
	return driver_set_override(&pdev->dev, &pdev->driver_override, name, strlen(name));
}

static inline bool rf_pci_copy_override(struct pci_dev *pdev, const char **name)
{
	bool done;

	device_lock(&pdev->dev);
	*name = kstrdup(pdev->driver_override, GFP_KERNEL);
	done = *name || !pdev->driver_override;
	device_unlock(&pdev->dev);
	return done;
}
#endif

/*
 * hvc_alloc() and its like are exported, but their declarations stand in
 * drivers/tty/hvc, which the headers packages leave out. The callbacks of
 * struct hv_ops changed their types in 6.8.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define rf_hvc_char_t		u8
#define rf_hvc_count_t		size_t
#define rf_hvc_ret_t		ssize_t
#define rf_hvc_dtr_t		bool
#else
#define rf_hvc_char_t		char
#define rf_hvc_count_t		int
#define rf_hvc_ret_t		int
#define rf_hvc_dtr_t		int
#endif

struct hvc_struct;

struct hv_ops {
	rf_hvc_ret_t (*get_chars)(u32 vtermno, rf_hvc_char_t *buf, rf_hvc_count_t count);
	rf_hvc_ret_t (*put_chars)(u32 vtermno, const rf_hvc_char_t *buf, rf_hvc_count_t count);
	int (*flush)(u32 vtermno, bool wait);
	int (*notifier_add)(struct hvc_struct *hp, int data);
	void (*notifier_del)(struct hvc_struct *hp, int data);
	void (*notifier_hangup)(struct hvc_struct *hp, int data);
	int (*tiocmget)(struct hvc_struct *hp);
	int (*tiocmset)(struct hvc_struct *hp, unsigned int set, unsigned int clear);
	void (*dtr_rts)(struct hvc_struct *hp, rf_hvc_dtr_t active);
};

struct hvc_struct *hvc_alloc(u32 vtermno, int data, const struct hv_ops *ops, int outbuf_size);
void hvc_remove(struct hvc_struct *hp);
void hvc_kick(void);
void __hvc_resize(struct hvc_struct *hp, struct winsize ws);

/*
 * Opening a disk so that nobody else can, from linux/blkdev.h and linux/file.h,
 * which who uses this includes. A file stands for it since 6.9. fput() would
 * let go of it later, and the disk with it; these do so at once.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
#define rf_claimed_disk			file
#define rf_disk_claim(devt, holder)	bdev_file_open_by_dev(devt, BLK_OPEN_READ, holder, NULL)
#define rf_disk_of(claimed)		(file_bdev(claimed)->bd_disk)
#define rf_disk_release(claimed)	__fput_sync(claimed)
#else
#define rf_claimed_disk			block_device
#define rf_disk_claim(devt, holder)	blkdev_get_by_dev(devt, FMODE_READ | FMODE_EXCL, holder)
#define rf_disk_of(claimed)		((claimed)->bd_disk)
#define rf_disk_release(claimed)	blkdev_put(claimed, FMODE_READ | FMODE_EXCL)
#endif

/* Since 6.3 the flags of a mapping are changed by a function. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define rf_vm_flags_set(vma, flags)	vm_flags_set(vma, flags)
#else
#define rf_vm_flags_set(vma, flags)	((vma)->vm_flags |= (flags))
#endif

/* How a vsock transport is asked about SO_RCVLOWAT was renamed in 6.8. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define rf_vsock_set_rcvlowat	notify_set_rcvlowat
#else
#define rf_vsock_set_rcvlowat	set_rcvlowat
#endif

/* What find_vqs() of a virtio transport is told of each queue became a structure in 6.11. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
#define RF_VQS_WANTED		struct virtqueue_info info[]
#define rf_vq_name(i)		(info[i].name)
#define rf_vq_callback(i)	(info[i].callback)
#define rf_vq_ctx(i)		(info[i].ctx)
#else
#define RF_VQS_WANTED \
	vq_callback_t *callbacks[], const char * const names[], const bool *ctx
#define rf_vq_name(i)		(names[i])
#define rf_vq_callback(i)	(callbacks[i])
#define rf_vq_ctx(i)		(ctx && ctx[i])
#endif

#endif /* _RAINFOREST_COMPAT_H */
