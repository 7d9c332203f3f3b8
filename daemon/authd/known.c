/* SPDX-License-Identifier: Apache-2.0 */
#include "authd/known.h"

#include <stdlib.h>
#include <string.h>

#include "ipc/child.h"

/* Sorted by id; where id is, or where it belongs. */
static unsigned
place(const struct known_list *list, const uint8_t id[32])
{
	unsigned low = 0, high = list->count;

	while (low < high) {
		unsigned mid = low + (high - low) / 2;

		if (memcmp(list->item[mid].id, id, 32) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct known *
known_find(const struct known_list *list, const uint8_t id[32])
{
	unsigned i = place(list, id);

	return i < list->count && memcmp(list->item[i].id, id, 32) == 0 ? &list->item[i] : NULL;
}

bool
known_learn(struct known_list *list, const struct ipc_message *message, unsigned last_state)
{
	struct known known = { .state = 0 };
	struct ipc_known told;
	struct known *grown;
	unsigned i;

	if (!ipc_known_read(message, &told) || told.state < 1 || told.state > last_state)
		return false;
	memcpy(known.id, told.id, 32);
	known.state = told.state;
	memcpy(known.name, told.name, sizeof(known.name));
	i = place(list, known.id);
	if (i == list->count || memcmp(list->item[i].id, known.id, 32) != 0) {
		grown = realloc(list->item, (list->count + 1) * sizeof(*grown));
		if (!grown)
			say_fatal("no memory");
		list->item = grown;
		memmove(grown + i + 1, grown + i, (list->count - i) * sizeof(*grown));
		list->count++;
	}
	list->item[i] = known;
	return true;
}

void
known_clear(struct known_list *list)
{
	free(list->item);
	*list = (struct known_list){ .count = 0 };
}
