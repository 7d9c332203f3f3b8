/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that are run as they are, so that a bundle holds what they say. */
#include "cli/evidence/evidence.h"

#include <stdlib.h>

#include "cli/command/command.h"
#include "cli/console/message.h"

struct words {
	const char **word;
	int count;
};

static void
add(struct words *words, const char *option, const char *value)
{
	words->word[words->count++] = option;
	if (value)
		words->word[words->count++] = value;
}

static bool
begin(struct words *words, const struct log_trust *trust, const char *command, size_t more)
{
	words->word = calloc(20 + 2 * (trust->keys.count + more), sizeof(*words->word));
	words->count = 0;
	if (!words->word) {
		message_err(NULL, DK_ERR_NOMEM, NULL);
		return false;
	}
	add(words, command, NULL);
	for (size_t i = 0; i < trust->keys.count; i++)
		add(words, "--key", trust->keys.item[i]);
	if (trust->policy_file)
		add(words, "--policy", trust->policy_file);
	return true;
}

static bool
run(struct words *words, command_fn command)
{
	bool ok = command(words->count, (char **)words->word) == STATUS_OK;

	free(words->word);
	return ok;
}

bool
evidence_assess(const struct log_trust *trust, const struct evidence_inputs *in,
    const struct evidence_outputs *out)
{
	struct words words;

	if (!begin(&words, trust, "assess", in->policy_count))
		return false;
	add(&words, "--incident", in->incident);
	add(&words, "--catalogue", in->catalogue);
	add(&words, "--log", in->log);
	add(&words, "--records", in->records);
	add(&words, "--json", out->json);
	if (out->page) {
		add(&words, "--html", out->page);
		add(&words, "--lang", out->language);
	}
	for (size_t i = 0; i < in->policy_count; i++)
		add(&words, "--service-policy", in->policy[i]);
	return run(&words, cmd_assess);
}

bool
evidence_log_verify(const struct log_trust *trust, const char *log)
{
	struct words words;

	if (!begin(&words, trust, "verify", 0))
		return false;
	add(&words, log, NULL);
	return run(&words, cmd_log_verify);
}
