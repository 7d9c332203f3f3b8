/* SPDX-License-Identifier: Apache-2.0 */
#include "init/renew.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "init/certificate.h"
#include "ipc/child.h"
#include "keyd/sealed.h"

static void
open_store(struct sealed *store, struct state *state, int passphrase_fd)
{
	auto_passphrase passphrase = { .len = 0 };
	dk_err err;

	store->fd[0] = open("keys/sealed.0", O_RDONLY | O_CLOEXEC);
	store->fd[1] = open("keys/sealed.1", O_RDONLY | O_CLOEXEC);
	if (store->fd[0] < 0 || store->fd[1] < 0)
		say_fatal("the sealed store cannot be read: %s", strerror(errno));
	if (passphrase_read(passphrase_fd, &passphrase) != DK_OK)
		say_fatal("the passphrase is empty or cannot be read");
	err = sealed_open(store, &passphrase, state);
	if (err == DK_ERR_KEY_PASSPHRASE)
		say_fatal("the passphrase does not open the sealed store");
	if (err != DK_OK)
		say_fatal("the sealed store is damaged");
}

int
renew(const char *dir, int passphrase_fd)
{
	static const struct rlimit no_core = { 0, 0 };
	static struct certificates certificates;
	static struct sealed store;
	static struct state state;
	bool ok;

	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)prctl(PR_SET_DUMPABLE, 0);
	if (chdir(dir) != 0)
		say_fatal("%s cannot be entered: %s", dir, strerror(errno));
	open_store(&store, &state, passphrase_fd);
	if (!certificates_load_ca(&certificates, state.ca))
		say_fatal("the CA of tls/chain.pem is not the service's own: put the new "
			  "certificate into tls/chain.pem and tls/server.key instead");
	ok = certificates_renew(&certificates, state.service.base_url + strlen("https://")) &&
	    certificates_write(&certificates);
	certificates_clear(&certificates);
	sealed_clear(&store);
	state_clear(&state);
	if (!ok)
		say_fatal("the TLS certificate cannot be written");
	(void)printf("a new TLS certificate is in tls/chain.pem\n");
	return 0;
}
