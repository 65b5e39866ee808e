// SPDX-License-Identifier: GPL-2.0-only
/* The ioctls of rainforest.h that are about subOSes that run: see dev.c for the others. */
#include "dev.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "dev_priv.h"

int dev_resize_cpus(int fd, struct cpus *cpus, struct rf_resize_cpus *r, struct dev_msg *msg)
{
	r->size = sizeof(*r);
	r->mask = dev_pointer(cpus->mask);
	r->mask_bytes = sizeof(cpus->mask);
	r->msg = dev_msg_buffer(msg);
	r->msg_len = sizeof(msg->text);
	return dev_said(dev_call(fd, RF_IOC_RESIZE_CPUS, r), msg);
}

int dev_resize_memory(int fd, struct rf_resize_memory *r, struct dev_msg *msg)
{
	r->size = sizeof(*r);
	r->msg = dev_msg_buffer(msg);
	r->msg_len = sizeof(msg->text);
	return dev_said(dev_call(fd, RF_IOC_RESIZE_MEMORY, r), msg);
}

int dev_resize_pci(int fd, unsigned int bdf, struct rf_resize_pci *r, struct dev_msg *msg)
{
	r->size = sizeof(*r);
	r->segment = bdf >> 16;
	r->bus = bdf >> 8;
	r->devfn = bdf;
	r->msg = dev_msg_buffer(msg);
	r->msg_len = sizeof(msg->text);
	return dev_said(dev_call(fd, RF_IOC_RESIZE_PCI, r), msg);
}

int dev_borrow(int dev, struct cpus *cpus, struct rf_borrow *b, struct dev_msg *msg)
{
	b->size = sizeof(*b);
	b->mask = cpus ? dev_pointer(cpus->mask) : 0;
	b->mask_bytes = cpus ? sizeof(cpus->mask) : 0;
	b->msg = dev_msg_buffer(msg);
	b->msg_len = sizeof(msg->text);
	return dev_said(dev_call(dev, RF_IOC_BORROW, b), msg);
}

int dev_return(int dev, struct rf_return *r, struct dev_msg *msg)
{
	r->size = sizeof(*r);
	r->msg = dev_msg_buffer(msg);
	r->msg_len = sizeof(msg->text);
	return dev_said(dev_call(dev, RF_IOC_RETURN, r), msg);
}

int dev_priority(int fd, int priority)
{
	struct rf_priority p = { .size = sizeof(p), .priority = priority };

	return dev_call(fd, RF_IOC_PRIORITY, &p);
}

int dev_policy(int fd, const struct policy *policy, struct dev_msg *msg)
{
	struct rf_policy p = {
		.size = sizeof(p),
		.flags = policy->flags,
		.on_crash = policy->on_crash,
		.max_cpus = policy->max_cpus,
		.max_bytes = policy->max_bytes,
		.msg = dev_msg_buffer(msg),
		.msg_len = sizeof(msg->text),
	};

	return dev_said(dev_call(fd, RF_IOC_POLICY, &p), msg);
}

/* What struct rf_loans, struct rf_rules and struct rfcom_list look like. */
struct entries {
	__u32 size;
	__u32 flags;
	__u64 entries;
	__u32 capacity;
	__u32 count;
};

int dev_entries(int fd, unsigned long request, size_t size, size_t name, size_t other, void *out,
		unsigned int *nr)
{
	struct entries arg = { .size = sizeof(arg), .capacity = 64 };
	char *list, *entry;
	int ret;

	for (;; arg.capacity = arg.count + 8) {
		list = calloc(arg.capacity, size);
		if (!list)
			return -ENOMEM;
		arg.entries = dev_pointer(list);
		ret = dev_call(fd, request, &arg);
		if (!ret && arg.count <= arg.capacity)
			break;
		free(list);
		if (ret)
			return ret;
	}
	for (entry = list; entry < list + arg.count * size; entry += size) {
		dev_clean_field(entry + name, RF_NAME_MAX);
		dev_clean_field(entry + other, RF_NAME_MAX);
	}
	memcpy(out, &list, sizeof(list));
	*nr = arg.count;
	return 0;
}

int dev_loans(int dev, struct rf_loan **out, unsigned int *nr)
{
	return dev_entries(dev, RF_IOC_LOANS, sizeof(**out), offsetof(struct rf_loan, from_name),
			   offsetof(struct rf_loan, to_name), out, nr);
}

int dev_rule(int dev, const char *from, const char *to, bool allow, struct dev_msg *msg)
{
	struct rf_rule rule = {
		.size = sizeof(rule),
		.flags = allow ? RF_RULE_ALLOW : 0,
		.msg = dev_msg_buffer(msg),
		.msg_len = sizeof(msg->text),
	};

	strncpy(rule.from, from, sizeof(rule.from) - 1);
	strncpy(rule.to, to, sizeof(rule.to) - 1);
	return dev_said(dev_call(dev, RF_IOC_RULE, &rule), msg);
}

int dev_rules(int dev, struct rf_rule_entry **out, unsigned int *nr)
{
	return dev_entries(dev, RF_IOC_RULES, sizeof(**out),
			   offsetof(struct rf_rule_entry, from_name),
			   offsetof(struct rf_rule_entry, to_name), out, nr);
}

int dev_stats(int fd, unsigned int timeout_ms, struct rf_stats *stats)
{
	*stats = (struct rf_stats){ .size = sizeof(*stats), .timeout_ms = timeout_ms };
	return dev_call(fd, RF_IOC_STATS, stats);
}

int dev_events(int dev, __u64 first, struct rf_event *entries, struct rf_events *events,
	       unsigned int capacity)
{
	unsigned int i;
	int ret;

	*events = (struct rf_events){ .size = sizeof(*events), .first = first,
				      .entries = dev_pointer(entries), .capacity = capacity };
	ret = dev_call(dev, RF_IOC_EVENTS, events);
	if (ret)
		return ret;
	if (events->count > capacity)
		events->count = capacity;
	for (i = 0; i < events->count; i++) {
		dev_clean_field(entries[i].name, sizeof(entries[i].name));
		dev_clean_field(entries[i].text, sizeof(entries[i].text));
	}
	return 0;
}

int dev_usage(int dev, struct rf_usage *usage, struct rf_usage_entry **out)
{
	unsigned int i;
	int ret;

	*usage = (struct rf_usage){ .size = sizeof(*usage), .capacity = 64 };
	for (;; usage->capacity = usage->count + 8) {
		*out = calloc(usage->capacity, sizeof(**out));
		if (!*out)
			return -ENOMEM;
		usage->entries = dev_pointer(*out);
		ret = dev_call(dev, RF_IOC_USAGE, usage);
		if (!ret && usage->count <= usage->capacity)
			break;
		free(*out);
		*out = NULL;
		if (ret)
			return ret;
	}
	for (i = 0; i < usage->count; i++)
		dev_clean_field((*out)[i].name, sizeof((*out)[i].name));
	return 0;
}
