/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which kernel has which address: apart from all that is around it, for the kernel and for
 * user space. What other kernels claim is checked here.
 */
#ifndef _RFLOOP_LIST_H
#define _RFLOOP_LIST_H

#include <rainforest/pure.h>
#include <linux/rainforest_loop.h>

#define RFLOOP_HASH	2048U	/* a power of two, more than RF_LOOP_LIST_MAX */
#define RFLOOP_KERNELS	16U	/* that may claim addresses */

/**
 * struct rfloop_address - who has an address
 * @kernel: id of the subOS, 0: the supervisor
 * @place: number of that kernel here; see peer.c
 * @family: 4 or 6
 * @mac: of its device, 0: it has none
 * @address: as in a packet; of IPv4 in the first four bytes, then 0
 */
struct rfloop_address {
	u32 kernel;
	u8 place;
	u8 family;
	u8 mac[6];
	u8 address[16];
};

/**
 * struct rfloop_table - the list
 * @nr: entries used in @a
 * @a: the addresses
 * @hash: where they are, plus 1; what collides is in the next one that is free
 */
struct rfloop_table {
	u32 nr;
	struct rfloop_address a[RF_LOOP_LIST_MAX];
	u16 hash[RFLOOP_HASH];
};

/**
 * struct rfloop_claim - an address that a kernel says it has
 * @entry: what it says
 * @since: when it said so first: counts claims
 * @refused: another kernel has it
 * @told: that was logged
 */
struct rfloop_claim {
	struct rf_loop_entry entry;
	u64 since;
	bool refused;
	bool told;
};

/**
 * struct rfloop_claims - what all kernels say
 * @next: number of the next claim
 * @old: what a kernel said before, while it says it anew
 * @of: each of them
 * @of.used: it says something
 * @of.kernel: which it is
 * @of.off: it does not count
 * @of.nr: entries used in @of.claim
 * @of.claim: what it says
 */
struct rfloop_claims {
	u64 next;
	struct rfloop_claim old[RF_LOOP_OWN_MAX];
	struct {
		bool used;
		bool off;
		u32 kernel;
		u32 nr;
		struct rfloop_claim claim[RF_LOOP_OWN_MAX];
	} of[RFLOOP_KERNELS];
};

int rfloop_table_add(struct rfloop_table *t, const struct rf_loop_entry *e);
const struct rfloop_address *rfloop_table_find(const struct rfloop_table *t, u8 family,
					       const void *address);
int rfloop_claims_set(struct rfloop_claims *c, u32 kernel, const struct rf_loop_entry *e, u32 nr);
void rfloop_claims_drop(struct rfloop_claims *c, u32 kernel);
void rfloop_claims_build(struct rfloop_claims *c, struct rfloop_table *t);

#endif /* _RFLOOP_LIST_H */
