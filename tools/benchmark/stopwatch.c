// SPDX-License-Identifier: GPL-2.0-only
/*
 * Times things in the test machine, where the shell has no clock that is fine
 * enough.
 *
 *	stopwatch run COMMAND...	ns that it took; its output goes to stderr
 *	stopwatch offon CPU		ns to take a CPU off line, ns to bring it back
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

static unsigned long long set_online(const char *cpu, const char *value)
{
	unsigned long long start;
	char path[80];
	int fd;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%s/online", cpu);
	fd = open(path, O_WRONLY);
	start = now();
	if (fd < 0 || write(fd, value, 1) != 1) {
		perror(path);
		exit(1);
	}
	start = now() - start;
	close(fd);
	return start;
}

int main(int argc, char **argv)
{
	if (argc >= 3 && !strcmp(argv[1], "run"))
		return run(argv + 2);
	if (argc == 3 && !strcmp(argv[1], "offon")) {
		unsigned long long off = set_online(argv[2], "0");

		printf("%llu %llu\n", off, set_online(argv[2], "1"));
		return 0;
	}
	fprintf(stderr, "usage: stopwatch run COMMAND... | offon CPU\n");
	return 2;
}
