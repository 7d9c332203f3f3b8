/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys, spec/profiles/ms-dke.md section 3.1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/base64.h"
#include "httpd/dke.h"

#define END_BYTES 64

static void
forget(struct dke *dke)
{
	for (unsigned i = 0; i < dke->key_count; i++)
		free(dke->key[i].body);
	dke->key_count = 0;
}

/* Without what is behind it, which has the time. */
static void
publish(const struct dke *dke, const struct ipc_dke_key *key, struct dke_key *ret)
{
	char n[DK_BASE64_CHARS(IPC_DKE_MODULUS_MAX_BYTES) + 1];
	int len = -1;

	if (dk_base64_encode(key->modulus.data, key->modulus.len, n, sizeof(n)) == DK_OK)
		len = asprintf(&ret->body,
		    "{\"key\":{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":65537,\"alg\":\"RS256\","
		    "\"kid\":\"%s/%s/%s\"}",
		    n, dke->conf.base_url, key->name, key->id);
	if (len < 0)
		say_fatal("no memory");
	ret->len = (size_t)len;
	memcpy(ret->name, key->name, sizeof(ret->name));
}

bool
dke_on_keys(struct httpd *httpd, const struct ipc_message *message)
{
	static struct ipc_dke_key key[IPC_DKE_KEYS_MAX];
	struct dke *dke = httpd->dke;
	unsigned count;

	if (!ipc_dke_keys_read(message, key, &count))
		return false;
	if (!dke)
		return true;
	forget(dke);
	for (unsigned i = 0; i < count; i++)
		publish(dke, &key[i], &dke->key[i]);
	dke->key_count = count;
	dke->keys_known = true;
	return true;
}

static int
compare(const void *name, const void *key)
{
	return strcmp(name, ((const struct dke_key *)key)->name);
}

/* The same for all that ask in one second. */
static size_t
end_of_body(const struct dke *dke, uint64_t now, char ret[END_BYTES])
{
	time_t until = (time_t)(now + dke->conf.cache_hours * (uint64_t)3600);
	struct tm tm;
	size_t len;

	if (dke->conf.cache_hours == 0 || !gmtime_r(&until, &tm)) {
		memcpy(ret, "}", 2);
		return 1;
	}
	len = strftime(ret, END_BYTES, ",\"cache\":{\"exp\":\"%Y-%m-%dT%H:%M:%S\"}}", &tm);
	return len;
}

void
dke_get_key(struct httpd *httpd, struct evhttp_request *request, const char *name)
{
	static char end[END_BYTES];
	static uint64_t end_s;
	static size_t end_len;
	static uint8_t body[2048];
	struct dke *dke = httpd->dke;
	const struct dke_key *key =
	    bsearch(name, dke->key, dke->key_count, sizeof(dke->key[0]), compare);
	uint64_t now = ipc_now();

	if (!key || key->len + END_BYTES > sizeof(body)) {
		dke_answer(httpd, request, METRICS_DKE_KEY,
		    dke->keys_known ? DK_CODE_UNKNOWN_KEY : DK_CODE_UNAVAILABLE, NULL, 0);
		return;
	}
	if (end_s != now) {
		end_len = end_of_body(dke, now, end);
		end_s = now;
	}
	memcpy(body, key->body, key->len);
	memcpy(body + key->len, end, end_len);
	dke_answer(httpd, request, METRICS_DKE_KEY, DK_CODE_OK, body, key->len + end_len);
}
