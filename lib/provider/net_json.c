/* SPDX-License-Identifier: Apache-2.0 */
/* What requests and answers of net.c hold. */
#include <stdlib.h>
#include <string.h>

#include "provider/net.h"
#include "provider/wiping.h"

void
net_answer_clear(struct net_answer *answer)
{
	json_decref(answer->json);
	provider_free(answer->text);
	answer->json = NULL;
	answer->text = NULL;
}

const char *
net_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

char *
net_json(json_t *value, size_t *ret_len)
{
	char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;

	if (text)
		*ret_len = strlen(text);
	json_decref(value);
	return text;
}

void
net_json_free(char *text)
{
	provider_free(text);
}

dk_err
net_bytes(const json_t *object, const char *name, uint8_t *ret, size_t cap, size_t *ret_len)
{
	const char *text = net_text(object, name);

	if (!text || dk_base64_decode(text, strlen(text), ret, cap, ret_len) != DK_OK)
		return DK_ERR_PROVIDER_ANSWER;
	return DK_OK;
}

dk_err
net_secret(const json_t *object, const char *name, uint8_t *ret, size_t len)
{
	dk_auto_secret66 secret = { .len = 0 };
	dk_err err;

	if (len > sizeof(secret.bytes))
		return DK_ERR_ARGUMENT;
	err = net_bytes(object, name, secret.bytes, sizeof(secret.bytes), &secret.len);
	if (err != DK_OK)
		return err;
	if (secret.len != len)
		return DK_ERR_PROVIDER_ANSWER;
	memcpy(ret, secret.bytes, len);
	return DK_OK;
}

dk_err
net_set_bytes(json_t *object, const char *name, const uint8_t *data, size_t len)
{
	char *text = malloc(DK_BASE64_CHARS(len) + 1);
	dk_err err = DK_ERR_NOMEM;

	if (object && text &&
	    dk_base64_encode(data, len, text, DK_BASE64_CHARS(len) + 1) == DK_OK &&
	    json_object_set_new(object, name, json_string(text)) == 0)
		err = DK_OK;
	provider_free(text);
	return err;
}
