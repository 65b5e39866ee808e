// SPDX-License-Identifier: GPL-2.0-only
/*
 * Times things in the test machine, where the shell has no clock that is fine
 * enough.
 *
 *	stopwatch run COMMAND...	ns that it took; its output goes to stderr
 *	stopwatch bare CPU...	ns to take the CPUs off line, one after the other,
 *				ns to bring them back
 *	stopwatch take CPU...	the same of the pool of rfcontroller; needs an
 *				empty one and leaves it empty
 *	stopwatch stop NAME	park the cores of a subOS; it keeps its memory
 *	stopwatch core NAME CPU +|-	ns to move a core there, or back, and of these
 *				the ns of each enum rf_resize_stage
 *	stopwatch memory NAME BYTES +|-	likewise memory
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/rainforest.h>

static unsigned long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static int run(char **argv)
{
	unsigned long long start = now();
	int status;
	pid_t pid = fork();

	if (!pid) {
		dup2(2, 1);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 1;
	printf("%llu\n", now() - start);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_device(void)
{
	int fd = open("/dev/rainforest", O_RDWR);

	if (fd < 0)
		die("/dev/rainforest");
	return fd;
}

static unsigned long long set_online(char **cpus, const char *value)
{
	unsigned long long start, sum = 0;
	char path[80];
	int fd;

	for (; *cpus; cpus++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%s/online", *cpus);
		fd = open(path, O_WRONLY);
		start = now();
		if (fd < 0 || write(fd, value, 1) != 1)
			die(path);
		sum += now() - start;
		close(fd);
	}
	return sum;
}

static int bare(char **cpus)
{
	unsigned long long off = set_online(cpus, "0");

	printf("%llu %llu\n", off, set_online(cpus, "1"));
	return 0;
}

static unsigned long long set_pool(int dev, uint64_t mask)
{
	struct rf_pool pool = {
		.size = sizeof(pool), .flags = RF_POOL_SET,
		.mask = (uintptr_t)&mask, .mask_bytes = sizeof(mask),
	};
	unsigned long long start = now();

	if (ioctl(dev, RF_IOC_POOL, &pool))
		die("RF_IOC_POOL");
	return now() - start;
}

static int take(char **cpus)
{
	int dev = open_device();
	unsigned long long took;
	uint64_t mask = 0;

	for (; *cpus; cpus++)
		mask |= 1ULL << (atoi(*cpus) % 64);
	took = set_pool(dev, mask);
	printf("%llu %llu\n", took, set_pool(dev, 0));
	return 0;
}

static int open_subos(const char *name)
{
	struct rf_open subos = { .size = sizeof(subos) };
	int fd;

	strncpy(subos.name, name, sizeof(subos.name) - 1);
	fd = ioctl(open_device(), RF_IOC_OPEN, &subos);
	if (fd < 0)
		die(name);
	return fd;
}

static int stop(const char *name)
{
	struct rf_stop req = { .size = sizeof(req), .flags = RF_DESTROY_FORCE };

	if (ioctl(open_subos(name), RF_IOC_STOP, &req))
		die(name);
	return 0;
}

static unsigned int direction(const char *sign)
{
	return *sign == '+' ? RF_RESIZE_ADD : RF_RESIZE_REMOVE;
}

static void print_stages(unsigned long long total, const __u64 *stage_ns)
{
	int i;

	printf("%llu", total);
	for (i = 0; i < RF_RESIZE_STAGES; i++)
		printf(" %llu", (unsigned long long)stage_ns[i]);
	printf("\n");
}

static int core(char **argv)
{
	uint64_t mask = 1ULL << (atoi(argv[1]) % 64);
	struct rf_resize_cpus req = {
		.size = sizeof(req), .flags = direction(argv[2]),
		.mask = (uintptr_t)&mask, .mask_bytes = sizeof(mask),
	};
	int fd = open_subos(argv[0]);
	unsigned long long start = now();

	if (ioctl(fd, RF_IOC_RESIZE_CPUS, &req))
		die(argv[0]);
	print_stages(now() - start, req.stage_ns);
	return 0;
}

static int memory(char **argv)
{
	struct rf_resize_memory req = {
		.size = sizeof(req), .flags = direction(argv[2]),
		.bytes = strtoull(argv[1], NULL, 0), .node = -1,
	};
	int fd = open_subos(argv[0]);
	unsigned long long start = now();

	if (ioctl(fd, RF_IOC_RESIZE_MEMORY, &req))
		die(argv[0]);
	print_stages(now() - start, req.stage_ns);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 3 && !strcmp(argv[1], "run"))
		return run(argv + 2);
	if (argc >= 3 && !strcmp(argv[1], "bare"))
		return bare(argv + 2);
	if (argc >= 3 && !strcmp(argv[1], "take"))
		return take(argv + 2);
	if (argc == 3 && !strcmp(argv[1], "stop"))
		return stop(argv[2]);
	if (argc == 5 && !strcmp(argv[1], "core"))
		return core(argv + 2);
	if (argc == 5 && !strcmp(argv[1], "memory"))
		return memory(argv + 2);
	fprintf(stderr, "usage: stopwatch run COMMAND... | bare CPU... | take CPU... | stop NAME | core NAME CPU +|- | memory NAME BYTES +|-\n");
	return 2;
}
