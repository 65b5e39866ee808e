// SPDX-License-Identifier: GPL-2.0-only
/* rfbackend: started by rfm, for a subOS that has virtio devices. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "keeper.h"

static const char help[] =
	"usage: rfbackend [--run DIRECTORY] NAME\n\n"
	"Serves the virtio devices of the subOS NAME until its end. rfm starts it and tells it\n"
	"which devices there are: rfm device --help. Nothing for people to call.\n\n"
	"  --run DIRECTORY  where its socket and list of devices are, in a directory NAME\n"
	"                   (/run/rainforest)\n\n"
	"Returns when it can be talked to, and goes on in the background.\n"
	"Exit status: 0, 1 it cannot be, 2 it was called wrongly.\n";

/* Whoever started us goes on when the socket is there; errors it still sees. */
static int background(void)
{
	pid_t pid = fork();
	int null;

	if (pid)
		return pid < 0 ? -errno : 1;
	setsid();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (chdir("/") || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		return -errno;
	return 0;
}

static void log_to_kernel(void)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		dup2(fd, 2);
		close(fd);
	}
}

static int serve(const char *name, const char *run)
{
	static struct keeper keeper;
	char err[SPEC_ERR_MAX] = "it failed";
	int ret;

	ret = keeper_open(&keeper, name, run, err);
	if (!ret) {
		ret = background();
		if (ret > 0)
			return 0;
	}
	if (ret) {
		fprintf(stderr, "rfbackend: %s: %s\n", name, err);
		return 1;
	}
	log_to_kernel();
	keeper_run(&keeper);
	return 0;
}

int main(int argc, char **argv)
{
	const char *run = "/run/rainforest";

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(help, stdout);
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "--run")) {
		run = argv[2];
		argv += 2;
		argc -= 2;
	}
	if (argc != 2 || *argv[1] == '-' || strchr(argv[1], '/') || !*argv[1]) {
		fputs("rfbackend: write the name of a subOS; rfbackend --help\n", stderr);
		return 2;
	}
	return serve(argv[1], run);
}
