/* SPDX-License-Identifier: Apache-2.0 */
/* The administrator's side of the local socket, spec/ipc.md section 5. */
#ifndef DK_PARENT_EXCHANGE_H
#define DK_PARENT_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/message.h"

struct exchange_answer {
	unsigned code;
	uint8_t *data; /* with the code's two bytes; free() */
	size_t len;
};

/* False: no service runs on dir, or it did not answer; that was told. */
bool exchange(const char *dir, enum ipc_admin_op op, const char *const *args, unsigned n,
    struct exchange_answer *ret);

#endif
