// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMCOREINFO: a page of text lines, KEY=VALUE, in which a kernel describes
 * itself for crash tools: where the log is and how its structures look.
 */
#include "klog_priv.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_SIZE	4096
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Part of a structure that fields are in: where the part begins, how long the whole is. */
struct part {
	const char *base;
	const char *size;
	size_t member;
	__u32 max;
};

enum { DESC_RING, DATA_RING, DESC, LPOS, INFO };

static const struct part parts[] = {
	[DESC_RING] = { "OFFSET(printk_ringbuffer.desc_ring)=", "SIZE(printk_ringbuffer)=",
			offsetof(struct klog_layout, ring_size), KLOG_RING_MAX },
	[DATA_RING] = { "OFFSET(printk_ringbuffer.text_data_ring)=", "SIZE(printk_ringbuffer)=",
			offsetof(struct klog_layout, ring_size), KLOG_RING_MAX },
	[DESC] = { NULL, "SIZE(prb_desc)=",
		   offsetof(struct klog_layout, desc_size), KLOG_DESC_MAX },
	[LPOS] = { "OFFSET(prb_desc.text_blk_lpos)=", "SIZE(prb_desc)=",
		   offsetof(struct klog_layout, desc_size), KLOG_DESC_MAX },
	[INFO] = { NULL, "SIZE(printk_info)=",
		   offsetof(struct klog_layout, info_size), KLOG_INFO_MAX },
};

struct field {
	const char *key;
	size_t member;
	unsigned int part;
	__u32 size;
};

#define FIELD(text, name, part, bytes)	\
	{ "OFFSET(" text ")=", offsetof(struct klog_layout, name), part, bytes }

static const struct field fields[] = {
	FIELD("prb_desc_ring.count_bits", count_bits, DESC_RING, 4),
	FIELD("prb_desc_ring.descs", descs, DESC_RING, 8),
	FIELD("prb_desc_ring.infos", infos, DESC_RING, 8),
	FIELD("prb_desc_ring.head_id", head_id, DESC_RING, 8),
	FIELD("prb_desc_ring.tail_id", tail_id, DESC_RING, 8),
	FIELD("prb_data_ring.size_bits", size_bits, DATA_RING, 4),
	FIELD("prb_data_ring.data", data, DATA_RING, 8),
	FIELD("prb_desc.state_var", state_var, DESC, 8),
	FIELD("prb_data_blk_lpos.begin", begin, LPOS, 8),
	FIELD("prb_data_blk_lpos.next", next, LPOS, 8),
	FIELD("printk_info.seq", seq, INFO, 8),
	FIELD("printk_info.ts_nsec", ts_nsec, INFO, 8),
	/* facility, flags and level stand right behind it */
	FIELD("printk_info.text_len", text_len, INFO, 4),
};

/* The value of a line. @key includes the "=". */
static bool get_value(const char *text, const char *key, int base, __u64 *val)
{
	const char *line = text;
	size_t len = strlen(key);
	char *end;

	while (strncmp(line, key, len)) {
		line = strchr(line, '\n');
		if (!line)
			return false;
		line++;
	}
	*val = line[len] == '-' ? (__u64)strtoll(line + len, &end, base) :
				  strtoull(line + len, &end, base);
	return end != line + len && *end == '\n';
}

static bool get_small(const char *text, const char *key, __u32 max, __u32 *val)
{
	__u64 wide;

	if (!get_value(text, key, 10, &wide) || wide > max)
		return false;
	*val = wide;
	return true;
}

static bool read_field(struct klog_layout *layout, const char *text, const struct field *field)
{
	const struct part *part = &parts[field->part];
	__u32 base = 0, off, whole;

	if (!get_small(text, part->size, part->max, &whole) ||
	    !get_small(text, field->key, part->max, &off))
		return false;
	if (part->base && !get_small(text, part->base, part->max, &base))
		return false;
	if (base + off + field->size > whole)
		return false;
	memcpy((char *)layout + part->member, &whole, sizeof(whole));
	off += base;
	memcpy((char *)layout + field->member, &off, sizeof(off));
	return true;
}

static bool read_layout(struct klog_layout *layout, const char *text)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!read_field(layout, text, &fields[i]))
			return false;
	}
	return true;
}

bool klog_from_vmcoreinfo(struct klog_ring *ring, const struct rfm_mem *mem, __u64 address)
{
	char text[PAGE_SIZE + 1] = { 0 };
	struct klog_layout layout;
	__u64 phys_base, va, where;

	if (!klog_in_memory(mem, address, PAGE_SIZE) ||
	    mem->read(mem->ctx, address, text, PAGE_SIZE) ||
	    strncmp(text, KLOG_VMCOREINFO_TAG, strlen(KLOG_VMCOREINFO_TAG)) ||
	    !get_value(text, "NUMBER(phys_base)=", 10, &phys_base) ||
	    !get_value(text, "SYMBOL(prb)=", 16, &va) || !read_layout(&layout, text))
		return false;
	/* prb is a pointer to the ring in use */
	return klog_translate(&where, mem, phys_base, va, sizeof(va)) &&
	       !mem->read(mem->ctx, where, &va, sizeof(va)) &&
	       klog_translate(&where, mem, phys_base, va, layout.ring_size) &&
	       klog_ring_take(ring, mem, phys_base, where, &layout);
}
