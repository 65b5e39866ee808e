// SPDX-License-Identifier: GPL-2.0-only
/*
 * Options, and what the parts share.
 */
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ringtest.h"

struct options opt = { .count = 1000000, .slots = 256, .spin = 100, .cpu = { -1, -1 } };

static const char usage[] =
	"usage: ringtest [OPTION]... stream|race|garbage|restart|pingpong\n"
	"  stream     numbered messages from one thread to the other\n"
	"  race       one message against one arming, as close together as can be\n"
	"  garbage    a peer that writes random bytes\n"
	"  restart    either end dies and comes back as another incarnation\n"
	"  pingpong   round trips, beside those of a bare cache line\n"
	"  --poll, --sleep   the reader looks always, or sleeps until its doorbell\n"
	"  --count N         messages or rounds (1000000)\n"
	"  --slots N         of a ring (256)\n"
	"  --spin N          looks at an empty ring before sleeping (100)\n"
	"  --cpus A,B        of the two threads (the first two that there are)\n"
	"  --limit SECONDS   to hang is to fail (600)\n";

void fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("ringtest: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	_exit(1);
}

static void pin(pthread_attr_t *attr, int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_attr_setaffinity_np(attr, sizeof(set), &set);
}

/* Runs two threads to their end. */
void both(void *(*first)(void *), void *(*second)(void *))
{
	void *(*const fn[2])(void *) = { first, second };
	pthread_t thread[2];
	pthread_attr_t attr;
	int i;

	for (i = 0; i < 2; i++) {
		pthread_attr_init(&attr);
		pin(&attr, opt.cpu[i]);
		if (pthread_create(&thread[i], &attr, fn[i], NULL))
			fail("cannot make a thread on CPU %d", opt.cpu[i]);
		pthread_attr_destroy(&attr);
	}
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
}

/* In a loop that waits for the other thread, which may not be running now. */
void relax(unsigned int *spins)
{
	if (++*spins % 256 == 0)
		sched_yield();
	else
		__builtin_ia32_pause();
}

u64 rng(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Exact sizes, so that a sanitizer sees an access behind the end. */
void mem_make(struct ficm_ring_mem *mem)
{
	mem->slots = opt.slots;
	mem->head = aligned_alloc(64, ficm_ring_size(opt.slots));
	mem->ack = aligned_alloc(64, sizeof(*mem->ack));
	if (!mem->head || !mem->ack)
		fail("no memory");
	memset(mem->head, 0xa5, ficm_ring_size(opt.slots));
	memset(mem->ack, 0xa5, sizeof(*mem->ack));
}

void mem_free(struct ficm_ring_mem *mem)
{
	free(mem->head);
	free(mem->ack);
}

/* Both threads leave this together, each with its own count of turns. */
void meet(unsigned int *turn)
{
	static unsigned int arrived;
	unsigned int spins = 0;

	*turn += 2;
	__atomic_add_fetch(&arrived, 1, __ATOMIC_ACQ_REL);
	while ((int)(__atomic_load_n(&arrived, __ATOMIC_ACQUIRE) - *turn) < 0)
		relax(&spins);
}

/* All lengths; each byte depends on the number and the key. */
void msg_fill(struct rf_msg *msg, u64 number, u64 key)
{
	u64 word = (number + 1) * 0x9e3779b97f4a7c15ULL ^ key;
	unsigned int i;

	memset(msg, 0, sizeof(*msg));
	msg->type = cpu_to_le16(number & 0xffff);
	msg->len = number % (RF_MSG_BODY + 1);
	msg->tag = cpu_to_le32(number >> 7 & 0xffffffff);
	for (i = 0; i < msg->len; i++)
		msg->body[i] = (word >> i % 8 * 8) + i / 8;
}

void msg_check(const struct rf_msg *msg, u64 number, u64 key)
{
	struct rf_msg want;

	msg_fill(&want, number, key);
	want.stamp = msg->stamp;
	if (memcmp(&want, msg, sizeof(want)))
		fail("message %llu is not what was sent: stamp %#llx, tag %u, %u bytes",
		     (unsigned long long)number, (unsigned long long)le64_to_cpu(msg->stamp),
		     le32_to_cpu(msg->tag), msg->len);
}

/* The first two CPUs that we may use; any when there is one only. */
static void default_cpus(void)
{
	cpu_set_t set;
	int cpu, n = 0;

	if (sched_getaffinity(0, sizeof(set), &set) || CPU_COUNT(&set) < 2)
		return;
	for (cpu = 0; n < 2; cpu++)
		if (CPU_ISSET(cpu, &set))
			opt.cpu[n++] = cpu;
}

static bool parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "poll", no_argument, NULL, 'p' },
		{ "sleep", no_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'c' },
		{ "slots", required_argument, NULL, 'n' },
		{ "spin", required_argument, NULL, 'i' },
		{ "cpus", required_argument, NULL, 'a' },
		{ "limit", required_argument, NULL, 'l' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'p' || c == 's')
			opt.sleep = c == 's';
		else if (c == 'c')
			opt.count = strtod(optarg, NULL);
		else if (c == 'n')
			opt.slots = strtoul(optarg, NULL, 0);
		else if (c == 'i')
			opt.spin = strtoul(optarg, NULL, 0);
		else if (c == 'l')
			alarm(strtoul(optarg, NULL, 0));
		else if (c != 'a' || sscanf(optarg, "%d,%d", &opt.cpu[0], &opt.cpu[1]) != 2)
			return false;
	}
	return optind + 1 == argc;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*fn)(void);
	} part[] = {
		{ "stream", stream },
		{ "race", race },
		{ "garbage", garbage },
		{ "restart", restart },
		{ "pingpong", pingpong },
	};
	unsigned int i;

	alarm(600);
	default_cpus();
	if (parse(argc, argv)) {
		for (i = 0; i < ARRAY_SIZE(part); i++) {
			if (strcmp(argv[optind], part[i].name))
				continue;
			part[i].fn();
			return 0;
		}
	}
	fputs(usage, stderr);
	return 2;
}
