// SPDX-License-Identifier: GPL-2.0-only
/*
 * kexecctl: kexec into a "kernel" of a few instructions, which prints a line on
 * the first serial port and ends with a triple fault.
 *
 * usage: kexecctl load | exec
 */
#include <errno.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEST	0x8000000UL		/* any memory of the supervisor that is not its kernel */
#define SIZE	4096UL
#define STUB	128		/* it is shorter than that */

/* 64-bit, identity mapped, interrupts off, as the kernel leaves it. */
static __attribute__((naked)) void stub(void)
{
	asm("leaq	4f(%rip), %rsi\n\t"
	    "movw	$0x3f8, %dx\n"
	    "1:	lodsb\n\t"
	    "testb	%al, %al\n\t"
	    "jz	2f\n\t"
	    "outb	%al, %dx\n\t"
	    "jmp	1b\n"
	    "2:	lidt	3f(%rip)\n\t"
	    "int3\n"
	    "3:	.skip	10\n"
	    "4:	.asciz	\"\\r\\nkexec arrived\\r\\n\"\n");
}

static int load(void)
{
	static char page[SIZE];
	struct kexec_segment segment = { page, SIZE, (void *)DEST, SIZE };

	memcpy(page, (const void *)stub, STUB);
	return syscall(SYS_kexec_load, DEST, 1UL, &segment, KEXEC_ARCH_DEFAULT);
}

int main(int argc, char **argv)
{
	int ret = -1;

	if (argc == 2 && !strcmp(argv[1], "load"))
		ret = load();
	else if (argc == 2 && !strcmp(argv[1], "exec"))
		ret = syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
			      LINUX_REBOOT_CMD_KEXEC, 0);
	else
		errno = EINVAL;
	if (ret)
		perror("kexecctl");
	return ret ? 1 : 0;
}
