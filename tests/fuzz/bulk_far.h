/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The other kernels of the target bulk, as one of each kind: GOOD keeps the rules, what BAD
 * writes is in meddle() here, and what it says in the target.
 */
#ifndef _TESTS_FUZZ_BULK_FAR_H
#define _TESTS_FUZZ_BULK_FAR_H

#define GOOD		1U	/* the kernel that keeps the rules */
#define BAD		2U
#define ENDS		2U	/* of each */
#define FIRST_END	100U	/* the number of the first of theirs */
#define MESSAGES	64U	/* that wait to be read, of one channel */
#define LINES		2048U	/* on their way; a power of two */

/**
 * struct end - a channel, as the other kernel sees it
 * @ch: our end
 * @lost: what came may be gone with the kernel's memory
 * @first: messages that we read, modulo 2^32
 * @next: and that have come
 * @sent: and that it sent
 * @cells: that it sent
 * @done: bytes of the first one that we read
 * @written: messages that we wrote, also those that are kept until there is room
 * @gone: of these, whose last line was sent
 * @tag: what is in the last few that we wrote
 * @message: what it sent
 */
struct end {
	struct rf_channel *ch;
	bool lost;
	u32 first, next, sent, cells, done;
	u32 written, gone;
	u8 tag[4];
	struct {
		u32 len;
		u8 tag;
	} message[MESSAGES];
};

/**
 * struct item - a line of ours
 * @end: whose
 * @bytes: that it brought
 * @count: number of its first chunk
 * @chunks: of it, 0: it has none
 * @tag: what is in them
 */
struct item {
	u32 end, bytes, count, chunks;
	u8 tag;
};

/**
 * struct far - the other kernel
 * @gone: it is in no directory
 * @head: chunks that it filled
 * @out: what we write
 * @in: what it writes
 * @first: of @item: what it took
 * @next: and what came
 * @part: bytes of a message that has begun
 * @cells: that it took of each end
 * @gone_by: lines of its own that have come
 * @on_way: and that it sent
 * @line: they
 */
static struct far {
	u32 generation;
	bool gone;
	u32 head;
	struct rf_com_bulk *out, *in;
	struct end end[ENDS];
	u32 first, next, part[ENDS], cells[ENDS];
	struct item item[2 * ENDS * RF_COM_CELLS];
	u32 gone_by, on_way;
	struct {
		u32 n, to, len;
		struct rf_com_data body;
	} line[LINES];
} far[3];

static u8 buffer[RF_COM_MESSAGE_MAX];
static u8 tag;
static u32 busy;		/* times that a ring is full */
static ficm_handler_t handler[FICM_TYPES];
static void *handler_arg[FICM_TYPES];
static struct notifier_block *watching;
static struct ficm_end *at_end;
static unsigned long messages, held, late, breaks, losses, taken, waits;

static struct end *end_of(u32 d)
{
	return &far[1 + d % 2].end[d / 2 % ENDS];
}

/* the exchange */

int ficm_describe(u32 peer, struct ficm_kernel *k)
{
	if (peer != GOOD && peer != BAD)
		return -ENOENT;
	*k = (struct ficm_kernel){ .peer = peer, .generation = far[peer].generation,
				   .may_open = true };
	return far[peer].gone ? -ENOENT : 0;
}

int ficm_find(const char *name, struct ficm_kernel *k)
{
	(void)name;
	return ficm_describe(GOOD, k);
}

int ficm_bulk(u32 peer, struct rf_com_bulk **out, struct rf_com_bulk **in)
{
	*out = far[peer].out;
	*in = far[peer].in;
	return 0;
}

int ficm_register(u16 type, ficm_handler_t fn, void *arg)
{
	handler[type] = fn;
	handler_arg[type] = arg;
	return 0;
}

void ficm_unregister(u16 type)
{
	handler[type] = NULL;
}

int ficm_watch(struct notifier_block *nb)
{
	watching = nb;
	return 0;
}

void ficm_unwatch(struct notifier_block *nb)
{
	must(watching == nb);
}

void ficm_at_end(struct ficm_end *end)
{
	must(!at_end);
	at_end = end;
}

void ficm_read_more(void)
{
}

static void round_end(void)
{
	struct ficm_end *end = at_end;

	at_end = NULL;
	if (end)
		end->fn(end);
}

static bool all_are(const u8 *data, size_t bytes, u8 what)
{
	return !bytes || (*data == what && !memcmp(data, data + 1, bytes - 1));
}

/* A line of ours, for the kernel that keeps the rules. */
static void line_came(u32 to, const struct rf_com_data *body, u32 len)
{
	struct item *i = &far[GOOD].item[far[GOOD].next++ % ARRAY_SIZE(far->item)];
	struct rf_com_chunk chunk;
	struct end *e;

	must(len > offsetof(struct rf_com_data, data) && to < ENDS);
	e = &far[GOOD].end[to];
	must(e->gone != e->written);
	*i = (struct item){ .end = to, .bytes = len - offsetof(struct rf_com_data, data),
			    .tag = e->tag[e->gone % ARRAY_SIZE(e->tag)] };
	if (body->flags & RF_COM_IN_CHUNK) {
		memcpy(&chunk, body->data, sizeof(chunk));
		i->bytes = chunk.bytes;
		i->count = chunk.count;
		i->chunks = rfcom_chunks(chunk.bytes);
		must(i->bytes && i->count % RF_COM_CHUNKS + i->chunks <= RF_COM_CHUNKS);
	} else {
		must(all_are(body->data, i->bytes, i->tag));
	}
	far[GOOD].part[to] += i->bytes;
	must(far[GOOD].part[to] <= RF_COM_MESSAGE_MAX);
	if (body->flags & RF_COM_LAST) {
		far[GOOD].part[to] = 0;
		e->gone++;
	}
}

int ficm_send(u32 peer, const struct rf_msg *msg)
{
	must(peer == GOOD || peer == BAD);
	must(msg->len <= RF_MSG_BODY);
	if (far[peer].gone)
		return -ENOENT;
	if (busy) {
		busy--;
		return -EAGAIN;
	}
	if (peer == GOOD && msg->type == RF_MSG_COM_DATA)
		line_came(msg->tag - FIRST_END, (const void *)msg->body, msg->len);
	return 0;
}

int ficm_post(u32 peer, const struct rf_msg *msg)
{
	(void)peer;
	must(msg->len <= RF_MSG_BODY);
	return 0;
}

/* A message, and nothing behind it that could be read. */
static void deliver(u32 peer, u16 type, u32 to, const void *body, u32 len)
{
	struct rf_msg *msg = aligned_alloc(sizeof(*msg), sizeof(*msg));

	memset(msg, 0, sizeof(*msg));
	msg->type = type;
	msg->tag = to;
	msg->len = len;
	memcpy(msg->body, body, len);
	if (handler[type])
		handler[type](peer, msg, handler_arg[type]);
	free(msg);
}

/* what the one that lies writes, at any time */

static void meddle(void)
{
	struct rf_com_bulk *in = far[BAD].in;
	u32 d;

	if (!kernel_nofault && !kernel_rcu)
		return;
	d = dice();
	if (d % 4)
		return;
	switch (d / 4 % 8) {
	case 0:
		in->taken = dice32();
		break;
	case 1:
		in->taken = rfcom_bulk_find(BAD) ? rfcom_bulk_find(BAD)->head - dice() : 0;
		break;
	case 2:
		in->token = dice();
		break;
	case 3:
		in->sent = dice32();
		break;
	case 4:
		in->magic = dice() % 2 ? RF_COM_BULK_MAGIC : 0;
		break;
	default:
		memset(in->chunk[dice() * 2], dice(), RF_COM_CHUNK);
	}
}

static void kernel_wait(void)
{
	rcu_read_lock();
	meddle();
	rcu_read_unlock();
}

/* what the one that keeps the rules does */

static struct rf_channel *end_open(u32 peer, u32 n)
{
	struct ficm_kernel k;
	struct rf_channel *ch;

	if (ficm_describe(peer, &k))
		return NULL;
	ch = rfcom_channel_create(&k, "x");
	must(!IS_ERR(ch));
	spin_lock(&ch->lock);
	ch->accepted = true;
	ch->remote = FIRST_END + n;
	ch->state = RFCOM_STATE_OPEN;
	spin_unlock(&ch->lock);
	far[peer].end[n] = (struct end){ .ch = ch };
	far[peer].cells[n] = 0;
	far[peer].part[n] = 0;
	return ch;
}

static void end_close(struct end *e)
{
	if (e->ch)
		rf_close(e->ch);
	e->ch = NULL;
	kernel_do_work(UINT_MAX, false);	/* what was kept, before another is there */
}

/* Chunks that it may fill: what was taken it reads from us. */
static u32 good_chunks(const struct far *f)
{
	u32 away = f->head - f->out->taken;

	return f->out->magic == RF_COM_BULK_MAGIC && away < RF_COM_CHUNKS ?
	       min(RF_COM_CHUNKS - away, rfcom_chunks_most(f->head)) : 0;
}

/* Lines of it come, as it has sent them. */
static void good_arrive(u32 most)
{
	struct far *f = &far[GOOD];
	struct end *e;
	bool open;
	u32 n;

	for (; most && f->gone_by != f->on_way; most--) {
		n = f->gone_by++ % LINES;
		e = &f->end[f->line[n].n];
		open = e->ch && e->ch->id == f->line[n].to && rfcom_channel_is_open(e->ch);
		if (open)
			e->next += !!(f->line[n].body.flags & RF_COM_LAST);
		deliver(GOOD, RF_MSG_COM_DATA, f->line[n].to, &f->line[n].body, f->line[n].len);
		must(!open || rfcom_channel_is_open(e->ch));
	}
}

static void good_line(struct rf_com_data *body, u32 n, u32 len)
{
	struct far *f = &far[GOOD];
	u32 where = f->on_way++ % LINES;

	body->from = FIRST_END + n;
	f->line[where].n = n;
	f->line[where].to = f->end[n].ch->id;
	f->line[where].len = offsetof(struct rf_com_data, data) + len;
	f->line[where].body = *body;
}

static bool good_may(const struct far *f, const struct end *e, u32 len)
{
	return e->ch && rfcom_channel_is_open(e->ch) && !f->gone &&
	       e->ch->generation == f->generation && e->sent - e->first < MESSAGES &&
	       LINES - (f->on_way - f->gone_by) > len / RF_COM_LINE &&
	       RF_COM_CELLS - (e->cells - e->ch->in.tail) >= rfcom_credit_wanted(len);
}

static void good_send(u32 n, u32 len)
{
	struct far *f = &far[GOOD];
	struct end *e = &f->end[n];
	struct rf_com_data body;
	struct rf_com_chunk chunk;
	u32 left, bytes, chunks;

	if (!good_may(f, e, len))
		return;
	e->message[e->sent % MESSAGES].len = len;
	e->message[e->sent++ % MESSAGES].tag = ++tag;
	for (left = len; left; left -= bytes) {
		chunks = left > 3 * RF_COM_LINE ? good_chunks(f) : 0;
		bytes = min(left, chunks ? chunks * RF_COM_CHUNK : RF_COM_LINE);
		body.flags = bytes == left ? RF_COM_LAST : 0;
		memset(body.data, tag, sizeof(body.data));
		e->cells += rfcom_cells(bytes);
		if (chunks) {
			chunk = (struct rf_com_chunk){ .count = f->head, .bytes = bytes };
			memset(f->in->chunk[f->head % RF_COM_CHUNKS], tag, bytes);
			body.flags |= RF_COM_IN_CHUNK;
			memcpy(body.data, &chunk, sizeof(chunk));
			f->head += rfcom_chunks(bytes);
			f->in->sent = f->head;
		}
		good_line(&body, n, chunks ? sizeof(chunk) : bytes);
	}
}

/* It takes lines of ours: nobody has touched what they brought. */
static void good_take(u32 n)
{
	struct far *f = &far[GOOD];
	struct rf_com_taken body;
	struct item *i;
	u32 last = ENDS;

	for (; n && f->first != f->next; n--) {
		i = &f->item[f->first++ % ARRAY_SIZE(f->item)];
		taken++;
		last = i->end;
		f->cells[last] += rfcom_cells(i->bytes);
		if (!i->chunks)
			continue;
		must(all_are(f->out->chunk[i->count % RF_COM_CHUNKS], i->bytes, i->tag));
		f->in->taken = i->count + i->chunks;
	}
	if (last == ENDS || !f->end[last].ch)
		return;
	body = (struct rf_com_taken){ .from = FIRST_END + last, .cells = f->cells[last] };
	deliver(GOOD, RF_MSG_COM_TAKEN, f->end[last].ch->id, &body, sizeof(body));
}

static void bulk_magic(u32 peer)
{
	far[peer].in->version = RF_WIRE_VERSION;
	far[peer].in->size = sizeof(struct rf_com_bulk);
	far[peer].in->token = get_random_u32();
	far[peer].in->magic = RF_COM_BULK_MAGIC;
}

/* As the supervisor makes it for a kernel that is about to run. */
static void bulk_renew(u32 peer, bool all)
{
	struct rf_com_bulk *memory[] = { far[peer].in, far[peer].out };
	u32 i;

	for (i = 0; i < 2; i++) {
		memset(memory[i], 0, offsetof(struct rf_com_bulk, chunk));
		if (all)
			memset(memory[i]->chunk, 0, sizeof(memory[i]->chunk));
	}
}

/* Another kernel in its place: of what it sent a part may be gone, none of it changed. */
static void restart(u32 peer)
{
	struct far *f = &far[peer];
	u32 i;

	bulk_renew(peer, true);
	for (i = 0; i < ENDS; i++)
		f->end[i].lost = true;
	f->generation++;
	f->head = 0;
	f->first = 0;
	f->next = 0;
	f->gone_by = f->on_way;
}

#endif /* _TESTS_FUZZ_BULK_FAR_H */
