/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a subOS's kernel is told: ACPI tables, boot_params, command line. These
 * are pure functions of their input; the caller puts the results into the
 * service area (rainforest_wire.h).
 */
#ifndef _RFCONTROLLER_TABLES_H
#define _RFCONTROLLER_TABLES_H

#include <rainforest/pure.h>

#define RF_KVER(major, minor, patch)	((u32)(major) << 16 | (minor) << 8 | (patch))

#define RF_CMDLINE_SIZE		2048	/* COMMAND_LINE_SIZE of x86, the final NUL included */

/**
 * struct rf_span - physical range
 * @start: first byte
 * @length: bytes
 */
struct rf_span {
	u64 start;
	u64 length;
};

/**
 * struct rf_acpi_in - what the ACPI tables tell
 * @base: physical address of the service area, 4 KB aligned
 * @kernel_version: of the subOS, RF_KVER()
 * @bsp_apicid: APIC id of the machine's own bootstrap processor
 * @apicid: cores that may ever be granted; own ones first, the boot core at 0
 * @nr_apicid: entries in @apicid
 * @mailbox: physical address of the wake-up mailbox, 4 KB aligned
 * @reset_vector: where a core goes that the subOS gives up (used from 6.10 on)
 */
struct rf_acpi_in {
	u64 base;
	u32 kernel_version;
	u32 bsp_apicid;
	const u32 *apicid;
	u32 nr_apicid;
	u64 mailbox;
	u64 reset_vector;
};

/**
 * rf_acpi_build() - build RSDP, XSDT, FADT, DSDT, MADT and our own table
 * @in: see struct rf_acpi_in
 * @buf: picture of the physical memory from @in->base + RF_OFF_ACPI on
 * @size: its size, at most RF_ACPI_SIZE is used
 * @rsdp: physical address of the RSDP, for boot_params
 *
 * Return: 0. -EINVAL the input contradicts itself, -ENOSPC @size is too small;
 * @buf is undefined then.
 */
int rf_acpi_build(const struct rf_acpi_in *in, void *buf, u32 size, u64 *rsdp);

/**
 * struct rf_bp_in - what boot_params tells
 * @base: physical address of the service area, the start of the first range
 * @setup_header: bytes of the bzImage from offset 0x1f1 on
 * @setup_header_size: number of bytes
 * @cmdline: physical address of the command line
 * @cmdline_size: its length, without the final NUL
 * @initrd: physical address of the initrd
 * @initrd_size: its size, 0 for none
 * @rsdp: physical address of the RSDP
 * @low: slice below 1 MB
 * @ranges: memory of the subOS, the first one begins at @base
 * @nr_ranges: entries in @ranges
 * @flags: 0
 */
struct rf_bp_in {
	u64 base;
	const void *setup_header;
	u32 setup_header_size;
	u64 cmdline;
	u32 cmdline_size;
	u64 initrd;
	u64 initrd_size;
	u64 rsdp;
	struct rf_span low;
	const struct rf_span *ranges;
	u32 nr_ranges;
	u32 flags;
};

/**
 * rf_bootparams_build() - build the zero page of the boot protocol
 * @in: see struct rf_bp_in
 * @bp: 4096 bytes
 *
 * Return: 0. -EINVAL the header is no header, or the input contradicts itself;
 * -ENOSPC more ranges than E820 has room for. @bp is undefined then.
 */
int rf_bootparams_build(const struct rf_bp_in *in, void *bp);

/**
 * struct rf_cmdline_in - what the command line is made of
 * @user: user's part, no NUL needed
 * @user_len: its length
 * @kernel_version: of the subOS, RF_KVER()
 * @tsc_khz: frequency of the TSC
 * @nr_cpus: cores granted at the start
 * @bare: no module of ours will run inside
 */
struct rf_cmdline_in {
	const char *user;
	u32 user_len;
	u32 kernel_version;
	u32 tsc_khz;
	u32 nr_cpus;
	bool bare;
};

/**
 * rf_cmdline_build() - put our parameters behind the user's
 * @in: see struct rf_cmdline_in
 * @out: the command line, ended by NUL
 * @size: size of @out, at most RF_CMDLINE_SIZE is used
 * @msg: on -EINVAL and -ENOSPC one line that says why
 * @msg_size: its size
 *
 * What the user wants for init (behind " -- ") stays last.
 *
 * Return: length of the command line. -EINVAL a parameter contradicts ours or
 * the text is malformed, -ENOSPC it is too long.
 */
int rf_cmdline_build(const struct rf_cmdline_in *in, char *out, u32 size, char *msg, u32 msg_size);

#endif /* _RFCONTROLLER_TABLES_H */
