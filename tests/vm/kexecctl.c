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

/* 64-bit, identity mapped, interrupts off, as the kernel leaves it. */
asm(".pushsection .rodata\n"
    "stub:	leaq	stub_line(%rip), %rsi\n"
    "	movw	$0x3f8, %dx\n"
    "1:	lodsb\n"
    "	testb	%al, %al\n"
    "	jz	2f\n"
    "	outb	%al, %dx\n"
    "	jmp	1b\n"
    "2:	lidt	stub_idt(%rip)\n"
    "	int3\n"
    "stub_idt: .skip	10\n"
    "stub_line: .asciz	\"\\r\\nkexec arrived\\r\\n\"\n"
    "stub_end:\n"
    ".popsection\n");
extern const char stub[], stub_end[];

static int load(void)
{
	static char page[SIZE] __attribute__((aligned(SIZE)));
	struct kexec_segment segment = { page, SIZE, (void *)DEST, SIZE };

	memcpy(page, stub, stub_end - stub);
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
