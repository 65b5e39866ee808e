// SPDX-License-Identifier: GPL-2.0-only
/* What the back ends' processes read: descriptions of devices, queues, answers, addresses. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/fuse.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>

#include "ctrlq.h"
#include "maclist.h"
#include "ready.h"
#include "spec.h"
#include "tap.h"
#include "vuser.h"

#define ROOM	65536
#define SIZE	8U

static uint8_t memory[ROOM];

static int mem_read(void *ctx, uint64_t at, void *to, uint32_t bytes)
{
	if (at >= ROOM || bytes > ROOM - at)
		return -1;
	memcpy(to, memory + at, bytes);
	return 0;
}

static int mem_write(void *ctx, uint64_t at, const void *from, uint32_t bytes)
{
	if (at >= ROOM || bytes > ROOM - at)
		return -1;
	memcpy(memory + at, from, bytes);
	return 0;
}

static const struct ctrlq_memory access_memory = { mem_read, mem_write, NULL };

/* --- descriptions --- */

static void good(enum spec_kind kind, const char *text, const char *again)
{
	char err[SPEC_ERR_MAX] = "", back[SPEC_TEXT_MAX];
	struct spec s;

	ok(!spec_parse(&s, kind, text, err) && !strcmp(spec_format(&s, back), again),
	   "--%s %s %s", spec_word(kind), text, err);
}

static void bad(enum spec_kind kind, const char *text, const char *why)
{
	char err[SPEC_ERR_MAX] = "";
	struct spec s;

	ok(spec_parse(&s, kind, text, err) && strstr(err, why) && !strchr(err, '\n'),
	   "--%s '%.40s' is refused: %.80s", spec_word(kind), text, err);
}

static void specs(void)
{
	static char long_path[SPEC_PATH_MAX + 8];

	good(SPEC_NET, "tap=t0", "tap=t0");
	good(SPEC_NET, "bridge=br0,mac=02:00:00:00:00:01,queues=4",
	     "bridge=br0,mac=02:00:00:00:00:01,queues=4");
	good(SPEC_NET, "queues=1,tap=t,bridge=b", "tap=t,bridge=b");
	good(SPEC_ROOT, "/srv/x,ro", "/srv/x,ro");
	good(SPEC_ROOT, "/srv/x,cache=always", "/srv/x,cache=always");
	good(SPEC_FS, "d=/srv/x,cache=always,ro", "d=/srv/x,ro,cache=always");
	good(SPEC_FS, "d=/srv/x,cache=auto", "d=/srv/x");
	good(SPEC_FS, "a=/srv/x=y", "a=/srv/x=y");
	good(SPEC_DISK, "/d,ro,format=qcow2", "/d,format=qcow2,ro");
	good(SPEC_DISK, "/d,format=raw", "/d");
	bad(SPEC_NET, "", "write tap=");
	bad(SPEC_NET, "mac=02:00:00:00:00:01", "needs tap=NAME or bridge=BRIDGE");
	bad(SPEC_NET, "tap=", "no name of an interface");
	bad(SPEC_NET, "tap=a/b", "no name of an interface");
	bad(SPEC_NET, "tap=0123456789012345", "1 to 15 characters");
	bad(SPEC_NET, "tap=t,speed=9", "not one of tap, bridge");
	bad(SPEC_NET, "tap=t,mac=02:00:00:00:00", "no address");
	bad(SPEC_NET, "tap=t,mac=02:00:00:00:00:zz", "no address");
	bad(SPEC_NET, "tap=t,mac=01:00:00:00:00:00", "no address of one card");
	bad(SPEC_NET, "tap=t,mac=00:00:00:00:00:00", "no address of one card");
	bad(SPEC_NET, "tap=t,queues=0", "write 1 to 8");
	bad(SPEC_NET, "tap=t,queues=9", "write 1 to 8");
	bad(SPEC_FS, "/srv", "write TAG=DIRECTORY");
	bad(SPEC_FS, "=/srv", "write TAG=DIRECTORY");
	bad(SPEC_FS, "root=/srv", "that of --root");
	bad(SPEC_FS, "a=", "a path is needed");
	bad(SPEC_FS, "a=/b,rw", "'rw' is not known; write ro, cache=auto or cache=always");
	bad(SPEC_DISK, "/d,cache=always", "'cache=always' is not known");
	bad(SPEC_FS, "0123456789012345678901234567890123456=/b", "1 to 36");
	bad(SPEC_DISK, "/d,format=vmdk", "'format=vmdk' is not known");
	bad(SPEC_DISK, "/a\tb", "cannot be given");
	memset(long_path, 'x', sizeof(long_path) - 1);
	bad(SPEC_DISK, long_path, "longer");
}

static void macs(void)
{
	uint8_t a[6], b[6];

	spec_mac_make(a, "machine", "web", 0);
	spec_mac_make(b, "machine", "web", 0);
	ok(spec_mac_good(a) && (a[0] & 3) == 2 && !memcmp(a, b, 6),
	   "an address is made: local, for one card, the same again");
	spec_mac_make(b, "machine", "web", 1);
	ok(memcmp(a, b, 6), "another for another card");
	spec_mac_make(b, "machine", "we", 0);
	ok(memcmp(a, b, 6), "and for another subOS");
	spec_mac_make(b, "other", "web", 0);
	ok(memcmp(a, b, 6), "and on another machine");
}

static void lists(const char *dir)
{
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, 7 };
	char path[512], owner[MACLIST_NAME] = "", line[MACLIST_LINE];
	const char *name;
	struct spec s;
	FILE *f;

	snprintf(path, sizeof(path), "%s/web/devices", dir);
	f = fopen(path, "w");
	fputs("nonsense\n0\tnet0\tnet\ttap=a,mac=02:00:00:00:00:07\n", f);
	fclose(f);
	ok(maclist_owner(dir, "db", mac, owner) && !strcmp(owner, "web"),
	   "who has an address is found");
	ok(!maclist_owner(dir, "web", mac, owner), "but for the one who asks");
	strcpy(line, "31\tfs0\tfs\ta=/b\n");
	ok(maclist_line(line, &name, &s) == 31 && !strcmp(name, "fs0") && !strcmp(s.tag, "a"),
	   "a line is read");
	strcpy(line, "32\tfs0\tfs\ta=/b\n");
	ok(maclist_line(line, &name, &s) < 0, "a number that cannot be is not");
}

/* --- what the subOS says of its queues --- */

static void readies(void)
{
	struct rf_virtio_device d = { .nr_queues = 2, .features = 7, .queue_max = { 64, 64 } };
	struct rf_virtio_ready r = { .nr_queues = 2, .features = 5, .queue = {
		{ .size = 64, .desc = 4096, .avail = 8192, .used = 12288 } } }, w;
	size_t n = offsetof(struct rf_virtio_ready, queue[2]);

	ok(!ready_check(&r, n, &d, 1 << 20), "queues that can be");
#define SPOIL(what, change) do {						\
		w = r;								\
		change;								\
		ok(ready_check(&w, n, &d, 1 << 20), "refused: " what);		\
	} while (0)
	SPOIL("a size that is no power of two", w.queue[0].size = 48);
	SPOIL("a queue that is too long", w.queue[0].size = 128);
	SPOIL("descriptors behind the memory", w.queue[0].desc = (1 << 20) - 16);
	SPOIL("descriptors at the end of all", w.queue[0].desc = -16ULL);
	SPOIL("descriptors at an odd address", w.queue[0].desc = 4097);
	SPOIL("a ring behind the memory", w.queue[0].avail = (1 << 20) - 2);
	SPOIL("the other ring at an odd address", w.queue[0].used = 12290);
	SPOIL("features that were not offered", w.features = 8);
	SPOIL("flags that are not known", w.flags = 2);
	SPOIL("another number of queues", w.nr_queues = 1);
	SPOIL("more queues than there are", w.nr_queues = 100000);
	ok(ready_check(&r, n - 1, &d, 1 << 20) && ready_check(&r, 7, &d, 1 << 20),
	   "refused: a message that is cut");
}

/* --- the control queue --- */

static struct ctrlq q;
static unsigned int ran;
static struct ctrlq_command last;

static bool run(void *ctx, const struct ctrlq_command *c)
{
	ran++;
	last = *c;
	return c->class != 9;
}

static struct vring_desc *desc(unsigned int i)
{
	return (struct vring_desc *)(memory + 4096) + i;
}

static void offer(unsigned int head)
{
	uint16_t *avail = (uint16_t *)(memory + 8192);

	avail[2 + avail[1] % SIZE] = head;
	avail[1]++;
}

static void fresh(void)
{
	memset(memory, 0, sizeof(memory));
	q = (struct ctrlq){ .memory = &access_memory, .size = SIZE, .desc = 4096,
			    .avail = 8192, .used = 12288 };
	ran = 0;
	memcpy(memory + 20000, "\x04\x00\x02\x00", 4);
	*desc(0) = (struct vring_desc){ 20000, 2, VRING_DESC_F_NEXT, 1 };
	*desc(1) = (struct vring_desc){ 20002, 2, VRING_DESC_F_NEXT, 2 };
	*desc(2) = (struct vring_desc){ 20100, 1, VRING_DESC_F_WRITE, 0 };
	memory[20100] = 77;
	offer(0);
}

static uint16_t used_idx(void)
{
	return *(uint16_t *)(memory + 12290);
}

static void spoiled(const char *what, int ret)
{
	ok(ctrlq_serve(&q, run, NULL) == ret && !ran && !used_idx(), "refused: %s", what);
}

static void control(void)
{
	unsigned int i;

	fresh();
	ok(ctrlq_serve(&q, run, NULL) == 1 && ran == 1 && last.class == 4 && last.cmd == 0 &&
	   last.bytes == 2 && last.data[0] == 2 && memory[20100] == VIRTIO_NET_OK &&
	   used_idx() == 1, "a command is carried out, and answered");
	ok(!ctrlq_serve(&q, run, NULL), "once");
	memory[20000] = 9;
	for (i = 0; i < SIZE; i++)
		offer(0);
	ok(ctrlq_serve(&q, run, NULL) == SIZE && memory[20100] == VIRTIO_NET_ERR,
	   "a full queue; what cannot be done is answered so");
	ok(!ctrlq_resume(&q) && q.last_avail == SIZE + 1, "it goes on behind what is used");
	fresh();
	*desc(5) = (struct vring_desc){ 24000, 3 * sizeof(struct vring_desc),
					VRING_DESC_F_INDIRECT, 0 };
	memcpy(memory + 24000, desc(0), 3 * sizeof(struct vring_desc));
	((uint16_t *)(memory + 8192))[2] = 5;
	ok(ctrlq_serve(&q, run, NULL) == 1 && ran == 1, "an indirect table");
	((struct vring_desc *)(memory + 24000))[1].flags |= VRING_DESC_F_INDIRECT;
	offer(5);
	ok(ctrlq_serve(&q, run, NULL) == -EPROTO, "refused: one in another");
	fresh();
	desc(1)->next = 0;
	spoiled("a chain that goes in circles", -EPROTO);
	fresh();
	desc(1)->next = SIZE;
	spoiled("a descriptor that is not there", -EPROTO);
	fresh();
	desc(0)->addr = ROOM - 1;
	spoiled("bytes that are not there", -EFAULT);
	fresh();
	desc(2)->addr = -1ULL;
	ok(ctrlq_serve(&q, run, NULL) == -EFAULT, "refused: room for the answer that is not there");
	fresh();
	desc(2)->flags = 0;
	spoiled("no room for the answer", -EPROTO);
	fresh();
	desc(0)->flags |= VRING_DESC_F_WRITE;
	spoiled("an answer before the question", -EPROTO);
	fresh();
	((uint16_t *)(memory + 8192))[1] = SIZE + 1;
	spoiled("more than fit", -EPROTO);
	fresh();
	desc(1)->len = CTRLQ_DATA_MAX + 1;
	ok(ctrlq_serve(&q, run, NULL) == 1 && !ran && memory[20100] == VIRTIO_NET_ERR,
	   "a command that is too long");
}

static void refusing(void)
{
	struct fuse_in_header in = { .len = 60, .opcode = 1, .unique = 4711 };
	struct fuse_out_header out;

	fresh();
	memcpy(memory + 20000, &in, sizeof(in));
	desc(0)->len = sizeof(in);
	desc(2)->len = 100;
	ok(ctrlq_refuse(&q, 107) == 1, "a request to a file system that is lost");
	memcpy(&out, memory + 20100, sizeof(out));
	ok(out.unique == 4711 && out.error == -107 && out.len == sizeof(out) && used_idx() == 1,
	   "is answered with an error");
	desc(1)->flags = 0;
	offer(0);
	ok(ctrlq_refuse(&q, 107) == 1 && used_idx() == 2, "one without an answer is done");
	desc(1)->next = 1;
	desc(1)->flags = VRING_DESC_F_NEXT;
	offer(0);
	ok(ctrlq_refuse(&q, 107) == -EPROTO, "and nonsense is nonsense");
}

/* --- vhost-user, with a back end that says what the test wants --- */

static void reply(int sock, uint32_t request, uint32_t flags, uint64_t value, uint32_t bytes)
{
	uint8_t m[12 + 64] = { 0 };

	memcpy(m, &request, 4);
	memcpy(m + 4, &flags, 4);
	memcpy(m + 8, &bytes, 4);
	memcpy(m + 12, &value, 8);
	if (write(sock, m, 12 + (bytes < 64 ? bytes : 64)) < 0)
		abort();
}

static void users(void)
{
	struct vuser v = { .timeout_ms = 50 };
	uint16_t base;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		abort();
	v.sock = pair[0];
	reply(pair[1], 11, 5, 3, 8);		/* left over */
	reply(pair[1], 1, 5, 1ULL << 32 | 1 << 30, 8);
	reply(pair[1], 15, 5, 1, 8);
	ok(!vuser_hello(&v, false) && v.features == 1ULL << 32 && v.protocol == 1,
	   "an answer that is left over is skipped");
	reply(pair[1], 11, 5, 9ULL << 32, 8);
	ok(!vuser_stop(&v, 0, &base) && base == 9, "where a queue stopped");
	ok(vuser_stop(&v, 0, &base) == -ETIME, "no answer");
	reply(pair[1], 11, 1, 0, 8);
	ok(vuser_stop(&v, 0, &base) == -EPROTO, "what is no answer");
	reply(pair[1], 11, 5, 0, 4);
	ok(vuser_stop(&v, 0, &base) == -EPROTO, "an answer that is too short");
	reply(pair[1], 11, 5, 0, 100000);
	ok(vuser_stop(&v, 0, &base) == -EPROTO, "an answer that is too long");
	close(pair[1]);
	ok(vuser_stop(&v, 0, &base) < 0, "nobody there");
	close(pair[0]);
}

int main(int argc, char **argv)
{
	specs();
	macs();
	if (argc > 1)
		lists(argv[1]);
	readies();
	control();
	refusing();
	users();
	return tap_end();
}
