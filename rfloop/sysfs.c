// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters and switches. /sys/module/rfloop/peers/ID: packets between this kernel and that
 * one, until its place is another's. /sys/module/rfloop: the list of addresses, and in the
 * supervisor who takes part.
 */
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "internal.h"

#define LINE_MAX_BYTES	96	/* of one address */

static struct kobject *peers_dir;

static struct rfloop_peer *peer_of(struct kobject *kobj)
{
	unsigned int i;

	for (i = 0; i < RFLOOP_PEERS; i++)
		if (READ_ONCE(rfloop_peers[i].kobj) == kobj)
			return &rfloop_peers[i];
	return NULL;
}

/* @member: of struct rfloop_count */
#define LOOP_COUNTER(name, member)							\
	static ssize_t name##_show(struct kobject *kobj, struct kobj_attribute *attr,	\
				   char *buf)						\
	{										\
		struct rfloop_peer *peer = peer_of(kobj);				\
											\
		return peer ? sysfs_emit(buf, "%llu\n", READ_ONCE(peer->count.member)) :	\
			      -ENOENT;							\
	}										\
	static struct kobj_attribute name##_attr = __ATTR_RO(name)

LOOP_COUNTER(sent, sent);
LOOP_COUNTER(sent_bytes, sent_bytes);
LOOP_COUNTER(received, received);
LOOP_COUNTER(received_bytes, received_bytes);
LOOP_COUNTER(received_long, received_long);
LOOP_COUNTER(doorbells, bells);
LOOP_COUNTER(copies_out, copies_out);
LOOP_COUNTER(copies_in, copies_in);
LOOP_COUNTER(copies_in_long, copies_in_long);
LOOP_COUNTER(full, full);
LOOP_COUNTER(broken, broken);
LOOP_COUNTER(links, links);
LOOP_COUNTER(drops_down, drops[RFLOOP_DROP_DOWN]);
LOOP_COUNTER(drops_shape, drops[RFLOOP_DROP_SHAPE]);
LOOP_COUNTER(drops_bad, drops[RFLOOP_DROP_BAD]);
LOOP_COUNTER(drops_spoofed, drops[RFLOOP_DROP_SPOOFED]);
LOOP_COUNTER(drops_stray, drops[RFLOOP_DROP_STRAY]);
LOOP_COUNTER(drops_memory, drops[RFLOOP_DROP_MEMORY]);

static ssize_t name_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct rfloop_peer *peer = peer_of(kobj);

	return peer ? sysfs_emit(buf, "%s\n", peer->name) : -ENOENT;
}

static ssize_t state_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct rfloop_peer *peer = peer_of(kobj);

	if (!peer)
		return -ENOENT;
	return sysfs_emit(buf, "%s\n", READ_ONCE(peer->up) ? "up" :
			  READ_ONCE(peer->waiting) ? "asked" : "device");
}

static struct kobj_attribute name_attr = __ATTR_RO(name);
static struct kobj_attribute state_attr = __ATTR_RO(state);

static struct attribute *peer_attrs[] = {
	&name_attr.attr,
	&state_attr.attr,
	&sent_attr.attr,
	&sent_bytes_attr.attr,
	&received_attr.attr,
	&received_bytes_attr.attr,
	&received_long_attr.attr,
	&doorbells_attr.attr,
	&copies_out_attr.attr,
	&copies_in_attr.attr,
	&copies_in_long_attr.attr,
	&full_attr.attr,
	&broken_attr.attr,
	&links_attr.attr,
	&drops_down_attr.attr,
	&drops_shape_attr.attr,
	&drops_bad_attr.attr,
	&drops_spoofed_attr.attr,
	&drops_stray_attr.attr,
	&drops_memory_attr.attr,
	NULL
};

static const struct attribute_group peer_group = {
	.attrs = peer_attrs,
};

/**
 * rfloop_sysfs_add() - show a peer, when it is not shown yet; without memory it stays hidden
 * @peer: the peer
 *
 * Context: its work.
 */
void rfloop_sysfs_add(struct rfloop_peer *peer)
{
	struct kobject *kobj;
	char name[12];

	if (peer->kobj)
		return;
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
 * rfloop_sysfs_remove() - show it no more
 * @peer: the peer
 *
 * Context: its work.
 */
void rfloop_sysfs_remove(struct rfloop_peer *peer)
{
	struct kobject *kobj = peer->kobj;

	if (!kobj)
		return;
	/* No show function runs any more when this returns. */
	sysfs_remove_group(kobj, &peer_group);
	WRITE_ONCE(peer->kobj, NULL);
	kobject_put(kobj);
}

static ssize_t address_print(char *to, size_t size, const struct rfloop_address *a)
{
	return scnprintf(to, size, a->family == 4 ? "%u %pI4 %pM\n" : "%u %pI6c %pM\n", a->kernel,
			 a->address, a->mac);
}

static ssize_t table_print(char *to, size_t size)
{
	const struct rfloop_table *t;
	ssize_t n = 0;
	u32 i;

	rcu_read_lock();
	t = rfloop_table();
	for (i = 0; i < t->nr; i++)
		n += address_print(to + n, size - n, &t->a[i]);
	rcu_read_unlock();
	return n;
}

/* Longer than a page: read in parts, each of the list as it is then. */
static ssize_t text_read(ssize_t (*print)(char *to, size_t size), char *buf, loff_t off,
			 size_t count)
{
	size_t size = RF_LOOP_LIST_MAX * LINE_MAX_BYTES;
	char *text = kvmalloc(size, GFP_KERNEL);
	ssize_t n;

	if (!text)
		return -ENOMEM;
	n = print(text, size);
	n = memory_read_from_buffer(buf, count, &off, text, n);
	kvfree(text);
	return n;
}

static ssize_t addresses_read(struct file *file, struct kobject *kobj, struct bin_attribute *attr,
			      char *buf, loff_t off, size_t count)
{
	return text_read(table_print, buf, off, count);
}

static ssize_t refused_read(struct file *file, struct kobject *kobj, struct bin_attribute *attr,
			    char *buf, loff_t off, size_t count)
{
	return text_read(rfloop_serve_refused, buf, off, count);
}

static struct bin_attribute addresses_attr = __BIN_ATTR_RO(addresses, 0);
static struct bin_attribute refused_attr = __BIN_ATTR_RO(refused, 0);

/* Written in the supervisor: the id of a kernel that takes part no longer, or again. */
static ssize_t switch_store(const char *buf, size_t count, bool on)
{
	u32 kernel;
	int ret = kstrtou32(buf, 0, &kernel);

	if (ret)
		return ret;
	if (rfloop_own_id != FICM_SUPERVISOR)
		return -EPERM;
	rfloop_serve_switch(kernel, on);
	return count;
}

static ssize_t on_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			size_t count)
{
	return switch_store(buf, count, true);
}

static ssize_t off_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			 size_t count)
{
	return switch_store(buf, count, false);
}

static ssize_t off_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return rfloop_serve_off(buf);
}

static struct kobj_attribute on_attr = __ATTR_WO(on);
static struct kobj_attribute off_attr = __ATTR_RW(off);

static struct attribute *module_attrs[] = {
	&on_attr.attr,
	&off_attr.attr,
	NULL
};

static struct bin_attribute *module_bin_attrs[] = {
	&addresses_attr,
	&refused_attr,
	NULL
};

static const struct attribute_group module_group = {
	.attrs = module_attrs,
	.bin_attrs = module_bin_attrs,
};

/**
 * rfloop_sysfs_init() - show the list, and the directory of peers
 *
 * Return: 0 or an error.
 */
int rfloop_sysfs_init(void)
{
	struct kobject *kobj = &THIS_MODULE->mkobj.kobj;
	int ret;

	peers_dir = kobject_create_and_add("peers", kobj);
	if (!peers_dir)
		return -ENOMEM;
	ret = sysfs_create_group(kobj, &module_group);
	if (ret)
		kobject_put(peers_dir);
	return ret;
}

/**
 * rfloop_sysfs_exit() - show them no more
 */
void rfloop_sysfs_exit(void)
{
	sysfs_remove_group(&THIS_MODULE->mkobj.kobj, &module_group);
	kobject_put(peers_dir);
}
