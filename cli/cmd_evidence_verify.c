/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "bytes.h"
#include "command.h"
#include "evidence.h"
#include "fileio.h"
#include "format/key_impl.h"
#include "incident.h"
#include "keyref.h"
#include "message.h"
#include "options.h"

#define COMMAND "evidence verify"

static const char help[] =
    "usage: doublekey evidence verify [OPTION...] --auditor KEY FILE\n"
    "\n"
    "Checks an evidence bundle offline: every byte of FILE, the signature of the key service,\n"
    "the whole log, the records; and computes the assessment again, which must be the same.\n"
    "Then it says what is proved, what is claimed, and what is missing.\n"
    "\n"
    "      --auditor KEY     private auditor key of who the bundle was made for\n"
    "      --passphrase-file FILE  of that key\n"
    "      --without-records check what can be checked without that key; the result is not\n"
    "                        computed again\n"
    "      --identity ID     id of the identity key of the key service (64 hex digits, of\n"
    "                        'doublekeyd status'); FILE must be signed by it\n" LOG_TRUST_HELP
    "  -q, --quiet           errors and the result only\n"
    "  -h, --help            this text\n";

enum { AUDITOR = OPTION_OWN, PASSPHRASE_FILE, WITHOUT_RECORDS, IDENTITY };

static const struct option table[] = {
	{ "auditor", required_argument, NULL, AUDITOR },
	{ "passphrase-file", required_argument, NULL, PASSPHRASE_FILE },
	{ "without-records", no_argument, NULL, WITHOUT_RECORDS },
	{ "identity", required_argument, NULL, IDENTITY },
	LOG_TRUST_OPTIONS,
	OPTIONS_COMMON,
};

struct verify {
	struct log_trust trust;
	struct option_list passphrase_files;
	const char *name, *auditor;
	bool without_records;
	uint8_t identity[32];
	struct dk_bundle bundle;
	struct evidence_found found;
	char origin[DK_ORIGIN_MAX_BYTES + 1];
	/* of the part that is read */
	const char *folder;
	int fd;
};

static int
take(void *ctx, int code)
{
	struct verify *v = ctx;
	int status = log_trust_take(&v->trust, code);

	if (status >= 0)
		return status;
	if (code == AUDITOR)
		v->auditor = optarg;
	else if (code == PASSPHRASE_FILE)
		return option_list_add(&v->passphrase_files, optarg) ? STATUS_OK : STATUS_FAILED;
	else if (code == WITHOUT_RECORDS)
		v->without_records = true;
	else if (!dk_unhex(optarg, v->identity, sizeof(v->identity)))
		return usage_error(COMMAND, "--identity takes a key id, 64 hex digits");
	else
		v->found.identity_known = true;
	return STATUS_OK;
}

/* False, and told with the part where it is; what is told already is DK_ERR_CANCELLED. */
static bool
fail(const struct verify *v, dk_err err, const char *part)
{
	if (err != DK_ERR_CANCELLED)
		log_fail(v->name, err, part);
	return false;
}

/* ---- the file ---- */

static dk_err
begin_part(void *ctx, const struct dk_evidence_part *part)
{
	struct verify *v = ctx;

	v->fd = evidence_create(v->folder, part->name);
	return v->fd >= 0 ? DK_OK : DK_ERR_CANCELLED;
}

static dk_err
take_data(void *ctx, const uint8_t *bytes, size_t len)
{
	return file_write_all(((struct verify *)ctx)->fd, bytes, len) == 0 ? DK_OK : DK_ERR_WRITE;
}

/* A policy has its digest as its name. */
static dk_err
end_part(void *ctx, const struct dk_evidence_part *part)
{
	struct verify *v = ctx;
	const char *slash = strchr(part->name, '/');
	char hex[2 * DK_SHA256_BYTES + 1];

	(void)close(v->fd);
	v->fd = -1;
	dk_hex(part->digest, sizeof(part->digest), hex);
	if ((strncmp(part->name, "policy/", 7) == 0 ||
		strncmp(part->name, "witnesses/", 10) == 0) &&
	    strcmp(slash + 1, hex) != 0)
		return DK_ERR_EVIDENCE_CHANGED;
	return DK_OK;
}

static bool
read_file(struct verify *v)
{
	const struct dk_bundle_sink sink = {
		.begin = begin_part, .data = take_data, .end = end_part, .ctx = v
	};
	int fd = open(v->name, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	dk_err err;

	if (fd < 0)
		return fail(v, DK_ERR_READ, NULL);
	v->fd = -1;
	err = dk_bundle_open(fd, &v->bundle);
	if (err == DK_OK)
		err = dk_bundle_read(&v->bundle, &sink);
	if (v->fd >= 0)
		(void)close(v->fd);
	(void)close(fd);
	return err == DK_OK || fail(v, err, v->bundle.place);
}

/* ---- the signature, and the log's keys ---- */

static bool
check_checkpoint(struct verify *v)
{
	struct dk_quorum_seen seen;
	struct dk_checkpoint cp;
	char path[EVIDENCE_PATH_BYTES];
	uint8_t *text;
	size_t len;
	bool ok;

	if (!evidence_path(path, v->folder, "log/checkpoint") ||
	    !bytes_read(path, DK_NOTE_MAX_BYTES, &text, &len))
		return false;
	ok = log_trust_check(&v->trust, "log/checkpoint", (const char *)text, len, &cp, &seen);
	if (ok)
		(void)snprintf(v->origin, sizeof(v->origin), "%.*s",
		    (int)strcspn((const char *)text, "\n"), (const char *)text);
	free(text);
	v->found.origin = v->origin;
	v->found.log_size = ok ? cp.size : 0;
	v->found.quorum = v->trust.quorum.witness_count > 0;
	return ok;
}

static bool
check_signature(struct verify *v)
{
	struct dk_log_event event;
	struct dk_note note;
	dk_err err = DK_OK;

	if (v->bundle.signature_len == 0)
		return !v->found.identity_known || fail(v, DK_ERR_EVIDENCE_SIGNATURE, "missing");
	err = dk_bundle_signature_check(
	    &v->bundle, v->found.identity, &event, &v->found.signed_index, &note);
	if (err == DK_OK && v->found.identity_known &&
	    memcmp(v->identity, v->found.identity, sizeof(v->identity)) != 0)
		err = DK_ERR_EVIDENCE_SIGNATURE;
	if (err == DK_OK && !log_trust_signed(&v->trust, &note, v->origin))
		err = DK_ERR_EVIDENCE_SIGNATURE;
	if (err != DK_OK)
		return fail(v, err, "signature");
	memcpy(v->found.auditor, event.key_name, sizeof(v->found.auditor));
	return true;
}

/* ---- computed again ---- */

static bool
compare(const struct verify *v, const char *name, const char *again)
{
	char one[EVIDENCE_PATH_BYTES], other[EVIDENCE_PATH_BYTES];
	bool same;

	if (!evidence_path(one, v->folder, name) || !evidence_path(other, v->folder, again) ||
	    !evidence_same(one, other, &same))
		return false;
	return same || fail(v, DK_ERR_EVIDENCE_RESULT, name);
}

/* What the assessment says is kept until it is known to be that of the bundle. */
static bool
assess(const struct verify *v, const char *records)
{
	char incident[EVIDENCE_PATH_BYTES], catalogue[EVIDENCE_PATH_BYTES],
	    log[EVIDENCE_PATH_BYTES], json[EVIDENCE_PATH_BYTES];
	const struct evidence_inputs in = { incident, catalogue, log, records };
	int said = evidence_create(v->folder, "said"), out = dup(STDOUT_FILENO);
	bool ok = said >= 0 && out >= 0 && evidence_path(incident, v->folder, "incident") &&
	    evidence_path(catalogue, v->folder, "catalogue") &&
	    evidence_path(log, v->folder, "log") &&
	    evidence_path(json, v->folder, "assessment.again");

	(void)fflush(stdout);
	ok = ok && dup2(said, STDOUT_FILENO) >= 0 && evidence_assess(&v->trust, &in, json);
	(void)fflush(stdout);
	if (out >= 0) {
		(void)dup2(out, STDOUT_FILENO);
		(void)close(out);
	}
	if (said >= 0)
		(void)close(said);
	return ok && compare(v, "assessment.json", "assessment.again");
}

static bool
open_records(struct verify *v, int fd)
{
	char path[EVIDENCE_PATH_BYTES];
	struct dk_key *key = NULL;
	bool ok = evidence_path(path, v->folder, "records") &&
	    keyref_open(v->auditor, DK_SIDE_AUDITOR, KEYREF_PRIVATE, &v->passphrase_files, &key);
	int sealed = ok ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (ok && !dk_key_local_pkey(key)) {
		message_fail(v->auditor, "not a key file");
		ok = false;
	}
	ok = ok && sealed >= 0 && evidence_unseal("records", sealed, fd, dk_key_local_pkey(key));
	if (sealed >= 0)
		(void)close(sealed);
	dk_key_free(key);
	return ok;
}

static bool
compute(struct verify *v)
{
	char clear[EVIDENCE_FD_PATH_BYTES];
	int fd = evidence_hidden(v->folder, clear), list;
	bool ok = fd >= 0 && open_records(v, fd);

	list = ok ? evidence_create(v->folder, "inventory.again") : -1;
	ok = list >= 0 && evidence_inventory("records", fd, list, &v->found.inventory) &&
	    compare(v, "inventory.json", "inventory.again") && assess(v, clear);
	if (list >= 0)
		(void)close(list);
	if (fd >= 0)
		(void)close(fd);
	v->found.opened = ok;
	return ok;
}

/* The log alone. */
static bool
verify_log(const struct verify *v)
{
	char log[EVIDENCE_PATH_BYTES];

	return evidence_path(log, v->folder, "log") && evidence_log_verify(&v->trust, log);
}

static bool
read_window(struct verify *v)
{
	char path[EVIDENCE_PATH_BYTES];
	struct incident incident;

	if (!evidence_path(path, v->folder, "incident") ||
	    !incident_load(path, &incident, NULL, NULL))
		return false;
	v->found.from = incident.from;
	v->found.to = incident.to;
	v->found.as_written = incident.as_written;
	v->found.own_keys = incident.own_count;
	incident_clear(&incident);
	return true;
}

/* What was kept. */
static bool
say(const struct verify *v)
{
	char path[EVIDENCE_PATH_BYTES], line[512];
	FILE *said;

	evidence_tell(&v->found);
	if (v->found.opened && evidence_path(path, v->folder, "said")) {
		said = fopen(path, "re");
		if (!said)
			return fail(v, DK_ERR_READ, "said");
		(void)printf("\nThe result, computed again:\n");
		while (fgets(line, sizeof(line), said))
			(void)printf("  %s", line);
		(void)fclose(said);
	}
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	message_err("standard output", DK_ERR_WRITE, NULL);
	return false;
}

static int
run(void *ctx, const char *folder)
{
	struct verify *v = ctx;
	bool ok;

	v->folder = folder;
	v->found.bundle = &v->bundle;
	ok = read_file(v) && check_checkpoint(v) && check_signature(v) && read_window(v) &&
	    (v->without_records ? verify_log(v) : compute(v)) && say(v);
	evidence_inventory_clear(&v->found.inventory);
	dk_bundle_clear(&v->bundle);
	return ok ? STATUS_OK : STATUS_FAILED;
}

int
cmd_evidence_verify(int argc, char **argv)
{
	static struct verify v;
	struct options options = {
		.command = COMMAND, .help = help, .short_options = "", .option = table
	};
	int status = STATUS_OK;

	if (!options_all(&options, argc, argv, take, &v)) {
		status = options.status;
	} else if (argc - optind != 1 || (v.auditor == NULL) != v.without_records) {
		status = usage_error(COMMAND, "needs one FILE, and --auditor or --without-records");
	} else {
		v.name = argv[optind];
		status = evidence_in_folder(run, &v);
	}
	option_list_clear(&v.passphrase_files);
	log_trust_clear(&v.trust);
	return status;
}
