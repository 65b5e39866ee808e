/* SPDX-License-Identifier: GPL-2.0-only */
/* For programs that hold something while a command runs. */
#ifndef _TESTS_VM_COMMAND_H
#define _TESTS_VM_COMMAND_H

#include <sys/wait.h>
#include <unistd.h>

/* Its status. The command must not hold our descriptors: they are close-on-exec. */
static int run(char **argv)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

#endif /* _TESTS_VM_COMMAND_H */
