// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring of events: what a reader gets, in pieces of any size, is every event
 * in order, but those that were forgotten, and it is told where they were.
 */
#include "kshim.h"
#include "tap.h"

#define _RFCTL_CDEV_H	/* no user space here */

typedef unsigned int __poll_t;
#define EPOLLIN		1
#define EPOLLRDNORM	2

struct subos {
	u32 id;
	char name[RF_NAME_MAX];
};

struct file;
struct poll_table_struct;

#define DECLARE_WAIT_QUEUE_HEAD(w)	struct kshim_wait w
#define poll_wait(file, w, wait)	((void)(file), (void)(w), (void)(wait))
#define CDEV_FETCH(arg, req, last)	((req) = *(typeof(req) *)(arg), 0)
#define cdev_return(arg, req, size)	(memcpy(arg, req, size), 0)
#define strscpy(to, from, size)		snprintf(to, size, "%s", from)

#define TASK_COMM_LEN		16
#define PF_KTHREAD		1
#define scnprintf		snprintf
#define get_task_comm(to, task)	strcpy(to, (task)->comm)
#define task_tgid_nr(task)	((task)->tgid)

static struct task {
	int flags;
	int tgid;
	char comm[TASK_COMM_LEN];
} task = { .tgid = 77, .comm = "rfm" }, *current = &task;

static u64 ktime_get_real_ns(void)
{
	static u64 ns = 1000;

	return ns++;
}

static void kshim_sleep(void)
{
}

#include "../../rfcontroller/events.c"

static u64 made;

static void make(u32 n)
{
	struct subos so = { .name = "web" };
	char text[RF_REASON_MAX + 20];

	while (n--) {
		so.id = ++made % 7;
		snprintf(text, sizeof(text), "%llu", made);
		rfctl_event(&so, RF_EVENT_STATE, made, made % 3 ? 0 : -5, text);
	}
}

/* One reading; false when what it gives is not what was made. */
static bool read_some(u64 *place, u64 first, u32 capacity, struct rf_events *req)
{
	static struct rf_event out[5000];
	u32 i;

	*req = (struct rf_events){ .size = sizeof(*req), .entries = (uintptr_t)out,
				   .first = first, .capacity = capacity };
	if (rfctl_events_ioctl(req, place) || req->count > capacity)
		return false;
	for (i = 0; i < req->count; i++) {
		u64 seq = req->first + i;

		if (out[i].seq != seq || out[i].value != seq || out[i].id != seq % 7 ||
		    out[i].error != (seq % 3 ? 0 : 5) || strtoull(out[i].text, NULL, 10) != seq ||
		    strcmp(out[i].name, "web"))
			return false;
	}
	return true;
}

static bool readable(u64 place)
{
	return rfctl_events_poll(NULL, NULL, &place) & EPOLLIN;
}

static void test_place(void)
{
	u64 place = rfctl_events_next();
	struct rf_events req;

	ok(!readable(place), "a new descriptor waits");
	ok(read_some(&place, 0, 10, &req) && !req.count && req.first == made + 1,
	   "and has nothing to read, but is told what comes next");
	make(3);
	ok(events_wait.woken && readable(place), "an event wakes it");
	ok(read_some(&place, 0, 2, &req) && req.count == 2 && readable(place),
	   "two of three: still readable");
	ok(read_some(&place, 0, 2, &req) && req.count == 1 && !readable(place),
	   "the third: no longer");
	ok(read_some(&place, 1, 1, &req) && req.first == 1 && readable(place),
	   "who goes back has more to read");
	ok(read_some(&place, made + 100, 5, &req) && !req.count && readable(place),
	   "what is to come is not there, and moves nothing");
}

static void test_random(void)
{
	u64 place = rfctl_events_next(), want = place, gaps = 0, bad = 0;
	struct rf_events req;
	int i;

	for (i = 0; i < 3000; i++) {
		make(random() % (random() % 50 ? 20 : 6000));
		bad += !read_some(&place, random() % 2 ? 0 : place, random() % 100, &req);
		if (!req.count)
			continue;
		bad += req.first < want || (req.first > want && made - EVENTS + 1 != req.first);
		gaps += req.first > want;
		want = req.first + req.count;
		bad += place != want;
	}
	ok(!bad && gaps > 10, "%llu events, %llu times some were forgotten: in order, and told",
	   made, gaps);
	ok(read_some(&place, 1, 5000, &req) && req.count == EVENTS &&
	   req.first + req.count == made + 1,
	   "the newest %u are kept", EVENTS);
}

static void test_who(void)
{
	static const char *const want[] = { "why", "asked by rfm[77]", "", "" };
	struct subos so = { .id = 1, .name = "web" };
	static struct rf_event out[4];
	struct rf_events req = { .size = sizeof(req), .entries = (uintptr_t)out, .capacity = 4 };
	u64 place = rfctl_events_next();
	unsigned int i, bad = 0;

	rfctl_event(&so, RF_EVENT_CPUS, 1, 0, "why");
	rfctl_event(&so, RF_EVENT_CPUS, 1, 0, "");
	rfctl_event(&so, RF_EVENT_STATE, 1, 0, "");
	task.flags = PF_KTHREAD;
	rfctl_event(&so, RF_EVENT_CPUS, 1, 0, "");
	ok(!rfctl_events_ioctl(&req, &place) && req.count == 4, "four events");
	for (i = 0; i < 4; i++)
		bad += strcmp(out[i].text, want[i]) != 0;
	ok(!bad, "a change without a reason has who asked for it");
}

static void test_wrong(void)
{
	struct rf_events req = { .size = sizeof(req), .first = 1, .capacity = 4 };
	u64 place = 1;

	ok(rfctl_events_ioctl(&req, &place) == -EFAULT && place == 1, "a bad address: EFAULT");
	req.flags = 1;
	ok(rfctl_events_ioctl(&req, &place) == -EINVAL, "unknown flags: EINVAL");
	req.flags = 0;
	kshim_fail = 1;
	ok(rfctl_events_ioctl(&req, &place) == -ENOMEM, "no memory: ENOMEM");
	kshim_fail = 1;
	events = NULL;
	ok(rfctl_events_init() == -ENOMEM, "no memory at the start: ENOMEM");
}

int main(void)
{
	struct rf_event *kept;

	srandom(4);
	ok(!rfctl_events_init(), "there is room");
	test_place();
	test_random();
	test_who();
	kept = events;
	test_wrong();
	events = kept;
	rfctl_events_exit();
	return tap_end();
}
