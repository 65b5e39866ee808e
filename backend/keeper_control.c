// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control socket, for rfm. A request is one message, "add KIND TEXT", "remove DEVICE"
 * or "list"; the answer is one message, an errno or 0 in decimal, a blank, and text.
 */
#include "keeper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "client.h"

static const char *state(const struct kdev *d)
{
	static const char *const words[] = {
		[IPC_OFFERED] = "offered", [IPC_WORKS] = "in use", [IPC_BROKEN] = "broken",
		[IPC_GONE] = "lost",
	};

	if (d->until_ms)
		return "removing";
	return d->state < sizeof(words) / sizeof(*words) ? words[d->state] : "?";
}

int keeper_listen(struct keeper *k)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	mode_t mask = umask(0177);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), ret = 0;

	if (snprintf(at.sun_path, sizeof(at.sun_path), "%s/backend.sock", k->run) >=
	    (int)sizeof(at.sun_path))
		ret = -ENAMETOOLONG;
	unlink(at.sun_path);
	if (!ret && (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) ||
		     listen(fd, KEEPER_CLIENTS)))
		ret = -errno;
	umask(mask);
	k->listen = fd;
	return ret;
}

void keeper_accept(struct keeper *k)
{
	int fd = accept4(k->listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), i;

	for (i = 0; fd >= 0 && i < KEEPER_CLIENTS; i++)
		if (k->clients[i] < 0) {
			k->clients[i] = fd;
			return;
		}
	if (fd >= 0)
		close(fd);
}

void keeper_answer(int client, int err, const char *text)
{
	char line[CLIENT_TEXT_MAX];
	int n = snprintf(line, sizeof(line), "%d %s", err < 0 ? -err : err, text);

	send(client, line, n < (int)sizeof(line) ? n : (int)sizeof(line) - 1, MSG_NOSIGNAL);
}

static void list(const struct keeper *k, int client)
{
	char text[CLIENT_TEXT_MAX - 16], spec[SPEC_TEXT_MAX];
	const struct kdev *d;
	size_t n = 0;

	*text = '\0';
	for (d = k->devices; d < k->devices + RF_VIRTIO_DEVICES && n < sizeof(text); d++)
		if (d->used)
			n += snprintf(text + n, sizeof(text) - n, "%s\t%s\t%s\t%s\n", d->name,
				      spec_word(d->spec.kind), state(d),
				      spec_format(&d->spec, spec));
	keeper_answer(client, 0, text);
}

static void add(struct keeper *k, int client, char *text)
{
	char err[SPEC_ERR_MAX] = "";
	char *word = strsep(&text, " ");
	enum spec_kind kind = spec_kind(word);
	int ret = -EINVAL;

	if (text && kind != SPEC_KINDS)
		ret = keeper_add(k, kind, text, err);
	keeper_answer(client, ret, err);
}

static void take_away(struct keeper *k, int client, const char *name)
{
	struct kdev *d = keeper_find(k, name);
	char text[200];

	if (!d) {
		snprintf(text, sizeof(text), "it has no device %.40s; rfm device list %s shows them",
			 name, k->name);
		keeper_answer(client, -ENOENT, text);
		return;
	}
	if (d->spec.kind == SPEC_ROOT && k->boots) {
		keeper_answer(client, -EBUSY, "its root cannot be removed while it runs; rfm stop it first");
		return;
	}
	if (d->waits >= 0) {
		keeper_answer(client, -EBUSY, "it is being removed");
		return;
	}
	d->waits = client;
	keeper_remove(k, d);
}

static void hang_up(struct keeper *k, int *client)
{
	struct kdev *d;

	for (d = k->devices; d < k->devices + RF_VIRTIO_DEVICES; d++)
		if (d->used && d->waits == *client)
			d->waits = -1;
	close(*client);
	*client = -1;
}

void keeper_serve(struct keeper *k, int *client)
{
	char request[CLIENT_TEXT_MAX], *rest = request, *verb;
	ssize_t n = recv(*client, request, sizeof(request) - 1, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		hang_up(k, client);
		return;
	}
	request[n] = '\0';
	verb = strsep(&rest, " ");
	if (!strcmp(verb, "list"))
		list(k, *client);
	else if (!strcmp(verb, "add") && rest)
		add(k, *client, rest);
	else if (!strcmp(verb, "remove") && rest)
		take_away(k, *client, rest);
	else
		keeper_answer(*client, -EINVAL, "not a request that this rfbackend knows; it is of another version of rfm");
}
