/* SPDX-License-Identifier: Apache-2.0 */
#include "parent/options.h"

#include <getopt.h>
#include <string.h>

#include "parent/tell.h"

/* Options with one value, and those that are more than that. */
enum { TARGETS_MAX = 32, FACTOR, JSON, HELP, UNTESTED_SIZE, DECRYPT_ONLY, REQUIRE_CONFIRMATION };

#define FLAGS 6 /* of these */

struct target {
	const char *name;
	const char **value;
};

static bool
take_factor(struct policy_case *c, const char *factor)
{
	if (c->factor_count == POLICY_CASE_FACTORS_MAX) {
		(void)tell_usage("policy check", "too many --factor");
		return false;
	}
	c->factor[c->factor_count++] = factor;
	return true;
}

/* As it was written, without what follows "=". */
static int
wrong(int c, const char *word)
{
	const char letter[3] = { '-', (char)optopt, '\0' };
	bool is_long = strncmp(word, "--", 2) == 0;
	int len;

	word = is_long ? word : letter;
	len = (int)strcspn(word, "=");
	if (c == ':')
		(void)tell_usage(NULL, "option '%.*s' needs a value", len, word);
	else if (is_long && optopt != 0)
		(void)tell_usage(NULL, "option '%.*s' takes no value", len, word);
	else
		(void)tell_usage(NULL, "no option '%.*s'", len, word);
	return OPTIONS_WRONG;
}

static bool
note_given(struct words *w, const char *name)
{
	if (w->given_count == OPTIONS_GIVEN_MAX) {
		(void)tell_usage(NULL, "too many options");
		return false;
	}
	w->given[w->given_count++] = name;
	return true;
}

/* Goes on until a help or a wrong option. */
static int
take_all(int argc, char **argv, const struct option *options, const struct target *targets,
    struct words *w)
{
	int c, index;

	while ((c = getopt_long(argc, argv, ":h", options, &index)) != -1) {
		if (c == HELP || c == 'h')
			return OPTIONS_HELP;
		if (c == ':' || c == '?')
			return wrong(c, argv[optind - 1]);
		if (!note_given(w, options[index].name))
			return OPTIONS_WRONG;
		if (c < TARGETS_MAX)
			*targets[c].value = optarg;
		else if (c == JSON)
			w->log.json = true;
		else if (c == UNTESTED_SIZE)
			w->untested_size = true;
		else if (c == DECRYPT_ONLY)
			w->decrypt_only = true;
		else if (c == REQUIRE_CONFIRMATION)
			w->require_confirmation = true;
		else if (c == FACTOR && !take_factor(&w->policy, optarg))
			return OPTIONS_WRONG;
	}
	w->policy.user = w->log.user = w->user;
	w->log.device = w->policy.device;
	w->log.key = w->policy.key;
	return optind;
}

int
options_take(int argc, char **argv, struct settings *s, struct words *w)
{
	const struct target targets[TARGETS_MAX] = {
		{ "dir", &s->dir },
		{ "url", &s->url },
		{ "custodian", &s->custodian },
		{ "passphrase-file", &s->passphrase_file },
		{ "kdf-memory-mib", &s->kdf_memory_mib },
		{ "pin-file", &s->pin_file },
		{ "tls-certificate", &s->tls_certificate },
		{ "tls-key", &s->tls_key },
		{ "user", &w->user },
		{ "type", &w->type },
		{ "reason", &w->reason },
		{ "recovery", &w->recovery },
		{ "hsm", &w->hsm },
		{ "dke-name", &w->dke_name },
		{ "dke-id", &w->dke_id },
		{ "require-approvals", &w->require_approvals },
		{ "to", &w->to },
		{ "from", &w->from },
		{ "file", &w->policy.file },
		{ "device", &w->policy.device },
		{ "key", &w->policy.key },
		{ "label", &w->policy.label },
		{ "address", &w->policy.address },
		{ "time", &w->policy.time },
		{ "since", &w->log.since },
		{ "object", &w->log.object },
		{ "before", &w->log.before },
		{ "until", &w->log.until },
		{ "auditor", &w->log.auditor },
	};
	struct option options[TARGETS_MAX + FLAGS + 1] = {
		{ "factor", required_argument, NULL, FACTOR },
		{ "json", no_argument, NULL, JSON },
		{ "help", no_argument, NULL, HELP },
		{ "untested-size", no_argument, NULL, UNTESTED_SIZE },
		{ "decrypt-only", no_argument, NULL, DECRYPT_ONLY },
		{ "require-confirmation", no_argument, NULL, REQUIRE_CONFIRMATION },
	};

	for (int i = 0; i < TARGETS_MAX && targets[i].name; i++)
		options[FLAGS + i] = (struct option){ targets[i].name, required_argument, NULL, i };
	return take_all(argc, argv, options, targets, w);
}
