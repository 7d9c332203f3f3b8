/* SPDX-License-Identifier: Apache-2.0 */
/* Access tokens of OAuth 2.0: kept in memory until shortly before they end, as a header. */
#ifndef DK_PROVIDER_BEARER_H
#define DK_PROVIDER_BEARER_H

#include <pthread.h>
#include <time.h>

#include "provider/net.h"

#define BEARER_TOKEN_MAX_BYTES 16384
#define BEARER_HEADER_MAX_BYTES (BEARER_TOKEN_MAX_BYTES + 32)

struct bearer {
	pthread_mutex_t lock;
	char header[BEARER_HEADER_MAX_BYTES]; /* "Authorization: Bearer ..."; secret */
	time_t expires;
};

/* One token; bearer_set() takes it. */
typedef dk_err (*bearer_fetch)(struct provider_key *key, struct bearer *bearer);

void bearer_init(struct bearer *bearer);
/* Wipes. */
void bearer_clear(struct bearer *bearer);

/* The header, fetched if there is none that lasts; ret is the caller's to wipe. */
DK_MUST_USE dk_err bearer_get(struct provider_key *key, struct bearer *bearer, bearer_fetch fetch,
    char ret[BEARER_HEADER_MAX_BYTES]);

/* seconds: how long it lasts. DK_ERR_PROVIDER_CREDENTIALS: no text that fits a header. */
DK_MUST_USE dk_err bearer_set(struct bearer *bearer, const char *token, long long seconds);
/* The same from an answer with access_token and expires_in. */
DK_MUST_USE dk_err bearer_answer(struct bearer *bearer, const json_t *answer);

/* One request with the token: a POST of body, which is taken over, or a GET for NULL. */
DK_MUST_USE dk_err bearer_call(struct provider_key *key, struct bearer *bearer, bearer_fetch fetch,
    const char *url, json_t *body, net_judge judge, struct net_answer *ret);

/* How token endpoints answer: what they say is a reason for DK_ERR_PROVIDER_CREDENTIALS. */
dk_err bearer_judge(struct net_answer *answer);

/* POST of a form to a token endpoint; fields: name, value, ..., NULL; a NULL value is left
 * out. The token comes in the answer. */
DK_MUST_USE dk_err bearer_post(struct provider_key *key, struct bearer *bearer, const char *url,
    const char *const *fields);

/* "name=value&...", escaped; bearer_form_free(). NULL: no memory. */
char *bearer_form(const char *const *fields);
void bearer_form_free(char *form);

/* The text of a small file without line ends behind it, wiped with bearer_form_free();
 * NULL: it cannot be read, or has more than BEARER_TOKEN_MAX_BYTES. */
char *bearer_file(const char *path);

#endif
