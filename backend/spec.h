/* SPDX-License-Identifier: GPL-2.0-only */
/* What a device shall be, as rfm --net, --root, --fs and --disk say it. */
#ifndef BACKEND_SPEC_H
#define BACKEND_SPEC_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPEC_TAG_MAX	36	/* bytes of a file system's tag, virtio_fs_config */
#define SPEC_QUEUES_MAX	8	/* pairs of queues of a network card */
#define SPEC_PATH_MAX	1024
#define SPEC_TEXT_MAX	(SPEC_PATH_MAX + 128)
#define SPEC_ERR_MAX	(SPEC_PATH_MAX + 300)

enum spec_kind { SPEC_NET, SPEC_ROOT, SPEC_FS, SPEC_DISK, SPEC_KINDS };

/**
 * struct spec - a device
 * @kind: SPEC_ROOT is a file system with the tag "root", from which the subOS boots
 * @tap: net: name of the interface in the supervisor; empty: one is made
 * @bridge: net: the bridge that it is put on; empty: none
 * @mac: net: address of the card; valid with @has_mac
 * @has_mac: see @mac
 * @queues: net: pairs of queues
 * @tag: file systems: what the subOS mounts it by
 * @path: directory or image file
 * @read_only: the subOS cannot write to it
 * @qcow2: disk: format of the image; else raw
 * @cache_always: file systems: the subOS never asks again for what it knows
 */
struct spec {
	enum spec_kind kind;
	char tap[IFNAMSIZ];
	char bridge[IFNAMSIZ];
	uint8_t mac[6];
	bool has_mac;
	unsigned int queues;
	char tag[SPEC_TAG_MAX + 1];
	char path[SPEC_PATH_MAX];
	bool read_only;
	bool qcow2;
	bool cache_always;
};

/* "net", "root", "fs" or "disk"; the option of rfm without its dashes */
const char *spec_word(enum spec_kind kind);
/* Return: SPEC_KINDS when it is none. */
enum spec_kind spec_kind(const char *word);

/**
 * spec_parse - read a device
 * @s: (out) the device; a path is taken as it is
 * @kind: what it is
 * @text: tap=NAME|bridge=BRIDGE[,mac=MAC][,queues=N] of a card,
 *	DIRECTORY[,ro][,cache=auto|always] of a root, the same after TAG= of a file system,
 *	FILE[,format=raw|qcow2][,ro] of a disk
 * @err: (out) on failure one line that names the thing, the fact and the way out
 *
 * Return: 0, -EINVAL.
 */
int spec_parse(struct spec *s, enum spec_kind kind, const char *text, char err[SPEC_ERR_MAX]);

/* The text that spec_parse() reads; @text has SPEC_TEXT_MAX bytes. */
const char *spec_format(const struct spec *s, char *text);

/* Of a card: fit for one station, and not nothing. */
bool spec_mac_good(const uint8_t mac[6]);
/* Return: 0, -EINVAL. */
int spec_mac_parse(const char *text, uint8_t mac[6]);
/* "02:00:00:00:00:01"; @text has 18 bytes. */
const char *spec_mac_text(const uint8_t mac[6], char *text);

/**
 * spec_mac_make - an address for a card that was given none
 * @mac: (out) locally administered; the same for the same arguments
 * @machine: id of the machine, any text
 * @subos: name of the subOS
 * @number: of the device; of a further try, plus 256 for each
 */
void spec_mac_make(uint8_t mac[6], const char *machine, const char *subos, unsigned int number);

#endif /* BACKEND_SPEC_H */
