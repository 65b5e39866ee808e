// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plays a subOS's side of its virtio devices, inside it and in place of rfvirtio.ko: says what
 * it likes about them, with queues in its own memory, in that of others or nowhere. For tests.
 *
 * usage: virtiolie FIFO	listens, says "ready"; commands come through FIFO, a line each, and
 *				are told to all devices that were announced; "did ..." follows
 *	true			READY with empty queues, as a driver would say it
 *	small			the same with other sizes, as after a restart of the back ends
 *	far			READY with queues behind all memory
 *	at ADDRESS		READY with queues there, whoever has that
 *	send ADDRESS		READY; a packet, and a sector to be written, from there;
 *				0: from this program's memory. What became of them is told
 *	garbage SEED ADDRESS	READY with queues full of nonsense, some of it of ADDRESS
 *	noise SEED N		N messages that are nonsense
 *	removed			REMOVED, which nobody wanted
 *	long			a message that is too long
 *
 * It removes what it is asked to remove. Exit status 1 with a line that says what went wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/rainforest_virtio.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include "hostile.h"
#include "rainforest.h"

#define SECTOR		512
#define SECTOR_WRITTEN	8
#define DATA		1000	/* bytes of a packet */
#define QUEUE_PAGES	4	/* descriptors, the driver's ring, the device's ring, buffers */
#define POOL_PAGES	(16 * 17 * QUEUE_PAGES)
#define MESSAGE		sizeof(struct rf_virtio_ready)

struct device {
	bool there;
	struct rf_virtio_device what;
};

/* a queue in this program's memory: a page for each part */
struct queue {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	unsigned char *buffers;
};

static struct device devices[RF_VIRTIO_DEVICES];
static unsigned char *pool;
static uint64_t physical[POOL_PAGES];	/* addresses of its pages */
static unsigned int pool_used;		/* pages */
static int service, channel = -1;

static void die(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- memory whose addresses are known --- */
static void make_pool(void)
{
	int map = open("/proc/self/pagemap", O_RDONLY);
	unsigned int i;
	uint64_t entry;

	pool = mmap(NULL, POOL_PAGES * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_LOCKED, -1, 0);
	if (map < 0 || pool == MAP_FAILED)
		die("memory");
	for (i = 0; i < POOL_PAGES; i++) {
		if (pread(map, &entry, 8, (address(pool) / PAGE + i) * 8) != 8 || !(entry >> 63))
			die("pagemap");
		physical[i] = (entry & ((1ULL << 55) - 1)) * PAGE;
	}
	close(map);
}

static uint64_t where(const void *p)
{
	size_t at = (const unsigned char *)p - pool;

	return physical[at / PAGE] + at % PAGE;
}

static struct queue queue_new(void)
{
	unsigned char *at;

	if (pool_used + QUEUE_PAGES > POOL_PAGES)
		pool_used = 0;
	at = pool + pool_used * PAGE;
	pool_used += QUEUE_PAGES;
	memset(at, 0, QUEUE_PAGES * PAGE);
	return (struct queue){
		.desc = (void *)at, .avail = (void *)(at + PAGE),
		.used = (void *)(at + 2 * PAGE), .buffers = at + 3 * PAGE,
	};
}

/* --- the channel --- */
/* Room comes when the other end reads. */
static void say(const void *data, size_t bytes)
{
	struct pollfd p = { .fd = channel, .events = POLLOUT };

	while (channel >= 0 && rf_write(channel, data, bytes) < 0) {
		if (errno == EAGAIN && poll(&p, 1, 10000) > 0)
			continue;
		printf("write: %s\n", strerror(errno));
		return;
	}
}

static void say_plain(uint16_t type, uint16_t device)
{
	struct rf_virtio_msg m = { .type = type, .device = device };

	say(&m, sizeof(m));
}

static void heard(const struct rf_virtio_msg *m)
{
	struct device *d = &devices[m->device % RF_VIRTIO_DEVICES];

	if (m->type == RF_VIRTIO_DEVICE) {
		memcpy(&d->what, m, sizeof(d->what));
		d->there = true;
	} else if (m->type == RF_VIRTIO_REMOVE) {
		d->there = false;
		say_plain(RF_VIRTIO_REMOVED, m->device);
	} else {
		return;
	}
	printf("%s %u\n", d->there ? "device" : "remove", m->device);
}

static void read_all(void)
{
	static union {
		struct rf_virtio_msg m;
		char room[4096];
	} in;
	ssize_t n;

	while ((n = rf_read(channel, &in, sizeof(in))) > 0)
		heard(&in.m);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	printf("channel: %s\n", n ? strerror(errno) : "end");
	rf_close(channel);
	channel = -1;
}

static void meet(void)
{
	const struct rf_virtio_hello h = {
		.msg.type = RF_VIRTIO_HELLO, .version = RF_VIRTIO_VERSION,
	};

	channel = rf_accept(service, NULL, 0, RF_NONBLOCK);
	if (channel < 0)
		die("accept");
	say(&h, sizeof(h));
	printf("hello\n");
}

/* --- READY --- */
static struct rf_virtio_ready ready_for(uint16_t n)
{
	const struct rf_virtio_device *what = &devices[n].what;

	return (struct rf_virtio_ready){
		.msg = { .type = RF_VIRTIO_READY, .device = n },
		.features = what->features, .nr_queues = what->nr_queues,
	};
}

static void say_ready(const struct rf_virtio_ready *r)
{
	say(r, offsetof(struct rf_virtio_ready, queue[r->nr_queues % RF_VIRTIO_QUEUES]));
}

static void new_queues(uint16_t n, struct queue *q)
{
	uint32_t i;

	for (i = 0; i < RF_VIRTIO_QUEUES; i++)
		q[i] = i < devices[n].what.nr_queues ? queue_new() : (struct queue){ 0 };
}

static void place_queue(struct rf_virtio_queue *wire, uint32_t size, const struct queue *q)
{
	*wire = (struct rf_virtio_queue){
		.size = size, .desc = where(q->desc), .avail = where(q->avail),
		.used = where(q->used),
	};
}

/* As a driver says it, but for @part of the size that is possible. */
static void ready_with(uint16_t n, const struct queue *q, uint32_t part, uint32_t flags)
{
	struct rf_virtio_ready r = ready_for(n);
	uint32_t i;

	r.flags = flags;
	for (i = 0; i < r.nr_queues; i++)
		place_queue(&r.queue[i], devices[n].what.queue_max[i] / part, &q[i]);
	say_ready(&r);
}

static void ready_empty(uint16_t n, uint32_t part, uint32_t flags)
{
	struct queue q[RF_VIRTIO_QUEUES];

	new_queues(n, q);
	ready_with(n, q, part, flags);
}

static void ready_at(uint16_t n, uint64_t at)
{
	struct rf_virtio_ready r = ready_for(n);
	uint32_t i;

	for (i = 0; i < r.nr_queues; i++)
		r.queue[i] = (struct rf_virtio_queue){
			.size = devices[n].what.queue_max[i],
			.desc = at, .avail = at + PAGE, .used = at + 2 * PAGE,
		};
	say_ready(&r);
}

/* --- requests --- */
static void put(struct queue *q, unsigned int i, uint64_t at, uint32_t bytes, uint16_t flags)
{
	q->desc[i] = (struct vring_desc){ .addr = at, .len = bytes, .flags = flags, .next = i + 1 };
}

/* The device's side has marked something as used. */
static bool is_done(const volatile uint16_t *idx, int tries)
{
	while (!*idx && tries--)
		usleep(10000);	/* nobody calls us: that takes a module */
	return *idx;
}

/* To everybody, of a protocol for experiments: IEEE 802, section 9.2.4. */
static void send_packet(uint16_t n, uint64_t from)
{
	struct queue q[RF_VIRTIO_QUEUES], *tx = &q[1];
	unsigned char *data;

	new_queues(n, q);
	data = tx->buffers + PAGE / 2;
	memset(data, 0xff, 6);
	memcpy(data + 6, devices[n].what.config.space, 6);
	memcpy(data + 12, "\x88\xb5", 2);
	put(tx, 0, where(tx->buffers), sizeof(struct virtio_net_hdr_mrg_rxbuf), VRING_DESC_F_NEXT);
	put(tx, 1, from ? from : where(data), DATA, 0);
	tx->avail->idx = 1;
	ready_with(n, q, 1, 0);
	printf("packet %s\n", is_done(&tx->used->idx, 100) ? "done" : "not done");
}

static void write_sector(uint16_t n, uint64_t from)
{
	struct queue q[RF_VIRTIO_QUEUES];
	struct virtio_blk_outhdr *head;
	unsigned char *data, *status;

	new_queues(n, q);
	head = (void *)q->buffers;
	data = q->buffers + SECTOR;
	status = q->buffers + 2 * SECTOR;
	*head = (struct virtio_blk_outhdr){ .type = VIRTIO_BLK_T_OUT, .sector = SECTOR_WRITTEN };
	memset(data, 'L', SECTOR);
	*status = 0xff;
	put(q, 0, where(head), sizeof(*head), VRING_DESC_F_NEXT);
	put(q, 1, from ? from : where(data), SECTOR, VRING_DESC_F_NEXT);
	put(q, 2, where(status), 1, VRING_DESC_F_WRITE);
	q->avail->idx = 1;
	ready_with(n, q, 1, 0);
	if (is_done(&q->used->idx, 1000))
		printf("sector done %u\n", *status);
}

/*
 * --- nonsense ---
 * Never of this kernel's own memory but for the pool: what writes there would end it, and
 * that is no art.
 */
#define BEHIND	(1ULL << 45)	/* all memory */

static void fill_desc(struct vring_desc *d, uint32_t size, uint64_t others)
{
	uint32_t in_page = rnd(PAGE);

	*d = (struct vring_desc){
		.len = one_in(4) ? strange() : rnd(2 * PAGE),
		.flags = one_in(8) ? strange() : rnd(8),
		.next = one_in(8) ? strange() : rnd(size),
	};
	switch (rnd(4)) {
	case 0:
		d->addr = others + rnd(16 * PAGE);
		break;
	case 1:
		d->addr = strange() | BEHIND;
		break;
	default:
		d->addr = physical[rnd(POOL_PAGES)] + in_page;
		d->len = d->len % (PAGE - in_page);
	}
}

/* Bytes that are no address of this kernel's, or what looks like a request of FUSE. */
static void fill_buffers(unsigned char *at)
{
	uint32_t head[] = { rnd(PAGE), 2 + rnd(49), 1, 0, 1, 0, 0, 0, 1, 0 };
	size_t i;

	for (i = 0; i < PAGE; i++)
		at[i] = 1 + rnd(255);
	for (i = 0; i + 64 <= PAGE; i += 64)
		if (one_in(2))
			memcpy(at + i, head, sizeof(head));
}

static void fill_queue(struct queue *q, uint32_t size, uint64_t others)
{
	uint32_t i;

	fill_buffers(q->buffers);
	for (i = 0; i < size; i++)
		fill_desc(&q->desc[i], size, others);
	for (i = 0; i < size; i++)
		q->avail->ring[i] = one_in(16) ? strange() : rnd(size);
	q->avail->flags = strange();
	q->avail->idx = one_in(3) ? strange() : rnd(size);
	q->used->idx = one_in(3) ? strange() : 0;
}

/* A disk's process that touched what is not its own would be started again and again. */
static void garbage(uint16_t n, uint64_t others)
{
	struct queue q[RF_VIRTIO_QUEUES];
	struct rf_virtio_ready r = ready_for(n);
	uint32_t i, size;

	if (devices[n].what.id == VIRTIO_ID_BLOCK)
		others = BEHIND;
	if (one_in(3))
		r.features &= rnd(~0ULL) | 1ULL << VIRTIO_F_VERSION_1;
	r.flags = rnd(2);
	new_queues(n, q);
	for (i = 0; i < r.nr_queues; i++) {
		size = devices[n].what.queue_max[i] >> (one_in(4) ? rnd(5) : 0);
		fill_queue(&q[i], size, others);
		place_queue(&r.queue[i], one_in(8) ? 0 : size, &q[i]);
	}
	say_ready(&r);
}

static void noise_once(void)
{
	union {
		struct rf_virtio_ready r;
		uint32_t words[MESSAGE / 4];
	} m = { .r = ready_for(rnd(8)) };
	uint32_t nr = m.r.nr_queues, i;
	size_t bytes = one_in(2) ? MESSAGE : sizeof(struct rf_virtio_msg);
	struct queue q[RF_VIRTIO_QUEUES];

	new_queues(m.r.msg.device, q);
	m.r.msg.type = one_in(8) ? strange() : rnd(10);
	m.r.msg.seq = strange();
	for (i = 0; i < nr; i++)
		place_queue(&m.r.queue[i], 1U << rnd(12), &q[i]);
	if (m.r.msg.type == RF_VIRTIO_READY && !one_in(4))
		bytes = offsetof(struct rf_virtio_ready, queue[nr]);
	for (i = rnd(4); i; i--)
		m.words[(sizeof(m.r.msg) + rnd(bytes)) / 4 % (MESSAGE / 4)] = strange();
	for (i = 0; i < nr; i++)
		m.r.queue[i].used = one_in(8) ? strange() | BEHIND : where(q[i].used);
	if (one_in(8))
		m.r.msg.device = strange();
	say(&m, one_in(8) ? 1 + rnd(bytes) : bytes);
	if (channel >= 0)
		read_all();
}

/* --- commands --- */
static bool is(const char *line, const char *what)
{
	return !strncmp(line, what, strlen(what));
}

static void to_device(uint16_t n, const char *line, uint64_t a, uint64_t b)
{
	uint32_t id = devices[n].what.id;

	if (is(line, "true"))
		ready_empty(n, 1, 0);
	else if (is(line, "small"))
		ready_empty(n, 4, RF_VIRTIO_RESUMED);
	else if (is(line, "far"))
		ready_at(n, 1ULL << 52);
	else if (is(line, "at"))
		ready_at(n, a);
	else if (is(line, "send") && id == VIRTIO_ID_NET)
		send_packet(n, a);
	else if (is(line, "send") && id == VIRTIO_ID_BLOCK)
		write_sector(n, a);
	else if (is(line, "garbage"))
		garbage(n, b);
	else if (is(line, "removed"))
		say_plain(RF_VIRTIO_REMOVED, n);
}

static void command(const char *line)
{
	static const char zeroes[MESSAGE + 1];
	uint64_t a = 0, b = 0;
	unsigned int n;

	sscanf(line, "%*s %li %li", (long *)&a, (long *)&b);
	seed = 0x9e3779b97f4a7c15ULL * (a + 1);
	if (is(line, "long")) {
		say(zeroes, sizeof(zeroes));
	} else if (is(line, "noise")) {
		for (; b && channel >= 0; b--)
			noise_once();
	} else {
		for (n = 0; n < RF_VIRTIO_DEVICES; n++)
			if (devices[n].there && channel >= 0)
				to_device(n, line, a, b);
	}
	printf("did %s\n", line);
}

int main(int argc, char **argv)
{
	struct pollfd p[2] = { { .events = POLLIN }, { .events = POLLIN } };
	char line[128];
	FILE *in;

	setvbuf(stdout, NULL, _IOLBF, 0);
	make_pool();
	if (make_arena())
		die("arena");
	in = argc == 2 ? fopen(argv[1], "r+") : NULL;	/* r+: it never ends */
	if (!in)
		die("usage: virtiolie FIFO");
	service = rf_listen(RF_VIRTIO_SERVICE, 4, 0);
	if (service < 0)
		die("listen");
	printf("ready\n");
	for (;;) {
		p[0].fd = channel < 0 ? service : channel;
		p[1].fd = fileno(in);
		if (poll(p, 2, -1) < 0)
			die("poll");
		if (p[0].revents && channel < 0)
			meet();
		else if (p[0].revents)
			read_all();
		if (p[1].revents && fgets(line, sizeof(line), in)) {
			line[strcspn(line, "\n")] = '\0';
			command(line);
		}
	}
}
