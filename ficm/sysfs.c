// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters. /sys/module/ficm/loopback and /sys/module/ficm/peers/ID: they grow
 * until the peer is another kernel, which generation tells. /sys/module/ficm:
 * what concerns this kernel alone.
 */
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/sysfs.h>
#include <rainforest/ficm.h>

#include "internal.h"

static struct kobject *peers_dir;
static u64 directory_phys;
static u32 directory_slot;

/* The loopback's group is in the module's own directory. */
static struct ficm_peer *peer_of(struct kobject *kobj)
{
	unsigned int i;

	for (i = 0; i < RF_WIRE_PEERS; i++)
		if (READ_ONCE(ficm_peers[i].kobj) == kobj)
			return &ficm_peers[i];
	return &ficm_loopback;
}

/* @value: of peer, which is the one that kobj stands for */
#define FICM_COUNTER(name, value)						\
	static ssize_t name##_show(struct kobject *kobj, struct kobj_attribute *attr,	\
				   char *buf)					\
	{									\
		struct ficm_peer *peer = peer_of(kobj);				\
										\
		return sysfs_emit(buf, "%llu\n", (u64)READ_ONCE(value));		\
	}									\
	static struct kobj_attribute name##_attr = __ATTR_RO(name)

FICM_COUNTER(sent, peer->out.sent);
FICM_COUNTER(full, peer->out.full);
FICM_COUNTER(doorbells, peer->out.bells);
FICM_COUNTER(received, peer->in.got);
FICM_COUNTER(armed, peer->in.arms);
FICM_COUNTER(unhandled, peer->unhandled);
FICM_COUNTER(refused, peer->refused);
FICM_COUNTER(raised, peer->signals.raised);
FICM_COUNTER(taken, peer->signals.taken);
FICM_COUNTER(generation, peer->generation);

static ssize_t fault_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct ficm_peer *peer = peer_of(kobj);

	return sysfs_emit(buf, "%s %s\n", ficm_ring_fault_name(READ_ONCE(peer->out.fault)),
			  ficm_ring_fault_name(READ_ONCE(peer->in.fault)));
}

static ssize_t doorbell_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	u64 doorbell = READ_ONCE(ficm_doorbell);

	return sysfs_emit(buf, "%u %u\n", (u32)(doorbell >> 32), (u8)doorbell);
}

static ssize_t posted_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", READ_ONCE(ficm_posted));
}

static ssize_t dropped_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", READ_ONCE(ficm_dropped));
}

static ssize_t directory_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%#llx %u\n", READ_ONCE(directory_phys), READ_ONCE(directory_slot));
}

static struct kobj_attribute fault_attr = __ATTR_RO(fault);
static struct kobj_attribute doorbell_attr = __ATTR_RO(doorbell);
static struct kobj_attribute posted_attr = __ATTR_RO(posted);
static struct kobj_attribute dropped_attr = __ATTR_RO(dropped);
static struct kobj_attribute directory_attr = __ATTR_RO_MODE(directory, 0400);

static const struct attribute *module_attrs[] = {
	&doorbell_attr.attr,
	&posted_attr.attr,
	&dropped_attr.attr,
	&directory_attr.attr,
	NULL
};

static struct attribute *peer_attrs[] = {
	&sent_attr.attr,
	&full_attr.attr,
	&doorbells_attr.attr,
	&received_attr.attr,
	&armed_attr.attr,
	&raised_attr.attr,
	&taken_attr.attr,
	&unhandled_attr.attr,
	&refused_attr.attr,
	&generation_attr.attr,
	&fault_attr.attr,
	NULL
};

static const struct attribute_group loopback_group = {
	.name = "loopback",
	.attrs = peer_attrs,
};

static const struct attribute_group peer_group = {
	.attrs = peer_attrs,
};

/**
 * ficm_sysfs_add() - show a peer; without memory it stays hidden
 * @peer: the peer
 *
 * Context: under exchange_lock.
 */
void ficm_sysfs_add(struct ficm_peer *peer)
{
	struct kobject *kobj;
	char name[12];

	snprintf(name, sizeof(name), "%u", peer->id);
	kobj = kobject_create_and_add(name, peers_dir);
	if (!kobj)
		return;
	WRITE_ONCE(peer->kobj, kobj);
	if (!sysfs_create_group(kobj, &peer_group))
		return;
	WRITE_ONCE(peer->kobj, NULL);
	kobject_put(kobj);
}

/**
 * ficm_sysfs_remove() - show it no more
 * @peer: the peer
 *
 * Context: under exchange_lock.
 */
void ficm_sysfs_remove(struct ficm_peer *peer)
{
	struct kobject *kobj = peer->kobj;

	if (!kobj)
		return;
	/* No show function runs any more when this returns. */
	sysfs_remove_group(kobj, &peer_group);
	WRITE_ONCE(peer->kobj, NULL);
	kobject_put(kobj);
}

/**
 * ficm_sysfs_directory() - show where the directory lies
 * @phys: its physical address, 0: none
 * @slot: our entry
 */
void ficm_sysfs_directory(u64 phys, u32 slot)
{
	WRITE_ONCE(directory_phys, phys);
	WRITE_ONCE(directory_slot, slot);
}

/**
 * ficm_sysfs_init() - show the counters
 *
 * Return: 0 or an error.
 */
int ficm_sysfs_init(void)
{
	struct kobject *kobj = &THIS_MODULE->mkobj.kobj;
	int ret;

	peers_dir = kobject_create_and_add("peers", kobj);
	if (!peers_dir)
		return -ENOMEM;
	ret = sysfs_create_group(kobj, &loopback_group);
	if (ret)
		goto err_put;
	ret = sysfs_create_files(kobj, module_attrs);
	if (ret)
		goto err_remove_group;
	return 0;

err_remove_group:
	sysfs_remove_group(kobj, &loopback_group);
err_put:
	kobject_put(peers_dir);
	return ret;
}

/**
 * ficm_sysfs_exit() - show them no more
 */
void ficm_sysfs_exit(void)
{
	struct kobject *kobj = &THIS_MODULE->mkobj.kobj;

	sysfs_remove_files(kobj, module_attrs);
	sysfs_remove_group(kobj, &loopback_group);
	kobject_put(peers_dir);
}
