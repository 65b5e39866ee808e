// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters: /sys/module/ficm/loopback. All of them only grow.
 */
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/sysfs.h>

#include "internal.h"

#define FICM_COUNTER(name, value)						\
	static ssize_t name##_show(struct kobject *kobj, struct kobj_attribute *attr,	\
				   char *buf)					\
	{									\
		return sysfs_emit(buf, "%llu\n", (u64)READ_ONCE(value));	\
	}									\
	static struct kobj_attribute name##_attr = __ATTR_RO(name)

FICM_COUNTER(sent, ficm_loopback.out.sent);
FICM_COUNTER(full, ficm_loopback.out.full);
FICM_COUNTER(doorbells, ficm_loopback.out.bells);
FICM_COUNTER(received, ficm_loopback.in.got);
FICM_COUNTER(armed, ficm_loopback.in.arms);
FICM_COUNTER(unhandled, ficm_loopback.unhandled);

static ssize_t fault_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s %s\n", ficm_ring_fault_name(READ_ONCE(ficm_loopback.out.fault)),
			  ficm_ring_fault_name(READ_ONCE(ficm_loopback.in.fault)));
}

static ssize_t doorbell_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	u64 doorbell = READ_ONCE(ficm_doorbell);

	return sysfs_emit(buf, "%u %u\n", (u32)(doorbell >> 32), (u8)doorbell);
}

static struct kobj_attribute fault_attr = __ATTR_RO(fault);
static struct kobj_attribute doorbell_attr = __ATTR_RO(doorbell);

static struct attribute *loopback_attrs[] = {
	&sent_attr.attr,
	&full_attr.attr,
	&doorbells_attr.attr,
	&received_attr.attr,
	&armed_attr.attr,
	&unhandled_attr.attr,
	&fault_attr.attr,
	&doorbell_attr.attr,
	NULL
};

static const struct attribute_group loopback_group = {
	.name = "loopback",
	.attrs = loopback_attrs,
};

/**
 * ficm_sysfs_init() - show the counters
 *
 * Return: 0 or an error.
 */
int ficm_sysfs_init(void)
{
	return sysfs_create_group(&THIS_MODULE->mkobj.kobj, &loopback_group);
}

/**
 * ficm_sysfs_exit() - show them no more
 */
void ficm_sysfs_exit(void)
{
	sysfs_remove_group(&THIS_MODULE->mkobj.kobj, &loopback_group);
}
