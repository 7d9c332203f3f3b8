/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receipts, records and checkpoints of a log whose keys are those of the vectors. The
 * first byte says which. What a fuzzer cannot sign, the seeds have.
 */
#include <string.h>

#include "fuzz.h"
#include "log/receipt.h"
#include "vector_file.h"

static struct dk_log_keys keys;
static struct dk_log_object objects[DK_LOG_OBJECTS_MAX];

static void
check_event(const struct dk_log_event *e)
{
	FUZZ_CHECK(e->object_count <= DK_LOG_OBJECTS_MAX && e->objects == objects);
	FUZZ_CHECK(e->factor_count <= DK_LOG_FACTORS_MAX);
	FUZZ_CHECK(
	    strlen(e->user) <= (e->is_person ? DK_LOG_PERSON_MAX_BYTES : DK_LOG_NAME_MAX_BYTES));
	FUZZ_CHECK(strlen(e->note) <= DK_LOG_NOTE_MAX_BYTES);
	FUZZ_CHECK(e->token_len <= DK_LOG_TOKEN_MAX_BYTES);
}

/* An event that was read can be written, and is read as the same. */
static void
write_again(const struct dk_log_event *e)
{
	static struct dk_log_object seen[DK_LOG_OBJECTS_MAX];
	uint8_t *record = malloc(DK_RECORD_MAX_BYTES), leaf[DK_LEAF_BYTES];
	struct dk_log_event again;
	size_t len;

	FUZZ_CHECK(record != NULL);
	if (!e->person_erased &&
	    dk_record_encode(e, record, DK_RECORD_MAX_BYTES, &len, leaf) == DK_OK) {
		FUZZ_CHECK(dk_record_open(record, len, leaf, seen, &again) == DK_OK);
		again.objects = e->objects;
		FUZZ_CHECK(strcmp(again.user, e->user) == 0 && again.is_person == e->is_person);
		FUZZ_CHECK(
		    strcmp(again.client, e->client) == 0 && strcmp(again.rule, e->rule) == 0);
		FUZZ_CHECK(again.time == e->time && again.reason == e->reason);
		FUZZ_CHECK(again.factor_count == e->factor_count);
		FUZZ_CHECK(again.object_count == e->object_count);
		FUZZ_CHECK(strcmp(again.note, e->note) == 0);
	}
	free(record);
}

/* What is left without the person opens the same leaf, and says the same but for it. */
static void
erase(const uint8_t *record, size_t len, const uint8_t *leaf, const struct dk_log_event *e)
{
	static struct dk_log_object seen[DK_LOG_OBJECTS_MAX];
	uint8_t *out = malloc(len + DK_RECORD_ERASED_MORE_BYTES), *again;
	struct dk_log_event left;
	size_t out_len, none;

	FUZZ_CHECK(out != NULL);
	FUZZ_CHECK(dk_record_erase_person(record, len, out, &out_len) == DK_OK);
	FUZZ_CHECK(
	    (out_len > 0) == (e->user[0] || e->has_device || e->device_name[0] || e->has_address));
	if (out_len > 0) {
		FUZZ_CHECK(dk_record_open(out, out_len, leaf, seen, &left) == DK_OK);
		FUZZ_CHECK(left.person_erased && !left.user[0] && !left.has_device);
		FUZZ_CHECK(left.time == e->time && strcmp(left.note, e->note) == 0);
		FUZZ_CHECK(left.object_count == e->object_count);
		FUZZ_CHECK(memcmp(seen, e->objects, e->object_count * sizeof(*seen)) == 0);
		again = fuzz_exact(out, out_len);
		FUZZ_CHECK(
		    dk_record_erase_person(again, out_len, out, &none) == DK_OK && none == 0);
		free(again);
	}
	free(out);
}

static void
receipt(const uint8_t *data, size_t len)
{
	struct dk_log_event event;
	uint64_t index;

	if (dk_receipt_verify(&keys, data, len, objects, &event, &index) == DK_OK)
		check_event(&event);
}

static void
record(const uint8_t *data, size_t len)
{
	struct dk_log_event event;

	if (len < DK_LEAF_BYTES)
		return;
	if (dk_record_open(data + DK_LEAF_BYTES, len - DK_LEAF_BYTES, data, objects, &event) !=
	    DK_OK)
		return;
	check_event(&event);
	erase(data + DK_LEAF_BYTES, len - DK_LEAF_BYTES, data, &event);
	write_again(&event);
}

static void
checkpoint(const uint8_t *data, size_t len)
{
	struct dk_checkpoint cp;

	if (dk_checkpoint_verify(&keys, (const char *)data, len, &cp) == DK_OK)
		FUZZ_CHECK(len > strlen(keys.origin) && len <= DK_CHECKPOINT_MAX_BYTES);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const fuzz_way ways[] = { receipt, record, checkpoint };
	static struct dk_service_data service;

	if (!keys.origin[0]) {
		vector_file_service("checkpoint_good", &service);
		dk_service_log_keys(&service, &keys);
	}
	fuzz_one_of(ways, sizeof(ways) / sizeof(ways[0]), data, len);
	return 0;
}
