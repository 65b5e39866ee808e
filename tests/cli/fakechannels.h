/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules and channels, for fakedev.c. */

static int do_rule(struct rf_rule *r)
{
	struct subos *from = by_name(r->from), *to = by_name(r->to);
	struct rf_rule_entry *e;

	if (!from || !to)
		return say(r->msg, ENOENT, "there is no subOS of this name: %s",
			   from ? r->to : r->from);
	for (e = state->rules; e < state->rules + RULES; e++)
		if (e->from == from->info.id && e->to == to->info.id)
			memset(e, 0, sizeof(*e));
	for (e = state->rules; r->flags & RF_RULE_ALLOW && e < state->rules + RULES; e++) {
		if (e->from)
			continue;
		e->from = from->info.id;
		e->to = to->info.id;
		strcpy(e->from_name, r->from);
		strcpy(e->to_name, r->to);
		break;
	}
	return 0;
}

static int do_rules(struct rf_rules *r)
{
	struct rf_rule_entry *e, *out = (void *)(uintptr_t)r->entries;

	r->count = 0;
	for (e = state->rules; e < state->rules + RULES; e++)
		if (e->from && r->count++ < r->capacity)
			*out++ = *e;
	return 0;
}

/* Two regions; a restive subOS holds one of them. */
static const struct rfcom_hold holds[] = {
	{ .peer = 0xffffffff, .flags = RFCOM_OWNER | RFCOM_WRITE, .bytes = 8 << 20,
	  .kernel = "supervisor", .owner = "supervisor", .region = "frames" },
	{ .peer = 7, .bytes = 8 << 20, .kernel = "web", .owner = "supervisor",
	  .region = "frames" },
	{ .peer = 8, .flags = RFCOM_REVOKED | RFCOM_WRITE, .bytes = 4096, .kernel = "db",
	  .owner = "web", .region = "y" },
	{ .peer = 9, .flags = RFCOM_REVOKED | RFCOM_LOST, .bytes = 4096, .kernel = "old",
	  .owner = "web", .region = "a\033b" },
	{ .peer = 9, .flags = RFCOM_REVOKED | RFCOM_LOST, .bytes = 4096, .kernel = "old",
	  .owner = "web", .region = "z" },
};

static int do_holds(struct rfcom_list *l)
{
	struct rfcom_hold *out = (void *)(uintptr_t)l->entries;

	for (l->count = 0; l->count < sizeof(holds) / sizeof(*holds); l->count++)
		if (l->count < l->capacity)
			out[l->count] = holds[l->count];
	return 0;
}

static int do_revoke(struct rfcom_revoke *r)
{
	if (!strcmp(r->kernel, "supervisor") && !strcmp(r->region, "frames") &&
	    (!*r->from || !strcmp(r->from, "web")))
		return 0;
	r->held = 1;
	return strcmp(r->kernel, "web") || *r->from ? fail(ENOENT) : 0;
}

/* Two of them: one that we opened, one that broke. */
static int do_channels(struct rfcom_list *l)
{
	static const struct rfcom_channel channels[] = {
		{ .id = 1, .peer = 7, .state = RFCOM_STATE_OPEN, .sent = 5, .sent_bytes = 500,
		  .received = 4, .received_bytes = 40, .kernel = "web", .service = "query" },
		{ .id = 2, .peer = 0xffffffff, .state = RFCOM_STATE_CLOSED, .error = EPROTO,
		  .accepted = 1, .waiting = 3, .kernel = "supervisor", .service = "a\033b" },
	};
	struct rfcom_channel *out = (void *)(uintptr_t)l->entries;

	for (l->count = 0; l->count < 2; l->count++)
		if (l->count < l->capacity)
			out[l->count] = channels[l->count];
	return 0;
}

/* A channel to $RFM_FAKE_AGENT: a socket of messages is much the same. */
static int do_open_channel(const struct rfcom_open *o)
{
	char *program = getenv("RFM_FAKE_AGENT"), number[12];
	int end[2];

	if (!state)
		open_device();
	if (!by_name(o->kernel))
		return fail(ENOENT);
	if (!program)
		return fail(ECONNREFUSED);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end))
		return -1;
	if (!fork()) {
		/* where it lands, who waits for rfm's output must not wait for it */
		unsetenv("LD_PRELOAD");
		dup2(end[1], 100);
		snprintf(number, sizeof(number), "%d", 100);
		setsid();
		dup2(real_open("/dev/null", O_RDWR, 0), 0);
		dup2(0, 1);
		execl(program, program, number, NULL);
		_exit(1);
	}
	real_close(end[1]);
	fcntl(end[0], F_SETFL, o->flags & RFCOM_NONBLOCK ? O_NONBLOCK : 0);
	return end[0];
}

static int on_com(unsigned long request, void *arg)
{
	switch (request) {
	case RFCOM_IOC_OPEN:
		return do_open_channel(arg);
	case RFCOM_IOC_LIST:
		return do_channels(arg);
	case RFCOM_IOC_HOLDS:
		return do_holds(arg);
	case RFCOM_IOC_REVOKE:
		return do_revoke(arg);
	}
	return fail(ENOTTY);
}
