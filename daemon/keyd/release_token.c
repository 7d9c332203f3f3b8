/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in an HSM: tokend is asked first, then it is judged like the others. */
#include <stdlib.h>
#include <string.h>

#include "format/stanza.h"
#include "keyd/release.h"

bool
has_token_keys(const struct keyd *keyd)
{
	for (unsigned i = 0; i < keyd->state.key_count; i++)
		for (unsigned v = 0; v < keyd->state.key[i]->version_count; v++)
			if (keyd->state.key[i]->version[v].token &&
			    !keyd->state.key[i]->dke_name[0])
				return true;
	return false;
}

static void
token_done(
    struct keyd *keyd, void *ctx, unsigned index, unsigned code, const uint8_t *out, size_t len)
{
	struct job *job = ctx;
	struct token_answer *answer = &job->answers[index];

	answer->code = code == DK_CODE_OK && len > sizeof(answer->raw) ? DK_CODE_HSM : code;
	if (answer->code == DK_CODE_OK) {
		memcpy(answer->raw, out, len);
		answer->len = len;
	}
	if (--job->waiting == 0)
		release_conclude(keyd, job);
}

/* Asks for one object, if its key is in the HSM and everything else allows it. */
static unsigned
ask_token(struct keyd *keyd, struct job *job, unsigned i)
{
	const struct dk_release_object *object = &job->parsed[i];
	dk_side side = dk_release_side(object);
	const uint8_t *data = object->core;
	const struct dk_stanza *stanza;
	struct key_version *version;
	dk_auto_pkey *point = NULL;
	struct service_key *key;
	struct dk_header header;
	size_t enc_len;

	if (dk_header_parse_side(data, object->core_len, object->set_len, side, &header) != DK_OK)
		return DK_CODE_OK; /* judged later, like what follows */
	stanza = find_stanza(keyd, data, &header.set[side - 1], &key, &version);
	if (!stanza || !version->token || check_key(key, version) != DK_CODE_OK ||
	    job_verdict(job, i) != DK_CODE_OK)
		return DK_CODE_OK;
	if (!dk_stanza_fits(version->pkey, stanza->type, version->id, stanza->body_len, &enc_len))
		return DK_CODE_STANZA_AUTH;
	if (version->type != DK_KEY_RSA &&
	    dk_pkey_from_point(version->type, data + stanza->body, enc_len, &point) != DK_OK)
		return DK_CODE_STANZA_AUTH;
	if (!keyd_token_use(keyd, version, data + stanza->body, enc_len, token_done, job, i))
		return DK_CODE_HSM;
	job->waiting++;
	return DK_CODE_OK;
}

void
release_ask_tokens(struct keyd *keyd, struct job *job)
{
	job->answers = calloc(job->count, sizeof(*job->answers));
	if (!job->answers) {
		release_refuse(keyd, job, DK_CODE_BUSY);
		return;
	}
	for (unsigned i = 0; i < job->count; i++)
		job->answers[i].code = ask_token(keyd, job, i);
	if (job->waiting == 0)
		release_conclude(keyd, job);
}
