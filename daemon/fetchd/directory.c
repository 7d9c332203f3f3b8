/* SPDX-License-Identifier: Apache-2.0 */
/* A thread for each question; it tells its end by its own address in a pipe. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "fetchd/fetchd.h"
#include "fetchd/members.h"

#define STACK_BYTES (512u << 10)

struct question {
	pthread_t thread;
	struct ipc_directory directory; /* borrows from payload */
	uint8_t *payload;
	size_t payload_len;
	struct fetch_done done;
	uint8_t body[IPC_MEMBERS_MAX_BYTES];
};

static int ends[2] = { -1, -1 };
static unsigned under_way;
static fetch_done_fn tell;
static void *tell_ctx;

bool
directory_start(fetch_done_fn done, void *ctx)
{
	tell = done;
	tell_ctx = ctx;
	return pipe2(ends, O_CLOEXEC) == 0;
}

int
directory_fd(void)
{
	return ends[0];
}

unsigned
directory_under_way(void)
{
	return under_way;
}

static void *
run(void *ctx)
{
	struct question *q = ctx;

	q->done.result = members_fetch(&q->directory, q->body, &q->done.len, &q->done.status);
	q->done.body = q->body;
	if (q->done.result != IPC_FETCH_OK)
		q->done.len = 0;
	/* So few bytes go into a pipe at once. */
	if (write(ends[1], &q, sizeof(q)) != (ssize_t)sizeof(q))
		abort();
	return NULL;
}

static void
release(struct question *q)
{
	if (q && q->payload) {
		dk_wipe(q->payload, q->payload_len);
		free(q->payload);
	}
	free(q);
}

static bool
start(struct question *q)
{
	pthread_attr_t attr;
	bool ok;

	if (pthread_attr_init(&attr) != 0)
		return false;
	ok = pthread_attr_setstacksize(&attr, STACK_BYTES) == 0 &&
	    pthread_create(&q->thread, &attr, run, q) == 0;
	(void)pthread_attr_destroy(&attr);
	return ok;
}

bool
directory_begin(uint64_t id, const uint8_t *data, size_t len)
{
	const struct fetch_done failed = { .id = id, .result = IPC_FETCH_TRANSFER };
	struct ipc_directory directory;
	struct question *q;

	if (!ipc_directory_read(data, len, &directory))
		return false;
	q = under_way < DIRECTORY_UNDER_WAY_MAX ? calloc(1, sizeof(*q)) : NULL;
	if (q) {
		q->done.id = id;
		q->payload = malloc(len);
		q->payload_len = len;
	}
	if (q && q->payload) {
		memcpy(q->payload, data, len);
		if (ipc_directory_read(q->payload, len, &q->directory) && start(q)) {
			under_way++;
			return true;
		}
	}
	release(q);
	tell(tell_ctx, &failed);
	return true;
}

void
directory_finish(void)
{
	struct pollfd p = { .fd = ends[0], .events = POLLIN };
	struct question *q;

	while (poll(&p, 1, 0) == 1 && read(ends[0], &q, sizeof(q)) == (ssize_t)sizeof(q)) {
		(void)pthread_join(q->thread, NULL);
		under_way--;
		tell(tell_ctx, &q->done);
		release(q);
	}
}
