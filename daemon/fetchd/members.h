/* SPDX-License-Identifier: Apache-2.0 */
/* Who is in the groups of a directory, spec/profiles/ms-dke.md section 5.5. */
#ifndef DK_FETCHD_MEMBERS_H
#define DK_FETCHD_MEMBERS_H

#include "fetchd/fetchd.h"
#include "ipc/directory.h"

/* Blocks. ret_body has room for IPC_MEMBERS_MAX_BYTES. ret_status: result code of LDAP. */
enum ipc_fetch_result members_fetch(const struct ipc_directory *directory, uint8_t *ret_body,
    size_t *ret_len, unsigned *ret_status);

#endif
