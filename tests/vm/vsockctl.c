// SPDX-License-Identifier: GPL-2.0-only
/*
 * Uses sockets of the family AF_VSOCK, for tests: nothing in it knows of RainForest.
 *
 * usage: vsockctl cid			of this kernel
 *	  vsockctl serve PORT		echoes what comes on each connection, half-closes when
 *					the other end has, for ever; says who connected
 *	  vsockctl sink PORT [BACKLOG]	accepts one when there is a file /run/go, then reads
 *					all; prints what came and how it ended
 *	  vsockctl echo CID PORT BYTES	sends a stream and reads it back meanwhile, checked;
 *					then half-closes, and expects the end
 *	  vsockctl many CID PORT COUNT BYTES	as echo, so many at a time
 *	  vsockctl churn CID PORT ROUNDS	connect, a byte there and back, close
 *	  vsockctl try CID PORT [MS]	connects, within MS; says why not
 *	  vsockctl poll CID PORT	connects without waiting, polls; says how it went
 *	  vsockctl full CID PORT	writes without waiting until it would have to, then
 *					waits for room; says how much went, and that there was
 *	  vsockctl hold CID PORT	connects, reads until the end, says how it ended
 *	  vsockctl send CID PORT	what comes on standard input
 *	  vsockctl fill CID PORT COUNT	connects so often without anybody who accepts
 *	  vsockctl peek CID PORT	MSG_PEEK, MSG_WAITALL, writing to a closed end
 *
 * Exit status 0, 1 with a line that says what went wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/vm_sockets.h>

static unsigned char buf[65536];

static void die(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

static int fail(const char *what, long is, long expected)
{
	printf("%s: %ld, expected %ld\n", what, is, expected);
	return 1;
}

/* Every byte follows from its place in the stream. */
static unsigned char byte_at(uint64_t at)
{
	uint64_t x = (at + 1) * 0x9e3779b97f4a7c15ULL;

	return x >> 56;
}

static void fill(unsigned char *p, uint64_t at, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = byte_at(at + i);
}

static size_t differs(const unsigned char *p, uint64_t at, size_t len)
{
	size_t i, bad = 0;

	for (i = 0; i < len; i++)
		bad += p[i] != byte_at(at + i);
	return bad;
}

static int make_socket(void)
{
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

static int connect_to(int fd, const char *cid, const char *port)
{
	struct sockaddr_vm to = {
		.svm_family = AF_VSOCK,
		.svm_cid = strtoul(cid, NULL, 0),
		.svm_port = strtoul(port, NULL, 0),
	};

	return connect(fd, (struct sockaddr *)&to, sizeof(to));
}

static void set_patience(int fd, unsigned int ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	if (setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &tv, sizeof(tv)))
		die("patience");
}

static int connect_or_die(const char *cid, const char *port)
{
	int fd = make_socket();

	set_patience(fd, 20000);
	if (connect_to(fd, cid, port))
		die("connect");
	return fd;
}

static int listen_or_die(const char *port, int backlog)
{
	struct sockaddr_vm at = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_ANY,
		.svm_port = strtoul(port, NULL, 0),
	};
	int fd = make_socket();

	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, backlog))
		die("listen");
	printf("ready\n");
	fflush(stdout);
	return fd;
}

static void send_all(int fd, const unsigned char *p, size_t len)
{
	ssize_t n;

	for (; len; p += n, len -= n) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n < 0)
			die("send");
	}
}

static int cid(void)
{
	int fd = open("/dev/vsock", O_RDONLY);
	unsigned int id;

	if (fd < 0 || ioctl(fd, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &id))
		die("cid");
	printf("%u\n", id);
	return 0;
}

static int serve(const char *port)
{
	struct sockaddr_vm from;
	socklen_t len;
	ssize_t n;
	int s = listen_or_die(port, 64), fd;

	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		len = sizeof(from);
		fd = accept(s, (struct sockaddr *)&from, &len);
		if (fd < 0)
			die("accept");
		printf("from %u\n", from.svm_cid);
		fflush(stdout);
		if (fork()) {
			close(fd);
			continue;
		}
		close(s);
		while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
			send_all(fd, buf, n);
		_exit(0);
	}
}

static void await_go(void)
{
	while (access("/run/go", F_OK))
		usleep(20000);
}

static void say_end(ssize_t n)
{
	printf("end: %s\n", n < 0 ? strerror(errno) : "good");
	fflush(stdout);
}

static int sink(const char *port, int backlog)
{
	int s = listen_or_die(port, backlog), fd;
	uint64_t got = 0, bad = 0;
	ssize_t n;

	await_go();
	fd = accept(s, NULL, NULL);
	if (fd < 0)
		die("accept");
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0) {
		bad += differs(buf, got, n);
		got += n;
	}
	printf("%llu bytes, %llu bad, ", (unsigned long long)got, (unsigned long long)bad);
	say_end(n);
	return 0;
}

/* Lengths of all kinds, so that messages and reads meet at odd places. */
static size_t length(uint64_t at, uint64_t left)
{
	static const size_t lengths[] = { 1, 65536, 39, 4096, 41, 32768, 4097, 120, 50000 };
	size_t n = lengths[at % 9];

	return n < left ? n : left;
}

static void send_stream(int fd, uint64_t bytes)
{
	static unsigned char out[65536];
	uint64_t at;
	size_t n;

	for (at = 0; at < bytes; at += n) {
		n = length(at, bytes - at);
		fill(out, at, n);
		send_all(fd, out, n);
	}
	if (shutdown(fd, SHUT_WR))
		die("shutdown");
}

static int read_back(int fd, uint64_t bytes)
{
	uint64_t got = 0;
	size_t bad = 0;
	ssize_t n;

	while ((n = recv(fd, buf, 1 + (got * 7919) % sizeof(buf), 0)) > 0) {
		bad += differs(buf, got, n);
		got += n;
	}
	if (n < 0)
		die("recv");
	if (bad)
		return fail("bytes that differ", bad, 0);
	return got == bytes ? 0 : fail("bytes", got, bytes);
}

static int echo_quietly(const char *cid, const char *port, uint64_t bytes)
{
	int fd = connect_or_die(cid, port), status, ret;
	pid_t pid = fork();

	if (!pid) {
		send_stream(fd, bytes);
		_exit(0);
	}
	ret = read_back(fd, bytes);
	close(fd);
	if (waitpid(pid, &status, 0) != pid || status)
		return fail("sender", status, 0);
	return ret;
}

static int echo(const char *cid, const char *port, uint64_t bytes)
{
	int ret = echo_quietly(cid, port, bytes);

	if (!ret)
		printf("%llu bytes there and back, end good\n", (unsigned long long)bytes);
	return ret;
}

static int many(const char *cid, const char *port, int count, uint64_t bytes)
{
	int i, status, good = 0;

	for (i = 0; i < count; i++)
		if (!fork())
			exit(echo_quietly(cid, port, bytes));
	for (i = 0; i < count; i++)
		good += wait(&status) > 0 && !status;
	printf("%d good\n", good);
	return good != count;
}

static int churn(const char *cid, const char *port, unsigned int rounds)
{
	unsigned int i;
	char c;
	int fd;

	for (i = 0; i < rounds; i++) {
		fd = connect_or_die(cid, port);
		c = i;
		if (send(fd, &c, 1, 0) != 1 || recv(fd, &c, 1, 0) != 1 || c != (char)i)
			die("churn");
		close(fd);
	}
	printf("%u rounds\n", rounds);
	return 0;
}

static int try_it(const char *cid, const char *port, unsigned int ms)
{
	int fd = make_socket();

	set_patience(fd, ms);
	if (connect_to(fd, cid, port))
		die("connect");
	printf("connected\n");
	return 0;
}

static int poll_it(const char *cid, const char *port)
{
	struct pollfd p = { .fd = make_socket(), .events = POLLIN | POLLOUT };
	int error = 0;
	socklen_t len = sizeof(error);

	set_patience(p.fd, 5000);
	fcntl(p.fd, F_SETFL, O_NONBLOCK);
	if (!connect_to(p.fd, cid, port) || errno != EINPROGRESS)
		return fail("connect without waiting", errno, EINPROGRESS);
	if (poll(&p, 1, 10000) != 1)
		return fail("poll", p.revents, POLLOUT);
	if (getsockopt(p.fd, SOL_SOCKET, SO_ERROR, &error, &len))
		die("error");
	printf("%s,%s%s\n", error ? strerror(error) : "connected", p.revents & POLLOUT ? " out" : "",
	       p.revents & POLLIN ? " in" : "");
	return 0;
}

static int full(const char *cid, const char *port)
{
	int fd = connect_or_die(cid, port);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	uint64_t sent = 0;
	int tries;
	ssize_t n;

	/* What is between the kernels may be full for a moment, too, but not for a second. */
	for (tries = 0; tries < 100; tries++) {
		fill(buf, sent, sizeof(buf));
		n = send(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n >= 0) {
			sent += n;
			tries = 0;
		} else if (errno == EAGAIN) {
			usleep(10000);
		} else {
			break;
		}
	}
	printf("%llu bytes: %s; ", (unsigned long long)sent, strerror(errno));
	n = poll(&p, 1, 0);
	printf("poll: %s\n", n ? "room" : "none");
	fflush(stdout);
	if (poll(&p, 1, 60000) != 1 || p.revents != POLLOUT)
		return fail("room", p.revents, POLLOUT);
	fill(buf, sent, sizeof(buf));
	send_all(fd, buf, sizeof(buf));
	printf("then %llu\n", (unsigned long long)sent + sizeof(buf));
	return 0;
}

static int hold(const char *cid, const char *port)
{
	struct pollfd p = { .fd = connect_or_die(cid, port), .events = POLLIN | POLLRDHUP };
	ssize_t n;

	printf("open\n");
	fflush(stdout);
	while ((n = recv(p.fd, buf, sizeof(buf), 0)) > 0)
		;
	say_end(n);
	n = send(p.fd, buf, 1, MSG_NOSIGNAL);
	printf("then send: %s", n < 0 ? strerror(errno) : "went");
	poll(&p, 1, 0);
	printf("; poll:%s%s%s\n", p.revents & POLLIN ? " in" : "",
	       p.revents & POLLRDHUP ? " rdhup" : "", p.revents & POLLERR ? " err" : "");
	return 0;
}

static int send_input(const char *cid, const char *port)
{
	int fd = connect_or_die(cid, port);
	ssize_t n;

	while ((n = read(0, buf, sizeof(buf))) > 0)
		send_all(fd, buf, n);
	return n < 0;
}

static int fill_backlog(const char *cid, const char *port, int count)
{
	int i, good = 0, reset = 0, fd;

	for (i = 0; i < count; i++) {
		fd = make_socket();
		set_patience(fd, 5000);
		if (!connect_to(fd, cid, port))
			good++;
		else if (errno == ECONNRESET)
			reset++;
	}
	printf("%d connected, %d reset\n", good, reset);
	return good + reset != count;
}

static int peek(const char *cid, const char *port)
{
	int fd = connect_or_die(cid, port), i;
	char c[200000];
	ssize_t n;

	for (i = 0; i < 5; i++)
		send_all(fd, (const unsigned char *)"abcde" + i, 1);
	if (recv(fd, c, 1, MSG_PEEK) != 1 || *c != 'a')
		return fail("peek", *c, 'a');
	n = recv(fd, c, 5, MSG_WAITALL);
	if (n != 5 || memcmp(c, "abcde", 5))
		return fail("all of it", n, 5);
	if (recv(fd, c, 1, MSG_DONTWAIT) != -1 || errno != EAGAIN)
		return fail("nothing there", errno, EAGAIN);
	send_all(fd, buf, sizeof(buf));
	n = recv(fd, c, sizeof(buf), MSG_WAITALL);
	if (n != sizeof(buf))
		return fail("all of much", n, sizeof(buf));
	shutdown(fd, SHUT_RDWR);
	if (send(fd, c, 1, MSG_NOSIGNAL) != -1 || errno != EPIPE)
		return fail("sending when that was shut down", errno, EPIPE);
	n = recv(fd, c, 1, 0);
	if (n)
		return fail("reading when that was shut down", n, 0);
	printf("as it should be\n");
	return 0;
}

static int usage(void)
{
	printf("usage: vsockctl WHAT ARGUMENTS..., see its source\n");
	return 1;
}

static int run(const char *what, int argc, char **argv)
{
	if (!strcmp(what, "cid"))
		return cid();
	if (argc < 1)
		return usage();
	if (!strcmp(what, "serve"))
		return serve(argv[0]);
	if (!strcmp(what, "sink"))
		return sink(argv[0], argc > 1 ? atoi(argv[1]) : 8);
	if (argc < 2)
		return usage();
	if (!strcmp(what, "try"))
		return try_it(argv[0], argv[1], argc > 2 ? atoi(argv[2]) : 20000);
	if (!strcmp(what, "poll"))
		return poll_it(argv[0], argv[1]);
	if (!strcmp(what, "full"))
		return full(argv[0], argv[1]);
	if (!strcmp(what, "hold"))
		return hold(argv[0], argv[1]);
	if (!strcmp(what, "send"))
		return send_input(argv[0], argv[1]);
	if (!strcmp(what, "peek"))
		return peek(argv[0], argv[1]);
	if (argc < 3)
		return usage();
	if (!strcmp(what, "echo"))
		return echo(argv[0], argv[1], strtoull(argv[2], NULL, 0));
	if (!strcmp(what, "churn"))
		return churn(argv[0], argv[1], strtoul(argv[2], NULL, 0));
	if (!strcmp(what, "fill"))
		return fill_backlog(argv[0], argv[1], atoi(argv[2]));
	if (!strcmp(what, "many") && argc > 3)
		return many(argv[0], argv[1], atoi(argv[2]), strtoull(argv[3], NULL, 0));
	return usage();
}

int main(int argc, char **argv)
{
	return argc < 2 ? usage() : run(argv[1], argc - 2, argv + 2);
}
