/* SPDX-License-Identifier: Apache-2.0 */
#include "authd/jwt.h"

#include <string.h>
#include <strings.h>

#include "authd/jose.h"
#include "base/secret.h"

/* The part between two places as an object. */
static json_t *
decode(struct jwt *w, size_t begin, size_t end)
{
	json_t *object = NULL;
	size_t len;

	if (end > begin &&
	    jose_decode(w->text + begin, end - begin, w->bytes, sizeof(w->bytes), &len))
		object = jose_object(w->bytes, len);
	dk_wipe(w->bytes, sizeof(w->bytes));
	return object;
}

bool
jwt_read(struct jwt *w, const uint8_t *text, size_t len, size_t max)
{
	unsigned dots = 0;
	size_t got;

	w->header = w->claims = NULL;
	if (len > max || len > sizeof(w->bytes))
		return false;
	memcpy(w->text, text, len);
	w->len = len;
	for (size_t i = 0; i < len; i++) {
		if (w->text[i] != '.')
			continue;
		if (dots == 2)
			return false;
		w->dot[dots++] = i;
	}
	if (dots != 2 || w->dot[1] + 1 >= len ||
	    !jose_decode(
		w->text + w->dot[1] + 1, len - w->dot[1] - 1, w->bytes, sizeof(w->bytes), &got))
		return false;
	w->header = decode(w, 0, w->dot[0]);
	w->claims = decode(w, w->dot[0] + 1, w->dot[1]);
	return w->header && w->claims;
}

static bool
type_ok(const json_t *typ)
{
	static const char *const types[] = { "JWT", "at+jwt", "application/at+jwt" };
	const char *name = json_string_value(typ);

	for (size_t i = 0; name && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcasecmp(name, types[i]) == 0)
			return true;
	return !typ;
}

/* An algorithm of ours, or NULL. */
static const char *
algorithm(const json_t *header)
{
	static const char *const names[] = { "RS256", "PS256", "ES256" };
	const char *alg = json_string_value(json_object_get(header, "alg"));

	for (size_t i = 0; alg && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(alg, names[i]) == 0)
			return names[i];
	return NULL;
}

bool
jwt_header_ok(const struct jwt *w)
{
	const json_t *header = w->header;

	return algorithm(header) && jose_text(header, "kid", 1, KEYSET_KID_MAX_BYTES) &&
	    !json_object_get(header, "crit") && !json_object_get(header, "b64") &&
	    !json_object_get(header, "zip") && type_ok(json_object_get(header, "typ"));
}

const struct keyset_key *
jwt_find_key(const struct jwt *w, const struct keyset *keys)
{
	const json_t *header = w->header;
	const char *alg = algorithm(header);
	const struct keyset_key *key =
	    keyset_find(keys, json_string_value(json_object_get(header, "kid")));

	if (!key || key->rsa != (alg[0] != 'E') ||
	    (key->alg[0] != '\0' && strcmp(key->alg, alg) != 0))
		return NULL;
	return key;
}

bool
jwt_signature_ok(const struct jwt *w, const struct keyset_key *key)
{
	cjose_jws_t *jws = cjose_jws_import(w->text, w->len, NULL);
	bool ok = jws && cjose_jws_verify(jws, key->jwk, NULL);

	cjose_jws_release(jws);
	return ok;
}

/* Whole seconds since 1970; false for anything else. */
static bool
seconds(const json_t *value, uint64_t *ret)
{
	json_int_t v = json_integer_value(value);

	*ret = (uint64_t)v;
	return json_is_integer(value) && v >= 0 && v < (INT64_C(1) << 40);
}

bool
jwt_times_hold(const struct jwt_times *times, uint32_t max_age, uint64_t now)
{
	return now < times->expires && times->begins <= now + JWT_AHEAD_MAX_S &&
	    times->issued <= now + JWT_AHEAD_MAX_S && times->issued + max_age >= now;
}

bool
jwt_times_ok(const struct jwt *w, uint32_t max_age, uint64_t now, struct jwt_times *ret_times)
{
	const json_t *claims = w->claims;
	const json_t *nbf = json_object_get(claims, "nbf");
	struct jwt_times *t = ret_times;

	*t = (struct jwt_times){ .begins = 0 };
	return seconds(json_object_get(claims, "exp"), &t->expires) &&
	    seconds(json_object_get(claims, "iat"), &t->issued) &&
	    (!nbf || seconds(nbf, &t->begins)) && jwt_times_hold(t, max_age, now);
}

void
jwt_clear(struct jwt *w)
{
	json_decref(w->header);
	json_decref(w->claims);
	dk_wipe(w, sizeof(*w));
}
