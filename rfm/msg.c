// SPDX-License-Identifier: GPL-2.0-only
/* Errors, warnings, progress and signals: everything that goes to stderr. */
#include "rfm.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FAIL_TEXT	2048	/* of what rfm.failed takes: two paths and words */

static bool progress_shown;

static void print_line(const char *prefix, const char *format, va_list ap)
{
	rfm_progress_end();
	fputs("rfm: ", stderr);
	if (rfm.verb)
		fprintf(stderr, "%s%s%s: ", rfm.verb, rfm.object ? " " : "",
			rfm.object ? rfm.object : "");
	fputs(prefix, stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
}

int rfm_fail(int code, const char *format, ...)
{
	char text[FAIL_TEXT];
	va_list ap;

	va_start(ap, format);
	if (rfm.failed)
		vsnprintf(text, sizeof(text), format, ap);
	else
		print_line("", format, ap);
	va_end(ap);
	if (rfm.failed)
		rfm.failed(code, text);
	return code;
}

void rfm_warn(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print_line("warning: ", format, ap);
	va_end(ap);
}

static int exit_code(int err)
{
	switch (err) {
	case ENOENT:
	case ENODEV:
		return RFM_NOT_FOUND;
	case EEXIST:
	case EBUSY:
	case ENOSPC:
	case EOPNOTSUPP:
		return RFM_CONFLICT;
	case EPERM:
	case EACCES:
		return RFM_PERMISSION;
	case ETIME:
	case ETIMEDOUT:
		return RFM_TIMEOUT;
	case ENOEXEC:
	case EISDIR:
	case ENOTTY:
		return RFM_INCOMPATIBLE;
	case EINTR:
		return RFM_INTERRUPTED;
	default:
		return RFM_FAILED;
	}
}

int rfm_fail_quarantine(const char *msg)
{
	return rfm_fail(RFM_PARTIAL, "%s; rfm resources shows what is locked away",
			msg && *msg ? msg : "a core did not answer and is quarantined");
}

int rfm_fail_errno(int err, const char *msg, const char *format, ...)
{
	char text[400];
	va_list ap;

	if (err < 0)
		err = -err;
	if (err == EINTR && rfm.interrupted)
		return rfm_fail(RFM_INTERRUPTED, "interrupted");
	if (err == ESHUTDOWN)
		return rfm_fail(RFM_INCOMPATIBLE,
				"the supervisor is detached; rmmod rfcontroller and load it again, or rfm detach --undo");
	if (msg && *msg)
		return rfm_fail(exit_code(err), "%s", msg);
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	return rfm_fail(exit_code(err), "%s: %s", text, strerror(err));
}

static void on_signal(int sig)
{
	rfm.interrupted = sig;
}

void rfm_catch_signals(void)
{
	/* no SA_RESTART: a wait in the module shall end */
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
}

void rfm_progress(const char *format, ...)
{
	va_list ap;

	if (!isatty(STDERR_FILENO))
		return;
	progress_shown = true;
	fprintf(stderr, "\r\033[K%s: ", rfm.object ? rfm.object : rfm.verb);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fflush(stderr);
}

void rfm_progress_end(void)
{
	if (!progress_shown)
		return;
	progress_shown = false;
	fputs("\r\033[K", stderr);
}
