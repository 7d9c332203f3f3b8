/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every child does alike: channels, the loop over them, protections,
 * messages to the operator.
 */
#ifndef DK_IPC_CHILD_H
#define DK_IPC_CHILD_H

#include "ipc/channel.h"

#define IPC_FD_PARENT 3
#define IPC_CHANNELS_MAX 5

struct ipc_child {
	enum ipc_process self;
	unsigned protections;
	unsigned count;
	struct ipc_channel channel[IPC_CHANNELS_MAX]; /* the first one is the parent's */
	bool stopping;
	bool go;
	/* Called after every round of messages, and at least every tick_ms. */
	void (*idle)(void *ctx);
	void *idle_ctx;
	int tick_ms;
	int wake_fd; /* ends a round when it is readable; -1: none */
};

/* First thing in main: no core, not dumpable, no new privileges, own log name. */
void ipc_child_begin(struct ipc_child *child, enum ipc_process self);
struct ipc_channel *ipc_child_add(
    struct ipc_child *child, int fd, enum ipc_process peer, ipc_handler handler, void *ctx);
/* Handler for the parent's channel where a child takes nothing but GO and STOP. */
bool ipc_child_parent_message(
    void *ctx, struct ipc_channel *channel, const struct ipc_message *message);
/* Tell the parent which protections are in force. */
void ipc_child_ready(struct ipc_child *child);
/* Report a broken rule to the parent and take nothing more from that channel. */
void ipc_child_violation(struct ipc_child *child, struct ipc_channel *channel);
/* What has come on the channels, waiting at most timeout_ms for it: for a process that
 * has a loop of its own. False: poll failed. */
bool ipc_child_round(struct ipc_child *child, int timeout_ms);
/* Until STOP, or until the parent is gone. */
void ipc_child_run(struct ipc_child *child);
/* From now on messages wait until the end of the round, and go out together: fewer packets,
 * and fewer times that a receiver is woken. Not where handling a message takes long. */
void ipc_child_gather(struct ipc_child *child);
/* For what is sent outside of ipc_child_run(). */
void ipc_child_flush(struct ipc_child *child);

/* One line to the operator (stderr): "NAME: level: text". Never a secret. */
enum say_level { SAY_INFO, SAY_WARNING, SAY_ERROR };
void say_as(const char *name);
void say(enum say_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void say_fatal(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Seconds since 1970. */
uint64_t ipc_now(void);
/* Milliseconds by a clock that does not jump. */
uint64_t ipc_clock_ms(void);

#endif
