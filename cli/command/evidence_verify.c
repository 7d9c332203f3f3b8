/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/files/bytes.h"
#include "cli/command/command.h"
#include "cli/evidence/evidence.h"
#include "evidence/tar.h"
#include "cli/files/fileio.h"
#include "format/key_impl.h"
#include "cli/incident/incident.h"
#include "cli/keys/keyref.h"
#include "cli/console/message.h"
#include "cli/console/options.h"

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
	struct incident incident;
	/* of the part that is read */
	const char *folder;
	int fd; /* -1: it is not unpacked */
	/* The records stay in the file. */
	int file;
	struct stat st;
	uint64_t records_at, records_len;
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

	if (strcmp(part->name, "records") == 0) {
		v->records_at = v->bundle.end + DK_TAR_BLOCK_BYTES;
		v->records_len = part->size;
		return DK_OK;
	}
	v->fd = evidence_create(v->folder, part->name);
	return v->fd >= 0 ? DK_OK : DK_ERR_CANCELLED;
}

static dk_err
take_data(void *ctx, const uint8_t *bytes, size_t len)
{
	const struct verify *v = ctx;

	return v->fd < 0 || file_write_all(v->fd, bytes, len) == 0 ? DK_OK : DK_ERR_WRITE;
}

static dk_err
end_part(void *ctx, const struct dk_evidence_part *part)
{
	struct verify *v = ctx;

	(void)part;
	if (v->fd >= 0)
		(void)close(v->fd);
	v->fd = -1;
	return DK_OK;
}

static bool
read_file(struct verify *v)
{
	const struct dk_bundle_sink sink = {
		.begin = begin_part, .data = take_data, .end = end_part, .ctx = v
	};
	dk_err err;

	v->file = open(v->name, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	if (v->file < 0 || fstat(v->file, &v->st) != 0)
		return fail(v, DK_ERR_READ, NULL);
	v->fd = -1;
	err = dk_bundle_open(v->file, &v->bundle);
	if (err == DK_OK)
		err = dk_bundle_read(&v->bundle, &sink);
	if (v->fd >= 0)
		(void)close(v->fd);
	return err == DK_OK || fail(v, err, v->bundle.place);
}

/* What is read a second time is what was checked. */
static bool
is_same(const struct verify *v)
{
	struct stat st;

	return (fstat(v->file, &st) == 0 && st.st_size == v->st.st_size &&
		   st.st_mtim.tv_sec == v->st.st_mtim.tv_sec &&
		   st.st_mtim.tv_nsec == v->st.st_mtim.tv_nsec) ||
	    fail(v, DK_ERR_CHANGED, NULL);
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
	v->found.quorum = v->trust.quorum.quorum != DK_QUORUM_NONE;
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
is_as(const struct verify *v, const char *name, const char *again, bool *ret_same)
{
	char one[EVIDENCE_PATH_BYTES], other[EVIDENCE_PATH_BYTES];

	return evidence_path(one, v->folder, name) && evidence_path(other, v->folder, again) &&
	    evidence_same(one, other, ret_same);
}

static bool
compare(const struct verify *v, const char *name, const char *again)
{
	bool same;

	return is_as(v, name, again, &same) && (same || fail(v, DK_ERR_EVIDENCE_RESULT, name));
}

static bool
has(const struct verify *v, const char *name)
{
	return dk_manifest_find(&v->bundle.manifest, name) != NULL;
}

/* One of another version of the program can be another one. */
static bool
compare_report(struct verify *v, const char *name, const char *again)
{
	bool same = true;

	if (!has(v, name))
		return true;
	if (!is_as(v, name, again, &same))
		return false;
	if (!same && strcmp(v->bundle.manifest.version, DK_VERSION) == 0)
		return fail(v, DK_ERR_EVIDENCE_RESULT, name);
	if (!same)
		v->found.report = EVIDENCE_REPORT_OTHER;
	else if (v->found.report != EVIDENCE_REPORT_OTHER)
		v->found.report = EVIDENCE_REPORT_PROVED;
	return true;
}

/* Which language the report is made in again; NULL: there is no report. */
static bool
find_language(const struct verify *v, const char **ret)
{
	char path[EVIDENCE_PATH_BYTES];

	*ret = has(v, EVIDENCE_LIST) ? "en" : NULL;
	return !has(v, EVIDENCE_PAGE) ||
	    (evidence_path(path, v->folder, EVIDENCE_PAGE) && evidence_report_read(path, ret));
}

/* What a command says is kept until it is known to be that of the bundle. The real standard
 * output, or -1: told already. */
static int
keep_said(const struct verify *v)
{
	int said = evidence_create(v->folder, "said"), out = said < 0 ? -1 : dup(STDOUT_FILENO);

	(void)fflush(stdout);
	if (said >= 0 && (out < 0 || dup2(said, STDOUT_FILENO) < 0))
		(void)fail(v, DK_ERR_WRITE, "said");
	if (said >= 0)
		(void)close(said);
	return out;
}

static void
put_back(int out)
{
	(void)fflush(stdout);
	(void)dup2(out, STDOUT_FILENO);
	(void)close(out);
}

static bool
has_policies(const struct verify *v)
{
	for (size_t i = 0; i < v->bundle.manifest.count; i++)
		if (strncmp(v->bundle.manifest.part[i].name, "policy/", 7) == 0)
			return true;
	return false;
}

static bool
assess(struct verify *v, const char *records)
{
	char incident[EVIDENCE_PATH_BYTES], catalogue[EVIDENCE_PATH_BYTES],
	    log[EVIDENCE_PATH_BYTES], json[EVIDENCE_PATH_BYTES], page[EVIDENCE_PATH_BYTES],
	    policy[EVIDENCE_PATH_BYTES];
	const char *const policies = policy;
	const struct evidence_inputs in = { incident, catalogue, log, records, &policies,
		has_policies(v) ? 1 : 0 };
	struct evidence_outputs out = { .json = json };
	bool ok = find_language(v, &out.language);
	int said = ok ? keep_said(v) : -1;

	out.page = out.language ? page : NULL;
	ok = said >= 0 && evidence_path(incident, v->folder, "incident") &&
	    evidence_path(catalogue, v->folder, "catalogue") &&
	    evidence_path(log, v->folder, "log") && evidence_path(policy, v->folder, "policy") &&
	    evidence_path(json, v->folder, "assessment.again") &&
	    evidence_path(page, v->folder, "report.again") && evidence_assess(&v->trust, &in, &out);
	if (said >= 0)
		put_back(said);
	return ok && compare(v, "assessment.json", "assessment.again") &&
	    compare_report(v, EVIDENCE_PAGE, "report.again") &&
	    compare_report(v, EVIDENCE_LIST, "report.again.csv");
}

static bool
open_records(struct verify *v, int fd)
{
	struct dk_key *key = NULL;
	bool ok =
	    keyref_open(v->auditor, DK_SIDE_AUDITOR, KEYREF_PRIVATE, &v->passphrase_files, &key);

	if (ok && !dk_key_local_pkey(key)) {
		message_fail(v->auditor, "not a key file");
		ok = false;
	}
	if (ok && lseek(v->file, (off_t)v->records_at, SEEK_SET) < 0)
		ok = fail(v, DK_ERR_READ, "records");
	ok = ok && evidence_unseal(v->file, v->records_len, fd, dk_key_local_pkey(key)) &&
	    is_same(v);
	dk_key_free(key);
	return ok;
}

static bool
compute(struct verify *v)
{
	static char clear[EVIDENCE_FD_PATH_BYTES];
	int fd = evidence_hidden(v->folder, clear), list;
	bool ok = fd >= 0 && open_records(v, fd);

	message_copy_of(clear, "records");
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
	int out = keep_said(v);
	bool ok =
	    out >= 0 && evidence_path(log, v->folder, "log") && evidence_log_verify(&v->trust, log);

	if (out >= 0)
		put_back(out);
	return ok;
}

/* Messages name a part as the bundle does, and not where it was unpacked. */
static bool
name_part(const struct verify *v, char path[EVIDENCE_PATH_BYTES], const char *name)
{
	if (!evidence_path(path, v->folder, name))
		return false;
	message_copy_of(path, name);
	return true;
}

static bool
read_incident(struct verify *v)
{
	static char path[EVIDENCE_PATH_BYTES];

	v->found.incident = &v->incident;
	return name_part(v, path, "incident") && incident_load(path, &v->incident, NULL, NULL);
}

static bool
read_scans(struct verify *v)
{
	char path[EVIDENCE_PATH_BYTES];

	return evidence_path(path, v->folder, "catalogue") &&
	    evidence_scans_read(path, &v->found.scans);
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
	static char catalogue[EVIDENCE_PATH_BYTES], log[EVIDENCE_PATH_BYTES];
	struct verify *v = ctx;
	bool ok;

	v->folder = folder;
	v->found.bundle = &v->bundle;
	ok = name_part(v, catalogue, "catalogue") && name_part(v, log, "log") && read_file(v) &&
	    check_checkpoint(v) && check_signature(v) && read_incident(v) &&
	    (v->without_records ? verify_log(v) : compute(v)) && read_scans(v) && say(v);
	evidence_inventory_clear(&v->found.inventory);
	evidence_scans_clear(&v->found.scans);
	incident_clear(&v->incident);
	dk_bundle_clear(&v->bundle);
	if (v->file >= 0)
		(void)close(v->file);
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
