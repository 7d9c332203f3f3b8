/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "parent/options.h"

static const char usage_text[] =
    "usage: doublekeyd init --dir DIR --url https://HOST:PORT [--custodian NAME]\n"
    "                  [--tls-certificate FILE --tls-key FILE]\n"
    "       doublekeyd run --dir DIR [--pin-file FILE]\n"
    "       doublekeyd key create NAME [--type p256|p384|rsa3072] [--recovery KEY.pub]\n"
    "                  [--hsm URI]\n"
    "       doublekeyd key rotate NAME [--type TYPE] [--recovery KEY.pub] [--hsm URI]\n"
    "       doublekeyd key list | key disable NAME [VERSION] | key enable NAME [VERSION]\n"
    "       doublekeyd key destroy NAME VERSION\n"
    "       doublekeyd enrol-code --user NAME\n"
    "       doublekeyd device list | device revoke KEY-ID\n"
    "       doublekeyd freeze [NAME] | unfreeze [NAME] --reason TEXT\n"
    "       doublekeyd status\n"
    "       doublekeyd log [--since TIME] [--user NAME] [--object ID] [--json]\n"
    "       doublekeyd log erase [--user NAME] [--before TIME]\n"
    "       doublekeyd log export FILE --auditor NAME --key AUDITOR.pub [--since TIME]\n"
    "                  [--until TIME] [--user NAME] [--device KEY-ID] [--object ID]\n"
    "       doublekeyd policy check [--file FILE] [--user U --key K [--label L]\n"
    "                  [--device KEY-ID] [--address IP] [--time 2031-02-03T04:05:06Z]\n"
    "                  [--factor certificate=NAME|token=ISSUER|approval=USER]...]\n"
    "       doublekeyd policy reload\n"
    "       doublekeyd tls renew | tls reload\n"
    "       doublekeyd backup FILE | restore FILE\n"
    "       doublekeyd store migrate --to|--from URI\n"
    "Every command takes --dir DIR. init, run, tls renew, backup and restore\n"
    "take --passphrase-file FILE; init and backup take --kdf-memory-mib N (default 256).\n";

static int
usage(void)
{
	(void)fputs(usage_text, stderr);
	return 2;
}

struct command {
	const char *word;
	const char *second; /* NULL: a command of one word */
	enum ipc_admin_op op;
	int argc_min;
	int argc_max;
};

static const struct command commands[] = {
	{ "key", "list", IPC_OP_KEY_LIST, 0, 0 },
	{ "key", "destroy", IPC_OP_KEY_DESTROY, 2, 2 },
	{ "device", "list", IPC_OP_DEVICE_LIST, 0, 0 },
	{ "device", "revoke", IPC_OP_DEVICE_REVOKE, 1, 1 },
	{ "policy", "reload", IPC_OP_POLICY_RELOAD, 0, 0 },
	{ "tls", "reload", IPC_OP_TLS_RELOAD, 0, 0 },
	{ "status", NULL, IPC_OP_STATUS, 0, 0 },
};

static int
simple_command(const struct settings *s, const char *word, int argc, char **argv)
{
	const char *args[IPC_ADMIN_ARGS_MAX];

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *c = &commands[i];
		int skip = c->second ? 1 : 0;

		if (strcmp(word, c->word) != 0 ||
		    (c->second && (argc < 1 || strcmp(argv[0], c->second) != 0)))
			continue;
		if (argc - skip < c->argc_min || argc - skip > c->argc_max)
			return usage();
		for (int a = skip; a < argc; a++)
			args[a - skip] = argv[a];
		return cmd_ask(s, c->op, args, (unsigned)(argc - skip));
	}
	return usage();
}

static int
make_key(const struct settings *s, const struct words *w, enum ipc_admin_op op, const char *name)
{
	char recovery[RECOVERY_HEX_BYTES] = "";
	const char *args[] = { name, w->type, recovery, w->hsm ? w->hsm : "" };

	if (w->recovery && !recovery_hex(w->recovery, recovery))
		return 1;
	if (w->hsm && strstr(w->hsm, "pin-value")) {
		(void)fputs("doublekeyd: a PIN must not be in a URI\n", stderr);
		return 2;
	}
	return cmd_ask(s, op, args, 4);
}

static int
dispatch(const struct settings *s, const struct words *w, int argc, char **argv)
{
	const char *word = argv[0];
	const char *name = argc > 1 ? argv[1] : "";

	if (strcmp(word, "init") == 0 && argc == 1)
		return cmd_init(s);
	if (strcmp(word, "run") == 0 && argc == 1)
		return cmd_run(s);
	if ((strcmp(word, "backup") == 0 || strcmp(word, "restore") == 0) && argc == 2)
		return cmd_backup(s, word, name);
	if (strcmp(word, "store") == 0 && argc == 2 && strcmp(name, "migrate") == 0 &&
	    !w->to != !w->from)
		return cmd_migrate(s, w->to ? "to" : "from", w->to ? w->to : w->from);
	if (strcmp(word, "log") == 0 && argc == 1)
		return cmd_log(s, &w->log);
	if (strcmp(word, "log") == 0 && argc == 3 && strcmp(name, "export") == 0 &&
	    w->log.auditor && w->log.key)
		return cmd_log_export(s, &w->log, argv[2]);
	if (strcmp(word, "log") == 0 && argc == 2 && strcmp(name, "erase") == 0 &&
	    (w->log.user || w->log.before))
		return cmd_log_erase(s, &w->log);
	if (strcmp(word, "enrol-code") == 0 && argc == 1 && w->user)
		return cmd_ask(s, IPC_OP_ENROL_CODE, &w->user, 1);
	if (strcmp(word, "policy") == 0 && argc == 2 && strcmp(name, "check") == 0)
		return cmd_policy_check(s, &w->policy);
	if (strcmp(word, "tls") == 0 && argc == 2 && strcmp(name, "renew") == 0)
		return cmd_tls_renew(s);
	if (strcmp(word, "freeze") == 0 && argc <= 2)
		return cmd_ask(s, IPC_OP_FREEZE, &name, 1);
	if (strcmp(word, "unfreeze") == 0 && argc <= 2 && w->reason) {
		const char *args[] = { name, w->reason };

		return cmd_ask(s, IPC_OP_UNFREEZE, args, 2);
	}
	if (strcmp(word, "key") == 0 && argc == 3 &&
	    (strcmp(argv[1], "create") == 0 || strcmp(argv[1], "rotate") == 0)) {
		return make_key(s, w,
		    strcmp(argv[1], "create") == 0 ? IPC_OP_KEY_CREATE : IPC_OP_KEY_ROTATE,
		    argv[2]);
	}
	if (strcmp(word, "key") == 0 && (argc == 3 || argc == 4) &&
	    (strcmp(argv[1], "disable") == 0 || strcmp(argv[1], "enable") == 0)) {
		const char *args[] = { argv[2], argc == 4 ? argv[3] : "" };

		return cmd_ask(s,
		    strcmp(argv[1], "enable") == 0 ? IPC_OP_KEY_ENABLE : IPC_OP_KEY_DISABLE, args,
		    2);
	}
	return simple_command(s, word, argc - 1, argv + 1);
}

int
main(int argc, char **argv)
{
	struct settings s = { .dir = "/var/lib/doublekeyd" };
	struct words w = { .type = "p256" };
	int rest = options_take(argc, argv, &s, &w);

	if (rest == OPTIONS_HELP) {
		(void)fputs(usage_text, stdout);
		return 0;
	}
	if (rest < 0 || rest == argc)
		return usage();
	return dispatch(&s, &w, argc - rest, argv + rest);
}
