// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts there and back: between two kernels by a doorbell that is made and rung
 * as ficm/doorbell.c does, but whose handler rings back; and inside one kernel by
 * smp_call_function_single(). In both cases both cores are awake and busy with
 * nothing: how long one takes to wake is not what is compared here.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/kthread.h>
#include <linux/smp.h>
#include <asm/apic.h>
#include <asm/hw_irq.h>
#include <asm/irqdomain.h>

#include "rfping.h"

#define BELL_MS		20000

static struct fwnode_handle *bell_fwnode;
static struct irq_domain *bell_domain;
static int bell_irq;

/* the run under way; read by the handler */
static const struct ping_run *bell_run;
static u32 bell_trip;

static void bell_ring(u64 bell)
{
	unsigned long flags;

	local_irq_save(flags);
	weak_wrmsr_fence();
	if (apic->wait_icr_idle)
		apic->wait_icr_idle();
	apic->icr_write(APIC_DM_FIXED | APIC_DEST_PHYSICAL | (u8)bell, bell >> 32);
	local_irq_restore(flags);
}

static irqreturn_t bell_handler(int irq, void *arg)
{
	const struct ping_run *run = READ_ONCE(bell_run);
	u32 trip = bell_trip;

	if (!run)
		return IRQ_HANDLED;
	if (run->leads)
		ping_account(run, trip);
	if (!run->leads || trip < run->trips * run->batches)
		bell_ring(le64_to_cpu(READ_ONCE(run->peer->bell)));
	WRITE_ONCE(bell_trip, trip + 1);
	return IRQ_HANDLED;
}

static struct irq_chip bell_chip = {
	.name = "RFPING",
	.irq_ack = irq_chip_ack_parent,
	.irq_set_affinity = irq_chip_set_affinity_parent,
	.flags = IRQCHIP_SKIP_SET_WAKE,
};

static int bell_alloc(struct irq_domain *domain, unsigned int virq, unsigned int nr, void *arg)
{
	int ret = irq_domain_alloc_irqs_parent(domain, virq, nr, arg);

	if (!ret)
		irq_domain_set_info(domain, virq, 0, &bell_chip, NULL, handle_edge_irq, NULL,
				    "edge");
	return ret;
}

static const struct irq_domain_ops bell_ops = {
	.alloc = bell_alloc,
	.free = irq_domain_free_irqs_common,
};

/**
 * ping_bell_init() - make a doorbell
 * @cpu: where it rings
 *
 * Return: 0 or an error.
 */
int ping_bell_init(unsigned int cpu)
{
	struct irq_alloc_info info = { .mask = cpumask_of(cpu) };
	int ret = -ENOMEM;

	bell_fwnode = irq_domain_alloc_named_fwnode("RFPING");
	if (!bell_fwnode)
		return -ENOMEM;
	bell_domain = irq_domain_create_hierarchy(x86_vector_domain, 0, 0, bell_fwnode,
						  &bell_ops, NULL);
	if (!bell_domain)
		goto err_free_fwnode;
	bell_irq = irq_domain_alloc_irqs(bell_domain, 1, NUMA_NO_NODE, &info);
	ret = bell_irq;
	if (ret < 0)
		goto err_remove_domain;
	ret = request_irq(bell_irq, bell_handler, IRQF_NOBALANCING, "rfping", &bell_irq);
	if (ret)
		goto err_free_irq;
	ret = irq_set_affinity(bell_irq, cpumask_of(cpu));
	if (ret >= 0)
		return 0;
	free_irq(bell_irq, &bell_irq);
err_free_irq:
	irq_dispose_mapping(bell_irq);
err_remove_domain:
	irq_domain_remove(bell_domain);
err_free_fwnode:
	irq_domain_free_fwnode(bell_fwnode);
	return ret;
}

/**
 * ping_bell_exit() - undo ping_bell_init(); the peer rings no more
 */
void ping_bell_exit(void)
{
	free_irq(bell_irq, &bell_irq);
	irq_dispose_mapping(bell_irq);
	irq_domain_remove(bell_domain);
	irq_domain_free_fwnode(bell_fwnode);
}

/**
 * ping_bell_place() - where the doorbell is
 *
 * Return: APIC id << 32 | vector.
 */
u64 ping_bell_place(void)
{
	struct irq_cfg *cfg = irqd_cfg(irq_get_irq_data(bell_irq));

	return (u64)cfg->dest_apicid << 32 | cfg->vector;
}

static bool bells_over(const struct ping_run *run)
{
	if (run->leads)
		return READ_ONCE(bell_trip) > run->trips * run->batches;
	return le64_to_cpu(READ_ONCE(run->peer->done)) == run->number;
}

static bool peer_ready(const struct ping_run *run)
{
	/* Pairs with ping_bells() there. */
	return smp_load_acquire(&run->peer->line.word[0]) == cpu_to_le64(run->number);
}

/**
 * ping_bells() - two doorbells that ring each other
 * @run: the run; called on the CPU of the doorbell
 *
 * Return: 0 or -ETIMEDOUT.
 */
int ping_bells(const struct ping_run *run)
{
	unsigned long end = jiffies + msecs_to_jiffies(BELL_MS);
	int ret = 0;

	WRITE_ONCE(bell_trip, 0);
	WRITE_ONCE(bell_run, run);
	/* The run before it is announced: pairs with peer_ready(). */
	smp_store_release(&run->own->line.word[0], cpu_to_le64(run->number));
	while (run->leads && !ret && !peer_ready(run))
		ret = time_before(jiffies, end) ? 0 : -ETIMEDOUT;
	if (run->leads && !ret)
		bell_ring(le64_to_cpu(READ_ONCE(run->peer->bell)));
	while (!ret && !bells_over(run))
		ret = time_before(jiffies, end) ? 0 : -ETIMEDOUT;
	WRITE_ONCE(run->own->done, cpu_to_le64(run->number));
	WRITE_ONCE(bell_run, NULL);
	synchronize_irq(bell_irq);
	return ret;
}

static int spin(void *arg)
{
	bool *spinning = arg;

	/* Pairs with ping_calls(). */
	smp_store_release(spinning, true);
	while (!kthread_should_stop())
		cond_resched();
	return 0;
}

static void called(void *arg)
{
}

/**
 * ping_calls() - two cross-calls for each trip, here and to another CPU
 * @run: the run
 * @partner: the other CPU
 *
 * Return: 0 or an error.
 */
int ping_calls(const struct ping_run *run, unsigned int partner)
{
	u32 trip, trips = 1 + run->trips * run->batches;
	struct task_struct *thread;
	bool spinning = false;
	int ret = 0;

	thread = kthread_create_on_cpu(spin, &spinning, partner, "rfping_spin/%u");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	wake_up_process(thread);
	/* Pairs with spin(). */
	while (!smp_load_acquire(&spinning))
		usleep_range(50, 100);
	for (trip = 0; trip < trips && !ret; trip++) {
		ret = smp_call_function_single(partner, called, NULL, 1) ?:
		      smp_call_function_single(partner, called, NULL, 1);
		ping_account(run, trip);
	}
	kthread_stop(thread);
	return ret;
}
