// SPDX-License-Identifier: GPL-2.0-only
/*
 * rflooplie.ko: a kernel that does not keep RFloop's rules, in the place of its rfloop.ko.
 * Loading it claims an address with the supervisor, sends in a ring what no kernel does,
 * and offers one in which it says what cannot be; the kernel's log says how often the
 * other end gave up a ring.
 *
 *	insmod rflooplie.ko address=10.9.0.2 count=ROUNDS
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/inet.h>
#include <linux/ip.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wait.h>
#include <rainforest/ficm.h>
#include <rainforest/rfcom.h>
#include <linux/rainforest_loop.h>

static char *address = "";
module_param(address, charp, 0400);
static char *to = "";
module_param(to, charp, 0400);
static uint count = 100;
module_param(count, uint, 0400);

#define LIE_WAIT	(2 * HZ)
#define LIE_LISTS	50U	/* until the claim is in one */
#define LIE_PACKETS	200U	/* in one ring */

static DECLARE_COMPLETION(answered);
static struct rf_loop_answer answer;
static bool asked;
static u32 asked_number;
static u32 downs_in, downs_out, puts;

static void got_answer(u32 peer, const struct rf_msg *msg, void *arg)
{
	memcpy(&answer, msg->body, sizeof(answer));
	complete(&answered);
}

static void got_ask(u32 peer, const struct rf_msg *msg, void *arg)
{
	const struct rf_loop_ask *body = (const void *)msg->body;

	asked_number = le32_to_cpu(body->number);
	WRITE_ONCE(asked, true);
}

static void got_down(u32 peer, const struct rf_msg *msg, void *arg)
{
	const struct rf_loop_down *body = (const void *)msg->body;

	if (body->yours)
		WRITE_ONCE(downs_out, downs_out + 1);
	else
		WRITE_ONCE(downs_in, downs_in + 1);
}

static void got_bell(u32 peer, const struct rf_msg *msg, void *arg)
{
}

static void tell(u16 type, const void *body, size_t len)
{
	struct rf_msg msg = { .type = cpu_to_le16(type), .len = len };

	if (len)
		memcpy(msg.body, body, len);
	ficm_post(FICM_SUPERVISOR, &msg);
}

/* Near what is true, or anything. */
static u32 lie(u32 truth)
{
	u32 r = get_random_u32();

	switch (r >> 28) {
	case 0: return get_random_u32();
	case 1: return truth + r % 3;
	case 2: return truth - r % 3;
	default: return truth;
	}
}

/* A packet that might be one, in its first page; of us or of somebody else. */
static void packet_fill(u8 *page, u32 *len)
{
	struct iphdr *ip = (struct iphdr *)page;

	get_random_bytes(page, 128);
	if (get_random_u32() % 8 == 0)
		return;
	ip->version = 4;
	ip->ihl = get_random_u32() % 8 ? 5 : ip->ihl;
	ip->tot_len = cpu_to_be16(get_random_u32() % 4 ? *len : get_random_u32());
	ip->protocol = get_random_u32() % 2 ? IPPROTO_TCP : IPPROTO_UDP;
	ip->saddr = get_random_u32() % 4 ? in_aton(address) : ip->saddr;
	ip->daddr = get_random_u32() % 4 ? in_aton(to) : ip->daddr;
	ip->ttl = 64;
	ip->frag_off = get_random_u32() % 4 ? 0 : ip->frag_off;
	ip->check = 0;
	ip->check = ip_fast_csum(ip, ip->ihl < 5 ? 5 : ip->ihl);
}

static void slot_fill(struct rf_loop_slot *slot, u32 len, u32 page, u32 pages)
{
	u32 i;

	memset(slot, 0, sizeof(*slot));
	slot->len = cpu_to_le32(lie(len));
	if (get_random_u32() % 2) {
		slot->flags = get_random_u32();
		slot->gso_type = get_random_u32() % 8;
		slot->gso_size = cpu_to_le16(get_random_u32() % 2 ? 1000 : get_random_u32());
		slot->csum_start = cpu_to_le16(get_random_u32() % 2 ? 20 : get_random_u32());
		slot->csum_offset = cpu_to_le16(get_random_u32() % 2 ? 16 : get_random_u32());
	}
	for (i = 0; i < RF_LOOP_FRAGS; i++)
		slot->page[i] = cpu_to_le16((page + i) % pages);
	if (get_random_u32() % 64 == 0)
		slot->page[get_random_u32() % 4] = cpu_to_le16(get_random_u32());
}

/* Packets in the ring of the region, until the other end gives it up. */
static void send_lies(struct rf_loop_ring *ring, size_t bytes)
{
	u32 pages = (bytes - sizeof(*ring)) / RF_LOOP_PAGE, before = downs_out, put = 0, len, n;
	u8 *data = (u8 *)(ring + 1);

	for (n = 0; n < LIE_PACKETS && READ_ONCE(downs_out) == before; n++) {
		u32 page = 16 * n % (pages - 16);

		len = get_random_u32() % 4 ? 20 + get_random_u32() % 3000 :
		      get_random_u32() % (RF_LOOP_PACKET + 2);
		packet_fill(data + page * RF_LOOP_PAGE, &len);
		slot_fill(&ring->sender.slot[put++ % RF_LOOP_SLOTS], len, page, pages);
		ring->sender.room_wanted = cpu_to_le32(get_random_u32());
		/* The packet before that it is there, so that it is seen as it was meant. */
		smp_store_release(&ring->sender.put, cpu_to_le32(n % 32 == 31 ? lie(put) : put));
		puts++;
		if (n % 2)
			tell(RF_MSG_LOOP_BELL, NULL, 0);
		else
			ficm_knock(FICM_SUPERVISOR);
		usleep_range(500, 1000);
	}
}

static void lie_out(u32 number)
{
	struct rf_loop_ask ask = {
		.version = cpu_to_le32(RF_LOOP_VERSION),
		.number = cpu_to_le32(number),
	};
	struct rf_region *region;
	size_t bytes;
	void *map;

	reinit_completion(&answered);
	tell(RF_MSG_LOOP_ASK, &ask, sizeof(ask));
	if (!wait_for_completion_timeout(&answered, LIE_WAIT) || answer.error)
		return;
	answer.name[sizeof(answer.name) - 1] = '\0';
	region = rf_attach("supervisor", answer.name, RF_WRITE, 1000);
	if (IS_ERR(region))
		return;
	map = rf_map(region, 0, &bytes);
	if (!IS_ERR(map)) {
		send_lies(map, bytes);
		rf_unmap(region);
	}
	rf_detach(region);
}

static void receive_lies(struct rf_loop_ring *ring)
{
	u32 before = downs_in, taken = 0, returned = 0, n, i;
	unsigned long end = jiffies + HZ;

	for (n = 0; time_before(jiffies, end) && READ_ONCE(downs_in) == before; n++) {
		u32 put = le32_to_cpu(READ_ONCE(ring->sender.put));

		for (i = 0; i < 8; i++)
			ring->receiver.back[(returned + i) % RF_LOOP_BACK] =
				cpu_to_le16(get_random_u32() % 2 ? get_random_u32() : i);
		taken = lie(put);
		returned = lie(returned);
		WRITE_ONCE(ring->receiver.taken, cpu_to_le32(taken));
		WRITE_ONCE(ring->receiver.returned, cpu_to_le32(returned));
		WRITE_ONCE(ring->receiver.wanted, cpu_to_le32(lie(put)));
		tell(RF_MSG_LOOP_BELL, NULL, 0);
		usleep_range(500, 1000);
	}
}

static void lie_in(u32 number)
{
	struct rf_loop_answer ours = { .number = cpu_to_le32(asked_number) };
	struct rf_loop_ring *ring;
	struct rf_region *region;
	size_t bytes;

	WRITE_ONCE(asked, false);
	snprintf(ours.name, sizeof(ours.name), "lie-%u", number);
	region = rf_offer_to(FICM_SUPERVISOR, ours.name, SZ_1M, RF_WRITE);
	if (IS_ERR(region))
		return;
	ring = rf_map(region, 0, &bytes);
	if (!IS_ERR(ring)) {
		ring->receiver.version = cpu_to_le32(RF_LOOP_VERSION);
		ring->receiver.size = cpu_to_le32(sizeof(*ring));
		ring->receiver.pages = cpu_to_le32(number % 4 ? 100 : get_random_u32() % 300);
		ring->receiver.magic = cpu_to_le32(RF_LOOP_MAGIC);
		tell(RF_MSG_LOOP_ANSWER, &ours, sizeof(ours));
		receive_lies(ring);
		rf_unmap(region);
	}
	rf_detach(region);
}

static int claim(struct rf_channel *ch)
{
	struct {
		struct rf_loop_list head;
		struct rf_loop_entry entry;
	} message = {
		.head = { .version = cpu_to_le32(RF_LOOP_VERSION), .nr = cpu_to_le32(1) },
		.entry = { .family = cpu_to_le16(4) },
	};
	__be32 own = in_aton(address);

	memcpy(message.entry.address, &own, sizeof(own));
	return rf_write(ch, &message, sizeof(message), 0);
}

/* The supervisor says what it took: its list has the address. */
static bool claimed(struct rf_channel *ch)
{
	struct {
		struct rf_loop_list head;
		struct rf_loop_entry entry[RF_LOOP_LIST_MAX];
	} *list = kvzalloc(sizeof(*list), GFP_KERNEL);
	__be32 own = in_aton(address);
	bool found = false;
	ssize_t got;
	u32 i, n;

	for (n = 0; list && !found && n < LIE_LISTS; n++) {
		if (!wait_event_timeout(*rf_channel_wait(ch), rf_readable(ch), LIE_WAIT))
			break;
		got = rf_read(ch, list, sizeof(*list), RF_NOWAIT);
		if (got < (ssize_t)sizeof(list->head))
			break;
		for (i = 0; i < min(le32_to_cpu(list->head.nr), RF_LOOP_LIST_MAX); i++)
			found |= !memcmp(list->entry[i].address, &own, sizeof(own));
	}
	kvfree(list);
	return found;
}

static const struct {
	u16 type;
	ficm_handler_t fn;
} handlers[] = {
	{ RF_MSG_LOOP_ASK, got_ask },
	{ RF_MSG_LOOP_ANSWER, got_answer },
	{ RF_MSG_LOOP_DOWN, got_down },
	{ RF_MSG_LOOP_BELL, got_bell },
};

static int __init rflooplie_init(void)
{
	struct rf_channel *ch = rf_open("supervisor", RF_LOOP_SERVICE, 2000);
	unsigned int i;
	int ret;

	if (IS_ERR(ch))
		return PTR_ERR(ch);
	for (i = 0; i < ARRAY_SIZE(handlers); i++)
		ficm_register(handlers[i].type, handlers[i].fn, NULL);
	ret = claim(ch);
	if (!ret && !claimed(ch))
		ret = -ETIME;
	for (i = 0; !ret && i < count; i++) {
		lie_out(i);
		if (READ_ONCE(asked))
			lie_in(i);
	}
	pr_info("%u packets, %u rings of the other's given up, %u of ours\n", puts, downs_out,
		downs_in);
	for (i = 0; i < ARRAY_SIZE(handlers); i++)
		ficm_unregister(handlers[i].type);
	rf_close(ch);
	return ret;
}

static void __exit rflooplie_exit(void)
{
}

module_init(rflooplie_init);
module_exit(rflooplie_exit);
MODULE_DESCRIPTION("RainForest tests: a kernel that breaks RFloop's rules");
MODULE_AUTHOR("RainForest developers");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(RAINFOREST_FICM);
MODULE_IMPORT_NS(RAINFOREST_RFCOM);
