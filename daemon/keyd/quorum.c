/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In mode strict, what logd acknowledges is believed only with a proof: nobody but the
 * witnesses has to be trusted that the record stands in the log that everybody sees.
 */
#include <string.h>

#include "keyd/keyd.h"

void
keyd_quorum_start(struct keyd *keyd)
{
	static struct ipc_witnesses witnesses;
	struct keyd_quorum *q = &keyd->quorum;
	struct dk_service_data *service = &q->service;

	if (!ipc_witnesses_take(KEYD_FD_WITNESSES, &witnesses, &q->policy))
		say_fatal("the policy of the witnesses cannot be used");
	q->strict = witnesses.mode == DK_LOG_STRICT;
	*service = keyd->state.service;
	if (witnesses.len == 0)
		return;
	service->mode = witnesses.mode;
	service->witnesses_len = witnesses.len;
	memcpy(service->witnesses, witnesses.text, witnesses.len);
}

/* Many receipts have the same checkpoint. */
static bool
checkpoint_holds(struct keyd_quorum *q, const struct dk_receipt *receipt)
{
	struct dk_quorum_seen seen;
	struct dk_checkpoint cp;
	struct dk_log_keys keys;
	struct dk_note note;

	if (q->text_len == receipt->checkpoint_len &&
	    memcmp(q->text, receipt->checkpoint, q->text_len) == 0)
		return true;
	dk_service_log_keys(&q->service, &keys);
	if (receipt->checkpoint_len > sizeof(q->text) ||
	    dk_checkpoint_verify(&keys, receipt->checkpoint, receipt->checkpoint_len, &cp) !=
		DK_OK ||
	    dk_note_parse(receipt->checkpoint, receipt->checkpoint_len, &note) != DK_OK ||
	    dk_quorum_check(&q->policy, &note, &seen) != DK_OK || !seen.reached)
		return false;
	q->checkpoint = cp;
	q->text_len = receipt->checkpoint_len;
	memcpy(q->text, receipt->checkpoint, q->text_len);
	return true;
}

bool
keyd_quorum_holds(struct keyd *keyd, const struct dk_receipt *receipt)
{
	struct keyd_quorum *q = &keyd->quorum;
	uint8_t leaf[DK_HASH_BYTES], root[DK_HASH_BYTES];

	return checkpoint_holds(q, receipt) &&
	    dk_merkle_leaf(receipt->leaf, DK_LEAF_BYTES, leaf) == DK_OK &&
	    dk_merkle_inclusion_root(leaf, receipt->index, q->checkpoint.size, receipt->hashes,
		receipt->hash_count, root) == DK_OK &&
	    memcmp(root, q->checkpoint.root, sizeof(root)) == 0;
}
