/* SPDX-License-Identifier: Apache-2.0 */
#include "parent/import.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/dke.h"
#include "parent/tell.h"

#define FILE_MAX_BYTES (1u << 20)
#define COMMAND "key import"

static bool
read_all(const char *path, char *text, size_t *ret_len)
{
	bool own = strcmp(path, "-") != 0;
	FILE *file = own ? fopen(path, "rbe") : stdin;
	bool ok;

	if (!file) {
		tell(path, "file", "cannot be read: %s", strerror(errno));
		return false;
	}
	(void)setvbuf(file, NULL, _IONBF, 0); /* a key would stay in it */
	*ret_len = fread(text, 1, FILE_MAX_BYTES + 1, file);
	ok = !ferror(file) && *ret_len <= FILE_MAX_BYTES;
	if (!ok)
		tell(path, "file", ferror(file) ? "cannot be read" : "is longer than 1 MiB");
	if (own)
		(void)fclose(file);
	return ok;
}

static bool
take_key(const char *path, const char *text, size_t len, struct import *import)
{
	uint8_t der[DK_PKEY_PRIVATE_MAX_BYTES];
	size_t der_len = sizeof(der);
	dk_auto_dke *key = NULL;
	dk_err err = dk_dke_import(text, len, &key);

	if (err == DK_OK)
		err = dk_dke_private_bytes(key, der, &der_len);
	if (err == DK_OK)
		err = dk_base64_encode(der, der_len, import->key, sizeof(import->key));
	dk_wipe(der, sizeof(der));
	if (err == DK_ERR_KEY_TYPE)
		tell(path, dk_err_name(err),
		    "no private RSA key of 2,048, 3,072 or 4,096 bits and the exponent 65537");
	else if (err == DK_ERR_KEY_NEED_PASSPHRASE)
		tell(path, dk_err_name(err), "is encrypted: 'openssl pkey -in FILE' decrypts it");
	else if (err != DK_OK)
		tell(path, dk_err_name(err),
		    "no private key in PEM (PKCS #8 or PKCS #1), in base64, or in TestKeys of "
		    "appsettings.json");
	return err == DK_OK;
}

/* ---- the sample's configuration ---- */

static bool
is_wanted(const json_t *entry, const struct import *import)
{
	const char *name = json_string_value(json_object_get(entry, "Name"));
	const char *id = json_string_value(json_object_get(entry, "Id"));

	return name && id && strcmp(id, import->id) == 0 &&
	    (import->name[0] == '\0' || strcmp(name, import->name) == 0);
}

static bool
take_entry(const char *path, const json_t *entry, struct import *import)
{
	const char *name = json_string_value(json_object_get(entry, "Name"));
	const char *key = json_string_value(json_object_get(entry, "PrivatePem"));

	if (!key || strlen(name) >= sizeof(import->name)) {
		tell(path, "file", "this entry of TestKeys has no PrivatePem, or too long a Name");
		return false;
	}
	memcpy(import->name, name, strlen(name) + 1);
	return take_key(path, key, strlen(key), import);
}

static bool
take_json(const char *path, const char *text, size_t len, struct import *import)
{
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *keys = json_object_get(root, "TestKeys"), *entry, *found = NULL;
	unsigned count = 0;
	bool ok = false;
	size_t i;

	json_array_foreach(keys, i, entry)
	{
		if (!is_wanted(entry, import))
			continue;
		found = entry;
		count++;
	}
	if (count == 1)
		ok = take_entry(path, found, import);
	else if (!json_is_array(keys))
		tell(path, "file", "no JSON with an array TestKeys (comments have no place in it)");
	else
		tell(path, "file",
		    count == 0 ? "TestKeys has no entry with this Id%s (upper and lower case count)"
			       : "TestKeys has several entries with this Id%s",
		    import->name[0] ? " and Name" : "");
	json_decref(root);
	return ok;
}

static void *
wiping_alloc(size_t size)
{
	size_t *memory = malloc(sizeof(max_align_t) + size);

	if (!memory)
		return NULL;
	*memory = size;
	return (char *)memory + sizeof(max_align_t);
}

static void
wiping_free(void *memory)
{
	size_t *begin = memory ? (size_t *)(void *)((char *)memory - sizeof(max_align_t)) : NULL;

	if (begin)
		dk_wipe(begin, sizeof(max_align_t) + *begin);
	free(begin);
}

bool
import_read(const char *path, struct import *import)
{
	char *text = malloc(FILE_MAX_BYTES + 1);
	const char *begin = text;
	size_t len = 0;
	bool ok = text && read_all(path, text, &len);

	json_set_alloc_funcs(wiping_alloc, wiping_free);
	if (ok && len >= 3 && memcmp(begin, "\xef\xbb\xbf", 3) == 0) { /* editors put it there */
		begin += 3;
		len -= 3;
	}
	while (ok && len > 0 && strchr(" \t\r\n", *begin) && *begin != '\0') {
		begin++;
		len--;
	}
	if (ok)
		ok = len > 0 && *begin == '{' ? take_json(path, begin, len, import)
					      : take_key(path, begin, len, import);
	if (text)
		dk_wipe(text, FILE_MAX_BYTES + 1);
	free(text);
	return ok;
}
