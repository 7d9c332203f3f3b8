/* SPDX-License-Identifier: Apache-2.0 */
#include "parent/options.h"

#include <getopt.h>

/* Options with one value, and those that are more than that. */
enum { TARGETS_MAX = 32, FACTOR, JSON, HELP };

struct target {
	const char *name;
	const char **value;
};

static bool
take_factor(struct policy_case *c, const char *factor)
{
	if (c->factor_count == POLICY_CASE_FACTORS_MAX)
		return false;
	c->factor[c->factor_count++] = factor;
	return true;
}

/* Goes on until a help or a wrong option. */
static int
take_all(int argc, char **argv, const struct option *options, const struct target *targets,
    struct words *w)
{
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c >= 0 && c < TARGETS_MAX)
			*targets[c].value = optarg;
		else if (c == JSON)
			w->log.json = true;
		else if (c == HELP)
			return OPTIONS_HELP;
		else if (c != FACTOR || !take_factor(&w->policy, optarg))
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
	struct option options[TARGETS_MAX + 4] = {
		{ "factor", required_argument, NULL, FACTOR },
		{ "json", no_argument, NULL, JSON },
		{ "help", no_argument, NULL, HELP },
	};

	for (int i = 0; i < TARGETS_MAX && targets[i].name; i++)
		options[3 + i] = (struct option){ targets[i].name, required_argument, NULL, i };
	return take_all(argc, argv, options, targets, w);
}
