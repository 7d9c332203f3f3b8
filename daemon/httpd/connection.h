/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of connections, spec/key-service.md section 1. */
#ifndef DK_HTTPD_CONNECTION_H
#define DK_HTTPD_CONNECTION_H

#include "httpd/head.h"
#include "httpd/httpd.h"

/* Before the sandbox; ends the process if too few descriptors are allowed. */
void httpd_connections_start(struct httpd *httpd);
/* Once a second: those that were quiet for too long. */
void httpd_connections_tick(struct httpd *httpd);
/* A new one; another one makes room if there are too many. */
void httpd_connection_new(struct httpd *httpd, struct bufferevent *bev);

/* The request is whole. DK_CODE_OK, or why it is refused at once. */
unsigned httpd_request_begins(struct evhttp_request *request);
/* Bytes of its head, the empty line included. */
size_t httpd_head_length(struct evhttp_request *request);
/* Before or behind the sending of its answer. */
void httpd_request_answered(struct evhttp_request *request);

#endif
