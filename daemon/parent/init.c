/* SPDX-License-Identifier: Apache-2.0 */
/* doublekeyd init: everything with keys in it is made by a program of its own. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ipc/child.h"
#include "parent/parent.h"

#define INIT_FD_PASSPHRASE 3

int
cmd_init(const struct settings *settings)
{
	char program[PATH_BYTES];
	int fd;

	if (!settings->url) {
		(void)fprintf(stderr, "doublekeyd: init needs --url https://HOST:PORT\n");
		return 2;
	}
	if (!path_program(program, "init")) {
		say(SAY_ERROR, "doublekeyd-init is not there");
		return 1;
	}
	fd = passphrase_fd(settings);
	if (fd < 0) {
		say(SAY_ERROR, "no passphrase: give --passphrase-file");
		return 1;
	}
	if (dup2(fd, INIT_FD_PASSPHRASE) < 0 || fcntl(INIT_FD_PASSPHRASE, F_SETFD, 0) != 0)
		return 1;
	(void)execl(program, program, settings->dir, settings->url,
	    settings->custodian ? settings->custodian : "",
	    settings->kdf_memory_mib ? settings->kdf_memory_mib : "256", (char *)NULL);
	say(SAY_ERROR, "doublekeyd-init does not start");
	return 1;
}
