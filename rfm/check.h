/* SPDX-License-Identifier: GPL-2.0-only */
/* Parts of rfm check. */
#ifndef RFM_CHECK_H
#define RFM_CHECK_H

struct report;

/* Add a line: all is well; it works, but; it does not work. */
void check_ok(struct report *r, const char *check, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void check_warn(struct report *r, const char *check, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void check_fail(struct report *r, const char *check, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* check_cpu.c */
void check_processor(struct report *r);
void check_topology(struct report *r);
void check_iommu(struct report *r);

#endif /* RFM_CHECK_H */
