// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plays back ends of a subOS's virtio devices, for tests: disks in memory, Virtio 1.2
 * section 5.2, served by this program through the subOS's window. Commands come on standard
 * input, a line each; what happened is printed.
 *
 * usage: virtioctl serve NAME		opens the subOS's service, says "ready"
 *		add N KB QUEUES		announces disk N
 *		size N KB		its configuration has changed
 *		remove N
 *		hold N | go N		serves it no more; again
 *		kick N QUEUE | call N QUEUE	spurious ones
 *		raw HEX...		a message as it is
 *		close			closes the channel, forgets the devices
 *		open			opens it again
 *	  virtioctl window NAME		what can be seen through the window: says how many pages
 *					of each answer there are
 *	  virtioctl peek NAME FILE	maps the first page of memory above the service area,
 *					says "mapped", reads it once for each line of standard
 *					input: "page" or "SIGBUS"
 *	  virtioctl binds NAME		what /dev/rfvhost refuses
 *
 * Exit status 0, 1 with a line that says what went wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>
#include <linux/rainforest.h>
#include <linux/rainforest_virtio.h>
#include <linux/rfvhost.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include "rainforest.h"

#define DISKS	4
#define QUEUES	4
#define SECTOR	512

struct queue {
	uint32_t size;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t next;
	int kick, call;
};

struct disk {
	bool there, ready, held;
	uint32_t nr_queues;
	unsigned char *data;
	uint64_t bytes;
	struct queue queue[QUEUES];
};

static struct disk disks[DISKS];
static unsigned char *window;
static uint64_t window_bytes;
static int window_fd, vhost_fd, channel = -1;
static const char *name;

static void die(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

static void said(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

static int subos_open(uint32_t *id)
{
	struct rf_open open_req = { .size = sizeof(open_req) };
	struct rf_info info = { .size = sizeof(info) };
	int dev = open("/dev/rainforest", O_RDWR | O_CLOEXEC), fd;

	snprintf(open_req.name, sizeof(open_req.name), "%s", name);
	fd = dev < 0 ? -1 : ioctl(dev, RF_IOC_OPEN, &open_req);
	if (fd < 0)
		die(name);
	if (ioctl(fd, RF_IOC_INFO, &info))
		die("RF_IOC_INFO");
	*id = info.id;
	close(dev);
	return fd;
}

static void window_open(uint32_t *id)
{
	struct rf_window req = { .size = sizeof(req) };
	int fd = subos_open(id);

	window_fd = ioctl(fd, RF_IOC_WINDOW, &req);
	if (window_fd < 0)
		die("RF_IOC_WINDOW");
	window_bytes = req.bytes;
	window = mmap(NULL, window_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, window_fd, 0);
	if (window == MAP_FAILED)
		die("mmap");
	close(fd);
}

/* --- the channel --- */
static void say(const void *data, size_t size)
{
	if (rf_write(channel, data, size) != (ssize_t)size)
		said("write: %s", strerror(errno));
}

static void say_plain(uint16_t type, uint16_t device, uint32_t seq)
{
	struct rf_virtio_msg msg = { .type = type, .device = device, .seq = seq };

	say(&msg, sizeof(msg));
}

static void set_space(struct rf_virtio_space *space, const struct disk *d)
{
	struct virtio_blk_config config = {
		.capacity = d->bytes / SECTOR, .num_queues = d->nr_queues,
	};

	space->bytes = sizeof(config);
	memcpy(space->space, &config, sizeof(config));
}

static void announce(uint16_t n)
{
	struct disk *d = &disks[n];
	struct rf_virtio_device msg = {
		.msg = { .type = RF_VIRTIO_DEVICE, .device = n },
		.id = VIRTIO_ID_BLOCK,
		.nr_queues = d->nr_queues,
		.features = 1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_BLK_F_MQ |
			    1ULL << VIRTIO_BLK_F_FLUSH,
	};

	for (uint32_t i = 0; i < d->nr_queues; i++)
		msg.queue_max[i] = 64;
	set_space(&msg.config, d);
	say(&msg, sizeof(msg));
}

static void hello(void)
{
	struct rf_virtio_hello msg = {
		.msg.type = RF_VIRTIO_HELLO, .version = RF_VIRTIO_VERSION,
	};

	channel = rf_open(name, RF_VIRTIO_SERVICE, 60000, 0);
	if (channel < 0)
		die(RF_VIRTIO_SERVICE);
	say(&msg, sizeof(msg));
}

/* --- queues --- */
static void *at(uint64_t addr, uint64_t bytes)
{
	if (addr > window_bytes || bytes > window_bytes - addr)
		return NULL;
	return window + addr;
}

static void queue_eventfds(uint16_t n, uint32_t q, bool on)
{
	struct queue *vq = &disks[n].queue[q];
	struct rfvhost_queue req = {
		.size = sizeof(req), .device = n, .queue = q, .kick = -1, .call = -1,
	};

	if (on) {
		if (!vq->kick) {
			vq->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
			vq->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		}
		req.kick = vq->kick;
		req.call = vq->call;
	}
	if (ioctl(vhost_fd, RFVHOST_IOC_QUEUE, &req))
		die("RFVHOST_IOC_QUEUE");
}

static void heard_ready(const struct rf_virtio_ready *msg, size_t size)
{
	uint16_t n = msg->msg.device;
	struct disk *d = &disks[n];
	uint64_t one = 1;

	(void)size;
	for (uint32_t i = 0; i < d->nr_queues; i++) {
		const struct rf_virtio_queue *wire = &msg->queue[i];
		struct queue *vq = &d->queue[i];

		vq->size = wire->size;
		if (!wire->size)
			continue;
		vq->desc = at(wire->desc, wire->size * sizeof(*vq->desc));
		vq->avail = at(wire->avail, 6 + 2 * wire->size);
		vq->used = at(wire->used, 6 + 8 * wire->size);
		vq->next = __atomic_load_n(&vq->used->idx, __ATOMIC_ACQUIRE);
		queue_eventfds(n, i, true);
		if (write(vq->kick, &one, sizeof(one)) != sizeof(one))
			die("kick");
	}
	d->ready = true;
	said("disk %u ready%s", n, msg->flags & RF_VIRTIO_RESUMED ? ", resumed" : "");
}

static void heard_reset(const struct rf_virtio_msg *msg)
{
	struct disk *d = &disks[msg->device];

	d->ready = false;
	for (uint32_t i = 0; i < d->nr_queues; i++)
		queue_eventfds(msg->device, i, false);
	if (!d->held)
		say_plain(RF_VIRTIO_DONE, msg->device, msg->seq);
	said("disk %u reset", msg->device);
}

static void heard_removed(uint16_t n)
{
	disks[n].there = false;
	disks[n].ready = false;
	said("disk %u removed", n);
}

static void heard(void)
{
	static struct rf_virtio_ready msg;
	struct rf_virtio_hello greeting;
	ssize_t got = rf_read(channel, &msg, sizeof(msg));

	if (got <= 0) {
		said("channel: %s", got ? strerror(errno) : "end");
		rf_close(channel);
		channel = -1;
		return;
	}
	memcpy(&greeting, &msg, sizeof(greeting));
	if (msg.msg.type == RF_VIRTIO_HELLO)
		said("hello %u", greeting.version);
	else if (msg.msg.type == RF_VIRTIO_READY)
		heard_ready(&msg, got);
	else if (msg.msg.type == RF_VIRTIO_RESET)
		heard_reset(&msg.msg);
	else if (msg.msg.type == RF_VIRTIO_REMOVED)
		heard_removed(msg.msg.device);
}

/* Bytes of one request, past its header and before its status: what was written to memory. */
static uint32_t transfer(struct disk *d, const struct virtio_blk_outhdr *hdr, struct iovec *iov,
			 unsigned int nr, uint8_t *status)
{
	uint64_t from = hdr->sector * SECTOR;
	uint32_t bytes = 0;

	*status = VIRTIO_BLK_S_OK;
	for (unsigned int i = 0; i < nr; i++) {
		if (hdr->type == VIRTIO_BLK_T_GET_ID) {
			snprintf(iov[i].iov_base, iov[i].iov_len, "virtioctl");
			bytes += iov[i].iov_len;
			continue;
		}
		if (from + iov[i].iov_len > d->bytes) {
			*status = VIRTIO_BLK_S_IOERR;
			return 0;
		}
		if (hdr->type == VIRTIO_BLK_T_OUT) {
			memcpy(d->data + from, iov[i].iov_base, iov[i].iov_len);
		} else {
			memcpy(iov[i].iov_base, d->data + from, iov[i].iov_len);
			bytes += iov[i].iov_len;
		}
		from += iov[i].iov_len;
	}
	return bytes;
}

static void request(struct disk *d, struct queue *vq, uint16_t head)
{
	struct iovec iov[64];
	unsigned int nr = 0;
	uint16_t i = head;
	struct vring_used_elem *elem;
	uint32_t bytes;

	for (;; i = vq->desc[i].next) {
		iov[nr].iov_base = at(vq->desc[i].addr, vq->desc[i].len);
		iov[nr++].iov_len = vq->desc[i].len;
		if (!(vq->desc[i].flags & VRING_DESC_F_NEXT) || nr == 64)
			break;
	}
	bytes = transfer(d, iov[0].iov_base, iov + 1, nr - 2, iov[nr - 1].iov_base);
	elem = &vq->used->ring[vq->used->idx % vq->size];
	elem->id = head;
	elem->len = bytes + 1;
	__atomic_store_n(&vq->used->idx, vq->used->idx + 1, __ATOMIC_SEQ_CST);
}

static void work(struct disk *d, struct queue *vq)
{
	uint64_t count, one = 1;
	bool any = false;

	if (read(vq->kick, &count, sizeof(count)) != sizeof(count) || d->held)
		return;
	while (vq->next != __atomic_load_n(&vq->avail->idx, __ATOMIC_ACQUIRE)) {
		request(d, vq, vq->avail->ring[vq->next++ % vq->size]);
		any = true;
	}
	if (any && write(vq->call, &one, sizeof(one)) != sizeof(one))
		die("call");
}

/* --- commands --- */
static void raw(char *hex)
{
	unsigned char data[2048];
	size_t n = 0;
	char *word;

	for (word = strtok(hex, "\n "); word && n < sizeof(data); word = strtok(NULL, "\n "))
		data[n++] = strtoul(word, NULL, 16);
	say(data, n);
}

static void set_size(struct disk *d, unsigned long kb)
{
	d->data = realloc(d->data, kb * 1024);
	if (!d->data)
		die("realloc");
	if (kb * 1024 > d->bytes)
		memset(d->data + d->bytes, 0, kb * 1024 - d->bytes);
	d->bytes = kb * 1024;
}

static void nudge(struct disk *d)
{
	uint64_t one = 1;

	for (uint32_t i = 0; i < d->nr_queues; i++)
		if (d->queue[i].kick && write(d->queue[i].kick, &one, sizeof(one)) != sizeof(one))
			die("kick");
}

static void ring(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		die("eventfd");
}

static void disk_command(const char *what, unsigned int n, unsigned long a, unsigned long b)
{
	struct disk *d = &disks[n % DISKS];

	if (!strcmp(what, "add")) {
		set_size(d, a);
		d->nr_queues = b;
		d->there = true;
		announce(n);
	} else if (!strcmp(what, "size")) {
		struct rf_virtio_config msg = {
			.msg = { .type = RF_VIRTIO_CONFIG, .device = n },
		};

		set_size(d, a);
		set_space(&msg.config, d);
		say(&msg, sizeof(msg));
	} else if (!strcmp(what, "remove")) {
		say_plain(RF_VIRTIO_REMOVE, n, 0);
	} else if (!strcmp(what, "hold")) {
		d->held = true;
	} else if (!strcmp(what, "go")) {
		d->held = false;
		nudge(d);
	} else if (!strcmp(what, "kick")) {
		ring(d->queue[a].kick);
	} else if (!strcmp(what, "call")) {
		ring(d->queue[a].call);
	} else {
		said("what is %s?", what);
	}
}

static void command(char *line)
{
	unsigned long a = 0, b = 0;
	unsigned int n = 0;
	char what[16] = "";

	if (!strncmp(line, "raw ", 4)) {
		raw(line + 4);
	} else if (!strncmp(line, "close", 5)) {
		rf_close(channel);
		channel = -1;
		for (n = 0; n < DISKS; n++) {
			disks[n].ready = false;
			for (uint32_t i = 0; i < disks[n].nr_queues; i++)
				queue_eventfds(n, i, false);
		}
	} else if (!strncmp(line, "open", 4)) {
		hello();
		for (n = 0; n < DISKS; n++)
			if (disks[n].there)
				announce(n);
	} else {
		sscanf(line, "%15s %u %lu %lu", what, &n, &a, &b);
		disk_command(what, n, a, b);
	}
	said("did %s", strtok(line, "\n"));
}

static int serve(void)
{
	struct pollfd fds[2 + DISKS * QUEUES];
	struct { struct disk *d; struct queue *vq; } of[2 + DISKS * QUEUES];
	char line[4096];

	setlinebuf(stdin);
	hello();
	said("ready");
	for (;;) {
		unsigned int nr = 2;

		fds[0] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = channel, .events = POLLIN };
		for (int n = 0; n < DISKS; n++)
			for (uint32_t i = 0; disks[n].ready && i < disks[n].nr_queues; i++) {
				if (!disks[n].queue[i].size)
					continue;
				of[nr].d = &disks[n];
				of[nr].vq = &disks[n].queue[i];
				fds[nr++] = (struct pollfd){
					.fd = disks[n].queue[i].kick, .events = POLLIN,
				};
			}
		if (poll(fds, nr, -1) < 0)
			die("poll");
		for (unsigned int i = 2; i < nr; i++)
			if (fds[i].revents)
				work(of[i].d, of[i].vq);
		if (channel >= 0 && fds[1].revents)
			heard();
		if (fds[0].revents) {
			ssize_t n = 0;

			/* a byte at a time: no line waits in a buffer while we poll */
			while (n < (ssize_t)sizeof(line) - 1 && read(0, &line[n], 1) == 1)
				if (line[n++] == '\n')
					break;
			if (!n)
				return 0;
			line[n] = '\0';
			command(line);
		}
	}
}

/* --- the window --- */
static sigjmp_buf bus;

static void on_bus(int sig)
{
	(void)sig;
	siglongjmp(bus, 1);
}

static bool can_read(const volatile unsigned char *p)
{
	if (sigsetjmp(bus, 1))
		return false;
	(void)*p;
	return true;
}

/* In steps of a megabyte, and each page of the service area. */
static int look(void)
{
	unsigned long pages = 0, none = 0;

	for (uint64_t i = 0; i < window_bytes; i += 1 << 20)
		can_read(window + i) ? pages++ : none++;
	said("%lu with, %lu without", pages, none);
	return 0;
}

static int peek(void)
{
	uint64_t i, last = 0;
	char line[16];

	for (i = 0; i < window_bytes; i += 1 << 20)
		if (can_read(window + i))
			last = i;
	if (!last) {
		printf("there is nothing\n");
		return 1;
	}
	said("mapped %#lx", (unsigned long)last);
	while (fgets(line, sizeof(line), stdin))
		said(can_read(window + last) ? "page" : "SIGBUS");
	return 0;
}

static void refused(const char *what, int fd, unsigned long cmd, void *arg)
{
	said("%s: %s", what, ioctl(fd, cmd, arg) ? strerror(errno) : "done");
}

static int binds(uint32_t id)
{
	struct rfvhost_bind bind = { .size = sizeof(bind), .subos = id };
	struct rfvhost_queue q = { .size = sizeof(q), .kick = -1, .call = -1 };
	int other = open("/dev/rfvhost", O_RDWR), zero = open("/dev/zero", O_RDWR);

	refused("a queue before", other, RFVHOST_IOC_QUEUE, &q);
	refused("twice", vhost_fd, RFVHOST_IOC_BIND, &bind);
	refused("the same subOS", other, RFVHOST_IOC_BIND, &bind);
	bind.subos = 0;
	refused("the supervisor", other, RFVHOST_IOC_BIND, &bind);
	bind.size = 1;
	refused("another size", other, RFVHOST_IOC_BIND, &bind);
	q.device = RF_VIRTIO_DEVICES;
	refused("no such device", vhost_fd, RFVHOST_IOC_QUEUE, &q);
	q.device = 0;
	q.queue = RF_VIRTIO_QUEUES;
	refused("no such queue", vhost_fd, RFVHOST_IOC_QUEUE, &q);
	q.queue = 0;
	q.kick = zero;
	refused("no eventfd", vhost_fd, RFVHOST_IOC_QUEUE, &q);
	q.kick = -1;
	q.call = 1000;
	refused("no descriptor", vhost_fd, RFVHOST_IOC_QUEUE, &q);
	q.call = -1;
	refused("nothing", vhost_fd, RFVHOST_IOC_QUEUE, &q);
	refused("another call", vhost_fd, _IO(RFVHOST_IOC_MAGIC, 99), NULL);
	said("private mapping: %s", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, window_fd, 0) ==
	     MAP_FAILED ? strerror(errno) : "done");
	said("code: %s", mmap(NULL, 4096, PROT_EXEC, MAP_SHARED, window_fd, 0) ==
	     MAP_FAILED ? strerror(errno) : "done");
	if (setuid(65534))
		die("setuid");
	refused("nobody binds", other, RFVHOST_IOC_BIND, &bind);
	bind.size = sizeof(bind);
	bind.subos = id + 1;
	refused("nobody binds", other, RFVHOST_IOC_BIND, &bind);
	refused("nobody sets", vhost_fd, RFVHOST_IOC_QUEUE, &q);
	return 0;
}

int main(int argc, char **argv)
{
	struct rfvhost_bind bind = { .size = sizeof(bind) };

	if (argc < 3)
		return 2;
	name = argv[2];
	window_open(&bind.subos);
	signal(SIGBUS, on_bus);
	if (!strcmp(argv[1], "window"))
		return look();
	if (!strcmp(argv[1], "peek"))
		return peek();
	vhost_fd = open("/dev/rfvhost", O_RDWR | O_CLOEXEC);
	if (vhost_fd < 0)
		die("/dev/rfvhost");
	if (ioctl(vhost_fd, RFVHOST_IOC_BIND, &bind))
		die("RFVHOST_IOC_BIND");
	return !strcmp(argv[1], "binds") ? binds(bind.subos) : serve();
}
