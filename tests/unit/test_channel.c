/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of several parts, spec/ipc.md section 2: what goes out, and what is taken. */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "ipc/channel.h"

#define HEAD 24

/* From httpd to authd; the test is one end where it looks at packets themselves. */
struct pair {
	struct ipc_channel from, to;
	int fd[2];
	unsigned messages;
	size_t last_len;
	uint8_t last[8];
};

static bool
take(void *ctx, struct ipc_channel *channel, const struct ipc_message *message)
{
	struct pair *p = ctx;

	(void)channel;
	p->messages++;
	p->last_len = message->len;
	if (message->len <= sizeof(p->last) && message->len > 0)
		memcpy(p->last, message->data, message->len);
	return message->type == IPC_KEY || message->type == IPC_ENROL;
}

static int
set_up(void **state)
{
	static struct pair p;

	memset(&p, 0, sizeof(p));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p.fd) != 0)
		return -1;
	ipc_channel_init(&p.from, p.fd[0], IPC_HTTPD, IPC_AUTHD, take, &p);
	ipc_channel_init(&p.to, p.fd[1], IPC_AUTHD, IPC_HTTPD, take, &p);
	*state = &p;
	return 0;
}

static int
tear_down(void **state)
{
	struct pair *p = *state;

	ipc_channel_close(&p->from);
	ipc_channel_close(&p->to);
	return 0;
}

static void
put(struct pair *p, const char *text)
{
	const struct dk_part part = { text, strlen(text) };

	assert_true(ipc_send(&p->from, IPC_KEY, 1, &part, 1));
}

static void
gathered_messages_are_one_packet(void **state)
{
	struct pair *p = *state;
	uint8_t packet[256];

	p->from.gather = true;
	put(p, "one");
	put(p, "three");
	assert_int_equal(recv(p->fd[1], packet, sizeof(packet), 0), -1);
	ipc_flush(&p->from);
	assert_int_equal(recv(p->fd[1], packet, sizeof(packet), 0), 2 * HEAD + 8);
	assert_memory_equal(packet + 12, "\0\0\0\4", 4);
	assert_memory_equal(packet + HEAD, "one", 3);
	assert_memory_equal(packet + HEAD + 3 + 12, "\0\0\0\0", 4);
	assert_memory_equal(packet + 2 * HEAD + 3, "three", 5);
	assert_int_equal(recv(p->fd[1], packet, sizeof(packet), 0), -1);
}

static void
both_messages_are_taken(void **state)
{
	struct pair *p = *state;

	p->from.gather = true;
	put(p, "one");
	assert_true(ipc_send(&p->from, IPC_ENROL, 2, NULL, 0)); /* an empty one between */
	put(p, "three");
	ipc_flush(&p->from);
	assert_true(ipc_receive(&p->to));
	assert_int_equal(p->messages, 3);
	assert_int_equal(p->last_len, 5);
	assert_memory_equal(p->last, "three", 5);
}

static void
many_and_long_ones_are_several_packets(void **state)
{
	static const uint8_t data[4000];
	const struct dk_part part = { data, sizeof(data) };
	struct pair *p = *state;

	p->from.gather = true;
	for (unsigned i = 0; i < 40; i++)
		assert_true(ipc_send(&p->from, IPC_ENROL, i, &part, 1));
	ipc_flush(&p->from);
	assert_false(ipc_wants_write(&p->from));
	assert_true(ipc_receive(&p->to));
	assert_int_equal(p->messages, 40);
}

static void
without_gathering_each_goes_at_once(void **state)
{
	struct pair *p = *state;

	put(p, "one");
	assert_true(ipc_receive(&p->to));
	assert_int_equal(p->messages, 1);
}

/* The head of a part of KEY whose place for "another one follows" has this value. */
static size_t
head(uint8_t *out, uint32_t more, uint32_t total)
{
	struct dk_writer_buf wr;

	dk_wr_init(&wr, out, HEAD);
	dk_wr_u16(&wr, IPC_KEY);
	dk_wr_u16(&wr, 0);
	dk_wr_u32(&wr, total);
	dk_wr_u32(&wr, 0);
	dk_wr_u32(&wr, more);
	dk_wr_u64(&wr, 9);
	return wr.len;
}

struct bad {
	uint32_t more, total;
	size_t behind;  /* bytes behind the first head */
	unsigned taken; /* messages before the rule is broken */
};

static void
a_wrong_length_is_a_violation(void **state)
{
	static const struct bad bad[] = {
		{ 5, 4, 4, 0 },            /* another one is said, and nothing follows */
		{ 5, 4, 3, 0 },            /* less than the part */
		{ 5, 4, 8, 1 },            /* less than a head follows */
		{ 4, 4, 4 + HEAD, 0 },     /* a part that is not whole, and another message */
		{ 6, 4, 5 + HEAD, 0 },     /* a part longer than its message */
		{ UINT32_MAX, 4, 4, 0 },   /* beyond everything */
		{ 1, 4, HEAD, 0 },         /* an empty part of what is not empty */
		{ 5, 4, 4 + HEAD + 1, 1 }, /* the second one is longer than it says */
		{ 0, 4, 4 + HEAD, 0 },     /* the last one, and more behind it */
	};
	uint8_t packet[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct pair *p;

		assert_int_equal(set_up(state), 0);
		p = *state;
		memset(packet, 0, sizeof(packet));
		(void)head(packet, bad[i].more, bad[i].total);
		if (bad[i].behind >= 4 + HEAD)
			(void)head(packet + HEAD + 4, 0, 0);
		assert_int_equal(
		    send(p->fd[0], packet, HEAD + bad[i].behind, 0), HEAD + bad[i].behind);
		assert_false(ipc_receive(&p->to));
		assert_true(p->to.violated);
		assert_int_equal(p->messages, bad[i].taken);
		assert_int_equal(tear_down(state), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    gathered_messages_are_one_packet, set_up, tear_down),
		cmocka_unit_test_setup_teardown(both_messages_are_taken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    many_and_long_ones_are_several_packets, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    without_gathering_each_goes_at_once, set_up, tear_down),
		cmocka_unit_test(a_wrong_length_is_a_violation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
