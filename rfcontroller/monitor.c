// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Monitor: what a subOS says of itself, and what its silence says
 *
 * A work item for each subOS that was started looks at the status page, which
 * that kernel alone writes and which deserves no trust, and drains the console
 * ring. A subOS that reports its end, or a panic, has its cores pulled into
 * the parking loop; memory and devices stay for the log until it is destroyed
 * or started again.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/string.h>
#include <asm/i8259.h>
#include <asm/io.h>
#include "anchor.h"
#include "internal.h"

#define MONITOR_PERIOD_MS	20U
#define MONITOR_QUIET_MS	100U	/* at most, when it runs, and has printed nothing */
#define MONITOR_LIVELY_MS	1000U	/* for that long */
#define MONITOR_STOP_MS		3000	/* a panic prints with interrupts off */
#define MONITOR_SILENT_MAX	(24 * 3600 * 1000)
#define MONITOR_MUTE		10	/* times hung_ms, when not even an NMI is answered */

unsigned int rfctl_heartbeat_ms = 100;
module_param_named(heartbeat_ms, rfctl_heartbeat_ms, uint, 0444);
MODULE_PARM_DESC(heartbeat_ms, "time between two signs of life of a subOS, ms (default 100)");

unsigned int rfctl_hung_ms = 800;
module_param_named(hung_ms, rfctl_hung_ms, uint, 0644);
MODULE_PARM_DESC(hung_ms, "silence after which a subOS is called hung, ms (default 800)");

static unsigned int boot_ms = 180000;	/* under emulation a boot takes its time */
module_param(boot_ms, uint, 0644);
MODULE_PARM_DESC(boot_ms, "silence until hung before the first sign of life, ms (default 180000)");

/*
 * A kernel that boots on ACPI without I/O APIC writes the edge/level register
 * of the old interrupt controller once (acpi_pic_sci_set_trigger()). That
 * register is the machine's, and the supervisor's to decide.
 */
static u16 elcr;

static u16 monitor_read_elcr(void)
{
	return inb(PIC_ELCR1) | inb(PIC_ELCR2) << 8;
}

static void monitor_restore_elcr(void)
{
	if (monitor_read_elcr() == elcr)
		return;
	outb(elcr & 0xff, PIC_ELCR1);
	outb(elcr >> 8, PIC_ELCR2);
}

/**
 * rfctl_monitor_setup - remember what a booting subOS changes for all
 */
void rfctl_monitor_setup(void)
{
	struct rf_anchor_machine machine;

	elcr = monitor_read_elcr();
	if (!rfctl_adopted)
		return;
	rfctl_adopt_machine(&machine);
	elcr = machine.elcr;
}

/**
 * rfctl_monitor_elcr - what was remembered
 *
 * Return: both halves of the register.
 */
u16 rfctl_monitor_elcr(void)
{
	return elcr;
}

/* Text of another kernel: bounded, printable. */
static void monitor_text(char *dest, const char *src, size_t size)
{
	size_t i;

	for (i = 0; i < size - 1 && src[i]; i++)
		dest[i] = src[i] >= ' ' && src[i] <= '~' ? src[i] : '?';
	dest[i] = '\0';
}

/* Park what is left of a subOS that ended by itself. */
static void monitor_end(struct subos *so, enum rf_state state, const char *what,
			const char *reason)
{
	struct rfctl_msg msg = { "" };
	char note[80] = "";

	reason = reason[0] ? reason : what;
	if (subos_halt(so, &msg))
		return;
	if (state == RF_STATE_CRASHED)
		rfctl_policy_crashed(so, note, sizeof(note));
	rfctl_set_state(so, state, "%s%s", note, reason);
	pr_info("%s: %s\n", so->name, so->reason);
}

/**
 * rfctl_monitor_crash - end a subOS that lost what it cannot go on without
 * @so: the subOS
 * @reason: text of somebody else, ended by NUL
 *
 * Context: process, its lock not held.
 * Return: as RF_IOC_CRASH.
 */
int rfctl_monitor_crash(struct subos *so, const char *reason)
{
	char text[RF_REASON_MAX];

	monitor_text(text, reason, sizeof(text));
	guard(mutex)(&so->lock);
	if (so->gone)
		return -ENOENT;
	if (so->busy)
		return -EBUSY;
	if (!so->running)
		return -ESRCH;
	monitor_end(so, RF_STATE_CRASHED, "crashed", text);
	return so->state == RF_STATE_CRASHED ? 0 : -EIO;
}

/* It said that it stops, and why, and then nothing more: a panic that hung, or a halt. */
static void monitor_end_silent(struct subos *so)
{
	char reason[RF_REASON_MAX];

	strscpy(reason, so->reason, sizeof(reason));
	monitor_end(so, strstarts(reason, "panic") ? RF_STATE_CRASHED : RF_STATE_STOPPED,
		    "halted", reason);
}

/*
 * A kernel that fails before our module runs in it tells nobody. It is left
 * alone, unless the operator said what to do with one that crashes.
 */
static void monitor_end_boot(struct subos *so)
{
	char reason[RF_REASON_MAX];

	scnprintf(reason, sizeof(reason), "no sign of life for %u s after its start",
		  so->silent_ms / 1000);
	monitor_end(so, RF_STATE_CRASHED, "", reason);
}

static void monitor_life(struct subos *so, const struct rf_status *st)
{
	u64 since_start = ktime_get_ns() - so->started_ktime;
	u32 state = le32_to_cpu(st->state);
	char reason[RF_REASON_MAX - 16];

	BUILD_BUG_ON(sizeof(reason) > sizeof(st->reason));
	monitor_text(reason, st->reason, sizeof(reason));
	if (state >= RF_SUB_MODULE && !so->stage_ns[RF_STAGE_MODULE]) {
		so->stage_ns[RF_STAGE_MODULE] = since_start;
		monitor_restore_elcr();
		monitor_text(so->release, st->release, sizeof(so->release));
	}
	if (state == so->sub_state)
		return;
	so->sub_state = state;
	switch (state) {
	case RF_SUB_INIT:
		so->stage_ns[RF_STAGE_INIT] = since_start;
		monitor_text(so->boot_id, st->boot_id, sizeof(so->boot_id));
		if (!(le32_to_cpu(st->flags) & RF_SUBF_KPROBE))
			so->info_flags |= RF_INFO_NO_KPROBE;
		if (so->state == RF_STATE_BOOTING)
			rfctl_set_state(so, RF_STATE_RUNNING, "%s", reason);
		break;
	case RF_SUB_STOPPING:
		if (so->state != RF_STATE_STOPPING)
			rfctl_set_state(so, RF_STATE_STOPPING, "%s", reason);
		break;
	case RF_SUB_HALTED:
		monitor_end(so, RF_STATE_STOPPED, "halted", reason);
		break;
	case RF_SUB_POWEROFF:
		monitor_end(so, RF_STATE_STOPPED, "powered off", reason);
		break;
	case RF_SUB_RESTART:
		monitor_end(so, RF_STATE_STOPPED, "asked for a restart", reason);
		break;
	case RF_SUB_PANIC:
		monitor_end(so, RF_STATE_CRASHED, "panic", reason);
		break;
	}
}

/* Ask the boot core by an NMI, once in each time of silence, whether it executes. */
static void monitor_probe(struct subos *so)
{
	if (so->probing || so->silent_ms < rfctl_hung_ms / 2 || so->sub_state < RF_SUB_MODULE)
		return;
	so->probing = true;
	rfctl_desc_probe(so);
	rfctl_core_nmi(so->boot_cpu);
}

/* A core that got time again answers first, and then its kernel has as long once more. */
static bool monitor_is_hung(struct subos *so, bool answered)
{
	if (answered && !so->answered_ms)
		so->answered_ms = so->silent_ms;
	if (!so->heartbeat)
		return so->silent_ms > boot_ms;
	if (so->state == RF_STATE_STOPPING)
		return so->silent_ms > MONITOR_STOP_MS;
	if (!answered)
		return so->silent_ms > rfctl_hung_ms * MONITOR_MUTE;
	return so->silent_ms > max(rfctl_hung_ms, so->answered_ms + rfctl_hung_ms / 2);
}

/*
 * Silence is counted in looks of ours, not in time: on a machine that is short
 * of time for everybody, nobody is called hung. One whose boot core alone gets
 * no time does not answer the NMI either, and is given longer.
 */
static void monitor_silence(struct subos *so, u64 heartbeat, bool answered)
{
	if (heartbeat != so->heartbeat) {
		so->heartbeat = heartbeat;
		so->silent_ms = 0;
		so->probing = false;
		so->answered_ms = 0;
		if (so->state == RF_STATE_HUNG)
			rfctl_set_state(so, so->sub_state >= RF_SUB_INIT ?
					RF_STATE_RUNNING : RF_STATE_BOOTING,
					"was silent for a while");
		return;
	}
	if (so->silent_ms < MONITOR_SILENT_MAX)
		so->silent_ms += so->look_ms;
	if (so->info_flags & RF_INFO_BARE)
		return;
	if (so->heartbeat)
		monitor_probe(so);
	if (!monitor_is_hung(so, answered))
		return;
	if (so->state == RF_STATE_STOPPING && !so->busy)
		monitor_end_silent(so);
	else if (so->state == RF_STATE_BOOTING && !so->heartbeat && so->on_crash)
		monitor_end_boot(so);
	else if (so->state == RF_STATE_RUNNING || so->state == RF_STATE_BOOTING)
		rfctl_set_state(so, RF_STATE_HUNG, answered ?
				"no sign of life for %u ms, but its boot core executes" :
				"no sign of life for %u ms", so->silent_ms);
}

/* The status page of this very boot; false where there is none yet. */
static bool monitor_read(struct subos *so, struct rf_status *st)
{
	lockdep_assert_held(&so->lock);
	memcpy(st, so->svc + RF_OFF_STATUS, sizeof(*st));
	if (le32_to_cpu(st->magic) != RF_STATUS_MAGIC ||
	    le32_to_cpu(st->version) != RF_WIRE_VERSION ||
	    le32_to_cpu(st->generation) != so->generation)
		return false;
	so->nr_online = min_t(u32, le32_to_cpu(st->nr_online), cpumask_weight(&so->cpus));
	return true;
}

/**
 * rfctl_monitor_online - how many CPUs a subOS says are on line by now
 * @so: the subOS, locked
 *
 * The subOS writes it before it replies that a core came or left, so whoever
 * asks after a resize need not wait for the monitor's next look.
 *
 * Return: never more than it owns; of one that has ended, what it said last.
 */
u32 rfctl_monitor_online(struct subos *so)
{
	struct rf_status st;

	if (so->running)
		monitor_read(so, &st);
	return so->nr_online;
}

static void monitor_look(struct subos *so)
{
	struct rf_status st;

	if (!monitor_read(so, &st)) {
		monitor_silence(so, so->heartbeat, false);
		return;
	}
	monitor_silence(so, le64_to_cpu(st.heartbeat),
			so->probing && le32_to_cpu(st.probe_seq) == so->probe_seq);
	if (so->running)
		monitor_life(so, &st);
}

/* How long until the next look; little beside the silence that is called hung. */
static unsigned int monitor_pace(struct subos *so, bool moved)
{
	lockdep_assert_held(&so->lock);
	so->quiet_ms = moved ? 0 : min(so->quiet_ms + so->look_ms, MONITOR_LIVELY_MS);
	so->look_ms = MONITOR_PERIOD_MS;
	if (so->state == RF_STATE_RUNNING && so->quiet_ms == MONITOR_LIVELY_MS)
		so->look_ms = clamp(rfctl_hung_ms / 8, MONITOR_PERIOD_MS, MONITOR_QUIET_MS);
	return so->look_ms;
}

static void monitor_work(struct work_struct *work)
{
	struct subos *so = container_of(work, struct subos, monitor.work);
	bool again = true, moved = rfctl_console_poll(so);
	unsigned int next_ms = MONITOR_PERIOD_MS;

	/* who holds the lock may wait for this work to end: never wait for it */
	if (mutex_trylock(&so->lock)) {
		if (so->running)
			monitor_look(so);
		again = so->running;
		next_ms = monitor_pace(so, moved);
		mutex_unlock(&so->lock);
	}
	if (again)
		queue_delayed_work(system_unbound_wq, &so->monitor, msecs_to_jiffies(next_ms));
	else
		rfctl_console_poll(so);
}

/**
 * rfctl_monitor_init - prepare the monitor of a new subOS
 * @so: the subOS
 */
void rfctl_monitor_init(struct subos *so)
{
	INIT_DELAYED_WORK(&so->monitor, monitor_work);
}

/**
 * rfctl_monitor_start - look after a subOS that is about to run
 * @so: the subOS, locked
 */
void rfctl_monitor_start(struct subos *so)
{
	so->heartbeat = 0;
	so->silent_ms = 0;
	so->probing = false;
	so->answered_ms = 0;
	so->sub_state = RF_SUB_NONE;
	so->nr_online = 0;
	so->look_ms = MONITOR_PERIOD_MS;
	so->quiet_ms = 0;
	queue_delayed_work(system_unbound_wq, &so->monitor, 0);
}

/**
 * rfctl_monitor_resume - look after a subOS again, which nobody did for a while
 * @so: the subOS, locked, running
 *
 * It was not silent: nobody listened. What it said last, @so->sub_state, is kept,
 * so that an end meanwhile is noticed at the first look.
 */
void rfctl_monitor_resume(struct subos *so)
{
	so->silent_ms = 0;
	so->probing = false;
	so->answered_ms = 0;
	so->look_ms = MONITOR_PERIOD_MS;
	so->quiet_ms = 0;
	queue_delayed_work(system_unbound_wq, &so->monitor, 0);
}

/**
 * rfctl_monitor_hurry - something is about to happen: look more often for a while
 * @so: the subOS, locked
 */
void rfctl_monitor_hurry(struct subos *so)
{
	lockdep_assert_held(&so->lock);
	if (!so->running || so->look_ms == MONITOR_PERIOD_MS)
		return;
	so->look_ms = MONITOR_PERIOD_MS;
	so->quiet_ms = 0;
	mod_delayed_work(system_unbound_wq, &so->monitor, msecs_to_jiffies(MONITOR_PERIOD_MS));
}

/**
 * rfctl_monitor_typed - somebody types: the subOS is about to print
 * @so: the subOS, not locked; while somebody else has its lock, nothing changes
 */
void rfctl_monitor_typed(struct subos *so)
{
	if (!mutex_trylock(&so->lock))
		return;
	rfctl_monitor_hurry(so);
	mutex_unlock(&so->lock);
}

/**
 * rfctl_monitor_stop - no longer; returns when the last look is over
 * @so: the subOS; its lock may be held, @so->running is false
 */
void rfctl_monitor_stop(struct subos *so)
{
	cancel_delayed_work_sync(&so->monitor);
}
