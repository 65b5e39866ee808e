// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfm resize --preempt: what the supervisor cannot give comes from the subOS of
 * the lowest priority, then from the next one.
 */
#include "loans.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rfm.h"

static __u64 grain(const struct resize_step *s)
{
	return s->kind == RF_RES_CPU ? 1 : RF_GRAIN;
}

static struct resize_step more(const struct resize_step *s, __u64 amount)
{
	return (struct resize_step){
		.kind = s->kind, .flags = RF_RESIZE_ADD, .gives = true, .had = s->got,
		.want = s->got + amount, .got = s->got,
		.count = s->kind == RF_RES_CPU ? amount : 0,
		.bytes = s->kind == RF_RES_CPU ? 0 : amount,
	};
}

static bool is_scarce(const struct resize_step *s)
{
	return s->err == (s->kind == RF_RES_CPU ? -ENODEV : -ENOMEM);
}

static bool can_have(int fd, const struct resize_step *s, __u64 amount, unsigned int timeout_ms)
{
	struct resize_step one = more(s, amount);

	return !resize_do(fd, &one, timeout_ms, RF_RESIZE_DRY_RUN);
}

/*
 * How much of @most the supervisor would give. Cores go whole, so that two can be
 * had where one cannot; of memory, less can always be had.
 */
static __u64 spare(int fd, const struct resize_step *s, __u64 most, unsigned int timeout_ms)
{
	__u64 low = 0, high = most / grain(s), middle;

	if (s->kind == RF_RES_CPU) {
		while (most && !can_have(fd, s, most, timeout_ms))
			most--;
		return most;
	}
	while (low < high) {
		middle = (low + high + 1) / 2;
		if (can_have(fd, s, middle * RF_GRAIN, timeout_ms))
			low = middle;
		else
			high = middle - 1;
	}
	return low * RF_GRAIN;
}

static void account(struct resize_step *s, const struct resize_step *part)
{
	unsigned int i;

	for (i = 0; i < RF_RESIZE_STAGES; i++)
		s->stage_ns[i] += part->stage_ns[i];
	s->err = part->err;
	s->msg = part->msg;
}

/* The supervisor's part. Returns whether the rest may be looked for elsewhere. */
static bool give(int fd, struct resize_step *s, unsigned int timeout_ms)
{
	__u64 most = s->want - s->got, amount;
	struct resize_step one = more(s, most);

	resize_do(fd, &one, timeout_ms, 0);
	if (is_scarce(&one) && one.got == s->got) {
		amount = spare(fd, s, most, timeout_ms);
		one = more(s, amount);
		if (amount)
			resize_do(fd, &one, timeout_ms, 0);
	}
	s->got = one.got;
	account(s, &one);
	return !one.err || is_scarce(&one);
}

static int by_priority(const void *a, const void *b)
{
	const struct rf_info *x = a, *y = b;

	return x->priority < y->priority ? -1 : x->priority > y->priority;
}

static __u64 can_lend(const struct rf_info *info, const struct resize_step *s)
{
	if (s->kind == RF_RES_MEMORY)
		return info->hot_bytes;
	return info->nr_cpus ? info->nr_cpus - 1 : 0;	/* its boot CPU stays */
}

static void note(struct resize *r, const struct resize_step *part, const char *from,
		 unsigned int id)
{
	struct resize_borrowed *b;

	if (r->nr_borrowed == RESIZE_BORROWED)
		return;
	b = &r->borrowed[r->nr_borrowed++];
	b->kind = part->kind;
	b->amount = part->got;
	b->id = id;
	snprintf(b->from, sizeof(b->from), "%s", from);
}

/* From one lender, less and less, as it may have to keep some. */
static void take_from(int dev, const struct rf_info *lender, const char *to, struct resize *r,
		      struct resize_step *s)
{
	__u64 amount = s->want - s->got, can = can_lend(lender, s);
	struct resize_step part;
	unsigned int id;

	if (amount > can)
		amount = can;
	for (; amount && !rfm.interrupted; amount -= grain(s)) {
		part = more(s, amount);
		part.had = part.got = 0;
		part.want = amount;
		id = loans_borrow(dev, lender->name, to, &part, RF_BORROW_PREEMPT,
				  r->timeout_ms);
		account(s, &part);
		s->got += part.got;
		if (id)
			note(r, &part, lender->name, id);
		if (id || !is_scarce(&part))
			break;
	}
}

static int take_from_all(int dev, const struct rf_info *info, struct resize *r,
			 struct resize_step *s)
{
	struct rf_info *all;
	unsigned int nr, i;
	int ret;

	ret = dev_list(dev, &all, &nr);
	if (ret)
		return ret;
	qsort(all, nr, sizeof(*all), by_priority);
	for (i = 0; i < nr && s->got < s->want && !rfm.interrupted; i++)
		if (all[i].priority < info->priority && all[i].state == RF_STATE_RUNNING)
			take_from(dev, &all[i], info->name, r, s);
	free(all);
	return 0;
}

int preempt_do(int dev, int fd, const struct rf_info *info, struct resize *r,
	       struct resize_step *s)
{
	__u64 want = s->want;
	int ret;

	s->tried = true;
	s->want = s->had + (want - s->had + grain(s) - 1) / grain(s) * grain(s);
	if (!give(fd, s, r->timeout_ms) || s->got >= s->want)
		goto out;
	ret = take_from_all(dev, info, r, s);
	if (s->got >= s->want) {
		s->err = 0;
	} else if (ret || rfm.interrupted) {
		s->err = ret ? ret : -EINTR;
	} else if (!s->err || is_scarce(s)) {
		s->err = s->kind == RF_RES_CPU ? -ENODEV : -ENOMEM;
		snprintf(s->msg.text, sizeof(s->msg.text),
			 "neither the supervisor nor who has a lower priority than %d has more",
			 info->priority);
	}
out:
	s->want = want;
	return s->err;
}
