/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The register of loans, for who moves what is lent.
 */
#ifndef _RFCTL_LOAN_H
#define _RFCTL_LOAN_H

#include <linux/list.h>
#include <linux/rainforest.h>
#include <linux/types.h>

struct rfctl_resize;
struct subos;

/**
 * struct loan - one core or block that is lent
 * @node: in loans or, going home, in loans_home; before that, a list of spare ones
 * @tries: how often its lender could not be told
 * @l: as user space sees it, without names
 */
struct loan {
	struct list_head node;
	unsigned int tries;
	struct rf_loan l;
};

u32 rfctl_loan_number(void);
void rfctl_loan_add(struct loan *loan);
void rfctl_loan_go_home(struct loan *loan);
void rfctl_loan_await_home(void);
int rfctl_loan_nth_of(u32 id, unsigned int n, struct rf_loan *l);
u64 rfctl_loan_returned(u32 id);
int rfctl_loan_offer(struct subos *so, struct rfctl_resize *rs);
void rfctl_loan_pass(u32 kind, u64 start, u32 owner, u32 heir);
void rfctl_loan_event(struct subos *so);

#endif /* _RFCTL_LOAN_H */
