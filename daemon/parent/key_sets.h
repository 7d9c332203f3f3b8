/* SPDX-License-Identifier: Apache-2.0 */
/* Files about key sets of issuers, spec/policy.md section 6.3. */
#ifndef DK_PARENT_KEY_SETS_H
#define DK_PARENT_KEY_SETS_H

#include "authd/policy.h"
#include "ipc/fetch.h"
#include "parent/parent.h"

/* CA certificates that the server of a key set is verified with. */
struct key_set_ca {
	char *pem; /* free() */
	size_t len;
	uint8_t root[32]; /* SHA-256 of pem; zeros: those of the system */
};
/* file: of key-set-ca, or NULL. False: it cannot be read, which was told, or is too large. */
bool key_set_ca_read(const char *dir, const char *file, struct key_set_ca *ret);

/* The set that was kept of this issuer, if there is one from this URL and CA; text has
 * room for IPC_FETCH_BODY_MAX_BYTES. */
bool key_set_kept(const char *dir, const struct policy_issuer *issuer, char *text, size_t *ret_len,
    uint64_t *ret_fetched_s);
bool key_set_keep(const char *dir, const char *url, const struct ipc_key_set *set);
/* The same for members of the groups of a directory; url: its origin. text has room for
 * IPC_MEMBERS_MAX_BYTES. */
bool members_kept(const char *dir, const struct policy_issuer *directory, char *text,
    size_t *ret_len, uint64_t *ret_fetched_s, uint8_t ret_root[32]);
bool members_keep(const char *dir, const char *origin, const struct ipc_key_set *set);
/* Of a file that the policy names: without a slash in front it is one in dir. */
bool key_set_path(const char *dir, const char *file, char ret[PATH_BYTES]);

/* Known keys of a tenant, spec/profiles/ms-dke.md section 5.3; ret has room for
 * IPC_KNOWN_MAX_BYTES. Returns the length, 0 if there is no such file. */
size_t known_keys_kept(const char *dir, const char *name, uint8_t *ret);
bool known_keys_keep(const char *dir, const char *name, const struct dk_part *known);

/* Those of the issuers of the policy (NULL: of none), in the form of spec/ipc.md section
 * 3; ret: free(). False: told already. */
bool key_sets_read(const char *dir, const struct policy *policy, uint8_t **ret, size_t *ret_len);

/* A file that only a descriptor names, or -1. */
int memory_fd(const char *name, const void *data, size_t len);

#endif
