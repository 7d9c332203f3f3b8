/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/assess/inputs.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/assess/assess.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "cli/console/message.h"

#define HEX_BYTES 65

static bool
open_file(struct assess_file *file, const char *path)
{
	file->path = path;
	file->err = DK_ERR_READ;
	file->fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	if (file->fd >= 0 && fstat(file->fd, &file->st) == 0)
		return true;
	message_err(path, DK_ERR_READ, NULL);
	return false;
}

static void *
hash(void *arg)
{
	struct assess_inputs *in = arg;

	in->records.err = dk_sha256_file(in->records.fd, in->records.sha256);
	in->catalogue.err = dk_sha256_file(in->catalogue.fd, in->catalogue.sha256);
	return NULL;
}

bool
assess_inputs_begin(struct assess_inputs *in, const char *catalogue, const char *records)
{
	in->catalogue.fd = in->records.fd = -1;
	if (!open_file(&in->catalogue, catalogue) || !open_file(&in->records, records))
		return false;
	in->hashing = pthread_create(&in->thread, NULL, hash, in) == 0;
	if (!in->hashing)
		message_err(NULL, DK_ERR_NOMEM, NULL);
	return in->hashing;
}

/* What was hashed is what was read. */
static bool
is_same(const struct assess_file *file)
{
	struct stat st;

	if (file->err != DK_OK) {
		message_err(file->path, file->err, NULL);
		return false;
	}
	if (fstat(file->fd, &st) == 0 && st.st_size == file->st.st_size &&
	    st.st_mtim.tv_sec == file->st.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == file->st.st_mtim.tv_nsec)
		return true;
	message_err(file->path, DK_ERR_CHANGED, NULL);
	return false;
}

static int
on_scan(void *ctx, const struct dk_catalogue_scan *scan)
{
	struct assess_inputs *in = ctx;

	in->roots++;
	in->unfinished += scan->ended == 0;
	in->missed += scan->missed;
	return 0;
}

dk_err
assess_inputs_scans(struct assess_inputs *in, struct dk_catalogue *catalogue)
{
	return dk_catalogue_scans(catalogue, on_scan, in);
}

bool
assess_inputs_end(struct assess_inputs *in)
{
	(void)pthread_join(in->thread, NULL);
	in->hashing = false;
	return is_same(&in->catalogue) && is_same(&in->records);
}

void
assess_inputs_close(struct assess_inputs *in)
{
	if (in->hashing)
		(void)pthread_join(in->thread, NULL);
	in->hashing = false;
	if (in->catalogue.path && in->catalogue.fd >= 0)
		(void)close(in->catalogue.fd);
	if (in->records.path && in->records.fd >= 0)
		(void)close(in->records.fd);
	in->catalogue.fd = in->records.fd = -1;
}

static const char *
times(const struct assess_inputs *in)
{
	return in->witnessed ? "witnesses" : "service-clock";
}

static void
put_hex(struct json *j, const char *name, const uint8_t digest[32])
{
	char hex[HEX_BYTES];

	dk_hex(digest, 32, hex);
	json_string(j, name, hex);
}

/* Of those that were perhaps in force in the window, with and without a text. */
static void
put_policies(const struct assess_inputs *in, struct json *j, const char *name, bool text)
{
	const struct assess_policy *policy = in->assess->policy.at;

	json_open(j, name, '[');
	for (size_t i = 0; i < in->assess->policy.count; i++)
		if (policy[i].in_force && (policy[i].text != NULL) == text)
			put_hex(j, NULL, policy[i].digest);
	json_close(j, ']');
}

void
assess_inputs_json(const struct assess_inputs *in, struct json *j)
{
	json_string(j, "format", "doublekey-assessment-1");
	json_number(j, "rules", ASSESS_RULES_VERSION);
	json_open(j, "inputs", '{');
	put_hex(j, "incident_sha256", in->incident);
	put_hex(j, "catalogue_sha256", in->catalogue.sha256);
	json_number(j, "catalogue_roots", in->roots);
	json_number(j, "catalogue_unfinished", in->unfinished);
	json_number(j, "catalogue_missed", in->missed);
	put_hex(j, "records_sha256", in->records.sha256);
	json_string(j, "log_origin", in->origin);
	json_number(j, "log_size", in->log.size);
	put_hex(j, "log_root", in->log.root);
	json_number(j, "records", in->record_count);
	json_string(j, "times", times(in));
	put_policies(in, j, "policies", true);
	put_policies(in, j, "policies_missing", false);
	json_close(j, '}');
}

static void
print_hex(const char *name, const uint8_t digest[32])
{
	char hex[HEX_BYTES];

	dk_hex(digest, 32, hex);
	(void)printf("%s %s\n", name, hex);
}

void
assess_inputs_text(const struct assess_inputs *in)
{
	const struct assess_policy *policy = in->assess->policy.at;
	char origin[1024];

	(void)printf("rules %d\n", ASSESS_RULES_VERSION);
	print_hex("incident-sha256", in->incident);
	print_hex("catalogue-sha256", in->catalogue.sha256);
	(void)printf("catalogue-roots %" PRIu64 "\ncatalogue-unfinished %" PRIu64
		     "\ncatalogue-missed %" PRIu64 "\n",
	    in->roots, in->unfinished, in->missed);
	print_hex("records-sha256", in->records.sha256);
	(void)printf("log-origin %s\nlog-size %" PRIu64 "\n",
	    dk_text_show(in->origin, strlen(in->origin), "", origin, sizeof(origin)), in->log.size);
	print_hex("log-root", in->log.root);
	(void)printf("records %" PRIu64 "\ntimes %s\n", in->record_count, times(in));
	for (size_t i = 0; i < in->assess->policy.count; i++)
		if (policy[i].in_force)
			print_hex(policy[i].text ? "policy" : "policy-missing", policy[i].digest);
}
