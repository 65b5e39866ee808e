// SPDX-License-Identifier: GPL-2.0-only
/* rfm cp: files and trees to a subOS and from it. */
#include "commands.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "exec.h"
#include "tree.h"
#include "units.h"

static const struct rfm_option options[] = {
	{ 'r', "recursive", NULL, "directories are copied with or without it" },
	{ 0 }
};

/**
 * struct end - a source or the destination
 * @remote: it is in a subOS
 * @kernel: name of the subOS
 * @path: path there, or here
 */
struct end {
	bool remote;
	char kernel[32];
	const char *path;
};

static bool incomplete;	/* something was left out */

/* NAME:PATH; a file of ours with a colon is written ./a:b. */
static int parse_end(struct end *e, const char *text)
{
	size_t len = strcspn(text, ":/");

	*e = (struct end){ .path = text };
	if (text[len] != ':')
		return *text ? 0 : rfm_fail(RFM_USAGE, "an empty path");
	e->remote = true;
	e->path = text + len + 1;
	snprintf(e->kernel, sizeof(e->kernel), "%.*s", (int)len, text);
	if (len >= sizeof(e->kernel) || !units_valid_name(e->kernel))
		return rfm_fail(RFM_USAGE, "'%.*s' is no name of a subOS; " UNITS_NAME_RULE
				"; a file here with a colon is ./%s", (int)len, text, text);
	return *e->path ? 0 : rfm_fail(RFM_USAGE, "'%s': write NAME:PATH", text);
}

/* "a/b/" is "b"; what has no name of its own, as "a/." or "/", is its contents: ".". */
static int last_name(const char *path, char *name)
{
	size_t len = strlen(path), start;

	while (len && path[len - 1] == '/')
		len--;
	for (start = len; start && path[start - 1] != '/';)
		start--;
	if (len - start > EXEC_NAME_MAX)
		return rfm_fail(RFM_USAGE, "'%s' is too long", path);
	snprintf(name, EXEC_NAME_MAX + 1, "%.*s", (int)(len - start), path + start);
	if (!*name || !strcmp(name, ".."))
		strcpy(name, ".");
	return 0;
}

static void warn(int chan, int error, const char *text, size_t len)
{
	char what[4 * EXEC_TEXT_MAX + 1];

	(void)chan;
	incomplete = true;
	units_clean(text, len, what, sizeof(what));
	rfm_warn("left out: %s: %s", what,
		 error == EOPNOTSUPP ? "neither file, directory nor link" : strerror(error));
}

static int failed(const struct tree_error *e)
{
	char what[4 * EXEC_TEXT_MAX + 1];
	struct exec_msg m = { .type = EXEC_ERROR, .data = e->text, .len = strlen(e->text) };
	int ret;

	if (rfm.interrupted)
		return rfm_fail(RFM_INTERRUPTED, "interrupted");
	if (!e->step) {
		exec_lost(e->error);
		return RFM_FAILED;
	}
	units_clean(e->text, strlen(e->text), what, sizeof(what));
	if (!e->remote)
		return rfm_fail_errno(e->error, NULL, "cannot %s %s here",
				      e->step == EXEC_STEP_READ ? "read" : "write", what);
	m.error = (struct exec_error){ .step = e->step, .error = e->error };
	ret = exec_failed(&m);
	return ret == RFM_EXEC ? RFM_FAILED : ret;
}

static int start(int chan, enum exec_kind kind, unsigned int flags, char *const *args)
{
	static unsigned char buf[EXEC_MESSAGE];
	struct exec_start_head head = { .kind = kind, .flags = flags };
	char *none[] = { NULL };
	size_t len = exec_start_pack(buf, &head, "/", args, none);
	int ret;

	ret = len ? exec_ask(chan, buf, len) : -ENAMETOOLONG;
	if (!ret)
		return 0;
	return failed(&(struct tree_error){ .error = -ret });
}

/* After all was sent, or was no longer taken: what the other side makes of it. */
static int answer(int chan, struct tree_error *e, bool sent)
{
	static struct exec_msg m;
	static unsigned char buf[EXEC_MESSAGE];
	int ret;

	while ((ret = exec_receive(chan, &m, buf)) > 0 && m.type == EXEC_WARNING)
		warn(chan, m.error.error, m.data, m.len);
	if (ret > 0 && m.type == EXEC_EXIT && sent)
		return RFM_OK;
	if (ret > 0 && m.type == EXEC_ERROR) {
		*e = (struct tree_error){ .step = m.error.step, .error = m.error.error,
					  .remote = true };
		memcpy(e->text, m.data, m.len);
	} else if (sent) {
		*e = (struct tree_error){ .error = ret > 0 ? EPROTO : -ret };
	}
	return failed(e);
}

static int put(int chan, const struct end *src, const struct end *dst, char *name, bool into)
{
	char *args[] = { (char *)dst->path, name, NULL };
	struct tree_error e;
	int ret;

	ret = start(chan, EXEC_PUT, into ? EXEC_INTO : 0, args);
	if (ret)
		return ret;
	ret = tree_send(chan, src->path, warn, &e);
	if (rfm.interrupted || (ret && e.step))
		return failed(&e);
	return answer(chan, &e, !ret);
}

static int get(int chan, const struct end *src, const struct end *dst, char *name, bool into)
{
	char *args[] = { (char *)src->path, NULL };
	struct tree_place place;
	struct tree_error e;
	int ret;

	ret = tree_place_open(&place, dst->path, name, into);
	if (ret)
		return rfm_fail_errno(ret, NULL, "cannot write %s here", dst->path);
	ret = start(chan, EXEC_GET, 0, args);
	if (!ret && tree_receive(chan, &place, warn, &e))
		ret = failed(&e);
	close(place.dir);
	return ret;
}

static int copy(const struct end *src, const struct end *dst, bool into)
{
	char name[EXEC_NAME_MAX + 1];
	int chan, ret;

	ret = last_name(src->path, name);
	if (ret)
		return ret;
	rfm.object = src->remote ? src->kernel : dst->kernel;
	chan = exec_connect(rfm.object);
	if (chan < 0)
		return -chan;
	ret = src->remote ? get(chan, src, dst, name, into) : put(chan, src, dst, name, into);
	close(chan);
	return ret;
}

static int parse_all(struct end *dst, int argc, char **argv)
{
	struct end src;
	int i, ret;

	if (argc < 2)
		return rfm_fail(RFM_USAGE, "write what to copy, and where to; see rfm cp --help");
	ret = parse_end(dst, argv[argc - 1]);
	for (i = 0; !ret && i < argc - 1; i++) {
		ret = parse_end(&src, argv[i]);
		if (!ret && src.remote == dst->remote)
			ret = rfm_fail(RFM_USAGE,
				       "%s and %s are both %s; one is written NAME:PATH, the other PATH",
				       argv[i], argv[argc - 1],
				       src.remote ? "in a subOS" : "here");
	}
	return ret;
}

static int run(const struct rfm_command *cmd, int argc, char **argv)
{
	struct end src, dst;
	int id, i, ret;
	bool into;

	while ((id = rfm_getopt(cmd, argc, argv)) > 0)
		;	/* --recursive: directories always are */
	if (id < 0)
		return RFM_USAGE;
	argv += optind;
	argc -= optind;
	ret = parse_all(&dst, argc, argv);
	if (ret)
		return ret;
	rfm_catch_signals();
	exec_interrupted = &rfm.interrupted;
	signal(SIGPIPE, SIG_IGN);
	into = argc > 2 || dst.path[strlen(dst.path) - 1] == '/';
	for (i = 0; !ret && i < argc - 1; i++) {
		parse_end(&src, argv[i]);
		ret = copy(&src, &dst, into);
	}
	return !ret && incomplete ? RFM_PARTIAL : ret;
}

const struct rfm_command cmd_cp = {
	.verb = "cp", .args = "SOURCE... DESTINATION",
	.summary = "Copy files and directories to a subOS or from it",
	.text = "\nOne side is NAME:PATH, a path in a subOS; the other is a path here. As with cp, a\n"
		"DESTINATION that is a directory gets each SOURCE under its own name, otherwise it is the\n"
		"new name. SOURCE/. is what lies in SOURCE. Links are copied as links; modes and times\n"
		"are kept, owners, set-uid and set-gid are not; device nodes, sockets and FIFOs are left\n"
		"out, and that is told. A file appears when it is complete.\n"
		"Examples:\n\n"
		"  rfm cp site/ web:/srv\n"
		"  rfm cp web:/var/log/syslog .",
	.options = options, .run = run,
};
