/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TLS certificates in use. Whatever comes is made into contexts of their own, which
 * take the place of the present ones only when all of it is right. A connection
 * holds the context that it began with.
 */
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "httpd/connection.h"
#include "httpd/dke.h"
#include "httpd/identity.h"
#include "httpd/metrics.h"

#define WORDS_BYTES 256

/* Those of one listener. */
#define FILES 3

static void
use(struct httpd *httpd, struct identity *id)
{
	SSL_CTX_free(httpd->tls);
	httpd->tls = id->tls;
	id->tls = NULL;
	memcpy(httpd->ca, id->ca, id->ca_len);
	httpd->ca_len = id->ca_len;
	httpd->expiry = id->expiry;
	metrics_set_expiry(id->expiry);
}

static void
use_dke(struct httpd *httpd, struct identity *id)
{
	SSL_CTX_free(httpd->dke->tls);
	httpd->dke->tls = id->tls;
	id->tls = NULL;
	httpd->dke->expiry = id->expiry;
	metrics_set_dke_expiry(id->expiry);
}

static void
tell(struct httpd *httpd, uint64_t id, const char *wrong)
{
	const char *text = wrong ? wrong : "the TLS certificate is in use";
	uint8_t head[18];
	const struct dk_part parts[] = { { head, sizeof(head) }, { text, strlen(text) } };
	struct dk_writer_buf wr;

	dk_wr_init(&wr, head, sizeof(head));
	dk_wr_u16(&wr, wrong ? DK_CODE_ARGUMENT : DK_CODE_OK);
	dk_wr_u64(&wr, httpd->expiry);
	dk_wr_u64(&wr, httpd->dke ? httpd->dke->expiry : 0);
	(void)ipc_send(&httpd->child.channel[0], IPC_TLS_DONE, id, parts, 2);
}

static const char *
check_dke(const struct httpd *httpd, const struct identity *id)
{
	size_t len;
	const char *host = ipc_dke_host(httpd->dke->conf.base_url, &len);

	return identity_check_names(id, host, len);
}

/* One that has expired is used all the same: only a service that runs can be
 * asked what is wrong with it, and clients see for themselves. */
static BIO *
open_file(int fd)
{
	struct stat st;

	/* Without CAs of clients it is /dev/null. */
	if (fstat(fd, &st) == 0 && !S_ISCHR(st.st_mode))
		return BIO_new_fd(fd, BIO_CLOSE);
	(void)close(fd);
	return NULL;
}

static void
start_one(struct httpd *httpd, bool dke, int chain_fd)
{
	struct identity id = { 0 };
	const char *prefix = dke ? "dke-listen: " : "", *wrong;
	BIO *file[FILES];

	for (int i = 0; i < FILES; i++)
		file[i] = open_file(chain_fd + i);
	wrong = identity_load(&id, dke ? IDENTITY_DKE : IDENTITY_NATIVE, file[0], file[1], file[2]);
	if (wrong)
		say_fatal("%s%s", prefix, wrong);
	wrong = dke ? check_dke(httpd, &id) : identity_check_path(&id);
	if (wrong)
		say(SAY_WARNING, "%s%s", prefix, wrong);
	if (dke)
		use_dke(httpd, &id);
	else
		use(httpd, &id);
	identity_clear(&id);
	for (int i = 0; i < FILES; i++)
		BIO_free(file[i]);
}

void
httpd_tls_start(struct httpd *httpd)
{
	start_one(httpd, false, HTTPD_FD_CHAIN);
	if (httpd->dke)
		start_one(httpd, true, HTTPD_FD_DKE_CHAIN);
	tell(httpd, 0, NULL);
}

/* Three files, each with its length in front. */
static const char *
load_parts(struct identity *id, enum identity_kind kind, const struct dk_part part[FILES])
{
	const char *wrong;
	BIO *file[FILES];

	for (unsigned i = 0; i < FILES; i++)
		file[i] = part[i].len > 0 ? BIO_new_mem_buf(part[i].data, (int)part[i].len) : NULL;
	wrong = identity_load(id, kind, file[0], file[1], file[2]);
	for (unsigned i = 0; i < FILES; i++)
		BIO_free(file[i]);
	return wrong;
}

static const char *
load_native(struct httpd *httpd, struct identity *id, const struct dk_part part[FILES])
{
	const char *wrong = load_parts(id, IDENTITY_NATIVE, part);

	if (!wrong)
		wrong = identity_check_path(id);
	if (!wrong && (id->ca_len != httpd->ca_len || memcmp(id->ca, httpd->ca, id->ca_len) != 0))
		wrong = "the CA behind the TLS certificate is not the one that clients have pinned";
	return wrong;
}

static const char *
load_dke(struct httpd *httpd, struct identity *id, const struct dk_part part[FILES],
    char words[WORDS_BYTES])
{
	const char *wrong = httpd->dke ? load_parts(id, IDENTITY_DKE, part) : NULL;

	if (!wrong && httpd->dke)
		wrong = check_dke(httpd, id);
	if (!wrong)
		return NULL;
	(void)snprintf(words, WORDS_BYTES, "dke-listen: %s", wrong);
	return words;
}

bool
httpd_on_tls(struct httpd *httpd, const struct ipc_message *message)
{
	struct identity id = { 0 }, dke = { 0 };
	struct dk_part part[IPC_TLS_FILES];
	char words[WORDS_BYTES];
	const char *wrong;

	if (!ipc_tls_read(message, part))
		return false;
	wrong = load_native(httpd, &id, part);
	if (!wrong)
		wrong = load_dke(httpd, &dke, part + FILES, words);
	ERR_clear_error();
	if (!wrong) {
		use(httpd, &id);
		if (httpd->dke)
			use_dke(httpd, &dke);
	}
	tell(httpd, message->id, wrong);
	identity_clear(&id);
	identity_clear(&dke);
	return true;
}

static struct bufferevent *
new_bufferevent(struct httpd *httpd, struct event_base *base, SSL_CTX *tls)
{
	SSL *ssl = SSL_new(tls);
	struct bufferevent *bev;

	/* Without one evhttp would go on without TLS. */
	if (!ssl)
		say_fatal("no memory");
	bev = bufferevent_openssl_socket_new(
	    base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (!bev)
		say_fatal("no memory");
	bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	httpd_connection_new(httpd, bev);
	return bev;
}

struct bufferevent *
httpd_bufferevent(struct event_base *base, void *ctx)
{
	struct httpd *httpd = ctx;

	return new_bufferevent(httpd, base, httpd->tls);
}

struct bufferevent *
httpd_dke_bufferevent(struct event_base *base, void *ctx)
{
	struct httpd *httpd = ctx;

	return new_bufferevent(httpd, base, httpd->dke->tls);
}
