/* SPDX-License-Identifier: Apache-2.0 */
#include <netdb.h>
#include <stddef.h>
#include <sys/stat.h>

#include "fetchd/fetchd.h"
#include "sandbox/sandbox.h"

static struct stat noted[SANDBOX_RESOLVER_FILES];

/* Zero if it is not there: that is noted as well. */
static struct stat
look(unsigned i)
{
	struct stat st;

	if (stat(sandbox_resolver_files[i], &st) != 0)
		st = (struct stat){ .st_ino = 0 };
	return st;
}

void
resolver_start(void)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;

	for (unsigned i = 0; i < SANDBOX_RESOLVER_FILES; i++)
		noted[i] = look(i);
	/* The modules that nsswitch.conf names are libraries. */
	if (getaddrinfo("localhost", "443", &hints, &found) == 0)
		freeaddrinfo(found);
}

bool
resolver_changed(void)
{
	for (unsigned i = 0; i < SANDBOX_RESOLVER_FILES; i++) {
		struct stat st = look(i);

		if (st.st_ino != noted[i].st_ino || st.st_dev != noted[i].st_dev)
			return true;
	}
	return false;
}
