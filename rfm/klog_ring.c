// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is this a printk ring? A ring is taken only when its head makes sense, all
 * that it points to lies in the subOS's memory, and its oldest descriptor
 * confirms what the head says.
 */
#include "klog_priv.h"

#include <string.h>

#define IMAGE_VA	0xffffffff80000000ULL	/* __START_KERNEL_map */
#define IMAGE_MAX	(1ULL << 30)
#define DIRECT_VA_4	0xffff888000000000ULL	/* direct map, four paging levels, no KASLR */
#define DIRECT_VA_5	0xff11000000000000ULL	/* the same, five levels */
#define DIRECT_MAX	(1ULL << 46)
#define COUNT_BITS_MIN	5
#define COUNT_BITS_MAX	24
#define SIZE_BITS_MIN	9
#define SIZE_BITS_MAX	31

/* Stock x86-64 kernels; the second is the one before last_finalized_seq came, in 6.8. */
const struct klog_layout klog_layouts[] = {
	{
		.ring_size = 88, .count_bits = 0, .descs = 8, .infos = 16,
		.head_id = 24, .tail_id = 32, .size_bits = 48, .data = 56,
		.desc_size = 24, .state_var = 0, .begin = 8, .next = 16,
		.info_size = 88, .seq = 0, .ts_nsec = 8, .text_len = 16,
	}, {
		.ring_size = 80, .count_bits = 0, .descs = 8, .infos = 16,
		.head_id = 24, .tail_id = 32, .size_bits = 40, .data = 48,
		.desc_size = 24, .state_var = 0, .begin = 8, .next = 16,
		.info_size = 88, .seq = 0, .ts_nsec = 8, .text_len = 16,
	},
};

const unsigned int klog_nr_layouts = sizeof(klog_layouts) / sizeof(klog_layouts[0]);

__u32 klog_get32(const void *p, size_t off)
{
	__u32 val;

	memcpy(&val, (const char *)p + off, sizeof(val));
	return val;
}

__u64 klog_get64(const void *p, size_t off)
{
	__u64 val;

	memcpy(&val, (const char *)p + off, sizeof(val));
	return val;
}

bool klog_in_memory(const struct rfm_mem *mem, __u64 addr, __u64 len)
{
	const struct rfm_mem_range *r;
	unsigned int i;

	for (i = 0; i < mem->nr_ranges; i++) {
		r = &mem->ranges[i];
		if (addr >= r->start && addr - r->start <= r->length &&
		    len <= r->length - (addr - r->start))
			return true;
	}
	return false;
}

bool klog_translate(__u64 *phys, const struct rfm_mem *mem, __u64 phys_base, __u64 va, __u64 len)
{
	if (va - IMAGE_VA < IMAGE_MAX)
		*phys = va - IMAGE_VA + phys_base;
	else if (va - DIRECT_VA_4 < DIRECT_MAX)
		*phys = va - DIRECT_VA_4;
	else if (va - DIRECT_VA_5 < DIRECT_MAX)
		*phys = va - DIRECT_VA_5;
	else
		return false;
	return klog_in_memory(mem, *phys, len);
}

static bool is_kernel_pointer(__u64 va)
{
	return !(va & 7) && (va - IMAGE_VA < IMAGE_MAX || va - DIRECT_VA_4 < DIRECT_MAX ||
			     va - DIRECT_VA_5 < DIRECT_MAX);
}

/* Cheap: it is asked for each word of the kernel's data. */
bool klog_looks_like_ring(const unsigned char *head, const struct klog_layout *layout)
{
	__u32 count_bits = klog_get32(head, layout->count_bits);
	__u32 size_bits = klog_get32(head, layout->size_bits);

	return count_bits >= COUNT_BITS_MIN && count_bits <= COUNT_BITS_MAX &&
	       size_bits >= SIZE_BITS_MIN && size_bits <= SIZE_BITS_MAX &&
	       is_kernel_pointer(klog_get64(head, layout->descs)) &&
	       is_kernel_pointer(klog_get64(head, layout->infos)) &&
	       is_kernel_pointer(klog_get64(head, layout->data));
}

/*
 * Ids and sequence numbers count together. The tail starts one before the id
 * of record 0.
 */
bool klog_ring_bounds(struct klog_bounds *bounds, const struct klog_ring *ring,
		      const unsigned char *head)
{
	__u64 newest = klog_get64(head, ring->layout.head_id);
	__u64 oldest = klog_get64(head, ring->layout.tail_id);
	__u64 behind = (oldest - ring->first_id + 1) & KLOG_ID_MASK;
	__u64 used = (newest - oldest) & KLOG_ID_MASK;

	if ((newest | oldest) & ~KLOG_ID_MASK || used >= ring->count)
		return false;
	bounds->first = behind ? behind - 1 : 0;
	bounds->end = behind + used;
	return true;
}

/*
 * The id of record 0 is minus the number of descriptors: of 32 bits in the
 * kernels there are, for that number is an unsigned int; of 62 bits by intention.
 */
static bool find_first_id(struct klog_ring *ring, __u64 tail_id, __u64 tail_seq)
{
	const __u64 candidates[] = { (__u32)-ring->count, -ring->count & KLOG_ID_MASK };
	__u64 seq;
	int i;

	for (i = 0; i < 2; i++) {
		ring->first_id = candidates[i];
		seq = (tail_id - ring->first_id) & KLOG_ID_MASK;
		if (seq == tail_seq || seq == KLOG_ID_MASK)
			return true;
	}
	return false;
}

/* The oldest descriptor and its record must say the same as the head. */
static bool tail_confirms(struct klog_ring *ring, const struct rfm_mem *mem)
{
	const struct klog_layout *l = &ring->layout;
	__u64 id = klog_get64(ring->head, l->tail_id);
	__u64 index = id & (ring->count - 1);
	unsigned char desc[KLOG_DESC_MAX], info[KLOG_INFO_MAX];

	if (mem->read(mem->ctx, ring->descs + index * l->desc_size, desc, l->desc_size) ||
	    mem->read(mem->ctx, ring->infos + index * l->info_size, info, l->info_size))
		return false;
	return (klog_get64(desc, l->state_var) & KLOG_ID_MASK) == id &&
	       find_first_id(ring, id, klog_get64(info, l->seq));
}

bool klog_ring_take(struct klog_ring *ring, const struct rfm_mem *mem, __u64 phys_base,
		    __u64 address, const struct klog_layout *layout)
{
	struct klog_bounds bounds;

	memset(ring, 0, sizeof(*ring));
	ring->layout = *layout;
	ring->address = address;
	if (!klog_in_memory(mem, address, layout->ring_size) ||
	    mem->read(mem->ctx, address, ring->head, layout->ring_size) ||
	    !klog_looks_like_ring(ring->head, layout))
		return false;
	ring->count = 1ULL << klog_get32(ring->head, layout->count_bits);
	ring->data_bits = klog_get32(ring->head, layout->size_bits);
	return klog_translate(&ring->descs, mem, phys_base, klog_get64(ring->head, layout->descs),
			      ring->count * layout->desc_size) &&
	       klog_translate(&ring->infos, mem, phys_base, klog_get64(ring->head, layout->infos),
			      ring->count * layout->info_size) &&
	       klog_translate(&ring->data, mem, phys_base, klog_get64(ring->head, layout->data),
			      1ULL << ring->data_bits) &&
	       tail_confirms(ring, mem) && klog_ring_bounds(&bounds, ring, ring->head);
}
