/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Part of fakedev.c: loading, booting, and what happens to a subOS without the
 * operator.
 */
static int do_load(struct subos *s, const struct rf_load *l)
{
	int err = fault("load");

	if (err)
		return say(l->msg, err, "load was told to fail");
	if (!s->info.nr_cpus || !s->info.mem_bytes || s->info.state == RF_STATE_RUNNING)
		return fail(EBUSY);
	s->info.flags = l->flags & RF_LOAD_BARE ? RF_INFO_BARE : 0;
	if (s->info.on_crash == RF_ON_CRASH_RESTART)
		s->info.kept_bytes = l->initrd_size + l->overlay_size;
	return 0;
}

static int do_keep(struct subos *s, const struct rf_load *l)
{
	int err = fault("keep");

	if (err)
		return say(l->msg, err, "keep was told to fail");
	if (l->flags || !s->started)
		return fail(EINVAL);
	s->info.kept_bytes = l->initrd_size + l->overlay_size;
	return 0;
}

static int do_policy(struct subos *s, const struct rf_policy *p)
{
	int err = fault("policy");

	if (err)
		return say(p->msg, err, "policy was told to fail");
	if (p->flags & RF_POLICY_ON_CRASH && p->on_crash && s->info.flags & RF_INFO_BARE)
		return say(p->msg, EOPNOTSUPP, "%s is bare", s->info.name);
	if (p->flags & RF_POLICY_ON_CRASH && p->on_crash == RF_ON_CRASH_RESTART &&
	    s->started && !s->info.kept_bytes)
		return say(p->msg, ENODATA, "nothing is kept");
	if (p->flags & RF_POLICY_ON_CRASH) {
		s->info.on_crash = p->on_crash;
		s->info.kept_bytes = p->on_crash == RF_ON_CRASH_RESTART ? s->info.kept_bytes : 0;
	}
	if (p->flags & RF_POLICY_MAX_CPUS)
		s->info.max_cpus = p->max_cpus;
	if (p->flags & RF_POLICY_MAX_MEMORY)
		s->info.max_bytes = p->max_bytes;
	event(s, RF_EVENT_POLICY, s->info.on_crash, 0, "asked by rfm[1]");
	return 0;
}

/* "again": it crashes once, and its policy starts it again. */
static void boot_on(struct subos *s)
{
	const char *boot = getenv("RFM_FAKE_BOOT");
	bool again = boot && !strcmp(boot, "again") && s->info.on_crash == RF_ON_CRASH_RESTART;

	if (again && s->info.state == RF_STATE_CRASHED && ++s->looks == 6) {
		s->info.flags &= ~RF_INFO_RESTARTS;
		s->info.restarts++;
		s->info.state = RF_STATE_BOOTING;
		event(s, RF_EVENT_ON_CRASH, RF_ON_CRASH_RESTART, 0, "1 of 5 within 600 s: panic");
	}
	if (s->info.state != RF_STATE_BOOTING || ++s->looks < 3 || (boot && !strcmp(boot, "hang")))
		return;
	again = again && !s->info.restarts;
	s->info.state = again || (boot && !strcmp(boot, "crash")) ? RF_STATE_CRASHED :
			RF_STATE_RUNNING;
	s->info.flags |= again ? RF_INFO_RESTARTS : 0;
	strcpy(s->info.reason, s->info.state == RF_STATE_RUNNING ? "init was started" :
	       "panic: \033[31mNo init\xff found");
	strcpy(s->info.kernel, "6.12.0-fake");
	event(s, RF_EVENT_STATE, s->info.state, 0, s->info.reason);
}
