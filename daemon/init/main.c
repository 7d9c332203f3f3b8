/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doublekeyd-init DIR URL CUSTODIAN MEMORY-MIB CERTIFICATE KEY, passphrase on
 * descriptor 3: makes the directory of a new service. Refuses one that is there
 * already. doublekeyd-init renew DIR: another TLS certificate for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/certificate.h"
#include "init/renew.h"
#include "ipc/child.h"
#include "keyd/sealed.h"
#include "logd/logd.h"
#include "store/folder.h"

#define FD_PASSPHRASE 3
#define MEMORY_MIN_MIB 8
#define MEMORY_MAX_MIB 4096

struct init {
	const char *url;
	const char *host_port;
	struct state state;
	struct sealed store;
	struct dk_log_signer signer;
	struct certificates certificates;
};

static void
make_dir(const char *name)
{
	if (mkdir(name, 0700) != 0)
		say_fatal("%s cannot be made: %s", name, strerror(errno));
}

static int
make_file(const char *name, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0)
		say_fatal("%s cannot be made: %s", name, strerror(errno));
	return fd;
}

static void
write_file(const char *name, mode_t mode, const char *text)
{
	int fd = make_file(name, mode);

	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fsync(fd) != 0 ||
	    close(fd) != 0)
		say_fatal("%s cannot be written", name);
}

/* Host and port are the name of the service as a custodian, unless it is given
 * another one: a custodian is at most 48 bytes. */
static void
set_custodian(struct init *init, const char *custodian)
{
	if (custodian[0] == '\0')
		custodian = init->host_port;
	if (!dk_custodian_from_string(custodian, init->state.service.custodian))
		say_fatal("%s cannot be a custodian: give --custodian NAME", custodian);
}

static void
make_log_keys(struct init *init)
{
	struct dk_service_data *service = &init->state.service;
	const uint8_t *spki;
	size_t len;
	int fd;

	if (dk_random(init->signer.seed.bytes, 32) != DK_OK ||
	    dk_ed25519_public(&init->signer.seed, service->log_ed25519) != DK_OK ||
	    dk_pkey_generate(DK_KEY_P256, 0, &init->signer.p256) != DK_OK)
		say_fatal("the log keys cannot be made");
	spki = dk_pkey_spki(init->signer.p256, &len);
	memcpy(service->log_p256, spki, DK_P256_SPKI_BYTES);
	dk_service_log_keys(service, &init->signer.keys);
	fd = make_file("log/" LOGD_KEY_FILE, 0600);
	if (!log_key_write(fd, &init->signer) || close(fd) != 0)
		say_fatal("the log keys cannot be written");
}

static void
make_identity(struct init *init)
{
	const uint8_t *spki;
	size_t len;

	if (dk_pkey_generate(DK_KEY_P256, 0, &init->state.identity) != DK_OK)
		say_fatal("the identity key cannot be made");
	spki = dk_pkey_spki(init->state.identity, &len);
	memcpy(init->state.service.identity, spki, DK_P256_SPKI_BYTES);
}

/* Both slots, so that each file is one of a store from the beginning. */
static void
make_store(struct init *init, const struct passphrase *passphrase, uint32_t memory_kib)
{
	if (sealed_create(&init->store, passphrase, memory_kib) != DK_OK)
		say_fatal("the key of the sealed store cannot be derived; is libargon2 installed?");
	init->store.fd[0] = make_file("keys/sealed.0", 0600);
	init->store.fd[1] = make_file("keys/sealed.1", 0600);
	for (unsigned i = 0; i < SEALED_SLOTS; i++) {
		init->state.generation++;
		if (sealed_write(&init->store, &init->state) != DK_OK)
			say_fatal("the sealed store cannot be written");
	}
}

static const char policy_text[] =
    "# Who may use which key. The first rule that matches decides; what no rule\n"
    "# matches is denied. See doublekey-policy(5).\n"
    "\n"
    "# group \"staff\" {\n"
    "#\tusers = {\"alice\", \"bob\"}\n"
    "# }\n"
    "\n"
    "rule \"everybody enrolled\" {\n"
    "\tkeys = {\"*\"}\n"
    "\tusers = {\"*\"}\n"
    "\tallow = true\n"
    "}\n";

static void
make_settings(const struct init *init)
{
	char text[512];
	int n = snprintf(text, sizeof(text),
	    "# See doublekeyd.conf(5).\nlisten = \"%s\"\n"
	    "# metrics = \"127.0.0.1:9475\"\n",
	    init->host_port);

	if (n < 0 || (size_t)n >= sizeof(text))
		say_fatal("the URL is too long");
	write_file("doublekeyd.conf", 0600, text);
	write_file("policy.conf", 0600, policy_text);
	write_file("run/lock", 0600, "");
}

static void
print_result(const struct init *init, const char *dir)
{
	char ca[65], vkey[DK_VKEY_MAX_BYTES];

	dk_hex(init->state.service.ca, 32, ca);
	if (dk_log_vkey(&init->signer.keys, vkey) != DK_OK)
		say_fatal("the log key cannot be shown");
	(void)printf("service         %s\ndirectory       %s\nCA fingerprint  %s\n"
		     "log public key  %s\n",
	    init->url, dir, ca, vkey);
}

static void
enter_dir(const char *dir)
{
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		say_fatal("%s cannot be made: %s", dir, strerror(errno));
	if (chdir(dir) != 0)
		say_fatal("%s cannot be entered: %s", dir, strerror(errno));
	if (access("keys", F_OK) == 0)
		say_fatal("%s has a service already", dir);
	for (size_t i = 0; i < FOLDER_OF_SERVICE_COUNT; i++)
		make_dir(folder_of_service[i]);
}

/* Before the directory is made: what was brought may be wrong, and its path relative. */
static void
make_certificates(struct init *init, const char *chain, const char *key)
{
	const char *wrong = NULL;

	if (chain[0] != '\0')
		wrong = certificates_load(&init->certificates, chain, key, init->host_port);
	else if (!certificates_make(&init->certificates, init->host_port))
		wrong = "the certificates cannot be made";
	if (wrong)
		say_fatal("%s", wrong);
}

int
main(int argc, char **argv)
{
	auto_passphrase passphrase = { .len = 0 };
	static struct init init;
	long memory;

	say_as("doublekeyd");
	(void)umask(077);
	if (argc == 3 && strcmp(argv[1], "renew") == 0)
		return renew(argv[2], FD_PASSPHRASE);
	if (argc != 7 || !dk_base_url_valid(argv[2]))
		say_fatal("the URL must have the form https://HOST:PORT, in lower case");
	memory = strtol(argv[4], NULL, 10);
	if (memory < MEMORY_MIN_MIB || memory > MEMORY_MAX_MIB)
		say_fatal("--kdf-memory-mib is from %d to %d", MEMORY_MIN_MIB, MEMORY_MAX_MIB);
	init.url = argv[2];
	init.host_port = init.url + strlen("https://");
	if (passphrase_read(FD_PASSPHRASE, &passphrase) != DK_OK)
		say_fatal("the passphrase is empty or cannot be read");
	set_custodian(&init, argv[3]);
	make_certificates(&init, argv[5], argv[6]);
	enter_dir(argv[1]);
	memcpy(init.state.service.base_url, init.url, strlen(init.url) + 1);
	if (!certificates_write(&init.certificates) ||
	    !certificates_fingerprint(&init.certificates, init.state.service.ca) ||
	    !certificates_ca_key(&init.certificates, &init.state.ca))
		say_fatal("the certificates cannot be written");
	certificates_clear(&init.certificates);
	make_log_keys(&init);
	make_identity(&init);
	make_store(&init, &passphrase, (uint32_t)memory * 1024);
	make_settings(&init);
	if (!folder_sync_service())
		say_fatal("%s cannot be synced: %s", argv[1], strerror(errno));
	print_result(&init, argv[1]);
	sealed_clear(&init.store);
	state_clear(&init.state);
	return 0;
}
