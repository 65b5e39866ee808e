// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: CPUs: which kernel a core belongs to
 *
 * A core is taken with remove_cpu() and given back with add_cpu(). In between
 * it is not in the supervisor's present mask: apic_smt_update() otherwise goes
 * on using the all-but-self shorthand, and each broadcast of the supervisor
 * would reach cores that run another kernel. The mask is changed in a hot-plug
 * callback, before _cpu_down() ends with that re-evaluation. As a consequence
 * add_cpu() of such a core, from whomever, gives -EINVAL.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/seq_buf.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/topology.h>
#include <asm/smp.h>
#include "anchor.h"
#include "cpu.h"
#include "fail.h"
#include "internal.h"

#define TAKE_BUSY_MS	5000U	/* how long CPU hot-plug may be forbidden by others */
#define RETURN_BUSY_MS	30000U
#define BUSY_POLL_MS	10U

DEFINE_MUTEX(rfctl_cpu_lock);		/* one take or return at a time */
struct rfctl_cpu *rfctl_cpus;		/* by logical CPU */
struct cpumask rfctl_cpu_pool;		/* CPUs that the pool keeps; written under both locks */
static int taking = -1;			/* CPU being taken; written under rfctl_cpu_lock */
static enum cpuhp_state hp_state;
static struct dentry *debug_dir;

static bool test_keep_present;
module_param(test_keep_present, bool, 0600);
MODULE_PARM_DESC(test_keep_present,
		 "for tests: DANGEROUS, the supervisor's broadcasts reach CPUs that it lost (default: n)");

static int cpu_teardown(unsigned int cpu)
{
	if (READ_ONCE(taking) == cpu && !test_keep_present)
		set_cpu_present(cpu, false);
	return 0;
}

/* What came upon each CPU while it ran our code: there should be nothing but NMI and #MC. */
static int parked_show(struct seq_file *m, void *unused)
{
	unsigned int cpu;
	u64 nmi, mce, other;

	guard(mutex)(&rfctl_cpu_lock);
	for_each_possible_cpu(cpu) {
		other = rfctl_core_faults(cpu, &nmi, &mce);
		seq_printf(m, "cpu%u nmi=%llu mce=%llu other=%llu\n", cpu, nmi, mce, other);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(parked);

/**
 * rfctl_cpu_init - learn the topology, hook into CPU hot-plug
 *
 * Return: 0. -ENOMEM or what cpuhp_setup_state() says.
 */
int rfctl_cpu_init(void)
{
	unsigned int cpu;
	int ret;

	rfctl_cpus = rfctl_alloc(kvcalloc(nr_cpu_ids, sizeof(*rfctl_cpus), GFP_KERNEL));
	if (!rfctl_cpus)
		return -ENOMEM;
	for_each_present_cpu(cpu) {
		rfctl_cpus[cpu].apicid = per_cpu(x86_cpu_to_apicid, cpu);
		cpumask_copy(&rfctl_cpus[cpu].siblings, topology_sibling_cpumask(cpu));
		cpumask_set_cpu(cpu, &rfctl_cpus[cpu].siblings);
	}
	rfctl_cpus_adopt_owners();
	ret = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "rainforest:prepare", NULL,
					cpu_teardown);
	if (ret < 0) {
		kvfree(rfctl_cpus);
		return ret;
	}
	hp_state = ret;
	debug_dir = debugfs_create_dir("rainforest", NULL);
	debugfs_create_file("parked", 0400, debug_dir, NULL, &parked_fops);
	return 0;
}

/**
 * rfctl_cpu_exit - give the pool back unless all stays as it is, unhook
 */
void rfctl_cpu_exit(void)
{
	struct rfctl_msg msg;

	debugfs_remove(debug_dir);
	if (!rfctl_keep)
		rfctl_cpus_pool_set(cpu_none_mask, &msg);
	cpuhp_remove_state_nocalls(hp_state);
	kvfree(rfctl_cpus);
}

/**
 * rfctl_cpu_set_owner - a CPU has another owner now
 * @cpu: logical CPU
 * @owner: RF_OWNER_* or id of a subOS
 * @error: 0, or why it has not
 */
void rfctl_cpu_set_owner(unsigned int cpu, u32 owner, int error)
{
	guard(mutex)(&rfctl_lock);
	rfctl_ledger_add(RF_RES_CPU, cpu, 1, rfctl_cpus[cpu].owner, owner, error);
	if (error)
		return;
	rfctl_usage_cpu(cpu, rfctl_cpus[cpu].owner, owner);
	rfctl_cpus[cpu].owner = owner;
}

/**
 * rfctl_cpu_owner - whose is a CPU?
 * @cpu: logical CPU
 *
 * Return: RF_OWNER_* or the id of a subOS.
 */
u32 rfctl_cpu_owner(unsigned int cpu)
{
	return READ_ONCE(rfctl_cpus[cpu].owner);
}

/**
 * rfctl_cpu_apicid - hardware id of a CPU
 * @cpu: logical CPU
 *
 * Return: its APIC id.
 */
u32 rfctl_cpu_apicid(unsigned int cpu)
{
	return rfctl_cpus[cpu].apicid;
}

/**
 * rfctl_cpu_exists - was there such a CPU when the module was loaded?
 * @cpu: logical CPU
 *
 * Return: true or false.
 */
bool rfctl_cpu_exists(unsigned int cpu)
{
	return cpu < nr_cpu_ids && !cpumask_empty(&rfctl_cpus[cpu].siblings);
}

/* CPUs that came on line since: who shares a core with whom? */
static void cpu_learn_siblings(void)
{
	unsigned int cpu;

	lockdep_assert_held(&rfctl_cpu_lock);
	for_each_online_cpu(cpu) {
		rfctl_cpus[cpu].apicid = per_cpu(x86_cpu_to_apicid, cpu);
		cpumask_or(&rfctl_cpus[cpu].siblings, &rfctl_cpus[cpu].siblings,
			   topology_sibling_cpumask(cpu));
	}
}

/*
 * The probe of a PCI driver, anywhere, forbids CPU hot-plug meanwhile: that
 * is no reason to refuse a core, still less to lose one.
 */
static int cpu_remove_patiently(unsigned int cpu)
{
	unsigned long end = jiffies + msecs_to_jiffies(TAKE_BUSY_MS);
	int ret;

	while ((ret = remove_cpu(cpu)) == -EBUSY && time_before(jiffies, end))
		msleep(BUSY_POLL_MS);
	return ret;
}

/* Present only while it is tried: see the top of this file. */
static int cpu_add_patiently(unsigned int cpu)
{
	unsigned long end = jiffies + msecs_to_jiffies(RETURN_BUSY_MS);
	int ret;

	for (;;) {
		set_cpu_present(cpu, true);
		ret = add_cpu(cpu);
		if (!ret)
			return 0;
		set_cpu_present(cpu, false);
		if (ret != -EBUSY || time_after(jiffies, end))
			return ret;
		msleep(BUSY_POLL_MS);
	}
}

/* remove_cpu() of one CPU, parked under our tables afterwards. */
static int cpu_take(unsigned int cpu, struct rfctl_msg *msg)
{
	int ret;

	lockdep_assert_held(&rfctl_cpu_lock);
	ret = rfctl_core_prepare(cpu);
	if (ret) {
		rfctl_say(msg, "CPU %u: no parking place for APIC id %u", cpu,
			  rfctl_cpus[cpu].apicid);
		return ret;
	}
	WRITE_ONCE(taking, cpu);
	ret = rfctl_fail("cpu_remove") ? -EBUSY : cpu_remove_patiently(cpu);
	WRITE_ONCE(taking, -1);
	if (ret) {
		rfctl_say(msg, "CPU %u: the supervisor cannot take it off line (error %d)",
			  cpu, -ret);
		return -EBUSY;
	}
	ret = rfctl_core_park(cpu);
	if (!ret) {
		rfctl_cpu_set_owner(cpu, RF_OWNER_FREE, 0);
		return 0;
	}
	rfctl_cpu_set_owner(cpu, RF_OWNER_QUARANTINE, 0);
	__module_get(THIS_MODULE);	/* its slot and our tables must stay */
	rfctl_say(msg, "CPU %u did not reach the parking loop; it is quarantined until the machine restarts",
		  cpu);
	return -EIO;
}

/* A parked CPU back to the supervisor. */
static int cpu_return(unsigned int cpu)
{
	int ret;

	lockdep_assert_held(&rfctl_cpu_lock);
	ret = cpu_add_patiently(cpu);
	if (ret) {
		pr_err("CPU %u did not come back on line: error %d\n", cpu, -ret);
		rfctl_cpu_set_owner(cpu, RF_OWNER_SUPERVISOR, ret);
		return ret;
	}
	rfctl_cpu_set_owner(cpu, RF_OWNER_SUPERVISOR, 0);
	return 0;
}

static int cpu_check(unsigned int cpu, const struct cpumask *want, struct rfctl_msg *msg)
{
	char who[RF_NAME_MAX + 8];
	unsigned int sibling;
	u32 owner;

	if (!cpu) {
		rfctl_say(msg, "CPU 0 is the supervisor's for good; choose other CPUs");
		return -EINVAL;
	}
	if (!rfctl_cpu_exists(cpu)) {
		rfctl_say(msg, "CPU %u does not exist; there are CPUs %*pbl", cpu,
			  cpumask_pr_args(cpu_possible_mask));
		return -EINVAL;
	}
	if (cpumask_test_cpu(0, &rfctl_cpus[cpu].siblings)) {
		rfctl_say(msg, "CPU %u is a sibling of CPU 0, which the supervisor keeps", cpu);
		return -EINVAL;
	}
	owner = rfctl_cpu_owner(cpu);
	if (owner != RF_OWNER_SUPERVISOR && owner != RF_OWNER_FREE) {
		rfctl_say(msg, "CPU %u belongs to %s; choose other CPUs", cpu,
			  rfctl_owner_name(owner, who, sizeof(who)));
		return -EBUSY;
	}
	if (owner == RF_OWNER_SUPERVISOR && !cpu_online(cpu)) {
		rfctl_say(msg, "CPU %u is off line in the supervisor; bring it on line first", cpu);
		return -EBUSY;
	}
	for_each_cpu(sibling, &rfctl_cpus[cpu].siblings) {
		if (cpumask_test_cpu(sibling, want))
			continue;
		rfctl_say(msg, "CPU %u shares a core with CPU %u; take both or none", cpu, sibling);
		return -EINVAL;
	}
	return 0;
}

/* Whole cores, free ones first, then the supervisor's from the highest number down. */
static void cpu_choose(struct cpumask *mask, unsigned int count)
{
	static const u32 owners[] = { RF_OWNER_FREE, RF_OWNER_SUPERVISOR };
	unsigned int i, cpu;

	for (i = 0; i < ARRAY_SIZE(owners); i++) {
		for (cpu = nr_cpu_ids; cpu-- > 1 && cpumask_weight(mask) < count;) {
			struct cpumask *core = &rfctl_cpus[cpu].siblings;

			if (!cpu_possible(cpu) || rfctl_cpu_owner(cpu) != owners[i] ||
			    cpumask_test_cpu(0, core) || cpumask_test_cpu(cpu, mask) ||
			    cpumask_weight(mask) + cpumask_weight(core) > count)
				continue;
			if (owners[i] == RF_OWNER_SUPERVISOR &&
			    !cpumask_subset(core, cpu_online_mask))
				continue;
			cpumask_or(mask, mask, core);
		}
	}
}

static int cpu_settle_request(struct cpumask *mask, const struct cpumask *want,
			      unsigned int count, struct rfctl_msg *msg)
{
	unsigned int cpu;
	int ret;

	cpumask_copy(mask, want);
	if (cpumask_empty(mask)) {
		cpu_choose(mask, count);
		if (cpumask_weight(mask) == count)
			return 0;
		rfctl_say(msg, "%u CPUs wanted, %u can be had in whole cores (CPU 0's core stays); ask for another number, or destroy a subOS",
			  count, cpumask_weight(mask));
		return -ENODEV;
	}
	for_each_cpu(cpu, mask) {
		ret = cpu_check(cpu, mask, msg);
		if (ret)
			return ret;
	}
	return 0;
}

/* Take what is not free yet. On failure what was taken goes back. */
static int cpu_take_mask(const struct cpumask *mask, struct rfctl_msg *msg)
{
	struct cpumask *taken;
	unsigned int cpu;
	int ret = 0;

	taken = rfctl_zalloc(sizeof(*taken));
	if (!taken)
		return -ENOMEM;
	for_each_cpu(cpu, mask) {
		if (rfctl_cpu_owner(cpu) == RF_OWNER_FREE)
			continue;
		ret = signal_pending(current) ? -EINTR : cpu_take(cpu, msg);
		if (ret)
			break;
		cpumask_set_cpu(cpu, taken);
	}
	if (ret)
		for_each_cpu(cpu, taken)
			cpu_return(cpu);
	kfree(taken);
	return ret;
}

/**
 * rfctl_cpus_claim - give cores to a subOS
 * @so: the subOS, locked
 * @want: CPUs wanted, empty for any @count
 * @count: see @want
 * @dry_run: check only
 * @msg: (out) line about a failure
 *
 * The cores are parked when this returns. All or nothing.
 *
 * Return: 0, or as RF_IOC_ADD_CPUS.
 */
int rfctl_cpus_claim(struct subos *so, const struct cpumask *want, unsigned int count,
		     bool dry_run, struct rfctl_msg *msg)
{
	struct cpumask *mask;
	unsigned int cpu;
	u64 start = ktime_get_ns();
	int ret;

	mask = rfctl_zalloc(sizeof(*mask));
	if (!mask)
		return -ENOMEM;
	mutex_lock(&rfctl_cpu_lock);
	cpu_learn_siblings();
	ret = cpu_settle_request(mask, want, count, msg);
	if (!ret && cpumask_weight(&so->cpus) + cpumask_weight(mask) > RF_WIRE_CPUS) {
		rfctl_say(msg, "a subOS can have %u CPUs at most", RF_WIRE_CPUS);
		ret = -EINVAL;
	}
	if (!ret && !dry_run)
		ret = cpu_take_mask(mask, msg);
	if (!ret && !dry_run) {
		for_each_cpu(cpu, mask)
			rfctl_cpu_set_owner(cpu, so->id, 0);
		cpumask_or(&so->cpus, &so->cpus, mask);
		if (!so->started)
			so->boot_cpu = cpumask_first(&so->cpus);
		so->stage_ns[RF_STAGE_CPUS] += ktime_get_ns() - start;
	}
	mutex_unlock(&rfctl_cpu_lock);
	if (!ret && !dry_run)
		rfctl_exchange_cpus(so);
	kfree(mask);
	return ret;
}

/**
 * rfctl_cpus_park - pull all cores of a subOS into the parking loop by force
 * @so: the subOS, locked
 * @msg: (out) line about a failure
 *
 * Return: 0. -EIO some did not answer: they are quarantined, and the memory
 * that they may touch must be too.
 */
int rfctl_cpus_park(struct subos *so, struct rfctl_msg *msg)
{
	unsigned int cpu;
	int ret = 0;

	for_each_cpu(cpu, &so->cpus) {
		if (!rfctl_core_park(cpu))
			continue;
		rfctl_say(msg, "%s: CPU %u did not reach the parking loop; it and the subOS's memory are quarantined until the machine restarts",
			  so->name, cpu);
		pr_err("%s\n", msg->text);
		rfctl_cpu_set_owner(cpu, RF_OWNER_QUARANTINE, 0);
		cpumask_clear_cpu(cpu, &so->cpus);
		cpumask_clear_cpu(cpu, &so->granted);
		ret = -EIO;
	}
	return ret;
}

/**
 * rfctl_cpu_give - a parked core to the pool, and on to the supervisor unless it is to stay
 * @cpu: logical CPU
 *
 * Context: rfctl_cpu_lock is held.
 * Return: 0, or the error of a core that did not come back on line.
 */
int rfctl_cpu_give(unsigned int cpu)
{
	rfctl_cpu_set_owner(cpu, RF_OWNER_FREE, 0);
	return cpumask_test_cpu(cpu, &rfctl_cpu_pool) ? 0 : cpu_return(cpu);
}

/**
 * rfctl_cpus_release - give the parked cores of a subOS back
 * @so: the subOS, locked
 *
 * Cores that the pool is to hold stay there.
 *
 * Return: 0, or the error of a core that did not come back on line.
 */
int rfctl_cpus_release(struct subos *so)
{
	unsigned int cpu;
	u64 start = ktime_get_ns();
	int ret = 0, err;

	guard(mutex)(&rfctl_cpu_lock);
	for_each_cpu(cpu, &so->cpus) {
		err = rfctl_cpu_give(cpu);
		ret = ret ?: err;
	}
	if (!cpumask_empty(&so->cpus))
		so->stage_ns[RF_STAGE_GIVE_CPUS] = ktime_get_ns() - start;
	cpumask_clear(&so->cpus);
	cpumask_clear(&so->granted);
	rfctl_exchange_cpus(so);
	return ret;
}

/**
 * rfctl_cpus_pool_set - the CPUs that the pool shall hold
 * @want: the set; empty gives all back
 * @msg: (out) line about a failure
 *
 * CPUs of @want that a subOS has join the pool when it ends.
 *
 * Return: 0, or as RF_IOC_ADD_CPUS, and the pool is what it was.
 */
int rfctl_cpus_pool_set(const struct cpumask *want, struct rfctl_msg *msg)
{
	struct cpumask *take;
	unsigned int cpu;
	int ret = 0, err;

	take = rfctl_zalloc(sizeof(*take));
	if (!take)
		return -ENOMEM;
	mutex_lock(&rfctl_cpu_lock);
	cpu_learn_siblings();
	for_each_cpu(cpu, want) {
		if (cpu < nr_cpu_ids && rfctl_cpu_owner(cpu) != RF_OWNER_SUPERVISOR &&
		    rfctl_cpu_owner(cpu) != RF_OWNER_QUARANTINE)
			continue;	/* free, or a subOS's that gives it to the pool later */
		ret = cpu_check(cpu, want, msg);
		if (ret)
			goto out;
		cpumask_set_cpu(cpu, take);
	}
	ret = cpu_take_mask(take, msg);
	if (ret)
		goto out;
	scoped_guard(mutex, &rfctl_lock)
		cpumask_copy(&rfctl_cpu_pool, want);
	for_each_possible_cpu(cpu) {
		if (rfctl_cpu_owner(cpu) != RF_OWNER_FREE || cpumask_test_cpu(cpu, want))
			continue;
		err = cpu_return(cpu);
		ret = ret ?: err;
	}
	rfctl_exchange_cpus(NULL);
out:
	mutex_unlock(&rfctl_cpu_lock);
	kfree(take);
	return ret;
}

/**
 * rfctl_cpus_pool_get - the CPUs that the pool shall hold
 * @mask: (out) the set
 */
void rfctl_cpus_pool_get(struct cpumask *mask)
{
	guard(mutex)(&rfctl_lock);
	cpumask_copy(mask, &rfctl_cpu_pool);
}

/**
 * rfctl_cpus_audit - check the owners of CPUs against the live machine
 * @audit: counters
 * @out: findings
 */
void rfctl_cpus_audit(struct rf_audit *audit, struct seq_buf *out)
{
	unsigned int cpu;
	u64 nmi, mce;

	guard(mutex)(&rfctl_cpu_lock);
	for_each_possible_cpu(cpu) {
		u32 owner = rfctl_cpu_owner(cpu);
		bool ours = owner != RF_OWNER_SUPERVISOR;

		rfctl_audit_check(audit, out, !ours || (!cpu_online(cpu) && !cpu_present(cpu)),
				  "CPU %u has left the supervisor but is %s", cpu,
				  cpu_online(cpu) ? "on line" : "present");
		rfctl_audit_check(audit, out, owner != RF_OWNER_FREE || rfctl_core_is_parked(cpu),
				  "CPU %u is free but not parked", cpu);
		rfctl_audit_check(audit, out, !rfctl_core_faults(cpu, &nmi, &mce),
				  "CPU %u took an exception while parked", cpu);
		rfctl_audit_check(audit, out, rfctl_ledger_owner(RF_RES_CPU, cpu) == owner,
				  "CPU %u: ledger and owner differ", cpu);
	}
}
