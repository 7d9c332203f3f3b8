/* SPDX-License-Identifier: Apache-2.0 */
/* Directories of a policy, as far as they are asked: spec/profiles/ms-dke.md section 5.5. */
#ifndef DK_PARENT_DIRECTORIES_H
#define DK_PARENT_DIRECTORIES_H

#include "authd/policy.h"
#include "ipc/directory.h"

struct run_directory {
	char url[256]; /* with https, for libcurl */
	char bind_dn[256], base[256], attribute[65], member_of[65];
	char password_file[256]; /* empty: anonymous */
	char group[POLICY_DIRECTORY_GROUPS_MAX][256];
	unsigned groups;
	enum ipc_nested nested;
	uint8_t salt[IPC_SALT_BYTES];
	char origin[65]; /* SHA-256 of what decides who is found, in hex */
};

/* Without its salt. free(); NULL: no memory. */
struct run_directory *run_directory_new(const struct policy *policy, unsigned directory);
/* Why the password cannot be had from this file, in words without it; NULL: it can. */
const char *run_directory_password_fault(const char *dir, const char *file);
/* DIRECTORY for fetchd; ret: run_directory_free_payload(). NULL: the password cannot be had, why is
 * in ret_why; or, with NULL there, no memory. */
uint8_t *run_directory_payload(const struct run_directory *directory, const char *dir,
    const struct dk_part *ca_pem, size_t *ret_len, const char **ret_why);
/* It has the password. */
void run_directory_free_payload(uint8_t *payload, size_t len);

#endif
