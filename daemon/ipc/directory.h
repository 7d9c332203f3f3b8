/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DIRECTORY, and the members of groups that come of it, spec/ipc.md sections 3 and 6.2. The
 * reader borrows from the payload; false: it has not this layout.
 */
#ifndef DK_IPC_DIRECTORY_H
#define DK_IPC_DIRECTORY_H

#include <stdbool.h>

#include "base/bytes.h"
#include "crypto/hash.h"

#define IPC_SALT_BYTES 32
#define IPC_MEMBER_BYTES 16
#define IPC_MEMBERS_MAX 32768
#define IPC_MEMBER_VALUE_MAX_BYTES 254
#define IPC_GROUPS_MAX 32
#define IPC_PASSWORD_MAX_BYTES 255
#define IPC_MEMBERS_MAX_BYTES                                                                      \
	(IPC_SALT_BYTES + 1 + IPC_GROUPS_MAX * 5 + IPC_MEMBERS_MAX * IPC_MEMBER_BYTES)

enum ipc_nested { IPC_NESTED_NONE, IPC_NESTED_WALK, IPC_NESTED_IN_CHAIN, IPC_NESTED };

struct ipc_directory {
	struct dk_part url;               /* https://HOST:PORT/ */
	struct dk_part bind_dn, password; /* empty, both: anonymous */
	struct dk_part base, attribute, member_of;
	enum ipc_nested nested;
	const uint8_t *salt;
	unsigned groups;
	struct dk_part group[IPC_GROUPS_MAX];
	struct dk_part ca_pem;
};
bool ipc_directory_read(const void *data, size_t len, struct ipc_directory *ret);
/* All of it but the CA certificates, which are the rest; wr has failed if there is no room. */
void ipc_directory_write(const struct ipc_directory *directory, struct dk_writer_buf *wr);

/* What stands for a value of an attribute, or of a claim; in any case of ASCII letters. False:
 * it is empty or too long, or libcrypto does not do what it must. */
bool ipc_member(const uint8_t salt[IPC_SALT_BYTES], const void *value, size_t len,
    uint8_t ret[IPC_MEMBER_BYTES]);

#endif
