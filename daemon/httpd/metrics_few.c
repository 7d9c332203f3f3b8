/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of monitors. Everybody on the machine can make one, and clients need the
 * descriptors: there are few, and a new one takes the place of the oldest.
 *
 * evhttp does not tell when it is done with one. It takes its callbacks away then, and the
 * reference that is held here keeps what it was from becoming another one.
 */
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "httpd/metrics.h"

#define FEW 16
#define READ_MAX_BYTES 8192 /* more than a head may have */

static struct {
	struct bufferevent *bev[FEW];
	unsigned next;
} held;

static bufferevent_event_cb
callback(struct bufferevent *bev)
{
	bufferevent_event_cb on_event = NULL;

	bufferevent_getcb(bev, NULL, NULL, &on_event, NULL);
	return on_event;
}

static void
let_go(struct bufferevent **bev)
{
	/* As if evhttp's own time were over. */
	if (callback(*bev))
		bufferevent_trigger_event(*bev, BEV_EVENT_READING | BEV_EVENT_TIMEOUT, 0);
	(void)bufferevent_decref(*bev);
	*bev = NULL;
}

void
metrics_few_tick(void)
{
	for (unsigned i = 0; i < FEW; i++)
		if (held.bev[i] && !callback(held.bev[i]))
			let_go(&held.bev[i]);
}

struct bufferevent *
metrics_few_new(struct event_base *base, void *ctx)
{
	struct bufferevent **place = &held.bev[held.next++ % FEW];

	(void)ctx;
	if (*place)
		let_go(place);
	*place = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (!*place)
		say_fatal("no memory");
	/* What evhttp is done with reads on until it is let go. */
	bufferevent_setwatermark(*place, EV_READ, 0, READ_MAX_BYTES);
	bufferevent_incref(*place);
	return *place;
}
