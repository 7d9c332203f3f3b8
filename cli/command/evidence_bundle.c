/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/command/command.h"
#include "cli/evidence/parts.h"
#include "format/key_impl.h"
#include "cli/incident/incident.h"
#include "cli/keys/keyref.h"
#include "cli/console/message.h"
#include "cli/console/options.h"

#define COMMAND "evidence bundle"

static const char help[] =
    "usage: doublekey evidence bundle [OPTION...] -o FILE --incident FILE\n"
    "                 --catalogue FILE --log DIR --records FILE --recipient KEY.pub\n"
    "\n"
    "Computes an assessment, and puts it into FILE with all that it rests on, so that somebody\n"
    "else can compute it again: incident, catalogue, log, records, policies, specification.\n"
    "The records are sealed to one auditor key; everything else in FILE can be read by all:\n"
    "users in the result, devices in the incident, paths and labels in the catalogue, policies.\n"
    "Then 'doublekeyd evidence sign FILE' has the key service sign it.\n"
    "\n"
    "  -o, --output FILE     what is made, a tar archive\n"
    "  -f, --force           replace FILE\n"
    "      --incident FILE   as for 'doublekey assess', as the next three\n"
    "      --catalogue FILE\n"
    "      --log DIR         a copy, of 'doublekey log mirror'\n"
    "      --records FILE    of 'doublekey log export -o'\n"
    "      --recipient KEY   auditor key of who gets FILE, the public half is "
    "enough\n" LOG_TRUST_HELP "      --until TIME      leave out records from this time on\n"
    "      --without-persons leave users, devices and addresses out of records and result;\n"
    "                        incident, catalogue, policies and configuration stay as they are\n"
    "      --service-policy FILE|DIR   a policy.conf that was in force, or the folder 'policies'\n"
    "                        of the service, for those of the window; may be repeated\n"
    "      --witnesses FILE  a witness policy of the service; may be repeated\n"
    "      --configuration FILE    doublekeyd.conf of the service\n"
    "      --report en|de    with the report for people, in this language, and its list\n"
    "      --specs DIR       texts of the specification (default: the installed ones)\n"
    "  -q, --quiet           errors and the result only\n"
    "  -h, --help            this text\n";

enum {
	INCIDENT = OPTION_OWN,
	CATALOGUE,
	LOG,
	RECORDS,
	RECIPIENT,
	CONFIGURATION,
	REPORT,
	SPECS,
	UNTIL,
	WITHOUT_PERSONS,
	SERVICE_POLICY,
	WITNESSES,
};

static const struct option table[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "force", no_argument, NULL, 'f' },
	{ "incident", required_argument, NULL, INCIDENT },
	{ "catalogue", required_argument, NULL, CATALOGUE },
	{ "log", required_argument, NULL, LOG },
	{ "records", required_argument, NULL, RECORDS },
	{ "recipient", required_argument, NULL, RECIPIENT },
	LOG_TRUST_OPTIONS,
	{ "until", required_argument, NULL, UNTIL },
	{ "without-persons", no_argument, NULL, WITHOUT_PERSONS },
	{ "service-policy", required_argument, NULL, SERVICE_POLICY },
	{ "witnesses", required_argument, NULL, WITNESSES },
	{ "configuration", required_argument, NULL, CONFIGURATION },
	{ "report", required_argument, NULL, REPORT },
	{ "specs", required_argument, NULL, SPECS },
	OPTIONS_COMMON,
};

struct bundle {
	struct log_trust trust;
	/* INCIDENT to SPECS, in their order */
	const char *incident, *catalogue, *log, *records, *recipient, *configuration, *report,
	    *specs;
	const char *output_name;
	bool force;
	struct option_list policies, witnesses;
	struct evidence_scope scope;
	struct dk_key *key;
	struct evidence_inventory inventory;
	struct evidence_parts parts;
	char checkpoint[DK_NOTE_MAX_BYTES];
	size_t checkpoint_len;
};

static int
take(void *ctx, int code)
{
	struct bundle *b = ctx;
	const char **files[] = { &b->incident, &b->catalogue, &b->log, &b->records, &b->recipient,
		&b->configuration, &b->report, &b->specs };
	int status = log_trust_take(&b->trust, code);

	if (status >= 0)
		return status;
	if (code >= INCIDENT && code <= SPECS)
		*files[code - INCIDENT] = optarg;
	else if (code == SERVICE_POLICY)
		return option_list_add(&b->policies, optarg) ? STATUS_OK : STATUS_FAILED;
	else if (code == WITNESSES)
		return option_list_add(&b->witnesses, optarg) ? STATUS_OK : STATUS_FAILED;
	else if (code == 'o')
		b->output_name = optarg;
	else if (code == 'f')
		b->force = true;
	else if (code == WITHOUT_PERSONS)
		b->scope.persons = false;
	else if (!incident_time_parse(optarg, false, &b->scope.until) || b->scope.until == 0)
		return usage_error(COMMAND, "--until takes a time like 2031-02-03T04:05Z");
	return STATUS_OK;
}

/* ---- what is computed ---- */

/* The tree that the log has now: it must not grow while the bundle is made. */
static bool
read_size(struct bundle *b)
{
	struct dk_log_source source = { .close = NULL };
	struct dk_quorum_seen seen;
	struct dk_checkpoint cp;
	bool ok;

	if (!log_place_open(&b->trust, b->log, &source))
		return false;
	ok = log_checkpoint_read(&source, b->log, b->checkpoint, &b->checkpoint_len) &&
	    log_trust_check(&b->trust, b->log, b->checkpoint, b->checkpoint_len, &cp, &seen);
	dk_log_source_close(&source);
	b->scope.size = ok ? cp.size : 0;
	return ok;
}

/* Copies of the inputs, of which messages name the originals. */
static bool
copy(const struct bundle *b, char *incident, char *catalogue, const char *folder)
{
	if (!evidence_path(incident, folder, "incident") ||
	    !evidence_path(catalogue, folder, "catalogue"))
		return false;
	message_copy_of(incident, b->incident);
	message_copy_of(catalogue, b->catalogue);
	return evidence_copy(b->incident, folder, "incident") &&
	    evidence_copy(b->catalogue, folder, "catalogue") &&
	    (b->scope.persons || evidence_without_persons(incident));
}

/* The assessment has the policies that the bundle will have. */
static bool
put_policies(const struct bundle *b, struct evidence_inputs *in)
{
	const char **policy = calloc(b->parts.count + 1, sizeof(*policy));

	if (!policy) {
		message_err(NULL, DK_ERR_NOMEM, NULL);
		return false;
	}
	in->policy = policy;
	for (size_t i = 0; i < b->parts.count; i++)
		if (strncmp(b->parts.file[i].name, "policy/", 7) == 0)
			policy[in->policy_count++] = b->parts.file[i].path;
	return true;
}

/* records, inventory.json and assessment.json in folder, of records that nobody else sees. */
static bool
compute(struct bundle *b, const char *folder)
{
	static char clear[EVIDENCE_FD_PATH_BYTES], incident[EVIDENCE_PATH_BYTES],
	    catalogue[EVIDENCE_PATH_BYTES];
	char json[EVIDENCE_PATH_BYTES], page[EVIDENCE_PATH_BYTES];
	int fd = evidence_hidden(folder, clear), sealed = evidence_create(folder, "records"),
	    list = evidence_create(folder, "inventory.json");
	struct evidence_inputs in = { incident, catalogue, b->log, clear, NULL, 0 };
	const struct evidence_outputs out = { json, b->report ? page : NULL, b->report };
	bool ok = fd >= 0 && sealed >= 0 && list >= 0;

	message_copy_of(clear, b->records);
	ok = ok && copy(b, incident, catalogue, folder) &&
	    evidence_path(json, folder, "assessment.json") &&
	    evidence_path(page, folder, EVIDENCE_PAGE) &&
	    evidence_scope_records(b->records, fd, &b->scope) &&
	    evidence_inventory(b->records, fd, list, &b->inventory) &&
	    evidence_policies_add(&b->parts, &b->inventory, incident, &b->policies) &&
	    put_policies(b, &in) && evidence_assess(&b->trust, &in, &out) &&
	    evidence_seal(fd, sealed, dk_key_local_pkey(b->key));
	free((void *)(uintptr_t)in.policy);
	for (size_t i = 0; i < 3; i++) {
		const int fds[] = { fd, sealed, list };

		if (fds[i] >= 0)
			(void)close(fds[i]);
	}
	return ok;
}

/* ---- what is collected ---- */

static bool
add_computed(struct bundle *b, const char *folder)
{
	static const char *const names[] = { "assessment.json", "catalogue", "incident",
		"inventory.json", "records", EVIDENCE_LIST, EVIDENCE_PAGE };
	size_t count = sizeof(names) / sizeof(names[0]) - (b->report ? 0 : 2);
	char path[EVIDENCE_PATH_BYTES];

	for (size_t i = 0; i < count; i++)
		if (!evidence_path(path, folder, names[i]) ||
		    !evidence_parts_add(&b->parts, names[i], path))
			return false;
	return true;
}

static bool
add_given(struct bundle *b)
{
	bool ok = true;

	for (size_t i = 0; ok && i < b->witnesses.count; i++)
		ok = evidence_parts_add_digest(&b->parts, "witnesses", b->witnesses.item[i]);
	if (ok && b->configuration)
		ok = evidence_parts_add(&b->parts, "configuration", b->configuration);
	return ok && evidence_parts_add_specs(&b->parts, b->specs ? b->specs : DK_SPEC_DIR);
}

/* That the assessment is one of the tree that is in the bundle. */
static bool
same_log(const struct bundle *b)
{
	const struct dk_part text = { b->checkpoint, b->checkpoint_len };
	uint8_t digest[DK_SHA256_BYTES];
	dk_err err = dk_sha256(&text, 1, digest);

	for (size_t i = 0; err == DK_OK && i < b->parts.count; i++)
		if (strcmp(b->parts.file[i].name, "log/checkpoint") == 0 &&
		    memcmp(b->parts.file[i].digest, digest, sizeof(digest)) != 0)
			err = DK_ERR_CHANGED;
	if (err != DK_OK)
		message_err(b->log, err, NULL);
	return err == DK_OK;
}

static bool
program(struct dk_manifest *m)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	dk_err err = fd < 0 ? DK_ERR_READ : dk_sha256_file(fd, m->program);

	if (fd >= 0)
		(void)close(fd);
	memcpy(m->version, DK_VERSION, sizeof(DK_VERSION));
	if (err != DK_OK)
		message_err("/proc/self/exe", err, NULL);
	return err == DK_OK;
}

static bool
write_bundle(struct bundle *b, struct output *output)
{
	struct dk_manifest m = {
		.time = (uint64_t)time(NULL), .until = b->scope.until, .persons = b->scope.persons
	};

	memcpy(m.recipient, dk_pkey_id(dk_key_local_pkey(b->key)), sizeof(m.recipient));
	return program(&m) && evidence_parts_write(&b->parts, &m, output);
}

/* A file that cannot be is told before anything is computed. */
static bool
make_file(struct bundle *b, const char *folder)
{
	const struct output_options options = { .force = b->force, .mode = 0600 };
	struct output *output;

	if (!output_open(b->output_name, &options, &output))
		return false;
	if (read_size(b) && compute(b, folder) && add_computed(b, folder) &&
	    evidence_parts_add_log(&b->parts, b->log, b->scope.size) && same_log(b) &&
	    add_given(b) && write_bundle(b, output))
		return output_commit(output);
	output_abandon(output);
	return false;
}

static int
make(void *ctx, const char *folder)
{
	struct bundle *b = ctx;
	bool ok = keyref_open(b->recipient, DK_SIDE_AUDITOR, KEYREF_PUBLIC, NULL, &b->key);

	if (ok && !dk_key_local_pkey(b->key)) {
		message_fail(b->recipient, "not a key file");
		ok = false;
	}
	ok = ok && make_file(b, folder);
	if (ok && !b->scope.persons)
		message_note("Records and result name nobody. Incident, catalogue, policies and "
			     "configuration are in it as they are: look whether they do.");
	evidence_parts_clear(&b->parts);
	evidence_inventory_clear(&b->inventory);
	dk_key_free(b->key);
	return ok ? STATUS_OK : STATUS_FAILED;
}

int
cmd_evidence_bundle(int argc, char **argv)
{
	static struct bundle b = { .scope = { .persons = true } };
	struct options options = {
		.command = COMMAND, .help = help, .short_options = "o:f", .option = table
	};
	int status = STATUS_OK;

	if (!options_all(&options, argc, argv, take, &b))
		status = options.status;
	else if (argc != optind || !b.output_name || !b.incident || !b.catalogue || !b.log ||
	    !b.records || !b.recipient)
		status = usage_error(
		    COMMAND, "needs -o, --incident, --catalogue, --log, --records and --recipient");
	else if (log_place_is_url(b.log))
		status = usage_error(COMMAND, "--log is a copy: see 'doublekey log mirror'");
	else if (b.report && !evidence_report_language(b.report))
		status = usage_error(COMMAND, "--report is en or de, the language of the report");
	else if (b.report && !b.scope.persons)
		status = usage_error(COMMAND,
		    "--report goes not with --without-persons: a report names users and devices "
		    "(" EVIDENCE_PERSONS_CODE ")");
	else if (output_is_stdout(b.output_name))
		status = usage_error(COMMAND, "a bundle goes to a file, not to standard output");
	else
		status = evidence_in_folder(make, &b);
	option_list_clear(&b.policies);
	option_list_clear(&b.witnesses);
	log_trust_clear(&b.trust);
	return status;
}
