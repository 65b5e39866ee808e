// SPDX-License-Identifier: GPL-2.0-only
/* Calls on /dev/rfcom: channels, and memory that kernels share. */
#include "dev.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>

#include "dev_priv.h"
#include "rfm.h"
#include "sysroot.h"

int dev_connect_com(void)
{
	char path[SYSROOT_PATH];
	int fd = open(sysroot_path(path, "/dev/rfcom"), O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT || errno == ENXIO || errno == ENODEV)
		return -rfm_fail(RFM_INCOMPATIBLE, "the module rfcom is not loaded; modprobe rfcom");
	if (errno == EACCES || errno == EPERM)
		return -rfm_fail(RFM_PERMISSION, "only root may do this; use sudo");
	return -rfm_fail_errno(-errno, NULL, "cannot open /dev/rfcom");
}

int dev_channels(int com, struct rfcom_channel **out, unsigned int *nr)
{
	_Static_assert(RFCOM_NAME_MAX == RF_NAME_MAX, "a channel's names are as long as others");
	return dev_entries(com, RFCOM_IOC_LIST, sizeof(**out),
			   offsetof(struct rfcom_channel, kernel),
			   offsetof(struct rfcom_channel, service), out, nr);
}

int dev_holds(int com, struct rfcom_hold **out, unsigned int *nr)
{
	unsigned int i;
	int ret;

	ret = dev_entries(com, RFCOM_IOC_HOLDS, sizeof(**out), offsetof(struct rfcom_hold, kernel),
			  offsetof(struct rfcom_hold, owner), out, nr);
	for (i = 0; !ret && i < *nr; i++)
		dev_clean_field((*out)[i].region, sizeof((*out)[i].region));
	return ret;
}

int dev_revoke(int com, const char *kernel, const char *region, const char *from,
	       unsigned int timeout_ms, unsigned int *held)
{
	struct rfcom_revoke r = { .size = sizeof(r), .timeout_ms = timeout_ms };
	int ret;

	strncpy(r.kernel, kernel, sizeof(r.kernel) - 1);
	strncpy(r.region, region, sizeof(r.region) - 1);
	strncpy(r.from, from, sizeof(r.from) - 1);
	ret = dev_call(com, RFCOM_IOC_REVOKE, &r);
	*held = r.held;
	return ret;
}
