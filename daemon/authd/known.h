/* SPDX-License-Identifier: Apache-2.0 */
/* What keyd told of its registry: ids with their names and states. */
#ifndef DK_AUTHD_KNOWN_H
#define DK_AUTHD_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/payload.h"

struct known {
	uint8_t id[32];
	uint8_t state;
	char name[IPC_NAME_MAX_BYTES + 1];
};

/* Sorted by id. */
struct known_list {
	struct known *item;
	unsigned count;
};

/* A device or a key, new or changed; its state is 1 to last_state. False: not the
 * layout of the message. Without memory the process ends. */
bool known_learn(struct known_list *list, const struct ipc_message *message, unsigned last_state);

/* NULL: keyd told of no such id. It holds until the next known_learn(). */
const struct known *known_find(const struct known_list *list, const uint8_t id[32]);

void known_clear(struct known_list *list);

#endif
