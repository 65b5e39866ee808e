// SPDX-License-Identifier: GPL-2.0-only
/*
 * What subos-module.py needs done inside, and busybox cannot do.
 *
 *	guest kexec-load	call kexec_load() with nothing, print result and errno
 *	guest kexec KERNEL	load that kernel and jump into it
 *	guest hog PRIO SECONDS	keep all CPUs busy at that real-time priority
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int kexec_go(const char *path)
{
	static const char line[] = "panic=0";
	int fd = open(path, O_RDONLY);

	if (syscall(SYS_kexec_file_load, fd, -1, sizeof(line), line, KEXEC_FILE_NO_INITRAMFS)) {
		perror("kexec_file_load");
		return 1;
	}
	syscall(SYS_reboot, 0xfee1dead, 672274793, 0x45584543, NULL);
	perror("reboot");
	return 1;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static int hog(int priority, double seconds)
{
	struct sched_param param = { .sched_priority = priority };
	double end = now() + seconds;
	long cpu;

	printf("hog %d\n", priority);
	fflush(stdout);
	for (cpu = sysconf(_SC_NPROCESSORS_ONLN) - 1; cpu >= 0; cpu--) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		if (cpu && fork())
			continue;
		if (sched_setaffinity(0, sizeof(set), &set) ||
		    sched_setscheduler(0, SCHED_FIFO, &param)) {
			perror("sched");
			return 1;
		}
		while (now() < end)
			;
		break;
	}
	if (!cpu)
		printf("hog %d has had enough\n", priority);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "kexec-load")) {
		long ret = syscall(SYS_kexec_load, 0, 0, NULL, 0);

		printf("kexec_load %ld %d\n", ret, errno);
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "kexec"))
		return kexec_go(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "hog"))
		return hog(atoi(argv[2]), atof(argv[3]));
	return 2;
}
