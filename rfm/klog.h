/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel log of another kernel, read out of its memory without its help.
 *
 * Everything read is hostile: each structure is copied once, range-checked,
 * then used; loops are bounded by what was asked for, never by what was read.
 */
#ifndef RFM_KLOG_H
#define RFM_KLOG_H

#include <linux/types.h>
#include <stddef.h>

/**
 * struct rfm_mem_range - a range of physical memory
 * @start: physical address
 * @length: bytes
 */
struct rfm_mem_range {
	__u64 start;
	__u64 length;
};

/**
 * struct rfm_mem - access to the physical memory of a subOS
 * @read: copy @len bytes at physical address @addr to @buf; 0 or a negative errno
 * @ctx: first argument of @read
 * @ranges: memory of the subOS; [0] is its first range
 * @nr_ranges: number of @ranges
 */
struct rfm_mem {
	int (*read)(void *ctx, __u64 addr, void *buf, size_t len);
	void *ctx;
	const struct rfm_mem_range *ranges;
	unsigned int nr_ranges;
};

/**
 * struct rfm_klog - a position in the log
 * @mem: where from
 * @next_seq: first record that was not given yet
 * @priv: private
 */
struct rfm_klog {
	struct rfm_mem mem;
	__u64 next_seq;
	void *priv;
};

/**
 * struct rfm_klog_record - one message
 * @seq: sequence number
 * @ts_nsec: time of the message, ns since the boot of that kernel
 * @level: 0 (emergency) to 7 (debug)
 * @facility: syslog facility
 * @lost: records that were overwritten before this one could be read
 * @len: bytes in @text
 * @text: the message; any byte may be in it
 */
struct rfm_klog_record {
	__u64 seq;
	__u64 ts_nsec;
	unsigned int level;
	unsigned int facility;
	__u64 lost;
	size_t len;
	char text[2048];
};

/**
 * rfm_klog_open - find the log
 * @log: (out) position before the first record
 * @mem: access to the memory
 * @err: (out) on failure one line
 * @err_size: size of @err
 *
 * Finds printk's ring by the VMCOREINFO note once that exists, before that by
 * the shape of the static ring in the kernel's data.
 *
 * Return: 0, -EAGAIN nothing found (yet), -ENOMEM.
 */
int rfm_klog_open(struct rfm_klog *log, const struct rfm_mem *mem, char *err, size_t err_size);

/**
 * rfm_klog_next - the next message
 * @log: position, advanced
 * @rec: (out) the message
 *
 * Return: 1 there is one, 0 there is none yet, -EIO what the memory says is nonsense.
 */
int rfm_klog_next(struct rfm_klog *log, struct rfm_klog_record *rec);

/**
 * rfm_klog_close - free what rfm_klog_open() took
 * @log: may be zeroed
 */
void rfm_klog_close(struct rfm_klog *log);

#endif /* RFM_KLOG_H */
