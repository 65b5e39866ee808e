// SPDX-License-Identifier: GPL-2.0-only
/*
 * What stands in the way of a create. The module checks again, under its
 * locks; here is time to name every conflict, not only the first.
 */
#include "precheck.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev.h"
#include "fmt.h"
#include "rfm.h"
#include "sysroot.h"

/**
 * struct conflicts - what was found
 * @s: what is wanted
 * @all: go on after the first one
 * @code: exit code of the first one
 * @nr: their number
 * @cpus: those of the CPUs that were asked for which have one
 * @no_count: there are not as many CPUs as were asked for
 * @pci: functions likewise, as they stand in the settings
 */
struct conflicts {
	const struct settings *s;
	bool all;
	int code;
	unsigned int nr;
	struct cpus cpus;
	bool no_count;
	bool pci[RF_WIRE_PCI];
};

/* What stands in the way, for JSON; NULL where it is printed as it is found. */
static struct json_object *named;

static void name_it(int code, const char *text)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "exit_code", json_object_new_int(code));
	json_object_object_add(o, "text", json_object_new_string(text));
	json_object_array_add(named, o);
}

void precheck_begin(void)
{
	if (!rfm.json || named)
		return;
	named = json_object_new_array();
	rfm.failed = name_it;
}

void conflict(struct conflicts *c, int code, const char *format, ...)
{
	char text[SPEC_ERR_MAX];
	va_list ap;

	if (c->code && !c->all)
		return;
	c->nr++;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (!c->code)
		c->code = code;
	rfm_fail(code, "%s", text);
}

bool conflict_named(const struct conflicts *c, unsigned int kind, uint32_t bdf)
{
	unsigned int i;

	if (kind == RF_RES_CPU)
		return c->no_count || cpus_count(&c->cpus);
	for (i = 0; kind == RF_RES_PCI && i < c->s->nr_pci; i++)
		if (c->s->pci[i] == bdf)
			return c->pci[i];
	return false;
}

static const struct rf_resource *find_cpu(const struct rf_resource *res, unsigned int nr,
					  unsigned int cpu)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (res[i].kind == RF_RES_CPU && res[i].start == cpu)
			return &res[i];
	return NULL;
}

/* The pool and the supervisor give CPUs away, everybody else keeps them. */
static bool is_free(const struct rf_resource *r)
{
	return r->owner == RF_OWNER_SUPERVISOR || r->owner == RF_OWNER_FREE;
}

/*
 * One that left for the pool has left sysfs, too. What another rfm is taking just now looks
 * like this, so outside of a dry run the module is left to tell, which lets one in at a time.
 */
static bool is_offline(const struct conflicts *c, const struct rf_resource *r)
{
	char text[8];

	return c->all && r->owner == RF_OWNER_SUPERVISOR &&
	       !sysroot_read(text, sizeof(text), "/sys/devices/system/cpu/cpu%llu/online",
			     (unsigned long long)r->start) && !strcmp(text, "0");
}

static void existing_cpus(const struct rf_resource *res, unsigned int nr, char *buf, size_t size)
{
	struct cpus cpus = { 0 };
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (res[i].kind == RF_RES_CPU && res[i].start < UNITS_CPUS)
			cpus_add(&cpus, res[i].start);
	units_cpus(&cpus, buf, size);
}

static void check_owner(struct conflicts *c, const struct rf_resource *res, unsigned int nr,
			unsigned int cpu)
{
	const struct rf_resource *r = find_cpu(res, nr, cpu);
	char buf[1024];

	if (!r) {
		existing_cpus(res, nr, buf, sizeof(buf));
		conflict(c, RFM_NOT_FOUND, "there is no CPU %u; this machine has %s", cpu, buf);
	} else if (cpu == 0) {
		conflict(c, RFM_CONFLICT,
			 "CPU 0 stays with the supervisor; choose other CPUs (see rfm resources)");
	} else if (r->owner == RF_OWNER_QUARANTINE) {
		conflict(c, RFM_CONFLICT,
			 "CPU %u is quarantined until the machine restarts; choose others", cpu);
	} else if (!is_free(r)) {
		conflict(c, RFM_CONFLICT,
			 "CPU %u belongs to subOS %s; choose other CPUs (see rfm resources)", cpu,
			 fmt_owner(r->owner, r->owner_name, buf, sizeof(buf)));
	} else if (is_offline(c, r)) {
		conflict(c, RFM_CONFLICT,
			 "CPU %u is off line in the supervisor; bring it on line (echo 1 >/sys/devices/system/cpu/cpu%u/online), or choose others",
			 cpu, cpu);
	}
}

/* A core that was taken has left sysfs: then the module alone can tell. */
static int siblings_of(unsigned int cpu, struct cpus *siblings)
{
	char path[SYSROOT_PATH];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list",
		 cpu);
	return sysroot_read_cpus(siblings, path);
}

static void check_siblings(struct conflicts *c, const struct cpus *wanted, unsigned int cpu)
{
	struct cpus siblings;
	unsigned int i;
	char list[256];

	if (siblings_of(cpu, &siblings))
		return;
	for (i = 0; i < UNITS_CPUS; i++)
		if (cpus_has(&siblings, i) && !cpus_has(wanted, i)) {
			conflict(c, RFM_CONFLICT,
				 "CPU %u is one core with CPU %u; name all of %s, or none",
				 cpu, i, units_cpus(&siblings, list, sizeof(list)));
			return;
		}
}

static void check_cpu_list(struct conflicts *c, const struct settings *s,
			   const struct rf_resource *res, unsigned int nr)
{
	unsigned int cpu, before;

	for (cpu = 0; cpu < UNITS_CPUS; cpu++) {
		if (!cpus_has(&s->cpus, cpu))
			continue;
		before = c->nr;
		check_owner(c, res, nr, cpu);
		if (cpu)
			check_siblings(c, &s->cpus, cpu);
		if (c->nr > before)
			cpus_add(&c->cpus, cpu);
	}
}

/* The threads of CPU 0's core stay with it. */
static void core_of_cpu0(struct cpus *core)
{
	if (siblings_of(0, core))
		*core = (struct cpus){ 0 };
	cpus_add(core, 0);
}

static void check_cpu_count(struct conflicts *c, const struct settings *s,
			    const struct rf_resource *res, unsigned int nr)
{
	unsigned int i, n = 0;
	struct cpus core;

	core_of_cpu0(&core);
	for (i = 0; i < nr; i++)
		n += res[i].kind == RF_RES_CPU && is_free(&res[i]) && !is_offline(c, &res[i]) &&
		     !(res[i].start < UNITS_CPUS && cpus_has(&core, res[i].start));
	c->no_count = s->cpu_count > n;
	if (c->no_count)
		conflict(c, RFM_CONFLICT,
			 "%u CPUs are wanted, %u can be had (CPU 0%s stays; rfm resources shows who owns what)",
			 s->cpu_count, n, cpus_count(&core) > 1 ? "'s core" : "");
}

static void check_pci_owner(struct conflicts *c, const struct settings *s,
			    const struct rf_resource *res, unsigned int nr)
{
	char bdf[24], owner[64];
	unsigned int i, k, before;

	for (i = 0; i < s->nr_pci; i++) {
		before = c->nr;
		for (k = 0; k < nr; k++)
			if (res[k].kind == RF_RES_PCI && res[k].start == s->pci[i] &&
			    !is_free(&res[k]))
				break;
		if (k == nr)
			precheck_pci(c, s->pci[i]);
		else
			conflict(c, RFM_CONFLICT,
				 "PCI function %s belongs to %s; rfm destroy frees it",
				 units_bdf(s->pci[i], bdf, sizeof(bdf)),
				 fmt_owner(res[k].owner, res[k].owner_name, owner, sizeof(owner)));
		c->pci[i] = c->nr > before;
	}
}

static bool check_name(struct conflicts *c, int dev, const char *name)
{
	struct rf_info *infos;
	unsigned int nr, i;
	bool taken = false;

	if (dev_list(dev, &infos, &nr))
		return false;
	for (i = 0; i < nr; i++)
		taken |= !strcmp(infos[i].name, name);
	free(infos);
	if (taken)
		conflict(c, RFM_CONFLICT,
			 "there is a subOS of this name; choose another, or rfm destroy %s", name);
	return taken;
}

static void ask_memory(struct conflicts *c, int fd, const struct settings *s)
{
	char wanted[24], could[24];
	struct dev_msg msg;
	__u64 got;
	int ret;

	ret = dev_add_memory(fd, s->memory, s->node, true, &got, &msg);
	if (ret)
		conflict(c, RFM_CONFLICT, "%s%s%s of memory could be had, %s are wanted", msg.text,
			 *msg.text ? "; " : "", units_size(got, could, sizeof(could)),
			 units_size(s->memory, wanted, sizeof(wanted)));
}

/* Which parameters contradict the module's is known to the module alone. */
static void check_cmdline(struct conflicts *c, int dev, const struct settings *s,
			  uint32_t kernel_version)
{
	struct rf_cmdline line = {
		.flags = s->bare ? RF_LOAD_BARE : 0,
		.kernel_version = kernel_version,
		.nr_cpus = s->cpu_count ? s->cpu_count : cpus_count(&s->cpus),
		.cmdline = (uintptr_t)s->append,
		.cmdline_size = s->append ? strlen(s->append) : 0,
	};
	struct dev_msg msg;
	int ret;

	if (!kernel_version)
		return;
	ret = dev_check_cmdline(dev, &line, &msg);
	if (ret)
		conflict(c, ret == -EINVAL || ret == -ENOSPC ? RFM_USAGE : RFM_FAILED, "%s",
			 *msg.text ? msg.text : strerror(-ret));
}

/* Those whose whole core can be had, as far as is known. */
static void cpus_left(const struct conflicts *c, struct cpus *cpus)
{
	unsigned int cpu, i;
	struct cpus core;

	for (cpu = 0; cpu < UNITS_CPUS; cpu++) {
		if (!cpus_has(&c->cpus, cpu))
			continue;
		if (siblings_of(cpu, &core))
			core = (struct cpus){ 0 };
		cpus_add(&core, cpu);
		for (i = 0; i < UNITS_CPUS / 64; i++)
			cpus->mask[i] &= ~core.mask[i];
	}
}

/* A number that cannot be had is known already; of a list, what is left is asked for. */
static void ask_cpus(struct conflicts *c, int fd, const struct settings *s)
{
	struct cpus cpus = s->cpus;
	struct dev_msg msg;
	int ret;

	cpus_left(c, &cpus);
	if (s->cpu_count ? c->no_count : !cpus_count(&cpus))
		return;
	ret = dev_add_cpus(fd, &cpus, s->cpu_count, true, &msg);
	if (ret)
		conflict(c, RFM_CONFLICT, "CPUs: %s", *msg.text ? msg.text : strerror(-ret));
}

static void ask_pci(struct conflicts *c, int fd, const struct settings *s)
{
	struct dev_msg msg;
	unsigned int i;
	char bdf[24];
	int ret;

	for (i = 0; i < s->nr_pci; i++) {
		ret = c->pci[i] ? 0 : dev_add_pci(fd, s->pci[i], true, &msg);
		if (ret)
			conflict(c, RFM_CONFLICT, "PCI function %s: %s",
				 units_bdf(s->pci[i], bdf, sizeof(bdf)),
				 *msg.text ? msg.text : strerror(-ret));
	}
}

/* A subOS of that name, or where somebody has it of a spare one, lives for these questions. */
static void ask_module(struct conflicts *c, int dev, const struct settings *s, bool taken)
{
	char spare[RF_NAME_MAX];
	struct dev_msg msg;
	unsigned int id;
	int fd;

	snprintf(spare, sizeof(spare), "dry-run-%d", getpid());
	fd = dev_create(dev, taken ? spare : s->name, &id, &msg);
	if (fd < 0) {
		conflict(c, RFM_CONFLICT, "%s", *msg.text ? msg.text : strerror(-fd));
		return;
	}
	ask_cpus(c, fd, s);
	ask_memory(c, fd, s);
	ask_pci(c, fd, s);
	close(fd);
}

static void say_free(const struct settings *s)
{
	char size[24];

	printf("nothing stands in the way of %s: %u CPUs, %s, %u PCI functions\n", s->name,
	       s->cpu_count ? s->cpu_count : cpus_count(&s->cpus),
	       units_size(s->memory, size, sizeof(size)), s->nr_pci);
}

static void finish(struct conflicts *c, const struct settings *s,
		   void (*say)(const struct settings *s))
{
	struct json_object *json;

	rfm.failed = NULL;
	if (named) {
		json = fmt_json();
		json_object_object_add(json, "conflicts", named);
		fmt_json_print(json);
		named = NULL;
	} else if (c->all && !c->code) {
		say(s);
	}
}

/* Return: false when nobody can tell, which is reported. */
static bool owners(struct conflicts *c, int dev, struct rf_resource **res, unsigned int *nr)
{
	int ret;

	if (c->all)
		precheck_begin();
	ret = dev_resources(dev, res, nr);
	if (!ret)
		return true;
	ret = rfm_fail_errno(ret, NULL, "cannot ask who owns what");
	c->code = c->code ? c->code : ret;
	return false;
}

int precheck(int dev, const struct settings *s, bool dry_run, uint32_t kernel_version,
	     int so_far)
{
	struct conflicts c = { .s = s, .all = dry_run, .code = so_far };
	struct rf_resource *res = NULL;
	unsigned int nr;
	bool taken;

	if (owners(&c, dev, &res, &nr)) {
		precheck_devices(&c, dev, s);
		taken = check_name(&c, dev, s->name);
		check_cpu_list(&c, s, res, nr);
		check_cpu_count(&c, s, res, nr);
		check_pci_owner(&c, s, res, nr);
		check_cmdline(&c, dev, s, kernel_version);
		if (dry_run)
			ask_module(&c, dev, s, taken);
	}
	finish(&c, s, say_free);
	free(res);
	return c.code;
}

static void say_nothing_stands(const struct settings *s)
{
	printf("nothing stands in the way of this change of %s\n", s->name);
}

int precheck_more(int dev, const struct settings *s,
		  void (*ask)(struct conflicts *c, void *data), void *data)
{
	struct conflicts c = { .s = s, .all = ask };
	struct rf_resource *res = NULL;
	unsigned int nr;

	if (owners(&c, dev, &res, &nr)) {
		check_cpu_list(&c, s, res, nr);
		check_pci_owner(&c, s, res, nr);
		if (ask)
			ask(&c, data);
	}
	finish(&c, s, say_nothing_stands);
	free(res);
	return c.code;
}
