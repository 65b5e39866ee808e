// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Cores that run no kernel
 *
 * A core that left the supervisor is always under code of ours, or in a subOS.
 * Each move is the same: INIT, SIPI to a page below 1 MB (phase 1), the parking
 * code, which reads from the core's slot what to do: HLT for good, start a
 * kernel, or serve a subOS's wake-up mailbox. The core writes to its slot that
 * it arrived; nobody believes that a core left a kernel before that.
 *
 * The page tables here map all physical memory one to one. They, the code, the
 * descriptor tables and the stacks are the supervisor's: a parked core neither
 * executes nor walks anything that belongs to a subOS.
 */
#include <linux/build_bug.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <asm/apic.h>
#include <asm/cpufeature.h>
#include <asm/desc_defs.h>
#include <asm/msr.h>
#include <asm/trapnr.h>
#include <asm/tsc.h>
#include "anchor.h"
#include "fail.h"
#include "internal.h"
#include "park.h"
#include "park_keep.h"

static_assert(offsetof(struct rfctl_slot, seq) == SLOT_SEQ);
static_assert(offsetof(struct rfctl_slot, arrived) == SLOT_ARRIVED);
static_assert(offsetof(struct rfctl_slot, parked) == SLOT_PARKED);
static_assert(offsetof(struct rfctl_slot, cmd) == SLOT_CMD);
static_assert(offsetof(struct rfctl_slot, apicid) == SLOT_APICID);
static_assert(offsetof(struct rfctl_slot, target) == SLOT_TARGET);
static_assert(offsetof(struct rfctl_slot, arg) == SLOT_ARG);
static_assert(offsetof(struct rfctl_slot, mailbox) == SLOT_MAILBOX);
static_assert(offsetof(struct rfctl_slot, nmi) == SLOT_NMI);
static_assert(offsetof(struct rfctl_slot, mce) == SLOT_MCE);
static_assert(offsetof(struct rfctl_slot, fault) == SLOT_FAULT);
static_assert(offsetof(struct rfctl_slot, fault_rip) == SLOT_FAULT_RIP);
static_assert(offsetof(struct rfctl_slot, waiting) == SLOT_WAITING);
static_assert(offsetof(struct rfctl_slot, nr_msrs) == SLOT_NR_MSRS);
static_assert(offsetof(struct rfctl_slot, msr) == SLOT_MSRS);
static_assert(sizeof(((struct rfctl_slot *)0)->msr[0]) == SLOT_MSR_SIZE);

#define PARK_ACK_US		3000000		/* a core arrives within this time or is lost */
#define PARK_RESEND_US		20000		/* second SIPI, as the MP specification has it */

#define PTE_TABLE	(_PAGE_PRESENT | _PAGE_RW)
#define PTE_LEAF	(_PAGE_PRESENT | _PAGE_RW | _PAGE_PSE | _PAGE_ACCESSED | _PAGE_DIRTY)
#define PTE_LEAF_UC	(PTE_LEAF | _PAGE_PCD | _PAGE_PWT)

struct rfctl_park rfctl_park;
static DEFINE_MUTEX(park_lock);		/* phase 1 starts one core at a time */

static void *park_page(void)
{
	struct page *page = rfctl_alloc(alloc_page(GFP_KERNEL | GFP_DMA32 | __GFP_ZERO));

	if (!page)
		return NULL;
	list_add(&page->lru, &rfctl_park.tables);
	return page_address(page);
}

/* The first 4 GB in 2 MB pages, so that no page mixes memory and devices. */
static int park_map_low(u64 *pdpt, unsigned int gib)
{
	u64 *pd = park_page();
	u64 addr = (u64)gib << 30;
	unsigned int i;

	if (!pd)
		return -ENOMEM;
	for (i = 0; i < PTRS_PER_PMD; i++, addr += PMD_SIZE)
		pd[i] = addr | (page_is_ram(addr >> PAGE_SHIFT) ||
				addr < SZ_2M ? PTE_LEAF : PTE_LEAF_UC);
	pdpt[gib] = virt_to_phys(pd) | PTE_TABLE;
	return 0;
}

static int park_map_512g(unsigned int index)
{
	u64 *pdpt = park_page();
	unsigned int i;
	int ret;

	if (!pdpt)
		return -ENOMEM;
	for (i = 0; i < PTRS_PER_PUD; i++) {
		if (index || i >= 4) {
			pdpt[i] = ((u64)index << 39 | (u64)i << 30) | PTE_LEAF;
			continue;
		}
		ret = park_map_low(pdpt, i);
		if (ret)
			return ret;
	}
	rfctl_park.pml4[index] = virt_to_phys(pdpt) | PTE_TABLE;
	return 0;
}

static int park_build_tables(void)
{
	unsigned int i, nr = (rfctl_mem_end() + (1ULL << 39) - 1) >> 39;
	int ret;

	rfctl_park.pml4 = park_page();
	rfctl_park.pml5 = park_page();
	if (!rfctl_park.pml4 || !rfctl_park.pml5)
		return -ENOMEM;
	if (nr > PTRS_PER_PGD / 2)
		return -EOPNOTSUPP;
	for (i = 0; i < max(nr, 1U); i++) {
		ret = park_map_512g(i);
		if (ret)
			return ret;
	}
	rfctl_park.pml5[0] = virt_to_phys(rfctl_park.pml4) | PTE_TABLE;
	return 0;
}

static void park_set_gate(unsigned int vector, const u8 *handler)
{
	u64 addr = virt_to_phys(rfctl_park.code) + (handler - rfctl_park_start);
	gate_desc *gate = (gate_desc *)rfctl_park.idt + vector;

	memset(gate, 0, sizeof(*gate));
	gate->offset_low = (u16)addr;
	gate->segment = PARK_CS;
	gate->bits.type = GATE_INTERRUPT;
	gate->bits.p = 1;
	gate->offset_middle = (u16)(addr >> 16);
	gate->offset_high = (u32)(addr >> 32);
}

/* Flat descriptors: 32-bit code, 64-bit code, data (Intel SDM vol. 3, 3.4.5). */
static void park_fill_gdt(u64 *gdt)
{
	gdt[0] = 0;
	gdt[PARK_CS32 / 8] = 0x00cf9b000000ffffULL;
	gdt[PARK_CS / 8] = 0x00af9b000000ffffULL;
	gdt[PARK_DS / 8] = 0x00cf93000000ffffULL;
}

static void park_put(void *page, unsigned int offset, u64 value, unsigned int bytes)
{
	memcpy(page + offset, &value, bytes);
}

static void park_build_code(void)
{
	u64 code = virt_to_phys(rfctl_park.code);
	unsigned int i;

	memcpy(rfctl_park.code, rfctl_park_start, rfctl_park_end - rfctl_park_start);
	park_fill_gdt(rfctl_park.code + PARK_GDT);
	park_put(rfctl_park.code, PARK_GDTR, 4 * 8 - 1, 2);
	park_put(rfctl_park.code, PARK_GDTR + 2, code + PARK_GDT, 8);
	park_put(rfctl_park.code, PARK_IDTR, 256 * sizeof(gate_desc) - 1, 2);
	park_put(rfctl_park.code, PARK_IDTR + 2, virt_to_phys(rfctl_park.idt), 8);
	park_put(rfctl_park.code, PARK_TABLE, virt_to_phys(rfctl_park.slot_table), 8);
	park_put(rfctl_park.code, PARK_NR, rfctl_park.nr_slots, 8);
	/* As if cores were held up all the time while they measure their timer. */
	park_put(rfctl_park.code, PARK_TSC_KHZ,
		 rfctl_fail("park_timer") ? tsc_khz / 5000 : tsc_khz, 8);
	for (i = 0; i < 256; i++)
		park_set_gate(i, i < 32 ? rfctl_park_fault : rfctl_park_irq);
	park_set_gate(X86_TRAP_NMI, rfctl_park_nmi);
	park_set_gate(X86_TRAP_MC, rfctl_park_mce);
}

static void park_build_tramp(void *page, u64 addr)
{
	u64 jmp32 = addr + (rfctl_tramp_32 - rfctl_tramp_start);
	u64 jmp64 = addr + (rfctl_tramp_64 - rfctl_tramp_start);

	memset(page, 0, PAGE_SIZE);
	memcpy(page, rfctl_tramp_start, rfctl_tramp_end - rfctl_tramp_start);
	park_fill_gdt(page + TRAMP_GDT);
	park_put(page, TRAMP_GDTR, 4 * 8 - 1, 2);
	park_put(page, TRAMP_GDTR + 2, addr + TRAMP_GDT, 4);
	park_put(page, TRAMP_JMP32, jmp32 | (u64)PARK_CS32 << 32, 6);
	park_put(page, TRAMP_JMP64, jmp64 | (u64)PARK_CS << 32, 6);
	park_put(page, TRAMP_CR3, virt_to_phys(rfctl_park.pml4), 4);
	park_put(page, TRAMP_ENTRY, virt_to_phys(rfctl_park.code) +
		 (rfctl_park_entry - rfctl_park_start), 8);
}

static unsigned int park_count_apicids(void)
{
	unsigned int cpu, max = 0;

	for_each_possible_cpu(cpu)
		if (per_cpu(x86_cpu_to_apicid, cpu) != BAD_APICID)
			max = max(max, (unsigned int)per_cpu(x86_cpu_to_apicid, cpu));
	return max + 1;
}

static void park_free(void)
{
	struct page *page, *next;
	unsigned int cpu;

	for (cpu = 0; rfctl_park.slot && cpu < nr_cpu_ids; cpu++)
		free_page((unsigned long)rfctl_park.slot[cpu]);
	kfree(rfctl_park.slot);
	if (rfctl_park.slot_table)
		free_pages_exact(rfctl_park.slot_table, rfctl_park.nr_slots * sizeof(u64));
	list_for_each_entry_safe(page, next, &rfctl_park.tables, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
}

/**
 * rfctl_park_init - build the parking code, its tables and phase 1
 *
 * Return: 0. -ENOMEM; -EOPNOTSUPP the processor has no 1 GB pages, or more
 * memory or APIC ids than the tables can hold.
 */
int rfctl_park_init(void)
{
	int ret;

	static_assert(PARK_GDT + 32 <= 4096);
	INIT_LIST_HEAD(&rfctl_park.tables);
	if (rfctl_adopted)
		return rfctl_park_adopt();
	if (rfctl_park_end - rfctl_park_start > PARK_GDTR ||
	    rfctl_tramp_end - rfctl_tramp_start > TRAMP_GDTR ||
	    rfctl_ret_end - rfctl_ret_start > RET_CR3_4)
		return -ENOEXEC;
	rfctl_park.nr_slots = park_count_apicids();
	if (!boot_cpu_has(X86_FEATURE_GBPAGES) || rfctl_park.nr_slots > PARK_MAX_APICID)
		return -EOPNOTSUPP;
	rfctl_park.slot_table = rfctl_alloc(alloc_pages_exact(rfctl_park.nr_slots * sizeof(u64),
							      GFP_KERNEL | __GFP_ZERO));
	rfctl_park.slot = rfctl_zalloc(nr_cpu_ids * sizeof(*rfctl_park.slot));
	rfctl_park.code = park_page();
	rfctl_park.idt = park_page();
	ret = rfctl_park.slot && rfctl_park.slot_table && rfctl_park.code &&
	      rfctl_park.idt ? 0 : -ENOMEM;
	if (!ret)
		ret = park_build_tables();
	if (ret) {
		park_free();
		return ret;
	}
	park_build_code();
	rfctl_park.return_offset = rfctl_park_return - rfctl_park_start;
	park_build_tramp(__va(rfctl_lowmem_own_page()), rfctl_lowmem_own_page());
	return 0;
}

/**
 * rfctl_park_exit - free it all; no core may be under our code any more
 *
 * Unless all stays as it is.
 */
void rfctl_park_exit(void)
{
	if (rfctl_keep) {
		rfctl_park_forget();
		return;
	}
	memset(__va(rfctl_lowmem_own_page()), 0, PAGE_SIZE);
	park_free();
}

static void park_add_msr(struct rfctl_slot *slot, u32 index, u64 value)
{
	if (slot->nr_msrs == SLOT_MAX_MSRS)
		return;
	slot->msr[slot->nr_msrs].index = index;
	slot->msr[slot->nr_msrs++].value = value;
}

/*
 * What INIT does not reset and the next kernel expects as the supervisor had
 * it: recorded while the core is still on line here.
 */
static void park_record_msrs(struct rfctl_slot *slot, unsigned int cpu)
{
	u64 value;

	slot->nr_msrs = 0;
	if (boot_cpu_has(X86_FEATURE_TSC_ADJUST) &&
	    !rdmsrl_safe_on_cpu(cpu, MSR_IA32_TSC_ADJUST, &value))
		park_add_msr(slot, MSR_IA32_TSC_ADJUST, value);
	if (boot_cpu_has(X86_FEATURE_PAT) && !rdmsrl_safe_on_cpu(cpu, MSR_IA32_CR_PAT, &value))
		park_add_msr(slot, MSR_IA32_CR_PAT, value);
	if (boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL))
		park_add_msr(slot, MSR_IA32_SPEC_CTRL, 0);
	if (boot_cpu_has(X86_FEATURE_ARCH_PERFMON) && cpuid_eax(0xa) >> 8)
		park_add_msr(slot, MSR_CORE_PERF_GLOBAL_CTRL, 0);
	if (!rdmsrl_safe_on_cpu(cpu, MSR_IA32_DEBUGCTLMSR, &value))
		park_add_msr(slot, MSR_IA32_DEBUGCTLMSR, 0);
}

/**
 * rfctl_core_prepare - make a slot for a core that is still on line
 * @cpu: logical CPU
 *
 * Context: process; the CPU is on line and the caller takes it next.
 * Return: 0. -ENOMEM, -EINVAL no usable APIC id.
 */
int rfctl_core_prepare(unsigned int cpu)
{
	u32 apicid = per_cpu(x86_cpu_to_apicid, cpu);

	if (apicid >= rfctl_park.nr_slots)
		return -EINVAL;
	if (!rfctl_park.slot[cpu]) {
		rfctl_park.slot[cpu] = rfctl_alloc((void *)get_zeroed_page(GFP_KERNEL));
		if (!rfctl_park.slot[cpu])
			return -ENOMEM;
		rfctl_park.slot[cpu]->apicid = apicid;
		rfctl_park.slot_table[apicid] = virt_to_phys(rfctl_park.slot[cpu]);
	}
	park_record_msrs(rfctl_park.slot[cpu], cpu);
	return 0;
}

static void park_icr(u32 low, u32 apicid)
{
	unsigned int spins = 100000;

	apic->icr_write(low, apicid);
	while (spins-- && !x2apic_mode && (apic->icr_read() & APIC_ICR_BUSY))
		cpu_relax();
}

static void park_sipi(u32 apicid)
{
	park_icr(APIC_DM_STARTUP | (rfctl_lowmem_own_page() >> PAGE_SHIFT), apicid);
}

/* Force a core into phase 1 and wait until it arrives. */
static int park_start_core(struct rfctl_slot *slot)
{
	unsigned int us;

	park_icr(APIC_INT_LEVELTRIG | APIC_INT_ASSERT | APIC_DM_INIT, slot->apicid);
	udelay(200);
	park_icr(APIC_INT_LEVELTRIG | APIC_DM_INIT, slot->apicid);
	udelay(10);
	park_sipi(slot->apicid);
	for (us = 0; us < PARK_ACK_US; us += 50) {
		if (READ_ONCE(slot->arrived) == slot->seq)
			return 0;
		if (us == PARK_RESEND_US)
			park_sipi(slot->apicid);
		if (us < PARK_RESEND_US)
			udelay(50);
		else
			usleep_range(40, 60);
	}
	return -ETIMEDOUT;
}

static struct rfctl_slot *park_next(unsigned int cpu, u32 cmd)
{
	struct rfctl_slot *slot = rfctl_park.slot[cpu];

	lockdep_assert_held(&park_lock);
	if (!slot)
		return NULL;
	WRITE_ONCE(slot->seq, slot->seq + 1);
	slot->cmd = cmd;
	slot->mailbox = 0;
	slot->waiting = 0;
	return slot;
}

/* A core that fails here got no INIT: it goes on with what it did. */
static int park_run(struct rfctl_slot *slot, const char *point)
{
	wmb();		/* the slot is complete before the core can look at it */
	return rfctl_fail(point) ? -ETIMEDOUT : park_start_core(slot);
}

/**
 * rfctl_core_park - put a core into the parking loop, whatever it does
 * @cpu: logical CPU, not on line in the supervisor
 *
 * Context: process, sleeps; bounded by about 3 s.
 * Return: 0 the core said from the loop that it is there, -ETIMEDOUT it did
 * not: it may still execute what it executed before. -ENXIO it has no slot.
 */
int rfctl_core_park(unsigned int cpu)
{
	struct rfctl_slot *slot;
	unsigned int us;
	int ret;

	guard(mutex)(&park_lock);
	slot = park_next(cpu, PARK_CMD_PARK);
	if (!slot)
		return -ENXIO;
	ret = park_run(slot, "core_park");
	for (us = 0; !ret && !rfctl_core_is_parked(cpu); us += 10) {
		if (us > PARK_ACK_US)
			ret = -ETIMEDOUT;
		udelay(10);
	}
	return ret;
}

/**
 * rfctl_core_boot - start a kernel on a core
 * @cpu: logical CPU, parked
 * @entry: physical address of the 64-bit entry
 * @boot_params: physical address, handed over in %rsi
 *
 * Context: process, sleeps; bounded.
 * Return: 0 the core left for @entry, -ETIMEDOUT, -ENXIO.
 */
int rfctl_core_boot(unsigned int cpu, u64 entry, u64 boot_params)
{
	struct rfctl_slot *slot;

	guard(mutex)(&park_lock);
	slot = park_next(cpu, PARK_CMD_BOOT);
	if (!slot)
		return -ENXIO;
	slot->target = entry;
	slot->arg = boot_params;
	return park_run(slot, "core_boot");
}

/**
 * rfctl_core_wait_mailbox - let a core serve a subOS's wake-up mailbox
 * @cpu: logical CPU, parked
 * @mailbox: physical address of the mailbox
 *
 * Until it is parked again the core returns to this mailbox whenever the subOS
 * sends it through the reset vector.
 *
 * Context: process, sleeps; bounded.
 * Return: 0, -ETIMEDOUT, -ENXIO.
 */
int rfctl_core_wait_mailbox(unsigned int cpu, u64 mailbox)
{
	struct rfctl_slot *slot;

	guard(mutex)(&park_lock);
	slot = park_next(cpu, PARK_CMD_WAIT);
	if (!slot)
		return -ENXIO;
	slot->mailbox = mailbox;
	return park_run(slot, "core_wait");
}

/**
 * rfctl_core_is_parked - does the core itself say that it is in the HLT loop?
 * @cpu: logical CPU
 *
 * Return: true or false.
 */
bool rfctl_core_is_parked(unsigned int cpu)
{
	struct rfctl_slot *slot = rfctl_park.slot[cpu];

	return slot && slot->seq && READ_ONCE(slot->parked) == slot->seq;
}

/**
 * rfctl_core_nmi - interrupt a core, whatever it does
 * @cpu: logical CPU that runs another kernel, which handles NMIs
 */
void rfctl_core_nmi(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	if (rfctl_park.slot[cpu])
		park_icr(APIC_DM_NMI, rfctl_park.slot[cpu]->apicid);
	local_irq_restore(flags);
}

/**
 * rfctl_core_faults - exceptions that a core took under our code
 * @cpu: logical CPU
 * @nmi: (out) NMIs
 * @mce: (out) machine checks
 *
 * Return: other exceptions, which there should be none of.
 */
u64 rfctl_core_faults(unsigned int cpu, u64 *nmi, u64 *mce)
{
	struct rfctl_slot *slot = rfctl_park.slot[cpu];

	*nmi = slot ? READ_ONCE(slot->nmi) : 0;
	*mce = slot ? READ_ONCE(slot->mce) : 0;
	return slot ? READ_ONCE(slot->fault) : 0;
}

/**
 * rfctl_park_return_code - write the reset vector's page for a subOS
 * @dest: page of the subOS in the direct map
 */
void rfctl_park_return_code(void *dest)
{
	memset(dest, 0, PAGE_SIZE);
	memcpy(dest, rfctl_ret_start, rfctl_ret_end - rfctl_ret_start);
	park_put(dest, RET_CR3_4, virt_to_phys(rfctl_park.pml4), 8);
	park_put(dest, RET_CR3_5, virt_to_phys(rfctl_park.pml5), 8);
	park_put(dest, RET_ENTRY, virt_to_phys(rfctl_park.code) + rfctl_park.return_offset, 8);
}
