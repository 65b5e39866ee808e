# SPDX-License-Identifier: GPL-2.0-only
# RF_HAVE_*: what the kernel's headers have that no version number tells, as it
# came with a stable release. compat.h uses them.

rf-have := $(shell grep -qs device_set_driver_override $(srctree)/include/linux/device.h && \
	echo -DRF_HAVE_DEVICE_OVERRIDE)
