/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/dke_text.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "native/code.h"

#define QUERY_MAX_BYTES 256

/* ---- target ---- */

/* A segment of the path: up to the next slash, the query or the end. */
static const char *
take_name(const char *at, char ret[IPC_DKE_NAME_MAX_BYTES + 1])
{
	size_t len = strcspn(at, "/?");

	if (!ipc_dke_name_valid(at, len))
		return NULL;
	memcpy(ret, at, len);
	ret[len] = '\0';
	return at + len;
}

static bool
ends_here(const char *at)
{
	return *at == '\0' || *at == '?';
}

static const char *
take_path(const char *target, struct dke_target *ret)
{
	static const char word[] = "decrypt";
	const char *at = target[0] == '/' ? take_name(target + 1, ret->name) : NULL;

	if (!at || ends_here(at))
		return at;
	at = take_name(at + 1, ret->id);
	if (!at || *at != '/' || strncasecmp(at + 1, word, strlen(word)) != 0)
		return NULL;
	ret->decrypt = true;
	at += 1 + strlen(word);
	return ends_here(at) ? at : NULL;
}

static bool
query_valid(const char *query)
{
	static const char name[] = "protocol-version", version[] = "1.0";
	unsigned count = 0;
	size_t len;

	if (strlen(query) > QUERY_MAX_BYTES)
		return false;
	for (; *query; query += len + (query[len] == '&')) {
		const char *value = query + strlen(name);

		len = strcspn(query, "&");
		if (strncmp(query, name, strlen(name)) != 0 ||
		    (*value != '=' && value != query + len))
			continue;
		if (++count > 1 || *value != '=' ||
		    (size_t)(query + len - value - 1) != strlen(version) ||
		    strncmp(value + 1, version, strlen(version)) != 0)
			return false;
	}
	return true;
}

unsigned
dke_target_parse(enum dke_method method, const char *target, struct dke_target *ret)
{
	const char *at;

	*ret = (struct dke_target){ .decrypt = false };
	at = take_path(target, ret);
	if (!at)
		return DK_CODE_NOT_FOUND;
	if (method != (ret->decrypt ? DKE_POST : DKE_GET))
		return DK_CODE_METHOD;
	return *at == '\0' || query_valid(at + 1) ? DK_CODE_OK : DK_CODE_HTTP;
}

/* ---- headers ---- */

unsigned
dke_token_parse(const char *value, struct dk_part *ret_token)
{
	static const char scheme[] = "bearer ";
	size_t len;

	if (!value || strncasecmp(value, scheme, strlen(scheme)) != 0)
		return DK_CODE_TOKEN_REQUIRED;
	value += strlen(scheme);
	value += strspn(value, " ");
	len = strlen(value);
	while (len > 0 && value[len - 1] == ' ')
		len--;
	if (len == 0)
		return DK_CODE_TOKEN_REQUIRED;
	if (len > IPC_DKE_TOKEN_MAX_BYTES)
		return DK_CODE_TOKEN;
	*ret_token = (struct dk_part){ value, len };
	return DK_CODE_OK;
}

/* Behind a text that is compared without case; NULL: it does not stand there. */
static const char *
behind(const char *at, const char *text)
{
	return strncasecmp(at, text, strlen(text)) == 0 ? at + strlen(text) : NULL;
}

bool
dke_type_is_json(const char *value)
{
	const char *at = value ? behind(value, "application/json") : NULL, *charset;

	if (!value || (at && *at == '\0'))
		return true;
	if (!at)
		return false;
	at += strspn(at, " ");
	if (*at++ != ';')
		return false;
	charset = behind(at + strspn(at, " "), "charset=");
	return charset &&
	    (strcasecmp(charset, "utf-8") == 0 || strcasecmp(charset, "\"utf-8\"") == 0);
}

static bool
take_person(const char *text, size_t len, char ret[IPC_DKE_PERSON_MAX_BYTES + 1])
{
	if (len < 1 || len > IPC_DKE_PERSON_MAX_BYTES ||
	    strspn(text,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		".!#$%&'*+-/=?^_`{|}~@") < len)
		return false;
	for (size_t i = 0; i < len; i++)
		ret[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
	ret[len] = '\0';
	return true;
}

static bool
take_address(const char *text, uint8_t ret[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (inet_pton(AF_INET6, text, ret) == 1)
		return true;
	memcpy(ret, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, ret + sizeof(mapped)) == 1;
}

bool
dke_front_parse(const char *value, struct dke_front *ret)
{
	const char *at = value + strcspn(value, " ");
	size_t len = (size_t)(at - value);

	if (len == strlen("certificate") && strncmp(value, "certificate", len) == 0)
		ret->kind = IPC_DKE_FRONT_CERTIFICATE;
	else if (len == strlen("network") && strncmp(value, "network", len) == 0)
		ret->kind = IPC_DKE_FRONT_NETWORK;
	else
		return false;
	if (*at++ != ' ')
		return false;
	len = strcspn(at, " ");
	return at[len] == ' ' && take_person(at, len, ret->person) &&
	    take_address(at + len + 1, ret->address);
}
