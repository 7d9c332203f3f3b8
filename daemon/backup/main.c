/* SPDX-License-Identifier: Apache-2.0 */
/* doublekeyd-backup save|restore DIR FILE MEMORY-MIB, passphrase on descriptor 3. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "backup/backup.h"
#include "ipc/child.h"

#define FD_PASSPHRASE 3
#define MEMORY_MIN_MIB 8
#define MEMORY_MAX_MIB 4096

bool
backup_name_valid(const char *name)
{
	static const char *const dirs[] = { "keys/", "tls/", "issuers/", "log/", "policies/" };
	const char *rest = name;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (strncmp(name, dirs[i], strlen(dirs[i])) == 0)
			rest = name + strlen(dirs[i]);
	if (strlen(name) > FILE_NAME_MAX_BYTES || rest[0] == '\0' || rest[0] == '.')
		return false;
	for (; *rest; rest++)
		if (!isalnum((unsigned char)*rest) && !strchr("._-", *rest))
			return false;
	return true;
}

int
main(int argc, char **argv)
{
	static const struct rlimit no_core = { 0, 0 };
	auto_passphrase passphrase = { .len = 0 };
	long memory;

	say_as("doublekeyd");
	(void)umask(077);
	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)prctl(PR_SET_DUMPABLE, 0);
	memory = argc == 5 ? strtol(argv[4], NULL, 10) : 0;
	if (memory < MEMORY_MIN_MIB || memory > MEMORY_MAX_MIB)
		say_fatal("--kdf-memory-mib is from %d to %d", MEMORY_MIN_MIB, MEMORY_MAX_MIB);
	if (passphrase_read(FD_PASSPHRASE, &passphrase) != DK_OK)
		say_fatal("the passphrase is empty or cannot be read");
	if (strcmp(argv[1], "save") == 0)
		backup_save(argv[2], argv[3], &passphrase, (uint32_t)memory * 1024);
	else
		backup_restore(argv[2], argv[3], &passphrase);
	return 0;
}
