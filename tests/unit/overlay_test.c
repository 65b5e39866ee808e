// SPDX-License-Identifier: GPL-2.0-only
/*
 * Builds an overlay for overlay.sh.
 *
 * usage: overlay_test RELEASE LIB_DIR MODULE_ROOT [MODALIAS...] > ARCHIVE
 *
 * $OVERLAY_CACHE: where unpacked modules are kept. $OVERLAY_DEVICES: not empty when the
 * supervisor serves devices. Prints what went wrong, and ends with the errno.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../rfm/overlay.h"

int main(int argc, char **argv)
{
	struct rfm_overlay_request req = { 0 };
	const char *devices = getenv("OVERLAY_DEVICES");
	struct rfm_blob blob;
	char err[256] = "";
	int ret;

	if (argc < 4)
		return 99;
	req.release = argv[1];
	req.lib_dir = argv[2];
	req.module_root = argv[3];
	req.modaliases = argc > 4 ? (const char *const *)argv + 4 : NULL;
	req.devices = devices && *devices;
	req.cache_dir = getenv("OVERLAY_CACHE");
	ret = rfm_overlay_build(&blob, &req, err, sizeof(err));
	if (ret) {
		fprintf(stderr, "%s\n", err);
		return -ret;
	}
	ret = fwrite(blob.data, 1, blob.size, stdout) != blob.size;
	free(blob.data);
	return ret;
}
