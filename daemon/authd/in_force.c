/* SPDX-License-Identifier: Apache-2.0 */
#include "authd/in_force.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

void
in_force_free(struct in_force *f)
{
	if (!f)
		return;
	for (unsigned i = 0; i < f->issuers.count; i++)
		keyset_clear(&f->issuers.item[i].keys);
	policy_free(f->policy);
	free(f);
}

/* The file of the issuer with this title; data NULL: none. */
static struct dk_part
find_set(const struct dk_part *sets, const char *title)
{
	struct dk_part part = { NULL, 0 };
	struct dk_reader_buf rd;

	dk_rd_init(&rd, sets->data, sets->len);
	while (dk_rd_left(&rd) > 0) {
		size_t name_len = dk_rd_u8(&rd);
		const uint8_t *name = dk_rd_bytes(&rd, name_len);

		part.len = dk_rd_u32(&rd);
		part.data = dk_rd_bytes(&rd, part.len);
		if (rd.failed)
			break;
		if (strlen(title) == name_len && memcmp(title, name, name_len) == 0)
			return part;
	}
	return (struct dk_part){ NULL, 0 };
}

static bool
take_issuers(struct in_force *f, const struct dk_part *sets, struct policy_fault *fault)
{
	for (unsigned i = 0; i < policy_issuers(f->policy); i++) {
		struct token_issuer *issuer = &f->issuers.item[i];
		const char *why = "there is no such file";
		struct dk_part set;

		issuer->info = policy_issuer(f->policy, i);
		set = find_set(sets, issuer->info.title);
		if (!set.data || !keyset_parse(set.data, set.len, &issuer->keys, &why)) {
			*fault = (struct policy_fault){ POLICY_ISSUER_KEYS, issuer->info.line, "" };
			if (snprintf(fault->words, sizeof(fault->words), "issuers/%s.jwks: %s",
				issuer->info.title, why) < 0)
				fault->words[0] = '\0';
			return false;
		}
		f->issuers.count++;
	}
	return true;
}

struct in_force *
in_force_new(const struct dk_part *text, const struct dk_part *sets, struct policy_fault *ret_fault)
{
	struct in_force *f = calloc(1, sizeof(*f));

	*ret_fault = (struct policy_fault){ POLICY_NO_MEMORY, 1, "no memory" };
	if (f && policy_parse(text->data, text->len, &f->policy, ret_fault) &&
	    take_issuers(f, sets, ret_fault) && dk_sha256(text, 1, f->digest) == DK_OK &&
	    (f->issuers.count == 0 || dk_sha256(sets, 1, f->keys_digest) == DK_OK))
		return f;
	in_force_free(f);
	return NULL;
}
