/* SPDX-License-Identifier: Apache-2.0 */
/* A new witness: folder, key, the logs that it starts with. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/child.h"
#include "store/folder.h"
#include "witness/witness.h"

static bool
make_key(struct witness *w, const char *name)
{
	uint8_t public_key[DK_ED25519_BYTES];
	dk_err err;

	err = dk_random(w->seed.bytes, sizeof(w->seed.bytes));
	if (err == DK_OK)
		err = dk_ed25519_public(&w->seed, public_key);
	if (err == DK_OK)
		err = dk_note_key_make(
		    DK_NOTE_COSIGNATURE, name, public_key, sizeof(public_key), &w->key);
	if (err == DK_ERR_LOG_VKEY)
		say(SAY_ERROR, "this is not a name: 1 to 255 bytes, without spaces and '+'");
	else if (err != DK_OK)
		say(SAY_ERROR, "no key can be made: %s", dk_err_text(err));
	return err == DK_OK;
}

static bool
check_vkeys(char *const *vkeys, unsigned n)
{
	struct dk_note_key key;

	for (unsigned i = 0; i < n; i++)
		if (dk_note_key_parse(vkeys[i], strlen(vkeys[i]), &key) != DK_OK ||
		    key.type == DK_NOTE_COSIGNATURE) {
			say(SAY_ERROR, "log-vkey: number %u is not the public key of a log", i + 1);
			return false;
		}
	return true;
}

static bool
write_logs(char *const *vkeys, unsigned n)
{
	int fd = open(WITNESS_LOGS_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	bool ok = fd >= 0 &&
	    dprintf(fd, "# Logs that are witnessed: a line 'log VKEY' each. Read at the start.\n") >
		0;

	for (unsigned i = 0; i < n && ok; i++)
		ok = dprintf(fd, "log %s\n", vkeys[i]) > 0;
	ok = ok && dprintf(fd, "quorum none\n") > 0 && fsync(fd) == 0;
	if (fd >= 0)
		ok = close(fd) == 0 && ok;
	if (!ok)
		say(SAY_ERROR, WITNESS_LOGS_FILE ": %s", strerror(errno));
	return ok;
}

static bool
enter(const char *dir)
{
	if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
		say(SAY_ERROR, "%s: %s", dir, strerror(errno));
		return false;
	}
	if (!folder_sync_above(dir) || chdir(dir) != 0 ||
	    (mkdir("state", 0755) != 0 && errno != EEXIST) ||
	    (mkdir("refused", 0755) != 0 && errno != EEXIST)) {
		say(SAY_ERROR, "%s: %s", dir, strerror(errno));
		return false;
	}
	return true;
}

int
witness_init(const char *dir, const char *name, char *const *vkeys, unsigned n)
{
	struct witness *w = calloc(1, sizeof(*w));
	char vkey[DK_VKEY_MAX_BYTES];
	bool ok;

	if (!w)
		return 1;
	/* The key is written last: with it the folder is a witness's. */
	ok = check_vkeys(vkeys, n) && make_key(w, name) && enter(dir);
	if (ok && access(WITNESS_KEY_FILE, F_OK) == 0) {
		say(SAY_ERROR, "exists: %s is a witness already", dir);
		ok = false;
	}
	ok = ok && write_logs(vkeys, n) && witness_key_write(w) &&
	    dk_note_key_text(&w->key, vkey) == DK_OK && printf("%s\n", vkey) > 0 &&
	    fflush(stdout) == 0;
	dk_wipe(w, sizeof(*w));
	free(w);
	return ok ? 0 : 1;
}
