/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/keys/NAME, spec/key-service.md section 5. */
#include <stdlib.h>
#include <string.h>

#include "format/schedule.h"
#include "format/stanza.h"
#include "ipc/payload.h"
#include "keyd/keyd.h"

static void
fill(struct keyd *keyd, const struct service_key *key, struct dk_key_statement *st)
{
	*st = (struct dk_key_statement){ .time = ipc_now() };
	memcpy(st->name, key->name, strlen(key->name) + 1);
	memcpy(st->custodian, keyd->state.service.custodian, DK_CUSTODIAN_BYTES);
	for (unsigned i = 0; i < key->version_count; i++) {
		const struct key_version *v = &key->version[i];
		struct dk_key_version *out = &st->version[st->version_count];

		*out = (struct dk_key_version){ .version = v->number,
			.type = v->type,
			.state = v->state,
			.created = v->created,
			.index = v->index,
			.receipt = v->receipt,
			.receipt_len = v->receipt_len };
		out->spki = dk_pkey_spki(v->pkey, &out->spki_len);
		st->version_count++;
	}
	if (!key->recovery)
		return;
	st->recovery_custodian = key->recovery_custodian;
	st->recovery_type = dk_stanza_type_of(key->recovery);
	st->recovery_spki = dk_pkey_spki(key->recovery, &st->recovery_spki_len);
}

static dk_err
sign(struct keyd *keyd, struct dk_writer_buf *wr)
{
	uint8_t prefix[DK_INFO_MAX_BYTES], sig[DK_SIGNATURE_BYTES];
	struct dk_part parts[2];
	dk_err err;

	err = dk_key_statement_parts(wr->data, wr->len, prefix, parts);
	if (err != DK_OK)
		return err;
	err = dk_ecdsa_sign(keyd->state.identity, parts, 2, sig);
	if (err == DK_OK)
		dk_wr_bytes(wr, sig, sizeof(sig));
	return err;
}

bool
keyd_on_key(struct keyd *keyd, const struct ipc_message *message)
{
	static struct dk_key_statement st;
	char name[IPC_NAME_MAX_BYTES + 1];
	struct service_key *key;
	struct dk_writer_buf wr;
	size_t cap = 2048 + DK_SPKI_MAX_BYTES;
	uint8_t *body;

	key = ipc_text_read(message, name) ? state_key_by_name(&keyd->state, name) : NULL;
	if (key && key->dke_name[0])
		key = NULL; /* another front end's */
	if (key)
		fill(keyd, key, &st);
	if (!key) {
		keyd_result(keyd, message->id, DK_CODE_UNKNOWN_KEY, NULL, 0);
		return true;
	}
	for (unsigned i = 0; i < st.version_count; i++)
		cap += 64 + st.version[i].spki_len + st.version[i].receipt_len;
	body = malloc(cap);
	if (!body) {
		keyd_result(keyd, message->id, DK_CODE_BUSY, NULL, 0);
		return true;
	}
	dk_wr_init(&wr, body, cap);
	dk_key_statement_write(&wr, &st);
	if (sign(keyd, &wr) != DK_OK)
		wr.failed = true;
	for (unsigned i = 0; i < st.version_count; i++) {
		dk_wr_u32(&wr, (uint32_t)st.version[i].receipt_len);
		dk_wr_bytes(&wr, st.version[i].receipt, st.version[i].receipt_len);
	}
	keyd_result(keyd, message->id, wr.failed ? DK_CODE_INTERNAL : DK_CODE_OK, body, wr.len);
	free(body);
	return true;
}
