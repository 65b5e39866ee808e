/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What rfm and the agent in a subOS say to each other: a channel of RFcom for each
 * command or copy, opened by rfm. A message is a byte, its type, and what follows it.
 *
 *	rfm					agent
 *	START  -------------------------------> enters pid 1's root, starts the command
 *	STDIN, at most EXEC_WINDOW bytes -----> to the command
 *	       <------------------------- TAKEN so many of them were taken
 *	STDIN_EOF, SIGNAL, WINSIZE, CLOSE ----> at any time: the agent always reads
 *	       <---------------- STDOUT, STDERR	as far as rfm reads
 *	       <------------------------- EXIT	the last message; or ERROR
 *
 *	START, to copy
 *	ENTRY, DATA, DONE	a tree, from either side to the other (exec/tree.h)
 *	WARNING			something was left out; the other side goes on
 *	EXIT or ERROR		ends it, from the side that receives the tree
 *
 * Each side takes the other for hostile: all lengths and types are checked in proto.c,
 * and what a type means at that moment where it is used. Numbers are little-endian, as
 * both machines are. Every message begins with @type.
 */
#ifndef EXEC_PROTO_H
#define EXEC_PROTO_H

#include <stddef.h>
#include <stdint.h>

#define EXEC_SERVICE	"exec"		/* name of the agent's service */
#define EXEC_PEER	"supervisor"	/* the only kernel that it serves */
#define EXEC_VERSION	1
#define EXEC_MESSAGE	61440		/* bytes of a message at most, as RFcom's */
#define EXEC_DATA_MAX	32768		/* bytes of input, output, a file in one message */
#define EXEC_WINDOW	(128 << 10)	/* bytes of input that were not taken yet */
#define EXEC_TEXT_MAX	512		/* bytes of an error's text */

enum exec_type {
	/* from rfm */
	EXEC_START = 1,		/* struct exec_start_head and strings, always the first */
	EXEC_STDIN,		/* bytes */
	EXEC_STDIN_EOF,
	EXEC_WINSIZE,		/* struct exec_winsize */
	EXEC_SIGNAL,		/* struct exec_byte: a signal for the command's group */
	EXEC_CLOSE,		/* struct exec_byte: nobody reads output 1 or 2 any more */
	/* from the agent */
	EXEC_STDOUT = 32,	/* bytes */
	EXEC_STDERR,		/* bytes */
	EXEC_TAKEN,		/* struct exec_taken */
	EXEC_EXIT,		/* struct exec_exit */
	EXEC_ERROR,		/* struct exec_error and text */
	EXEC_WARNING,		/* struct exec_error and text */
	/* a tree, either way */
	EXEC_ENTRY = 64,	/* struct exec_entry_head, name and target */
	EXEC_DATA,		/* bytes of the file that was named last */
	EXEC_DONE,
};

/* what a channel is for, struct exec_start_head @kind */
enum exec_kind {
	EXEC_RUN = 1,		/* argv is the command; without: a shell */
	EXEC_PUT,		/* a tree comes: argv is destination, name */
	EXEC_GET,		/* a tree is wanted: argv is its path */
};

#define EXEC_TTY	(1U << 0)	/* RUN: on a terminal */
#define EXEC_INTO	(1U << 1)	/* PUT: the destination must be a directory */

/* struct exec_error @step: what failed */
enum exec_step {
	EXEC_STEP_START = 1,	/* what was asked for */
	EXEC_STEP_ROOT,		/* entering pid 1's root */
	EXEC_STEP_DIR,		/* the working directory */
	EXEC_STEP_TTY,		/* the terminal */
	EXEC_STEP_FORK,
	EXEC_STEP_EXEC,		/* the command itself */
	EXEC_STEP_READ,		/* a copy: the source */
	EXEC_STEP_WRITE,	/* a copy: the destination */
	EXEC_STEPS
};

/**
 * struct exec_start_head - begins START
 * @type: EXEC_START
 * @version: EXEC_VERSION
 * @kind: enum exec_kind
 * @flags: EXEC_TTY, EXEC_INTO
 * @rows: of the terminal
 * @cols: of the terminal
 * @nr_args: strings of argv
 * @nr_env: strings of the environment
 *
 * Behind it: the working directory, argv, environment, each ended by a NUL.
 */
struct exec_start_head {
	uint8_t type;
	uint8_t version;
	uint8_t kind;
	uint8_t flags;
	uint16_t rows;
	uint16_t cols;
	uint32_t nr_args;
	uint32_t nr_env;
};

/**
 * struct exec_winsize - WINSIZE
 * @type: EXEC_WINSIZE
 * @zero: 0
 * @rows: of the terminal
 * @cols: of the terminal
 */
struct exec_winsize {
	uint8_t type;
	uint8_t zero;
	uint16_t rows;
	uint16_t cols;
};

/**
 * struct exec_byte - SIGNAL, CLOSE
 * @type: EXEC_SIGNAL or EXEC_CLOSE
 * @value: a signal, or 1 or 2
 */
struct exec_byte {
	uint8_t type;
	uint8_t value;
};

/**
 * struct exec_taken - TAKEN
 * @type: EXEC_TAKEN
 * @zero: 0
 * @bytes: of input that went to the command since the last one
 */
struct exec_taken {
	uint8_t type;
	uint8_t zero[3];
	uint32_t bytes;
};

/**
 * struct exec_exit - EXIT
 * @type: EXEC_EXIT
 * @signalled: 1: a signal ended it
 * @value: the signal, or the exit status
 */
struct exec_exit {
	uint8_t type;
	uint8_t signalled;
	uint8_t value;
};

/**
 * struct exec_error - begins ERROR and WARNING
 * @type: EXEC_ERROR or EXEC_WARNING
 * @step: enum exec_step
 * @zero: 0
 * @error: an errno, positive
 *
 * Behind it: what it is about, at most EXEC_TEXT_MAX bytes without a NUL.
 */
struct exec_error {
	uint8_t type;
	uint8_t step;
	uint16_t zero;
	uint32_t error;
};

/* struct exec_entry_head @kind */
enum exec_entry_kind {
	EXEC_FILE = 1,		/* DATA follows, up to the next ENTRY or DONE */
	EXEC_DIR,		/* entered: what follows lies in it */
	EXEC_LINK,		/* with a target */
	EXEC_UP,		/* the directory is complete, no name; its mode and time again */
};

/**
 * struct exec_entry_head - begins ENTRY
 * @type: EXEC_ENTRY
 * @kind: enum exec_entry_kind
 * @name_len: bytes of the name, which is one component of a path
 * @mode: permissions
 * @mtime_nsec: time of the last change, nanoseconds
 * @zero: 0
 * @mtime: time of the last change, seconds
 *
 * Behind it: the name; then, for a link, its target. No NULs.
 */
struct exec_entry_head {
	uint8_t type;
	uint8_t kind;
	uint16_t name_len;
	uint32_t mode;
	uint32_t mtime_nsec;
	uint32_t zero;
	int64_t mtime;
};

#define EXEC_NAME_MAX	255
#define EXEC_TARGET_MAX	4095

/**
 * struct exec_msg - a message that was checked
 * @type: enum exec_type
 * @data: bytes of STDIN, STDOUT, STDERR, DATA; text of ERROR, WARNING, no NUL at its end;
 *	strings of START; points into the message
 * @len: bytes of @data
 * @start: START
 * @winsize: WINSIZE
 * @byte: SIGNAL, CLOSE
 * @taken: TAKEN
 * @exit: EXIT
 * @error: ERROR, WARNING
 * @entry: ENTRY
 * @name: ENTRY, ended by a NUL
 * @target: ENTRY of a link, ended by a NUL
 */
struct exec_msg {
	enum exec_type type;
	const char *data;
	size_t len;
	union {
		struct exec_start_head start;
		struct exec_winsize winsize;
		struct exec_byte byte;
		struct exec_taken taken;
		struct exec_exit exit;
		struct exec_error error;
		struct exec_entry_head entry;
	};
	char name[EXEC_NAME_MAX + 1];
	char target[EXEC_TARGET_MAX + 1];
};

/**
 * exec_parse - check a message
 * @m: (out) what it says
 * @buf: the message; @m points into it
 * @len: its bytes
 *
 * Return: 0; -EPROTO it cannot be; -EPROTONOSUPPORT a START of another version.
 */
int exec_parse(struct exec_msg *m, const void *buf, size_t len);

/**
 * exec_strings - the strings of a START
 * @m: a START that was parsed
 * @first: number of the first string; 0 is the directory, argv follows, then environment
 * @count: how many
 * @out: (out) @count pointers into the message
 */
void exec_strings(const struct exec_msg *m, uint32_t first, uint32_t count, char **out);

/**
 * exec_start_pack - make a START
 * @buf: (out) EXEC_MESSAGE bytes of room
 * @head: @nr_args and @nr_env are filled in here
 * @dir: working directory
 * @argv: ended by NULL
 * @env: ended by NULL
 *
 * Return: bytes of the message, 0 when it would be longer than a message can be.
 */
size_t exec_start_pack(void *buf, struct exec_start_head *head, const char *dir,
		       char *const *argv, char *const *env);

#endif /* EXEC_PROTO_H */
