// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the supervisor lends (lend.c, lend_ask.c, lend_memory.c, quota.c) to kernels that ask
 * for anything: regions of any name, size and number, twice, of others, of nobody, while
 * kernels come and go, rules change and regions are revoked. A model beside it knows who may
 * have what; in the end all memory is there again.
 */
#include "rfcom_kernel.h"

#include "dice.h"

#define KERNELS		4U	/* the supervisor, which is the first, and subOSes */
#define NAMES		3U
#define BOUND		(1200UL << 20)	/* bytes that the machine has */
#define SHARE		(64ULL << 20)	/* that a subOS may offer */

#define virt_to_phys(p)		((u64)(uintptr_t)(p))
#define __module_get(m)		(regions_held++)
#define module_put(m)		(must(regions_held), regions_held--)

static unsigned long regions_held, memory_used;
static unsigned long lent_out, refused, revoked, quarantined, kept;

/* Of what is large only its beginning is there: nobody reads or writes it. */
static void *alloc_pages_exact(size_t size, gfp_t gfp)
{
	if (memory_used + size > BOUND)
		return NULL;
	memory_used += size;
	return kernel_alloc(size > RF_COM_EXTENTS * sizeof(struct rf_com_extent) ? 1 : size, gfp,
			    true);
}

static void free_pages_exact(void *p, size_t size)
{
	must(memory_used >= size);
	memory_used -= size;
	kfree(p);
}

#include "quota.c"
#include "lend.c"
#undef PIECE_MAX
#include "lend_memory.c"
#include "lend_ask.c"

/* the other kernels */
static struct {
	u32 generation;
	bool gone, parked_not;
} kernel[KERNELS];
static bool rule[KERNELS][KERNELS];
static const char *const names[NAMES] = { "one", "two", "\x01" };

static u32 peer_of(u32 n)
{
	return n % KERNELS ? n % KERNELS : FICM_LOOPBACK;
}

static u32 place_of(u32 peer)
{
	return peer == FICM_LOOPBACK ? 0 : peer;
}

int ficm_describe(u32 peer, struct ficm_kernel *k)
{
	u32 n = place_of(peer);

	must(peer != FICM_SUPERVISOR);
	if (n >= KERNELS || kernel[n].gone)
		return -ENOENT;
	*k = (struct ficm_kernel){ .peer = peer, .generation = kernel[n].generation };
	snprintf(k->name, sizeof(k->name), "k%u", n);
	return kernel[n].parked_not ? -EHOSTDOWN : 0;
}

int ficm_own(u32 *id)
{
	*id = FICM_SUPERVISOR;
	return 0;
}

bool ficm_may_open(u32 from, u32 to)
{
	return from < KERNELS && to < KERNELS && rule[from][to];
}

bool rfcom_name_good(const char *name)
{
	return name[0] > ' ' && memchr(name, 0, RFCOM_NAME_MAX);
}

/* Two kernels that are supposed to be the same. */
static bool is_now(const struct ficm_kernel *k)
{
	u32 n = place_of(k->peer);

	return !kernel[n].gone && kernel[n].generation == k->generation;
}

/* May a kernel have a region? As regions.rst has it. */
static bool may(const struct lent *r, const struct ficm_kernel *who, bool write)
{
	u32 n = place_of(who->peer), owner = place_of(r->owner.peer);
	bool only = r->flags & RF_COM_ONLY;

	if (n == owner)
		return true;
	if (write && !(r->flags & RF_COM_WRITE))
		return false;
	if (only && (r->only.peer != who->peer || r->only.generation != who->generation))
		return false;
	return !n || !owner || rule[n][owner] || (only && rule[owner][n]);
}

/* Whom an answer was for, and what it was about. */
static void look_at_answer(u32 peer, u32 number, const struct rf_com_region *answer)
{
	const struct rf_com_extent *table = (void *)(uintptr_t)answer->table;
	struct hold *h = NULL, *other = NULL;
	u64 bytes = 0;
	u32 i, n = 0;

	while ((other = hold_next(other)))
		if (other->who.peer == peer && other->number == number) {
			h = other;
			n++;
		}
	if (answer->error) {
		must(!h && answer->error <= MAX_ERRNO && !answer->table);
		refused++;
		return;
	}
	/* Its number is of one region. */
	must(n == 1 && is_now(&h->who) && !(h->flags & (RFCOM_REVOKED | RFCOM_LOST)));
	must(h->region->bytes == answer->bytes && table == h->region->memory.table);
	must(may(h->region, &h->who, answer->flags & RF_COM_WRITE));
	must(answer->nr_extents && answer->nr_extents <= RF_COM_EXTENTS);
	for (i = 0; i < answer->nr_extents; i++)
		bytes += table[i].bytes;
	must(bytes == answer->bytes && bytes <= RF_COM_REGION_MAX && !(bytes % PAGE_SIZE));
	lent_out++;
}

void rfcom_tell(u32 peer, u16 type, u32 to, const void *body, size_t len)
{
	must(type == RF_MSG_COM_REGION && len == sizeof(struct rf_com_region));
	if (((const struct rf_com_region *)body)->error == EAGAIN) {
		refused++;
		return;
	}
	mutex_lock(&lend_lock);
	look_at_answer(peer, to, body);
	mutex_unlock(&lend_lock);
}

void rfcom_tell_end(u32 peer, u16 type, u32 to, u32 from)
{
	must(to == from && place_of(peer) < KERNELS);
	must(type == RF_MSG_COM_REVOKE || type == RF_MSG_COM_DETACHED);
	revoked += type == RF_MSG_COM_REVOKE;
}

/* Whoever waits for others to let go: some do. */
static void kernel_wait(void)
{
	if (dice() % 2)
		rfcom_lend_detach(peer_of(dice()), dice() % 16);
}

static void name_take(char *name)
{
	u32 d = dice() % 16;

	strscpy(name, names[d < 10 ? 0 : d < 15 ? 1 : 2], RFCOM_NAME_MAX);
}

static void ask_offer(struct rf_com_offer *body, u32 d)
{
	body->flags = d % 16 == 15 ? dice32() : d % 4;
	body->bytes = d % 16 == 14 ? dice32() : d & 4 ? dice() << 20 : 1 + dice() * 64;
	body->only = dice() % (KERNELS + 1);
	name_take(body->name);
}

static void ask_attach(struct rf_com_attach *body, u32 d)
{
	body->flags = d % 16 == 15 ? dice32() : d % 2;
	body->owner = dice() % 8;
	if (body->owner > KERNELS)
		body->owner = d & 2 ? RF_FICM_NOBODY : body->owner % KERNELS;
	name_take(body->name);
}

static void step_ask(void)
{
	static const u16 types[] = { RF_MSG_COM_OFFER, RF_MSG_COM_ATTACH, RF_MSG_COM_ATTACH,
				     RF_MSG_COM_DETACH };
	u32 d = dice(), i;
	struct rf_msg *msg = aligned_alloc(sizeof(*msg), sizeof(*msg));
	struct rf_com_end *head = (void *)msg->body;

	memset(msg, 0, sizeof(*msg));
	msg->type = types[d / 32 % 4];
	if (d % 32 == 31)
		for (i = 0; i < sizeof(msg->body); i++)
			msg->body[i] = dice();
	else if (msg->type == RF_MSG_COM_OFFER)
		ask_offer((void *)msg->body, d);
	else if (msg->type == RF_MSG_COM_ATTACH)
		ask_attach((void *)msg->body, d);
	head->from = dice() % 16;
	rfcom_lend_asked(peer_of(dice()), msg);
	free(msg);
}

static void step_directory(void)
{
	u32 n = 1 + dice() % (KERNELS - 1), d = dice();

	switch (d % 8) {
	case 0:
		kernel[n].gone = !kernel[n].gone;
		break;
	case 1:
		kernel[n].generation++;
		kernel[n].parked_not = false;
		break;
	case 2:
		kernel[n].parked_not = true;
		quarantined++;
		break;
	default:
		rule[n][1 + d / 8 % (KERNELS - 1)] ^= 1;
	}
	if (d & 128)
		rfcom_lend_look();
}

static void step_revoke(void)
{
	u32 held, d = dice();
	char owner[8], from[8];
	int ret;

	snprintf(owner, sizeof(owner), "k%u", d % KERNELS);
	snprintf(from, sizeof(from), "k%u", d / 4 % KERNELS);
	ret = rfcom_lend_revoke(owner, names[d / 16 % 2], d & 128 ? from : "", 4, &held);
	must(ret == 0 || ret == -ENOENT || ret == -EINTR);
	kept += !ret && held;
}

/* Whoever has it lets go of it, or was told to, once its owner is gone. */
static void check_owned(const struct lent *r)
{
	bool owned = false, all_told = true;
	const struct hold *h;

	list_for_each_entry(h, &r->holds, node) {
		must(h->region == r);
		must(!(h->flags & RFCOM_OWNER) || h->who.peer == r->owner.peer);
		owned |= !!(h->flags & RFCOM_OWNER);
		all_told &= !!(h->flags & (RFCOM_OWNER | RFCOM_REVOKED));
	}
	must(owned || (!r->offered && all_told));
}

/* Regions that there are: each has a holder, none more than it may. */
static void check(void)
{
	u64 of[KERNELS] = { 0 }, pages = 0;
	unsigned long n = 0;
	struct rfcom_hold out;
	struct lent *r;
	struct hold *h;
	u32 i, holds = 0;

	list_for_each_entry(r, &regions, node) {
		n++;
		must(!list_empty(&r->holds) && r->bytes <= RF_COM_REGION_MAX);
		of[place_of(r->owner.peer)] += r->bytes;
		pages += r->bytes + r->memory.nr * sizeof(struct rf_com_extent);
		check_owned(r);
		list_for_each_entry(h, &r->holds, node)
			holds++;
	}
	must(n == regions_held && pages == memory_used);
	for (i = 1; i < KERNELS; i++)
		must(of[i] <= SHARE);
	must(!holds || rfcom_lend_nth(holds - 1, &out));
	must(!rfcom_lend_nth(holds, &out));
}

static void step(void)
{
	u32 d = dice();

	switch (d % 8) {
	case 0 ... 3:
		step_ask();
		break;
	case 4:
		step_directory();
		break;
	case 5:
		step_revoke();
		break;
	default:
		kernel_do_work(1 + d / 16, d & 8);
	}
	check();
}

/* All go: the supervisor, whom nobody parks, lets go by itself. */
static void end(void)
{
	u32 i;

	kernel_do_work(UINT_MAX, false);
	for (i = 0; i < KERNELS; i++) {
		kernel[i].gone = i;
		kernel[i].parked_not = false;
	}
	for (i = 0; i < 256 && regions_held; i++)
		rfcom_lend_detach(FICM_LOOPBACK, i);
	rfcom_lend_look();
	/* In quarantine they hold on for ever. */
	mutex_lock(&lend_lock);
	while (!list_empty(&regions)) {
		struct hold *h = hold_next(NULL);

		must(h->flags & RFCOM_LOST);
		hold_drop(h);
	}
	mutex_unlock(&lend_lock);
	rfcom_lend_asks_exit();
	must(!regions_held && !memory_used);
	kernel_end();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input = data;
	input_size = size;
	memset(kernel, 0, sizeof(kernel));
	memset(rule, 0, sizeof(rule));
	must(!rfcom_lend_asks_init());
	rule[1][2] = true;
	rule[3][1] = true;
	while (input_size)
		step();
	end();
	return 0;
}

size_t fuzz_make(uint8_t *data, uint64_t (*random)(void))
{
	return dice_make(data, random, 150, 1000);
}

int fuzz_summary(char *text, size_t size)
{
	snprintf(text, size, "%lu times lent, %lu refused, %lu revoked, of which %lu waited for in vain; %lu kernels in quarantine",
		 lent_out, refused, revoked, kept, quarantined);
	return !lent_out || !refused || !revoked || !kept || !quarantined;
}
