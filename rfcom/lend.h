/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lending memory for regions: what the supervisor alone does.
 */
#ifndef _RFCOM_LEND_H
#define _RFCOM_LEND_H

#include <linux/types.h>
#include <rainforest/ficm.h>

struct rfcom_hold;

/**
 * struct lent_memory - the memory of a region
 * @nr: of pieces
 * @piece: they
 * @piece.start: of one
 * @piece.bytes: of it
 * @table: where they lie, for other kernels
 */
struct lent_memory {
	u32 nr;
	struct {
		void *start;
		size_t bytes;
	} *piece;
	struct rf_com_extent *table;
};

/* lend_memory.c */
int rfcom_memory_alloc(struct lent_memory *m, u64 bytes);
void rfcom_memory_free(struct lent_memory *m);

/* lend.c */
int rfcom_lend_offer(const struct ficm_kernel *who, const struct rf_com_offer *want,
		     struct rf_com_region *answer);
int rfcom_lend_attach(const struct ficm_kernel *who, const struct rf_com_attach *want,
		      struct rf_com_region *answer);
void rfcom_lend_detach(u32 peer, u32 number);
void rfcom_lend_look(void);
bool rfcom_lend_nth(u32 n, struct rfcom_hold *out);
int rfcom_lend_revoke(const char *owner, const char *region, const char *from,
		      unsigned int timeout_ms, u32 *held);
void rfcom_lend_exit(void);

/* lend_ask.c: requests of kernels */
int rfcom_lend_asks_init(void);
void rfcom_lend_asks_exit(void);
void rfcom_lend_asked(u32 peer, const struct rf_msg *msg);

#endif /* _RFCOM_LEND_H */
