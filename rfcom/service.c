// SPDX-License-Identifier: GPL-2.0-only
/*
 * Services: whoever opens a channel to one waits in its queue to be accepted.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/kref.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "internal.h"

#define ASKED_MAX	4U	/* requests of one kernel that are being answered */

/**
 * struct rf_service - a name that others can open channels to
 * @ref: one for its user, one for each request that has a place
 * @node: in the list of services; under services_lock, as what follows but @wait
 * @gone: it is not offered any more
 * @name: of it
 * @backlog: channels that may wait
 * @waiting: that wait, or are about to
 * @queue: those that wait
 * @wait: woken when one comes
 */
struct rf_service {
	struct kref ref;
	struct list_head node;
	bool gone;
	char name[RFCOM_NAME_MAX];
	unsigned int backlog;
	unsigned int waiting;
	struct list_head queue;
	wait_queue_head_t wait;
};

/**
 * struct asked - a request to be let in
 * @work: answers it
 * @peer: kernel that asks
 * @body: what it wants
 */
struct asked {
	struct work_struct work;
	u32 peer;
	struct rf_com_open body;
};

static DEFINE_SPINLOCK(services_lock);	/* protects all of what follows */
static LIST_HEAD(services);
static struct rfcom_quota quota = RFCOM_QUOTA_INIT(quota, ASKED_MAX);
static struct workqueue_struct *asked_queue;

static struct rf_service *service_find(const char *name)
{
	struct rf_service *s;

	lockdep_assert_held(&services_lock);
	list_for_each_entry(s, &services, node)
		if (!strcmp(s->name, name))
			return s;
	return NULL;
}

static void service_free(struct kref *ref)
{
	kfree(container_of(ref, struct rf_service, ref));
}

/* That service, for kref_put(), with a place in its queue. */
static struct rf_service *service_reserve(const char *name)
{
	struct rf_service *s;

	spin_lock(&services_lock);
	s = service_find(name);
	if (!s) {
		s = ERR_PTR(-ECONNREFUSED);
	} else if (s->waiting == s->backlog) {
		s = ERR_PTR(-EAGAIN);
	} else {
		s->waiting++;
		kref_get(&s->ref);
	}
	spin_unlock(&services_lock);
	return s;
}

/* The channel takes the place; NULL: nobody does. False when the service is gone. */
static bool service_enter(struct rf_service *s, struct rf_channel *ch)
{
	bool entered;

	spin_lock(&services_lock);
	entered = ch && !s->gone;
	if (entered)
		list_add_tail(&ch->node, &s->queue);
	else
		s->waiting--;
	spin_unlock(&services_lock);
	if (entered)
		wake_up_all(&s->wait);
	return entered;
}

static int opened_send(u32 peer, u32 to, u32 from, int error)
{
	struct rf_com_opened body = {
		.from = cpu_to_le32(from),
		.error = cpu_to_le32(-error),
	};

	return rfcom_send(peer, RF_MSG_COM_OPENED, to, &body, sizeof(body));
}

/*
 * The answer is on its way before anybody can write to the channel: data would come to
 * an end that knows of no partner yet.
 */
static int asked_let_in(const struct asked *asked, const struct ficm_kernel *kernel,
			struct rf_service *s)
{
	u32 from = le32_to_cpu(asked->body.from);
	struct rf_channel *ch;
	int ret;

	ch = rfcom_channel_create(kernel, s->name);
	if (IS_ERR(ch)) {
		service_enter(s, NULL);
		return PTR_ERR(ch);
	}
	ch->accepted = true;
	spin_lock(&ch->lock);
	ch->remote = from;
	ch->state = RFCOM_STATE_OPEN;
	spin_unlock(&ch->lock);
	ret = opened_send(asked->peer, from, ch->id, 0);
	if (!service_enter(s, ret ? NULL : ch))
		rf_close(ch);
	return 0;
}

static int asked_check(const struct asked *asked, struct ficm_kernel *kernel)
{
	if (!asked->body.from || !rfcom_name_good(asked->body.service))
		return -ECONNREFUSED;
	if (ficm_describe(asked->peer, kernel))
		return -ECONNREFUSED;
	return kernel->may_open ? 0 : -EACCES;
}

static int asked_answer(const struct asked *asked)
{
	struct ficm_kernel kernel;
	struct rf_service *s;
	int ret;

	ret = asked_check(asked, &kernel);
	if (ret)
		return ret;
	s = service_reserve(asked->body.service);
	if (IS_ERR(s))
		return PTR_ERR(s);
	ret = asked_let_in(asked, &kernel, s);
	kref_put(&s->ref, service_free);
	return ret;
}

static void asked_work(struct work_struct *work)
{
	struct asked *asked = container_of(work, struct asked, work);
	int ret = asked_answer(asked);

	if (ret)
		opened_send(asked->peer, le32_to_cpu(asked->body.from), 0, ret);
	rfcom_quota_end(&quota, asked->peer);
	kfree(asked);
}

/**
 * rfcom_service_asked() - somebody wants a channel
 * @peer: kernel that asks
 * @msg: RF_MSG_COM_OPEN, of the right length
 *
 * Context: a handler's of ficm.
 */
void rfcom_service_asked(u32 peer, const struct rf_msg *msg)
{
	const struct rf_com_open *body = (const void *)msg->body;
	struct rf_com_opened busy = { .error = cpu_to_le32(EAGAIN) };
	struct asked *asked = NULL;
	bool begun = rfcom_quota_begin(&quota, peer);

	if (begun)
		asked = kmalloc(sizeof(*asked), GFP_NOWAIT | __GFP_NOWARN);
	if (!asked) {
		if (begun)
			rfcom_quota_end(&quota, peer);
		rfcom_tell(peer, RF_MSG_COM_OPENED, le32_to_cpu(body->from), &busy, sizeof(busy));
		return;
	}
	INIT_WORK(&asked->work, asked_work);
	asked->peer = peer;
	asked->body = *body;
	queue_work(asked_queue, &asked->work);
}

/**
 * rf_listen() - offer a service
 * @service: its name
 * @backlog: channels that may wait to be accepted, 1 to RFCOM_BACKLOG_MAX
 *
 * Context: sleeps.
 * Return: the service, for rf_unlisten(). -EINVAL, -EADDRINUSE somebody offers it,
 * -ENOMEM.
 */
struct rf_service *rf_listen(const char *service, unsigned int backlog)
{
	struct rf_service *s;
	bool taken;

	if (strlen(service) >= RFCOM_NAME_MAX || !rfcom_name_good(service) || !backlog ||
	    backlog > RFCOM_BACKLOG_MAX)
		return ERR_PTR(-EINVAL);
	s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (!s)
		return ERR_PTR(-ENOMEM);
	strscpy(s->name, service, sizeof(s->name));
	kref_init(&s->ref);
	s->backlog = backlog;
	INIT_LIST_HEAD(&s->queue);
	init_waitqueue_head(&s->wait);
	spin_lock(&services_lock);
	taken = service_find(service);
	if (!taken)
		list_add_tail(&s->node, &services);
	spin_unlock(&services_lock);
	if (taken) {
		kfree(s);
		return ERR_PTR(-EADDRINUSE);
	}
	return s;
}
EXPORT_SYMBOL_NS_GPL(rf_listen, RAINFOREST_RFCOM);

static struct rf_channel *service_first(struct rf_service *s)
{
	struct rf_channel *ch;

	spin_lock(&services_lock);
	ch = list_first_entry_or_null(&s->queue, struct rf_channel, node);
	if (ch) {
		list_del_init(&ch->node);
		s->waiting--;
	}
	spin_unlock(&services_lock);
	return ch;
}

/**
 * rf_accept() - the next channel that somebody opened
 * @service: the service
 * @flags: RF_NOWAIT
 *
 * Its other end may have closed it meanwhile.
 *
 * Context: sleeps.
 * Return: the channel's end, for rf_close(). -EAGAIN there is none, -ERESTARTSYS a
 * signal came.
 */
struct rf_channel *rf_accept(struct rf_service *service, unsigned int flags)
{
	struct rf_channel *ch;

	while (!(ch = service_first(service))) {
		if (flags & RF_NOWAIT)
			return ERR_PTR(-EAGAIN);
		if (wait_event_interruptible(service->wait, rfcom_service_ready(service)))
			return ERR_PTR(-ERESTARTSYS);
	}
	return ch;
}
EXPORT_SYMBOL_NS_GPL(rf_accept, RAINFOREST_RFCOM);

/**
 * rf_unlisten() - offer it no longer; nobody uses it any more
 * @service: the service
 *
 * Channels that were not accepted are closed.
 *
 * Context: sleeps.
 */
void rf_unlisten(struct rf_service *service)
{
	struct rf_channel *ch;

	spin_lock(&services_lock);
	list_del(&service->node);
	service->gone = true;
	spin_unlock(&services_lock);
	while ((ch = service_first(service)))
		rf_close(ch);
	kref_put(&service->ref, service_free);
}
EXPORT_SYMBOL_NS_GPL(rf_unlisten, RAINFOREST_RFCOM);

/**
 * rf_service_wait() - what is woken when somebody opens a channel
 * @service: the service
 *
 * Return: that.
 */
struct wait_queue_head *rf_service_wait(struct rf_service *service)
{
	return &service->wait;
}
EXPORT_SYMBOL_NS_GPL(rf_service_wait, RAINFOREST_RFCOM);

/**
 * rfcom_service_ready() - does a channel wait to be accepted?
 * @service: the service
 *
 * Return: whether one does.
 */
bool rfcom_service_ready(const struct rf_service *service)
{
	return !list_empty_careful(&service->queue);
}

/**
 * rfcom_services_init() - what answers requests
 *
 * Return: 0, -ENOMEM.
 */
int rfcom_services_init(void)
{
	asked_queue = alloc_workqueue("rfcom", WQ_UNBOUND, ASKED_MAX * RFCOM_PEERS);
	return asked_queue ? 0 : -ENOMEM;
}

/**
 * rfcom_services_exit() - no request comes any more
 */
void rfcom_services_exit(void)
{
	destroy_workqueue(asked_queue);
}
