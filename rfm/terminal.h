/* SPDX-License-Identifier: GPL-2.0-only */
/* The terminal on standard input, made raw and put back. */
#ifndef RFM_TERMINAL_H
#define RFM_TERMINAL_H

/* Does nothing when it is none. It is put back when the process exits, too. */
void terminal_make_raw(void);

/* Puts it back; does nothing when it is not raw. */
void terminal_restore(void);

#endif /* RFM_TERMINAL_H */
