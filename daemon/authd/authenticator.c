/* SPDX-License-Identifier: Apache-2.0 */
#include "authd/authenticator.h"

#include <fido.h>
#include <fido/es256.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/child.h"

#define POINT_BYTES 65 /* the end of a SubjectPublicKeyInfo of P-256 */

bool
authenticators_learn(struct authenticators *all, const struct ipc_message *message)
{
	struct ipc_authenticator told;
	struct authenticator *one, **grown;

	if (!ipc_authenticator_read(message, &told))
		return false;
	if (authenticators_find(all, &told.credential))
		return true;
	one = calloc(1, sizeof(*one));
	grown = realloc(all->item, (all->count + 1) * sizeof(struct authenticator *));
	if (!one || !grown)
		say_fatal("no memory");
	memcpy(one->device, told.device, sizeof(one->device));
	memcpy(one->spki, told.spki, sizeof(one->spki));
	memcpy(one->credential, told.credential.data, told.credential.len);
	one->credential_len = (uint16_t)told.credential.len;
	all->item = grown;
	all->item[all->count++] = one;
	return true;
}

const struct authenticator *
authenticators_find(const struct authenticators *all, const struct dk_part *credential)
{
	for (unsigned i = 0; i < all->count; i++) {
		const struct authenticator *one = all->item[i];

		if (one->credential_len == credential->len &&
		    memcmp(one->credential, credential->data, credential->len) == 0)
			return one;
	}
	return NULL;
}

void
authenticators_clear(struct authenticators *all)
{
	for (unsigned i = 0; i < all->count; i++)
		free(all->item[i]);
	free(all->item);
	*all = (struct authenticators){ .count = 0 };
}

/* "https://" HOST [":" PORT] */
static void
host_of(const char *origin, char ret[DK_URL_MAX_BYTES + 1])
{
	const char *host = origin + strlen("https://");
	size_t len = strcspn(host, ":");

	memcpy(ret, host, len);
	ret[len] = '\0';
}

static bool
fill(fido_assert_t *a, const struct dk_assertion *assertion, const char *host)
{
	const struct dk_part *d = &assertion->authenticator, *c = &assertion->client,
			     *s = &assertion->signature;

	return fido_assert_set_rp(a, host) == FIDO_OK &&
	    fido_assert_set_clientdata(a, c->data, c->len) == FIDO_OK &&
	    fido_assert_set_count(a, 1) == FIDO_OK &&
	    fido_assert_set_authdata_raw(a, 0, d->data, d->len) == FIDO_OK &&
	    fido_assert_set_sig(a, 0, s->data, s->len) == FIDO_OK &&
	    fido_assert_set_up(a, FIDO_OPT_TRUE) == FIDO_OK &&
	    fido_assert_set_uv(a, FIDO_OPT_TRUE) == FIDO_OK;
}

static bool
fido_holds(const struct dk_assertion *assertion, const uint8_t *spki, const char *origin)
{
	char host[DK_URL_MAX_BYTES + 1];
	fido_assert_t *a = fido_assert_new();
	es256_pk_t *key = es256_pk_new();
	bool ok = false;

	host_of(origin, host);
	if (a && key &&
	    es256_pk_from_ptr(key, spki + DK_P256_SPKI_BYTES - POINT_BYTES, POINT_BYTES) == FIDO_OK)
		ok = fill(a, assertion, host) &&
		    fido_assert_verify(a, 0, COSE_ES256, key) == FIDO_OK;
	es256_pk_free(&key);
	fido_assert_free(&a);
	return ok;
}

bool
authenticator_holds(const struct dk_assertion *assertion, const uint8_t spki[DK_P256_SPKI_BYTES],
    const char *origin, const uint8_t challenge[32])
{
	dk_auto_pkey *key = NULL;

	return fido_holds(assertion, spki, origin) &&
	    dk_pkey_from_spki(spki, DK_P256_SPKI_BYTES, &key) == DK_OK &&
	    dk_assertion_check(assertion, key, origin, challenge) == DK_OK;
}
