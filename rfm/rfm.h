/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line tool: one table of verbs, from which dispatch, --help and
 * completion come; one way to report errors; one list of exit codes.
 */
#ifndef RFM_H
#define RFM_H

#include <getopt.h>
#include <signal.h>
#include <stdbool.h>

#ifndef RFM_VERSION
#define RFM_VERSION	"0.1.0"
#endif

/* Exit codes; rfm.8.rst documents them, the tests hold them. */
enum rfm_exit {
	RFM_OK		 = 0,
	RFM_FAILED	 = 1,	/* failed, nothing changed */
	RFM_USAGE	 = 2,	/* the command line or a configuration file is wrong */
	RFM_NOT_FOUND	 = 3,	/* no such subOS, file, CPU or device */
	RFM_CONFLICT	 = 4,	/* somebody else has it, it is unfit, or there is not that much */
	RFM_PERMISSION	 = 5,	/* not root, or a file may not be read */
	RFM_TIMEOUT	 = 6,	/* the time was up */
	RFM_INCOMPATIBLE = 7,	/* module not loaded or of another version, unfit kernel */
	RFM_PARTIAL	 = 8,	/* partly done, or something is quarantined */
	RFM_EXEC	 = 125,	/* exec: rfm failed, 0 to 255 else is the command's */
	RFM_NO_EXEC	 = 126,	/* exec: the command cannot be started */
	RFM_NO_COMMAND	 = 127,	/* exec: it is not there */
	RFM_INTERRUPTED	 = 130,	/* Ctrl-C */
};

/**
 * struct rfm_option - an option of a verb
 * @id: what rfm_getopt() returns; below 256 it is the short option's letter too
 * @name: long option without the dashes
 * @arg: name of its argument, NULL for none
 * @help: one line
 */
struct rfm_option {
	int id;
	const char *name;
	const char *arg;
	const char *help;
};

/* ids of options without a letter; what they mean is up to the verb */
enum rfm_option_id {
	OPT_JSON = 256, OPT_HELP, OPT_CPUS, OPT_MEMORY, OPT_KERNEL, OPT_INITRD, OPT_APPEND,
	OPT_PCI, OPT_NODE, OPT_NO_WAIT, OPT_TIMEOUT, OPT_DRY_RUN, OPT_BARE, OPT_BZIMAGE,
	OPT_FORCE, OPT_ALL, OPT_READ_ONLY, OPT_DETACH, OPT_IDLE, OPT_QUICK, OPT_FROM,
	OPT_TABLE, OPT_BYTES, OPT_LEDGER, OPT_ONCE, OPT_INTERVAL, OPT_PREEMPT,
	OPT_PRIORITY, OPT_ON_CRASH, OPT_MAX_CPUS, OPT_MAX_MEMORY, OPT_UNDO,
	OPT_NET, OPT_ROOT, OPT_FS, OPT_DISK,
};

#define RFM_OPTION_JSON	{ OPT_JSON, "json", NULL, "print JSON" }

/**
 * struct rfm_command - a verb
 * @verb: its name
 * @args: its operands as the synopsis shows them, "" for none
 * @summary: one line
 * @text: more for --help, NULL for none
 * @options: ended by an entry without a name
 * @options_first: no options are looked for behind the first operand
 * @run: does it; returns an enum rfm_exit
 */
struct rfm_command {
	const char *verb;
	const char *args;
	const char *summary;
	const char *text;
	const struct rfm_option *options;
	bool options_first;
	int (*run)(const struct rfm_command *cmd, int argc, char **argv);
};

extern const struct rfm_command *const rfm_commands[];	/* ended by NULL */

/**
 * struct rfm_state - what the whole tool shares
 * @verb: the verb that runs
 * @object: what it is about, for messages; NULL before that is known
 * @json: print JSON
 * @done: the work is done, but for telling of it
 * @interrupted: a signal asked us to end
 * @failed: takes what rfm_fail() would print; NULL: it is printed
 */
struct rfm_state {
	const char *verb;
	const char *object;
	bool json;
	bool done;
	volatile sig_atomic_t interrupted;
	void (*failed)(int code, const char *text);
};

extern struct rfm_state rfm;

/* rfm.c */
const struct rfm_command *rfm_find(const char *verb);

/* help.c */
void rfm_help(const struct rfm_command *cmd);
void rfm_overview(void);
void rfm_print_table(void);

/* opts.c */

/**
 * rfm_getopt - next option of a verb
 * @cmd: the verb
 * @argc: as the verb got it; argv[0] is the verb
 * @argv: see @argc
 *
 * Handles --json and --help (exits). The argument is in optarg; operands begin
 * at optind after the last option.
 *
 * Return: id of the option, 0 after the last, -1 on a mistake, which was reported.
 */
int rfm_getopt(const struct rfm_command *cmd, int argc, char **argv);

/* For verbs without options of their own. Returns 0 or RFM_USAGE, reported. */
int rfm_no_options(const struct rfm_command *cmd, int argc, char **argv, int operands);

/* The only operand, a subOS name, now also the object of messages; NULL, reported. */
const char *rfm_name_operand(int argc, char **argv);

/* msg.c */

/* Reports a failure as "rfm: VERB OBJECT: TEXT" and returns @code. */
int rfm_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/**
 * rfm_fail_errno - report a failure that an errno tells
 * @err: the errno, either sign
 * @msg: what the module said, printed if not empty; may be NULL
 * @format: else this is printed, as by printf(), with the errno's text behind it
 *
 * Return: the exit code for @err.
 */
int rfm_fail_errno(int err, const char *msg, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Reports a core that did not answer; @msg is what the module said. Returns RFM_PARTIAL. */
int rfm_fail_quarantine(const char *msg);

void rfm_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Lets Ctrl-C and friends set rfm.interrupted and end waits with EINTR. */
void rfm_catch_signals(void);

/* What takes long shows what it is doing, on a terminal only. */
void rfm_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
void rfm_progress_end(void);

#endif /* RFM_H */
