/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes a subOS's memory with a printk ring in it, laid out as stock kernels
 * have it, and writes messages as they do.
 */
#ifndef _TESTS_UNIT_KLOG_MAKE_H
#define _TESTS_UNIT_KLOG_MAKE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../rfm/klog.h"

#define BASE		0x40000000ULL	/* of the first range */
#define IMAGE_VA	0xffffffff80000000ULL
#define DIRECT_4	0xffff888000000000ULL
#define DIRECT_5	0xff11000000000000ULL
#define ID_MASK		(~0ULL >> 2)

/* Offsets from BASE. KLOG_SMALL: as little memory as possible, for many runs. */
#ifdef KLOG_SMALL
#define LENGTH		0x210000ULL
#define AT_PRB		0x200000	/* pointer to the ring in use */
#define AT_RING		0x200040
#define AT_POINTER	0x200200	/* vmcoreinfo_data */
#define AT_INFOS	0x201000
#define AT_DESCS	0x203000
#define AT_TEXT		0x204000
#define AT_VMCOREINFO	0x206000
#else
#define LENGTH		0x2000000ULL
#define AT_PRB		0x1200000
#define AT_RING		0x1200040
#define AT_INFOS	0x1201000
#define AT_DESCS	0x1300000
#define AT_TEXT		0x1400000
#define AT_POINTER	0x1500b20
#define AT_VMCOREINFO	0x1f81000
#endif

#define DESC_SIZE	24
#define INFO_SIZE	88
#define COMMITTED	1ULL
#define FINALIZED	2ULL
#define REUSABLE	3ULL

/**
 * struct made_ring - a ring as its kernel sees it
 * @old: the layout before 6.8
 * @count_bits: binary logarithm of the number of descriptors
 * @size_bits: binary logarithm of the size of the text
 * @ring: offset of the head
 * @descs: offset of the descriptors
 * @infos: offset of the data about the records
 * @text: offset of the text
 * @va: what is added to an offset to get the arrays' virtual address
 */
struct made_ring {
	bool old;
	unsigned int count_bits;
	unsigned int size_bits;
	uint64_t ring, descs, infos, text;
	uint64_t va;
};

/* The memory. Reads can be counted and disturbed. */
struct made_memory {
	unsigned char *bytes;
	struct rfm_mem_range range;
	unsigned long reads;
	void (*disturb)(struct made_memory *m, uint64_t addr);
	uint64_t cookie;
};

static inline int read_made(void *ctx, __u64 addr, void *buf, size_t len)
{
	struct made_memory *m = ctx;

	m->reads++;
	if (m->disturb)
		m->disturb(m, addr);
	if (addr < m->range.start || addr - m->range.start > m->range.length ||
	    len > m->range.length - (addr - m->range.start))
		return -EFAULT;
	memcpy(buf, m->bytes + (addr - m->range.start), len);
	return 0;
}

static inline uint64_t peek(const struct made_memory *m, uint64_t off)
{
	uint64_t val;

	memcpy(&val, m->bytes + off, sizeof(val));
	return val;
}

static inline void poke(struct made_memory *m, uint64_t off, uint64_t val)
{
	memcpy(m->bytes + off, &val, sizeof(val));
}

static inline uint64_t first_id(const struct made_ring *r)
{
	return (uint32_t)-(1U << r->count_bits);
}

static inline uint64_t text_part(const struct made_ring *r)
{
	return r->ring + (r->old ? 40 : 48);
}

static inline void make_ring(struct made_memory *m, const struct made_ring *r)
{
	uint64_t count = 1ULL << r->count_bits, lpos = -(1ULL << r->size_bits);
	uint64_t last = r->descs + (count - 1) * DESC_SIZE;

	poke(m, r->ring, r->count_bits);
	poke(m, r->ring + 8, r->va + r->descs);
	poke(m, r->ring + 16, r->va + r->infos);
	poke(m, r->ring + 24, first_id(r) - 1);
	poke(m, r->ring + 32, first_id(r) - 1);
	poke(m, text_part(r), r->size_bits);
	poke(m, text_part(r) + 8, r->va + r->text);
	poke(m, text_part(r) + 16, lpos);
	poke(m, text_part(r) + 24, lpos);
	poke(m, last, REUSABLE << 62 | (first_id(r) - 1));
	poke(m, last + 8, 1);
	poke(m, last + 16, 1);
	poke(m, r->infos, -count);
}

static inline uint64_t desc_of(const struct made_ring *r, uint64_t id)
{
	return r->descs + (id & ((1ULL << r->count_bits) - 1)) * DESC_SIZE;
}

static inline uint64_t info_of(const struct made_ring *r, uint64_t id)
{
	return r->infos + (id & ((1ULL << r->count_bits) - 1)) * INFO_SIZE;
}

/* Old messages give way until the text between tail and @need fits. */
static inline void push_tail(struct made_memory *m, const struct made_ring *r, uint64_t need)
{
	uint64_t size = 1ULL << r->size_bits, mask = size - 1;
	uint64_t tail = peek(m, text_part(r) + 24), id, begin;

	while (need - tail > size) {
		id = peek(m, r->text + (tail & mask));
		begin = peek(m, desc_of(r, id) + 8);
		if (begin >> r->size_bits != tail >> r->size_bits) {
			tail = (tail + size) & ~mask;	/* unused rest before the wrap */
			continue;
		}
		poke(m, desc_of(r, id), REUSABLE << 62 | id);
		tail = peek(m, desc_of(r, id) + 16);
	}
	poke(m, text_part(r) + 24, tail);
}

/* Room in the ring of text; a block does not wrap. */
static inline uint64_t take_text(struct made_memory *m, const struct made_ring *r, uint64_t id,
				 size_t len)
{
	uint64_t size = 1ULL << r->size_bits, mask = size - 1;
	uint64_t begin = peek(m, text_part(r) + 16), block, next;

	len = (len + 8 + 7) & ~7UL;
	next = begin + len;
	block = begin;
	if ((next - 1) >> r->size_bits != begin >> r->size_bits) {
		block = (begin + size) & ~mask;
		next = block + len;
	}
	push_tail(m, r, next);
	poke(m, text_part(r) + 16, next);
	poke(m, r->text + (block & mask), id);
	if (block != begin)
		poke(m, r->text + (begin & mask), id);
	poke(m, desc_of(r, id) + 8, begin);
	poke(m, desc_of(r, id) + 16, next);
	return r->text + (block & mask) + 8;
}

/* Length of a text, facility 1, flags 2, level 6. */
static inline uint64_t info_bits(size_t len)
{
	return len | 1 << 16 | (6ULL << 5 | 2) << 24;
}

/* Writes one message and leaves it in @state. Return: its id. */
static inline uint64_t add_message(struct made_memory *m, const struct made_ring *r,
				   const char *text, uint64_t state)
{
	uint64_t count = 1ULL << r->count_bits;
	uint64_t id = (peek(m, r->ring + 24) + 1) & ID_MASK;
	uint64_t tail = peek(m, r->ring + 32), seq = id - first_id(r), where;
	size_t len = strlen(text);

	if (id - tail >= count) {
		uint64_t old = peek(m, desc_of(r, tail));

		if (old >> 62 != REUSABLE)
			push_tail(m, r, peek(m, desc_of(r, tail) + 16) + (1ULL << r->size_bits));
		poke(m, desc_of(r, tail), REUSABLE << 62 | tail);
		poke(m, r->ring + 32, tail + 1);
	}
	poke(m, r->ring + 24, id);
	where = take_text(m, r, id, len);
	memcpy(m->bytes + where, text, len);
	poke(m, info_of(r, id), seq);
	poke(m, info_of(r, id) + 8, seq * 1000000);
	poke(m, info_of(r, id) + 16, info_bits(len));
	poke(m, desc_of(r, id), state << 62 | id);
	return id;
}

/* @direct: start of the direct map; @part: where the ring's part about text is */
static inline void make_vmcoreinfo(struct made_memory *m, const struct made_ring *r,
				   uint64_t direct, int part)
{
	poke(m, AT_POINTER, direct + BASE + AT_VMCOREINFO);
	poke(m, AT_PRB, IMAGE_VA + r->ring);
	snprintf((char *)m->bytes + AT_VMCOREINFO, 4096,
		 "OSRELEASE=6.1.2\nPAGESIZE=4096\nSYMBOL(prb)=%llx\n"
		 "SIZE(printk_ringbuffer)=%d\nOFFSET(printk_ringbuffer.desc_ring)=0\n"
		 "OFFSET(printk_ringbuffer.text_data_ring)=%d\nOFFSET(prb_desc_ring.count_bits)=0\n"
		 "OFFSET(prb_desc_ring.descs)=8\nOFFSET(prb_desc_ring.infos)=16\n"
		 "OFFSET(prb_desc_ring.head_id)=24\nOFFSET(prb_desc_ring.tail_id)=32\n"
		 "SIZE(prb_desc)=24\nOFFSET(prb_desc.state_var)=0\n"
		 "OFFSET(prb_desc.text_blk_lpos)=8\nOFFSET(prb_data_blk_lpos.begin)=0\n"
		 "OFFSET(prb_data_blk_lpos.next)=8\nSIZE(printk_info)=88\n"
		 "OFFSET(printk_info.seq)=0\nOFFSET(printk_info.ts_nsec)=8\n"
		 "OFFSET(printk_info.text_len)=16\nOFFSET(prb_data_ring.size_bits)=0\n"
		 "OFFSET(prb_data_ring.data)=8\nNUMBER(phys_base)=%lld\nKERNELOFFSET=0\n",
		 IMAGE_VA + AT_PRB, part + 40, part, BASE);
}

#endif /* _TESTS_UNIT_KLOG_MAKE_H */
