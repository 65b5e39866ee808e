// SPDX-License-Identifier: GPL-2.0-only
/*
 * Uses sockets of IPv4 and IPv6, for tests: nothing in it knows of RainForest.
 *
 * usage: netctl serve PORT		echoes what comes on each connection and each datagram,
 *					for ever
 *	  netctl sink PORT		reads what comes on each connection, for ever; datagrams
 *					are counted, and told to who sends an empty one
 *	  netctl echo ADDRESS PORT BYTES	sends a stream and reads it back meanwhile, checked
 *	  netctl hold ADDRESS PORT FILE	as echo in small pieces, one after the other, until FILE is
 *					there; FILE.at gets a line for each: ms since the one before
 *	  netctl udp ADDRESS PORT COUNT SIZE	datagrams one after the other, read back, checked
 *	  netctl frag ADDRESS PORT COUNT SIZE	as udp, but each is cut here into pieces of 1400
 *					bytes, of which the second one is sent first
 *	  netctl rr ADDRESS PORT COUNT	a byte there and back; prints ns for each
 *	  netctl send ADDRESS PORT MS	as much as goes; prints KB/s as the sink took them
 *	  netctl flood ADDRESS PORT MS SIZE	datagrams, likewise
 *	  netctl stop ADDRESS PORT FILE	connects and sends, but reads nothing until FILE is there;
 *					prints how much came then
 *
 * Exit status 0, 1 with a line that says what went wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static unsigned char buf[1 << 20];

static int die(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* Every byte follows from its place in the stream. */
static unsigned char byte_at(uint64_t at)
{
	return ((at + 1) * 0x9e3779b97f4a7c15ULL) >> 56;
}

static void fill(uint64_t at, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		buf[i] = byte_at(at + i);
}

static void check(uint64_t at, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (buf[i] != byte_at(at + i)) {
			printf("byte %llu is wrong\n", (unsigned long long)(at + i));
			exit(1);
		}
}

static int open_socket(const char *address, const char *port, int type)
{
	struct timeval patience = { .tv_sec = 30 };
	struct addrinfo hints = { .ai_socktype = type,
				  .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *to;
	int fd, one = 1;

	if (getaddrinfo(address, port, &hints, &to)) {
		printf("no address: %s\n", address);
		exit(1);
	}
	fd = socket(to->ai_family, type, 0);
	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, to->ai_addr, to->ai_addrlen))
		die("connect");
	if (type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static int listen_socket(const char *port, int type)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(atoi(port)) };
	int fd = socket(AF_INET6, type, 0), one = 1, zero = 0, large = 4 << 20;

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (type == SOCK_DGRAM)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &large, sizeof(large));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)))
		die("bind");
	if (type == SOCK_STREAM && listen(fd, 16))
		die("listen");
	return fd;
}

static void write_all(int fd, size_t n)
{
	size_t done = 0;
	ssize_t ret;

	while (done < n) {
		ret = send(fd, buf + done, n - done, MSG_NOSIGNAL);
		if (ret <= 0)
			exit(0);
		done += ret;
	}
}

/* One connection: all is echoed, or only counted, and told when its sender has ended. */
static int serve_one(int fd, int echo)
{
	uint64_t sum = 0;
	ssize_t n;
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	while ((n = recv(fd, buf, 65536, 0)) > 0) {
		sum += n;
		if (echo)
			write_all(fd, n);
	}
	if (!echo && !n && write(fd, &sum, sizeof(sum)) != sizeof(sum))
		return 1;
	return 0;
}

static void serve_datagram(int fd, int echo)
{
	static uint64_t sum;
	struct sockaddr_in6 from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(fd, buf, 65536, MSG_DONTWAIT, (struct sockaddr *)&from, &len);

	if (n < 0)
		return;
	if (echo) {
		sendto(fd, buf, n, 0, (struct sockaddr *)&from, len);
		return;
	}
	if (n) {
		sum += n;
		return;
	}
	sendto(fd, &sum, sizeof(sum), 0, (struct sockaddr *)&from, len);
	sum = 0;
}

static int do_serve(const char *port, int echo)
{
	struct pollfd p[2] = { { .events = POLLIN }, { .events = POLLIN } };
	int fd;

	signal(SIGCHLD, SIG_IGN);
	p[0].fd = listen_socket(port, SOCK_STREAM);
	p[1].fd = listen_socket(port, SOCK_DGRAM);
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		poll(p, 2, -1);
		if (p[1].revents)
			serve_datagram(p[1].fd, echo);
		if (!p[0].revents)
			continue;
		fd = accept(p[0].fd, NULL, NULL);
		if (fd >= 0 && !fork())
			_exit(serve_one(fd, echo));
		close(fd);
	}
}

static void read_back(int fd, uint64_t from, uint64_t to)
{
	ssize_t n;

	for (; from < to; from += n) {
		n = recv(fd, buf, to - from < 65536 ? to - from : 65536, 0);
		if (n <= 0) {
			printf("after %llu bytes: %s\n", (unsigned long long)from,
			       n ? strerror(errno) : "end");
			exit(1);
		}
		check(from, n);
	}
}

static int do_echo(int fd, uint64_t bytes)
{
	uint64_t at;
	size_t n;

	if (!fork()) {
		for (at = 0; at < bytes; at += n) {
			n = bytes - at < 65536 ? bytes - at : 65536;
			fill(at, n);
			write_all(fd, n);
		}
		_exit(0);
	}
	read_back(fd, 0, bytes);
	printf("%llu bytes there and back\n", (unsigned long long)bytes);
	return 0;
}

static int do_hold(int fd, const char *file)
{
	uint64_t at = 0, before = now_ns(), ms, longest = 0;
	char name[256];
	FILE *out;

	snprintf(name, sizeof(name), "%s.at", file);
	out = fopen(name, "w");
	if (!out)
		die(name);
	setlinebuf(out);
	for (; access(file, F_OK); at += 20000) {
		fill(at, 20000);
		write_all(fd, 20000);
		read_back(fd, at, at + 20000);
		ms = (now_ns() - before) / 1000000;
		before += ms * 1000000;
		longest = ms > longest ? ms : longest;
		fprintf(out, "%llu\n", (unsigned long long)ms);
		usleep(10000);	/* so that it is there for long without much work */
	}
	printf("%llu bytes there and back, the longest pause %llu ms\n", (unsigned long long)at,
	       (unsigned long long)longest);
	return 0;
}

#define PIECE		1400	/* of what follows the IP header; a multiple of 8 */

/* Both ends of a datagram socket, and the raw one that sends its packets in pieces. */
struct pieces {
	union {
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} from, to;
	int family, raw;
	unsigned int id;
	unsigned char packet[65536];
};

static uint32_t sum16(uint32_t sum, const void *from, size_t n)
{
	const unsigned char *b = from;
	size_t i;

	for (i = 0; i + 1 < n; i += 2)
		sum += b[i] << 8 | b[i + 1];
	if (n & 1)
		sum += b[n - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void pieces_open(struct pieces *p, int fd)
{
	socklen_t from = sizeof(p->from), to = sizeof(p->to);
	int one = 1;

	if (getsockname(fd, (struct sockaddr *)&p->from, &from) ||
	    getpeername(fd, (struct sockaddr *)&p->to, &to))
		die("getsockname");
	p->family = p->from.v4.sin_family;
	p->id = getpid();
	p->raw = socket(p->family, SOCK_RAW, IPPROTO_RAW);
	if (p->raw < 0)
		die("raw socket");
	if (p->family == AF_INET)	/* not put together again before they leave */
		setsockopt(p->raw, IPPROTO_IP, IP_NODEFRAG, &one, sizeof(one));
}

/* The UDP header and what is in buf, RFC 768 and, for the sum, RFC 8200, section 8.1. */
static size_t datagram_make(struct pieces *p, unsigned char *out, size_t size)
{
	size_t n = sizeof(struct udphdr) + size;
	int v4 = p->family == AF_INET;
	struct udphdr udp = {
		.source = v4 ? p->from.v4.sin_port : p->from.v6.sin6_port,
		.dest = v4 ? p->to.v4.sin_port : p->to.v6.sin6_port,
		.len = htons(n),
	};
	uint32_t sum = IPPROTO_UDP + n;

	if (v4) {
		sum = sum16(sum, &p->from.v4.sin_addr, 4);
		sum = sum16(sum, &p->to.v4.sin_addr, 4);
	} else {
		sum = sum16(sum, &p->from.v6.sin6_addr, 16);
		sum = sum16(sum, &p->to.v6.sin6_addr, 16);
	}
	sum = ~sum16(sum16(sum, &udp, sizeof(udp)), buf, size) & 0xffff;
	udp.check = htons(sum ?: 0xffff);
	memcpy(out, &udp, sizeof(udp));
	memcpy(out + sizeof(udp), buf, size);
	return n;
}

static void piece_send(struct pieces *p, const unsigned char *all, size_t at, size_t n, int more)
{
	struct sockaddr_in to4 = p->to.v4;
	struct sockaddr_in6 to6 = p->to.v6;
	unsigned char packet[sizeof(struct ip6_hdr) + sizeof(struct ip6_frag) + PIECE];
	struct ip ip = {
		.ip_v = 4, .ip_hl = 5, .ip_len = htons(sizeof(ip) + n), .ip_id = htons(p->id),
		.ip_off = htons(at / 8 | (more ? IP_MF : 0)), .ip_ttl = 64, .ip_p = IPPROTO_UDP,
		.ip_src = p->from.v4.sin_addr, .ip_dst = to4.sin_addr,
	};
	struct ip6_frag frag = {
		.ip6f_nxt = IPPROTO_UDP, .ip6f_offlg = htons(at | !!more),
		.ip6f_ident = htonl(p->id),
	};
	struct ip6_hdr ip6 = {
		.ip6_flow = htonl(6 << 28), .ip6_plen = htons(sizeof(frag) + n),
		.ip6_nxt = IPPROTO_FRAGMENT, .ip6_hlim = 64,
		.ip6_src = p->from.v6.sin6_addr, .ip6_dst = to6.sin6_addr,
	};
	size_t head = 0;
	ssize_t ret;

	to6.sin6_port = 0;
	if (p->family == AF_INET) {
		memcpy(packet, &ip, head = sizeof(ip));
	} else {
		memcpy(packet, &ip6, sizeof(ip6));
		memcpy(packet + sizeof(ip6), &frag, sizeof(frag));
		head = sizeof(ip6) + sizeof(frag);
	}
	memcpy(packet + head, all + at, n);
	ret = sendto(p->raw, packet, head + n, 0,
		     p->family == AF_INET ? (void *)&to4 : (void *)&to6,
		     p->family == AF_INET ? sizeof(to4) : sizeof(to6));
	if (ret < 0)
		die("send a piece");
}

/* What is in buf goes as pieces, the first one behind the second. */
static int send_pieces(struct pieces *p, size_t size)
{
	size_t n = datagram_make(p, p->packet, size), at, order;

	p->id++;
	for (order = 0; order * PIECE < n; order++) {
		at = order * PIECE;
		if (n > PIECE && order < 2)
			at = (1 - order) * PIECE;
		piece_send(p, p->packet, at, n - at < PIECE ? n - at : PIECE, n - at > PIECE);
	}
	return size;
}

static int do_udp(int fd, int count, int size, int cut)
{
	struct timeval patience = { .tv_usec = 500000 };
	static struct pieces pieces;
	int i, got = 0;

	if (cut)
		pieces_open(&pieces, fd);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	for (i = 0; i < count; i++) {
		fill(i, size);
		if ((cut ? send_pieces(&pieces, size) : send(fd, buf, size, 0)) != size)
			die("send");
		memset(buf, 0, size);
		if (recv(fd, buf, sizeof(buf), 0) == size) {
			check(i, size);
			got++;
		}
	}
	printf("%d of %d\n", got, count);
	return 0;
}

static int do_rr(int fd, int count)
{
	uint64_t begin = now_ns();
	int i;

	for (i = 0; i < count; i++)
		if (send(fd, buf, 1, MSG_NOSIGNAL) != 1 || recv(fd, buf, 1, 0) != 1)
			die("rr");
	printf("%llu\n", (unsigned long long)(now_ns() - begin) / count);
	return 0;
}

static int do_send(int fd, int ms, int size, int datagrams)
{
	struct timeval patience = { .tv_usec = 200000 };
	uint64_t begin = now_ns(), end, sum = 0;
	int tries = 50;

	while (now_ns() - begin < ms * 1000000ULL)
		if (send(fd, buf, size, MSG_NOSIGNAL) < 0 && errno != ENOBUFS)
			die("send");
	end = now_ns();
	if (datagrams)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	else
		shutdown(fd, SHUT_WR);
	/* Where datagrams are dropped the question may be, too. */
	do {
		if (datagrams)
			send(fd, buf, 0, 0);
	} while (recv(fd, &sum, sizeof(sum), MSG_WAITALL) != sizeof(sum) && datagrams && --tries);
	if (!sum)
		die("the sink's count");
	if (!datagrams)
		end = now_ns();
	printf("%llu\n", (unsigned long long)(sum * 1000000 / (end - begin)));
	return 0;
}

static int do_stop(int fd, const char *file)
{
	uint64_t sent = 0, got = 0;
	ssize_t n;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (access(file, F_OK)) {
		n = send(fd, buf, 65536, MSG_NOSIGNAL);
		if (n > 0)
			sent += n;
		else
			usleep(10000);
	}
	fcntl(fd, F_SETFL, 0);
	shutdown(fd, SHUT_WR);
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		got += n;
	printf("%llu sent, %s\n", (unsigned long long)sent, sent == got ? "all came" : "not all came");
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int type, fd;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 3 && (!strcmp(what, "serve") || !strcmp(what, "sink")))
		return do_serve(argv[2], !strcmp(what, "serve"));
	if (argc < 5)
		return 1;
	type = !strcmp(what, "udp") || !strcmp(what, "frag") || !strcmp(what, "flood") ?
	       SOCK_DGRAM : SOCK_STREAM;
	fd = open_socket(argv[2], argv[3], type);
	if (!strcmp(what, "echo"))
		return do_echo(fd, strtoull(argv[4], NULL, 0));
	if (!strcmp(what, "hold"))
		return do_hold(fd, argv[4]);
	if (!strcmp(what, "stop"))
		return do_stop(fd, argv[4]);
	if (!strcmp(what, "udp") && argc == 6)
		return do_udp(fd, atoi(argv[4]), atoi(argv[5]), 0);
	if (!strcmp(what, "frag") && argc == 6 && atoi(argv[5]) <= 60000)
		return do_udp(fd, atoi(argv[4]), atoi(argv[5]), 1);
	if (!strcmp(what, "rr"))
		return do_rr(fd, atoi(argv[4]));
	if (!strcmp(what, "send"))
		return do_send(fd, atoi(argv[4]), 65536, 0);
	if (!strcmp(what, "flood") && argc == 6)
		return do_send(fd, atoi(argv[4]), atoi(argv[5]), 1);
	return 1;
}
