// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfcomlie.ko: a kernel that does not keep RFcom's rules, in the place of its rfcom.ko.
 * Loading it opens a channel to a service of the supervisor and then does what no kernel
 * does; the kernel's log says how the other end took it.
 *
 *	insmod rfcomlie.ko service=NAME what=overrun	more lines than the queue has
 *	insmod rfcomlie.ko service=NAME what=line	a line that cannot be
 *	insmod rfcomlie.ko service=NAME what=chunk	more than a chunk holds
 *	insmod rfcomlie.ko service=NAME what=taken	took more than was sent
 *	insmod rfcomlie.ko service=NAME what=opens	count= requests to be let in, at once
 *	insmod rfcomlie.ko service=NAME what=bulk	count= lines that name chunks, by numbers
 *							that can be and others, in chunks that
 *							change behind them, and lies about what
 *							it took; NAME echoes, before and behind it
 *	insmod rfcomlie.ko service=NAME what=random	count= messages of random bytes
 *	insmod rfcomlie.ko service=NAME what=regions	count= of those about regions
 *	insmod rfcomlie.ko service=vsock what=knock	count= channels, in each a first message
 *							of random bytes, half of them as they
 *							should be
 *	insmod rfcomlie.ko service=vsock what=after	a connection to the port count=, and data
 *							after it said that there is no more
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/string.h>
#include <rainforest/ficm.h>

static char *service = "";
module_param(service, charp, 0400);
static char *what = "";
module_param(what, charp, 0400);
static uint count = 1000;
module_param(count, uint, 0400);

#define LIE_END		77U	/* number of our end */
#define LIE_WAIT	(10 * HZ)

static DECLARE_COMPLETION(opened);
static DECLARE_COMPLETION(closed);
static DECLARE_COMPLETION(attached);
static DECLARE_COMPLETION(echoed);
static u32 partner;
static u32 end = LIE_END;		/* the one that is open */
static atomic_t let_in, refused;

static void got_opened(u32 peer, const struct rf_msg *msg, void *arg)
{
	const struct rf_com_opened *body = (const void *)msg->body;

	if (body->error)
		atomic_inc(&refused);
	else
		atomic_inc(&let_in);
	partner = le32_to_cpu(body->from);
	complete(&opened);
}

static void got_close(u32 peer, const struct rf_msg *msg, void *arg)
{
	if (le32_to_cpu(msg->tag) == end)
		complete(&closed);
}

static void got_region(u32 peer, const struct rf_msg *msg, void *arg)
{
	const struct rf_com_region *body = (const void *)msg->body;

	if (le32_to_cpu(msg->tag) == LIE_END && !body->error)
		complete(&attached);
}

/* For what=bulk: chunks, and what the other end did. */
static struct rf_com_bulk *chunks_out, *chunks_in;
static u32 chunks_sent, cells_sent, cells_taken, cells_came, bytes_came, echo;
static bool echo_good;

static void got_taken(u32 peer, const struct rf_msg *msg, void *arg)
{
	const struct rf_com_taken *body = (const void *)msg->body;

	if (le32_to_cpu(msg->tag) == end)
		WRITE_ONCE(cells_taken, le32_to_cpu(body->cells));
}

static void got_data(u32 peer, const struct rf_msg *msg, void *arg)
{
	const struct rf_com_data *body = (const void *)msg->body;
	u32 bytes = msg->len - offsetof(struct rf_com_data, data), first;
	const struct rf_com_chunk *chunk = (const void *)body->data;
	const u8 *data = body->data;

	if (le32_to_cpu(msg->tag) != end || !chunks_in)
		return;
	if (le32_to_cpu(body->flags) & RF_COM_IN_CHUNK) {
		bytes = le32_to_cpu(chunk->bytes);
		first = le32_to_cpu(chunk->count);
		data = chunks_in->chunk[first % RF_COM_CHUNKS];
		WRITE_ONCE(chunks_out->taken,
			   cpu_to_le32(first + DIV_ROUND_UP(bytes, RF_COM_CHUNK)));
	}
	echo_good &= !memchr_inv(data, LIE_END, bytes);
	WRITE_ONCE(cells_came, cells_came + DIV_ROUND_UP(bytes, RF_COM_CELL));
	bytes_came += bytes;
	if (!(le32_to_cpu(body->flags) & RF_COM_LAST))
		return;
	echo = bytes_came;
	bytes_came = 0;
	complete(&echoed);
}

static int send(u16 type, u32 to, const void *body, size_t len)
{
	unsigned long end = jiffies + LIE_WAIT;
	struct rf_msg msg = {
		.type = cpu_to_le16(type),
		.tag = cpu_to_le32(to),
		.len = len,
	};
	int ret;

	memcpy(msg.body, body, len);
	do {
		ret = ficm_send(FICM_SUPERVISOR, &msg);
		if (ret == -EAGAIN)
			usleep_range(50, 100);
	} while (ret == -EAGAIN && time_before(jiffies, end));
	return ret;
}

static int ask(u32 from)
{
	struct rf_com_open body = { .from = cpu_to_le32(from) };

	strscpy(body.service, service, sizeof(body.service));
	return send(RF_MSG_COM_OPEN, 0, &body, sizeof(body));
}

static int lie_overrun(void)
{
	struct rf_com_data body = { .from = cpu_to_le32(LIE_END) };
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < 2 * RF_COM_CELLS; i++)
		ret = send(RF_MSG_COM_DATA, partner, &body, sizeof(body));
	return ret;
}

static int lie_line(void)
{
	struct rf_com_data body = { .from = cpu_to_le32(LIE_END) };

	return send(RF_MSG_COM_DATA, partner, &body, offsetof(struct rf_com_data, data) + 3);
}

static int lie_chunk(void)
{
	struct rf_com_data body = {
		.from = cpu_to_le32(LIE_END),
		.flags = cpu_to_le32(RF_COM_LAST | RF_COM_IN_CHUNK),
	};
	struct rf_com_chunk chunk = {
		.count = cpu_to_le32(RF_COM_CHUNKS - 1),
		.bytes = cpu_to_le32(RF_COM_CHUNK + 1),
	};

	memcpy(body.data, &chunk, sizeof(chunk));
	return send(RF_MSG_COM_DATA, partner, &body,
		    offsetof(struct rf_com_data, data) + sizeof(chunk));
}

static int lie_taken(void)
{
	struct rf_com_taken body = {
		.from = cpu_to_le32(LIE_END),
		.cells = cpu_to_le32(1000000),
	};

	return send(RF_MSG_COM_TAKEN, partner, &body, sizeof(body));
}

static int lie_opens(void)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < count; i++)
		ret = ask(LIE_END + 1 + i);
	return ret;
}

/* Types and ends that there are, so that it does not all stop at the first look. */
static int lie_random(void)
{
	unsigned int i, type, len;
	u8 body[RF_MSG_BODY];
	int ret = 0;

	for (i = 0; !ret && i < count; i++) {
		get_random_bytes(body, sizeof(body));
		type = RF_MSG_COM_OPEN + body[0] % 6;
		len = body[1] % (RF_MSG_BODY + 1);
		if (body[2] % 2)
			*(__le32 *)body = cpu_to_le32(LIE_END);
		ret = send(type, body[3] % 2 ? partner : body[4] % 8, body, len);
	}
	return ret;
}

static size_t region_body(u16 type)
{
	if (type == RF_MSG_COM_OFFER)
		return sizeof(struct rf_com_offer);
	if (type == RF_MSG_COM_ATTACH)
		return sizeof(struct rf_com_attach);
	return type == RF_MSG_COM_REGION ? sizeof(struct rf_com_region) : sizeof(struct rf_com_end);
}

/* The last thing that it does: what it has then it does not let go. */
static int lie_attach(void)
{
	struct rf_com_attach body = { .from = cpu_to_le32(LIE_END), .name = "one" };
	unsigned long end = jiffies + LIE_WAIT;
	int ret;

	/* Too many requests at a time are refused. */
	do {
		ret = send(RF_MSG_COM_ATTACH, 0, &body, sizeof(body));
		if (!ret && wait_for_completion_timeout(&attached, HZ / 10))
			return 0;
	} while (!ret && time_before(jiffies, end));
	return ret ?: -ETIMEDOUT;
}

/* Half of them as they should be: few names and numbers, sizes that can be had. */
static int lie_regions(void)
{
	u8 body[RF_MSG_BODY], dice[6];
	unsigned int i;
	size_t len;
	u16 type;
	int ret = 0;

	for (i = 0; !ret && i < count; i++) {
		get_random_bytes(body, sizeof(body));
		get_random_bytes(dice, sizeof(dice));
		type = RF_MSG_COM_OFFER + dice[0] % 6;
		len = dice[1] % 2 ? region_body(type) : dice[2] % (RF_MSG_BODY + 1);
		if (dice[3] % 4) {
			memset(body + 1, 0, sizeof(body) - 1);
			body[0] %= 16;
			body[4] = dice[4] % 2;
			body[8] = dice[4] % 5;
			body[10] = dice[5] % 64;
			strscpy(body + 16, dice[4] % 3 ? "one" : "x", 8);
		}
		ret = send(type, dice[5] % 16, body, len);
	}
	return ret ?: lie_attach();
}

static int line(u32 from, const void *data, size_t len, u32 flags)
{
	struct rf_com_data body = {
		.from = cpu_to_le32(from),
		.flags = cpu_to_le32(flags | RF_COM_LAST),
	};

	memcpy(body.data, data, len);
	return send(RF_MSG_COM_DATA, partner, &body, offsetof(struct rf_com_data, data) + len);
}

/* Few are let in at a time. */
static int ask_until_opened(u32 from)
{
	unsigned long end = jiffies + LIE_WAIT;
	int ret;

	do {
		reinit_completion(&opened);
		ret = ask(from);
		if (!ret && !wait_for_completion_timeout(&opened, LIE_WAIT))
			return -ETIMEDOUT;
		if (!ret && !partner)
			usleep_range(500, 1000);
	} while (!ret && !partner && time_before(jiffies, end));
	return ret ?: partner ? 0 : -ECONNREFUSED;
}

static int lie_knock(void)
{
	u8 data[RF_COM_LINE], dice[4];
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < count; i++) {
		struct rf_vsock_request *request = (void *)data;
		size_t len;

		get_random_bytes(data, sizeof(data));
		get_random_bytes(dice, sizeof(dice));
		len = dice[0] % 2 ? sizeof(*request) : 1 + dice[1] % RF_COM_LINE;
		if (dice[2] % 2) {
			request->type = cpu_to_le32(dice[2] % 4);
			request->reserved = cpu_to_le32(dice[2] % 8 == 7);
			request->to_port = cpu_to_le32(5000);
		}
		ret = ask_until_opened(LIE_END + 1 + i);
		if (!ret)
			ret = line(LIE_END + 1 + i, data, len, dice[3] % 8 ? 0 : RF_COM_MARK);
	}
	return ret;
}

static int lie_after(void)
{
	struct rf_vsock_request request = {
		.type = cpu_to_le32(RF_VSOCK_STREAM),
		.to_port = cpu_to_le32(count),
	};
	struct rf_vsock_shutdown no_more = { .how = cpu_to_le32(RF_VSOCK_SENT) };
	int ret;

	ret = line(LIE_END, &request, sizeof(request), 0);
	if (!ret)
		ret = line(LIE_END, "abc", 3, 0);
	if (!ret)
		ret = line(LIE_END, &no_more, sizeof(no_more), RF_COM_MARK);
	return ret ?: line(LIE_END, "def", 3, 0);
}

/* Chunks behind that one, as many as a line may name. */
static u32 chunks_most(u32 count)
{
	return min(RF_COM_RUN, RF_COM_CHUNKS - count % RF_COM_CHUNKS);
}

static int name_chunks(u32 count, u32 bytes)
{
	struct rf_com_chunk chunk = {
		.count = cpu_to_le32(count),
		.bytes = cpu_to_le32(bytes),
	};

	cells_sent += DIV_ROUND_UP(bytes, RF_COM_CELL);
	return line(end, &chunk, sizeof(chunk), RF_COM_IN_CHUNK);
}

static int bulk_open(void)
{
	end++;
	cells_sent = 0;
	cells_taken = 0;
	cells_came = 0;
	bytes_came = 0;
	reinit_completion(&closed);
	return ask_until_opened(end);
}

/* A message as it has to be comes back as it was. */
static int bulk_truth(void)
{
	u32 bytes = chunks_most(chunks_sent) * RF_COM_CHUNK;
	int ret;

	WRITE_ONCE(chunks_out->version, cpu_to_le32(RF_WIRE_VERSION));
	WRITE_ONCE(chunks_out->size, cpu_to_le32(sizeof(*chunks_out)));
	WRITE_ONCE(chunks_out->token, cpu_to_le32(get_random_u32() | 1));
	WRITE_ONCE(chunks_out->taken, chunks_in->sent);
	WRITE_ONCE(chunks_out->magic, cpu_to_le32(RF_COM_BULK_MAGIC));
	ret = bulk_open();
	if (ret)
		return ret;
	memset(chunks_out->chunk[chunks_sent % RF_COM_CHUNKS], LIE_END, bytes);
	echo_good = true;
	reinit_completion(&echoed);
	ret = name_chunks(chunks_sent, bytes);
	chunks_sent += bytes / RF_COM_CHUNK;
	WRITE_ONCE(chunks_out->sent, cpu_to_le32(chunks_sent));
	if (!ret && !wait_for_completion_timeout(&echoed, LIE_WAIT))
		ret = -ETIMEDOUT;
	return ret ?: echo_good && echo == bytes ? 0 : -EBADMSG;
}

static void bulk_state(const u8 *dice, u32 any)
{
	switch (dice[0] % 8) {
	case 0:
		WRITE_ONCE(chunks_out->taken, cpu_to_le32(any));
		break;
	case 1:
		WRITE_ONCE(chunks_out->taken,
			   cpu_to_le32(le32_to_cpu(chunks_in->sent) + dice[1] % 64 - 32));
		break;
	case 2:
		WRITE_ONCE(chunks_out->token, cpu_to_le32(any));
		break;
	case 3:
		WRITE_ONCE(chunks_out->sent, cpu_to_le32(any));
		break;
	case 4:
		WRITE_ONCE(chunks_out->magic, cpu_to_le32(dice[1] % 4 ? RF_COM_BULK_MAGIC : any));
		break;
	}
}

/* As many bytes as its queue has room for; where it takes none for a while, another channel. */
static int bulk_room(u32 bytes)
{
	unsigned long until = jiffies + HZ;
	struct rf_com_taken body = {
		.from = cpu_to_le32(end),
		.cells = cpu_to_le32(READ_ONCE(cells_came)),
	};
	int ret = send(RF_MSG_COM_TAKEN, partner, &body, sizeof(body));

	while (!ret && !try_wait_for_completion(&closed) && time_before(jiffies, until)) {
		if (cells_sent - READ_ONCE(cells_taken) + DIV_ROUND_UP(bytes, RF_COM_CELL) <=
		    RF_COM_CELLS)
			return 0;
		usleep_range(50, 100);
	}
	return ret ?: bulk_open();
}

static int lie_bulk(void)
{
	unsigned int i, lines = count;
	u32 any, first, bytes, most;
	u8 dice[4];
	int ret;

	ret = ficm_bulk(FICM_SUPERVISOR, &chunks_out, &chunks_in);
	if (ret)
		return ret;
	chunks_sent = le32_to_cpu(chunks_out->sent);
	ret = bulk_truth();
	for (i = 0; !ret && i < lines; i++) {
		get_random_bytes(dice, sizeof(dice));
		any = get_random_u32();
		bulk_state(dice, any);
		first = dice[2] % 4 ? chunks_sent :
			dice[2] % 8 ? chunks_sent + dice[1] % 64 - 32 : any;
		most = chunks_most(first) * RF_COM_CHUNK;
		bytes = dice[3] % 64 ? 1 + any % most : any;
		ret = bulk_room(min(bytes, most));
		if (ret)
			break;
		memset(chunks_out->chunk[first % RF_COM_CHUNKS], dice[0], min(bytes, most));
		ret = name_chunks(first, bytes);
		/* It has been told by now, and may be reading. */
		memset(chunks_out->chunk[first % RF_COM_CHUNKS], dice[1], min(bytes, most));
		chunks_sent = first + DIV_ROUND_UP(min(bytes, most), RF_COM_CHUNK);
	}
	if (!ret)
		ret = bulk_truth();
	reinit_completion(&closed);
	return ret;
}

static int lie(void)
{
	static const struct {
		const char *name;
		int (*fn)(void);
	} ways[] = {
		{ "overrun", lie_overrun }, { "line", lie_line }, { "chunk", lie_chunk },
		{ "taken", lie_taken }, { "opens", lie_opens }, { "random", lie_random },
		{ "regions", lie_regions }, { "knock", lie_knock }, { "after", lie_after },
		{ "bulk", lie_bulk },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ways); i++)
		if (!strcmp(what, ways[i].name))
			return ways[i].fn();
	return -EINVAL;
}

static const struct {
	u16 type;
	ficm_handler_t fn;
} handlers[] = {
	{ RF_MSG_COM_OPENED, got_opened },
	{ RF_MSG_COM_DATA, got_data },
	{ RF_MSG_COM_TAKEN, got_taken },
	{ RF_MSG_COM_CLOSE, got_close },
	{ RF_MSG_COM_REGION, got_region },
};

static int listen(void)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < ARRAY_SIZE(handlers); i++)
		ret = ficm_register(handlers[i].type, handlers[i].fn, NULL);
	if (!ret)
		return 0;
	for (i--; i--; )
		ficm_unregister(handlers[i].type);
	return ret;
}

static void listen_no_more(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(handlers); i++)
		ficm_unregister(handlers[i].type);
}

static int __init lie_init(void)
{
	int ret;

	ret = listen();
	if (ret)
		return ret;
	ret = ask(LIE_END);
	if (!ret && (!wait_for_completion_timeout(&opened, LIE_WAIT) || !partner))
		ret = -ECONNREFUSED;
	if (!ret)
		ret = lie();
	if (!ret)
		pr_info("%s: %s, %d let in, %d refused\n", what,
			wait_for_completion_timeout(&closed, 3 * HZ) ? "closed" : "open",
			atomic_read(&let_in), atomic_read(&refused));
	if (ret)
		listen_no_more();
	return ret;
}

static void __exit lie_exit(void)
{
	listen_no_more();
}

module_init(lie_init);
module_exit(lie_exit);
MODULE_DESCRIPTION("RainForest: a kernel that does not keep RFcom's rules, for tests");
MODULE_AUTHOR("RainForest developers");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(RAINFOREST_FICM);
