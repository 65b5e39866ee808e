// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * librainforest: a thin layer over /dev/rfcom.
 */
#include "rainforest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rfcom.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define DEVICE	"/dev/rfcom"

_Static_assert(sizeof(((struct rfcom_open *)0)->service) == RF_NAME_LENGTH + 1,
	       "a name is as long as the module's");
_Static_assert(RFCOM_MESSAGE_MAX == RF_MESSAGE_LENGTH, "a message is as long as the module's");
_Static_assert(RFCOM_NONBLOCK == RF_NONBLOCK && RFCOM_WRITE == RF_WRITE, "flags are the module's");

static int copy_name(char *to, const char *name)
{
	size_t len = strlen(name);

	if (!len || len > RF_NAME_LENGTH) {
		errno = EINVAL;
		return -1;
	}
	memcpy(to, name, len + 1);
	return 0;
}

/* One call on the device, which is open for no longer than that. */
static int call(unsigned long request, void *arg)
{
	int dev, fd, saved;

	dev = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (dev < 0)
		return -1;
	fd = ioctl(dev, request, arg);
	saved = errno;
	close(dev);
	errno = saved;
	return fd;
}

static __u32 limit_ms(int timeout_ms)
{
	return timeout_ms < 0 || timeout_ms > RFCOM_TIMEOUT_MAX ? RFCOM_TIMEOUT_MAX : timeout_ms;
}

int rf_open(const char *kernel, const char *service, int timeout_ms, unsigned int flags)
{
	struct rfcom_open arg = { .size = sizeof(arg), .flags = flags };

	if (copy_name(arg.kernel, kernel) || copy_name(arg.service, service))
		return -1;
	arg.timeout_ms = limit_ms(timeout_ms);
	return call(RFCOM_IOC_OPEN, &arg);
}

int rf_listen(const char *service, unsigned int backlog, unsigned int flags)
{
	struct rfcom_listen arg = { .size = sizeof(arg), .flags = flags, .backlog = backlog };

	if (copy_name(arg.service, service))
		return -1;
	return call(RFCOM_IOC_LISTEN, &arg);
}

int rf_accept(int service, char *kernel, size_t size, unsigned int flags)
{
	struct rfcom_accept arg = { .size = sizeof(arg), .flags = flags };
	int fd = ioctl(service, RFCOM_IOC_ACCEPT, &arg);
	size_t len;

	if (fd < 0 || !kernel || !size)
		return fd;
	len = strnlen(arg.kernel, RF_NAME_LENGTH);
	if (len >= size)
		len = size - 1;
	memcpy(kernel, arg.kernel, len);
	kernel[len] = '\0';
	return fd;
}

ssize_t rf_read(int channel, void *data, size_t size)
{
	return read(channel, data, size);
}

ssize_t rf_write(int channel, const void *data, size_t length)
{
	return write(channel, data, length);
}

int rf_offer(const char *region, size_t bytes, unsigned int flags)
{
	struct rfcom_offer arg = { .size = sizeof(arg), .flags = flags, .bytes = bytes };

	if (copy_name(arg.region, region))
		return -1;
	return call(RFCOM_IOC_OFFER, &arg);
}

/* What keeps the region is the mapping, not the descriptor. */
static void *map_and_close(int fd, size_t bytes, int prot)
{
	void *at = mmap(NULL, bytes, prot, MAP_SHARED, fd, 0);
	int saved = errno;

	close(fd);
	errno = saved;
	return at == MAP_FAILED ? NULL : at;
}

void *rf_map(const char *kernel, const char *region, int timeout_ms, unsigned int flags,
	     size_t *bytes)
{
	struct rfcom_attach arg = { .size = sizeof(arg), .flags = flags };
	int fd;

	if ((kernel && copy_name(arg.kernel, kernel)) || copy_name(arg.region, region))
		return NULL;
	arg.timeout_ms = limit_ms(timeout_ms);
	fd = call(RFCOM_IOC_ATTACH, &arg);
	if (fd < 0)
		return NULL;
	if (bytes)
		*bytes = arg.bytes;
	return map_and_close(fd, arg.bytes, flags & RF_WRITE ? PROT_READ | PROT_WRITE : PROT_READ);
}

int rf_unmap(void *address, size_t bytes)
{
	return munmap(address, bytes);
}

int rf_close(int descriptor)
{
	return close(descriptor);
}
