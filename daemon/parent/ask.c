/* SPDX-License-Identifier: Apache-2.0 */
/* What the administrator asked, printed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/text.h"
#include "log/record.h"
#include "native/code.h"
#include "parent/exchange.h"
#include "parent/parent.h"

#define LOG_PAGE 500

int
cmd_ask(const struct settings *settings, enum ipc_admin_op op, const char *const *args, unsigned n)
{
	struct exchange_answer answer;
	int status = 1;

	if (!exchange(settings->dir, op, args, n, &answer))
		return 1;
	if (answer.code == DK_CODE_OK)
		status =
		    fwrite(answer.data + 2, 1, answer.len - 2, stdout) == answer.len - 2 ? 0 : 1;
	else if (answer.len > 2)
		(void)fprintf(stderr, "doublekeyd: %s: %.*s", dk_code_name(answer.code),
		    (int)(answer.len - 2), (const char *)answer.data + 2);
	else
		(void)fprintf(stderr, "doublekeyd: %s\n", dk_code_name(answer.code));
	memset(answer.data, 0, answer.len);
	free(answer.data);
	return status;
}

/* ---- log ---- */

static void
print_hex(const char *name, const uint8_t *bytes, size_t len)
{
	char hex[2 * 48 + 1];

	dk_hex(bytes, len, hex);
	(void)printf(" %s=%s", name, hex);
}

static void
print_event(uint64_t index, const struct dk_log_event *e)
{
	char when[32] = "?";
	time_t t = (time_t)e->time;
	struct tm tm;

	if (gmtime_r(&t, &tm))
		(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	(void)printf("%" PRIu64 " %s %s %s", index, when, dk_log_class_name(e->class_),
	    e->decision == DK_LOG_DENIED ? "denied" : "done");
	if (e->reason)
		(void)printf(" reason=%s", dk_code_name(e->reason));
	if (e->key_name[0])
		(void)printf(" key=%s", e->key_name);
	if (e->key_version)
		(void)printf(" version=%u", e->key_version);
	if (e->has_key_id)
		print_hex("key-id", e->key_id, 32);
	if (e->user[0])
		(void)printf(" user=%s", e->user);
	if (e->device_name[0])
		(void)printf(" device=\"%s\"", e->device_name);
	if (e->suppressed)
		(void)printf(" suppressed=%u", e->suppressed);
	if (e->note[0])
		(void)printf(" note=\"%s\"", e->note);
	for (unsigned i = 0; i < e->factor_count; i++)
		(void)printf(" factor=%u:%s:%" PRIu64, e->factor[i].type,
		    ipc_process_name(e->factor[i].verifier), e->factor[i].root);
	if (e->has_certificate)
		print_hex("certificate", e->certificate, 32);
	(void)printf("\n");
	for (unsigned i = 0; i < e->object_count; i++) {
		(void)printf("    object %s", dk_code_name(e->objects[i].code));
		print_hex("id", e->objects[i].object_id, 16);
		print_hex("key-id", e->objects[i].key_id, 32);
		(void)printf(" epoch=%u\n", e->objects[i].epoch);
	}
}

/* One page; returns the index after its last entry, or 0. */
static uint64_t
print_page(const struct exchange_answer *answer, uint64_t *ret_size)
{
	static struct dk_log_object objects[DK_LOG_OBJECTS_MAX];
	struct dk_log_event event;
	struct dk_reader_buf rd;
	uint64_t index = 0, next = 0;
	uint32_t count;

	dk_rd_init(&rd, answer->data + 2, answer->len - 2);
	*ret_size = dk_rd_u64(&rd);
	count = dk_rd_u32(&rd);
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *leaf, *record;
		size_t len;

		index = dk_rd_u64(&rd);
		leaf = dk_rd_bytes(&rd, DK_LEAF_BYTES);
		len = dk_rd_u32(&rd);
		record = dk_rd_bytes(&rd, len);
		if (rd.failed)
			return 0;
		if (dk_record_open(record, len, leaf, objects, &event) == DK_OK)
			print_event(index, &event);
		else
			(void)printf("%" PRIu64 " the record does not open its leaf\n", index);
		next = index + 1;
	}
	return next;
}

int
cmd_log(const struct settings *settings)
{
	uint64_t next = 0, size = 1;
	struct exchange_answer answer;
	char first[24], most[24];
	const char *args[] = { first, most };

	while (next < size) {
		if (snprintf(first, sizeof(first), "%" PRIu64, next) < 0 ||
		    snprintf(most, sizeof(most), "%d", LOG_PAGE) < 0 ||
		    !exchange(settings->dir, IPC_OP_LOG, args, 2, &answer))
			return 1;
		next = answer.code == DK_CODE_OK ? print_page(&answer, &size) : 0;
		free(answer.data);
		if (next == 0)
			return 1;
	}
	return 0;
}
