/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signature under an evidence bundle, spec/evidence.md section 6. Of what is signed, the
 * administrator chooses one digest; the label and the digest of the receipt are made here, and the
 * record comes first.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "evidence/bundle.h"
#include "format/schedule.h"
#include "ipc/payload.h"
#include "keyd/admin.h"

struct signing {
	uint64_t id;
	uint8_t digest[DK_SHA256_BYTES];
};

/* The part "signature". */
static dk_err
sign(struct keyd *keyd, const struct signing *s, const struct dk_receipt *receipt,
    struct dk_writer_buf *wr)
{
	uint8_t info[DK_INFO_MAX_BYTES], *sig;
	struct dk_part part;
	const uint8_t *spki;
	size_t begin, len;
	dk_err err;

	spki = dk_pkey_spki(keyd->state.identity, &len);
	dk_wr_bytes(wr, DK_SIGNATURE_PART_MAGIC, 8);
	dk_wr_bytes(wr, spki, len);
	sig = dk_wr_space(wr, DK_SIGNATURE_BYTES);
	begin = wr->len;
	dk_receipt_write(wr, receipt);
	if (wr->failed || len != DK_P256_SPKI_BYTES)
		return DK_ERR_ARGUMENT;
	err = dk_bundle_signed(s->digest, wr->data + begin, wr->len - begin, info, &part);
	return err == DK_OK ? dk_ecdsa_sign(keyd->state.identity, &part, 1, sig) : err;
}

static void
logged(struct keyd *keyd, unsigned code, const struct dk_receipt *receipt, void *ctx)
{
	uint8_t bytes[DK_SIGNATURE_PART_MAX_BYTES];
	struct admin_text out = { .text = (char *)bytes };
	struct signing *s = ctx;
	struct dk_writer_buf wr;

	dk_wr_init(&wr, bytes, sizeof(bytes));
	if (code == DK_CODE_OK && sign(keyd, s, receipt, &wr) != DK_OK)
		code = DK_CODE_INTERNAL;
	out.len = code == DK_CODE_OK ? wr.len : 0;
	admin_reply(keyd, s->id, code, &out);
	free(s);
}

/* Name, key id, and the digest of the manifest. */
void
admin_evidence(struct keyd *keyd, struct admin_act *act)
{
	struct signing *s = malloc(sizeof(*s));
	struct dk_log_event event;
	unsigned code = DK_CODE_BUSY;

	keyd_event(&event, DK_LOG_EVIDENCE, DK_LOG_ADMIN, DK_CODE_OK);
	keyd_add_factor(&event, DK_FACTOR_LOCAL, IPC_PARENT, act->uid);
	if (s)
		code = act->argc == 3 && dk_unhex(act->arg[2], s->digest, sizeof(s->digest))
		    ? admin_auditor(keyd, act, &event)
		    : DK_CODE_ARGUMENT;
	if (code != DK_CODE_OK) {
		admin_reply(keyd, act->id, code, NULL);
		free(s);
		return;
	}
	s->id = act->id;
	event.has_request = true;
	memcpy(event.request, s->digest, sizeof(event.request));
	keyd_log(keyd, &event, NULL, logged, s);
}
