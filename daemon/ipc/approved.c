/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/approved.h"

#include <stdlib.h>
#include <string.h>

#include "ipc/child.h"
#include "native/code.h"

#define GROWTH 64

static int
compare(const struct approved *a, const uint8_t name[32], uint64_t index)
{
	int order = memcmp(a->name, name, sizeof(a->name));

	if (order != 0)
		return order;
	return a->index < index ? -1 : a->index > index;
}

/* Where it is, or where it belongs. */
static unsigned
place(const struct approved_list *list, const uint8_t name[32], uint64_t index)
{
	unsigned low = 0, high = list->count;

	while (low < high) {
		unsigned mid = low + (high - low) / 2;

		if (compare(&list->item[mid], name, index) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool
is_at(const struct approved_list *list, unsigned i, const uint8_t name[32], uint64_t index)
{
	return i < list->count && compare(&list->item[i], name, index) == 0;
}

void
approved_put(struct approved_list *list, const struct approved *approved)
{
	unsigned i = place(list, approved->name, approved->index);
	struct approved *grown;

	if (!is_at(list, i, approved->name, approved->index)) {
		if (list->count % GROWTH == 0) {
			grown = realloc(list->item, (list->count + GROWTH) * sizeof(*list->item));
			if (!grown)
				say_fatal("no memory");
			list->item = grown;
		}
		memmove(
		    &list->item[i + 1], &list->item[i], (list->count - i) * sizeof(*list->item));
		list->count++;
	}
	list->item[i] = *approved;
}

void
approved_drop(struct approved_list *list, const uint8_t name[32], uint64_t index)
{
	unsigned i = place(list, name, index);

	if (!is_at(list, i, name, index))
		return;
	list->count--;
	memmove(&list->item[i], &list->item[i + 1], (list->count - i) * sizeof(*list->item));
}

const struct approved *
approved_of(const struct approved_list *list, const uint8_t name[32], unsigned *ret_n)
{
	unsigned first = place(list, name, 0), end = first;

	while (end < list->count && memcmp(list->item[end].name, name, 32) == 0)
		end++;
	*ret_n = end - first;
	return list->item + first;
}

void
approved_clear(struct approved_list *list)
{
	free(list->item);
	*list = (struct approved_list){ .count = 0 };
}

/* ---- messages ---- */

static void
copy(struct dk_reader_buf *rd, uint8_t ret[32])
{
	const uint8_t *p = dk_rd_bytes(rd, 32);

	if (p)
		memcpy(ret, p, 32);
}

bool
ipc_approved_read(const struct ipc_message *message, struct approved *ret)
{
	struct dk_reader_buf rd;

	*ret = (struct approved){ .index = 0 };
	dk_rd_init(&rd, message->data, message->len);
	copy(&rd, ret->name);
	ret->index = dk_rd_u64(&rd);
	copy(&rd, ret->device);
	ret->time = dk_rd_u64(&rd);
	ret->until = dk_rd_u64(&rd);
	ret->needed = dk_rd_u8(&rd);
	return !rd.failed && dk_rd_left(&rd) == 0 && ret->needed >= 1 &&
	    ret->needed <= DK_STANDING_NEEDED_MAX;
}

void
ipc_approved_write(const struct approved *approved, uint8_t ret[IPC_APPROVED_BYTES])
{
	struct dk_writer_buf wr;

	dk_wr_init(&wr, ret, IPC_APPROVED_BYTES);
	dk_wr_bytes(&wr, approved->name, sizeof(approved->name));
	dk_wr_u64(&wr, approved->index);
	dk_wr_bytes(&wr, approved->device, sizeof(approved->device));
	dk_wr_u64(&wr, approved->time);
	dk_wr_u64(&wr, approved->until);
	dk_wr_u8(&wr, approved->needed);
}

/* What a request for release shows besides its signature, this one does not. */
bool
ipc_approve_read(const struct ipc_message *message, struct ipc_release *ret)
{
	if (!ipc_release_read(message, ret) || ret->body.len > DK_STANDING_BODY_MAX_BYTES)
		return false;
	for (unsigned i = 0; i < IPC_CLAIMS; i++)
		if (ret->claims.of[i].len > 0)
			return false;
	return true;
}

bool
ipc_approver_rule_next(struct dk_reader_buf *rules, struct ipc_approver_rule *ret)
{
	unsigned scopes;

	ret->title_len = dk_rd_u8(rules);
	ret->title = (const char *)dk_rd_bytes(rules, ret->title_len);
	scopes = dk_rd_u8(rules);
	ret->scopes = scopes;
	ret->needed = dk_rd_u8(rules);
	ret->hours = dk_rd_u32(rules);
	return !rules->failed && ret->title_len >= 1 &&
	    ret->title_len <= DK_STANDING_NAME_MAX_BYTES && scopes >= DK_SCOPE_DOCUMENT &&
	    scopes <= DK_SCOPE_EITHER && ret->needed >= 1 &&
	    ret->needed <= DK_STANDING_NEEDED_MAX && ret->hours >= 1 &&
	    ret->hours <= DK_STANDING_HOURS_MAX;
}

void
ipc_approver_rule_write(struct dk_writer_buf *wr, const struct ipc_approver_rule *rule)
{
	dk_wr_u8(wr, (uint8_t)rule->title_len);
	dk_wr_bytes(wr, rule->title, rule->title_len);
	dk_wr_u8(wr, (uint8_t)rule->scopes);
	dk_wr_u8(wr, (uint8_t)rule->needed);
	dk_wr_u32(wr, rule->hours);
}

bool
ipc_approve_passed_read(const struct ipc_message *message, struct ipc_approve_passed *ret)
{
	struct ipc_approver_rule rule;
	struct dk_reader_buf rd;
	struct ipc_message asked = *message;

	dk_rd_init(&rd, message->data, message->len);
	ret->code = dk_rd_u16(&rd);
	ret->rule_count = dk_rd_u16(&rd);
	ret->rules = rd;
	if (rd.failed || !dk_code_known(ret->code) || ret->rule_count > APPROVED_RULES_MAX)
		return false;
	for (unsigned i = 0; i < ret->rule_count; i++)
		if (!ipc_approver_rule_next(&rd, &rule))
			return false;
	asked.len = dk_rd_left(&rd);
	asked.data = dk_rd_bytes(&rd, asked.len);
	return asked.data && ipc_approve_read(&asked, &ret->asked);
}
