// SPDX-License-Identifier: GPL-2.0-only
/* A thin layer over the ioctls of rainforest.h. */
#include "dev.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <linux/rainforest_wire.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "dev_priv.h"
#include "rfm.h"
#include "sysroot.h"

int dev_call(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

__u64 dev_pointer(const void *p)
{
	return (uintptr_t)p;
}

__u64 dev_msg_buffer(struct dev_msg *msg)
{
	memset(msg, 0, sizeof(*msg));
	return dev_pointer(msg->text);
}

/* What the module says is text of ours, but names in it come from users. */
int dev_said(int ret, struct dev_msg *msg)
{
	char raw[RF_MSG_MAX];

	memcpy(raw, msg->text, sizeof(raw));
	raw[sizeof(raw) - 1] = '\0';
	units_clean(raw, sizeof(raw), msg->text, sizeof(msg->text));
	return ret;
}

void dev_clean_field(char *field, size_t size)
{
	char copy[256];

	units_clean(field, size, copy, size < sizeof(copy) ? size : sizeof(copy));
	memcpy(field, copy, strlen(copy) + 1);
}

static void clean_info(struct rf_info *info)
{
	dev_clean_field(info->name, sizeof(info->name));
	dev_clean_field(info->kernel, sizeof(info->kernel));
	dev_clean_field(info->boot_id, sizeof(info->boot_id));
	dev_clean_field(info->reason, sizeof(info->reason));
}

int dev_open(void)
{
	char path[SYSROOT_PATH];
	int fd = open(sysroot_path(path, "/dev/rainforest"), O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int dev_version(int dev, struct rf_version *version)
{
	*version = (struct rf_version){ .size = sizeof(*version) };
	return dev_call(dev, RF_IOC_VERSION, version);
}

static int report_open(int err)
{
	if (err == -ENOENT || err == -ENXIO || err == -ENODEV)
		return rfm_fail(RFM_INCOMPATIBLE,
				"the module rfcontroller is not loaded; modprobe rfcontroller");
	if (err == -EACCES || err == -EPERM)
		return rfm_fail(RFM_PERMISSION, "only root may do this; use sudo");
	return rfm_fail_errno(err, NULL, "cannot open /dev/rainforest");
}

static int check_version(int dev, bool detached)
{
	struct rf_version v;
	int ret = dev_version(dev, &v);

	if (ret == -EPERM)
		return report_open(ret);
	if (ret == -ENOTTY || ret == -EINVAL || ret == -E2BIG)
		return rfm_fail(RFM_INCOMPATIBLE,
				"the module speaks no version known to rfm %s (ABI %d); install both from one release",
				RFM_VERSION, RF_ABI_VERSION);
	if (ret)
		return rfm_fail_errno(ret, NULL, "cannot ask the module for its version");
	dev_clean_field(v.version, sizeof(v.version));
	if (v.abi != RF_ABI_VERSION || v.wire != RF_WIRE_VERSION)
		return rfm_fail(RFM_INCOMPATIBLE,
				"module %s has ABI %u.%u, rfm %s has ABI %d.%d; install both from one release and reload the module",
				v.version, v.abi, v.wire, RFM_VERSION, RF_ABI_VERSION,
				RF_WIRE_VERSION);
	if (v.flags & RF_VERSION_DETACHED && !detached)
		return rfm_fail_errno(-ESHUTDOWN, NULL, "detached");
	return 0;
}

static int connect_any(bool detached)
{
	int dev, ret;

	dev = dev_open();
	if (dev < 0)
		return -report_open(dev);
	ret = check_version(dev, detached);
	if (!ret)
		return dev;
	close(dev);
	return -ret;
}

int dev_connect(void)
{
	return connect_any(false);
}

int dev_connect_detached(void)
{
	return connect_any(true);
}

int dev_connect_subos(const char *name)
{
	int dev, fd;

	dev = dev_connect();
	if (dev < 0)
		return dev;
	fd = dev_open_subos(dev, name);
	close(dev);
	if (fd == -ENOENT)
		return -rfm_fail(RFM_NOT_FOUND,
				 "there is no subOS of this name; rfm list shows those that live");
	return fd < 0 ? -rfm_fail_errno(fd, NULL, "cannot open the subOS") : fd;
}

int dev_subos_info(const char *name, struct rf_info *info)
{
	int fd = dev_connect_subos(name), ret;

	if (fd < 0)
		return fd;
	ret = dev_info(fd, info);
	close(fd);
	return ret ? -rfm_fail_errno(ret, NULL, "cannot ask for its state") : 0;
}

static void copy_name(char *to, const char *name)
{
	strncpy(to, name, RF_NAME_MAX - 1);
}

int dev_create(int dev, const char *name, unsigned int *id, struct dev_msg *msg)
{
	struct rf_create arg = { .size = sizeof(arg), .msg = dev_msg_buffer(msg),
				 .msg_len = sizeof(msg->text) };
	int fd;

	copy_name(arg.name, name);
	fd = dev_said(dev_call(dev, RF_IOC_CREATE, &arg), msg);
	*id = arg.id;
	return fd;
}

int dev_open_subos(int dev, const char *name)
{
	struct rf_open arg = { .size = sizeof(arg) };

	copy_name(arg.name, name);
	return dev_call(dev, RF_IOC_OPEN, &arg);
}

int dev_add_cpus(int fd, struct cpus *cpus, unsigned int count, bool dry_run, struct dev_msg *msg)
{
	struct rf_cpus arg = {
		.size = sizeof(arg),
		.flags = dry_run ? RF_CPUS_DRY_RUN : 0,
		.mask = dev_pointer(cpus->mask),
		.mask_bytes = sizeof(cpus->mask),
		.count = count,
		.msg = dev_msg_buffer(msg),
		.msg_len = sizeof(msg->text),
	};

	return dev_said(dev_call(fd, RF_IOC_ADD_CPUS, &arg), msg);
}

int dev_add_memory(int fd, __u64 bytes, int node, bool dry_run, __u64 *got, struct dev_msg *msg)
{
	struct rf_memory arg = {
		.size = sizeof(arg),
		.flags = dry_run ? RF_MEMORY_DRY_RUN : 0,
		.bytes = bytes,
		.node = node,
		.msg = dev_msg_buffer(msg),
		.msg_len = sizeof(msg->text),
	};
	int ret = dev_said(dev_call(fd, RF_IOC_ADD_MEMORY, &arg), msg);

	*got = arg.got;
	return ret;
}

int dev_add_pci(int fd, unsigned int bdf, bool dry_run, struct dev_msg *msg)
{
	struct rf_pci arg = {
		.size = sizeof(arg),
		.flags = dry_run ? RF_PCI_DRY_RUN : 0,
		.segment = bdf >> 16,
		.bus = bdf >> 8,
		.devfn = bdf,
		.msg = dev_msg_buffer(msg),
		.msg_len = sizeof(msg->text),
	};

	return dev_said(dev_call(fd, RF_IOC_ADD_PCI, &arg), msg);
}

static int load(int fd, unsigned long request, struct rf_load *load, struct dev_msg *msg)
{
	load->size = sizeof(*load);
	load->msg = dev_msg_buffer(msg);
	load->msg_len = sizeof(msg->text);
	return dev_said(dev_call(fd, request, load), msg);
}

int dev_load(int fd, struct rf_load *req, struct dev_msg *msg)
{
	return load(fd, RF_IOC_LOAD, req, msg);
}

int dev_keep(int fd, struct rf_load *req, struct dev_msg *msg)
{
	return load(fd, RF_IOC_KEEP, req, msg);
}

int dev_start(int fd)
{
	return dev_call(fd, RF_IOC_START, NULL);
}

int dev_stop(int fd, bool force, unsigned int timeout_ms, struct dev_msg *msg)
{
	struct rf_stop arg = { .size = sizeof(arg), .flags = force ? RF_DESTROY_FORCE : 0,
			       .timeout_ms = timeout_ms, .msg = dev_msg_buffer(msg),
			       .msg_len = sizeof(msg->text) };

	return dev_said(dev_call(fd, RF_IOC_STOP, &arg), msg);
}

int dev_destroy(int fd, bool force, unsigned int timeout_ms, struct dev_msg *msg)
{
	struct rf_destroy arg = { .size = sizeof(arg), .flags = force ? RF_DESTROY_FORCE : 0,
				  .timeout_ms = timeout_ms, .msg = dev_msg_buffer(msg),
				  .msg_len = sizeof(msg->text) };

	return dev_said(dev_call(fd, RF_IOC_DESTROY, &arg), msg);
}

int dev_info(int fd, struct rf_info *info)
{
	struct pollfd p = { .fd = fd };
	int ret;

	*info = (struct rf_info){ .size = sizeof(*info) };
	ret = dev_call(fd, RF_IOC_INFO, info);
	clean_info(info);
	/* a descriptor outlives its subOS, and can tell */
	if (!ret && poll(&p, 1, 0) > 0 && p.revents & POLLHUP)
		return -ENOENT;
	return ret;
}

int dev_console(int fd, bool write)
{
	struct rf_console arg = { .size = sizeof(arg), .flags = write ? RF_CONSOLE_WRITE : 0 };

	return dev_call(fd, RF_IOC_CONSOLE, &arg);
}

int dev_winsize(int con, unsigned int rows, unsigned int cols)
{
	struct rf_winsize arg = { .rows = rows, .cols = cols };

	return dev_call(con, RF_IOC_WINSIZE, &arg);
}

int dev_audit(int dev, unsigned int flags, char *text, size_t size, struct rf_audit *audit)
{
	*audit = (struct rf_audit){ .size = sizeof(*audit), .flags = flags,
				    .text = dev_pointer(text), .text_len = size };
	return dev_call(dev, RF_IOC_AUDIT, audit);
}

int dev_check_cmdline(int dev, struct rf_cmdline *line, struct dev_msg *msg)
{
	line->size = sizeof(*line);
	line->msg = dev_msg_buffer(msg);
	line->msg_len = sizeof(msg->text);
	return dev_said(dev_call(dev, RF_IOC_CMDLINE, line), msg);
}

int dev_detach(int dev, bool undo, struct rf_detach *d, struct dev_msg *msg)
{
	*d = (struct rf_detach){
		.size = sizeof(*d),
		.flags = undo ? RF_DETACH_UNDO : 0,
		.msg = dev_msg_buffer(msg),
		.msg_len = sizeof(msg->text),
	};
	return dev_said(dev_call(dev, RF_IOC_DETACH, d), msg);
}

int dev_pool(int dev, struct rf_pool *pool, struct cpus *cpus, struct dev_msg *msg)
{
	pool->size = sizeof(*pool);
	pool->mask = dev_pointer(cpus->mask);
	pool->mask_bytes = sizeof(cpus->mask);
	pool->msg = dev_msg_buffer(msg);
	pool->msg_len = sizeof(msg->text);
	return dev_said(dev_call(dev, RF_IOC_POOL, pool), msg);
}

int dev_ledger(int dev, __u64 first, struct rf_ledger_entry *entries, struct rf_ledger *ledger,
	       unsigned int capacity)
{
	*ledger = (struct rf_ledger){ .size = sizeof(*ledger), .first = first,
				      .entries = dev_pointer(entries), .capacity = capacity };
	return dev_call(dev, RF_IOC_LEDGER, ledger);
}

int dev_list(int dev, struct rf_info **out, unsigned int *nr)
{
	struct rf_list arg = { .size = sizeof(arg), .info_size = sizeof(**out), .capacity = 64 };
	unsigned int i;
	int ret;

	for (;; arg.capacity = arg.count + 8) {
		*out = calloc(arg.capacity, sizeof(**out));
		if (!*out)
			return -ENOMEM;
		arg.infos = dev_pointer(*out);
		ret = dev_call(dev, RF_IOC_LIST, &arg);
		if (!ret && arg.count <= arg.capacity)
			break;
		free(*out);
		if (ret)
			return ret;
	}
	*nr = arg.count;
	for (i = 0; i < *nr; i++)
		clean_info(&(*out)[i]);
	return 0;
}

int dev_resources(int dev, struct rf_resource **out, unsigned int *nr)
{
	struct rf_resources arg = { .size = sizeof(arg), .capacity = 512 };
	int ret;

	for (;; arg.capacity = arg.count + 64) {
		*out = calloc(arg.capacity, sizeof(**out));
		if (!*out)
			return -ENOMEM;
		arg.entries = dev_pointer(*out);
		ret = dev_call(dev, RF_IOC_RESOURCES, &arg);
		if (!ret && arg.count <= arg.capacity)
			break;
		free(*out);
		if (ret)
			return ret;
	}
	*nr = arg.count;
	return 0;
}

int dev_ranges(int dev, const struct rf_info *info, struct rfm_mem_range **out, unsigned int *nr)
{
	struct rf_resource *res;
	unsigned int i, n;
	int ret;

	ret = dev_resources(dev, &res, &n);
	if (ret)
		return ret;
	*nr = 0;
	*out = calloc(n + 1, sizeof(**out));
	for (i = 0; *out && i < n; i++) {
		struct rfm_mem_range range = { res[i].start, res[i].length };

		if (res[i].kind != RF_RES_MEMORY || res[i].owner != info->id)
			continue;
		(*out)[(*nr)++] = range;
		if (range.start == info->base) {	/* goes to the front */
			(*out)[*nr - 1] = (*out)[0];
			(*out)[0] = range;
		}
	}
	free(res);
	return *out ? 0 : -ENOMEM;
}

int dev_read_memory(void *ctx, __u64 addr, void *buf, size_t len)
{
	const int *fd = ctx;
	ssize_t n;

	while (len) {
		n = pread(*fd, buf, len, addr);
		if (n < 0 && errno == EINTR && !rfm.interrupted)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		buf = (char *)buf + n;
		addr += n;
		len -= n;
	}
	return 0;
}
