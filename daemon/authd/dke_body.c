/* SPDX-License-Identifier: Apache-2.0 */
#include "authd/dke_body.h"

#include <string.h>
#include <strings.h>

#include "authd/jose.h"
#include "crypto/base64.h"

static bool members_differ(json_t *value, unsigned depth);

/* strcasecmp() folds ASCII alone: nobody has called setlocale(). */
static bool
stands_once(json_t *object, const char *name)
{
	const char *other;
	unsigned count = 0;
	json_t *value;

	json_object_foreach(object, other, value) count += strcasecmp(name, other) == 0;
	return count == 1;
}

static bool
object_differs(json_t *object, unsigned depth)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name,
	    value) if (!stands_once(object, name) || !members_differ(value, depth)) return false;
	return true;
}

/* That no two members of an object are the same but for case, at any depth; which is that
 * of the parser, and so at most DKE_BODY_DEPTH_MAX. */
static bool
members_differ(json_t *value, unsigned depth)
{
	json_t *item;
	size_t i;

	if (depth == 0)
		return !json_is_object(value) && !json_is_array(value);
	if (json_is_object(value))
		return object_differs(value, depth - 1);
	json_array_foreach(value, i, item) if (!members_differ(item, depth - 1)) return false;
	return true;
}

/* Its name in any case. */
static const json_t *
member(json_t *object, const char *want)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value) if (strcasecmp(name, want) == 0) return value;
	return NULL;
}

bool
dke_body_parse(
    const uint8_t *body, size_t len, uint8_t ret_value[DKE_VALUE_MAX_BYTES], size_t *ret_len)
{
	json_t *json = jose_object_within(body, len, DKE_BODY_DEPTH_MAX);
	const json_t *alg = member(json, "alg"), *value = member(json, "value");
	const char *name = json_string_value(alg), *text = json_string_value(value);
	bool ok = json && members_differ(json, DKE_BODY_DEPTH_MAX) && name && text &&
	    strcmp(name, "RSA-OAEP-256") == 0 &&
	    dk_base64_decode(text, json_string_length(value), ret_value, DKE_VALUE_MAX_BYTES,
		ret_len) == DK_OK &&
	    *ret_len > 0;

	json_decref(json);
	return ok;
}
