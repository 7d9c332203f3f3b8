/* SPDX-License-Identifier: Apache-2.0 */
/* Gates and levels, spec/profiles/ms-dke.md section 7. */
#include <string.h>

#include "authd/policy_impl.h"

#define BOUND                                                                                      \
	(POLICY_GATE_CONFIRMATION | POLICY_GATE_CLIENT_CERTIFICATE | POLICY_GATE_FRONT_CERTIFICATE)
#define OR " or "

static const char *const names[] = { "confirmation", "client-certificate", "front-certificate",
	"front-network", "presence", "approved-document", "network", "approved-key" };

static unsigned
gate_of(const char *name, size_t len)
{
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return 1u << i;
	return 0;
}

unsigned
policy_gates_parse(const char *text)
{
	unsigned gates = 0;

	for (;;) {
		const char *end = strstr(text, OR);
		unsigned gate = gate_of(text, end ? (size_t)(end - text) : strlen(text));

		if (gate == 0)
			return 0;
		gates |= gate;
		if (!end)
			return gates;
		text = end + strlen(OR);
	}
}

static enum policy_level
level_of(unsigned gates)
{
	if (gates & BOUND)
		return POLICY_LEVEL_C;
	return gates ? POLICY_LEVEL_C_AMBIENT : POLICY_LEVEL_C_MINUS;
}

enum policy_level
policy_gates_level(const unsigned *texts, unsigned count, unsigned held)
{
	unsigned counted = 0;

	for (unsigned i = 0; i < count; i++) {
		if ((texts[i] & held) == 0)
			return POLICY_LEVEL_NONE;
		counted |= texts[i] & held;
	}
	return level_of(counted);
}

/* Of each text the ambient gate could be the one that held. */
enum policy_level
policy_gates_lowest(const unsigned *texts, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if ((texts[i] & ~(unsigned)BOUND) == 0)
			return POLICY_LEVEL_C;
	return count > 0 ? POLICY_LEVEL_C_AMBIENT : POLICY_LEVEL_C_MINUS;
}

const char *
policy_level_name(enum policy_level level)
{
	static const char *const levels[POLICY_LEVELS] = { [POLICY_LEVEL_NONE] = "none",
		[POLICY_LEVEL_C] = "C",
		[POLICY_LEVEL_C_MINUS] = "C-",
		[POLICY_LEVEL_C_AMBIENT] = "C- (ambient)" };

	return (unsigned)level < POLICY_LEVELS && levels[level] ? levels[level] : "?";
}

bool
policy_level_from_name(const char *name, enum policy_level *ret)
{
	static const enum policy_level levels[] = { POLICY_LEVEL_C_MINUS, POLICY_LEVEL_C_AMBIENT };

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(name, policy_level_name(levels[i])) != 0)
			continue;
		*ret = levels[i];
		return true;
	}
	return false;
}
