/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * User interface of RainForest: sizes, and the words for states and owners. Part of
 * linux/rainforest.h.
 */
#ifndef _UAPI_LINUX_RAINFOREST_BASE_H
#define _UAPI_LINUX_RAINFOREST_BASE_H

#define RF_NAME_MAX		32	/* bytes in a subOS name, the final NUL included */
#define RF_MSG_MAX		240	/* a useful size for message buffers */
#define RF_REASON_MAX		128	/* bytes in a reason, the final NUL included */
#define RF_GRAIN		(128UL << 20)	/* memory changes owner in multiples of this */

/**
 * enum rf_state - life of a subOS
 * @RF_STATE_CREATED: resources are being collected, nothing runs
 * @RF_STATE_BOOTING: its boot core was started
 * @RF_STATE_RUNNING: its init program was started
 * @RF_STATE_STOPPING: it is shutting down, or is being destroyed
 * @RF_STATE_STOPPED: it halted, powered off or asked for a restart; cores parked
 * @RF_STATE_CRASHED: its kernel panicked; cores parked, memory kept for the log
 * @RF_STATE_HUNG: it no longer gives a sign of life
 * @RF_STATE_QUARANTINED: it is gone, but a core did not answer; that core and
 *	the memory that it may touch stay locked away
 */
enum rf_state {
	RF_STATE_CREATED	= 0,
	RF_STATE_BOOTING	= 1,
	RF_STATE_RUNNING	= 2,
	RF_STATE_STOPPING	= 3,
	RF_STATE_STOPPED	= 4,
	RF_STATE_CRASHED	= 5,
	RF_STATE_HUNG		= 6,
	RF_STATE_QUARANTINED	= 7,
};

/**
 * enum rf_on_crash - what is done when a subOS crashes
 * @RF_ON_CRASH_KEEP: nothing: it stays crashed, for its log
 * @RF_ON_CRASH_RESTART: it is booted again on its resources, from the copy of
 *	what it booted from that the module keeps. Too many in a short time, and
 *	it stays crashed
 * @RF_ON_CRASH_DESTROY: everything is given back
 */
enum rf_on_crash {
	RF_ON_CRASH_KEEP	= 0,
	RF_ON_CRASH_RESTART	= 1,
	RF_ON_CRASH_DESTROY	= 2,
};

/* Owners of a resource. Ids of subOSes count from 1 and are not used twice. */
#define RF_OWNER_SUPERVISOR	0
#define RF_OWNER_FREE		0xfffffffeU	/* taken from the supervisor, in the pool */
#define RF_OWNER_QUARANTINE	0xfffffffdU	/* not to be touched until the machine restarts */

/* kinds of resource */
#define RF_RES_CPU		1	/* start = logical CPU, length = 1 */
#define RF_RES_MEMORY		2	/* start = physical address, length in bytes */
#define RF_RES_LOWMEM		3	/* start = physical address below 1 MB, length in bytes */
#define RF_RES_PCI		4	/* start = segment << 16 | bus << 8 | devfn, length = 1 */

#endif /* _UAPI_LINUX_RAINFOREST_BASE_H */
