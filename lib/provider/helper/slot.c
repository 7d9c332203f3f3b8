/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "provider/helper/key.h"

#define SLOTS_MAX 256
#define PIN_MAX_BYTES 256

dk_err
token_why(struct token_key *key, dk_err err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(key->why, sizeof(key->why), format, args);
	va_end(args);
	return err;
}

/* Tokens of one module that match; the last one is kept. */
static unsigned
look_at(struct token_key *key, CK_FUNCTION_LIST *f)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG n = SLOTS_MAX;
	CK_TOKEN_INFO info;
	unsigned found = 0;

	if (f->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK)
		return 0;
	for (CK_ULONG i = 0; i < n; i++) {
		if (f->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
		    !(info.flags & CKF_TOKEN_INITIALIZED) ||
		    !p11_kit_uri_match_token_info(key->uri, &info))
			continue;
		key->f = f;
		key->slot = slots[i];
		key->info = info;
		found++;
	}
	return found;
}

static bool
is_meant(const struct token_key *key, CK_FUNCTION_LIST *f)
{
	const char *wanted = p11_kit_uri_get_module_name(key->uri);
	char *name = wanted ? p11_kit_module_get_name(f) : NULL;
	bool meant = !wanted || (name && strcmp(name, wanted) == 0);

	free(name);
	return meant;
}

/* One module by its path, or those that this machine has configured. */
static dk_err
find_token(struct token_key *key)
{
	const char *path = p11_kit_uri_get_module_path(key->uri);
	CK_FUNCTION_LIST *one, **all = NULL;
	unsigned found = 0;

	if (path) {
		one = p11_kit_module_load(path, 0);
		if (!one || p11_kit_module_initialize(one) != CKR_OK)
			return token_why(key, DK_ERR_PROVIDER_UNREACHABLE,
			    "the module %.150s cannot be loaded", path);
		found = look_at(key, one);
	} else {
		all = p11_kit_modules_load_and_initialize(0);
		for (unsigned i = 0; all && all[i]; i++)
			found += is_meant(key, all[i]) ? look_at(key, all[i]) : 0;
	}
	if (found == 0)
		return token_why(key, DK_ERR_PROVIDER_UNREACHABLE, "no such token is there");
	if (found > 1)
		return token_why(key, DK_ERR_PROVIDER_KEY_MISSING, "%u tokens match", found);
	return DK_OK;
}

/* "file:PATH" or a path; false: none, or it cannot be read. */
static bool
read_pin(const char *source, uint8_t pin[PIN_MAX_BYTES + 2], size_t *ret_len)
{
	const char *path = strncmp(source, "file:", 5) == 0 ? source + 5 : source;
	FILE *f = fopen(path, "re");
	size_t len;

	if (!f)
		return false;
	setvbuf(f, NULL, _IONBF, 0);
	len = fread(pin, 1, PIN_MAX_BYTES + 2, f);
	(void)fclose(f);
	while (len > 0 && (pin[len - 1] == '\n' || pin[len - 1] == '\r'))
		len--;
	*ret_len = len;
	return len > 0 && len <= PIN_MAX_BYTES;
}

/* One try: three wrong ones lock many tokens for good. */
dk_err
token_slot_login(struct token_key *key)
{
	const char *source = p11_kit_uri_get_pin_source(key->uri);
	uint8_t pin[PIN_MAX_BYTES + 2];
	size_t len = 0;
	CK_RV rv;

	if (!(key->info.flags & CKF_LOGIN_REQUIRED))
		return DK_OK;
	if (!source)
		return token_why(key, DK_ERR_PROVIDER_CREDENTIALS,
		    "the URI has no pin-source, and the token wants one");
	if (!read_pin(source, pin, &len)) {
		dk_wipe(pin, sizeof(pin));
		return token_why(key, DK_ERR_PROVIDER_CREDENTIALS, "pin-source cannot be read");
	}
	rv = key->f->C_Login(key->session, CKU_USER, pin, len);
	dk_wipe(pin, sizeof(pin));
	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return DK_OK;
	if (rv == CKR_PIN_LOCKED)
		return token_why(key, DK_ERR_PROVIDER_CREDENTIALS, "the PIN is locked");
	return token_why(key, DK_ERR_PROVIDER_CREDENTIALS, "the token does not take the PIN (%s)",
	    p11_kit_strerror(rv));
}

dk_err
token_slot_open(struct token_key *key, const char *uri, bool public_only)
{
	dk_err err;
	CK_RV rv;

	key->uri = p11_kit_uri_new();
	if (!key->uri || p11_kit_uri_parse(uri, P11_KIT_URI_FOR_ANY, key->uri) != P11_KIT_URI_OK ||
	    p11_kit_uri_any_unrecognized(key->uri))
		return token_why(key, DK_ERR_PROVIDER_REFERENCE, "this is no PKCS #11 URI");
	if (p11_kit_uri_get_pin_value(key->uri))
		return token_why(key, DK_ERR_PROVIDER_REFERENCE, "pin-value is not taken");
	err = find_token(key);
	if (err != DK_OK)
		return err;
	(void)snprintf(key->label, sizeof(key->label), "%.32s", (const char *)key->info.label);
	for (size_t n = strlen(key->label); n > 0 && key->label[n - 1] == ' '; n--)
		key->label[n - 1] = '\0';
	rv = key->f->C_OpenSession(key->slot, CKF_SERIAL_SESSION, NULL, NULL, &key->session);
	if (rv != CKR_OK)
		return token_why(key, DK_ERR_PROVIDER_UNREACHABLE,
		    "the token opens no session (%s)", p11_kit_strerror(rv));
	return public_only ? DK_OK : token_slot_login(key);
}
