/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of rfcontroller share.
 *
 * Locks, in the order in which they are taken:
 *	subos->lock	one operation on a subOS at a time; never two of them
 *	rfctl_cpu_lock	taking and returning CPUs (static in cpu.c)
 *	rfctl_mem_lock	taking and returning memory (static in mem.c)
 *	rfctl_mem_list_lock	who owns which block of memory, for short moments (mem.h)
 *	exchange_lock	directory of who exchanges messages (static in exchange.c)
 *	rfctl_lock	list of subOSes, owners, ledger; held for short moments only
 * While a subOS is asked for something its lock is not held, but @busy is set.
 */
#ifndef _RFCTL_INTERNAL_H
#define _RFCTL_INTERNAL_H

#include <linux/cpumask.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rainforest.h>
#include <linux/rainforest_wire.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include "limit.h"

struct file;
struct pci_dev;
struct poll_table_struct;
struct seq_buf;
struct rfctl_console;
struct rfctl_image;
struct rfctl_pci;

/**
 * struct rfctl_msg - one line for the user about a failure
 * @text: the line, empty when there is none
 */
struct rfctl_msg {
	char text[RF_MSG_MAX];
};

/**
 * struct rfctl_range - memory that left the supervisor's allocator
 * @start: physical address, multiple of RF_GRAIN
 * @length: bytes, multiple of RF_GRAIN
 */
struct rfctl_range {
	u64 start;
	u64 length;
};

/**
 * struct rfctl_asks - what a subOS asks of us by itself (ask.c)
 * @max_cpus: see struct rf_policy
 * @max_bytes: see struct rf_policy
 * @limit: how often it was heard lately
 * @count: requests that were looked at
 * @refused: of these, how many were refused
 * @valid: @req was answered with @reply: the same once more gets the same answer
 * @req: the last request
 * @reply: the answer to it
 */
struct rfctl_asks {
	u32 max_cpus;
	u64 max_bytes;
	struct rf_limit limit;
	u64 count;
	u64 refused;
	bool valid;
	struct rf_request req;
	struct rf_reply reply;
};

/**
 * struct subos - another kernel on this machine
 * @ref: one for the list, one for each descriptor
 * @node: in rfctl_subos_list, under rfctl_lock
 * @lock: serialises operations; protects everything below that names no other
 * @id: see struct rf_info
 * @name: see struct rf_info
 * @asked: since its start it was asked to end: its end is no accident
 * @started: RF_IOC_START was done once: it no longer depends on a descriptor
 * @gone: everything was given back
 * @busy: an operation that others must not join (stop, destroy, a change of its
 *	resources) is under way
 * @resizing: that operation is a change of its resources
 * @looking: and changes nothing: it only asks
 * @cancel: whoever waits for an answer of it shall give up: it is to be stopped
 * @state: enum rf_state; changed under @lock with rfctl_set_state()
 * @state_gen: counts changes of @state, read without lock
 * @wait: woken when @state_gen changes
 * @info_flags: RF_INFO_*
 * @reason: why it is in @state
 * @cpus: logical CPUs owned
 * @granted: those of @cpus that the resource description names
 * @boot_cpu: the one that boots
 * @ranges: memory owned, the first holds the service area
 * @nr_ranges: number of @ranges
 * @hot_bytes: memory of these that the running kernel can let go
 * @low: its slice below 1 MB (struct rf_resource start), 0 for none
 * @pci: functions owned, by their place in the description; NULL: none
 * @nr_pci: number of functions
 * @ficm_slot: its entry in the directory of the exchange, 0 for none
 * @ficm_listed: it is listed there
 * @listening: its subOScon answers requests; written without lock
 * @con_seq: number of the last request to it
 * @priority: see struct rf_priority
 * @on_crash: enum rf_on_crash
 * @act: what of it is about to be done (policy.c)
 * @act_work: does it
 * @crashes: when it was booted again after a crash
 * @restarts: how often it was
 * @image: what it is booted from again, NULL: nothing is kept
 * @asks: what it asks of us
 * @loaded: RF_IOC_LOAD was done since the last stop
 * @running: cores of it may execute its code
 * @svc: service area in the supervisor's direct map, NULL before there is memory
 * @desc_lock: serialises changes of struct rf_desc; innermost
 * @desc_seq: its sequence count, kept here as the subOS could write to its own
 * @request_seq: requests made of it, kept here for the same reason
 * @entry: physical address of the kernel's entry
 * @generation: counts its starts
 * @heartbeat: last value read
 * @silent_ms: how long that value has not changed, in looks of the monitor
 * @look_ms: time between the monitor's looks
 * @quiet_ms: how long it has printed nothing, in these looks
 * @probing: an NMI was sent in this time of silence
 * @answered_ms: @silent_ms when its answer was seen, 0: it was not
 * @probe_seq: counts these NMIs
 * @sub_state: last RF_SUB_* read
 * @nr_online: CPUs on line, as it says
 * @release: kernel release, as it says
 * @boot_id: boot id, as it says
 * @created_ns: wall clock
 * @started_ns: wall clock
 * @started_ktime: monotonic clock of the start, ns
 * @stage_ns: see enum rf_stage
 * @told: what subos_info() says while an operation holds @lock for long
 * @told_lock: protects @told; innermost
 * @con: its console (console.c)
 * @monitor: looks after it while it runs (monitor.c)
 */
struct subos {
	struct kref ref;
	struct list_head node;
	struct mutex lock;	/* serialises operations; see above */
	u32 id;
	char name[RF_NAME_MAX];
	bool asked;
	bool started;
	bool gone;
	bool busy;
	bool resizing;
	bool looking;
	bool cancel;
	enum rf_state state;
	atomic_t state_gen;
	wait_queue_head_t wait;
	u32 info_flags;
	char reason[RF_REASON_MAX];
	struct cpumask cpus;
	struct cpumask granted;
	unsigned int boot_cpu;
	struct rfctl_range ranges[RF_WIRE_RANGES];
	unsigned int nr_ranges;
	u64 hot_bytes;
	u64 low;
	struct rfctl_pci *pci[RF_WIRE_PCI];
	unsigned int nr_pci;
	u32 ficm_slot;
	bool ficm_listed;
	bool listening;
	u32 con_seq;
	int priority;
	enum rf_on_crash on_crash;
	enum rf_on_crash act;
	struct work_struct act_work;
	struct rf_limit crashes;
	u32 restarts;
	struct rfctl_image *image;
	struct rfctl_asks asks;
	bool loaded;
	bool running;
	void *svc;
	struct mutex desc_lock;	/* serialises changes of struct rf_desc */
	u32 desc_seq;
	u32 request_seq;
	u64 entry;
	u32 generation;
	u64 heartbeat;
	unsigned int silent_ms;
	unsigned int look_ms;
	unsigned int quiet_ms;
	bool probing;
	unsigned int answered_ms;
	u32 probe_seq;
	u32 sub_state;
	u32 nr_online;
	char release[64];
	char boot_id[40];
	u64 created_ns;
	u64 started_ns;
	u64 started_ktime;
	u64 stage_ns[RF_STAGE_MAX];
	struct rf_info told;
	struct mutex told_lock;	/* protects told */
	struct rfctl_console *con;
	struct delayed_work monitor;
};

/* main.c */
extern struct mutex rfctl_lock;
extern struct list_head rfctl_subos_list;
extern u32 rfctl_next_id;
__printf(2, 3) void rfctl_say(struct rfctl_msg *msg, const char *fmt, ...);
const char *rfctl_owner_name(u32 owner, char *buf, size_t size);
void rfctl_subos_name(u32 id, char *name);

/* subos.c */
struct subos *subos_create(const char *name, struct rfctl_msg *msg);
struct subos *subos_alloc(void);
struct subos *subos_find_get(const char *name);
struct subos *subos_find_id(u32 id);
void subos_put(struct subos *so);

/* Have its cores come to rest? Whoever waits on so->wait looks without its lock. */
static inline bool subos_ended(const struct subos *so)
{
	return !READ_ONCE(so->running);
}

int subos_start(struct subos *so);
int subos_stop(struct subos *so, bool force, unsigned int timeout_ms, struct rfctl_msg *msg);
int subos_destroy(struct subos *so, bool force, unsigned int timeout_ms, struct rfctl_msg *msg);
void subos_abandon(struct subos *so);
int subos_remove(struct subos *so, struct rfctl_msg *msg);
int subos_halt(struct subos *so, struct rfctl_msg *msg);
__printf(3, 4) void rfctl_set_state(struct subos *so, enum rf_state state, const char *fmt, ...);
void subos_info(struct subos *so, struct rf_info *info);
void subos_info_keep(struct subos *so);

/* cpu.c: which kernel a core belongs to */
int rfctl_cpu_init(void);
void rfctl_cpu_exit(void);
int rfctl_cpus_claim(struct subos *so, const struct cpumask *want, unsigned int count,
		     bool dry_run, struct rfctl_msg *msg);
int rfctl_cpus_release(struct subos *so);
int rfctl_cpus_park(struct subos *so, struct rfctl_msg *msg);
void rfctl_cpu_drop(struct subos *so, unsigned int cpu, u32 heir);
void rfctl_cpus_adopt(struct subos *so);
void rfctl_cpu_pass(unsigned int cpu, u32 owner, u32 heir);
int rfctl_cpu_choose_removal(struct subos *so, struct cpumask *mask, unsigned int count);
bool rfctl_cpus_are_whole_cores(const struct cpumask *mask, struct rfctl_msg *msg);
int rfctl_cpus_pool_set(const struct cpumask *want, struct rfctl_msg *msg);
void rfctl_cpus_pool_get(struct cpumask *mask);
u32 rfctl_cpu_owner(unsigned int cpu);
u32 rfctl_cpu_apicid(unsigned int cpu);
bool rfctl_cpu_exists(unsigned int cpu);
void rfctl_cpus_audit(struct rf_audit *audit, struct seq_buf *out);

/* park.c: cores under our own loop */
int rfctl_park_init(void);
void rfctl_park_exit(void);
int rfctl_core_park(unsigned int cpu);
int rfctl_core_boot(unsigned int cpu, u64 entry, u64 boot_params);
int rfctl_core_wait_mailbox(unsigned int cpu, u64 mailbox);
int rfctl_core_prepare(unsigned int cpu);
bool rfctl_core_is_parked(unsigned int cpu);
void rfctl_core_nmi(unsigned int cpu);
u64 rfctl_core_faults(unsigned int cpu, u64 *nmi, u64 *mce);
void rfctl_park_return_code(void *dest);
u32 rfctl_park_layout(void);
u64 rfctl_core_slot(unsigned int cpu);

/* mem.c: which kernel a block of memory belongs to */
int rfctl_mem_init(void);
void rfctl_mem_exit(void);
int rfctl_mem_claim(struct subos *so, u64 bytes, int node, unsigned int timeout_ms,
		    bool dry_run, u64 *got, struct rfctl_msg *msg);
void rfctl_mem_release(struct subos *so);
void rfctl_mem_settle(struct subos *so);
int rfctl_mem_grow(struct subos *so, u64 bytes, int node, unsigned int timeout_ms, bool dry_run,
		   struct rfctl_msg *msg);
bool rfctl_mem_next_offer(struct subos *so, struct rfctl_range *run);
void rfctl_mem_offered(struct subos *so, const struct rfctl_range *run);
bool rfctl_mem_next_hot(struct subos *so, u64 below, u64 *start);
void rfctl_mem_drop(struct subos *so, const struct rfctl_range *run, u32 heir, u64 *scrub_ns);
void rfctl_mem_adopt(struct subos *so);
void rfctl_mem_pass(u64 start, u32 owner, u32 heir);
u64 rfctl_mem_owned(struct subos *so);
void rfctl_mem_dirty(struct subos *so);
void rfctl_mem_scrub(struct subos *so);
void rfctl_mem_quarantine(struct subos *so);
int rfctl_mem_pool_set(u64 bytes, unsigned int timeout_ms, struct rfctl_msg *msg);
void rfctl_mem_pool_get(u64 *target, u64 *free);
u64 rfctl_mem_end(void);
unsigned int rfctl_mem_resources(struct rf_resource *res, unsigned int max);
void rfctl_mem_audit(struct rf_audit *audit, struct seq_buf *out);

/* window.c: a subOS's memory for its back ends */
int rfctl_window_open(struct subos *so);
void rfctl_window_shut(struct subos *so, u64 start, u64 bytes);

/* lowmem.c: slices of the first megabyte */
int rfctl_lowmem_init(void);
u64 rfctl_lowmem_claim(u32 owner);
void rfctl_lowmem_release(u64 start);
void rfctl_lowmem_quarantine(u64 start);
u64 rfctl_lowmem_own_page(void);
int rfctl_lowmem_resources(struct rf_resource *res, unsigned int max);
#define RFCTL_LOW_SIZE	0x8000UL

/* load.c: service area, images */
int rfctl_load(struct subos *so, const struct rf_load *req, struct rfctl_msg *msg);
int rfctl_load_again(struct subos *so, struct rfctl_msg *msg);
int rfctl_load_keep(struct subos *so, const struct rf_load *req, struct rfctl_msg *msg);
int rfctl_check_cmdline(const struct rf_cmdline *req, struct rfctl_msg *msg);

/* desc.c: what the subOS is told of its resources */
void rfctl_desc_update(struct subos *so, void (*change)(struct subos *so, struct rf_desc *desc));
void rfctl_desc_init(struct subos *so);
void rfctl_desc_cpus(struct subos *so);
void rfctl_desc_ranges(struct subos *so);
void rfctl_desc_pci(struct subos *so);
void rfctl_desc_clock(struct subos *so);
void rfctl_desc_probe(struct subos *so);
void rfctl_desc_request_poweroff(struct subos *so);

/* supcon.c: requests to a subOS and from it */
int rfctl_con_init(void);
void rfctl_con_exit(void);
int rfctl_con_resume(void);
void rfctl_con_pause(void);
int rfctl_con_ask(struct subos *so, u16 op, const u64 *args, unsigned int timeout_ms,
		  struct rf_reply *reply);

/* ask.c: what a subOS asks of us by itself */
void rfctl_ask(struct subos *so, const struct rf_request *req, struct rf_reply *reply);

/* policy.c: what is done when a subOS crashes */
int rfctl_policy_init(void);
void rfctl_policy_exit(void);
void rfctl_policy_setup(struct subos *so);
int rfctl_policy_set(struct subos *so, const struct rf_policy *req, struct rfctl_msg *msg);
void rfctl_policy_crashed(struct subos *so, char *note, size_t size);
void rfctl_policy_forget(struct subos *so);
void rfctl_policy_off(void);

/* resize.c, resize_mem.c, resize_pci.c: resources of a subOS that runs */
int subos_resize_cpus(struct subos *so, struct rf_resize_cpus *req, struct cpumask *mask,
		      struct rfctl_msg *msg);
int subos_resize_memory(struct subos *so, struct rf_resize_memory *req, struct rfctl_msg *msg);
int subos_resize_pci(struct subos *so, struct rf_resize_pci *req, struct rfctl_msg *msg);
int subos_stats(struct subos *so, struct rf_stats *req);

/* loan.c, loan_move.c: from one subOS to another */
int rfctl_loan_init(void);
void rfctl_loan_exit(void);
void rfctl_loan_pause(void);
void rfctl_loan_resume(void);
int rfctl_borrow(struct rf_borrow *req, struct cpumask *mask, struct rfctl_msg *msg);
int rfctl_return(struct rf_return *req, struct rfctl_msg *msg);
int rfctl_loans(struct rf_loans *req);
void rfctl_loans_end(struct subos *so);
void rfctl_loans_forget(struct subos *so);
u32 rfctl_loan_lender(u32 kind, u64 start, u32 borrower);
void rfctl_loan_over(u32 kind, u64 start);

/* pci.c: which kernel a PCI function belongs to */
int rfctl_pci_init(void);
void rfctl_pci_exit(void);
int rfctl_pci_claim(struct subos *so, u16 segment, u8 bus, u8 devfn, bool dry_run,
		    struct rfctl_msg *msg);
int rfctl_pci_quiesce(struct subos *so);
int rfctl_pci_release(struct subos *so, struct rfctl_msg *msg);
void rfctl_pci_quarantine(struct subos *so);
unsigned int rfctl_pci_describe(struct subos *so, struct rf_wire_pci *wire);
int rfctl_pci_place(struct subos *so, u16 segment, u8 bus, u8 devfn);
int rfctl_pci_drop(struct subos *so, unsigned int place, struct rfctl_msg *msg);
int rfctl_pci_can_save(struct rfctl_msg *msg);
void rfctl_pci_hold(bool hold);
void rfctl_pci_adopt_subos(struct subos *so);
int rfctl_pci_resources(struct rf_resource *res, unsigned int max);
void rfctl_pci_audit(struct rf_audit *audit, struct seq_buf *out);

/* console.c: the terminal of a subOS */
int rfctl_console_create(struct subos *so);
void rfctl_console_free(struct subos *so);
void rfctl_console_attach(struct subos *so);
void rfctl_console_detach(struct subos *so);
bool rfctl_console_poll(struct subos *so);
int rfctl_console_open(struct subos *so, u32 flags);
void rfctl_console_pause(struct subos *so);
void rfctl_console_resume(struct subos *so);

/* exchange.c: who exchanges messages */
int rfctl_exchange_init(void);
void rfctl_exchange_exit(void);
int rfctl_exchange_reserve(struct subos *so, struct rfctl_msg *msg);
u64 rfctl_exchange_dir(void);
void rfctl_exchange_open(struct subos *so);
void rfctl_exchange_close(struct subos *so);
void rfctl_exchange_lose(struct subos *so);
void rfctl_exchange_release(struct subos *so);
void rfctl_exchange_cpus(struct subos *so);
int rfctl_exchange_rule(u32 from, u32 to, bool allow);
bool rfctl_exchange_nth_rule(unsigned int n, u32 *from, u32 *to);

/* rules.c: who may open channels to whom */
int rfctl_rule(const struct rf_rule *req, struct rfctl_msg *msg);
int rfctl_rules(struct rf_rules *req);

/* monitor.c: signs of life */
void rfctl_monitor_setup(void);
void rfctl_monitor_init(struct subos *so);
void rfctl_monitor_start(struct subos *so);
void rfctl_monitor_stop(struct subos *so);
void rfctl_monitor_resume(struct subos *so);
void rfctl_monitor_hurry(struct subos *so);
void rfctl_monitor_typed(struct subos *so);
u32 rfctl_monitor_online(struct subos *so);
int rfctl_monitor_crash(struct subos *so, const char *reason);
u16 rfctl_monitor_elcr(void);
extern unsigned int rfctl_heartbeat_ms;
extern unsigned int rfctl_hung_ms;

/* ledger.c: every change of owner */
int rfctl_ledger_init(void);
void rfctl_ledger_exit(void);
void rfctl_ledger_add(u32 kind, u64 start, u64 length, u32 from, u32 to, int error);
int rfctl_ledger_read(struct rf_ledger *req);
u32 rfctl_ledger_owner(u32 kind, u64 start);
u64 rfctl_ledger_seq(void);
int rfctl_ledger_audit(struct rf_audit *audit, struct seq_buf *out);
void rfctl_ledger_each(void (*fn)(u32 kind, u64 start, u32 owner, void *data), void *data);

/* events.c: what happened to the subOSes */
int rfctl_events_init(void);
void rfctl_events_exit(void);
void rfctl_event(const struct subos *so, u32 kind, u64 value, int error, const char *text);
u64 rfctl_events_next(void);
int rfctl_events_ioctl(void __user *arg, u64 *next);
__poll_t rfctl_events_poll(struct file *file, struct poll_table_struct *wait, const u64 *next);

/* usage.c: what each owner has had */
int rfctl_usage_init(void);
void rfctl_usage_exit(void);
int rfctl_usage_begin(const struct subos *so);
void rfctl_usage_end(const struct subos *so);
bool rfctl_usage_counts(unsigned int cpu);
void rfctl_usage_cpu(unsigned int cpu, u32 from, u32 to);
void rfctl_usage_block(u32 from, u32 to);
int rfctl_usage_ioctl(void __user *arg);
void rfctl_usage_audit(struct rf_audit *audit, struct seq_buf *out);

/* audit.c: the invariants against the live machine */
int rfctl_audit(struct rf_audit *req);
__printf(4, 5) void rfctl_audit_check(struct rf_audit *audit, struct seq_buf *out, bool ok,
				      const char *fmt, ...);
int rfctl_resources(struct rf_resources *req);

/* cdev.c: /dev/rainforest */
int rfctl_cdev_init(void);
void rfctl_cdev_exit(void);

/* power.c: reboot, kexec and suspend of the supervisor */
int rfctl_power_init(void);
void rfctl_power_exit(void);

#endif /* _RFCTL_INTERNAL_H */
