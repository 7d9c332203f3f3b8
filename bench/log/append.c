/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many entries logd makes durable: in place of keyd, with a number of them under way
 * all the time, as many concurrent releases have it.
 *
 * usage: append LOGD DIR CONCURRENT seconds N   one entry, again and again
 *        append LOGD DIR CONCURRENT entries N   N entries with records of their own
 *
 * DIR is the log of a service that does not run. Prints "entries=N seconds=S cpu=S", the CPU
 * time being that of logd. An entry counts when it was acknowledged.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "crypto/random.h"
#include "ipc/channel.h"
#include "ipc/payload.h"
#include "log/record.h"

#define FIRST_FD 3
#define ENDS 3 /* of parent, keyd, httpd */
#define WITNESSES_FD 6

struct append {
	struct ipc_channel keyd;
	uint8_t device[32]; /* another one in each run */
	uint64_t next, acknowledged;
	uint64_t most; /* entries */
	double end;    /* nothing is sent later */
	bool fresh;    /* each has a record of its own */
	bool failed;
	uint8_t leaf[DK_LEAF_BYTES];
	uint8_t record[4096];
	size_t record_len;
};

static void
need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "append: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double
now_s(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
make_record(struct append *a)
{
	struct dk_log_object object = { .code = 0, .epoch = 1 };
	const struct dk_log_event event = { .class_ = DK_LOG_RELEASE,
		.time = (uint64_t)time(NULL),
		.decision = DK_LOG_DONE,
		.mode = DK_LOG_PROMPT,
		.front = DK_LOG_NATIVE,
		.level = DK_LOG_LEVEL_A,
		.has_policy = true,
		.has_request = true,
		.has_recipient = true,
		.factor_count = 1,
		.factor = { { .type = DK_FACTOR_DEVICE, .verifier = 4, .root = 3 } },
		.user = "alice",
		.has_device = true,
		.has_address = true,
		.object_count = 1,
		.objects = &object };

	memcpy(object.object_id, &a->next, sizeof(a->next));
	need(dk_record_encode(&event, a->record, sizeof(a->record), &a->record_len, a->leaf) ==
		DK_OK,
	    "a record");
}

/* Each is a request of its own: the nonce is its number. */
static void
send_one(struct append *a)
{
	uint8_t head[8 + 1 + 32 + 8 + 32 + 16 + 8 + 1 + 1] = { 0 };
	struct dk_writer_buf wr;

	if (a->fresh)
		make_record(a);
	const struct dk_part parts[] = { { a->leaf, sizeof(a->leaf) }, { head, sizeof(head) },
		{ a->record, a->record_len } };
	dk_wr_init(&wr, head + 8 + 1 + 32, 8 + 32 + 16 + 8 + 1);
	dk_wr_u64(&wr, (uint64_t)time(NULL));
	dk_wr_bytes(&wr, a->device, sizeof(a->device));
	dk_wr_zero(&wr, 8);
	dk_wr_u64(&wr, ++a->next);
	dk_wr_zero(&wr, 8);
	dk_wr_u8(&wr, DK_LOG_PROMPT);
	need(ipc_send(&a->keyd, IPC_APPEND, a->next, parts, 3), "logd");
}

static bool
on_message(void *ctx, struct ipc_channel *channel, const struct ipc_message *message)
{
	struct append *a = ctx;
	struct ipc_appended answer;

	(void)channel;
	if (message->type != IPC_APPENDED || !ipc_appended_read(message, &answer))
		return false;
	a->failed = a->failed || answer.code != 0;
	a->acknowledged++;
	return true;
}

static pid_t
start(const char *logd, const char *dir, int ours[ENDS])
{
	int theirs[ENDS], none = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pid_t pid;

	none = fcntl(none, F_DUPFD_CLOEXEC, 32);
	for (int i = 0; i < ENDS; i++) {
		int pair[2];

		need(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0, "a socket");
		ours[i] = fcntl(pair[0], F_DUPFD_CLOEXEC, 32);
		theirs[i] = fcntl(pair[1], F_DUPFD_CLOEXEC, 32);
		need(ours[i] >= 0 && theirs[i] >= 0 && close(pair[0]) == 0 && close(pair[1]) == 0,
		    "a socket");
	}
	pid = fork();
	need(pid >= 0, "fork");
	if (pid == 0) {
		for (int i = 0; i < ENDS; i++)
			need(dup2(theirs[i], FIRST_FD + i) >= 0, "dup2");
		need(dup2(none, WITNESSES_FD) >= 0, "dup2");
		need(chdir(dir) == 0, dir);
		(void)execl(logd, logd, (char *)NULL);
		need(false, logd);
	}
	for (int i = 0; i < ENDS; i++)
		(void)close(theirs[i]);
	return pid;
}

/* What logd tells others is not looked at, but taken. */
static void
drain(const int ours[ENDS])
{
	char data[4096];

	for (int i = 0; i < ENDS; i += 2)
		while (recv(ours[i], data, sizeof(data), MSG_DONTWAIT) > 0)
			;
}

static bool
more(const struct append *a)
{
	return a->next < a->most && now_s() < a->end;
}

static void
run(struct append *a, const int ours[ENDS], unsigned concurrent, double *ret_took)
{
	double begun = now_s();

	while (more(a) || a->acknowledged < a->next) {
		struct pollfd fd = { .fd = a->keyd.fd, .events = POLLIN };

		while (more(a) && a->next - a->acknowledged < concurrent)
			send_one(a);
		ipc_flush(&a->keyd);
		if (ipc_wants_write(&a->keyd))
			fd.events |= POLLOUT;
		need(poll(&fd, 1, 10000) > 0, "logd does not answer");
		need(ipc_receive(&a->keyd) && !a->failed, "logd refuses");
		drain(ours);
	}
	*ret_took = now_s() - begun;
}

int
main(int argc, char **argv)
{
	static struct append a;
	struct rusage usage;
	int ours[ENDS], status;
	double took;
	pid_t pid;

	if (argc != 6)
		return 2;
	a.fresh = strcmp(argv[4], "entries") == 0;
	a.most = a.fresh ? strtoull(argv[5], NULL, 10) : UINT64_MAX;
	a.end = a.fresh ? HUGE_VAL : now_s() + strtod(argv[5], NULL);
	make_record(&a);
	need(dk_random(a.device, sizeof(a.device)) == DK_OK, "random bytes");
	pid = start(argv[1], argv[2], ours);
	ipc_channel_init(&a.keyd, ours[1], IPC_KEYD, IPC_LOGD, on_message, &a);
	a.keyd.gather = true;
	run(&a, ours, (unsigned)strtoul(argv[3], NULL, 10), &took);
	/* Without its parent it ends. */
	(void)close(ours[0]);
	need(wait4(pid, &status, 0, &usage) == pid, "logd");
	printf("entries=%llu seconds=%.3f cpu=%.3f\n", (unsigned long long)a.acknowledged, took,
	    (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
	return 0;
}
