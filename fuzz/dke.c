/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the head of a request to the Microsoft DKE front end says, and the settings of that
 * front end. The input is a byte for the method, then a target, the values of Authorization,
 * Content-Type and Doublekey-Front, with LF between them, and behind them settings.
 */
#include <string.h>

#include "fuzz.h"
#include "httpd/dke_text.h"
#include "ipc/dke_conf.h"
#include "native/code.h"

/* Up to the next LF or the end; NULL: nothing is left. A copy of exactly its length. */
static char *
line(const uint8_t **at, const uint8_t *end)
{
	const uint8_t *lf = *at ? memchr(*at, '\n', (size_t)(end - *at)) : NULL;
	const uint8_t *stop = lf ? lf : end;
	char *text;

	if (!*at)
		return NULL;
	text = malloc((size_t)(stop - *at) + 1);
	FUZZ_CHECK(text);
	memcpy(text, *at, (size_t)(stop - *at));
	text[stop - *at] = '\0';
	*at = lf ? lf + 1 : NULL;
	return text;
}

/* What was taken is the path, but for the case of one word. */
static void
check_target(const char *target, const struct dke_target *t)
{
	char path[2 * (IPC_DKE_NAME_MAX_BYTES + 1) + sizeof("/decrypt") + 1];
	int len = t->decrypt ? snprintf(path, sizeof(path), "/%s/%s/decrypt", t->name, t->id)
			     : snprintf(path, sizeof(path), "/%s", t->name);
	size_t word = t->decrypt ? strlen("decrypt") : 0;

	FUZZ_CHECK(ipc_dke_name_valid(t->name, strlen(t->name)));
	FUZZ_CHECK(!t->decrypt || ipc_dke_name_valid(t->id, strlen(t->id)));
	FUZZ_CHECK(strncmp(target, path, (size_t)len - word) == 0);
	FUZZ_CHECK(target[len] == '\0' || target[len] == '?');
}

static void
try_target(unsigned method, const char *target)
{
	struct dke_target t;
	unsigned code = dke_target_parse(method % 3, target, &t);

	FUZZ_CHECK(code == DK_CODE_OK || code == DK_CODE_NOT_FOUND || code == DK_CODE_METHOD ||
	    code == DK_CODE_HTTP);
	if (code == DK_CODE_OK) {
		FUZZ_CHECK(method % 3 == (t.decrypt ? DKE_POST : DKE_GET));
		check_target(target, &t);
	}
}

static void
try_token(const char *value)
{
	struct dk_part token;
	const char *text;

	if (dke_token_parse(value, &token) != DK_CODE_OK)
		return;
	text = token.data;
	FUZZ_CHECK(token.len >= 1 && token.len <= IPC_DKE_TOKEN_MAX_BYTES);
	FUZZ_CHECK(text[0] != ' ' && text[token.len - 1] != ' ');
	FUZZ_CHECK(text >= value && text + token.len <= value + strlen(value));
}

static void
try_front(const char *value)
{
	struct dke_front front;
	size_t len;

	if (!dke_front_parse(value, &front))
		return;
	len = strlen(front.person);
	FUZZ_CHECK(len >= 1 && len <= IPC_DKE_PERSON_MAX_BYTES);
	for (size_t i = 0; i < len; i++)
		FUZZ_CHECK(front.person[i] > ' ' && front.person[i] < 0x7f &&
		    (front.person[i] < 'A' || front.person[i] > 'Z'));
}

/* What is read is written again byte for byte. */
static void
try_conf(const uint8_t *data, size_t len)
{
	uint8_t again[IPC_DKE_CONF_MAX_BYTES];
	struct ipc_dke_conf conf;
	size_t host;

	if (!ipc_dke_conf_read(data, len, &conf))
		return;
	(void)ipc_dke_host(conf.base_url, &host);
	FUZZ_CHECK(host > 0 && ipc_dke_url_valid(conf.base_url));
	FUZZ_CHECK(ipc_dke_conf_write(&conf, again) == len && memcmp(again, data, len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *at = len > 1 ? data + 1 : NULL, *end = data + len;
	char *target = line(&at, end), *token = line(&at, end), *type = line(&at, end);
	char *front = line(&at, end);
	uint8_t *rest;

	if (target)
		try_target(data[0], target);
	try_token(token);
	(void)dke_type_is_json(type);
	if (front)
		try_front(front);
	if (at) {
		rest = fuzz_exact(at, (size_t)(end - at));
		try_conf(rest, (size_t)(end - at));
		free(rest);
	}
	free(target);
	free(token);
	free(type);
	free(front);
	return 0;
}
