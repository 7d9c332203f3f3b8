/* SPDX-License-Identifier: Apache-2.0 */
/* Opening keys by reference, and what is the same for every kind of key. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/key_file.h"
#include "format/key_impl.h"

struct key_text {
	uint8_t bytes[DK_KEY_FILE_MAX_BYTES + 1]; /* one more, to see what is too long */
	size_t len;
};

static void
key_text_clear(struct key_text *text)
{
	dk_wipe(text, sizeof(*text));
}

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_scheme_char(char c)
{
	return is_alpha(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

int
dk_key_ref_scheme(const char *ref, char ret_scheme[DK_KEY_SCHEME_BYTES])
{
	size_t n = 0;
	size_t keep;

	if (!is_alpha(ref[0]))
		return 0;
	while (is_scheme_char(ref[n]))
		n++;
	if (ref[n] != ':')
		return 0;
	keep = n < DK_KEY_SCHEME_BYTES ? n : DK_KEY_SCHEME_BYTES - 1;
	for (size_t i = 0; i < keep; i++)
		ret_scheme[i] =
		    (char)(ref[i] >= 'A' && ref[i] <= 'Z' ? ref[i] - 'A' + 'a' : ref[i]);
	ret_scheme[keep] = '\0';
	return 1;
}

static dk_err
fill(int fd, struct key_text *text)
{
	while (text->len < sizeof(text->bytes)) {
		ssize_t n = read(fd, text->bytes + text->len, sizeof(text->bytes) - text->len);

		if (n == 0)
			return DK_OK;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return DK_ERR_READ;
		text->len += (size_t)n;
	}
	return DK_OK;
}

static dk_err
read_file(const char *path, struct key_text *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int kept;
	dk_err err;

	if (fd < 0)
		return DK_ERR_READ;
	err = fill(fd, text);
	kept = errno;
	(void)close(fd);
	errno = kept;
	return err;
}

static dk_err
ask(const struct dk_key_options *options, const char *name, struct dk_passphrase *passphrase)
{
	dk_err err;

	if (!options || !options->passphrase)
		return DK_ERR_KEY_NEED_PASSPHRASE;
	err = options->passphrase(options->passphrase_ctx, name, passphrase->bytes,
	    sizeof(passphrase->bytes), &passphrase->len);
	if (err != DK_OK)
		return err;
	/* No writer takes an empty one; a longer one would be cut. */
	if (passphrase->len < 1 || passphrase->len > sizeof(passphrase->bytes))
		return DK_ERR_KEY_PASSPHRASE;
	return DK_OK;
}

static dk_err
open_private(const struct dk_key_blob *blob, const struct dk_key_file *file, const char *name,
    const struct dk_key_options *options, struct dk_pkey **ret_pkey)
{
	dk_auto_passphrase passphrase = { .len = 0 };
	dk_auto_private_part part = { .len = 0 };
	const struct dk_passphrase *given = NULL;
	dk_err err;

	if (file->protection == DK_PROTECT_PASSPHRASE) {
		err = ask(options, name, &passphrase);
		if (err != DK_OK)
			return err;
		given = &passphrase;
	}
	err = dk_key_file_open_private(blob->bytes, file, given, &part);
	if (err != DK_OK)
		return err;
	return dk_pkey_from_private((enum dk_key_type)file->type, file->spki, file->spki_len,
	    part.bytes, part.len, ret_pkey);
}

/* Steps 5 and 6. */
static dk_err
open_parsed(const struct dk_key_blob *blob, const struct dk_key_file *file, const char *name,
    const struct dk_key_options *options, struct dk_key **ret)
{
	dk_auto_pkey *pkey = NULL;
	dk_err err;

	err = dk_pkey_from_spki(file->spki, file->spki_len, &pkey);
	if (err == DK_ERR_KEY_TYPE)
		return DK_ERR_KEY_INVALID;
	if (err != DK_OK)
		return err;
	if (dk_pkey_type(pkey) != (enum dk_key_type)file->type)
		return DK_ERR_KEY_INVALID;
	if (file->kind == DK_KIND_PRIVATE && !(options && options->public_only)) {
		dk_pkey_free(pkey);
		pkey = NULL;
		err = open_private(blob, file, name, options, &pkey);
		if (err != DK_OK)
			return err;
	}
	err = dk_key_local_new(file->side, file->custodian, file->created, pkey, ret);
	if (err == DK_OK)
		pkey = NULL; /* now the key's */
	return err;
}

dk_err
dk_key_read(const uint8_t *text, size_t len, const char *name, dk_side side,
    const struct dk_key_options *options, struct dk_key **ret)
{
	dk_auto_key_blob blob = { .len = 0 };
	enum dk_key_kind label;
	struct dk_key_file file;
	dk_err err;

	err = dk_key_text_decode(text, len, &blob, &label);
	if (err != DK_OK)
		return err;
	err = dk_key_file_checksum(blob.bytes, blob.len);
	if (err != DK_OK)
		return err;
	err = dk_key_file_parse(blob.bytes, blob.len, label, &file);
	if (err != DK_OK)
		return err;
	if (side != DK_SIDE_ANY && file.side != side)
		return DK_ERR_KEY_SIDE;
	return open_parsed(&blob, &file, name, options, ret);
}

dk_err
dk_key_open(
    const char *ref, dk_side side, const struct dk_key_options *options, struct dk_key **ret)
{
	__attribute__((cleanup(key_text_clear))) struct key_text text = { .len = 0 };
	char scheme[DK_KEY_SCHEME_BYTES];
	dk_err err;

	if (dk_key_ref_scheme(ref, scheme))
		return strcmp(scheme, "https") == 0 ? dk_key_service_open(ref, side, options, ret)
						    : dk_key_provider_open(ref, side, options, ret);
	err = read_file(ref, &text);
	if (err != DK_OK)
		return err;
	return dk_key_read(text.bytes, text.len, ref, side, options, ret);
}

void
dk_key_free(struct dk_key *key)
{
	if (key)
		key->ops->free(key);
}

int
dk_key_has_private(const struct dk_key *key)
{
	return key->has_private;
}

dk_side
dk_key_side(const struct dk_key *key)
{
	return key->side;
}

const char *
dk_key_type_name(const struct dk_key *key)
{
	return key->type_name;
}

const char *
dk_key_custodian(const struct dk_key *key)
{
	return key->custodian_text;
}

const char *
dk_key_id_hex(const struct dk_key *key)
{
	return key->id_hex;
}

uint64_t
dk_key_created(const struct dk_key *key)
{
	return key->created;
}

const char *
dk_side_name(dk_side side)
{
	static const char *const names[] = { "unknown", "customer", "provider", "creator",
		"auditor" };

	return (unsigned)side < sizeof(names) / sizeof(names[0]) ? names[side] : names[0];
}
