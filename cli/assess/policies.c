/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of policies, found by what the log names. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/assess/grants.h"
#include "base/text.h"
#include "cli/files/bytes.h"
#include "crypto/hash.h"
#include "cli/evidence/evidence.h"
#include "cli/console/message.h"

static struct assess_policy *
find(struct assess *a, const uint8_t digest[32])
{
	struct assess_policy *policy = a->policy.at;

	for (size_t i = 0; i < a->policy.count; i++)
		if (memcmp(policy[i].digest, digest, sizeof(policy[i].digest)) == 0)
			return &policy[i];
	return NULL;
}

/* NULL: told already. free() */
static uint8_t *
read_text(const char *path, size_t *ret_len, uint8_t ret_digest[32])
{
	struct dk_part part;
	uint8_t *text;
	dk_err err;

	if (!bytes_read(path, DK_GRANT_TEXT_MAX_BYTES, &text, ret_len))
		return NULL;
	part = (struct dk_part){ text, *ret_len };
	err = dk_sha256(&part, 1, ret_digest);
	if (err == DK_OK)
		return text;
	message_err(path, err, NULL);
	free(text);
	return NULL;
}

/* One that no reader of this version knows gets no credit. */
static bool
take(struct assess_policy *policy, const char *path, const uint8_t *text, size_t len)
{
	dk_err err = DK_OK;

	if (policy->in_force && !policy->text)
		err = dk_grant_policy_parse((const char *)text, len, &policy->text);
	if (err == DK_ERR_NOMEM)
		message_err(path, err, NULL);
	else if (err != DK_OK)
		message_warn(path, "not a policy that this version understands: it gets no credit");
	return err != DK_ERR_NOMEM;
}

static bool
read_file(struct assess *a, const char *path)
{
	struct assess_policy *policy;
	uint8_t digest[32], *text;
	size_t len;
	bool ok = true;

	text = read_text(path, &len, digest);
	if (!text)
		return false;
	policy = find(a, digest);
	if (policy)
		ok = take(policy, path, text, len);
	else
		message_warn(path, "no entry of the log names this policy");
	free(text);
	return ok;
}

static bool
read_named(struct assess_policy *policy, const char *folder)
{
	char hex[65], path[EVIDENCE_PATH_BYTES];
	uint8_t digest[32], *text;
	size_t len;
	bool ok;

	dk_hex(policy->digest, sizeof(policy->digest), hex);
	if (!evidence_path(path, folder, hex))
		return false;
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return true;
	text = read_text(path, &len, digest);
	if (!text)
		return false;
	ok = memcmp(policy->digest, digest, sizeof(digest)) == 0;
	if (!ok)
		message_err(path, DK_ERR_EVIDENCE_CHANGED, NULL);
	ok = ok && take(policy, path, text, len);
	free(text);
	return ok;
}

static bool
read_folder(struct assess *a, const char *folder)
{
	struct assess_policy *policy = a->policy.at;

	for (size_t i = 0; i < a->policy.count; i++)
		if (policy[i].in_force && !policy[i].text && !read_named(&policy[i], folder))
			return false;
	return true;
}

bool
assess_policies_read(
    struct assess *a, const struct dk_exposure *x, const struct option_list *places)
{
	struct assess_policy *policy = a->policy.at;
	struct stat st;

	for (size_t i = 0; i < a->policy.count; i++)
		policy[i].in_force = dk_exposure_in_force(x, (uint32_t)i);
	for (size_t i = 0; i < places->count; i++) {
		bool folder = stat(places->item[i], &st) == 0 && S_ISDIR(st.st_mode);

		if (!(folder ? read_folder : read_file)(a, places->item[i]))
			return false;
	}
	return true;
}

void
assess_policies_clear(struct assess *a)
{
	struct assess_policy *policy = a->policy.at;

	for (size_t i = 0; i < a->policy.count; i++)
		dk_grant_policy_free(policy[i].text);
	free(policy);
}
