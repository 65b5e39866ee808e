// SPDX-License-Identifier: GPL-2.0-only
/* What a device shall be: text to values and back. */
#include "spec.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const words[SPEC_KINDS] = {
	[SPEC_NET] = "net", [SPEC_ROOT] = "root", [SPEC_FS] = "fs", [SPEC_DISK] = "disk",
};

const char *spec_word(enum spec_kind kind)
{
	return words[kind];
}

enum spec_kind spec_kind(const char *word)
{
	unsigned int i;

	for (i = 0; i < SPEC_KINDS && strcmp(words[i], word); i++)
		;
	return i;
}

static int __attribute__((format(printf, 2, 3))) wrong(char *err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(err, SPEC_ERR_MAX, format, ap);
	va_end(ap);
	return -EINVAL;
}

bool spec_mac_good(const uint8_t mac[6])
{
	static const uint8_t nothing[6];

	return !(mac[0] & 1) && memcmp(mac, nothing, 6);
}

int spec_mac_parse(const char *text, uint8_t mac[6])
{
	unsigned int i, v[6];
	int end = 0;

	if (strlen(text) != 17 || sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &v[0], &v[1], &v[2],
					 &v[3], &v[4], &v[5], &end) != 6 || end != 17)
		return -EINVAL;
	for (i = 0; i < 6; i++)
		mac[i] = v[i];
	return 0;
}

const char *spec_mac_text(const uint8_t mac[6], char *text)
{
	snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		 mac[5]);
	return text;
}

/* FNV-1a over 64 bits, the text's end included */
static uint64_t hash(uint64_t h, const char *text)
{
	do
		h = (h ^ (uint8_t)*text) * 0x100000001b3ULL;
	while (*text++);
	return h;
}

void spec_mac_make(uint8_t mac[6], const char *machine, const char *subos, unsigned int number)
{
	uint64_t h = hash(hash(0xcbf29ce484222325ULL, machine), subos);
	char text[16];
	unsigned int i;

	snprintf(text, sizeof(text), "%u", number);
	h = hash(h, text);
	h ^= h >> 32;
	for (i = 0; i < 6; i++)
		mac[i] = h >> (8 * i);
	mac[0] = (mac[0] & 0xfc) | 2;
}

static int interface(char *to, const char *name, const char *key, char *err)
{
	if (!*name || strlen(name) >= IFNAMSIZ || strpbrk(name, "/ \t") || !strcmp(name, ".") ||
	    !strcmp(name, ".."))
		return wrong(err, "--net %s=%s: no name of an interface; it has 1 to %d characters",
			     key, name, IFNAMSIZ - 1);
	strcpy(to, name);
	return 0;
}

static int card_mac(struct spec *s, const char *text, char *err)
{
	if (spec_mac_parse(text, s->mac))
		return wrong(err, "--net mac=%s: no address; write 02:00:00:00:00:01", text);
	if (!spec_mac_good(s->mac))
		return wrong(err, "--net mac=%s: no address of one card; its first byte is even, 02 for one of your own",
			     text);
	s->has_mac = true;
	return 0;
}

static int card_queues(struct spec *s, const char *text, char *err)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || end == text || n < 1 || n > SPEC_QUEUES_MAX)
		return wrong(err, "--net queues=%s: write 1 to %d", text, SPEC_QUEUES_MAX);
	s->queues = n;
	return 0;
}

static int card_word(struct spec *s, char *word, char *err)
{
	char *value = strchr(word, '=');

	if (!value)
		return wrong(err, "--net %s: write tap=NAME or bridge=BRIDGE, then ,mac= and ,queues=",
			     word);
	*value++ = '\0';
	if (!strcmp(word, "tap"))
		return interface(s->tap, value, word, err);
	if (!strcmp(word, "bridge"))
		return interface(s->bridge, value, word, err);
	if (!strcmp(word, "mac"))
		return card_mac(s, value, err);
	if (!strcmp(word, "queues"))
		return card_queues(s, value, err);
	return wrong(err, "--net %s=%s: not one of tap, bridge, mac, queues", word, value);
}

static int card(struct spec *s, char *text, char *err)
{
	char *word, *rest = text;
	int ret = 0;

	s->queues = 1;
	while (!ret && (word = strsep(&rest, ",")))
		ret = card_word(s, word, err);
	if (!ret && !*s->tap && !*s->bridge)
		return wrong(err, "--net: a card needs tap=NAME or bridge=BRIDGE, what it is connected to");
	return ret;
}

/* Commas end what our helpers take as a path. */
static int path(struct spec *s, const char *text, char *err)
{
	const char *word = spec_word(s->kind);

	if (!*text)
		return wrong(err, "--%s: a path is needed", word);
	if (strlen(text) >= SPEC_PATH_MAX)
		return wrong(err, "--%s: the path is longer than %d characters", word,
			     SPEC_PATH_MAX - 1);
	if (strpbrk(text, ",\n\t"))
		return wrong(err, "--%s %s: a path with a comma, tab or line break cannot be given; make a symbolic link to it",
			     word, text);
	strcpy(s->path, text);
	return 0;
}

static bool option(struct spec *s, const char *word)
{
	if (!strcmp(word, "ro"))
		s->read_only = true;
	else if (s->kind == SPEC_DISK && !strcmp(word, "format=qcow2"))
		s->qcow2 = true;
	else if (s->kind != SPEC_DISK && !strcmp(word, "cache=always"))
		s->cache_always = true;
	else
		return !strcmp(word, s->kind == SPEC_DISK ? "format=raw" : "cache=auto");
	return true;
}

/* Takes options off the end of @text. */
static int options(struct spec *s, char *text, char *err)
{
	char *comma;

	while ((comma = strrchr(text, ','))) {
		if (!option(s, comma + 1))
			return wrong(err, "--%s: '%s' is not known; write %s", spec_word(s->kind),
				     comma + 1, s->kind == SPEC_DISK ?
				     "format=raw, format=qcow2 or ro" :
				     "ro, cache=auto or cache=always");
		*comma = '\0';
	}
	return path(s, text, err);
}

static int file_system(struct spec *s, char *text, char *err)
{
	char *dir = strchr(text, '=');

	if (!dir || dir == text)
		return wrong(err, "--fs %s: write TAG=DIRECTORY", text);
	*dir++ = '\0';
	if (strlen(text) > SPEC_TAG_MAX || strpbrk(text, " \t\n,"))
		return wrong(err, "--fs %s: a tag has 1 to %d characters, and no blank or comma among them",
			     text, SPEC_TAG_MAX);
	if (!strcmp(text, "root"))
		return wrong(err, "--fs root: this tag is that of --root; take another");
	strcpy(s->tag, text);
	return options(s, dir, err);
}

int spec_parse(struct spec *s, enum spec_kind kind, const char *text, char err[SPEC_ERR_MAX])
{
	char copy[SPEC_TEXT_MAX];

	memset(s, 0, sizeof(*s));
	s->kind = kind;
	if (strlen(text) >= sizeof(copy))
		return wrong(err, "--%s: longer than %zu characters", spec_word(kind),
			     sizeof(copy) - 1);
	strcpy(copy, text);
	switch (kind) {
	case SPEC_NET:
		return card(s, copy, err);
	case SPEC_FS:
		return file_system(s, copy, err);
	case SPEC_ROOT:
		strcpy(s->tag, "root");
		return options(s, copy, err);
	default:
		return options(s, copy, err);
	}
}

static void format_card(const struct spec *s, char *text)
{
	char mac[18];
	int n;

	n = snprintf(text, SPEC_TEXT_MAX, "%s%s%s%s%s", *s->tap ? "tap=" : "", s->tap,
		     *s->tap && *s->bridge ? "," : "", *s->bridge ? "bridge=" : "", s->bridge);
	if (s->has_mac)
		n += snprintf(text + n, SPEC_TEXT_MAX - n, ",mac=%s", spec_mac_text(s->mac, mac));
	if (s->queues > 1)
		snprintf(text + n, SPEC_TEXT_MAX - n, ",queues=%u", s->queues);
}

const char *spec_format(const struct spec *s, char *text)
{
	if (s->kind == SPEC_NET)
		format_card(s, text);
	else
		snprintf(text, SPEC_TEXT_MAX, "%s%s%s%s%s%s", s->kind == SPEC_FS ? s->tag : "",
			 s->kind == SPEC_FS ? "=" : "", s->path, s->qcow2 ? ",format=qcow2" : "",
			 s->read_only ? ",ro" : "", s->cache_always ? ",cache=always" : "");
	return text;
}
