/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/port.h"
#include "parent/parent.h"

#define IN_USE_STEPS 100
#define LISTEN_HOST_BYTES 256

static int
open_listener(const struct addrinfo *info)
{
	static const int on = 1;
	int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;

	if (fd < 0)
		return -1;
	/* Accepted sockets inherit TCP_NODELAY; without it each answer on a
	 * connection that is kept open waits 40 ms. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0 &&
	    bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, 512) == 0)
		return fd;
	err = errno;
	(void)close(fd);
	errno = err;
	return -1;
}

static bool
is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
	return address->sa_family == AF_INET6 &&
	    IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

bool
listen_address_valid(const char *address)
{
	const char *colon = strrchr(address, ':');

	return colon && colon != address && (size_t)(colon - address) < LISTEN_HOST_BYTES &&
	    dk_port_valid(colon + 1);
}

/* The host in brackets if it is an IPv6 address. */
static int
listen_once(const char *address, int flags)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | flags };
	struct addrinfo *list = NULL;
	const char *colon = strrchr(address, ':');
	char host[LISTEN_HOST_BYTES];
	size_t len;
	int fd = -1;

	if (!listen_address_valid(address)) {
		errno = EINVAL;
		return -1;
	}
	len = (size_t)(colon - address);
	memcpy(host, address, len);
	host[len] = '\0';
	if (host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		memmove(host, host + 1, len - 1);
	}
	if (getaddrinfo(host, colon + 1, &hints, &list) != 0) {
		errno = 0;
		return -1;
	}
	for (const struct addrinfo *info = list; info && fd < 0; info = info->ai_next)
		if (!flags || is_loopback(info->ai_addr))
			fd = open_listener(info);
	freeaddrinfo(list);
	return fd;
}

/* The httpd of a service that was killed may not be gone yet. */
static int
listen_with(const char *address, int flags)
{
	static const struct timespec step = { 0, 20000000 };
	int fd = -1;

	for (unsigned i = 0; i < IN_USE_STEPS && fd < 0; i++) {
		errno = 0;
		fd = listen_once(address, flags);
		if (fd < 0 && errno != EADDRINUSE)
			break;
		if (fd < 0)
			(void)nanosleep(&step, NULL);
	}
	return fd;
}

int
listen_on(const char *address)
{
	return listen_with(address, 0);
}

/* A name could lead anywhere. */
int
listen_on_loopback(const char *address)
{
	return listen_with(address, AI_NUMERICHOST);
}

int
listen_admin(const char *dir)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, n, err;

	n = snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/" PARENT_SOCKET, dir);
	if (n < 0 || (size_t)n >= sizeof(addr.sun_path))
		return -1;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	(void)unlink(addr.sun_path);
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0 &&
	    chmod(addr.sun_path, 0600) == 0 && listen(fd, 16) == 0)
		return fd;
	err = errno;
	(void)close(fd);
	errno = err;
	return -1;
}
