/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a monitor sees, spec/monitoring.md: counts and times, and no name of a
 * user, key, device or object. Issuers have the names that the policy gives them.
 */
#ifndef DK_HTTPD_METRICS_H
#define DK_HTTPD_METRICS_H

#include "httpd/httpd.h"

/* A listener of its own, without TLS, if there is one. */
void metrics_start(struct httpd *httpd);
/* Connections of that listener: for evhttp, and once a second. */
struct bufferevent *metrics_few_new(struct event_base *base, void *ctx);
void metrics_few_tick(void);
enum metrics_path {
	METRICS_RELEASE,
	METRICS_DEVICES,
	METRICS_KEYS,
	METRICS_LOG,
	METRICS_OTHER,
	METRICS_DKE_KEY,
	METRICS_DKE_DECRYPT,
	METRICS_DKE_OTHER,
	METRICS_PATHS,
};

/* A request was answered; body: of the answer. */
void metrics_note(struct evhttp_request *request, unsigned code, const uint8_t *body, size_t len);
/* The same for the Microsoft DKE front end. */
void metrics_note_dke(enum metrics_path path, unsigned code);
/* It took so long from the last byte of the request to the answer. */
void metrics_note_release_time(uint64_t microseconds);
/* Payloads of GO, LOG_STATE and FETCH_STATE; false: not their layout. */
bool metrics_on_go(const struct ipc_message *message);
bool metrics_on_log_state(const struct ipc_message *message);
bool metrics_on_witnesses(const struct ipc_message *message);
bool metrics_on_fetch_state(const struct ipc_message *message);
void metrics_set_connections(unsigned count);
/* One was closed to keep a limit. */
void metrics_note_dropped(void);
void metrics_set_expiry(uint64_t seconds);
void metrics_set_dke_expiry(uint64_t seconds);

uint64_t metrics_clock(void);

#endif
