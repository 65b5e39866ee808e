/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loans: one step of borrowing, for rfm borrow and for rfm resize --preempt.
 */
#ifndef RFM_LOANS_H
#define RFM_LOANS_H

#include "resize.h"

/**
 * loans_borrow - one subOS lends to another
 * @dev: device
 * @from: name of the lender
 * @to: name of the borrower
 * @s: CPUs or memory; @had is 0, @want is what is wanted; @got, @err, @msg and
 *	@stage_ns are set, the last added up
 * @flags: RF_BORROW_*
 * @timeout_ms: for each core or block; 0: the module's own limit
 *
 * Return: number of the loan, 0 when nothing moved. @s->err may be set in both
 * cases.
 */
unsigned int loans_borrow(int dev, const char *from, const char *to, struct resize_step *s,
			  unsigned int flags, unsigned int timeout_ms);

/* preempt.c */

/**
 * preempt_do - a step that takes from others what the supervisor does not have
 * @dev: device
 * @fd: the subOS
 * @info: of it
 * @r: @borrowed is added to
 * @s: the step, which gives a number of CPUs or bytes; as resize_do() leaves it
 *
 * From the lowest priority up, and only from lower ones than that of @info.
 *
 * Return: @s->err.
 */
int preempt_do(int dev, int fd, const struct rf_info *info, struct resize *r,
	       struct resize_step *s);

#endif /* RFM_LOANS_H */
