// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/rainforest: what this subOS is called, for people and programs
 * inside, and the words by which our first program reports that init starts.
 *
 *	name, id, generation	(read) from the supervisor
 *	console_dropped		(read) bytes of output that nobody fetched in time
 *	pci_refused		(read) writes that would have moved a BAR
 *	state			(read) RF_SUB_* as a number; (write) "init": init is
 *				being started
 *	reason			(write) why init cannot be started, one line
 *	requests		(read) requests of the supervisor that were carried out
 *	repeated		(read) messages that asked for one of these once more
 *	refused			(read) messages that were no request for us, too old or
 *				nonsense
 *	last_op			(read) RF_OP_* of the request that was carried out last
 *	ask			(write) "cpus N" or "memory BYTES": ask the supervisor for
 *				so much in all; its answer is the result of the write;
 *				(read) the last answer, in words
 */
#include <linux/kobject.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "con.h"
#include "subos.h"
#include "pci_config.h"

static struct kobject *subos_kobj;

static ssize_t name_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", subos_facts.boot.name);
}

static struct kobj_attribute name_attr = __ATTR_RO(name);

static ssize_t id_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", le32_to_cpu(subos_facts.boot.id));
}

static struct kobj_attribute id_attr = __ATTR_RO(id);

static ssize_t generation_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", le32_to_cpu(subos_facts.boot.generation));
}

static struct kobj_attribute generation_attr = __ATTR_RO(generation);

static ssize_t console_dropped_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", subos_console_dropped());
}

static struct kobj_attribute console_dropped_attr = __ATTR_RO(console_dropped);

static ssize_t pci_refused_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", subos_config_refused());
}

static struct kobj_attribute pci_refused_attr = __ATTR_RO(pci_refused);

static ssize_t state_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", subos_status_get());
}

static ssize_t state_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			   size_t count)
{
	if (!sysfs_streq(buf, "init"))
		return -EINVAL;
	subos_status_state(RF_SUB_INIT);
	return count;
}

static struct kobj_attribute state_attr = __ATTR_RW_MODE(state, 0600);

static ssize_t reason_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			    size_t count)
{
	subos_status_reason(buf);
	return count;
}

static struct kobj_attribute reason_attr = __ATTR_WO(reason);

static ssize_t requests_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n", subos_con_count(SUBOS_CON_REQUESTS));
}

static struct kobj_attribute requests_attr = __ATTR_RO(requests);

static ssize_t repeated_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n", subos_con_count(SUBOS_CON_REPEATED));
}

static struct kobj_attribute repeated_attr = __ATTR_RO(repeated);

static ssize_t refused_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%lu\n", subos_con_count(SUBOS_CON_REFUSED));
}

static struct kobj_attribute refused_attr = __ATTR_RO(refused);

static ssize_t last_op_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", subos_con_last_op());
}

static struct kobj_attribute last_op_attr = __ATTR_RO(last_op);

static ssize_t ask_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			 size_t count)
{
	int ret = subos_ask_words(buf);

	return ret ?: count;
}

static ssize_t ask_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return subos_ask_told(buf, PAGE_SIZE);
}

static struct kobj_attribute ask_attr = __ATTR_RW_MODE(ask, 0600);

static struct attribute *subos_attrs[] = {
	&name_attr.attr,
	&id_attr.attr,
	&generation_attr.attr,
	&console_dropped_attr.attr,
	&pci_refused_attr.attr,
	&state_attr.attr,
	&reason_attr.attr,
	&requests_attr.attr,
	&repeated_attr.attr,
	&refused_attr.attr,
	&last_op_attr.attr,
	&ask_attr.attr,
	NULL
};

static const struct attribute_group subos_group = {
	.attrs = subos_attrs,
};

/**
 * subos_sysfs_init() - make /sys/kernel/rainforest
 *
 * Return: 0, -ENOMEM, -EEXIST.
 */
int subos_sysfs_init(void)
{
	int ret;

	subos_kobj = kobject_create_and_add("rainforest", kernel_kobj);
	if (!subos_kobj)
		return -ENOMEM;
	ret = sysfs_create_group(subos_kobj, &subos_group);
	if (ret)
		kobject_put(subos_kobj);
	return ret;
}

/**
 * subos_sysfs_exit() - undo subos_sysfs_init()
 */
void subos_sysfs_exit(void)
{
	kobject_put(subos_kobj);
}
