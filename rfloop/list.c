// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which kernel has which address: see list.h.
 */
#include "list.h"

static u32 hash_of(u8 family, const u8 *address)
{
	u32 hash = family, i;

	for (i = 0; i < (family == 4 ? 4 : 16); i++)
		hash = (hash ^ address[i]) * 0x01000193;
	return (hash ^ hash >> 15) % RFLOOP_HASH;
}

static bool zero(const u8 *bytes, u32 nr)
{
	while (nr)
		if (bytes[--nr])
			return false;
	return true;
}

/* An address that a host can have, of which packets go to one host. */
static bool entry_good(const struct rf_loop_entry *e)
{
	u16 family = le16_to_cpu(e->family);
	const u8 *a = e->address;

	if (e->mac[0] & 1)
		return false;
	if (family == 4)
		return a[0] && a[0] != 127 && a[0] < 224 && zero(a + 4, 12) &&
		       !(a[0] == 169 && a[1] == 254);
	return family == 6 && a[0] != 0xff && !(a[0] == 0xfe && (a[1] & 0xc0) == 0x80) &&
	       !zero(a, 15);
}

static u32 place_of(const struct rfloop_table *t, u8 family, const u8 *address)
{
	u32 at = hash_of(family, address);

	for (; t->hash[at]; at = (at + 1) % RFLOOP_HASH) {
		const struct rfloop_address *a = &t->a[t->hash[at] - 1];

		if (a->family == family && !memcmp(a->address, address, family == 4 ? 4 : 16))
			break;
	}
	return at;
}

/**
 * rfloop_table_find() - who has an address
 * @t: the list
 * @family: 4 or 6
 * @address: 4 or 16 bytes
 *
 * Return: that, or NULL.
 */
const struct rfloop_address *rfloop_table_find(const struct rfloop_table *t, u8 family,
					       const void *address)
{
	u16 at = t->hash[place_of(t, family, address)];

	return at ? &t->a[at - 1] : NULL;
}

static bool mac_taken(const struct rfloop_table *t, u32 kernel, const u8 *mac)
{
	u32 i;

	if (zero(mac, 6))
		return false;
	for (i = 0; i < t->nr; i++)
		if (t->a[i].kernel != kernel && !memcmp(t->a[i].mac, mac, 6))
			return true;
	return false;
}

/**
 * rfloop_table_add() - one more address
 * @t: the list
 * @e: whose, as another kernel wrote it
 *
 * Return: 0; -EINVAL it can be nobody's, -EEXIST somebody has it, or another kernel its
 * MAC address; -ENOSPC.
 */
int rfloop_table_add(struct rfloop_table *t, const struct rf_loop_entry *e)
{
	struct rfloop_address *a = &t->a[t->nr];
	u32 at, kernel = le32_to_cpu(e->kernel);

	if (!entry_good(e))
		return -EINVAL;
	if (t->nr == RF_LOOP_LIST_MAX)
		return -ENOSPC;
	at = place_of(t, le16_to_cpu(e->family), e->address);
	if (t->hash[at] || mac_taken(t, kernel, e->mac))
		return -EEXIST;
	memset(a, 0, sizeof(*a));
	a->kernel = kernel;
	a->family = le16_to_cpu(e->family);
	memcpy(a->mac, e->mac, sizeof(a->mac));
	memcpy(a->address, e->address, sizeof(a->address));
	t->hash[at] = ++t->nr;
	return 0;
}

static bool entries_same(const struct rf_loop_entry *a, const struct rf_loop_entry *b)
{
	return a->family == b->family && !memcmp(a->address, b->address, sizeof(a->address)) &&
	       !memcmp(a->mac, b->mac, sizeof(a->mac));
}

/* What a kernel has said before it said so first then. */
static void claim_take(struct rfloop_claim *to, const struct rfloop_claim *old, u32 nr,
		       const struct rf_loop_entry *e, u64 now)
{
	u32 i;

	for (i = 0; i < nr; i++)
		if (entries_same(&old[i].entry, e)) {
			*to = old[i];
			return;
		}
	memset(to, 0, sizeof(*to));
	to->entry = *e;
	to->since = now;
}

static u32 claims_of(const struct rfloop_claims *c, u32 kernel)
{
	u32 i, empty = RFLOOP_KERNELS;

	for (i = RFLOOP_KERNELS; i; i--) {
		if (c->of[i - 1].used && c->of[i - 1].kernel == kernel)
			return i - 1;
		if (!c->of[i - 1].used)
			empty = i - 1;
	}
	return empty;
}

/**
 * rfloop_claims_set() - a kernel says which addresses it has
 * @c: what all say
 * @kernel: it
 * @e: all that it has
 * @nr: how many
 *
 * Return: 0; -EINVAL an address that can be nobody's, -ENOSPC too many.
 */
int rfloop_claims_set(struct rfloop_claims *c, u32 kernel, const struct rf_loop_entry *e, u32 nr)
{
	u32 at = claims_of(c, kernel), i, old_nr;

	if (nr > RF_LOOP_OWN_MAX || at == RFLOOP_KERNELS)
		return -ENOSPC;
	for (i = 0; i < nr; i++)
		if (!entry_good(&e[i]))
			return -EINVAL;
	old_nr = c->of[at].used ? c->of[at].nr : 0;
	memcpy(c->old, c->of[at].claim, old_nr * sizeof(*c->old));
	c->of[at].used = true;
	c->of[at].kernel = kernel;
	c->of[at].nr = nr;
	c->next++;
	for (i = 0; i < nr; i++) {
		claim_take(&c->of[at].claim[i], c->old, old_nr, &e[i], c->next);
		c->of[at].claim[i].entry.kernel = cpu_to_le32(kernel);
	}
	return 0;
}

/**
 * rfloop_claims_drop() - a kernel says nothing any more
 * @c: what all say
 * @kernel: it
 */
void rfloop_claims_drop(struct rfloop_claims *c, u32 kernel)
{
	u32 at = claims_of(c, kernel);

	if (at < RFLOOP_KERNELS)
		memset(&c->of[at], 0, sizeof(c->of[at]));
}

/* The first claim that was made after this one, of those that were made at @since last. */
static u64 claims_after(const struct rfloop_claims *c, u64 since)
{
	u64 first = U64_MAX;
	u32 i, j;

	for (i = 0; i < RFLOOP_KERNELS; i++)
		for (j = 0; !c->of[i].off && j < c->of[i].nr; j++)
			if (c->of[i].claim[j].since > since && c->of[i].claim[j].since < first)
				first = c->of[i].claim[j].since;
	return first;
}

/**
 * rfloop_claims_build() - make the list of what kernels say: the first one has it
 * @c: what all say; @refused of each is set
 * @t: (out) the list
 */
void rfloop_claims_build(struct rfloop_claims *c, struct rfloop_table *t)
{
	u64 since = 0;
	u32 i, j;

	memset(t, 0, sizeof(*t));
	while ((since = claims_after(c, since)) != U64_MAX)
		for (i = 0; i < RFLOOP_KERNELS; i++)
			for (j = 0; j < c->of[i].nr; j++) {
				struct rfloop_claim *claim = &c->of[i].claim[j];

				if (c->of[i].off)
					claim->refused = false;
				else if (claim->since == since)
					claim->refused = rfloop_table_add(t, &claim->entry);
			}
}
