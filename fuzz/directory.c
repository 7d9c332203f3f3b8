/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories, spec/profiles/ms-dke.md section 5.5. The first byte chooses: members as authd gets
 * them, DIRECTORY as fetchd gets it, a binary SID, or a name that enters a filter.
 */
#include "authd/directory.h"

#include <stdlib.h>
#include <string.h>

#include "fetchd/ldap_text.h"
#include "fuzz.h"

static const char text[] =
    "tenant \"t\" { id = \"5f0c1d2e-3b4a-4c5d-8e6f-708192a3b4c5\"\n"
    "issuers = {\"https://a/5f0c1d2e-3b4a-4c5d-8e6f-708192a3b4c5\"} audiences = {\"a\"}\n"
    "clients = {\"5f0c1d2e-3b4a-4c5d-8e6f-708192a3b4c5\"} }\n"
    "directory \"d\" { url = \"ldaps://a\" base = \"dc=a\" tenants = {\"t\"}\n"
    "groups = {\"cn=a\", \"cn=b\"} claim = \"upn\" }\n";
static const char who[] = "alice@contoso.com";

/* One behind the other, not by halves. */
static bool
has(const struct directory *d, unsigned group, const uint8_t member[IPC_MEMBER_BYTES])
{
	for (uint32_t i = 0; i < d->group[group].count; i++)
		if (memcmp(d->group[group].members + (size_t)i * IPC_MEMBER_BYTES, member,
			IPC_MEMBER_BYTES) == 0)
			return true;
	return false;
}

static void
look(const struct directories *directories, const struct policy *policy)
{
	static struct dke_token token;
	static struct directory_answer answer;
	const struct directory *d = &directories->item[0];
	uint8_t member[IPC_MEMBER_BYTES];
	unsigned found = 0;

	token.tenant = "t";
	/* the second one is upn */
	token.claims = (struct dke_texts){ 2, { "", who } };
	FUZZ_CHECK(ipc_member(d->salt, who, strlen(who), member));
	directories_look(directories, policy, &token, d->fetched_s, &answer);
	FUZZ_CHECK(answer.unknown == 0);
	for (unsigned g = 0; g < d->groups; g++)
		if (has(d, g, member))
			FUZZ_CHECK(
			    answer.groups.item[found++] == policy_directory_group(policy, 0, g));
	FUZZ_CHECK(answer.groups.count == found);
	directories_look(
	    directories, policy, &token, d->fetched_s + d->info.max_age_s + 1, &answer);
	FUZZ_CHECK(answer.unknown == 1 && answer.groups.count == 0);
}

static void
members(const uint8_t *data, size_t len)
{
	static struct directory_renewal renewal;
	static struct directories directories;
	const struct ipc_key_set set = { { "d", 1 }, 1000, { 0 }, { data, len }, { NULL, 0 } };
	uint8_t field[DK_LOG_KEY_SET_MAX_BYTES];
	struct dk_log_key_set parsed;
	struct policy_fault fault;
	struct policy *policy;
	size_t field_len;
	const char *why;

	FUZZ_CHECK(policy_parse(text, strlen(text), &policy, &fault));
	directories_take(policy, &directories);
	if (directory_renewal_begin(
		&renewal, &directories.item[0], &set, &why, field, &field_len) == RENEWAL_RECORD) {
		FUZZ_CHECK(dk_log_key_set_parse(field, field_len, &parsed) && parsed.count == 2);
		directory_renewal_end(&renewal, true);
		FUZZ_CHECK(directory_renewal_begin(&renewal, &directories.item[0], &set, &why,
			       field, &field_len) == RENEWAL_SAME);
		look(&directories, policy);
	}
	directories_clear(&directories);
	policy_free(policy);
}

static void
message(const uint8_t *data, size_t len)
{
	struct ipc_directory d;
	struct dk_writer_buf wr;
	uint8_t *again;

	if (!ipc_directory_read(data, len, &d))
		return;
	FUZZ_CHECK(d.groups >= 1 && d.groups <= IPC_GROUPS_MAX && d.nested < IPC_NESTED);
	FUZZ_CHECK((d.bind_dn.len > 0) == (d.password.len > 0));
	again = malloc(len);
	FUZZ_CHECK(again != NULL);
	dk_wr_init(&wr, again, len);
	ipc_directory_write(&d, &wr);
	dk_wr_bytes(&wr, d.ca_pem.data, d.ca_pem.len);
	FUZZ_CHECK(!wr.failed && wr.len == len && memcmp(again, data, len) == 0);
	free(again);
}

static void
sid(const uint8_t *data, size_t len)
{
	char found[LDAP_TEXT_SID_BYTES];

	if (!ldap_text_sid(data, len, found))
		return;
	FUZZ_CHECK(strlen(found) < sizeof(found) && strncmp(found, "S-1-", 4) == 0);
	FUZZ_CHECK(found[strspn(found, "S-x0123456789abcdef")] == '\0');
}

/* Whatever the name is, there is one filter, and nothing of it is one of its characters. */
static void
filter(const uint8_t *data, size_t len)
{
	char *name = calloc(1, len + 1), *made;
	size_t end;

	FUZZ_CHECK(name != NULL);
	memcpy(name, data, len);
	made = ldap_text_filter("memberOf", len % 2, name);
	FUZZ_CHECK(made != NULL);
	end = strlen(made);
	FUZZ_CHECK(end >= 2 && made[0] == '(' && made[end - 1] == ')');
	made[end - 1] = '\0';
	FUZZ_CHECK(!strpbrk(made + 1, "()*"));
	for (const char *c = made; *c; c++)
		FUZZ_CHECK(*c >= 0x20 && *c < 0x7f);
	free(made);
	free(name);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static void (*const ways[])(const uint8_t *, size_t) = { members, message, sid, filter };

	if (len > 0)
		ways[data[0] % 4](data + 1, len - 1);
	return 0;
}
