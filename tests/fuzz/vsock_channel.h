/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Channels of the target vsock: what is told through them, and what is read, is looked at.
 */
#ifndef _TESTS_FUZZ_VSOCK_CHANNEL_H
#define _TESTS_FUZZ_VSOCK_CHANNEL_H

static struct rf_channel *channel_new(u32 peer, bool opened)
{
	struct rf_channel *ch;
	u32 i;

	for (i = 0; i < CHANNELS && channel[i]; i++)
		;
	if (i == CHANNELS)
		return NULL;
	ch = kernel_alloc(sizeof(*ch), 0, true);
	ch->peer = peer;
	ch->opened = opened;
	ch->bad = UINT_MAX;
	init_waitqueue_head(&ch->wait);
	channel[i] = ch;
	return ch;
}

void rf_close(struct rf_channel *ch)
{
	u32 i;

	might_sleep();
	must(list_empty(&ch->wait.entries));
	for (i = 0; i < CHANNELS; i++)
		if (channel[i] == ch)
			channel[i] = NULL;
	kfree(ch);
}

struct rf_channel *rf_open(const char *kernel, const char *name, unsigned int timeout_ms)
{
	static const int errors[] = { ENOENT, ENOTCONN, EACCES, EAGAIN, ETIMEDOUT, ENOMEM, EPROTO };
	struct rf_channel *ch = NULL;
	u32 d = dice();

	must(!strcmp(name, RF_VSOCK_SERVICE));
	(void)kernel;
	(void)timeout_ms;
	if (d % 4)
		ch = channel_new(d % 3, true);
	return ch ?: ERR_PTR(-errors[d / 4 % ARRAY_SIZE(errors)]);
}

static const u8 *first_of(struct rf_channel *ch, u32 *len)
{
	*len = ch->message[ch->first % MESSAGES].len;
	return ch->message[ch->first % MESSAGES].data;
}

bool rf_has_message(const struct rf_channel *ch)
{
	return ch->first != ch->next;
}

bool rf_readable(const struct rf_channel *ch)
{
	return rf_has_message(ch) || ch->ended;
}

bool rf_marked(const struct rf_channel *ch)
{
	return rf_has_message(ch) && ch->message[ch->first % MESSAGES].mark;
}

bool rf_ended(const struct rf_channel *ch, int *error)
{
	if (ch->ended)
		*error = ch->error;
	return ch->ended;
}

struct wait_queue_head *rf_channel_wait(struct rf_channel *ch)
{
	return &ch->wait;
}

struct wait_queue_head *rf_service_wait(struct rf_service *s)
{
	return &s->wait;
}

u32 rf_channel_peer(const struct rf_channel *ch)
{
	return ch->peer;
}

size_t rf_room(const struct rf_channel *ch)
{
	(void)ch;
	return dice() % 4 ? dice() * 256 : END_RESERVE;
}

void rf_want_room(struct rf_channel *ch)
{
	(void)ch;
}

ssize_t rf_read(struct rf_channel *ch, void *data, size_t size, unsigned int flags)
{
	const u8 *from;
	u32 len;

	must(flags == RF_NOWAIT);
	if (!rf_has_message(ch))
		return ch->ended ? ch->error : -EAGAIN;
	from = first_of(ch, &len);
	if (ch->done || len > size)
		return -EMSGSIZE;
	memcpy(data, from, len);
	ch->first++;
	return len;
}

/* Nothing behind what broke the rules is read, and the stream is in order. */
static ssize_t read_some(struct rf_channel *ch, struct iov_iter *to, size_t bytes, bool peek)
{
	u32 len, done = ch->done, first = ch->first, sum = 0;
	u8 read = ch->read;
	const u8 *from;

	while (rf_has_message(ch) && !rf_marked(ch) && sum < bytes) {
		from = first_of(ch, &len);
		must(ch->first < ch->bad);
		for (; ch->done < len && sum < bytes; sum++, ch->done++) {
			must(from[ch->done] == ch->read++);
			must(sum < to->count);
			to->at[sum] = from[ch->done];
		}
		if (ch->done < len || peek)
			break;
		ch->done = 0;
		ch->first++;
	}
	if (peek) {
		ch->done = done;
		ch->first = first;
		ch->read = read;
	}
	bytes_read += sum;
	return sum ?: -EAGAIN;
}

ssize_t rf_read_some(struct rf_channel *ch, struct iov_iter *to, size_t bytes,
		     unsigned int flags)
{
	might_sleep();
	return read_some(ch, to, bytes, flags & RF_PEEK);
}

int rf_write_iter(struct rf_channel *ch, struct iov_iter *from, unsigned int flags)
{
	must(!(flags & ~RF_NOWAIT) && (ch->opened || ch->answered));
	if (ch->ended)
		return -EPIPE;
	if (!from->count)
		return -EINVAL;
	from->at += from->count;
	from->count = 0;
	return 0;
}

/* Whether it has asked as it has to be: then which port. */
static bool asked_well(const struct rf_channel *ch, struct rf_vsock_request *request)
{
	memcpy(request, ch->message[0].data, sizeof(*request));
	return ch->next && !ch->message[0].mark && ch->message[0].len == sizeof(*request) &&
	       !request->reserved && request->type == RF_VSOCK_STREAM;
}

static bool there_is(const struct rf_vsock_request *request)
{
	return listener && request->to_port == PORT && listener->sk.sk_state == TCP_LISTEN &&
	       !listener->sk.sk_shutdown;
}

int rf_write(struct rf_channel *ch, const void *data, size_t len, unsigned int flags)
{
	const struct rf_vsock_answer *answer = data;
	struct rf_vsock_request request;

	if (flags & RF_MARK) {
		must(len == sizeof(struct rf_vsock_shutdown));
		return 0;
	}
	must(len == (ch->opened ? sizeof(request) : sizeof(*answer)) && !ch->answered++);
	if (!ch->opened) {
		must(answer->error <= MAX_ERRNO && !answer->reserved);
		must(answer->error || (asked_well(ch, &request) && there_is(&request)));
		must(!answer->error || !asked_well(ch, &request) || !there_is(&request) ||
		     sk_acceptq_is_full(&listener->sk) || answer->error == ENOMEM);
		turned_away += !!answer->error;
	}
	return dice() % 16 ? 0 : -EPIPE;
}

struct rf_service *rf_listen(const char *name, unsigned int backlog)
{
	must(!strcmp(name, RF_VSOCK_SERVICE) && backlog);
	init_waitqueue_head(&listening.wait);
	return &listening;
}

struct rf_channel *rf_accept(struct rf_service *s, unsigned int flags)
{
	struct rf_channel *ch;
	u32 i;

	must(s == &listening && flags == RF_NOWAIT);
	for (i = 0; i < CHANNELS; i++)
		if (knocking[i]) {
			ch = knocking[i];
			knocking[i] = NULL;
			return ch;
		}
	return ERR_PTR(-EAGAIN);
}

void rf_unlisten(struct rf_service *s)
{
	struct rf_channel *ch;

	while (!IS_ERR(ch = rf_accept(s, RF_NOWAIT)))
		rf_close(ch);
}

int ficm_describe(u32 peer, struct ficm_kernel *k)
{
	*k = (struct ficm_kernel){ .peer = peer, .name = "x" };
	return peer < 8 ? 0 : -ENOENT;
}

#endif /* _TESTS_FUZZ_VSOCK_CHANNEL_H */
