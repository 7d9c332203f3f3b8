/* SPDX-License-Identifier: Apache-2.0 */
/* Values of single options, spec/policy.md sections 2 to 4. */
#include <arpa/inet.h>
#include <string.h>

#include "authd/policy_impl.h"

#define MINUTES_OF_DAY 1440
#define ZONE_MAX_MINUTES (14 * 60)

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool
name_ok(const char *value, const char *more, bool any_first)
{
	size_t len = strlen(value);

	if (strcmp(value, "*") == 0)
		return true;
	if (len == 0 || len > 64)
		return false;
	for (const char *c = value; *c; c++) {
		bool alnum = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9');

		if (!alnum && (!strchr(more, *c) || (c == value && !any_first)))
			return false;
	}
	return true;
}

bool
policy_is_hex_id(const char *value)
{
	return strlen(value) == 64 && strspn(value, "0123456789abcdef") == 64;
}

/* Decimal without leading zeros, up to max. */
static bool
small_number(const char *s, unsigned max, unsigned *ret)
{
	unsigned v = 0;

	if (*s == '\0' || strlen(s) > 3 || (s[0] == '0' && s[1] != '\0'))
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		v = v * 10 + (unsigned)(*s - '0');
	}
	*ret = v;
	return v <= max;
}

static bool
zero_behind(const uint8_t address[16], unsigned bits)
{
	for (unsigned i = bits; i < 128; i++)
		if (address[i / 8] & (0x80u >> (i % 8)))
			return false;
	return true;
}

bool
policy_network_parse(const char *value, struct policy_network *ret)
{
	struct policy_network n = { .bits = 0 };
	const char *slash = strchr(value, '/');
	char text[INET6_ADDRSTRLEN];
	size_t len = slash ? (size_t)(slash - value) : sizeof(text);
	bool v4;

	if (len >= sizeof(text))
		return false;
	memcpy(text, value, len);
	text[len] = '\0';
	v4 = inet_pton(AF_INET, text, n.address + 12) == 1;
	if (!v4 && inet_pton(AF_INET6, text, n.address) != 1)
		return false;
	if (!small_number(slash + 1, v4 ? 32 : 128, &n.bits))
		return false;
	if (v4) {
		memcpy(n.address, mapped, sizeof(mapped));
		n.bits += 96;
	} else if (n.bits >= 96 && memcmp(n.address, mapped, sizeof(mapped)) == 0) {
		return false;
	}
	if (!zero_behind(n.address, n.bits))
		return false;
	*ret = n;
	return true;
}

/* "HH:MM", 24:00 included. */
static bool
clock_time(const char *s, unsigned *ret)
{
	for (unsigned i = 0; i < 5; i++)
		if (i == 2 ? s[i] != ':' : s[i] < '0' || s[i] > '9')
			return false;
	if (s[3] > '5')
		return false;
	*ret = (unsigned)((s[0] - '0') * 10 + (s[1] - '0')) * 60 +
	    (unsigned)((s[3] - '0') * 10 + (s[4] - '0'));
	return *ret <= MINUTES_OF_DAY;
}

bool
policy_hours_parse(const char *value, struct policy_hours *ret)
{
	struct policy_hours h;

	if (strlen(value) != 11 || value[5] != '-' || !clock_time(value, &h.begin) ||
	    !clock_time(value + 6, &h.end) || h.begin >= h.end)
		return false;
	*ret = h;
	return true;
}

bool
policy_zone_parse(const char *value, int *ret_minutes)
{
	unsigned minutes;

	if (strcmp(value, "Z") == 0) {
		*ret_minutes = 0;
		return true;
	}
	if (strlen(value) != 6 || (value[0] != '+' && value[0] != '-') ||
	    !clock_time(value + 1, &minutes) || minutes > ZONE_MAX_MINUTES)
		return false;
	*ret_minutes = value[0] == '-' ? -(int)minutes : (int)minutes;
	return true;
}

int
policy_weekday(const char *value)
{
	static const char *const days[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

	for (int i = 0; i < 7; i++)
		if (strcmp(value, days[i]) == 0)
			return i;
	return -1;
}

/* What a client certificate may be named by, spec/policy.md section 6.1. */
static bool
certificate_name_ok(const char *value)
{
	static const char *const kinds[] = { "cn:", "uri:", "email:", "dns:" };

	if (strcmp(value, "*") == 0 || strcmp(value, "user") == 0)
		return true;
	if (strncmp(value, "sha256:", 7) == 0)
		return policy_is_hex_id(value + 7);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t len = strlen(kinds[i]);

		if (strncmp(value, kinds[i], len) != 0)
			continue;
		value += len;
		/* Those that are compared in lower case. */
		return *value != '\0' && strlen(value) <= POLICY_CERTIFICATE_NAME_MAX_BYTES &&
		    (i < 2 || !value[strcspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")]);
	}
	return false;
}

/* https, a host, and no characters that could be anything else: no user before the host,
 * no fragment. */
bool
policy_is_url(const char *value)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	static const char more[] = "-._~:/?[]&=+%,;!$'()*";
	const char *host = value + strlen("https://");

	if (strncmp(value, "https://", strlen("https://")) != 0 ||
	    strlen(value) > POLICY_ISSUER_TEXT_MAX_BYTES || *host == '\0' ||
	    !(*host == '[' || strchr(digits, *host)))
		return false;
	for (const char *c = host; *c; c++)
		if (!strchr(digits, *c) && !strchr(more, *c))
			return false;
	return true;
}

bool
policy_value_ok(enum policy_option option, const char *value)
{
	struct policy_network network;
	struct policy_hours hours;
	int zone;

	switch (option) {
	case POLICY_KEYS:
		return name_ok(value, "._-", false);
	case POLICY_USERS:
		return name_ok(value, "._@-", true);
	case POLICY_APPROVERS:
		return value[0] != '*' && name_ok(value, "._@-", true);
	case POLICY_CERTIFICATE:
		return certificate_name_ok(value);
	case POLICY_DEVICES:
	case POLICY_KEY_ID:
		return policy_is_hex_id(value);
	case POLICY_NETWORKS:
		return policy_network_parse(value, &network);
	case POLICY_WEEKDAYS:
		return policy_weekday(value) >= 0;
	case POLICY_HOURS:
		return policy_hours_parse(value, &hours);
	case POLICY_ZONE:
		return policy_zone_parse(value, &zone);
	case POLICY_URL:
		return strncmp(value, "https://", 8) == 0 && value[8] != '\0' &&
		    strlen(value) <= POLICY_ISSUER_TEXT_MAX_BYTES;
	case POLICY_KEY_SET:
		return policy_is_url(value);
	case POLICY_KEY_SET_CA:
	case POLICY_AUDIENCE:
		return value[0] != '\0' && strlen(value) <= POLICY_ISSUER_TEXT_MAX_BYTES;
	case POLICY_CLAIM:
		return value[0] != '\0' && strlen(value) <= POLICY_CLAIM_MAX_BYTES;
	case POLICY_GROUPS:
	case POLICY_TOKENS:
	case POLICY_LABELS:
		return true;
	default:
		return policy_value_dke_ok(option, value);
	}
}
