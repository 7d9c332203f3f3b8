/* SPDX-License-Identifier: Apache-2.0 */
/* The list as CSV: spec/exposure.md section 10.3. */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "cli/report/impl.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

void
report_list_head(FILE *f)
{
	(void)fputs(BYTE_ORDER_MARK "object,answer,steps,customer,provider,user,missing,"
				    "on_stolen_device,without_log,label,places,path\r\n",
	    f);
}

/* A spreadsheet takes what begins like this for a formula. The text has no control characters. */
static void
put_quoted(FILE *f, const char *text)
{
	(void)fputs(text[0] && strchr("=+-@'", text[0]) ? "\"'" : "\"", f);
	for (; *text; text++) {
		size_t plain = strcspn(text, "\"");

		(void)fwrite(text, 1, plain, f);
		text += plain;
		if (!*text)
			break;
		(void)fputs("\"\"", f);
	}
	(void)fputc('"', f);
}

/* A label or a name, which is short. */
static void
put_shown(FILE *f, const char *text)
{
	char safe[4 * 255 + 4];

	put_quoted(f, dk_text_show(text, strlen(text), "", safe, sizeof(safe)));
}

static void
put_key(const struct report *r, uint32_t key)
{
	char hex[65];

	dk_hex((const uint8_t *)r->assess->key.at + (size_t)32 * key, 32, hex);
	(void)fprintf(r->list, "key-%s", hex);
}

/* Who asked for the release. */
static void
put_user(const struct report *r, const struct dk_exposure_verdict *v)
{
	const struct assess_entry *entry = r->assess->entry.at;
	const struct assess_user *user = r->assess->user.at;

	if (v->customer_rule != DK_RULE_UNWRAP)
		put_shown(r->list, user[entry[v->entry].root].name);
}

static void
put_derivation(const struct report *r, const struct dk_exposure_verdict *v)
{
	(void)fprintf(r->list, "%" PRIu32 ",", v->steps);
	if (v->customer_rule == DK_RULE_UNWRAP)
		put_key(r, v->customer_key);
	else
		(void)fprintf(r->list, "%s-%" PRIu64,
		    v->customer_rule == DK_RULE_RELEASE ? "release" : "intercept", v->entry);
	(void)fputc(',', r->list);
	if (v->provider_rule == DK_RULE_UNWRAP)
		put_key(r, v->provider_key);
	else
		(void)fputs("assumed", r->list);
	(void)fputc(',', r->list);
	put_user(r, v);
	(void)fputc(',', r->list);
}

static void
put_missing(FILE *f, unsigned missing)
{
	bool any = false;

	(void)fputs(",,,,\"", f);
	for (unsigned bit = 1; bit <= DK_MISSING_KEY; bit <<= 1) {
		if (missing & bit) {
			(void)fprintf(f, "%s%s", any ? "," : "", dk_exposure_missing_name(bit));
			any = true;
		}
	}
	(void)fputc('"', f);
}

void
report_list_row(struct report *r, const char *id, const char *label, uint64_t places,
    const struct dk_exposure_verdict *v)
{
	(void)fprintf(r->list, "%s,%s,", id, assess_answers[v->answer]);
	if (v->answer == DK_READABLE)
		put_derivation(r, v);
	else
		put_missing(r->list, v->missing);
	(void)fprintf(r->list, ",%d,%d,", v->on_device, v->online);
	put_shown(r->list, label);
	(void)fprintf(r->list, ",%" PRIu64 ",", places);
	put_quoted(r->list, r->text);
	(void)fputs("\r\n", r->list);
}
