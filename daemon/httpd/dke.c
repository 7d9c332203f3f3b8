/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/dke.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* More is not taken, and answered by evhttp itself. */
#define HEAD_TAKEN_BYTES 65536
#define BODY_TAKEN_BYTES 65536
#define BAD ", error=\"invalid_token\", error_description=\"The token does not hold\""

static bool
is_socket(int fd)
{
	int type;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
}

static char *
challenge(const struct ipc_dke_conf *conf, const char *end)
{
	char *text = NULL;

	if (asprintf(&text, "Bearer resource=\"%s\", authorization=\"%s\", realm=\"%s\"%s",
		conf->audience, conf->authorization, conf->audience, end) < 0)
		say_fatal("no memory");
	return text;
}

void
dke_start(struct httpd *httpd)
{
	static struct dke dke;

	if (!is_socket(HTTPD_FD_DKE)) {
		for (int fd = HTTPD_FD_DKE; fd <= HTTPD_FD_DKE_CONF; fd++)
			(void)close(fd);
		return;
	}
	if (!ipc_dke_conf_take(HTTPD_FD_DKE_CONF, &dke.conf) || !dke.conf.base_url[0])
		say_fatal("the settings of dke-listen cannot be used");
	dke.challenge = challenge(&dke.conf, "");
	dke.challenge_bad = challenge(&dke.conf, BAD);
	httpd->dke = &dke;
}

void
dke_http_start(struct httpd *httpd)
{
	struct dke *dke = httpd->dke;

	if (!dke)
		return;
	dke->http = httpd_http_new(httpd, httpd_dke_bufferevent, dke_on_request);
	evhttp_set_max_headers_size(dke->http, HEAD_TAKEN_BYTES);
	evhttp_set_max_body_size(dke->http, BODY_TAKEN_BYTES);
}

void
dke_http_accept(struct httpd *httpd)
{
	if (httpd->dke && evhttp_accept_socket(httpd->dke->http, HTTPD_FD_DKE) != 0)
		say_fatal("the listening socket of dke-listen cannot be used");
}

void
dke_end(struct httpd *httpd)
{
	if (!httpd->dke)
		return;
	evhttp_free(httpd->dke->http);
	SSL_CTX_free(httpd->dke->tls);
}
