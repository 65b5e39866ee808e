/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of rfm/klog.h share.
 */
#ifndef RFM_KLOG_PRIV_H
#define RFM_KLOG_PRIV_H

#include <stdbool.h>

#include "klog.h"

#define KLOG_RING_MAX	256	/* bytes of the ring's head that are looked at */
#define KLOG_DESC_MAX	128	/* bytes of a descriptor */
#define KLOG_INFO_MAX	512	/* bytes of the data about a record */

/**
 * struct klog_layout - where things are in printk's structures, bytes
 * @ring_size: head of the ring, struct printk_ringbuffer
 * @count_bits: in the ring: binary logarithm of the number of descriptors
 * @descs: in the ring: pointer to the descriptors
 * @infos: in the ring: pointer to the data about the records
 * @head_id: in the ring: id of the newest descriptor
 * @tail_id: in the ring: id of the oldest descriptor
 * @size_bits: in the ring: binary logarithm of the size of the text
 * @data: in the ring: pointer to the text
 * @desc_size: size of a descriptor
 * @state_var: in a descriptor: id and state
 * @begin: in a descriptor: logical position of the text
 * @next: in a descriptor: logical position behind it
 * @info_size: size of the data about a record
 * @seq: there: sequence number
 * @ts_nsec: there: time
 * @text_len: there: bytes of text; facility and level follow
 */
struct klog_layout {
	__u32 ring_size;
	__u32 count_bits;
	__u32 descs;
	__u32 infos;
	__u32 head_id;
	__u32 tail_id;
	__u32 size_bits;
	__u32 data;
	__u32 desc_size;
	__u32 state_var;
	__u32 begin;
	__u32 next;
	__u32 info_size;
	__u32 seq;
	__u32 ts_nsec;
	__u32 text_len;
};

/**
 * struct klog_ring - a ring that was found, all of it inside the subOS's memory
 * @layout: see struct klog_layout
 * @address: physical address of its head
 * @descs: physical address of the descriptors
 * @infos: physical address of the data about the records
 * @data: physical address of the text
 * @count: number of descriptors
 * @first_id: id of record 0
 * @data_bits: binary logarithm of the size of the text
 * @by_shape: found without VMCOREINFO: a better one may turn up
 * @head: copy of the head; but for the moving parts it must stay as it is
 */
struct klog_ring {
	struct klog_layout layout;
	__u64 address;
	__u64 descs;
	__u64 infos;
	__u64 data;
	__u64 count;
	__u64 first_id;
	unsigned int data_bits;
	bool by_shape;
	unsigned char head[KLOG_RING_MAX];
};

/**
 * struct klog_bounds - which records there are
 * @first: sequence number of the oldest
 * @end: sequence number behind the newest
 */
struct klog_bounds {
	__u64 first;
	__u64 end;
};

#define KLOG_ID_MASK	(~0ULL >> 2)	/* the upper two bits of state_var are the state */

/* klog_ring.c */
extern const struct klog_layout klog_layouts[];
extern const unsigned int klog_nr_layouts;
__u32 klog_get32(const void *p, size_t off);
__u64 klog_get64(const void *p, size_t off);
bool klog_in_memory(const struct rfm_mem *mem, __u64 addr, __u64 len);
bool klog_translate(__u64 *phys, const struct rfm_mem *mem, __u64 phys_base, __u64 va, __u64 len);
bool klog_looks_like_ring(const unsigned char *head, const struct klog_layout *layout);
bool klog_ring_take(struct klog_ring *ring, const struct rfm_mem *mem, __u64 phys_base,
		    __u64 address, const struct klog_layout *layout);
bool klog_ring_bounds(struct klog_bounds *bounds, const struct klog_ring *ring,
		      const unsigned char *head);

/* klog_find.c */
bool klog_find(struct klog_ring *ring, const struct rfm_mem *mem);

/* klog_vmcoreinfo.c */
#define KLOG_VMCOREINFO_TAG	"OSRELEASE="
bool klog_from_vmcoreinfo(struct klog_ring *ring, const struct rfm_mem *mem, __u64 address);

#endif /* RFM_KLOG_PRIV_H */
