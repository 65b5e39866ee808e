// SPDX-License-Identifier: GPL-2.0-only
/*
 * proc and sysfs as the module itself uses them, for what no exported symbol
 * tells or does. Mounted for the kernel alone: whatever user space mounts,
 * hides or changes its root to makes no difference.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/string.h>

#include "files.h"

static struct vfsmount *proc_mount, *sys_mount;

static struct vfsmount *files_mount(const char *name)
{
	struct file_system_type *type = get_fs_type(name);

	/* both are built in: there is no reference to put */
	return type ? kern_mount(type) : ERR_PTR(-ENODEV);
}

/**
 * subos_proc_read() - read a file of proc
 * @name: its path there
 * @text: (out) what is in it, ended by NUL, cut where it does not fit
 * @size: of @text
 *
 * Context: kernel threads; sleeps.
 * Return: number of characters, or a negative errno.
 */
ssize_t subos_proc_read(const char *name, char *text, size_t size)
{
	struct file *file = file_open_root_mnt(proc_mount, name, O_RDONLY, 0);
	ssize_t done = 0, ret;
	loff_t pos = 0;

	if (IS_ERR(file))
		return PTR_ERR(file);
	do {
		ret = kernel_read(file, text + done, size - 1 - done, &pos);
		if (ret > 0)
			done += ret;
	} while (ret > 0 && done < size - 1);
	text[done] = '\0';
	filp_close(file, NULL);
	return ret < 0 ? ret : done;
}

/**
 * subos_sys_write() - write to a file of sysfs
 * @name: its path there
 * @text: what, a string
 *
 * Context: kernel threads; sleeps.
 * Return: 0 or a negative errno.
 */
int subos_sys_write(const char *name, const char *text)
{
	struct file *file = file_open_root_mnt(sys_mount, name, O_WRONLY, 0);
	loff_t pos = 0;
	ssize_t ret;

	if (IS_ERR(file))
		return PTR_ERR(file);
	ret = kernel_write(file, text, strlen(text), &pos);
	filp_close(file, NULL);
	return min_t(ssize_t, ret, 0);
}

/**
 * subos_files_init() - mount both
 *
 * Return: 0 or a negative errno.
 */
int subos_files_init(void)
{
	proc_mount = files_mount("proc");
	if (IS_ERR(proc_mount))
		return PTR_ERR(proc_mount);
	sys_mount = files_mount("sysfs");
	if (IS_ERR(sys_mount)) {
		kern_unmount(proc_mount);
		return PTR_ERR(sys_mount);
	}
	return 0;
}
