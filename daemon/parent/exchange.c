/* SPDX-License-Identifier: Apache-2.0 */
#include "parent/exchange.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "parent/tell.h"

#define SOCKET "run/admin.sock"
#define ANSWER_MAX_BYTES 4200000

static int
connect_admin(const char *dir)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, n;

	n = snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/" SOCKET, dir);
	if (n < 0 || (size_t)n >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0) {
		int kept = errno;

		(void)close(fd);
		errno = kept;
		fd = -1;
	}
	return fd;
}

/* Names of spec/key-service.md section 8.3. */
static void
tell_unconnected(const char *dir)
{
	switch (errno) {
	case ENOENT:
	case ECONNREFUSED:
	case ENOTDIR:
		tell(dir, "not-running",
		    access(dir, F_OK) == 0 ? "no service runs on this directory"
					   : "there is no such directory");
		break;
	case EACCES:
	case EPERM:
		tell(dir, "no-access",
		    "only root and the user of the service may ask it, and this is another user");
		break;
	case ENAMETOOLONG:
		tell(dir, "no-access", "the path is too long for the socket of a service");
		break;
	default:
		tell(dir, "no-access", "the service cannot be asked: %s", strerror(errno));
	}
}

static bool
receive_all(int fd, struct exchange_answer *answer)
{
	ssize_t n;

	answer->data = malloc(ANSWER_MAX_BYTES);
	if (!answer->data)
		return false;
	while ((n = recv(fd, answer->data + answer->len, ANSWER_MAX_BYTES - answer->len, 0)) > 0)
		answer->len += (size_t)n;
	if (n < 0 || answer->len < 2) {
		free(answer->data);
		return false;
	}
	answer->code = (unsigned)answer->data[0] << 8 | answer->data[1];
	return true;
}

bool
exchange(const char *dir, enum ipc_admin_op op, const char *const *args, unsigned n,
    struct exchange_answer *ret)
{
	uint8_t packet[IPC_ADMIN_MAX_BYTES - 4];
	struct dk_writer_buf wr;
	int fd = connect_admin(dir);
	bool ok;

	*ret = (struct exchange_answer){ 0 };
	if (fd < 0) {
		tell_unconnected(dir);
		return false;
	}
	dk_wr_init(&wr, packet, sizeof(packet));
	dk_wr_u16(&wr, (uint16_t)op);
	dk_wr_u8(&wr, (uint8_t)n);
	for (unsigned i = 0; i < n; i++) {
		dk_wr_u16(&wr, (uint16_t)strlen(args[i]));
		dk_wr_bytes(&wr, args[i], strlen(args[i]));
	}
	ok = !wr.failed && send(fd, packet, wr.len, MSG_NOSIGNAL) == (ssize_t)wr.len &&
	    receive_all(fd, ret);
	(void)close(fd);
	dk_wipe(packet, sizeof(packet)); /* a key that is imported */
	if (!ok)
		tell(dir, "no-answer",
		    "the service ended, or refused to be asked, before it answered");
	return ok;
}
