/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "parent/commands.h"
#include "parent/tell.h"

static const char usage_text[] =
    "usage: doublekeyd init --dir DIR --url https://HOST:PORT [--custodian NAME]\n"
    "                  [--tls-certificate FILE --tls-key FILE]\n"
    "       doublekeyd run --dir DIR [--pin-file FILE]\n"
    "       doublekeyd key create NAME [--type p256|p384|rsa3072] [--recovery KEY.pub]\n"
    "                  [--hsm URI]\n"
    "       doublekeyd key create NAME --type dke-rsa2048|dke-rsa3072|dke-rsa4096\n"
    "                  [--dke-name NAME] [--untested-size] [--hsm URI]\n"
    "                  [--require-confirmation] [--require-approvals N]\n"
    "       doublekeyd key rotate NAME [--type TYPE] [--untested-size] [--recovery KEY.pub]\n"
    "                  [--hsm URI]\n"
    "       doublekeyd key import NAME FILE --dke-id ID [--dke-name NAME] [--type TYPE]\n"
    "                  [--decrypt-only] [--require-confirmation] [--require-approvals N]\n"
    "       doublekeyd key list | key disable NAME [VERSION] | key enable NAME [VERSION]\n"
    "       doublekeyd key destroy NAME VERSION\n"
    "       doublekeyd enrol-code --user NAME\n"
    "       doublekeyd device list | device accept KEY-ID | device revoke KEY-ID\n"
    "       doublekeyd freeze [NAME] | unfreeze [NAME] --reason TEXT\n"
    "       doublekeyd status\n"
    "       doublekeyd log [--since TIME] [--user NAME] [--object ID] [--json]\n"
    "       doublekeyd log erase [--user NAME] [--before TIME]\n"
    "       doublekeyd log export FILE --auditor NAME --key AUDITOR.pub [--since TIME]\n"
    "                  [--until TIME] [--user NAME] [--device KEY-ID] [--object ID]\n"
    "       doublekeyd evidence sign FILE\n"
    "       doublekeyd policy check [--file FILE] [--user U --key K [--label L]\n"
    "                  [--device KEY-ID] [--address IP] [--time 2031-02-03T04:05:06Z]\n"
    "                  [--factor certificate=NAME|token=ISSUER|approval=USER]...\n"
    "                  [--factor tenant=NAME [--factor gate=GATE|approval=USER|\n"
    "                  token-group=GUID|role=TEXT|ldap-group=NAME|document=HEX]...]]\n"
    "       doublekeyd policy reload | policy list | policy show DIGEST\n"
    "       doublekeyd tenant accept NAME THUMBPRINT\n"
    "       doublekeyd tls renew | tls reload\n"
    "       doublekeyd backup FILE | restore FILE\n"
    "       doublekeyd store migrate --to|--from URI\n"
    "Every command takes --dir DIR. init, run, tls renew, backup and restore\n"
    "take --passphrase-file FILE; init and backup take --kdf-memory-mib N (default 256).\n";

/* Whether list, separated by blanks and bars, has the word. */
static bool
has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; *at != '\0'; at += strspn(at, " |")) {
		size_t n = strcspn(at, " |");

		if (n == len && memcmp(at, word, n) == 0)
			return true;
		at += n;
	}
	return false;
}

/* Number of words of the command, 0: it is another one. */
static int
is_command(const struct command *c, int argc, char **argv)
{
	const char *second = strchr(c->words, ' ');
	size_t len = second ? (size_t)(second - c->words) : strlen(c->words);

	if (argc < 1 || strlen(argv[0]) != len || memcmp(argv[0], c->words, len) != 0)
		return 0;
	if (!second)
		return 1;
	return argc > 1 && strcmp(argv[1], second + 1) == 0 ? 2 : 0;
}

static const struct command *
find_command(int argc, char **argv, int *ret_skip)
{
	const struct command *c = commands;
	bool first = false;

	for (; c->words; c++) {
		*ret_skip = is_command(c, argc, argv);
		if (*ret_skip > 0)
			return c;
		first = first ||
		    (strncmp(c->words, argv[0], strlen(argv[0])) == 0 &&
			c->words[strlen(argv[0])] == ' ');
	}
	if (first && argc == 1)
		(void)tell_usage(argv[0], "needs a second word");
	else
		(void)tell_usage(
		    NULL, "no command '%s%s%s'", argv[0], first ? " " : "", first ? argv[1] : "");
	return NULL;
}

/* The options of needs: separated by blanks, of each one of those between bars. */
static bool
check_needs(const struct command *c, const struct words *w)
{
	for (const char *at = c->needs; *at != '\0'; at += strspn(at, " ")) {
		int n = (int)strcspn(at, " ");
		unsigned given = 0;
		char one[64];

		(void)snprintf(one, sizeof(one), "%.*s", n, at);
		for (unsigned i = 0; i < w->given_count; i++)
			given += has_word(one, w->given[i]);
		if (given == 0)
			return tell_usage(c->words, "--%s is missing", one) == 0;
		if (given > 1 && strchr(one, '|'))
			return tell_usage(c->words, "takes one of --%s", one) == 0;
		at += n;
	}
	return true;
}

/* An option that the command does not look at could have meant less than what is done. */
static bool
check_options(const struct command *c, const struct words *w)
{
	for (unsigned i = 0; i < w->given_count; i++)
		if (strcmp(w->given[i], "dir") != 0 && !has_word(c->needs, w->given[i]) &&
		    !has_word(c->takes, w->given[i]))
			return tell_usage(c->words, "takes no --%s", w->given[i]) == 0;
	return check_needs(c, w);
}

static bool
check_operands(const struct command *c, int count, char **operand)
{
	const char *missing = c->operands;

	if (count > c->max)
		return tell_usage(c->words, "one argument too many: '%s'", operand[c->max]) == 0;
	if (count >= c->min)
		return true;
	for (int i = 0; i < count; i++)
		missing = strchr(missing, ' ') + 1;
	return tell_usage(c->words, "%.*s is missing", (int)strcspn(missing, " "), missing) == 0;
}

int
main(int argc, char **argv)
{
	struct settings s = { .dir = "/var/lib/doublekeyd" };
	struct words w = { .type = NULL };
	const struct command *c;
	int skip = 0, rest = options_take(argc, argv, &s, &w);

	if (rest == OPTIONS_HELP)
		return fputs(usage_text, stdout) < 0 || fflush(stdout) != 0;
	if (rest < 0)
		return 2;
	if (rest == argc)
		return tell_usage(NULL, "no command given");
	c = find_command(argc - rest, argv + rest, &skip);
	if (!c || !check_operands(c, argc - rest - skip, argv + rest + skip) ||
	    !check_options(c, &w))
		return 2;
	return c->run(&s, &w, c, argv + rest + skip);
}
