/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What connections may cost, spec/witness.md section 4. evhttp limits the time between two bytes
 * only, and tells of no connection that ends: they are looked for among the open descriptors, and
 * one that has to go is shut down, so that evhttp finds its end and frees it.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "ipc/child.h"
#include "witness/connections.h"

/* Listener, lock, event loop, and those that were shut down and not freed yet. */
#define FDS_MAX (WITNESS_CONNECTIONS_MAX + 64)
#define GROUPS 1024

/* By descriptor. inode tells it from a later one with the same number. */
static struct connection {
	ino_t inode;
	uint64_t since_ms; /* its beginning, or its last request */
	uint16_t group;
	bool open;
} connections[FDS_MAX];
static unsigned count;

void
connections_start(void)
{
	const struct rlimit files = { FDS_MAX, FDS_MAX };

	(void)setrlimit(RLIMIT_NOFILE, &files);
}

/* Addresses that one client may have: of IPv6, a network. */
static uint16_t
group_of(const struct sockaddr_storage *ss)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)ss;
	const struct sockaddr_in *four = (const struct sockaddr_in *)ss;
	bool mapped = ss->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr);
	const uint8_t *bytes = ss->ss_family == AF_INET6
	    ? six->sin6_addr.s6_addr + (mapped ? 12 : 0)
	    : (const uint8_t *)&four->sin_addr;
	unsigned len = ss->ss_family == AF_INET6 && !mapped ? 8 : 4;
	uint32_t hash = 2166136261u;

	for (unsigned i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * 16777619u;
	return (uint16_t)(hash % GROUPS);
}

/* The connection behind this descriptor, as it is now; NULL: there is none. */
static struct connection *
look(int fd, uint64_t now)
{
	struct connection *c = &connections[fd];
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct stat st;

	if (getpeername(fd, (struct sockaddr *)&ss, &len) != 0 || fstat(fd, &st) != 0 ||
	    (ss.ss_family != AF_INET && ss.ss_family != AF_INET6)) {
		c->open = false;
		return NULL;
	}
	if (!c->open || c->inode != st.st_ino)
		*c = (struct connection){
			.inode = st.st_ino, .since_ms = now, .group = group_of(&ss), .open = true
		};
	return c;
}

static void
end(int fd)
{
	(void)shutdown(fd, SHUT_RDWR);
	connections[fd].open = false;
}

/* Of those from where most come, the one that has asked for nothing for longest; -1: none. */
static int
choose(uint64_t now)
{
	static uint16_t of_group[GROUPS];
	int chosen = -1;

	memset(of_group, 0, sizeof(of_group));
	count = 0;
	for (int fd = 0; fd < FDS_MAX; fd++)
		if (look(fd, now)) {
			of_group[connections[fd].group]++;
			count++;
		}
	for (int fd = 0; fd < FDS_MAX; fd++) {
		const struct connection *c = &connections[fd];
		const struct connection *best = chosen < 0 ? NULL : &connections[chosen];

		if (c->open &&
		    (!best || of_group[c->group] > of_group[best->group] ||
			(of_group[c->group] == of_group[best->group] &&
			    c->since_ms < best->since_ms)))
			chosen = fd;
	}
	return chosen;
}

void
connections_make_room(void)
{
	int fd;

	if (++count <= WITNESS_CONNECTIONS_MAX)
		return;
	fd = choose(ipc_clock_ms());
	if (count > WITNESS_CONNECTIONS_MAX && fd >= 0)
		end(fd);
}

void
connections_asked(int fd)
{
	const uint64_t now = ipc_clock_ms();
	struct connection *c = fd >= 0 && fd < FDS_MAX ? look(fd, now) : NULL;

	if (c)
		c->since_ms = now;
}

void
connections_tick(void)
{
	const uint64_t now = ipc_clock_ms();
	const struct connection *c;

	count = 0;
	for (int fd = 0; fd < FDS_MAX; fd++) {
		c = look(fd, now);
		if (!c)
			continue;
		if (now - c->since_ms > WITNESS_IDLE_S * UINT64_C(1000))
			end(fd);
		else
			count++;
	}
}
