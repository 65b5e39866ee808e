/* SPDX-License-Identifier: GPL-2.0-only */
static int do_cmdline(const struct rf_cmdline *l)
{
	const char *text = (const char *)(uintptr_t)l->cmdline;

	if (!l->kernel_version || !l->nr_cpus)
		return fail(EINVAL);
	if (memmem(text, l->cmdline_size, "maxcpus=", 8))
		return say(l->msg, EINVAL, "the parameter maxcpus= contradicts ours");
	return 0;
}

static int do_detach(struct rf_detach *d)
{
	bool undo = d->flags & RF_DETACH_UNDO;
	int i;

	if (state->detached != undo)
		return say(d->msg, EALREADY, undo ? "the supervisor is not detached" :
			   "the supervisor is detached already");
	for (i = 0; i < SUBOSES && !undo; i++)
		if (state->subos[i].info.id && state->subos[i].info.state == RF_STATE_BOOTING)
			return say(d->msg, EBUSY, "a subOS boots; nothing was detached");
	for (i = 0, d->count = 0; i < SUBOSES; i++)
		d->count += state->subos[i].info.id != 0;
	d->open = getenv("RFM_FAKE_OPEN") ? 2 : 0;
	state->detached = !undo;
	return 0;
}

/*
 * Part of fakedev.c: what a subOS that runs is asked for. Everything happens at
 * once, and the subOS does what it is told.
 */
/* Which of the CPUs that are free, or that @s can lose, in the order of the module. */
static __u64 choose(const struct subos *s, unsigned int count, bool add)
{
	__u64 from = add ? ~taken_cpus() & ((1ULL << CPUS) - 1) :
			   s->info.cpumask[0] & (s->info.cpumask[0] - 1), chosen = 0;

	for (int cpu = CPUS - 1; cpu >= 0 && count; cpu--)
		if (from >> cpu & 1) {
			chosen |= 1ULL << cpu;
			count--;
		}
	return count ? 0 : chosen;
}

static __u64 resize_target(const struct subos *s, const struct rf_resize_cpus *r)
{
	__u64 mask = *(__u64 *)(uintptr_t)r->mask, have = s->info.cpumask[0];
	unsigned int nr = s->info.nr_cpus;

	if (r->flags & RF_RESIZE_ADD)
		return r->count ? have | choose(s, r->count, true) : have | mask;
	if (r->flags & RF_RESIZE_REMOVE)
		return have & ~(r->count ? choose(s, r->count, false) : mask);
	if (!r->count)
		return mask;
	return r->count > nr ? have | choose(s, r->count - nr, true) :
			       have & ~choose(s, nr - r->count, false);
}

static unsigned int partial(int err)
{
	const char *n = getenv("RFM_FAKE_PARTIAL");

	return !err ? ~0U : n ? (unsigned int)atoi(n) : 0;
}

static void times(__u64 *stage_ns)
{
	for (unsigned int i = 0; i < RF_RESIZE_STAGES; i++)
		stage_ns[i] = (i + 1) * 1000000;
}

static int do_resize_cpus(struct subos *s, struct rf_resize_cpus *r)
{
	__u64 have = s->info.cpumask[0], target = resize_target(s, r);
	int err = fault("resize_cpus");
	unsigned int left = partial(err);

	r->got = s->info.nr_cpus;
	if (s->info.state != RF_STATE_RUNNING)
		return say(r->msg, ENOTCONN, "it is %s", s->info.reason);
	if (!(target & have & -have))
		return say(r->msg, EINVAL, "CPU %d booted it and stays", __builtin_ctzll(have));
	if (target & taken_cpus() & ~have || (target == have && r->count))
		return say(r->msg, ENODEV, "there are not that many CPUs");
	if (r->flags & RF_RESIZE_DRY_RUN)
		return err ? say(r->msg, err, "resize_cpus was told to fail") : 0;
	for (unsigned int cpu = 0; cpu < CPUS && left; cpu++)
		if ((target ^ s->info.cpumask[0]) >> cpu & 1) {
			s->info.cpumask[0] ^= 1ULL << cpu;
			left--;
		}
	r->got = s->info.nr_cpus = s->info.nr_online = __builtin_popcountll(s->info.cpumask[0]);
	times(r->stage_ns);
	event(s, RF_EVENT_CPUS, r->got, err, "resized");
	return err ? say(r->msg, err, "CPU 5 stays: told to fail") : 0;
}

static int do_resize_memory(struct subos *s, struct rf_resize_memory *r)
{
	__u64 have = s->info.mem_bytes, grain = RF_GRAIN, blocks;
	int err = fault("resize_memory");
	bool grow = r->flags & RF_RESIZE_ADD || (!(r->flags & RF_RESIZE_REMOVE) && r->bytes > have);
	__u64 diff = r->flags & (RF_RESIZE_ADD | RF_RESIZE_REMOVE) ? r->bytes :
		     grow ? r->bytes - have : have - r->bytes;

	r->got = have;
	if (s->info.state != RF_STATE_RUNNING)
		return say(r->msg, ENOTCONN, "it is %s", s->info.reason);
	blocks = grow ? (diff + grain - 1) / grain : diff / grain;
	if (grow ? have + blocks * grain > TOTAL : blocks * grain >= have)
		return say(r->msg, grow ? ENOMEM : EREMOTEIO, "%s",
			   grow ? "that much is not to be had" : "it booted with the rest");
	if (r->flags & RF_RESIZE_DRY_RUN)
		return err ? say(r->msg, err, "resize_memory was told to fail") : 0;
	if (blocks > partial(err))
		blocks = partial(err);
	s->info.mem_bytes = r->got = grow ? have + blocks * grain : have - blocks * grain;
	times(r->stage_ns);
	event(s, RF_EVENT_MEMORY, r->got, err, "resized");
	r->held_by = err == EREMOTEIO ? 0x123456000 : 0;
	return err ? say(r->msg, err, "a page cannot be moved") : 0;
}

static int do_resize_pci(struct subos *s, struct rf_resize_pci *r)
{
	unsigned int bdf = r->segment << 16 | r->bus << 8 | r->devfn, i;
	int err = fault("resize_pci");

	for (i = 0; i < s->info.nr_pci && s->pci[i] != bdf; i++)
		;
	if (!(r->flags & RF_RESIZE_ADD) && i == s->info.nr_pci)
		return say(r->msg, ENOENT, "it does not have that function");
	if (err)
		return say(r->msg, err, "a file system on it is mounted");
	if (r->flags & RF_RESIZE_DRY_RUN)
		return 0;
	if (r->flags & RF_RESIZE_ADD)
		s->pci[s->info.nr_pci++] = bdf;
	else
		s->pci[i] = s->pci[--s->info.nr_pci];
	times(r->stage_ns);
	event(s, RF_EVENT_PCI, s->info.nr_pci, 0, "resized");
	return 0;
}

/* Each reading is a second after the one before. */
static int do_stats(struct subos *s, struct rf_stats *r)
{
	__u64 n = ++s->readings, all = 1000000000ULL * s->info.nr_cpus;
	int err = fault("stats");

	if (err)
		return fail(err);
	r->nr_cpus = s->info.nr_cpus;
	r->time_ns = n * 1000000000;
	r->user_ns = n * all / 4;
	r->system_ns = n * all / 20 * 3;
	r->irq_ns = n * all / 20;
	r->idle_ns = n * all / 5 * 3;
	r->interrupts = n * 100;
	r->switches = n * 2000;
	r->mem_total = s->info.mem_bytes - (32 << 20);
	r->mem_free = r->mem_total / 2;
	r->mem_available = 256 << 20;
	r->processes = 3;
	return 0;
}

static int do_events(int fd, struct rf_events *r)
{
	struct rf_event *out = (struct rf_event *)(uintptr_t)r->entries;
	__u64 next = r->first ? r->first : fds[fd].next;

	if (state->last_event > EVENTS && next <= state->last_event - EVENTS)
		next = state->last_event - EVENTS + 1;
	r->first = next;
	for (r->count = 0; r->count < r->capacity && next <= state->last_event; next++)
		out[r->count++] = state->events[(next - 1) % EVENTS];
	if (r->count)
		fds[fd].next = next;
	return 0;
}

/* One second, six CPUs; two subOSes ended before. */
static int do_usage(struct rf_usage *r)
{
	struct rf_usage_entry all[SUBOSES + 4] = {
		{ .owner = RF_OWNER_SUPERVISOR, .cpu_us = CPUS * 1000000ULL - 250001 },
		{ .owner = RF_OWNER_FREE, .block_us = state->pool_bytes / RF_GRAIN * 1000000 },
		{ .owner = 98, .flags = RF_USAGE_GONE, .cpu_us = 1 },
		{ .owner = 99, .flags = RF_USAGE_GONE, .name = "old", .cpu_us = 250000,
		  .block_us = 3000001 },
	};
	struct rf_usage_entry *out = (struct rf_usage_entry *)(uintptr_t)r->entries;
	const char *off = getenv("RFM_FAKE_USAGE");

	r->count = 4;
	for (struct subos *s = state->subos; s < state->subos + SUBOSES; s++) {
		if (!s->info.id)
			continue;
		all[r->count].owner = s->info.id;
		strcpy(all[r->count].name, s->info.name);
		all[r->count].cpu_us = s->info.nr_cpus * 1000000;
		all[r->count++].block_us = s->info.mem_bytes / RF_GRAIN * 1000000;
		all[0].cpu_us -= s->info.nr_cpus * 1000000;
	}
	all[0].cpu_us += off ? atoi(off) : 0;
	for (unsigned int i = 0; i < r->count && i < r->capacity; i++)
		out[i] = all[i];
	r->since_us = 5000000;
	r->now_us = 6000000;
	r->nr_cpus = CPUS;
	return 0;
}
