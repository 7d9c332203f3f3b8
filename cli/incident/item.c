/* SPDX-License-Identifier: Apache-2.0 */
/* Times and items of the incident file: spec/exposure.md sections 8.1 and 8.2. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "cli/incident/incident.h"
#include "log/record.h"
#include "cli/console/options.h"

#define SINCE " since "
#define UNTIL " until "

static const struct {
	const char *word;
	bool name, ends;
} whats[INCIDENT_WHATS] = {
	[INCIDENT_KEY] = { "key", true, false },
	[INCIDENT_KEY_VERSION] = { "key-version", true, false },
	[INCIDENT_PROVIDER_KEYS] = { "provider-keys", true, false },
	[INCIDENT_DEVICE] = { "device", true, false },
	[INCIDENT_ADMIN] = { "admin", true, false },
	[INCIDENT_TOKEN_KEY] = { "token-key", true, false },
	[INCIDENT_CA] = { "ca", true, false },
	[INCIDENT_PROCESS] = { "process", true, true },
	[INCIDENT_PROXY] = { "proxy", false, true },
	[INCIDENT_TLS_KEY] = { "tls-key", false, false },
	[INCIDENT_STORE] = { "store", false, false },
	[INCIDENT_PASSPHRASE] = { "passphrase", false, false },
	[INCIDENT_HSM_PIN] = { "hsm-pin", false, false },
	[INCIDENT_BACKUP] = { "backup", false, false },
	[INCIDENT_DISK] = { "disk", false, false },
	[INCIDENT_MEMORY] = { "memory", false, true },
	[INCIDENT_HOST] = { "host", false, true },
};

const char *
incident_what_word(enum incident_what what)
{
	return whats[what].word;
}

bool
incident_what_has_name(enum incident_what what)
{
	return whats[what].name;
}

bool
incident_what_ends(enum incident_what what)
{
	return whats[what].ends;
}

/* ---- times ---- */

/* Text of the form, in which 9 stands for any digit. */
static bool
has_form(const char *text, const char *form)
{
	size_t len = strlen(form);

	if (strlen(text) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (form[i] == '9' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return false;
	return true;
}

static int
two(const char *digits)
{
	return 10 * (digits[0] - '0') + digits[1] - '0';
}

/* timegm() takes a 31st of February as a day of March. */
static bool
is_day(const struct tm *tm, time_t t)
{
	struct tm again;

	return gmtime_r(&t, &again) && again.tm_year == tm->tm_year && again.tm_mon == tm->tm_mon &&
	    again.tm_mday == tm->tm_mday;
}

bool
incident_time_parse(const char *text, bool last, uint64_t *ret)
{
	bool day = has_form(text, "9999-99-99");
	bool minute = has_form(text, "9999-99-99T99:99Z");
	bool second = has_form(text, "9999-99-99T99:99:99Z");
	struct tm tm = {
		.tm_hour = last ? 23 : 0, .tm_min = last ? 59 : 0, .tm_sec = last ? 59 : 0
	};
	struct tm copy;
	time_t t;

	if (!day && !minute && !second)
		return false;
	tm.tm_year = 100 * two(text) + two(text + 2) - 1900;
	tm.tm_mon = two(text + 5) - 1;
	tm.tm_mday = two(text + 8);
	if (!day) {
		tm.tm_hour = two(text + 11);
		tm.tm_min = two(text + 14);
	}
	if (second)
		tm.tm_sec = two(text + 17);
	if (tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 59)
		return false;
	copy = tm;
	t = timegm(&copy);
	if (t < 0 || !is_day(&tm, t))
		return false;
	*ret = (uint64_t)t;
	return true;
}

void
incident_time_text(uint64_t seconds, char ret[INCIDENT_TIME_BYTES])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) ||
	    strftime(ret, INCIDENT_TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		(void)snprintf(ret, INCIDENT_TIME_BYTES, "?");
}

/* ---- names ---- */

static const char *
take_process(struct incident_item *item)
{
	for (unsigned p = DK_EXPOSURE_PARENT; p <= DK_EXPOSURE_FETCHD; p++) {
		if (strcmp(item->name, dk_log_verifier_name(p)) == 0) {
			item->number = p;
			return NULL;
		}
	}
	return "no such process; there are parent, httpd, authd, keyd, logd, tokend and fetchd";
}

static const char *
take_device(struct incident_item *item)
{
	item->has_id = dk_unhex(item->name, item->id, sizeof(item->id));
	if (item->name[0] != '#')
		return strlen(item->name) <= DK_LOG_NAME_MAX_BYTES || item->has_id
		    ? NULL
		    : "a device has a name of at most 64 bytes";
	item->has_index = options_number(item->name + 1, 0, DK_EXPOSURE_NEVER - 1, &item->number);
	return item->has_index ? NULL : "behind '#' stands the number of a log entry";
}

static const char *
take_key_version(struct incident_item *item)
{
	const char *slash = strrchr(item->name, '/');

	if (!slash || slash == item->name ||
	    !options_number(slash + 1, 1, UINT32_MAX, &item->number))
		return "a key version is written KEY/VERSION";
	item->split = (size_t)(slash - item->name);
	return NULL;
}

static const char *
take_token_key(struct incident_item *item)
{
	const char *space = strrchr(item->name, ' ');

	if (!space || space == item->name || space[1] == '\0')
		return "a token key is written ISSUER KID";
	item->split = (size_t)(space - item->name);
	return NULL;
}

static const char *
take_name(struct incident_item *item)
{
	uint8_t custodian[DK_CUSTODIAN_BYTES];

	switch (item->what) {
	case INCIDENT_KEY:
	case INCIDENT_CA:
		item->has_id = dk_unhex(item->name, item->id, sizeof(item->id));
		return item->has_id ? NULL : "its name is 64 hex digits";
	case INCIDENT_KEY_VERSION:
		return take_key_version(item);
	case INCIDENT_PROVIDER_KEYS:
		return dk_custodian_from_string(item->name, custodian)
		    ? NULL
		    : "that is no name of a custodian";
	case INCIDENT_ADMIN:
		return options_number(item->name, 0, UINT32_MAX - 1, &item->number)
		    ? NULL
		    : "an administrator is written as a numeric user id";
	case INCIDENT_TOKEN_KEY:
		return take_token_key(item);
	case INCIDENT_PROCESS:
		return take_process(item);
	default:
		return take_device(item);
	}
}

/* ---- items ---- */

static const char *
last_of(const char *text, const char *word)
{
	const char *found = NULL;

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
		found = at;
	return found;
}

/* Of head, which is WHAT [NAME]. */
static const char *
take_head(const char *head, struct incident_item *item)
{
	size_t word = strcspn(head, " ");
	const char *name = head[word] == ' ' ? head + word + 1 : NULL;
	size_t len = name ? strlen(name) : 0;
	unsigned what = 0;

	while (what < INCIDENT_WHATS &&
	    (strlen(whats[what].word) != word || memcmp(whats[what].word, head, word) != 0))
		what++;
	if (what == INCIDENT_WHATS)
		return "nothing of this kind can be stolen; doublekey(1), INCIDENT, has the list";
	item->what = (enum incident_what)what;
	if (whats[what].name && len == 0)
		return "the name is missing";
	if (!whats[what].name)
		return name ? "this has no name" : NULL;
	item->doubtful = name[len - 1] == '?';
	item->name = strndup(name, len - item->doubtful);
	if (!item->name)
		return dk_err_text(DK_ERR_NOMEM);
	if (item->name[0] == '\0' || item->name[0] == ' ' ||
	    item->name[strlen(item->name) - 1] == ' ')
		return "the name is missing, or has a space too much";
	return take_name(item);
}

static const char *
take_times(char *since, struct incident_item *item)
{
	char *until = strstr(since, UNTIL);

	item->until = DK_EXPOSURE_NEVER;
	if (until) {
		*until = '\0';
		if (!incident_time_parse(until + strlen(UNTIL), true, &item->until))
			return "'until' is no time, such as 2031-05-03 or 2031-05-03T08:00Z";
	}
	item->since = 0;
	if (strcmp(since, "unknown") != 0 && !incident_time_parse(since, false, &item->since))
		return "'since' is no time, such as 2031-05-03 or 2031-05-03T08:00Z, nor 'unknown'";
	return item->until < item->since ? "it ends before it begins" : NULL;
}

const char *
incident_item_parse(const char *text, struct incident_item *ret)
{
	char *copy = strdup(text);
	char *since = copy ? (char *)last_of(copy, SINCE) : NULL;
	const char *fault;

	*ret = (struct incident_item){ .name = NULL };
	if (!copy)
		return dk_err_text(DK_ERR_NOMEM);
	if (!since) {
		free(copy);
		return "'since TIME' is missing; 'since unknown' says that nobody knows it";
	}
	*since = '\0';
	fault = take_head(copy, ret);
	if (!fault)
		fault = take_times(since + strlen(SINCE), ret);
	if (!fault && ret->until != DK_EXPOSURE_NEVER && !whats[ret->what].ends)
		fault = "what was stolen stays stolen: this has no 'until'";
	free(copy);
	return fault;
}

void
incident_item_clear(struct incident_item *item)
{
	free(item->name);
	item->name = NULL;
}
