/* SPDX-License-Identifier: Apache-2.0 */
/* Values of options of tenants and decrypt rules, spec/profiles/ms-dke.md sections 5.1, 6
 * and 7. */
#include <limits.h>
#include <string.h>

#include "authd/policy_impl.h"
#include "authd/person.h"

#define GUID_CHARS 36
#define DKE_NAME_MAX_BYTES 64
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define ALNUM CAPITALS "abcdefghijklmnopqrstuvwxyz0123456789"

static bool
guid_ok(const char *value)
{
	if (strlen(value) != GUID_CHARS)
		return false;
	for (unsigned i = 0; i < GUID_CHARS; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? value[i] != '-'
							    : !strchr("0123456789abcdef", value[i]))
			return false;
	return true;
}

static bool
tenant_id_ok(const char *value)
{
	return guid_ok(value) && strspn(value, "0-") != GUID_CHARS;
}

static bool
dke_name_ok(const char *value)
{
	size_t len = strlen(value);

	return len >= 1 && len <= DKE_NAME_MAX_BYTES && strchr(ALNUM, value[0]) &&
	    strspn(value, ALNUM "._-") == len;
}

/* Of the one form that persons are compared in. */
static bool
person_ok(const char *value)
{
	return person_valid(value, strlen(value)) && value[strcspn(value, CAPITALS)] == '\0';
}

static bool
short_text_ok(const char *value)
{
	return value[0] != '\0' && strlen(value) <= POLICY_ISSUER_TEXT_MAX_BYTES;
}

static bool
claim_ok(const char *value)
{
	static const char *const claims[] = { "upn", "email", "preferred_username", "oid" };

	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
		if (strcmp(value, claims[i]) == 0)
			return true;
	return false;
}

bool
policy_value_dke_ok(enum policy_option option, const char *value)
{
	switch (option) {
	case POLICY_TENANT_ID:
		return tenant_id_ok(value);
	case POLICY_TENANT_ISSUERS:
	case POLICY_METADATA:
		return policy_is_url(value);
	case POLICY_CLIENTS:
	case POLICY_TOKEN_GROUPS:
		return guid_ok(value);
	case POLICY_AUDIENCES:
	case POLICY_ROLES:
		return short_text_ok(value);
	case POLICY_SCOPES:
		return short_text_ok(value) && !strchr(value, ' ');
	case POLICY_CLAIMS:
		return claim_ok(value);
	case POLICY_DKE_KEYS:
		return dke_name_ok(value);
	case POLICY_PERSONS:
		return person_ok(value);
	case POLICY_CANARIES:
		return policy_is_hex_id(value);
	case POLICY_GATES:
		return policy_gates_parse(value) != 0;
	default:
		return option == POLICY_TENANTS || policy_value_directory_ok(option, value);
	}
}

unsigned
policy_list_max(enum policy_option option)
{
	switch (option) {
	case POLICY_TENANT_ISSUERS:
	case POLICY_AUDIENCES:
	case POLICY_CLAIMS:
		return 4;
	case POLICY_SCOPES:
		return 8;
	case POLICY_GATES:
		return POLICY_GATES_MAX;
	case POLICY_CLIENTS:
		return 16;
	case POLICY_DIRECTORY_GROUPS:
		return POLICY_DIRECTORY_GROUPS_MAX;
	default:
		return UINT_MAX;
	}
}
