// SPDX-License-Identifier: GPL-2.0-only
/* Messages between rfm and the agent: what may be in them. */
#include "proto.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define STRINGS_MAX	EXEC_MESSAGE	/* each has at least its NUL */

_Static_assert(sizeof(struct exec_start_head) == 16, "no holes");
_Static_assert(sizeof(struct exec_error) == 8, "no holes");
_Static_assert(sizeof(struct exec_entry_head) == 24, "no holes");

/* A message that is a structure and nothing else. */
static int only(void *to, size_t size, const void *buf, size_t len)
{
	if (len != size)
		return -EPROTO;
	memcpy(to, buf, size);
	return 0;
}

/* One that begins with a structure; the rest is the message's data. */
static int begins(struct exec_msg *m, void *to, size_t size, const void *buf, size_t len)
{
	if (len < size)
		return -EPROTO;
	memcpy(to, buf, size);
	m->data = (const char *)buf + size;
	m->len = len - size;
	return 0;
}

static int parse_start(struct exec_msg *m, const void *buf, size_t len)
{
	const struct exec_start_head *head = &m->start;
	uint32_t strings = 0;
	size_t i;

	/* the version stands where it is in every version */
	if (len >= 2 && ((const uint8_t *)buf)[1] != EXEC_VERSION)
		return -EPROTONOSUPPORT;
	if (begins(m, &m->start, sizeof(m->start), buf, len))
		return -EPROTO;
	if (head->kind < EXEC_RUN || head->kind > EXEC_GET ||
	    head->flags & ~(EXEC_TTY | EXEC_INTO) ||
	    head->nr_args > STRINGS_MAX || head->nr_env > STRINGS_MAX)
		return -EPROTO;
	for (i = 0; i < m->len; i++)
		strings += !m->data[i];
	if (!m->len || m->data[m->len - 1] || strings != 1 + head->nr_args + head->nr_env)
		return -EPROTO;
	return 0;
}

static int parse_error(struct exec_msg *m, const void *buf, size_t len)
{
	if (begins(m, &m->error, sizeof(m->error), buf, len) || m->len > EXEC_TEXT_MAX ||
	    memchr(m->data, '\0', m->len) || !m->error.step || m->error.step >= EXEC_STEPS ||
	    !m->error.error || m->error.error > 4095)
		return -EPROTO;
	return 0;
}

/* One component, and not one that leads elsewhere. */
static bool is_name(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, "..");
}

static int parse_entry(struct exec_msg *m, const void *buf, size_t len)
{
	const struct exec_entry_head *head = &m->entry;
	size_t target;

	if (begins(m, &m->entry, sizeof(m->entry), buf, len) || head->name_len > m->len ||
	    head->name_len > EXEC_NAME_MAX || memchr(m->data, '\0', m->len) ||
	    head->mode > 07777 || head->mtime_nsec >= 1000000000)
		return -EPROTO;
	target = m->len - head->name_len;
	if (target > EXEC_TARGET_MAX)
		return -EPROTO;
	memcpy(m->name, m->data, head->name_len);
	m->name[head->name_len] = '\0';
	memcpy(m->target, m->data + head->name_len, target);
	m->target[target] = '\0';
	if (head->kind < EXEC_FILE || head->kind > EXEC_UP ||
	    (head->kind == EXEC_LINK ? !target : target) ||
	    (head->kind == EXEC_UP ? *m->name != '\0' : !is_name(m->name)))
		return -EPROTO;
	return 0;
}

static int parse_bytes(struct exec_msg *m, const void *buf, size_t len)
{
	m->data = (const char *)buf + 1;
	m->len = len - 1;
	return m->len && m->len <= EXEC_DATA_MAX ? 0 : -EPROTO;
}

static int parse_byte(struct exec_msg *m, const void *buf, size_t len)
{
	uint8_t most = m->type == EXEC_CLOSE ? 2 : 64;

	if (only(&m->byte, sizeof(m->byte), buf, len) || !m->byte.value || m->byte.value > most)
		return -EPROTO;
	return 0;
}

static int parse_exit(struct exec_msg *m, const void *buf, size_t len)
{
	if (only(&m->exit, sizeof(m->exit), buf, len) || m->exit.signalled > 1 ||
	    (m->exit.signalled && (!m->exit.value || m->exit.value > 64)))
		return -EPROTO;
	return 0;
}

static int parse_taken(struct exec_msg *m, const void *buf, size_t len)
{
	if (only(&m->taken, sizeof(m->taken), buf, len) || !m->taken.bytes ||
	    m->taken.bytes > EXEC_WINDOW)
		return -EPROTO;
	return 0;
}

int exec_parse(struct exec_msg *m, const void *buf, size_t len)
{
	if (!len || len > EXEC_MESSAGE)
		return -EPROTO;
	m->type = *(const uint8_t *)buf;
	m->data = NULL;
	m->len = 0;
	switch (m->type) {
	case EXEC_START:
		return parse_start(m, buf, len);
	case EXEC_STDIN:
	case EXEC_STDOUT:
	case EXEC_STDERR:
	case EXEC_DATA:
		return parse_bytes(m, buf, len);
	case EXEC_STDIN_EOF:
	case EXEC_DONE:
		return len == 1 ? 0 : -EPROTO;
	case EXEC_WINSIZE:
		return only(&m->winsize, sizeof(m->winsize), buf, len);
	case EXEC_SIGNAL:
	case EXEC_CLOSE:
		return parse_byte(m, buf, len);
	case EXEC_TAKEN:
		return parse_taken(m, buf, len);
	case EXEC_EXIT:
		return parse_exit(m, buf, len);
	case EXEC_ERROR:
	case EXEC_WARNING:
		return parse_error(m, buf, len);
	case EXEC_ENTRY:
		return parse_entry(m, buf, len);
	}
	return -EPROTO;
}

void exec_strings(const struct exec_msg *m, uint32_t first, uint32_t count, char **out)
{
	const char *s = m->data;

	for (; first; first--)
		s += strlen(s) + 1;
	for (; count; count--, s += strlen(s) + 1)
		*out++ = (char *)s;
}

/* Behind what is there; the length is too large from then on when it does not fit. */
static void add_string(char *buf, size_t *len, const char *s)
{
	size_t n = strlen(s) + 1;

	if (*len <= EXEC_MESSAGE && n <= EXEC_MESSAGE - *len)
		memcpy(buf + *len, s, n);
	*len += n;
}

size_t exec_start_pack(void *buf, struct exec_start_head *head, const char *dir,
		       char *const *argv, char *const *env)
{
	size_t len = sizeof(*head);

	head->type = EXEC_START;
	head->version = EXEC_VERSION;
	head->nr_args = 0;
	head->nr_env = 0;
	add_string(buf, &len, dir);
	for (; argv[head->nr_args]; head->nr_args++)
		add_string(buf, &len, argv[head->nr_args]);
	for (; env[head->nr_env]; head->nr_env++)
		add_string(buf, &len, env[head->nr_env]);
	memcpy(buf, head, sizeof(*head));
	return len <= EXEC_MESSAGE ? len : 0;
}
