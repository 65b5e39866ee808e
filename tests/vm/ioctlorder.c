// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls on /dev/rainforest in the wrong order: whatever would be added to a
 * subOS that has a kernel loaded is refused, as that kernel was told what it
 * has.
 *
 *	ioctlorder BDF
 *
 * Prints a line for each call, "OK" or its errno and what the module said, for
 * the test to compare. Nothing is started; all is undone by the end of it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/rainforest.h>

#define MB	(1UL << 20)

static char said[RF_MSG_MAX];
static unsigned int disk;	/* segment << 16 | bus << 8 | devfn */

static uint64_t address(const void *p)
{
	return (uintptr_t)p;
}

static void call(const char *what, int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	printf("%s: %s %s\n", what, ret < 0 ? strerrorname_np(errno) : "OK", ret < 0 ? said : "");
	*said = '\0';
}

static void add_cpus(const char *what, int fd, unsigned int flags)
{
	uint64_t mask[16] = { 0 };
	struct rf_cpus c = { .size = sizeof(c), .flags = flags, .mask = address(mask),
			     .mask_bytes = sizeof(mask), .count = 1,
			     .msg = address(said), .msg_len = sizeof(said) };

	call(what, fd, RF_IOC_ADD_CPUS, &c);
}

static void add_memory(const char *what, int fd, unsigned int flags)
{
	struct rf_memory m = { .size = sizeof(m), .flags = flags, .bytes = 128 * MB, .node = -1,
			       .msg = address(said), .msg_len = sizeof(said) };

	call(what, fd, RF_IOC_ADD_MEMORY, &m);
}

static void add_pci(const char *what, int fd, unsigned int flags)
{
	struct rf_pci p = { .size = sizeof(p), .flags = flags, .segment = disk >> 16,
			    .bus = disk >> 8, .devfn = disk,
			    .msg = address(said), .msg_len = sizeof(said) };

	call(what, fd, RF_IOC_ADD_PCI, &p);
}

/* A kernel of one page, under a bzImage's setup header: what the loader looks at. */
static void load(const char *what, int fd, const char *cmdline)
{
	static unsigned char bytes[4096], header[0x9f];
	const uint16_t boot_flag = 0xaa55, version = 0x20f, xloadflags = 3;
	const uint32_t cmdline_size = 2047;
	struct rf_segment segment = { address(bytes), sizeof(bytes), 16 * MB, sizeof(bytes) };
	struct rf_load l = {
		.size = sizeof(l), .segments = address(&segment), .nr_segments = 1,
		.kernel_version = 6 << 16 | 12 << 8, .entry = 16 * MB,
		.setup_header = address(header), .setup_header_size = sizeof(header),
		.cmdline = address(cmdline), .cmdline_size = strlen(cmdline),
		.msg = address(said), .msg_len = sizeof(said),
	};

	memcpy(header + 0x1fe - 0x1f1, &boot_flag, 2);
	header[0x201 - 0x1f1] = 0x6a;
	memcpy(header + 0x202 - 0x1f1, "HdrS", 4);
	memcpy(header + 0x206 - 0x1f1, &version, 2);
	memcpy(header + 0x236 - 0x1f1, &xloadflags, 2);
	memcpy(header + 0x238 - 0x1f1, &cmdline_size, 4);
	call(what, fd, RF_IOC_LOAD, &l);
}

static void add_more(int fd, unsigned int flags)
{
	add_cpus("cpus", fd, flags);
	add_memory("memory", fd, flags);
	add_pci("pci", fd, flags);
}

int main(int argc, char **argv)
{
	struct rf_create c = { .size = sizeof(c), .name = "order" };
	unsigned int seg, bus, dev, fn;
	int fd;

	if (argc != 2 || sscanf(argv[1], "%x:%x:%x.%x", &seg, &bus, &dev, &fn) != 4)
		return 2;
	disk = seg << 16 | bus << 8 | dev << 3 | fn;
	fd = ioctl(open("/dev/rainforest", O_RDWR | O_CLOEXEC), RF_IOC_CREATE, &c);
	if (fd < 0)
		return 1;
	add_cpus("first cpus", fd, 0);
	add_memory("first memory", fd, 0);
	add_cpus("cpus before", fd, RF_CPUS_DRY_RUN);
	add_pci("pci before", fd, RF_PCI_DRY_RUN);
	load("load", fd, "quiet");
	add_more(fd, RF_CPUS_DRY_RUN);
	add_more(fd, 0);
	/* a load that fails leaves none: then there is nothing to contradict */
	load("bad load", fd, "maxcpus=3");
	add_cpus("cpus after", fd, 0);
	add_pci("pci after", fd, 0);
	return 0;
}
