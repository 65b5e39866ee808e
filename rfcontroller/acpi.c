// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACPI tables of a subOS: RSDP, XSDT, FADT, DSDT, MADT and our own RFBF. They
 * describe a machine without legacy hardware, whose cores wait in a mailbox
 * loop (ACPI 6.5, section 5.2.12.19).
 *
 * Offsets are those of the ACPI specification. The tables lie where the
 * subOS's E820 map says "reserved".
 */
#include "tables.h"
#include <linux/rainforest.h>
#include <linux/rainforest_wire.h>

#define HDR_SIZE		36
#define RSDP_SIZE		36
#define RSDP_SIZE_V1		20	/* what the first checksum covers */
#define FADT_SIZE		276
#define MADT_HEAD		44
#define TABLE_ALIGN		64

#define FADT_PROFILE_ENTERPRISE	4
#define FADT_SCI		9
#define FADT_BOOT_NO_VGA	BIT(2)
#define FADT_BOOT_NO_ASPM	BIT(4)	/* the link belongs to the supervisor */
#define FADT_BOOT_NO_CMOS_RTC	BIT(5)
#define FADT_WBINVD		BIT(0)
#define FADT_C1			BIT(2)
#define FADT_NO_POWER_BUTTON	BIT(4)	/* no fixed one */
#define FADT_NO_SLEEP_BUTTON	BIT(5)
#define FADT_HEADLESS		BIT(12)
#define FADT_APIC_PHYSICAL	BIT(19)	/* 6.1 uses logical destinations without it */
#define FADT_HW_REDUCED		BIT(20)

#define MADT_LAPIC_BASE		0xfee00000U
#define MADT_ENABLED		1
#define MADT_LAPIC		0
#define MADT_LAPIC_SIZE		8
#define MADT_X2APIC		9
#define MADT_X2APIC_SIZE	16
#define MADT_WAKEUP		16
#define MADT_WAKEUP_SIZE_V0	16
#define MADT_WAKEUP_SIZE_V1	24
#define X2APIC_UID		0x100	/* above every UID that a local APIC entry can hold */

/* check_for_real_bsp(): the first entry is the machine's BSP, never to be sent INIT */
#define KVER_REAL_BSP		RF_KVER(6, 9, 0)
/* before, the wake-up structure has no reset vector */
#define KVER_RESET_VECTOR	RF_KVER(6, 10, 0)

/* the picture being drawn, and where the next table goes */
struct canvas {
	u8 *buf;
	u32 size;
	u32 used;
	u64 phys;
};

static void put16(u8 *p, u16 val)
{
	__le16 le = cpu_to_le16(val);

	memcpy(p, &le, sizeof(le));
}

static void put32(u8 *p, u32 val)
{
	__le32 le = cpu_to_le32(val);

	memcpy(p, &le, sizeof(le));
}

static void put64(u8 *p, u64 val)
{
	__le64 le = cpu_to_le64(val);

	memcpy(p, &le, sizeof(le));
}

/* What makes the bytes add up to 0, given that the checksum's own byte is 0. */
static u8 checksum(const u8 *p, u32 len)
{
	u8 sum = 0;

	while (len--)
		sum -= *p++;
	return sum;
}

/* Room for a zeroed table at the next aligned place, NULL when there is none. */
static u8 *table_room(struct canvas *c, u32 len, u64 *phys)
{
	u32 at = ALIGN(c->used, TABLE_ALIGN);

	if (at > c->size || len > c->size - at)
		return NULL;
	memset(c->buf + c->used, 0, at + len - c->used);
	c->used = at + len;
	*phys = c->phys + at;
	return c->buf + at;
}

/* The standard header; comes last, because the checksum covers all. */
static void table_seal(u8 *t, const char *sig, u8 revision, u32 len)
{
	memcpy(t, sig, 4);
	put32(t + 4, len);
	t[8] = revision;
	memcpy(t + 10, "RAINFO", 6);
	memcpy(t + 16, "RAINFRST", 8);
	put32(t + 24, 1);
	memcpy(t + 28, "RNFR", 4);
	put32(t + 32, 1);
	t[9] = 0;
	t[9] = checksum(t, len);
}

/* No device, only an empty Scope (_SB): iasl cannot disassemble a table without any code. */
static int build_dsdt(struct canvas *c, u64 *phys)
{
	static const u8 aml[] = { 0x10, 0x05, '_', 'S', 'B', '_' };
	u32 len = HDR_SIZE + sizeof(aml);
	u8 *t = table_room(c, len, phys);

	if (!t)
		return -ENOSPC;
	memcpy(t + HDR_SIZE, aml, sizeof(aml));
	table_seal(t, "DSDT", 2, len);
	return 0;
}

static int build_fadt(struct canvas *c, u64 dsdt, u64 *phys)
{
	u8 *t = table_room(c, FADT_SIZE, phys);

	if (!t)
		return -ENOSPC;
	t[45] = FADT_PROFILE_ENTERPRISE;
	/* no SCI here, but a kernel without I/O APIC makes this one level triggered in the ELCR */
	put16(t + 46, FADT_SCI);
	put16(t + 109, FADT_BOOT_NO_VGA | FADT_BOOT_NO_ASPM | FADT_BOOT_NO_CMOS_RTC);
	put32(t + 112, FADT_WBINVD | FADT_C1 | FADT_NO_POWER_BUTTON | FADT_NO_SLEEP_BUTTON |
	      FADT_HEADLESS | FADT_APIC_PHYSICAL | FADT_HW_REDUCED);
	put64(t + 140, dsdt);
	table_seal(t, "FACP", 6, FADT_SIZE);
	return 0;
}

/* An id of 255 is the broadcast address of a local APIC entry. */
static u32 cpu_entry_size(u32 apicid)
{
	return apicid < 255 ? MADT_LAPIC_SIZE : MADT_X2APIC_SIZE;
}

static u8 *put_cpu(u8 *p, u32 apicid, u32 index)
{
	p[1] = cpu_entry_size(apicid);
	if (apicid < 255) {
		p[0] = MADT_LAPIC;
		p[2] = apicid;	/* UID: as unique as the id itself */
		p[3] = apicid;
		put32(p + 4, MADT_ENABLED);
	} else {
		p[0] = MADT_X2APIC;
		put32(p + 4, apicid);
		put32(p + 8, MADT_ENABLED);
		put32(p + 12, X2APIC_UID + index);
	}
	return p + p[1];
}

static void put_wakeup(u8 *p, const struct rf_acpi_in *in, u32 len)
{
	p[0] = MADT_WAKEUP;
	p[1] = len;
	put64(p + 8, in->mailbox);
	if (len < MADT_WAKEUP_SIZE_V1)
		return;
	put16(p + 2, 1);
	put64(p + 16, in->reset_vector);
}

static int build_madt(struct canvas *c, const struct rf_acpi_in *in, u64 *phys)
{
	u32 wakeup = in->kernel_version < KVER_RESET_VECTOR ? MADT_WAKEUP_SIZE_V0 :
							      MADT_WAKEUP_SIZE_V1;
	bool with_bsp = in->kernel_version >= KVER_REAL_BSP;
	u32 len = MADT_HEAD + wakeup;
	u8 *t, *p;
	u32 i;

	if (with_bsp)
		len += cpu_entry_size(in->bsp_apicid);
	for (i = 0; i < in->nr_apicid; i++)
		len += cpu_entry_size(in->apicid[i]);
	t = table_room(c, len, phys);
	if (!t)
		return -ENOSPC;
	put32(t + 36, MADT_LAPIC_BASE);
	p = t + MADT_HEAD;
	if (with_bsp)
		p = put_cpu(p, in->bsp_apicid, in->nr_apicid);
	for (i = 0; i < in->nr_apicid; i++)
		p = put_cpu(p, in->apicid[i], i);
	put_wakeup(p, in, wakeup);
	table_seal(t, "APIC", 5, len);
	return 0;
}

static int build_facts(struct canvas *c, const struct rf_acpi_in *in, u64 *phys)
{
	u32 len = sizeof(struct rf_acpi_facts);
	struct rf_acpi_facts facts = {
		.wire_version = cpu_to_le32(RF_WIRE_VERSION),
		.base = cpu_to_le64(in->base),
		.desc_size = cpu_to_le32(RF_DESC_SIZE),
		.status_size = cpu_to_le32(RF_STATUS_SIZE),
		.con_out_size = cpu_to_le32(RF_CON_OUT_SIZE),
		.con_in_size = cpu_to_le32(RF_CON_IN_SIZE),
	};
	u8 *t = table_room(c, len, phys);

	if (!t)
		return -ENOSPC;
	memcpy(t, &facts, len);
	table_seal(t, RF_ACPI_SIG, 1, len);
	return 0;
}

static int build_xsdt(struct canvas *c, const u64 *tables, u32 nr, u64 *phys)
{
	u32 len = HDR_SIZE + nr * 8;
	u8 *t = table_room(c, len, phys);
	u32 i;

	if (!t)
		return -ENOSPC;
	for (i = 0; i < nr; i++)
		put64(t + HDR_SIZE + i * 8, tables[i]);
	table_seal(t, "XSDT", 1, len);
	return 0;
}

static void fill_rsdp(u8 *t, u64 xsdt)
{
	memcpy(t, "RSD PTR ", 8);
	memcpy(t + 9, "RAINFO", 6);
	t[15] = 2;
	put32(t + 20, RSDP_SIZE);
	put64(t + 24, xsdt);
	t[8] = checksum(t, RSDP_SIZE_V1);
	t[32] = checksum(t, RSDP_SIZE);
}

static bool apicids_valid(const struct rf_acpi_in *in)
{
	u32 i, k;

	for (i = 0; i < in->nr_apicid; i++) {
		/* all ones addresses every core; the BSP is never granted */
		if (in->apicid[i] == U32_MAX || in->apicid[i] == in->bsp_apicid)
			return false;
		for (k = 0; k < i; k++)
			if (in->apicid[k] == in->apicid[i])
				return false;
	}
	return in->bsp_apicid != U32_MAX;
}

static bool acpi_in_valid(const struct rf_acpi_in *in)
{
	if (!in->base || !IS_ALIGNED(in->base, 4096) || in->base > U64_MAX - RF_SERVICE_SIZE)
		return false;
	if (!in->mailbox || !IS_ALIGNED(in->mailbox, 4096) || !in->reset_vector)
		return false;
	/* more than this cannot fit; bounds the search for duplicates */
	if (!in->nr_apicid || in->nr_apicid > RF_ACPI_SIZE / MADT_LAPIC_SIZE)
		return false;
	return apicids_valid(in);
}

int rf_acpi_build(const struct rf_acpi_in *in, void *buf, u32 size, u64 *rsdp)
{
	struct canvas c = {
		.buf = buf,
		.size = size < RF_ACPI_SIZE ? size : RF_ACPI_SIZE,
		.phys = in->base + RF_OFF_ACPI,
	};
	u64 dsdt, xsdt, tables[3];
	u8 *t;
	int ret;

	if (!acpi_in_valid(in))
		return -EINVAL;
	t = table_room(&c, RSDP_SIZE, rsdp);
	if (!t)
		return -ENOSPC;
	ret = build_dsdt(&c, &dsdt);
	if (!ret)
		ret = build_fadt(&c, dsdt, &tables[0]);
	if (!ret)
		ret = build_madt(&c, in, &tables[1]);
	if (!ret)
		ret = build_facts(&c, in, &tables[2]);
	if (!ret)
		ret = build_xsdt(&c, tables, ARRAY_SIZE(tables), &xsdt);
	if (!ret)
		fill_rsdp(t, xsdt);
	return ret;
}
