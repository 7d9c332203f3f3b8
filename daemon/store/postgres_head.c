/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the log is, and the macs of spec/cluster.md section 2.1. Who has the password of the
 * database can write each row; what nodes sign, and by which state they judge, rests on two of
 * them.
 */
#include "base/bytes.h"
#include "crypto/crypto.h"
#include "format/schedule.h"
#include "store/postgres_impl.h"

#define NUMBERS_BYTES (3 * 8 + 1)
/* One test has a program without it, and shows what it is for. */
#ifdef STORE_UNAUTHENTICATED
#define MUST_BE_OURS false
#else
#define MUST_BE_OURS true
#endif

unsigned
pg_frontier_count(const struct store_head *head)
{
	return (unsigned)__builtin_popcountll(head->size);
}

bool
pg_head_mac(struct postgres *pg, const struct store_head *head, uint8_t ret[PG_MAC_BYTES])
{
	static const uint8_t none[sizeof(head->policy)];
	uint8_t prefix[DK_INFO_MAX_BYTES], numbers[NUMBERS_BYTES];
	struct dk_writer_buf wr;
	size_t len;

	dk_wr_init(&wr, numbers, sizeof(numbers));
	dk_wr_u64(&wr, head->size);
	dk_wr_u64(&wr, head->generation);
	dk_wr_u64(&wr, head->sealed);
	dk_wr_u8(&wr, head->has_policy);
	if (dk_info("store-head", NULL, 0, prefix, &len) != DK_OK)
		return pg_lost(pg, "no memory");
	const struct dk_part parts[] = { { prefix, len }, { pg->log.id, sizeof(pg->log.id) },
		{ numbers, wr.len },
		{ head->has_policy ? head->policy : none, sizeof(head->policy) },
		{ head->frontier, (size_t)pg_frontier_count(head) * DK_HASH_BYTES } };

	return dk_hmac_sha384(&pg->log.key, parts, 5, ret) == DK_OK || pg_lost(pg, "no memory");
}

bool
pg_sealed_mac(struct postgres *pg, uint64_t generation, const uint8_t *sealed, size_t len,
    uint8_t ret[PG_MAC_BYTES])
{
	uint8_t prefix[DK_INFO_MAX_BYTES], number[8];
	struct dk_writer_buf wr;
	size_t prefix_len;

	dk_wr_init(&wr, number, sizeof(number));
	dk_wr_u64(&wr, generation);
	if (dk_info("store-sealed", NULL, 0, prefix, &prefix_len) != DK_OK)
		return pg_lost(pg, "no memory");
	const struct dk_part parts[] = { { prefix, prefix_len }, { pg->log.id, sizeof(pg->log.id) },
		{ number, sizeof(number) }, { sealed, len } };

	return dk_hmac_sha384(&pg->log.key, parts, 4, ret) == DK_OK || pg_lost(pg, "no memory");
}

bool
pg_is_ours(struct postgres *pg, const PGresult *result, int column, const uint8_t mac[PG_MAC_BYTES])
{
	uint8_t stored[PG_MAC_BYTES];

	return !MUST_BE_OURS ||
	    (pg_field(result, 0, column, sizeof(stored), stored) &&
		dk_equal_ct(stored, mac, sizeof(stored))) ||
	    pg_lost(pg, "store-forged: a row of the database was not written by a node");
}

bool
pg_read_head(struct postgres *pg, const PGresult *result, struct store_head *ret)
{
	const uint64_t state = PQntuples(result) == 1 ? pg_number(result, 0, 0) : STORE_MOVED;
	uint8_t mac[PG_MAC_BYTES];
	struct store_head head;

	if (!pg->any_state && state != STORE_IN_FORCE)
		return pg_lost(pg, "store-moved: the log was moved away from this database");
	head = (struct store_head){ .size = pg_number(result, 0, 1),
		.entry_s = pg_number(result, 0, 2),
		.not_before_s = pg_number(result, 0, 3),
		.generation = pg_number(result, 0, 4),
		.sealed = pg_number(result, 0, 5),
		.has_policy = !PQgetisnull(result, 0, 6) };
	if ((head.has_policy && !pg_field(result, 0, 6, sizeof(head.policy), head.policy)) ||
	    head.size >> STORE_LEVELS != 0 ||
	    !pg_field(
		result, 0, 7, (size_t)pg_frontier_count(&head) * DK_HASH_BYTES, head.frontier))
		return pg_lost(pg, "store-damaged: the head of the log has another form");
	if (!pg_head_mac(pg, &head, mac) || !pg_is_ours(pg, result, 8, mac))
		return false;
	*ret = head;
	return true;
}
