// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line builder, case by case and with random text. parse() below
 * reads a finished line as the kernel's parse_args() does and says which value
 * each parameter of ours ended up with. "cmdline_test SEED" repeats a run.
 */
#include <ctype.h>
#include <stdlib.h>
#include <time.h>
#include "tables.h"
#include "tap.h"

#define ROUNDS		200000
#define LINE_MAX_LEN	8192

static char line[RF_CMDLINE_SIZE], message[240];

static int build_len(const char *user, u32 len, bool bare)
{
	struct rf_cmdline_in in = {
		.user = user, .user_len = len, .kernel_version = RF_KVER(6, 12, 117),
		.tsc_khz = 2400123, .nr_cpus = 2, .bare = bare,
	};

	memset(line, 0x55, sizeof(line));
	message[0] = 0;
	return rf_cmdline_build(&in, line, sizeof(line), message, sizeof(message));
}

static int build(const char *user)
{
	return build_len(user, strlen(user), false);
}

/* What must hold when the kernel has read the line. */
static const struct expected {
	const char *name, *value;
	bool module;
} expected[] = {
	{ "nokaslr" }, { "dis_ucode_ldr" }, { "x2apic_phys" }, { "nopv" },
	{ "disable_mtrr_cleanup" }, { "rdinit", "/.rainforest/init", true },
	{ "no_ipi_broadcast", "1" }, { "pci", "off" },
	{ "8250.nr_uarts", "0" }, { "tsc", "reliable" }, { "tsc_early_khz", "2400123" },
	{ "panic", "0" }, { "apic_extnmi", "none" }, { "nmi_watchdog", "0" },
	{ "mce", "no_cmci" }, { "maxcpus", "2" }, { "cpuhp.parallel", "0" },
	{ "console", "hvc0", true },
};

/* Parameters whose presence alone does the harm. */
static const char *const harmful[] = {
	"mem", "memmap", "nosmp", "noapic", "nolapic", "disableapic", "nox2apic", "earlycon",
	"earlyprintk", "crashkernel", "initrd", "initrdmem", "noinitrd", "notsc", "nomce",
	"acpi_rsdp", "reboot", "enable_mtrr_cleanup", "bootconfig", "kaslr", "mceoff",
	"noapictimer", "nolapic_timer", "i8042.nopnp",
};

static bool same(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (*a != *b && !(strchr("-_", *a) && strchr("-_", *b)))
			return false;
	return *a == *b;
}

/* One parameter, cut out in place, with the quoting rules of the kernel. */
static char *cut(char *p, char **name, char **value)
{
	bool open = false, whole = *p == '"';
	char *start = p + whole, *equals = NULL, *end;

	for (end = p; *end && (open || !isspace((unsigned char)*end)); end++) {
		if (*end == '=' && end > start && !equals)
			equals = end;
		open ^= *end == '"';
	}
	p = *end ? end + 1 : end;
	*end = 0;
	*name = start;
	*value = equals;
	if (equals) {
		*equals = 0;
		*value = equals + 1;
		if (**value == '"') {
			whole = true;
			++*value;
		}
	}
	if (whole && end > start && end[-1] == '"')
		end[-1] = 0;
	while (isspace((unsigned char)*p))
		p++;
	return p;
}

/*
 * Does a kernel that gets this line do as we want? The last value counts; the
 * name of the first parameter that is wrong is left in @wrong.
 */
static bool parse(const char *text, bool bare, const char **wrong)
{
	const char *last[ARRAY_SIZE(expected)] = { NULL };
	static char copy[LINE_MAX_LEN];
	char *p = copy, *name, *value;
	u32 i;

	snprintf(copy, sizeof(copy), "%s", text);
	while (isspace((unsigned char)*p))
		p++;
	while (*p) {
		p = cut(p, &name, &value);
		if (!value && !strcmp(name, "--"))
			break;
		for (i = 0; i < ARRAY_SIZE(expected); i++)
			if (same(name, expected[i].name))
				last[i] = value ? value : "";
		for (i = 0; i < ARRAY_SIZE(harmful); i++) {
			if (same(name, harmful[i])) {
				*wrong = harmful[i];
				return false;
			}
		}
	}
	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		*wrong = expected[i].name;
		if (expected[i].module && bare)
			continue;
		if (!last[i] || (expected[i].value && strcmp(last[i], expected[i].value)))
			return false;
	}
	return true;
}

/* Early code looks for these without regard to quotes and "--". */
static bool raw_clean(const char *text)
{
	static const char *const words[] = { " earlyprintk=", " acpi_rsdp=", " console=ttyS",
					     " console=uart", " mem_encrypt=on" };
	static char copy[LINE_MAX_LEN];
	u32 i;

	snprintf(copy, sizeof(copy), " %s", text);
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(copy, words[i]))
			return false;
	return true;
}

/* Text that can stand in a line of TAP. */
static const char *shown(const char *text)
{
	static char copy[LINE_MAX_LEN];
	u32 i;

	snprintf(copy, sizeof(copy), "%s", text);
	for (i = 0; copy[i]; i++)
		if (copy[i] < ' ' || copy[i] > '~')
			copy[i] = '?';
	return copy;
}

static void accepted(const char *user)
{
	const char *wrong = "";
	int ret = build(user);

	ok(ret > 0 && ret == (int)strlen(line) && parse(line, false, &wrong) && raw_clean(line) &&
	   !*message, "accepted: %s%s%s", shown(user), ret > 0 ? "" : " -> ", message);
}

/* Refused, and the message names the word. */
static void refused(const char *user, const char *word)
{
	int ret = build(user);

	ok(ret == -EINVAL && strstr(message, word) && strlen(message) > strlen(word) + 20 &&
	   strlen(message) < sizeof(message) - 1 && !strchr(message, '\n'),
	   "refused: %s -> %s", shown(user), message);
}

static void test_accepted(void)
{
	static const char *const texts[] = {
		"", " ", "quiet", "quiet root=/dev/vda ro", "init=/bin/sh", "single", "debug",
		"loglevel=7 ignore_loglevel", "hugepages=16 hugepagesz=2M", "isolcpus=1",
		"nokaslr", "pci=off", "panic=0", "tsc=reliable", "tsc=noirqtime", "acpi=strict",
		"console=tty0", "console=hvc0", "console=ttynull", "no_ipi_broadcast=1",
		"nr_cpus=2", "nr_cpus=64", "possible_cpus=2", "8250.nr_uarts=0", "mce=print_all",
		"nmi_watchdog=0", "memtest=4", "memhp_default_state=online",
		"mem_sleep_default=s2idle", "panic_on_warn=1", "panic_on_oops=1", "tsx=off",
		"mitigations=off", "nosmt", "intel_iommu=on", "iommu=pt", "efi=runtime",
		"initcall_debug", "rootdelay=5", "initramfs_async=0", "consoleblank=0",
		"rebooting=1", "pcie_aspm=off", "acpi_osi=Linux",
		"dyndbg=\"file drivers/pci/* +p\"", "\"quoted=a b\"", "a=\"\"", "\"\"",
		"systemd.unit=rescue.target", "net.ifnames=0", "sysctl.kernel.panic_on_oops=1",
		"kernelcore=1G", "nohz_full=1", "idle=poll", "-- mem=5", "-- pci=conf1 single",
		"quiet -- --verbose rdinit=/x", "\"--\" mem=5", "ends-in-newline=1\n", "-", "---",
		"=", "==", "x=--", "--=x", "mce=dont_log_ce",
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(texts); i++)
		accepted(texts[i]);
}

static void test_refused(void)
{
	static const char *const texts[] = {
		"kaslr", "no_ipi_broadcast=0", "no-ipi-broadcast=0", "no_ipi_broadcast",
		"pci=conf1", "pci=nomsi", "pci", "pci=off,conf1", "tsc=unstable", "tsc=watchdog",
		"tsc_early_khz=1000", "notsc", "8250.nr_uarts=4", "8250_core.nr_uarts=4",
		"earlyprintk=vga", "earlyprintk=serial,ttyS0", "earlyprintk", "earlycon",
		"earlycon=uart8250,io,0x3f8", "console=ttyS0", "console=ttyS0,115200n8",
		"console=uart8250,io,0x3f8", "console=uart,mmio,0x1000", "console=ttyS1",
		"console", "i8042.nopnp", "panic=5", "panic=-1", "sysctl.kernel.panic=5",
		"sysctl/kernel/panic=5", "sysctl.kernel/panic=5", "reboot=pci", "reboot=triple",
		"apic_extnmi=all", "nmi_watchdog=1", "sysctl.kernel.nmi_watchdog=1", "nox2apic",
		"noapic", "nolapic", "disableapic", "noapictimer", "nolapic_timer",
		"nolapic-timer", "mce=off", "mceoff", "nomce", "acpi=off", "acpi=rsdt", "acpi=ht",
		"acpi_rsdp=0x1000", "acpi-rsdp=0x1000", "acpi_apic_instance=2", "maxcpus=1",
		"maxcpus=2", "maxcpus=0", "cpuhp.parallel=1", "cpuhp.parallel", "nosmp",
		"nr_cpus=1", "nr_cpus=0", "nr_cpus=-1",
		"nr_cpus=0x10", "nr_cpus=9999999999", "nr_cpus", "nr_cpus=", "possible_cpus=1",
		"mem=512M", "memmap=1G@0x0", "memmap=exactmap", "mem_encrypt=on",
		"crashkernel=256M", "crashkernel=auto", "enable_mtrr_cleanup", "rdinit=/bin/sh",
		"noinitrd", "initrd=0x1000,1M", "initrdmem=0x1000,1M", "bootconfig",
		"\"mem=512M\"", "mem=\"512M\"", "quiet mem=512M", "mem=512M quiet",
	};
	static const char *const words[][2] = {
		{ "a=\"b c\" mem=5 d", "mem=5" }, { "a=\"b\"mem=5 maxcpus=1", "maxcpus=1" },
		{ "x=\"a earlyprintk=vga b\"", "earlyprintk=vga" },
		{ "-- earlyprintk=vga", "earlyprintk=vga" },
		{ "-- \"x console=uart8250,io,0x3f8\"", "console=uart8250" },
		{ "-- mem_encrypt=on", "mem_encrypt=on" }, { "-- acpi_rsdp=1", "acpi_rsdp=1" },
		{ "a=\"b", "quote" }, { "\"", "quote" }, { "-- \"", "quote" },
		{ "a\tb", "byte 1" }, { "a\nb", "byte 1" }, { "\x1b[2J", "byte 0" },
		{ "a\xc2\xa0mem=5", "byte 1" }, { "a\x7f", "byte 1" }, { "a\vmem=5", "byte 1" },
		{ "-- a\nb", "byte 4" },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(texts); i++)
		refused(texts[i], strstr(texts[i], "quiet") ? "mem=512M" : texts[i]);
	for (i = 0; i < ARRAY_SIZE(words); i++)
		refused(words[i][0], words[i][1]);
	ok(build_len("a\0mem=5", 7, false) == -EINVAL, "refused: a NUL byte within");
	ok(build_len("quiet\0", 6, false) > 0 && strstr(line, " quiet no_ipi"),
	   "accepted: a NUL byte at the end");
}

static void test_order(void)
{
	char *found;

	build("root=/dev/vda ro -- single \"a b\"");
	found = strstr(line, " rdinit=/.rainforest/init root=/dev/vda ro no_ipi_broadcast=1");
	ok(found, "the user's part lies between ours");
	found = strstr(line, " console=hvc0 -- single \"a b\"");
	ok(found && !found[strlen(" console=hvc0 -- single \"a b\"")],
	   "init's arguments are last");
	ok(build_len("rdinit=/sbin/init noinitrd", 26, true) > 0 && !strstr(line, ".rainforest") &&
	   !strstr(line, "hvc0"), "bare: rdinit= is the user's, and no console is ours");
	ok(build_len("mem=5", 5, true) == -EINVAL, "bare: the rest is refused as well");
	ok(build_len("", 0, true) > 0 && parse(line, true, &(const char *){ NULL }),
	   "bare: the rest of ours stands");
}

static void test_limits(void)
{
	struct rf_cmdline_in in = { .user = "quiet", .user_len = 5, .tsc_khz = 1,
				    .kernel_version = RF_KVER(6, 1, 0), .nr_cpus = 1 };
	struct rf_cmdline_in bad;
	static char big[4096];
	u32 size, fits = 0;
	int ret;

	memset(big, 'a', sizeof(big));
	ok(build_len(big, 1024, false) > 1024, "1024 bytes of the user fit");
	ok(build_len(big, 1025, false) == -ENOSPC && strstr(message, "1025") &&
	   strstr(message, "1024"), "1025 do not: %s", message);
	ok(build_len(big, U32_MAX, false) == -ENOSPC, "an absurd length is refused unread");
	for (size = 0; size < 600; size++) {
		memset(line, 0x55, sizeof(line));
		ret = rf_cmdline_build(&in, line, size, message, sizeof(message));
		if (line[size] != 0x55 || (ret < 0 && ret != -ENOSPC) ||
		    (ret >= 0 && ((u32)ret >= size || strlen(line) != (u32)ret)))
			break;
		fits += ret >= 0;
	}
	ok(size == 600 && fits > 100 && fits < 500, "no buffer is exceeded, large ones do");
	ok(rf_cmdline_build(&in, NULL, 0, NULL, 0) == -ENOSPC, "no buffer at all");
	in.user = "mem=5";
	for (size = 0; size < 60; size++) {
		memset(message, 0x55, sizeof(message));
		ret = rf_cmdline_build(&in, line, sizeof(line), message, size);
		if (ret != -EINVAL || message[size] != 0x55 || (size && strlen(message) >= size))
			break;
	}
	ok(size == 60, "the message keeps to its buffer");
	in.user = "";
	in.user_len = 0;
#define REFUSED(change, what) do {							\
		bad = in;								\
		change;									\
		ok(rf_cmdline_build(&bad, line, sizeof(line), message, sizeof(message)) ==	\
		   -EINVAL && *message, "refused: " what " -> %s", message);		\
	} while (0)
	REFUSED(bad.kernel_version = RF_KVER(6, 0, 255), "kernel 6.0");
	REFUSED(bad.kernel_version = RF_KVER(5, 10, 0), "kernel 5.10");
	REFUSED(bad.nr_cpus = 0, "no CPU");
	REFUSED(bad.tsc_khz = 0, "a TSC of unknown frequency");
	ok(rf_cmdline_build(&in, line, sizeof(line), message, sizeof(message)) > 0,
	   "control: the input without these changes is accepted");
}

static const char *const pieces[] = {
	" ", " ", " ", " ", "\"", "=", "-", "--", " -- ", "_", "a", "mem", "=5", "pci", "=off",
	"pci=conf1", "panic=5", "panic=0", "rdinit=/x", "console=ttyS0", "console=tty0",
	"maxcpus=1", "nosmp", "no_ipi_broadcast=0", "no-ipi-broadcast", "mce", "off", "nr_cpus=1",
	"acpi=off", "tsc=unstable", "earlyprintk=vga", "kaslr", "memmap=1G@0", "quiet", "noapic",
	"\"mem=5\"", "nmi_watchdog=1", "reboot=t", "initrd=1,2", ".", "/", "8250.nr_uarts=4",
};

static void random_text(char *text, u32 size)
{
	u32 n = rand() % 12;

	*text = 0;
	while (n--)
		strncat(text, pieces[rand() % ARRAY_SIZE(pieces)], size - strlen(text) - 1);
}

/* A default, not a rule: the user's word comes later. */
static void test_default(void)
{
	const char *ours, *users;

	build("cryptomgr.notests=0");
	ours = strstr(line, " cryptomgr.notests ");
	users = strstr(line, " cryptomgr.notests=0 ");
	ok(ours && users && ours < users, "no self-tests of ciphers, unless the user wants them");
}

static void test_random(u32 seed)
{
	u32 i, good = 0, naive = 0;
	char text[512], plain[LINE_MAX_LEN];
	const char *wrong = "";
	static char ours[RF_CMDLINE_SIZE];

	srand(seed);
	build("");
	memcpy(ours, line, sizeof(ours));
	for (i = 0; i < ROUNDS; i++) {
		int ret;

		random_text(text, sizeof(text));
		snprintf(plain, sizeof(plain), "%s %s", text, ours);
		naive += !parse(plain, false, &wrong);
		ret = build(text);
		if (ret == -EINVAL && *message)
			continue;
		good++;
		if (ret < 0 || !parse(line, false, &wrong) || !raw_clean(line))
			break;
	}
	ok(i == ROUNDS, "seed %u: %u of %u random texts accepted, ours stand in all%s%s%s", seed,
	   good, i, i < ROUNDS ? "; wrong in: " : "", i < ROUNDS ? shown(text) : "",
	   i < ROUNDS ? wrong : "");
	ok(good > ROUNDS / 20 && naive > ROUNDS / 20,
	   "control: ours simply put behind would have failed for %u", naive);
}

int main(int argc, char **argv)
{
	test_accepted();
	test_refused();
	test_order();
	test_limits();
	test_default();
	test_random(argc > 1 ? strtoul(argv[1], NULL, 0) : (u32)time(NULL));
	return tap_end();
}
