/* SPDX-License-Identifier: Apache-2.0 */
#include "log/quorum.h"

/* Nodes only name nodes before them, so that one pass is enough. */
bool
dk_quorum_reached(const struct dk_quorum *quorum, uint32_t witnesses)
{
	uint64_t reached = 0;

	if (quorum->quorum == DK_QUORUM_NONE)
		return true;
	for (unsigned i = 0; i < quorum->node_count; i++) {
		const struct dk_quorum_node *node = &quorum->node[i];
		bool is = node->needed > 0
		    ? __builtin_popcountll(reached & node->members) >= node->needed
		    : (witnesses >> node->witness & 1) != 0;

		reached |= (uint64_t)is << i;
	}
	return (reached >> quorum->quorum & 1) != 0;
}

dk_err
dk_quorum_check(
    const struct dk_quorum *quorum, const struct dk_note *note, struct dk_quorum_seen *ret_seen)
{
	struct dk_quorum_seen seen = { .witnesses = 0 };
	struct dk_note_seen of_one;
	dk_err err;

	for (unsigned i = 0; i < quorum->witness_count; i++) {
		err = dk_note_verify(note, &quorum->witness[i].key, &of_one);
		if (err != DK_OK)
			return err;
		if (of_one.count == 0)
			continue;
		seen.witnesses |= (uint32_t)1 << i;
		seen.time[i] = of_one.time;
	}
	seen.reached = dk_quorum_reached(quorum, seen.witnesses);
	*ret_seen = seen;
	return DK_OK;
}

/* Those that signed at this time, and before (or later). */
static uint32_t
signed_at(
    const struct dk_quorum *quorum, const struct dk_quorum_seen *seen, uint64_t time, bool before)
{
	uint32_t found = 0;

	for (unsigned i = 0; i < quorum->witness_count; i++)
		if ((seen->witnesses >> i & 1) &&
		    (before ? seen->time[i] <= time : seen->time[i] >= time))
			found |= (uint32_t)1 << i;
	return found;
}

bool
dk_quorum_times(const struct dk_quorum *quorum, const struct dk_quorum_seen *seen,
    uint64_t *ret_low, uint64_t *ret_high)
{
	uint64_t low = 0, high = UINT64_MAX;

	if (quorum->quorum == DK_QUORUM_NONE || !dk_quorum_reached(quorum, seen->witnesses))
		return false;
	for (unsigned i = 0; i < quorum->witness_count; i++) {
		uint64_t time = seen->time[i];

		if (!(seen->witnesses >> i & 1))
			continue;
		if (time > low && dk_quorum_reached(quorum, signed_at(quorum, seen, time, false)))
			low = time;
		if (time < high && dk_quorum_reached(quorum, signed_at(quorum, seen, time, true)))
			high = time;
	}
	*ret_low = low;
	*ret_high = high;
	return true;
}
