/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Part of fakedev.c: loans. A subOS lends all of its CPUs but the first, and
 * memory above half a GB; the lists of both kernels are in the state at once.
 */
static void lend_cpu(struct subos *from, struct subos *to, unsigned int cpu)
{
	from->info.cpumask[0] &= ~(1ULL << cpu);
	to->info.cpumask[0] |= 1ULL << cpu;
	from->info.nr_cpus = from->info.nr_online = __builtin_popcountll(from->info.cpumask[0]);
	to->info.nr_cpus = to->info.nr_online = __builtin_popcountll(to->info.cpumask[0]);
}

static void lend_block(struct subos *from, struct subos *to)
{
	from->info.mem_bytes -= RF_GRAIN;
	to->info.mem_bytes += RF_GRAIN;
}

static void note_loan(unsigned int id, unsigned int kind, __u64 start, const struct subos *from,
		      const struct subos *to)
{
	struct rf_loan *l = state->loans;

	while (l->id)
		l++;
	*l = (struct rf_loan){ .id = id, .kind = kind, .start = start,
			       .length = kind == RF_RES_CPU ? 1 : RF_GRAIN,
			       .from = from->info.id, .to = to->info.id,
			       .since_ns = 1700000000000000000ULL + id * 1000000ULL };
	strcpy(l->from_name, from->info.name);
	strcpy(l->to_name, to->info.name);
}

static int borrow_cpus(struct subos *from, struct subos *to, struct rf_borrow *b, __u64 which,
		       unsigned int left)
{
	__u64 have = from->info.cpumask[0];

	if (b->count)
		which = choose(from, b->count, false);
	if (b->count && !which)
		return say(b->msg, ENODEV, "not that many can leave %s", from->info.name);
	if (which & ~have || which & have & -have)
		return say(b->msg, EINVAL, "these cannot leave %s", from->info.name);
	for (int cpu = CPUS - 1; cpu > 0 && left; cpu--) {
		if (!(which >> cpu & 1))
			continue;
		lend_cpu(from, to, cpu);
		note_loan(b->id, RF_RES_CPU, cpu, from, to);
		b->got++;
		left--;
	}
	return 0;
}

static int borrow_memory(struct subos *from, struct subos *to, struct rf_borrow *b,
			 unsigned int left)
{
	__u64 top;

	for (; b->got < b->bytes && left; left--) {
		if (from->info.mem_bytes <= 4 * RF_GRAIN)
			return say(b->msg, EREMOTEIO, "%s has less to lend", from->info.name);
		top = from->info.base + from->info.mem_bytes - RF_GRAIN;
		lend_block(from, to);
		note_loan(b->id, RF_RES_MEMORY, top, from, to);
		b->got += RF_GRAIN;
	}
	return 0;
}

static int do_borrow(struct rf_borrow *b)
{
	struct subos *from = by_name(b->from), *to = by_name(b->to);
	__u64 which = b->mask ? *(__u64 *)(uintptr_t)b->mask : 0;
	int err = fault("borrow"), ret;

	b->id = b->got = 0;
	if (!from || !to)
		return say(b->msg, ENOENT, "there is no subOS %s", from ? b->to : b->from);
	if (from == to || !which + !b->count + !b->bytes != 2 || b->bytes % RF_GRAIN)
		return say(b->msg, EINVAL, "the module refuses this loan");
	if (b->flags & RF_BORROW_PREEMPT && to->info.priority <= from->info.priority)
		return say(b->msg, EPERM, "only the higher priority takes");
	if (from->info.state != RF_STATE_RUNNING || to->info.state != RF_STATE_RUNNING)
		return say(b->msg, ENOTCONN, "one of them does not run");
	b->id = state->last_loan + 1;
	times(b->stage_ns);
	ret = b->bytes ? borrow_memory(from, to, b, partial(err)) :
			 borrow_cpus(from, to, b, which, partial(err));
	if (b->got)
		state->last_loan++;
	else
		b->id = 0;
	return err ? say(b->msg, err, "CPU 5 stays: told to fail") : ret;
}

static int do_return(struct rf_return *r)
{
	int err = fault("return");
	unsigned int left = partial(err);
	bool any = false;

	r->got = 0;
	for (struct rf_loan *l = state->loans; l < state->loans + LOANS; l++) {
		if (l->id != r->id)
			continue;
		any = true;
		if (!left)
			continue;
		if (l->kind == RF_RES_CPU)
			lend_cpu(by_id(l->to), by_id(l->from), l->start);
		else
			lend_block(by_id(l->to), by_id(l->from));
		l->id = 0;
		r->got++;
		left--;
	}
	if (!any)
		return say(r->msg, ENOENT, "there is no loan %u", r->id);
	return err ? say(r->msg, err, "it did not let go: told to fail") : 0;
}

static int do_loans(struct rf_loans *r)
{
	struct rf_loan *out = (struct rf_loan *)(uintptr_t)r->entries;

	r->count = 0;
	for (struct rf_loan *l = state->loans; l < state->loans + LOANS; l++)
		if (l->id && r->count++ < r->capacity)
			*out++ = *l;
	return 0;
}

static int do_priority(struct subos *s, const struct rf_priority *p)
{
	if (abs(p->priority) > 100)
		return fail(EINVAL);
	s->info.priority = p->priority;
	return 0;
}
