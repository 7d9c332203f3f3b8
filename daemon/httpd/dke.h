/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Microsoft DKE front end: a listener, a certificate and paths of its own. It hands
 * tokens and bodies on as they came, and answers by itself what needs neither.
 *
 * Spec: spec/profiles/ms-dke.md sections 2, 3, 7.1 and 11.
 */
#ifndef DK_HTTPD_DKE_H
#define DK_HTTPD_DKE_H

#include "httpd/httpd.h"
#include "httpd/metrics.h"
#include "ipc/dke.h"
#include "ipc/dke_conf.h"

#define DKE_HEAD_MAX_BYTES 32768

/* What is published: the answer but for its end, which has the time. */
struct dke_key {
	char name[IPC_DKE_NAME_MAX_BYTES + 1];
	char *body;
	size_t len;
};

struct dke {
	struct ipc_dke_conf conf;
	struct evhttp *http;
	SSL_CTX *tls;
	uint64_t expiry; /* of its certificate, seconds since 1970 */
	char *challenge; /* without an error */
	char *challenge_bad;
	bool keys_known; /* keyd has said which there are */
	unsigned key_count;
	struct dke_key key[IPC_DKE_KEYS_MAX];
};

/* From the open files; httpd->dke stays NULL if there is none. Ends the process where it
 * cannot be what the files say. */
void dke_start(struct httpd *httpd);
/* evhttp of the listener, and from when on it accepts. */
void dke_http_start(struct httpd *httpd);
void dke_http_accept(struct httpd *httpd);
void dke_end(struct httpd *httpd);

/* dke_request.c: for evhttp. */
void dke_on_request(struct evhttp_request *request, void *ctx);
/* Once more what was asked of authd for a request that is still there. */
void dke_ask_again(struct evhttp_request *request, struct httpd *httpd);

/* dke_key.c: payload of DKE_KEYS; false: not its layout. */
bool dke_on_keys(struct httpd *httpd, const struct ipc_message *message);
void dke_get_key(struct httpd *httpd, struct evhttp_request *request, const char *name);

/*
 * dke_answer.c: an answer by the code of spec/key-service.md section 8 or of the profile's
 * section 10. bytes: of DK_CODE_OK, the body of a public key, or what was unwrapped.
 */
void dke_answer(struct httpd *httpd, struct evhttp_request *request, enum metrics_path path,
    unsigned code, const uint8_t *bytes, size_t len);

/* dke_page.c: what stands behind DKE_PAGES in the target; address: of who asks. */
#define DKE_PAGES "/.doublekey/"
void dke_page(struct httpd *httpd, struct evhttp_request *request, const char *name,
    const uint8_t address[16]);
void dke_page_answer(
    struct evhttp_request *request, unsigned code, const uint8_t *bytes, size_t len);
void dke_answer_head_too_large(struct evhttp_request *request);

#endif
