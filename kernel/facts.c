// SPDX-License-Identifier: GPL-2.0-only
/*
 * Boot facts: finds the ACPI table of the supervisor, maps the shared areas
 * that it names, and reads the resource description. Owns the mappings, says
 * nothing about what the contents mean.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/acpi.h>
#include <linux/io.h>
#include <linux/string.h>

#include "subos.h"

#define SUBOS_READ_TRIES	1000	/* the supervisor writes for microseconds */

struct subos_facts subos_facts;

static bool desc_read_once(size_t offset, void *to, size_t len)
{
	const struct rf_desc *desc = subos_facts.desc;
	u32 seq;

	seq = le32_to_cpu(READ_ONCE(desc->seq));
	if (seq & 1)
		return false;
	smp_rmb();	/* pairs with the supervisor's barrier after it made seq odd */
	memcpy(to, (const u8 *)desc + offset, len);
	smp_rmb();	/* pairs with the supervisor's barrier before it makes seq even */
	return le32_to_cpu(READ_ONCE(desc->seq)) == seq;
}

/**
 * subos_desc_read() - read a part of the resource description
 * @offset: offset in struct rf_desc
 * @to: where to
 * @len: number of bytes
 *
 * The bytes belong together: the supervisor did not change them meanwhile.
 * Context: any, waits for microseconds at most.
 * Return: 0, -EAGAIN if the supervisor never stopped changing them.
 */
int subos_desc_read(size_t offset, void *to, size_t len)
{
	int i;

	for (i = 0; i < SUBOS_READ_TRIES; i++) {
		if (desc_read_once(offset, to, len))
			return 0;
		cpu_relax();
	}
	return -EAGAIN;
}

static int table_check(const struct rf_acpi_facts *facts)
{
	const struct acpi_table_header *header = (const void *)facts->header;
	u32 version;

	if (header->length < sizeof(*facts)) {
		pr_err("ACPI table %s has %u bytes, %zu expected\n", RF_ACPI_SIG,
		       header->length, sizeof(*facts));
		return -EINVAL;
	}
	version = le32_to_cpu(facts->wire_version);
	if (version != RF_WIRE_VERSION) {
		pr_err("the supervisor speaks wire version %u, this module %u\n", version,
		       RF_WIRE_VERSION);
		return -EPROTO;
	}
	if (le32_to_cpu(facts->desc_size) < sizeof(struct rf_desc) ||
	    le32_to_cpu(facts->status_size) < sizeof(struct rf_status) ||
	    le32_to_cpu(facts->con_out_size) < RF_CON_DATA + RF_CON_OUT_BYTES ||
	    le32_to_cpu(facts->con_in_size) < RF_CON_DATA + RF_CON_IN_BYTES) {
		pr_err("an area in ACPI table %s is too small\n", RF_ACPI_SIG);
		return -EINVAL;
	}
	return 0;
}

static int table_get(u64 *base)
{
	struct acpi_table_header *header;
	struct rf_acpi_facts facts;
	int ret;

	if (acpi_disabled || ACPI_FAILURE(acpi_get_table(RF_ACPI_SIG, 0, &header)))
		return -ENODEV;
	memset(&facts, 0, sizeof(facts));
	memcpy(&facts, header, min_t(size_t, header->length, sizeof(facts)));
	acpi_put_table(header);

	ret = table_check(&facts);
	if (ret)
		return ret;
	*base = le64_to_cpu(facts.base);
	if (!*base || *base & ~PAGE_MASK) {
		pr_err("ACPI table %s names a bad address, %#llx\n", RF_ACPI_SIG, *base);
		return -EINVAL;
	}
	return 0;
}

static void areas_unmap(void)
{
	if (subos_facts.con_in)
		memunmap((void *)subos_facts.con_in);
	if (subos_facts.con_out)
		memunmap(subos_facts.con_out);
	if (subos_facts.status)
		memunmap(subos_facts.status);
	if (subos_facts.desc)
		memunmap((void *)subos_facts.desc);
}

static int areas_map(u64 base)
{
	struct subos_facts *f = &subos_facts;

	f->desc = memremap(base + RF_OFF_DESC, RF_DESC_SIZE, MEMREMAP_WB);
	f->status = memremap(base + RF_OFF_STATUS, RF_STATUS_SIZE, MEMREMAP_WB);
	f->con_out = memremap(base + RF_OFF_CON_OUT, RF_CON_OUT_SIZE, MEMREMAP_WB);
	f->con_in = memremap(base + RF_OFF_CON_IN, RF_CON_IN_SIZE, MEMREMAP_WB);
	if (f->desc && f->status && f->con_out && f->con_in)
		return 0;
	pr_err("cannot map the service area at %#llx\n", base);
	areas_unmap();
	return -ENOMEM;
}

static int desc_check(const struct rf_desc *desc)
{
	u32 magic = le32_to_cpu(desc->magic);
	u32 version = le32_to_cpu(desc->version);
	u32 size = le32_to_cpu(desc->size);

	if (magic != RF_DESC_MAGIC) {
		pr_err("no resource description: magic %#x, %#x expected\n", magic, RF_DESC_MAGIC);
		return -EINVAL;
	}
	if (version != RF_WIRE_VERSION || size != sizeof(*desc)) {
		pr_err("the supervisor's description has version %u and %u bytes, this module expects version %u and %zu bytes\n",
		       version, size, RF_WIRE_VERSION, sizeof(*desc));
		return -EPROTO;
	}
	if (le32_to_cpu(desc->nr_cpus) > RF_WIRE_CPUS ||
	    le32_to_cpu(desc->nr_ranges) > RF_WIRE_RANGES ||
	    le32_to_cpu(desc->nr_pci) > RF_WIRE_PCI) {
		pr_err("the supervisor's description has counts beyond its limits\n");
		return -EINVAL;
	}
	return 0;
}

/**
 * subos_facts_init() - find and check what the supervisor says
 *
 * Fills subos_facts. On a machine that is no subOS nothing is printed.
 * Return: 0, -ENODEV this is no subOS, -EPROTO the versions do not match,
 * -EINVAL nonsense, -EAGAIN the description never came to rest, -ENOMEM.
 */
int subos_facts_init(void)
{
	struct rf_desc *boot = &subos_facts.boot;
	u64 base;
	int ret;

	ret = table_get(&base);
	if (ret)
		return ret;
	ret = areas_map(base);
	if (ret)
		return ret;
	ret = subos_desc_read(0, boot, sizeof(*boot));
	if (!ret)
		ret = desc_check(boot);
	if (ret)
		areas_unmap();
	boot->name[sizeof(boot->name) - 1] = '\0';
	return ret;
}

/**
 * subos_facts_exit() - undo subos_facts_init()
 */
void subos_facts_exit(void)
{
	areas_unmap();
}
