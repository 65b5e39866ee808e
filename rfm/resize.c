// SPDX-License-Identifier: GPL-2.0-only
/* Steps of a change of what a subOS has: from text to the module's answer. */
#include "resize.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rfm.h"

/* The sign says more or less; without one the text means all. */
static const char *parse_sign(struct resize_step *s, const char *text)
{
	if (*text == '+')
		s->flags = RF_RESIZE_ADD;
	else if (*text == '-')
		s->flags = RF_RESIZE_REMOVE;
	return s->flags ? text + 1 : text;
}

int resize_parse_cpus(struct resize_step *s, const char *text)
{
	const char *rest = parse_sign(s, text);
	long count = 0;
	int ret;

	s->kind = RF_RES_CPU;
	if (strpbrk(rest, "-,"))
		ret = units_parse_cpus(rest, &s->cpus);
	else
		ret = units_parse_number(rest, 1, RF_WIRE_CPUS, &count);
	s->count = count;
	if (ret == -ERANGE)
		return rfm_fail(RFM_USAGE, "--cpus %s: a subOS can have 1 to %d CPUs, below number %d",
				text, RF_WIRE_CPUS, UNITS_CPUS);
	if (ret)
		return rfm_fail(RFM_USAGE,
				"--cpus %s: write 4 for so many in all, +1 or -1 for more or less, 2-5 or 2-2 for these, +4-5 or -4-4 for these more or less",
				text);
	return 0;
}

int resize_parse_memory(struct resize_step *s, const char *text)
{
	uint64_t bytes = 0;
	int ret;

	s->kind = RF_RES_MEMORY;
	ret = units_parse_size(parse_sign(s, text), &bytes);
	s->bytes = bytes;
	if (ret == -ERANGE || (!ret && bytes > 1ULL << 46))
		return rfm_fail(RFM_USAGE, "--memory %s: no machine has that much", text);
	if (ret || !bytes)
		return rfm_fail(RFM_USAGE,
				"--memory %s: write 2G for so much in all, +512M or -512M for more or less",
				text);
	return 0;
}

int resize_parse_pci(struct resize_step *s, const char *text)
{
	const char *rest = parse_sign(s, text);

	s->kind = RF_RES_PCI;
	if (!s->flags || units_parse_bdf(rest, &s->bdf))
		return rfm_fail(RFM_USAGE,
				"--pci %s: write +0000:00:04.0 to give it, -0000:00:04.0 to take it back",
				text);
	return 0;
}

static __u64 want_of(const struct resize_step *s, __u64 amount)
{
	if (s->flags & RF_RESIZE_ADD)
		return s->had + amount;
	if (s->flags & RF_RESIZE_REMOVE)
		return s->had > amount ? s->had - amount : 0;
	return amount;
}

static bool has_more(const struct cpus *want, const struct rf_info *info)
{
	unsigned int i;

	for (i = 0; i < sizeof(info->cpumask) / sizeof(*info->cpumask); i++)
		if (want->mask[i] & ~info->cpumask[i])
			return true;
	return false;
}

static void plan_step(struct resize_step *s, const struct rf_info *info)
{
	switch (s->kind) {
	case RF_RES_CPU:
		s->had = info->nr_cpus;
		s->want = want_of(s, s->count ? s->count : cpus_count(&s->cpus));
		s->gives = s->count || s->flags ? s->want > s->had : has_more(&s->cpus, info);
		break;
	case RF_RES_MEMORY:
		s->had = info->mem_bytes;
		s->want = want_of(s, s->bytes);
		s->gives = s->want > s->had;
		break;
	default:
		s->had = info->nr_pci;
		s->want = want_of(s, 1);
		s->gives = s->flags & RF_RESIZE_ADD;
		break;
	}
	s->got = s->had;
}

/*
 * What gives comes before what takes: a subOS that exchanges one thing for
 * another never has less than both. Memory comes before the CPUs that need it
 * and leaves after them, and devices come last and leave first.
 */
static int rank(const struct resize_step *s)
{
	int kind = s->kind == RF_RES_MEMORY ? 0 : s->kind == RF_RES_CPU ? 1 : 2;

	return s->gives ? kind : 5 - kind;
}

void resize_plan(struct resize *r, const struct rf_info *info)
{
	struct resize_step s;
	unsigned int i, k;

	for (i = 0; i < r->nr; i++)
		plan_step(&r->steps[i], info);
	for (i = 1; i < r->nr; i++) {
		s = r->steps[i];
		for (k = i; k && rank(&r->steps[k - 1]) > rank(&s); k--)
			r->steps[k] = r->steps[k - 1];
		r->steps[k] = s;
	}
}

static void do_cpus(int fd, struct resize_step *s, unsigned int timeout_ms, unsigned int flags)
{
	struct rf_resize_cpus r = { .flags = s->flags | flags, .count = s->count,
				    .timeout_ms = timeout_ms, .got = s->had };
	struct cpus cpus = s->cpus;

	s->err = dev_resize_cpus(fd, &cpus, &r, &s->msg);
	s->got = r.got;
	memcpy(s->stage_ns, r.stage_ns, sizeof(s->stage_ns));
}

static void do_memory(int fd, struct resize_step *s, unsigned int timeout_ms, unsigned int flags)
{
	struct rf_resize_memory r = { .flags = s->flags | flags, .bytes = s->bytes, .node = -1,
				      .timeout_ms = timeout_ms, .got = s->had };

	s->err = dev_resize_memory(fd, &r, &s->msg);
	s->got = r.got;
	s->held_by = r.held_by;
	memcpy(s->stage_ns, r.stage_ns, sizeof(s->stage_ns));
}

static void do_pci(int fd, struct resize_step *s, unsigned int timeout_ms, unsigned int flags)
{
	struct rf_resize_pci r = { .flags = s->flags | flags, .timeout_ms = timeout_ms };

	s->err = dev_resize_pci(fd, s->bdf, &r, &s->msg);
	s->got = s->err ? s->had : s->want;
	memcpy(s->stage_ns, r.stage_ns, sizeof(s->stage_ns));
}

int resize_do(int fd, struct resize_step *s, unsigned int timeout_ms, unsigned int flags)
{
	s->tried = true;
	if (s->kind == RF_RES_CPU)
		do_cpus(fd, s, timeout_ms, flags);
	else if (s->kind == RF_RES_MEMORY)
		do_memory(fd, s, timeout_ms, flags);
	else
		do_pci(fd, s, timeout_ms, flags);
	return s->err;
}

static const char *default_why(int err)
{
	switch (-err) {
	case ENOTCONN:
		return "it does not run, or nothing inside listens; rfm list shows its state";
	case EREMOTEIO:
		return "its kernel refused";
	case ETIMEDOUT:
		return "it did not answer in time; what it was offered stays its own";
	case EPIPE:
		return "it ended meanwhile";
	case EBUSY:
		return "it is being changed by somebody else; try again";
	case ENOTTY:
		return "the loaded module cannot do this yet; install both from one release";
	case EOPNOTSUPP:
		return "its kernel cannot do this";
	default:
		return strerror(-err);
	}
}

const char *resize_why(const struct resize_step *s, char *buf, size_t size)
{
	size_t n;

	n = snprintf(buf, size, "%s", *s->msg.text ? s->msg.text : default_why(s->err));
	if (s->held_by && n < size)
		snprintf(buf + n, size - n, " (the page at %#llx held it back)",
			 (unsigned long long)s->held_by);
	return buf;
}

int resize_code(const struct resize_step *s)
{
	switch (-s->err) {
	case ENOENT:
		return RFM_NOT_FOUND;
	case ENODEV:
		return s->kind == RF_RES_PCI ? RFM_NOT_FOUND : RFM_CONFLICT;
	case EPERM:
		return RFM_PERMISSION;
	case ETIME:
	case ETIMEDOUT:
		return RFM_TIMEOUT;
	case ENOTTY:
		return RFM_INCOMPATIBLE;
	case EOPNOTSUPP:
		return s->kind == RF_RES_CPU ? RFM_INCOMPATIBLE : RFM_CONFLICT;
	case EINTR:
		return RFM_INTERRUPTED;
	case EIO:
		return RFM_PARTIAL;
	case EPIPE:
	case EFAULT:
		return RFM_FAILED;
	default:
		return RFM_CONFLICT;
	}
}
