// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfm/image.h on kernels made here: a small ELF with a banner, packed into
 * bzImages with each compression, whole, cut off at every byte, and spoiled.
 *
 * usage: image_test [BZIMAGE...]	stock kernels to try as well
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../rfm/image.h"
#include "../../rfm/image_cache.h"
#include "image_make.h"
#include "tap.h"

static char dir[] = "/tmp/image_test.XXXXXX";
static char path[PATH_MAX], cache[PATH_MAX];
static char err[256];
static struct rfm_image image;

static void write_file(const char *name, const void *data, size_t size)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		fail_hard(name);
	close(fd);
}

static int try_open(struct bytes file, enum rfm_image_mode mode, const char *cache_dir)
{
	write_file(path, file.data, file.size);
	err[0] = '\0';
	return rfm_image_open(&image, path, cache_dir, mode, err, sizeof(err));
}

/* The error is the expected one, and one line that names the file. */
static bool refused(struct bytes file, int want, const char *word)
{
	int ret = try_open(file, RFM_IMAGE_AUTO, NULL);

	if (!ret)
		rfm_image_close(&image);
	if (ret == want && strstr(err, word) && !strncmp(err, path, strlen(path)) &&
	    !strchr(err, '\n') && strchr(err, ';'))
		return true;
	printf("# returned %d: %s\n", ret, err);
	return false;
}

static bool bytes_are(const struct rf_segment *seg, struct bytes elf, size_t offset)
{
	return !memcmp((void *)(uintptr_t)seg->src, elf.data + offset, seg->filesz);
}

/* What stands in make_elf(), in the order of the addresses. */
static bool is_our_elf(struct bytes elf)
{
	const struct rf_segment *s = image.segments;

	return image.elf && image.nr_segments == 4 && image.entry == 0x1000040 &&
	       s[0].dest == 0x1000000 && s[0].filesz == 0x4000 && s[0].memsz == 0x4000 &&
	       /* zero fill ends where the per-CPU segment begins */
	       s[1].dest == 0x1200000 && s[1].filesz == 0x1000 && s[1].memsz == 0x2000 &&
	       s[2].dest == 0x1202000 && s[2].filesz == 0x800 && s[2].memsz == 0x800 &&
	       s[3].dest == 0x1203000 && s[3].filesz == 0x2000 && s[3].memsz == 0x100000 &&
	       bytes_are(&s[0], elf, 0x1000) && bytes_are(&s[1], elf, 0x5000) &&
	       bytes_are(&s[2], elf, 0x6000) && bytes_are(&s[3], elf, 0x7000);
}

static bool says_release(void)
{
	return !strcmp(image.release, RELEASE) && image.version == (6 << 16 | 12 << 8 | 3);
}

static const struct {
	const char *name;
	size_t (*pack)(unsigned char *out, size_t room, struct bytes in);
} packers[] = {
	{ "gzip", pack_gzip }, { "xz", pack_xz }, { "lzma", pack_lzma },
	{ "lz4", pack_lz4 }, { "zstd", pack_zstd },
};

static void test_formats(struct bytes elf)
{
	struct bytes bz;
	size_t i;

	for (i = 0; i < sizeof(packers) / sizeof(packers[0]); i++) {
		bz = make_bzimage(elf, packers[i].pack);
		ok(!try_open(bz, RFM_IMAGE_AUTO, NULL) && is_our_elf(elf) && says_release(),
		   "%s: the ELF comes out as it went in", packers[i].name);
		ok(image.span == 0x1400000 && image.setup_header_size == 0x26c - 0x1f1 &&
		   !memcmp(image.setup_header, bz.data + 0x1f1, image.setup_header_size),
		   "%s: span and setup header are those of the bzImage", packers[i].name);
		rfm_image_close(&image);
		bz.data[SETUP + PAYLOAD_OFF + 200] ^= 0xff;
		ok(refused(bz, -ENOEXEC, "damaged"), "%s: a spoiled payload is noticed",
		   packers[i].name);
		bz.data[SETUP + PAYLOAD_OFF + 200] ^= 0xff;
		put(bz.data + SETUP + PAYLOAD_OFF + (bz.data[0x24c] | bz.data[0x24d] << 8 |
						     bz.data[0x24e] << 16) - 4,
		    elf.size + MORE - 1, 4);
		ok(refused(bz, -ENOEXEC, "damaged"), "%s: a wrong size is noticed",
		   packers[i].name);
		free(bz.data);
	}
}

static void test_own_entry(struct bytes elf)
{
	struct bytes bz = make_bzimage(elf, pack_zstd);
	const struct rf_segment *s = image.segments;

	ok(!try_open(bz, RFM_IMAGE_BZIMAGE, NULL) && !image.elf && image.nr_segments == 1 &&
	   s->dest == 16 * MB && s->filesz == bz.size - SETUP && s->memsz == 4 * MB &&
	   image.entry == 16 * MB + 0x200 && image.span == 20 * MB && says_release() &&
	   !memcmp((void *)(uintptr_t)s->src, bz.data + SETUP, s->filesz),
	   "the bzImage's own entry");
	rfm_image_close(&image);
	free(bz.data);
	bz = make_bzimage(elf, pack_unknown);
	ok(!try_open(bz, RFM_IMAGE_AUTO, NULL) && !image.elf && image.entry == 16 * MB + 0x200,
	   "an unknown compression falls back to it");
	rfm_image_close(&image);
	free(bz.data);
}

static void test_vmlinux(struct bytes elf)
{
	unsigned char *h = image.setup_header;

	ok(!try_open(elf, RFM_IMAGE_AUTO, NULL) && is_our_elf(elf) && says_release() &&
	   image.span == 0x1400000, "a bare ELF");
	ok(h[0x1fe - 0x1f1] == 0x55 && h[0x1ff - 0x1f1] == 0xaa &&
	   !memcmp(h + 0x202 - 0x1f1, "HdrS", 4) && h[0x206 - 0x1f1] == 0xf &&
	   h[0x207 - 0x1f1] == 2 && h[0x236 - 0x1f1] & 1 && h[0x238 - 0x1f1] == 0xff &&
	   h[0x239 - 0x1f1] == 7 && h[0x262 - 0x1f1] == 0x40,
	   "a bare ELF gets a setup header");
	rfm_image_close(&image);
}

/* ---- what is refused ---- */

struct spoiled {
	const char *what;
	size_t off;
	uint64_t val;
	int bytes;
	const char *word;
};

static void test_spoiled(struct bytes good, const struct spoiled *cases, size_t count)
{
	struct bytes bad = { malloc(good.size), good.size };
	size_t i;

	for (i = 0; i < count; i++) {
		memcpy(bad.data, good.data, good.size);
		put(bad.data + cases[i].off, cases[i].val, cases[i].bytes);
		ok(refused(bad, -ENOEXEC, cases[i].word), "refused: %s", cases[i].what);
	}
	free(bad.data);
}

static void test_bad_headers(struct bytes elf)
{
	static const struct spoiled cases[] = {
		{ "no HdrS", 0x202, 0, 4, "is no Linux kernel" },
		{ "no boot flag", 0x1fe, 0, 2, "is no Linux kernel" },
		{ "protocol 2.11", 0x206, 0x20b, 2, "too old" },
		{ "a zImage", 0x211, 0, 1, "zImage" },
		{ "32-bit only", 0x236, 0x7e, 2, "32-bit" },
		{ "no protected-mode part", 0x1f4, 0, 4, "damaged header" },
		{ "a huge protected-mode part", 0x1f4, 0xffffffff, 4, "truncated" },
		{ "too many setup sectors", 0x1f1, 0xff, 1, "truncated" },
		{ "a short header", 0x201, 0, 1, "damaged header" },
		{ "a long header", 0x201, 0xff, 1, "damaged header" },
		{ "a payload outside", 0x248, 0xffffffff, 4, "damaged header" },
		{ "a payload too long", 0x24c, 0xffffffff, 4, "damaged header" },
		{ "init_size 0", 0x260, 0, 4, "damaged header" },
		{ "a huge init_size", 0x260, 0xffffffff, 4, "damaged header" },
		{ "pref_address 0", 0x258, 0, 8, "damaged header" },
		{ "an odd pref_address", 0x258, 0x1000001, 8, "damaged header" },
		{ "a huge pref_address", 0x258, -1ULL, 8, "damaged header" },
		{ "Linux 5.10", 0x280, 0x30312e35, 4, "too old" },
	};
	struct bytes bz = make_bzimage(elf, pack_zstd);

	test_spoiled(bz, cases, sizeof(cases) / sizeof(cases[0]));
	free(bz.data);
}

#define PH(i, field)	\
	(sizeof(Elf64_Ehdr) + (i) * sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, field))

static void test_bad_elfs(struct bytes elf)
{
	static const struct spoiled cases[] = {
		{ "a 32-bit ELF", EI_CLASS, ELFCLASS32, 1, "32-bit" },
		{ "a big-endian ELF", EI_DATA, ELFDATA2MSB, 1, "damaged" },
		{ "an ELF for ARM", offsetof(Elf64_Ehdr, e_machine), EM_AARCH64, 2,
		  "another processor" },
		{ "an object file", offsetof(Elf64_Ehdr, e_type), ET_REL, 2, "executed" },
		{ "no program headers", offsetof(Elf64_Ehdr, e_phnum), 0, 2, "program headers" },
		{ "program headers outside", offsetof(Elf64_Ehdr, e_phoff), -1ULL, 8,
		  "truncated" },
		{ "too many program headers", offsetof(Elf64_Ehdr, e_phnum), 0xffff, 2,
		  "truncated" },
		{ "an entry outside", offsetof(Elf64_Ehdr, e_entry), 0x1004000, 8, "entry" },
		{ "a segment at address 0", PH(0, p_paddr), 0, 8, "no kernel" },
		{ "a segment at the end of the world", PH(0, p_paddr), -0x1000ULL, 8,
		  "impossible" },
		{ "a segment of all memory", PH(4, p_memsz), -1ULL, 8, "impossible" },
		{ "more bytes than memory", PH(0, p_filesz), 0x4001, 8, "impossible" },
		{ "bytes behind the end", PH(4, p_offset), ELF_SIZE - 0x1fff, 8, "truncated" },
		{ "bytes before the start", PH(4, p_offset), -1ULL, 8, "truncated" },
		{ "no alignment", PH(0, p_align), 0, 8, "aligned" },
		{ "small pages", PH(0, p_align), 0x1000, 8, "aligned" },
		{ "segments that overlap", PH(1, p_paddr), 0x1200800, 8, "overlap" },
		{ "no banner", 0x2000, 0, 1, "banner" },
	};

	test_spoiled(elf, cases, sizeof(cases) / sizeof(cases[0]));
}

/* Cut off anywhere, it is refused, and says so in words. */
static void test_truncated(struct bytes good, const char *what, size_t step)
{
	struct bytes bad = { malloc(good.size), 0 };
	size_t size, last = 0;
	bool fine = true;

	memcpy(bad.data, good.data, good.size);
	for (size = 1; size < good.size && fine; size += size < 0x300 ? 1 : step) {
		bad.size = last = size;
		fine = refused(bad, -ENOEXEC, path);
	}
	ok(fine && last > good.size / 2, "%s cut off anywhere is refused (%zu bytes)", what, last);
	free(bad.data);
}

static void test_files(void)
{
	char name[PATH_MAX];
	struct bytes none = { (unsigned char *)"", 0 };
	char release[sizeof(image.release)] = "before";
	int ret;

	ok(refused(none, -ENOEXEC, "empty"), "refused: an empty file");
	ret = rfm_image_open(&image, dir, NULL, RFM_IMAGE_AUTO, err, sizeof(err));
	ok(ret == -EISDIR && strstr(err, "directory"), "refused: a directory");
	snprintf(name, sizeof(name), "%s/nothing", dir);
	ret = rfm_image_open(&image, name, NULL, RFM_IMAGE_AUTO, err, sizeof(err));
	ok(ret == -ENOENT && strstr(err, "not there"), "refused: no file");
	mkfifo(name, 0600);
	ret = rfm_image_open(&image, name, NULL, RFM_IMAGE_AUTO, err, sizeof(err));
	ok(ret == -ENOEXEC && strstr(err, "regular"), "refused: a FIFO, without waiting");
	rfm_image_release(release, sizeof(release), name);
	ok(!*release, "and it has no release");
	unlink(name);
	write_file(name, "x", 1);
	ret = truncate(name, 3LL << 30);
	ret = rfm_image_open(&image, name, NULL, RFM_IMAGE_AUTO, err, sizeof(err));
	ok(ret == -ENOEXEC && strstr(err, "larger"), "refused: a huge file");
	ok(!image.priv && !image.nr_segments, "nothing is left behind by a failure");
	ret = truncate(name, 1 << 30);
	ret = rfm_image_open(&image, name, NULL, RFM_IMAGE_AUTO, err, 8);
	ok(ret == -ENOEXEC && strlen(err) < 8, "a short buffer for the message is respected");
	rfm_image_release(release, sizeof(release), name);
	ok(!*release, "what is no kernel has no release");
	unlink(name);
}

/* As another user: root may read everything. */
static void test_unreadable(struct bytes elf)
{
	int status = 1;
	pid_t child;

	if (geteuid()) {
		ok(true, "refused: no permission # SKIP not root");
		return;
	}
	write_file(path, elf.data, elf.size);
	child = fork();
	if (!child) {
		if (seteuid(65534))
			_exit(2);
		status = rfm_image_open(&image, path, NULL, RFM_IMAGE_AUTO, err, sizeof(err));
		_exit(status != -EACCES);
	}
	waitpid(child, &status, 0);
	ok(!status, "refused: no permission");
}

/* ---- the cache ---- */

static char *cache_entry(void)
{
	static char name[PATH_MAX + 64];
	FILE *list;

	/* one path: an entry, or a temporary file that was left behind */
	snprintf(name, sizeof(name), "cd %s && ls -A -d $PWD/*.elf $PWD/.tmp* 2>/dev/null", cache);
	list = popen(name, "r");
	if (!list || !fgets(name, sizeof(name), list))
		name[0] = '\0';
	name[strcspn(name, "\n")] = '\0';
	if (list)
		pclose(list);
	return name;
}

static ino_t inode(const char *name)
{
	struct stat st;

	return stat(name, &st) ? 0 : st.st_ino;
}

static bool opens_as(struct bytes bz, struct bytes elf)
{
	bool good = !try_open(bz, RFM_IMAGE_AUTO, cache) && is_our_elf(elf);

	if (!good)
		printf("# %s\n", err);
	rfm_image_close(&image);
	return good;
}

static void spoil(const char *name, off_t off)
{
	int fd = open(name, O_RDWR);
	char c;

	if (fd < 0 || pread(fd, &c, 1, off) != 1)
		fail_hard(name);
	c ^= 1;
	if (pwrite(fd, &c, 1, off) != 1)
		fail_hard(name);
	close(fd);
}

static void test_cache(struct bytes elf)
{
	struct bytes bz = make_bzimage(elf, pack_zstd), other = make_bzimage(elf, pack_lz4);
	ino_t first, second;
	char *entry;

	ok(opens_as(bz, elf), "cache: the first time");
	entry = cache_entry();
	ok(strstr(entry, ".elf"), "cache: an entry is made");
	first = inode(entry);
	ok(opens_as(bz, elf) && inode(cache_entry()) == first, "cache: and used again");
	spoil(entry, 0x2345);
	ok(opens_as(bz, elf), "cache: a spoiled entry is not believed");
	second = inode(entry);
	ok(second && second != first, "cache: but made again");
	spoil(entry, ELF_SIZE + MORE + 3);
	ok(opens_as(bz, elf) && inode(entry) != second, "cache: so is one with a bad trailer");
	second = inode(entry);
	ok(!truncate(entry, 100) && opens_as(bz, elf) && inode(entry) != second,
	   "cache: so is one that was cut off");
	second = inode(entry);
	chmod(entry, 0666);
	ok(opens_as(bz, elf) && inode(entry) != second,
	   "cache: so is one that anybody may write");
	ok(opens_as(other, elf) && inode(entry), "cache: another image has another entry");
	/* control: without the digest the wrong bytes would have been taken */
	spoil(path, SETUP + PAYLOAD_OFF + 30);
	ok(rfm_image_open(&image, path, cache, RFM_IMAGE_AUTO, err, sizeof(err)) == -ENOEXEC,
	   "cache: no entry of a whole image serves a damaged one");
	free(bz.data);
	free(other.data);
}

static void test_unusable_cache(struct bytes elf)
{
	struct bytes bz = make_bzimage(elf, pack_xz);
	char saved[PATH_MAX];

	strcpy(saved, cache);
	snprintf(cache, sizeof(cache), "/proc/1/nothing");
	ok(opens_as(bz, elf), "cache: a directory that cannot be made is no error");
	snprintf(cache, sizeof(cache), "%s", path);
	ok(opens_as(bz, elf), "cache: a file in its place is no error");
	snprintf(cache, sizeof(cache), "%s/open", dir);
	mkdir(cache, 0700);
	chmod(cache, 0777);
	ok(opens_as(bz, elf) && !*cache_entry(), "cache: not where anybody may write");
	snprintf(cache, sizeof(cache), "%s/a/b/c", dir);
	ok(opens_as(bz, elf) && *cache_entry(), "cache: directories are made as needed");
	strcpy(cache, saved);
	free(bz.data);
}

static unsigned int count_files(const char *pattern)
{
	char command[PATH_MAX + 64];
	unsigned int count = 0;
	FILE *list;

	snprintf(command, sizeof(command), "find %s -name '%s' | wc -l", cache, pattern);
	list = popen(command, "r");
	if (!list || fscanf(list, "%u", &count) != 1)
		fail_hard("find");
	pclose(list);
	return count;
}

/* A file of the cache, of @size bytes, as it was @age seconds ago. */
static void leave_sized(const char *name, long age, off_t size)
{
	struct timespec times[2] = { { .tv_sec = time(NULL) - age } };
	char file[2 * PATH_MAX];

	times[1] = times[0];
	snprintf(file, sizeof(file), "%s/%s", cache, name);
	write_file(file, "x", 1);
	if (truncate(file, size))
		fail_hard("truncate");
	utimensat(AT_FDCWD, file, times, 0);
}

static void leave(const char *name, long age)
{
	leave_sized(name, age, 1);
}

static void drop(const char *name)
{
	char file[2 * PATH_MAX];

	snprintf(file, sizeof(file), "%s/%s", cache, name);
	unlink(file);
}

static void test_prune(struct bytes elf)
{
	struct bytes bz = make_bzimage(elf, pack_gzip);
	char saved[PATH_MAX], name[32];
	int i;

	strcpy(saved, cache);
	snprintf(cache, sizeof(cache), "%s/prune", dir);
	mkdir(cache, 0700);
	leave(".tmp-old", 4000);
	leave(".tmp-new", 10);
	leave("other", 100000);
	for (i = 0; i < 140; i++) {
		snprintf(name, sizeof(name), "%d.elf", i);
		leave(name, 1000 + i);
	}
	for (i = 0; i < 260; i++) {
		snprintf(name, sizeof(name), "%d.key", i);
		leave(name, 1000 + i);
	}
	leave_sized("large-old.elf", 900, 250 << 20);
	leave_sized("large.elf", 800, 250 << 20);
	leave_sized("large-new.elf", 700, 250 << 20);
	ok(opens_as(bz, elf), "prune: a full cache");
	ok(count_files("large*.elf") == 2 && count_files("large-old.elf") == 0 &&
	   count_files("139.elf") == 0, "prune: 512 MB at most, the newest of them");
	/* Each of these is older than what had to go for its size. */
	ok(count_files("*.elf") == 3, "prune: what is older went before");
	for (i = 0; i < 140; i++) {
		snprintf(name, sizeof(name), "%d.elf", i);
		leave(name, 1000 + i);
	}
	drop("large.elf");
	drop("large-new.elf");
	rfm_cache_prune(cache);
	ok(count_files("*.elf") == 128 && count_files("0.elf") == 1 && count_files("139.elf") == 0,
	   "prune: 128 entries at most, the newest of them");
	ok(count_files("*.key") == 256 && count_files("0.key") == 1, "prune: the newest keys, too");
	ok(count_files(".tmp-old") == 0 && count_files(".tmp-new") == 1 &&
	   count_files("other") == 1, "prune: what was left behind goes, nothing else");
	strcpy(cache, saved);
	free(bz.data);
}

/* ---- stock kernels ---- */

static bool banner_is_loaded(void)
{
	char banner[100];
	unsigned int i;

	snprintf(banner, sizeof(banner), "Linux version %s (", image.release);
	for (i = 0; i < image.nr_segments; i++) {
		if (memmem((void *)(uintptr_t)image.segments[i].src, image.segments[i].filesz,
			   banner, strlen(banner)))
			return true;
	}
	return false;
}

static void test_stock(const char *name)
{
	const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
	unsigned int keys = count_files("*.key");
	char release[sizeof(image.release)];
	struct rfm_image own;
	int ret;

	ret = rfm_image_open(&image, name, cache, RFM_IMAGE_AUTO, err, sizeof(err));
	ok(!ret && image.elf && image.nr_segments >= 3 && banner_is_loaded() &&
	   strstr(base, image.release), "%s: the ELF of %s", base, image.release);
	ret = rfm_image_open(&own, name, cache, RFM_IMAGE_BZIMAGE, err, sizeof(err));
	ok(!ret && !own.elf && own.span == image.span && !strcmp(own.release, image.release) &&
	   own.version == image.version && own.entry == 16 * MB + 0x200,
	   "%s: its own entry", base);
	rfm_image_release(release, sizeof(release), name);
	ok(!strcmp(release, own.release), "%s: its header tells the release", base);
	rfm_image_close(&own);
	rfm_image_close(&image);
	ok(count_files("*.key") == keys + 1, "%s: its digest is remembered", base);
	ret = rfm_image_open(&image, name, cache, RFM_IMAGE_AUTO, err, sizeof(err));
	ok(!ret && image.elf && banner_is_loaded(), "%s: and used", base);
	rfm_image_close(&image);
}

int main(int argc, char **argv)
{
	struct bytes elf = make_elf(), bz;
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!mkdtemp(dir))
		fail_hard(dir);
	chmod(dir, 0755);
	snprintf(path, sizeof(path), "%s/kernel", dir);
	snprintf(cache, sizeof(cache), "%s/cache", dir);
	test_formats(elf);
	test_own_entry(elf);
	test_vmlinux(elf);
	test_bad_headers(elf);
	test_bad_elfs(elf);
	bz = make_bzimage(elf, pack_zstd);
	test_truncated(bz, "a bzImage", 1);
	test_truncated(elf, "an ELF", 7);
	free(bz.data);
	test_files();
	test_unreadable(elf);
	test_cache(elf);
	test_unusable_cache(elf);
	test_prune(elf);
	ok(!count_files("*.key"), "cache: the digest of a file that is still new is not remembered");
	for (i = 1; i < argc; i++)
		test_stock(argv[i]);
	rfm_image_close(&image);
	free(elf.data);
	snprintf(err, sizeof(err), "rm -rf %s", dir);
	return system(err) || tap_end();
}
