/* SPDX-License-Identifier: Apache-2.0 */
/* init, backup, restore, migrate: everything with keys or a log in it is made by programs of
 * their own. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/child.h"
#include "native/request.h"
#include "parent/parent.h"
#include "parent/tell.h"

#define INIT_FD_PASSPHRASE 3

/* Descriptor 3 of a program that will take the place of this one. */
static bool
give_passphrase(const struct settings *settings)
{
	int fd = passphrase_fd(settings);

	return fd >= 0 && dup2(fd, INIT_FD_PASSPHRASE) >= 0 &&
	    fcntl(INIT_FD_PASSPHRASE, F_SETFD, 0) == 0;
}

int
cmd_init(const struct settings *settings)
{
	struct settings s = *settings;
	char program[PATH_BYTES];

	/* What can be seen at once, before anybody is asked for a passphrase. */
	if (!dk_base_url_valid(s.url))
		return tell_usage("init",
		    "--url takes https://HOST:PORT, in lower case, with a port from 1 to 65535 and "
		    "nothing behind it");
	if (!s.tls_certificate != !s.tls_key)
		return tell_usage("init", "--tls-certificate and --tls-key go together");
	if (!path_program(program, "init")) {
		say(SAY_ERROR, "doublekeyd-init is not there");
		return 1;
	}
	s.confirm = true;
	if (!give_passphrase(&s))
		return 1;
	(void)execl(program, program, s.dir, s.url, s.custodian ? s.custodian : "",
	    s.kdf_memory_mib ? s.kdf_memory_mib : "256", s.tls_certificate ? s.tls_certificate : "",
	    s.tls_key ? s.tls_key : "", (char *)NULL);
	say(SAY_ERROR, "doublekeyd-init does not start");
	return 1;
}

int
cmd_renew_program(const struct settings *settings)
{
	char program[PATH_BYTES];

	if (!path_program(program, "init")) {
		say(SAY_ERROR, "doublekeyd-init is not there");
		return 1;
	}
	if (!give_passphrase(settings))
		return 1;
	(void)execl(program, program, "renew", settings->dir, (char *)NULL);
	say(SAY_ERROR, "doublekeyd-init does not start");
	return 1;
}

int
cmd_backup(const struct settings *settings, const char *word, const char *file)
{
	struct settings s = *settings;
	char program[PATH_BYTES];
	bool save = strcmp(word, "backup") == 0;

	if (!path_program(program, "backup")) {
		say(SAY_ERROR, "doublekeyd-backup is not there");
		return 1;
	}
	s.prompt = "Passphrase of the backup: ";
	s.confirm = save;
	if (!give_passphrase(&s))
		return 1;
	(void)execl(program, program, save ? "save" : "restore", s.dir, file,
	    s.kdf_memory_mib ? s.kdf_memory_mib : "256", (char *)NULL);
	say(SAY_ERROR, "doublekeyd-backup does not start");
	return 1;
}

int
cmd_migrate(const struct settings *settings, const char *way, const char *uri)
{
	char program[PATH_BYTES];

	if (!path_program(program, "migrate")) {
		say(SAY_ERROR, "doublekeyd-migrate is not there");
		return 1;
	}
	(void)execl(program, program, way, settings->dir, uri, (char *)NULL);
	say(SAY_ERROR, "doublekeyd-migrate does not start");
	return 1;
}
