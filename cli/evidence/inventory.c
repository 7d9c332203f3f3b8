/* SPDX-License-Identifier: Apache-2.0 */
/* spec/evidence.md section 5. */
#include "cli/evidence/evidence.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/files/json.h"
#include "log/records.h"
#include "cli/console/message.h"

#define WITNESSES ", witnesses "

void
evidence_inventory_clear(struct evidence_inventory *inventory)
{
	free(inventory->item);
	*inventory = (struct evidence_inventory){ .count = 0 };
}

static bool
belongs(unsigned class_)
{
	switch (class_) {
	case DK_LOG_BEGUN:
	case DK_LOG_KEY_CREATED:
	case DK_LOG_KEY_STATE:
	case DK_LOG_KEY_DESTROYED:
	case DK_LOG_POLICY:
	case DK_LOG_FROZEN:
	case DK_LOG_UNFROZEN:
	case DK_LOG_STARTED:
	case DK_LOG_RESTORED:
	case DK_LOG_KEY_SET:
	case DK_LOG_EXPORTED:
	case DK_LOG_KEY_ACCEPTED:
		return true;
	default:
		return false;
	}
}

static void
put_hex(struct json *j, const char *name, const uint8_t bytes[32])
{
	char hex[65];

	dk_hex(bytes, 32, hex);
	json_string(j, name, hex);
}

static void
put(FILE *out, uint64_t index, const struct dk_log_event *e)
{
	struct json j = { .out = out };

	json_open(&j, NULL, '{');
	json_number(&j, "index", index);
	json_number(&j, "time", e->time);
	json_number(&j, "class", e->class_);
	if (e->key_name[0])
		json_string(&j, "key", e->key_name);
	if (e->has_key_id)
		put_hex(&j, "key_id", e->key_id);
	if (e->key_version > 0)
		json_number(&j, "version", e->key_version);
	if (e->has_policy)
		put_hex(&j, "policy", e->policy);
	if (e->note[0])
		json_string(&j, "note", e->note);
	json_close(&j, '}');
	(void)fputc('\n', out);
}

static dk_err
attest(struct evidence_inventory *inv, uint64_t index, const struct dk_log_event *e)
{
	struct evidence_attested a = { .index = index, .time = e->time };
	const char *witnesses = strstr(e->note, WITNESSES);
	struct evidence_attested *more;

	if (e->class_ == DK_LOG_POLICY && e->has_policy)
		memcpy(a.digest, e->policy, sizeof(a.digest));
	else if (e->class_ == DK_LOG_STARTED && witnesses &&
	    dk_unhex(witnesses + strlen(WITNESSES), a.digest, sizeof(a.digest)))
		a.witnesses = true;
	else
		return DK_OK;
	if (inv->count == inv->cap) {
		inv->cap = inv->cap ? 2 * inv->cap : 64;
		more = reallocarray(inv->item, inv->cap, sizeof(*more));
		if (!more)
			return DK_ERR_NOMEM;
		inv->item = more;
	}
	inv->item[inv->count++] = a;
	return DK_OK;
}

static dk_err
each(struct dk_records *records, FILE *out, struct evidence_inventory *inv)
{
	static struct dk_log_object objects[DK_LOG_OBJECTS_MAX];
	static struct dk_log_event event;
	struct dk_records_entry e;
	bool more = true;
	dk_err err = DK_OK;

	while (err == DK_OK) {
		err = dk_records_next(records, &e, &more);
		if (err != DK_OK || !more)
			break;
		inv->records++;
		/* The others are most of them, and are opened when the log is verified. */
		if (!belongs((unsigned)e.leaf[4] << 8 | e.leaf[5]))
			continue;
		err = dk_record_open(e.record, e.len, e.leaf, objects, &event);
		if (err != DK_OK)
			return err == DK_ERR_RECEIPT ? DK_ERR_LOG_RECORD : err;
		if (event.decision == DK_LOG_DONE) {
			put(out, e.index, &event);
			err = attest(inv, e.index, &event);
		}
	}
	return err;
}

bool
evidence_inventory(const char *name, int fd, int out, struct evidence_inventory *ret)
{
	struct dk_place place = { .offset = UINT64_MAX };
	struct dk_records records;
	FILE *stream = NULL;
	int copy = fcntl(out, F_DUPFD_CLOEXEC, 0);
	dk_err err = lseek(fd, 0, SEEK_SET) == 0 ? dk_records_init(&records, fd) : DK_ERR_READ;

	if (err != DK_OK) {
		message_err(name, err, NULL);
		return false;
	}
	stream = copy >= 0 ? fdopen(copy, "w") : NULL;
	err = stream ? each(&records, stream, ret) : DK_ERR_NOMEM;
	if (stream && (ferror(stream) || fclose(stream) != 0) && err == DK_OK)
		err = DK_ERR_WRITE;
	(void)snprintf(place.text, sizeof(place.text), "record %" PRIu64, records.count);
	if (err != DK_OK)
		message_err(name, err, &place);
	dk_records_clear(&records);
	return err == DK_OK;
}

bool
evidence_is_first(
    const struct evidence_inventory *inventory, size_t at, const struct incident *incident)
{
	const struct evidence_attested *a = &inventory->item[at];

	for (size_t i = 0; i < at; i++)
		if (inventory->item[i].witnesses == a->witnesses &&
		    memcmp(inventory->item[i].digest, a->digest, sizeof(a->digest)) == 0 &&
		    evidence_in_force(inventory, i, incident))
			return false;
	return true;
}

bool
evidence_in_force(
    const struct evidence_inventory *inventory, size_t at, const struct incident *incident)
{
	const struct evidence_attested *a = &inventory->item[at];
	bool last = a->time < incident->from;

	for (size_t i = at + 1; last && i < inventory->count; i++)
		last = inventory->item[i].witnesses != a->witnesses ||
		    inventory->item[i].time >= incident->from;
	return a->time <= incident->to && (a->time >= incident->from || last);
}
