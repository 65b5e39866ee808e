// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel command line of a subOS: the user's part between parameters of ours.
 *
 * Where a parameter may be given twice the last one wins, so ours come last.
 * Flags that nothing can take back, and rdinit=, come first: rdinit= drops
 * the words before it that the kernel does not know, which would otherwise
 * become arguments of init ("nokaslr" is such a word). The rules below refuse
 * what would undo ours. They catch mistakes; they are no wall against root
 * inside the subOS.
 */
#include "tables.h"
#include <linux/rainforest.h>

#define KVER_OLDEST	RF_KVER(6, 1, 0)

#define RULE_RAW	1	/* the kernel also finds it within quotes and behind "--" */
#define RULE_PREFIX	2	/* the kernel compares the first letters only */
#define RULE_MODULE	4	/* does not matter when no module of ours runs inside */
#define RULE_MIN_CPUS	8	/* a number not below that of the CPUs will do */

/*
 * @allow lists values that do no harm, @deny those that do when others do
 * not; a star stands for any ending. With neither, any value is refused.
 */
struct rule {
	const char *name;
	const char *why;
	const char *allow;
	const char *deny;
	u32 flags;
};

#define WHY_CPUS	"which CPUs run is decided by the supervisor; use --cpus"
#define WHY_MEMORY	"a subOS has exactly the memory it was granted; use --memory"
#define WHY_APIC	"only the local APICs deliver interrupts here; leave it out"
#define WHY_SERIAL	"the serial ports belong to the supervisor; use rfm console or rfm log"
#define WHY_ACPI	"the machine is described by ACPI tables only; leave it out"
#define WHY_PCI		"the granted functions have a bus of their own; use --pci"
#define WHY_PANIC	"a panic must halt, a reset would hit the whole machine; use rfm restart"
#define WHY_TSC		"the TSC is the only clock and its frequency is known; leave it out"
#define WHY_INIT	"our module is loaded from there; put the program into the initrd as /init"
#define WHY_INITRD	"the initrd is placed by the supervisor; use --initrd"
#define WHY_MCE		"a core without machine checks could reset the machine; leave it out"
#define WHY_KASLR	"the kernel is placed by the supervisor; leave it out"
#define WHY_NMI		"performance counters and NMIs are left to the supervisor; leave it out"
#define WHY_IPI		"broadcast interrupts would reach the other kernels' cores; leave it out"
#define WHY_MTRR	"memory types are those of the whole machine; leave it out"
#define WHY_CRASH	"there is no memory for a crash kernel; a panic is kept for rfm log"
#define WHY_CONFIG	"parameters in the initrd would escape the check; use --append"
#define WHY_8042	"the keyboard controller can reset the machine; leave it out"
#define WHY_CRYPT	"the supervisor must be able to read the subOS's memory; leave it out"

static const struct rule rules[] = {
	{ .name = "kaslr", .why = WHY_KASLR },
	{ .name = "no_ipi_broadcast", .why = WHY_IPI, .allow = "1" },
	{ .name = "pci", .why = WHY_PCI, .allow = "off" },
	{ .name = "tsc", .why = WHY_TSC, .allow = "reliable nowatchdog noirqtime" },
	{ .name = "tsc_early_khz", .why = WHY_TSC },
	{ .name = "notsc", .why = WHY_TSC, .flags = RULE_PREFIX },
	{ .name = "8250.nr_uarts", .why = WHY_SERIAL, .allow = "0" },
	{ .name = "8250_core.nr_uarts", .why = WHY_SERIAL, .allow = "0" },
	{ .name = "earlyprintk", .why = WHY_SERIAL, .flags = RULE_RAW },
	{ .name = "earlycon", .why = WHY_SERIAL },
	{ .name = "console", .why = WHY_SERIAL, .flags = RULE_RAW,
	  .allow = "hvc* tty tty0 tty1 ttynull null netcon*" },
	{ .name = "i8042.nopnp", .why = WHY_8042 },
	{ .name = "panic", .why = WHY_PANIC, .allow = "0" },
	{ .name = "sysctl.kernel.panic", .why = WHY_PANIC, .allow = "0" },
	{ .name = "reboot", .why = WHY_PANIC },
	{ .name = "apic_extnmi", .why = WHY_NMI, .allow = "none" },
	{ .name = "nmi_watchdog", .why = WHY_NMI, .allow = "0 panic nopanic" },
	{ .name = "sysctl.kernel.nmi_watchdog", .why = WHY_NMI, .allow = "0" },
	{ .name = "nox2apic", .why = WHY_APIC },
	{ .name = "noapic", .why = WHY_APIC },
	{ .name = "nolapic", .why = WHY_APIC },
	{ .name = "disableapic", .why = WHY_APIC },
	{ .name = "noapictimer", .why = WHY_APIC },
	{ .name = "nolapic_timer", .why = WHY_APIC },
	{ .name = "mce", .why = WHY_MCE, .deny = "off", .flags = RULE_PREFIX },
	{ .name = "nomce", .why = WHY_MCE, .flags = RULE_PREFIX },
	{ .name = "acpi", .why = WHY_ACPI, .allow = "force strict copy_dsdt nocmcff" },
	{ .name = "acpi_rsdp", .why = WHY_ACPI, .flags = RULE_RAW },
	{ .name = "acpi_apic_instance", .why = WHY_ACPI },
	{ .name = "maxcpus", .why = WHY_CPUS },
	{ .name = "cpuhp.parallel", .why = WHY_CPUS, .allow = "0" },
	{ .name = "nosmp", .why = WHY_CPUS },
	{ .name = "nr_cpus", .why = WHY_CPUS, .flags = RULE_MIN_CPUS },
	{ .name = "possible_cpus", .why = WHY_CPUS, .flags = RULE_MIN_CPUS },
	{ .name = "mem", .why = WHY_MEMORY },
	{ .name = "memmap", .why = WHY_MEMORY },
	{ .name = "mem_encrypt", .why = WHY_CRYPT, .allow = "off", .flags = RULE_RAW },
	{ .name = "crashkernel", .why = WHY_CRASH },
	{ .name = "enable_mtrr_cleanup", .why = WHY_MTRR },
	{ .name = "rdinit", .why = WHY_INIT, .flags = RULE_MODULE },
	{ .name = "noinitrd", .why = WHY_INITRD, .flags = RULE_MODULE | RULE_PREFIX },
	{ .name = "initrd", .why = WHY_INITRD },
	{ .name = "initrdmem", .why = WHY_INITRD },
	{ .name = "bootconfig", .why = WHY_CONFIG },
};

/* name and value point into the user's text; value is NULL without "=" */
struct word {
	const char *name;
	u32 name_len;
	const char *value;
	u32 value_len;
	u32 begin;		/* in the text, opening quote included */
	u32 end;
};

struct text {
	char *buf;
	u32 size;
	u32 len;		/* may exceed size: then it did not fit */
};

static __printf(2, 3) void add(struct text *t, const char *fmt, ...)
{
	u32 at = t->len < t->size ? t->len : t->size;
	va_list args;

	va_start(args, fmt);
	t->len += vsnprintf(t->buf + at, t->size - at, fmt, args);
	va_end(args);
}

/* As the kernel compares: dash and underscore are the same, in sysctl names dot and slash. */
static char canonical(char c)
{
	if (c == '-')
		return '_';
	return c == '/' ? '.' : c;
}

static bool same_name(const char *text, const char *name, u32 len)
{
	while (len--)
		if (canonical(*text++) != canonical(*name++))
			return false;
	return true;
}

/* Is the value one of a list of values, in which "x*" is all that begins with x? */
static bool in_list(const char *list, const char *value, u32 len)
{
	while (*list) {
		u32 n = 0;

		while (list[n] && list[n] != ' ')
			n++;
		if (list[n - 1] == '*' && len >= n - 1 && !memcmp(list, value, n - 1))
			return true;
		if (len == n && !memcmp(list, value, n))
			return true;
		list += n;
		while (*list == ' ')
			list++;
	}
	return false;
}

/* A plain decimal number that is not below @min? */
static bool number_at_least(const char *value, u32 len, u32 min)
{
	u64 number = 0;
	u32 i;

	if (!len || len > 9)
		return false;
	for (i = 0; i < len; i++) {
		if (value[i] < '0' || value[i] > '9')
			return false;
		number = number * 10 + value[i] - '0';
	}
	return number >= min;
}

/* Does the rule speak of this word? If so, @w is cut into name and value as the rule sees it. */
static bool rule_matches(const struct rule *r, struct word *w)
{
	u32 len = strlen(r->name);

	if (w->name_len < len || !same_name(w->name, r->name, len))
		return false;
	if (w->name_len == len)
		return true;
	if (!(r->flags & RULE_PREFIX))
		return false;
	w->value = w->name + len;	/* the kernel takes "mceoff" for "mce=off" */
	w->value_len = w->name_len - len;
	return true;
}

static bool rule_refuses(const struct rule *r, const struct word *w, const struct rf_cmdline_in *in)
{
	const char *value = w->value ? w->value : "";
	u32 len = w->value ? w->value_len : 0;

	if ((r->flags & RULE_MODULE) && in->bare)
		return false;
	if (r->flags & RULE_MIN_CPUS)
		return !number_at_least(value, len, in->nr_cpus);
	if (r->deny)
		return in_list(r->deny, value, len);
	return !r->allow || !in_list(r->allow, value, len);
}

/* The first rule with all of @flags that refuses the word. */
static const struct rule *refusal(const struct word *word, const struct rf_cmdline_in *in,
				  u32 flags)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rules); i++) {
		struct word w = *word;

		if ((rules[i].flags & flags) == flags && rule_matches(&rules[i], &w) &&
		    rule_refuses(&rules[i], &w, in))
			return &rules[i];
	}
	return NULL;
}

/*
 * Cut name and value out of the word, as next_arg() in the kernel's
 * lib/cmdline.c does: an equals sign in the first place does not count, and a
 * closing quote is dropped where the word or its value opens with one.
 */
static void split_word(const char *text, struct word *w)
{
	bool quoted = text[w->begin] == '"';
	u32 first = w->begin + quoted;
	u32 last = w->end;
	u32 val = first + 1;

	while (val < last && text[val] != '=')
		val++;
	w->name = text + first;
	w->value = NULL;
	if (val < last) {
		w->name_len = val - first;
		val++;
		if (val < last && text[val] == '"') {
			quoted = true;
			val++;
		}
		w->value = text + val;
	}
	if (quoted && last > first && text[last - 1] == '"')
		last--;
	if (w->value)
		w->value_len = last > val ? last - val : 0;
	else
		w->name_len = last - first;
}

/* The next word from @at on; spaces within quotes do not end it. */
static bool next_word(const char *text, u32 len, u32 at, struct word *w)
{
	bool in_quote = false;

	while (at < len && text[at] == ' ')
		at++;
	if (at == len)
		return false;
	w->begin = at;
	for (; at < len && (in_quote || text[at] != ' '); at++)
		if (text[at] == '"')
			in_quote = !in_quote;
	w->end = at;
	split_word(text, w);
	return true;
}

static int refuse(const struct word *w, const char *text, const struct rule *r,
		  struct text *msg)
{
	u32 len = w->end - w->begin;

	add(msg, "parameter %.*s%s: %s", (int)(len < 64 ? len : 64), text + w->begin,
	    len < 64 ? "" : "...", r->why);
	return -EINVAL;
}

/*
 * Words as the kernel's parser sees them, up to the "--" that begins init's
 * arguments. *@end is where the last one ends, *@init where init's begin.
 */
static int check_words(const struct rf_cmdline_in *in, u32 len, u32 *end, u32 *init,
		       struct text *msg)
{
	struct word w = { .end = 0 };

	*end = 0;
	*init = len;
	while (next_word(in->user, len, w.end, &w)) {
		const struct rule *r = refusal(&w, in, 0);

		if (r)
			return refuse(&w, in->user, r, msg);
		if (!w.value && w.name_len == 2 && !memcmp(w.name, "--", 2)) {
			*init = w.end;
			return 0;
		}
		*end = w.end;
	}
	return 0;
}

/* Some early code looks for its words anywhere, without regard to quotes and "--". */
static int check_raw(const struct rf_cmdline_in *in, u32 len, struct text *msg)
{
	const char *text = in->user;
	u32 at = 0;

	while (at < len) {
		struct word w = { .begin = at, .name = text + at };
		const struct rule *r;

		while (at < len && text[at] != ' ')
			at++;
		w.end = at++;
		for (; w.name_len < w.end - w.begin && w.name[w.name_len] != '='; w.name_len++)
			;
		if (w.name_len < w.end - w.begin) {
			w.value = w.name + w.name_len + 1;
			w.value_len = w.end - w.begin - w.name_len - 1;
		}
		while (w.value_len && *w.value == '"' && w.value_len--)
			w.value++;
		while (w.value_len && w.value[w.value_len - 1] == '"')
			w.value_len--;
		r = refusal(&w, in, RULE_RAW);
		if (r)
			return refuse(&w, text, r, msg);
	}
	return 0;
}

/* An open quote would swallow our parameters; the kernel takes more than one byte for a space. */
static int check_bytes(const char *text, u32 len, struct text *msg)
{
	u32 quotes = 0;
	u32 i;

	for (i = 0; i < len; i++) {
		if (text[i] < ' ' || text[i] > '~') {
			add(msg, "byte %u of the command line is not printable ASCII; drop it", i);
			return -EINVAL;
		}
		quotes += text[i] == '"';
	}
	if (quotes % 2) {
		add(msg, "a quote on the command line is not closed; close it");
		return -EINVAL;
	}
	return 0;
}

static int check_numbers(const struct rf_cmdline_in *in, struct text *msg)
{
	if (in->kernel_version < KVER_OLDEST) {
		add(msg, "kernel %u.%u is too old to be a subOS; use 6.1 or newer",
		    in->kernel_version >> 16, in->kernel_version >> 8 & 0xff);
		return -EINVAL;
	}
	if (!in->nr_cpus || !in->tsc_khz) {
		add(msg, "a subOS needs a CPU and a TSC of known frequency");
		return -EINVAL;
	}
	if (in->user_len > RF_CMDLINE_MAX) {
		add(msg, "the command line has %u bytes; %u are the limit", in->user_len,
		    RF_CMDLINE_MAX);
		return -ENOSPC;
	}
	return 0;
}

static void add_front(struct text *t, const struct rf_cmdline_in *in)
{
	add(t, "nokaslr dis_ucode_ldr x2apic_phys nopv disable_mtrr_cleanup");
	/* For a quicker boot. The user's word comes later, and with fips=1 it is void. */
	add(t, " cryptomgr.notests");
	if (!in->bare)
		add(t, " rdinit=/.rainforest/init");
}

static void add_back(struct text *t, const struct rf_cmdline_in *in)
{
	add(t, " no_ipi_broadcast=1 pci=off 8250.nr_uarts=0");
	add(t, " tsc=reliable tsc_early_khz=%u", in->tsc_khz);
	add(t, " panic=0 apic_extnmi=none nmi_watchdog=0 mce=no_cmci");
	/* Several at once are woken first threads first: also those of cores not granted. */
	add(t, " maxcpus=%u cpuhp.parallel=0", in->nr_cpus);
	if (!in->bare)
		add(t, " console=hvc0");
}

int rf_cmdline_build(const struct rf_cmdline_in *in, char *out, u32 size, char *msg, u32 msg_size)
{
	struct text t = { .buf = out, .size = size < RF_CMDLINE_SIZE ? size : RF_CMDLINE_SIZE };
	struct text m = { .buf = msg, .size = msg_size };
	u32 len = in->user_len, end, init;
	int ret;

	ret = check_numbers(in, &m);
	if (ret)
		return ret;
	/* what reading it from a file leaves at the end */
	while (len && (in->user[len - 1] == '\n' || !in->user[len - 1]))
		len--;
	ret = check_bytes(in->user, len, &m);
	if (!ret)
		ret = check_words(in, len, &end, &init, &m);
	if (!ret)
		ret = check_raw(in, len, &m);
	if (ret)
		return ret;
	add_front(&t, in);
	if (end)
		add(&t, " %.*s", (int)end, in->user);
	add_back(&t, in);
	if (init < len)
		add(&t, " --%.*s", (int)(len - init), in->user + init);
	if (t.len < t.size)
		return t.len;
	add(&m, "the command line does not fit: %u of %u bytes; shorten it", t.len, t.size);
	return -ENOSPC;
}
