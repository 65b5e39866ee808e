// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads what rf_acpi_build() wrote the way a kernel does: from the RSDP on, by
 * physical address, with every checksum. "--dump CASE DIR" writes the tables
 * to files for iasl.
 */
#include "tables.h"
#include <linux/rainforest_wire.h>
#include "tap.h"

#define MAX_IDS		8000
#define CANARY		0xa5

/* one set of tables and the memory around it */
struct picture {
	u64 base;
	u32 size;
	u64 rsdp;
	u8 before[64];
	u8 area[RF_ACPI_SIZE];
	u8 after[64];
};

struct madt {
	u32 ids[MAX_IDS];
	u32 uids[MAX_IDS];
	u32 nr;
	u32 enabled;
	u32 wakeups;
	u16 wakeup_version;
	u8 wakeup_length;
	u64 mailbox;
	u64 reset_vector;
	u32 others;
};

static u64 get(const u8 *p, u32 bytes)
{
	u64 val = 0;

	while (bytes--)
		val = val << 8 | p[bytes];
	return val;
}

static u8 sum(const u8 *p, u32 len)
{
	u8 total = 0;

	while (len--)
		total += *p++;
	return total;
}

/* Physical memory, NULL outside the area. */
static const u8 *at(const struct picture *pic, u64 phys, u32 len)
{
	u64 off = phys - (pic->base + RF_OFF_ACPI);

	return off <= RF_ACPI_SIZE && len <= RF_ACPI_SIZE - off ? pic->area + off : NULL;
}

/* A table with the right signature, length and checksum, else NULL. */
static const u8 *table(const struct picture *pic, u64 phys, const char *sig)
{
	const u8 *t = at(pic, phys, 36);

	if (!t || memcmp(t, sig, 4) || get(t + 4, 4) < 36 || !at(pic, phys, get(t + 4, 4)) ||
	    sum(t, get(t + 4, 4)) || memcmp(t + 10, "RAINFORAINFRST", 14))
		return NULL;
	return t;
}

static const u8 *root(const struct picture *pic)
{
	const u8 *r = at(pic, pic->rsdp, 36);

	if (!r || memcmp(r, "RSD PTR ", 8) || sum(r, 20) || sum(r, 36) || r[15] != 2 ||
	    get(r + 20, 4) != 36 || pic->rsdp % 16)
		return NULL;
	return table(pic, get(r + 24, 8), "XSDT");
}

static const u8 *find(const struct picture *pic, const char *sig)
{
	const u8 *x = root(pic);
	const u8 *facp;
	u32 i;

	if (!x)
		return NULL;
	if (!memcmp(sig, "XSDT", 4))
		return x;
	if (!memcmp(sig, "DSDT", 4)) {
		facp = find(pic, "FACP");
		return facp ? table(pic, get(facp + 140, 8), "DSDT") : NULL;
	}
	for (i = 36; i + 8 <= get(x + 4, 4); i += 8)
		if (table(pic, get(x + i, 8), sig))
			return table(pic, get(x + i, 8), sig);
	return NULL;
}

static void madt_cpu(struct madt *m, u32 id, u32 uid, u32 flags)
{
	m->ids[m->nr] = id;
	m->uids[m->nr++] = uid;
	m->enabled += flags == 1;
}

static bool read_madt(const struct picture *pic, struct madt *m)
{
	const u8 *t = find(pic, "APIC");
	u32 off, len;

	memset(m, 0, sizeof(*m));
	if (!t || get(t + 36, 4) != 0xfee00000 || get(t + 40, 4))
		return false;
	len = get(t + 4, 4);
	for (off = 44; off + 2 <= len && t[off + 1] >= 2 && off + t[off + 1] <= len;
	     off += t[off + 1]) {
		const u8 *e = t + off;

		if (e[0] == 0 && e[1] == 8) {
			madt_cpu(m, e[3], e[2], get(e + 4, 4));
		} else if (e[0] == 9 && e[1] == 16) {
			madt_cpu(m, get(e + 4, 4), get(e + 12, 4), get(e + 8, 4));
		} else if (e[0] == 16) {
			m->wakeups++;
			m->wakeup_length = e[1];
			m->wakeup_version = get(e + 2, 2);
			m->mailbox = get(e + 8, 8);
			m->reset_vector = e[1] >= 24 ? get(e + 16, 8) : 0;
		} else {
			m->others++;
		}
	}
	return off == len;
}

static bool untouched(const struct picture *pic)
{
	u32 i;

	for (i = 0; i < sizeof(pic->before); i++)
		if (pic->before[i] != CANARY || pic->after[i] != CANARY)
			return false;
	for (i = pic->size; i < RF_ACPI_SIZE; i++)
		if (pic->area[i] != CANARY)
			return false;
	return true;
}

static int build(const struct rf_acpi_in *in, struct picture *pic, u32 size)
{
	memset(pic, CANARY, sizeof(*pic));
	pic->base = in->base;
	pic->size = size;
	return rf_acpi_build(in, pic->area, size, &pic->rsdp);
}

static bool unique(const u32 *list, u32 nr)
{
	u32 i, k;

	for (i = 0; i < nr; i++)
		for (k = 0; k < i; k++)
			if (list[i] == list[k])
				return false;
	return true;
}

static const u32 few[] = { 3, 2, 5, 4 };
static const u32 wide[] = { 7, 254, 255, 256, 70000, 1 };

static struct rf_acpi_in input(u32 version, const u32 *ids, u32 nr)
{
	struct rf_acpi_in in = {
		.base = 0x138000000, .kernel_version = version, .bsp_apicid = 0,
		.apicid = ids, .nr_apicid = nr,
		.mailbox = 0x138001000, .reset_vector = 0x138000040,
	};

	return in;
}

static void test_fixed(struct picture *pic)
{
	struct rf_acpi_in in = input(RF_KVER(6, 12, 117), few, 4);
	const u8 *t;

	ok(!build(&in, pic, RF_ACPI_SIZE), "tables are built");
	ok(root(pic), "RSDP and XSDT have right checksums and addresses");
	t = find(pic, "FACP");
	ok(t && t[8] == 6 && get(t + 4, 4) == 276, "FADT is there, revision 6");
	ok(t && get(t + 112, 4) & BIT(20), "FADT: reduced hardware");
	ok(t && get(t + 112, 4) & BIT(19), "FADT: physical APIC destinations");
	ok(t && !(get(t + 112, 4) & BIT(10)) && !get(t + 120, 8), "FADT: no reset register");
	ok(t && get(t + 109, 2) == (BIT(2) | BIT(4) | BIT(5)),
	   "FADT: no VGA, no CMOS clock, no 8042, no ASPM; MSI allowed");
	ok(t && !get(t + 36, 4) && !get(t + 40, 4), "FADT: no FACS, no 32-bit DSDT address");
	ok(t && !get(t + 244, 8) && !get(t + 256, 8), "FADT: no sleep registers");
	ok(t && get(t + 46, 2) == 9, "FADT: the SCI is IRQ 9, as everywhere");
	t = find(pic, "DSDT");
	ok(t && get(t + 4, 4) == 42 && t[36] == 0x10, "DSDT is there, with an empty scope");
	t = find(pic, RF_ACPI_SIG);
	ok(t && get(t + 36, 4) == RF_WIRE_VERSION && get(t + 40, 8) == in.base &&
	   get(t + 48, 4) == RF_DESC_SIZE && get(t + 52, 4) == RF_STATUS_SIZE &&
	   get(t + 56, 4) == RF_CON_OUT_SIZE && get(t + 60, 4) == RF_CON_IN_SIZE,
	   "our own table tells the service area");
	ok(!find(pic, "MCFG") && !find(pic, "HPET"), "nothing else is there");
}

static void test_versions(struct picture *pic, struct madt *m)
{
	static const struct {
		u32 version;
		bool bsp;
		u8 length;
	} row[] = {
		{ RF_KVER(6, 1, 0), false, 16 }, { RF_KVER(6, 8, 255), false, 16 },
		{ RF_KVER(6, 9, 0), true, 16 }, { RF_KVER(6, 9, 255), true, 16 },
		{ RF_KVER(6, 10, 0), true, 24 }, { RF_KVER(6, 12, 117), true, 24 },
		{ RF_KVER(7, 0, 0), true, 24 },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(row); i++) {
		struct rf_acpi_in in = input(row[i].version, few, 4);
		u32 own = row[i].bsp;
		bool good = !build(&in, pic, RF_ACPI_SIZE) && read_madt(pic, m);

		good = good && m->nr == 4 + own && m->enabled == m->nr && !m->others &&
		       !memcmp(m->ids + own, few, sizeof(few)) && (!own || m->ids[0] == 0);
		ok(good, "%u.%u: MADT lists our cores, %s", row[i].version >> 16,
		   row[i].version >> 8 & 255, own ? "the BSP first" : "the BSP not at all");
		ok(m->wakeups == 1 && m->wakeup_length == row[i].length &&
		   m->wakeup_version == (row[i].length == 24) && m->mailbox == in.mailbox &&
		   m->reset_vector == (row[i].length == 24 ? in.reset_vector : 0),
		   "wake-up structure has %u bytes", row[i].length);
	}
}

static void test_wide(struct picture *pic, struct madt *m)
{
	struct rf_acpi_in in = input(RF_KVER(6, 12, 0), wide, ARRAY_SIZE(wide));
	static u32 many[RF_ACPI_SIZE];
	u32 i, nr;

	ok(!build(&in, pic, RF_ACPI_SIZE) && read_madt(pic, m) && m->nr == 7 &&
	   !memcmp(m->ids + 1, wide, sizeof(wide)), "ids of 255 and more have x2APIC entries");
	ok(unique(m->uids, m->nr), "processor UIDs are unique");
	in.bsp_apicid = 1000;
	ok(!build(&in, pic, RF_ACPI_SIZE) && read_madt(pic, m) && m->ids[0] == 1000 &&
	   unique(m->uids, m->nr), "a BSP of a high id comes first too");
	for (i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = i + 1;
	in = input(RF_KVER(6, 12, 0), many, 256);
	ok(!build(&in, pic, RF_ACPI_SIZE) && read_madt(pic, m) && m->nr == 257 &&
	   unique(m->uids, m->nr), "256 cores fit, the most a subOS can have");
	for (nr = 3000; nr < 4000; nr++) {
		in.nr_apicid = nr;
		if (build(&in, pic, RF_ACPI_SIZE))
			break;
		if (!read_madt(pic, m) || m->nr != nr + 1 || !untouched(pic))
			break;
	}
	ok(build(&in, pic, RF_ACPI_SIZE) == -ENOSPC && untouched(pic),
	   "%u cores fit, one more is refused", nr - 1);
}

static void test_refused(struct picture *pic)
{
	static const u32 twice[] = { 3, 4, 3 };
	static const u32 bsp[] = { 3, 0 };
	static const u32 all[] = { U32_MAX };
	struct rf_acpi_in in = input(RF_KVER(6, 12, 0), few, 4), bad;
	u32 size, good = 0;

#define REFUSED(change, what) do {						\
		bad = in;							\
		change;								\
		ok(build(&bad, pic, RF_ACPI_SIZE) == -EINVAL, "refused: " what);	\
	} while (0)
	REFUSED(bad.base = 0, "no base");
	REFUSED(bad.base += 8, "a base that is not aligned");
	REFUSED(bad.base = ~0xfffULL, "a base at the end of the address space");
	REFUSED(bad.mailbox = 0, "no mailbox");
	REFUSED(bad.mailbox += 64, "a mailbox that is not aligned");
	REFUSED(bad.reset_vector = 0, "no reset vector");
	REFUSED(bad.nr_apicid = 0, "no cores");
	REFUSED(bad.nr_apicid = U32_MAX, "absurdly many cores");
	REFUSED((bad.apicid = twice, bad.nr_apicid = 3), "a core listed twice");
	REFUSED((bad.apicid = bsp, bad.nr_apicid = 2), "the BSP among the cores");
	REFUSED((bad.apicid = all, bad.nr_apicid = 1), "the address of all cores");
	REFUSED(bad.bsp_apicid = U32_MAX, "no BSP");
	ok(!build(&in, pic, RF_ACPI_SIZE), "control: the input without these changes is accepted");

	for (size = 0; size < 1024; size++) {
		int ret = build(&in, pic, size);

		if ((ret && ret != -ENOSPC) || (ret && good) || !untouched(pic))
			break;
		good += !ret;
	}
	ok(size == 1024 && good, "a buffer of any size is either enough or refused, and kept to");
	ok(!build(&in, pic, RF_ACPI_SIZE - 1) && untouched(pic), "bytes behind the tables stay");
}

static void test_control(struct picture *pic, struct madt *m)
{
	struct rf_acpi_in in = input(RF_KVER(6, 12, 0), few, 4);
	u32 i, used = 0, seen = 0;

	if (build(&in, pic, RF_ACPI_SIZE))
		return;
	for (i = 0; i < RF_ACPI_SIZE; i++)
		if (pic->area[i] != CANARY)
			used = i + 1;
	for (i = 0; i < used; i++) {
		bool good;

		pic->area[i] ^= 1;
		good = root(pic) && find(pic, "FACP") && find(pic, "DSDT") &&
		       find(pic, RF_ACPI_SIG) && read_madt(pic, m);
		pic->area[i] ^= 1;
		seen += !good;
	}
	/* what is not seen is the padding between tables */
	ok(seen >= 36 + 60 + 42 + 276 + 64 + 108, "control: a flipped bit is seen (%u of %u bytes)",
	   seen, used);
}

static int write_table(const char *dir, const char *name, const u8 *t, u32 len)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.dat", dir, name);
	f = fopen(path, "w");
	return !t || !f || fwrite(t, len, 1, f) != 1 || fclose(f);
}

/* The MADT without its last structure, which older releases of iasl do not know. */
static int write_cpus(const char *dir, const u8 *madt)
{
	u32 off, len = get(madt + 4, 4);
	u8 copy[4096];

	for (off = 44; off < len && madt[off] != 16;)
		off += madt[off + 1];
	if (off > sizeof(copy) || off + madt[off + 1] != len)
		return 1;
	memcpy(copy, madt, off);
	copy[4] = off;
	copy[5] = off >> 8;
	copy[9] -= sum(copy, off);
	return write_table(dir, "CPUS", copy, off);
}

static int dump(const char *which, const char *dir, struct picture *pic)
{
	static const char *const names[] = { "XSDT", "FACP", "DSDT", "APIC", RF_ACPI_SIG };
	bool old = !strcmp(which, "old");
	bool x2apic = !strcmp(which, "x2apic");
	struct rf_acpi_in in = input(old ? RF_KVER(6, 1, 0) : RF_KVER(6, 12, 0),
				     x2apic ? wide : few, x2apic ? ARRAY_SIZE(wide) : 4);
	u32 i;

	if (build(&in, pic, RF_ACPI_SIZE))
		return 1;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		const u8 *t = find(pic, names[i]);

		if (!t || write_table(dir, names[i], t, get(t + 4, 4)))
			return 1;
	}
	return write_cpus(dir, find(pic, "APIC"));
}

int main(int argc, char **argv)
{
	static struct picture pic;
	static struct madt m;

	if (argc == 4)
		return dump(argv[2], argv[3], &pic);
	test_fixed(&pic);
	test_versions(&pic, &m);
	test_wide(&pic, &m);
	test_refused(&pic);
	test_control(&pic, &m);
	return tap_end();
}
