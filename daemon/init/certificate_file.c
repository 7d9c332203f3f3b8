/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates in files. */
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/evp.h"
#include "init/certificate.h"
#include "store/folder.h"

#define CHAIN_FILE "tls/chain.pem"
#define KEY_FILE "tls/server.key"
#define CHAIN_MAX 8

/* ---- read ---- */

static bool
read_chain(struct certificates *c, const char *path)
{
	FILE *file = fopen(path, "re");
	X509 *cert;

	c->between = sk_X509_new_null();
	c->leaf = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
	while (c->leaf && c->between && sk_X509_num(c->between) < CHAIN_MAX &&
	    (cert = PEM_read_X509(file, NULL, NULL, NULL)))
		if (!sk_X509_push(c->between, cert))
			X509_free(cert);
	if (file)
		(void)fclose(file);
	if (!c->leaf || !c->between)
		return false;
	c->ca = sk_X509_pop(c->between);
	return true;
}

static bool
names_host(X509 *leaf, const char *host_port)
{
	char host[256];
	size_t len = (size_t)(strrchr(host_port, ':') - host_port);

	if (host_port[0] == '[') {
		host_port++;
		len -= 2;
	}
	if (len >= sizeof(host))
		return false;
	memcpy(host, host_port, len);
	host[len] = '\0';
	return X509_check_ip_asc(leaf, host, 0) == 1 ||
	    X509_check_host(leaf, host, 0, 0, NULL) == 1;
}

static bool
holds(const struct certificates *c)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	bool ok;

	ok = store && ctx && X509_STORE_add_cert(store, c->ca) == 1 &&
	    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
	    X509_STORE_CTX_init(ctx, store, c->leaf, c->between) == 1 &&
	    X509_STORE_CTX_set_default(ctx, "ssl_server") == 1 && X509_verify_cert(ctx) == 1;
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return ok;
}

const char *
certificates_load(struct certificates *c, const char *chain, const char *key, const char *host_port)
{
	FILE *file;

	if (!read_chain(c, chain))
		return "--tls-certificate: the file cannot be read";
	if (!c->ca || X509_check_ca(c->ca) < 1)
		return "--tls-certificate: the last certificate of the file must be the CA";
	file = fopen(key, "re");
	c->key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
	if (file)
		(void)fclose(file);
	if (!c->key)
		return "--tls-key: the file cannot be read";
	if (X509_check_private_key(c->leaf, c->key) != 1)
		return "--tls-key: this is not the key of the certificate";
	if (!holds(c))
		return "--tls-certificate: it does not hold under its CA, or not now";
	if (!names_host(c->leaf, host_port))
		return "--tls-certificate: it is not for the host of the URL";
	c->ca_key = EVP_EC_gen("P-256");
	return c->ca_key ? NULL : "no memory";
}

bool
certificates_load_ca(struct certificates *c, const struct dk_pkey *ca_key)
{
	if (!read_chain(c, CHAIN_FILE) || !c->ca ||
	    X509_check_private_key(c->ca, ca_key->evp) != 1 || EVP_PKEY_up_ref(ca_key->evp) != 1)
		return false;
	c->ca_key = ca_key->evp;
	X509_free(c->leaf);
	c->leaf = NULL;
	return true;
}

/* ---- write ---- */

/* Root may renew what belongs to the user of the service. */
static bool
give_to_owner(int fd)
{
	struct stat st;

	return geteuid() != 0 || (stat("tls", &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == 0);
}

static FILE *
create(const char *path)
{
	int fd;

	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && give_to_owner(fd))
		return fdopen(fd, "w");
	if (fd >= 0)
		(void)close(fd);
	return NULL;
}

static bool
finish(FILE *file, bool ok, const char *temp, const char *path)
{
	ok = ok && fflush(file) == 0 && fsync(fileno(file)) == 0;
	ok = fclose(file) == 0 && ok && rename(temp, path) == 0;
	if (!ok)
		(void)unlink(temp);
	return ok;
}

static bool
write_key(EVP_PKEY *key)
{
	FILE *file = create(KEY_FILE ".new");

	return file &&
	    finish(file, PEM_write_PKCS8PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1,
		KEY_FILE ".new", KEY_FILE);
}

bool
certificates_write(const struct certificates *c)
{
	FILE *file = create(CHAIN_FILE ".new");
	bool ok = file && PEM_write_X509(file, c->leaf) == 1;

	for (int i = 0; ok && i < sk_X509_num(c->between); i++)
		ok = PEM_write_X509(file, sk_X509_value(c->between, i)) == 1;
	ok = ok && PEM_write_X509(file, c->ca) == 1 && write_key(c->key);
	return file && finish(file, ok, CHAIN_FILE ".new", CHAIN_FILE) && folder_sync("tls");
}
