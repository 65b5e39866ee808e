// SPDX-License-Identifier: GPL-2.0-only
/*
 * The doorbell: an ordinary interrupt, from a domain of our own under the vector
 * domain, that any kernel rings with one write to its local APIC.
 *
 * When it moves to another CPU, a sender that had read the old place may ring
 * there. It had put its message before it read that place, so the reader, which
 * is woken after the new place was published, finds the message. So does the interrupt, for
 * which we ring at the new place, with a signal.
 */
#include <linux/cpumask.h>
#include <linux/export.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <asm/apic.h>
#include <asm/hw_irq.h>
#include <asm/irqdomain.h>
#include <rainforest/ficm.h>

#include "internal.h"
#include "trace.h"

/* APIC id << 32 | vector, 0: none; written by us only */
u64 ficm_doorbell;

/* when it rang last, ktime_get_mono_fast_ns() */
u64 ficm_doorbell_rang;

static DEFINE_RAW_SPINLOCK(bell_lock);	/* ficm_doorbell and its copy change together */
static __le64 *bell_public;		/* where other kernels read it, or NULL */

static struct fwnode_handle *bell_fwnode;
static struct irq_domain *bell_domain;
static struct task_struct *bell_wakes;
static int bell_irq;

static DEFINE_MUTEX(listeners_lock);	/* protects listeners, which interrupts read without */
static ficm_rang_t listeners[FICM_LISTENERS];

static void bell_set(u64 doorbell)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&bell_lock, flags);
	WRITE_ONCE(ficm_doorbell, doorbell);
	if (bell_public)
		WRITE_ONCE(*bell_public, cpu_to_le64(doorbell));
	raw_spin_unlock_irqrestore(&bell_lock, flags);
}

static void bell_publish(struct irq_data *data)
{
	struct irq_cfg *cfg = irqd_cfg(data);

	bell_set((u64)cfg->dest_apicid << 32 | cfg->vector);
}

/**
 * ficm_doorbell_publish() - let other kernels know our doorbell
 * @where: where they read it, from now on; NULL: nowhere
 */
void ficm_doorbell_publish(__le64 *where)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&bell_lock, flags);
	bell_public = where;
	if (where)
		WRITE_ONCE(*where, cpu_to_le64(ficm_doorbell));
	raw_spin_unlock_irqrestore(&bell_lock, flags);
}

static int bell_set_affinity(struct irq_data *data, const struct cpumask *mask, bool force)
{
	int ret = irq_chip_set_affinity_parent(data, mask, force);

	if (ret < 0)
		return ret;
	bell_publish(data);
	/* Published before anybody looks: pairs with ficm_ring_bell(), ficm_signal_raise(). */
	smp_mb();
	wake_up_process(bell_wakes);
	/* Signals are looked at; and the vector domain ends the move when the first one arrives. */
	ficm_doorbell_ring(ficm_doorbell);
	return ret;
}

static struct irq_chip bell_chip = {
	.name = "FICM",
	.irq_ack = irq_chip_ack_parent,
	.irq_set_affinity = bell_set_affinity,
	.irq_retrigger = irq_chip_retrigger_hierarchy,
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
 * ficm_listen() - hear the doorbell, before any thread does
 * @rang: called each time it rings: whether it found something
 *
 * For facilities with rings of their own, of which a look tells whether there is something:
 * the other end then uses ficm_knock() in place of a message.
 *
 * Context: sleeps. @rang is called in hard interrupt, also when somebody rang for something
 * else, or for nothing, as often as any kernel likes: it looks at few words and returns.
 * Return: 0, -EBUSY when there are FICM_LISTENERS.
 */
int ficm_listen(ficm_rang_t rang)
{
	unsigned int i;
	int ret = -EBUSY;

	mutex_lock(&listeners_lock);
	for (i = 0; ret && i < FICM_LISTENERS; i++) {
		if (listeners[i])
			continue;
		WRITE_ONCE(listeners[i], rang);	/* code, there before it is called */
		ret = 0;
	}
	mutex_unlock(&listeners_lock);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(ficm_listen, RAINFOREST_FICM);

/**
 * ficm_listen_end() - hear it no more; @rang does not run when this returns
 * @rang: as given to ficm_listen()
 *
 * Context: sleeps.
 */
void ficm_listen_end(ficm_rang_t rang)
{
	unsigned int i;

	mutex_lock(&listeners_lock);
	for (i = 0; i < FICM_LISTENERS; i++)
		if (listeners[i] == rang)
			WRITE_ONCE(listeners[i], NULL);
	mutex_unlock(&listeners_lock);
	synchronize_rcu();	/* interrupts are readers */
}
EXPORT_SYMBOL_NS_GPL(ficm_listen_end, RAINFOREST_FICM);

static bool listeners_tell(void)
{
	ficm_rang_t rang;
	unsigned int i;
	bool found = false;

	for (i = 0; i < FICM_LISTENERS; i++) {
		rang = READ_ONCE(listeners[i]);
		if (rang)
			found |= rang();
	}
	return found;
}

/*
 * The thread sleeps on when it was not rung for: a message is seen here, as it was put before
 * the bell was rung. Where the thread is awake it looks by itself before it sleeps.
 */
static irqreturn_t bell_handler(int irq, void *arg)
{
	bool found = ficm_take();

	found |= listeners_tell();
	if (found && !ficm_read_wanted())
		return IRQ_HANDLED;
	WRITE_ONCE(ficm_doorbell_rang, ktime_get_mono_fast_ns());
	wake_up_process(bell_wakes);
	return IRQ_HANDLED;
}

/**
 * ficm_doorbell_own() - ring our own doorbell
 *
 * Should it move meanwhile, it rings by itself.
 *
 * Context: any.
 */
void ficm_doorbell_own(void)
{
	u64 bell = READ_ONCE(ficm_doorbell);

	if (bell)
		ficm_doorbell_ring(bell);
}

/* One CPU that is on line: the vector is allocated there. */
static int bell_irq_alloc(unsigned int cpu)
{
	struct irq_alloc_info info = { .mask = cpumask_of(cpu) };

	return irq_domain_alloc_irqs(bell_domain, 1, NUMA_NO_NODE, &info);
}

/**
 * ficm_doorbell_init() - make our doorbell
 * @wakes: thread that it wakes
 * @cpu: where it rings
 *
 * Return: 0 or an error.
 */
int ficm_doorbell_init(struct task_struct *wakes, unsigned int cpu)
{
	int ret = -ENOMEM;

	bell_wakes = wakes;
	bell_fwnode = irq_domain_alloc_named_fwnode("FICM");
	if (!bell_fwnode)
		return -ENOMEM;
	bell_domain = irq_domain_create_hierarchy(x86_vector_domain, 0, 0, bell_fwnode,
						  &bell_ops, NULL);
	if (!bell_domain)
		goto err_free_fwnode;
	bell_irq = bell_irq_alloc(cpu);
	if (bell_irq < 0) {
		ret = bell_irq;
		goto err_remove_domain;
	}
	ret = request_irq(bell_irq, bell_handler, IRQF_NOBALANCING, "ficm", &bell_irq);
	if (ret)
		goto err_free_irq;
	ret = irq_set_affinity(bell_irq, cpumask_of(cpu));
	if (ret < 0)
		goto err_release_irq;
	bell_publish(irq_get_irq_data(bell_irq));
	return 0;

err_release_irq:
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
 * ficm_doorbell_exit() - no doorbell any more; nobody may ring it
 */
void ficm_doorbell_exit(void)
{
	bell_set(0);
	free_irq(bell_irq, &bell_irq);
	irq_dispose_mapping(bell_irq);
	irq_domain_remove(bell_domain);
	irq_domain_free_fwnode(bell_fwnode);
}

/**
 * ficm_doorbell_ring() - ring a doorbell
 * @doorbell: APIC id << 32 | vector
 */
void ficm_doorbell_ring(u64 doorbell)
{
	u32 apicid = doorbell >> 32;
	u8 vector = doorbell;
	unsigned long flags;

	trace_ficm_doorbell(apicid, vector);
	local_irq_save(flags);
	/* In x2APIC mode the write is not ordered behind what was stored before. */
	weak_wrmsr_fence();
	if (apic->wait_icr_idle)
		apic->wait_icr_idle();
	apic->icr_write(APIC_DM_FIXED | APIC_DEST_PHYSICAL | vector, apicid);
	local_irq_restore(flags);
}
