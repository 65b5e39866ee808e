// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Fault points
 *
 * Each stage that can fail asks here first whether a test wants it to fail.
 * The stock kernel has no fault injection of its own. Writing
 * "POINT" or "POINT:N" to the module parameter fail_point makes the next, or
 * the N-th, passage of that point fail, once.
 */
#include <linux/kstrtox.h>
#include <linux/moduleparam.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include "fail.h"

static DEFINE_SPINLOCK(fail_lock);	/* protects the two below */
static char fail_name[32];
static unsigned int fail_left;

static int fail_set(const char *val, const struct kernel_param *kp)
{
	char name[sizeof(fail_name)];
	unsigned int nth = 1;
	char *colon;

	if (strscpy(name, val, sizeof(name)) < 0)
		return -EINVAL;
	strim(name);
	colon = strchr(name, ':');
	if (colon) {
		*colon = '\0';
		if (kstrtouint(colon + 1, 10, &nth) || !nth)
			return -EINVAL;
	}
	guard(spinlock)(&fail_lock);
	strscpy(fail_name, name, sizeof(fail_name));
	fail_left = name[0] ? nth : 0;
	return 0;
}

static int fail_get(char *buf, const struct kernel_param *kp)
{
	guard(spinlock)(&fail_lock);
	return fail_left ? sysfs_emit(buf, "%s:%u\n", fail_name, fail_left) : sysfs_emit(buf, "\n");
}

static const struct kernel_param_ops fail_ops = {
	.set = fail_set,
	.get = fail_get,
};

module_param_cb(fail_point, &fail_ops, NULL, 0600);
MODULE_PARM_DESC(fail_point, "for tests: POINT[:N], the stage that fails once; empty when it has");

/**
 * rfctl_fail - does a test want this point to fail now?
 * @point: its name
 *
 * Return: true once when the parameter fail_point names it.
 */
bool rfctl_fail(const char *point)
{
	if (likely(!READ_ONCE(fail_left)))
		return false;
	guard(spinlock)(&fail_lock);
	return fail_left && !strcmp(fail_name, point) && !--fail_left;
}
