/* SPDX-License-Identifier: Apache-2.0 */
#include "authd/in_force.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/known_keys.h"
#include "ipc/fetch.h"

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

/* The set of the issuer with this title; data NULL: none. */
static struct ipc_key_set
find_set(const struct dk_part *sets, const char *title)
{
	struct ipc_key_set set;
	struct dk_reader_buf rd;

	dk_rd_init(&rd, sets->data, sets->len);
	while (dk_rd_left(&rd) > 0 && ipc_key_sets_next(&rd, &set))
		if (strlen(title) == set.name.len &&
		    memcmp(title, set.name.data, set.name.len) == 0)
			return set;
	return (struct ipc_key_set){ .fetched_s = 0 };
}

/* False: *ret_why says why there is none that can be used. */
static bool
take_set(const struct policy *policy, struct token_issuer *issuer, const struct ipc_key_set *set,
    const char **ret_why)
{
	*ret_why = "there is no such file";
	if (!set->bytes.data || (issuer->info.key_set != NULL) != (set->fetched_s > 0) ||
	    !keyset_parse(set->bytes.data, set->bytes.len, &issuer->keys, ret_why))
		return false;
	issuer->fetched_s = set->fetched_s;
	known_keys_take(issuer, &issuer->keys, known_keys_until(issuer, policy, set->fetched_s));
	return dk_sha256(&set->bytes, 1, issuer->digest) == DK_OK;
}

static bool
take_issuers(struct in_force *f, const struct dk_part *sets, struct policy_fault *fault)
{
	for (unsigned i = 0; i < policy_issuers(f->policy); i++) {
		struct token_issuer *issuer = &f->issuers.item[f->issuers.count++];
		struct ipc_key_set set;
		const char *why;

		issuer->info = policy_issuer(f->policy, i);
		set = find_set(sets, issuer->info.title);
		if (issuer->info.tenant)
			known_keys_read(issuer, &set.known);
		/* One that is fetched may still come. */
		if (take_set(f->policy, issuer, &set, &why) || issuer->info.key_set)
			continue;
		*fault = (struct policy_fault){ POLICY_ISSUER_KEYS, issuer->info.line, "" };
		if (snprintf(fault->words, sizeof(fault->words), "issuers/%s.jwks: %s",
			issuer->info.title, why) < 0)
			fault->words[0] = '\0';
		return false;
	}
	return true;
}

/* spec/log.md section 3; zeros: no issuer has a set. */
static bool
digest_sets(struct in_force *f)
{
	uint8_t bytes[POLICY_SOURCES_MAX * (1 + 32 + 32)];
	struct dk_part part = { bytes, 0 };
	struct dk_writer_buf wr;

	dk_wr_init(&wr, bytes, sizeof(bytes));
	for (unsigned i = 0; i < f->issuers.count; i++) {
		const struct token_issuer *issuer = &f->issuers.item[i];

		if (issuer->keys.count == 0)
			continue;
		dk_wr_u8(&wr, (uint8_t)strlen(issuer->info.title));
		dk_wr_bytes(&wr, issuer->info.title, strlen(issuer->info.title));
		dk_wr_bytes(&wr, issuer->digest, sizeof(issuer->digest));
	}
	part.len = wr.len;
	return !wr.failed && (wr.len == 0 || dk_sha256(&part, 1, f->keys_digest) == DK_OK);
}

struct in_force *
in_force_new(const struct dk_part *text, const struct dk_part *sets, struct policy_fault *ret_fault)
{
	struct in_force *f = calloc(1, sizeof(*f));

	*ret_fault = (struct policy_fault){ POLICY_NO_MEMORY, 1, "no memory" };
	if (f && policy_parse(text->data, text->len, &f->policy, ret_fault) &&
	    take_issuers(f, sets, ret_fault) && dk_sha256(text, 1, f->digest) == DK_OK &&
	    digest_sets(f))
		return f;
	in_force_free(f);
	return NULL;
}
