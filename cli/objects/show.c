/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/objects/show.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli/files/json.h"
#include "cli/console/message.h"

#define TIME_BYTES 32

/* UTC as in RFC 3339. created is below 2^40, so that the year has 5 digits at most. */
static const char *
time_text(uint64_t seconds, char out[TIME_BYTES])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(out, TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		out[0] = '\0';
	return out;
}

static void
put_text(FILE *out, const char *name, const char *value)
{
	char safe[1024];

	if (*value == '\0')
		return;
	(void)fprintf(
	    out, "  %-16s %s\n", name, message_escape(value, strlen(value), safe, sizeof(safe)));
}

static void
put_stanza(FILE *out, const char *kind, const struct dk_stanza_info *stanza)
{
	(void)fprintf(
	    out, "    %-8s %-9s %s  %s\n", kind, stanza->type, stanza->key_id, stanza->custodian);
	if (stanza->key_name[0])
		(void)fprintf(out, "    %-8s %-9s %s%s%s\n", "", "", stanza->key_name,
		    stanza->key_version[0] ? ", version " : "", stanza->key_version);
}

static void
put_set(FILE *out, const char *name, const struct dk_set_info *set)
{
	(void)fprintf(out, "  %s side, epoch %" PRIu32 "\n", name, set->epoch);
	for (size_t i = 0; i < set->stanza_count; i++)
		put_stanza(out, "key", &set->stanza[i]);
	for (size_t i = 0; i < set->former_count; i++)
		put_stanza(out, "formerly", &set->former[i]);
}

static void
put_metadata(
    FILE *out, const struct dk_object_info *info, const struct dk_object_metadata *metadata)
{
	if (metadata) {
		put_text(out, "file name", metadata->file_name);
		put_text(out, "media type", metadata->media_type);
	} else if (info->metadata_length > 0) {
		(void)fprintf(
		    out, "  %-16s %zu bytes, encrypted\n", "metadata", info->metadata_length);
	}
}

void
show_text(FILE *out, const char *file, const struct dk_object_info *info,
    const struct dk_object_metadata *metadata)
{
	char time[TIME_BYTES];
	char safe[1024];

	(void)fprintf(out, "%s: doublekey object, version %u, suite %u\n",
	    message_escape(file, strlen(file), safe, sizeof(safe)), info->version, info->suite);
	put_text(out, "object id", info->object_id);
	put_text(out, "created", time_text(info->created, time));
	put_text(out, "tenant", info->tenant);
	put_text(out, "label", info->label);
	if (info->plaintext_size != DK_SIZE_UNKNOWN)
		(void)fprintf(
		    out, "  %-16s %" PRIu64 " bytes\n", "plaintext size", info->plaintext_size);
	(void)fprintf(out, "  %-16s %" PRIu32 " bytes\n", "segment length", info->segment_length);
	(void)fprintf(out, "  %-16s %" PRIu64 "\n", "body offset", info->body_offset);
	put_metadata(out, info, metadata);
	if (info->has_creator)
		(void)fprintf(out, "  %-16s %s (the signature was not verified)\n", "creator",
		    info->creator_key_id);
	put_set(out, "customer", &info->customer);
	put_set(out, "provider", &info->provider);
	(void)fputs(metadata ? "  The keys verified the header. The content was not read.\n"
			     : "  Nothing of this is verified: that needs the keys.\n",
	    out);
}

static void
json_stanzas(struct json *json, const char *name, const struct dk_stanza_info *stanza, size_t count)
{
	json_open(json, name, '[');
	for (size_t i = 0; i < count; i++) {
		json_open(json, NULL, '{');
		json_string(json, "type", stanza[i].type);
		json_string(json, "key_id", stanza[i].key_id);
		json_string(json, "custodian", stanza[i].custodian);
		if (stanza[i].key_name[0]) {
			json_string(json, "key_name", stanza[i].key_name);
			json_string(json, "key_version", stanza[i].key_version);
		}
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void
json_set(struct json *json, const char *name, const struct dk_set_info *set)
{
	json_open(json, name, '{');
	json_number(json, "epoch", set->epoch);
	json_stanzas(json, "stanzas", set->stanza, set->stanza_count);
	json_stanzas(json, "formers", set->former, set->former_count);
	json_close(json, '}');
}

static void
json_metadata(struct json *json, const struct dk_object_metadata *metadata)
{
	if (!metadata) {
		json_null(json, "metadata");
		return;
	}
	json_open(json, "metadata", '{');
	json_string(json, "file_name", metadata->file_name);
	json_string(json, "media_type", metadata->media_type);
	json_close(json, '}');
}

void
show_json(FILE *out, const char *file, const struct dk_object_info *info,
    const struct dk_object_metadata *metadata)
{
	struct json json = { .out = out };
	char time[TIME_BYTES];

	json_open(&json, NULL, '{');
	json_string(&json, "file", file);
	json_number(&json, "version", info->version);
	json_number(&json, "suite", info->suite);
	json_string(&json, "object_id", info->object_id);
	json_string(&json, "tenant", info->tenant);
	json_string(&json, "label", info->label);
	json_string(&json, "created", time_text(info->created, time));
	json_number(&json, "segment_length", info->segment_length);
	json_number(&json, "body_offset", info->body_offset);
	if (info->plaintext_size == DK_SIZE_UNKNOWN)
		json_null(&json, "plaintext_size");
	else
		json_number(&json, "plaintext_size", info->plaintext_size);
	json_number(&json, "metadata_length", info->metadata_length);
	json_metadata(&json, metadata);
	if (info->has_creator) {
		json_open(&json, "creator", '{');
		json_string(&json, "key_id", info->creator_key_id);
		json_close(&json, '}');
	} else {
		json_null(&json, "creator");
	}
	json_bool(&json, "verified", metadata != NULL);
	json_open(&json, "sides", '{');
	json_set(&json, "customer", &info->customer);
	json_set(&json, "provider", &info->provider);
	json_close(&json, '}');
	json_close(&json, '}');
	(void)putc('\n', out);
}
