// SPDX-License-Identifier: GPL-2.0-only
/* All subOSes, with what their kernels say of their work. */
#include "live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev.h"
#include "fmt.h"

#define STATS_TIMEOUT_MS	500	/* a reading of all must not take minutes */

static int read_stats(int dev, struct live *l)
{
	int fd, ret;

	if (l->info.state != RF_STATE_RUNNING)
		return -ENOTCONN;
	fd = dev_open_subos(dev, l->info.name);
	if (fd < 0)
		return fd;
	ret = dev_stats(fd, STATS_TIMEOUT_MS, &l->stats);
	close(fd);
	return ret;
}

int live_read(int dev, struct live **out, unsigned int *nr)
{
	struct rf_info *infos;
	unsigned int i;
	int ret;

	ret = dev_list(dev, &infos, nr);
	if (ret)
		return ret;
	*out = calloc(*nr + 1, sizeof(**out));
	for (i = 0; *out && i < *nr; i++) {
		(*out)[i].info = infos[i];
		(*out)[i].err = read_stats(dev, &(*out)[i]);
	}
	free(infos);
	return *out ? 0 : -ENOMEM;
}

const char *live_why(const struct live *l)
{
	if (l->info.state != RF_STATE_RUNNING)
		return fmt_state(l->info.state);
	switch (-l->err) {
	case 0:
		return "";
	case ENOTCONN:
		return "does not listen";
	case ETIMEDOUT:
		return "does not answer";
	case EPIPE:
	case ENOENT:
		return "has ended";
	case EREMOTEIO:
		return "answers nonsense";
	case EBUSY:
		return "is being changed";
	case ENOTTY:
		return "the module has no figures";
	default:
		return strerror(-l->err);
	}
}
