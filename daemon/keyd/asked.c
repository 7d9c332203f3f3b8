/* SPDX-License-Identifier: Apache-2.0 */
#include "keyd/asked.h"

#include <stdlib.h>
#include <string.h>

#include "ipc/child.h"

static bool
same(const struct asked_item *a, const struct asked_item *b)
{
	return strcmp(a->person, b->person) == 0 && strcmp(a->key, b->key) == 0 &&
	    memcmp(a->document, b->document, sizeof(a->document)) == 0;
}

static void
drop(struct asked_list *list, unsigned i)
{
	list->count--;
	memmove(&list->item[i], &list->item[i + 1], (list->count - i) * sizeof(*list->item));
}

static void
make_room(struct asked_list *list, const struct asked_item *asked)
{
	unsigned kept = 0, count = 0, oldest = 0;

	for (unsigned i = 0; i < list->count; i++) {
		const struct asked_item *one = &list->item[i];

		if (one->time + ASKED_S <= asked->time || same(one, asked))
			continue;
		if (strcmp(one->person, asked->person) == 0 && count++ == 0)
			oldest = kept;
		if (kept != i)
			list->item[kept] = *one;
		kept++;
	}
	list->count = kept;
	if (count >= ASKED_PERSON_MAX)
		drop(list, oldest);
	else if (kept == ASKED_MAX)
		drop(list, 0);
}

static bool
has_newer(const struct asked_list *list, const struct asked_item *asked)
{
	for (unsigned i = 0; i < list->count; i++)
		if (same(&list->item[i], asked) && list->item[i].time > asked->time)
			return true;
	return false;
}

void
asked_put(struct asked_list *list, const struct asked_item *asked)
{
	if (has_newer(list, asked))
		return;
	if (!list->item)
		list->item = calloc(ASKED_MAX, sizeof(*list->item));
	if (!list->item)
		say_fatal("no memory");
	make_room(list, asked);
	list->item[list->count++] = *asked;
}

void
asked_forget(struct asked_list *list, const char *person, uint64_t before)
{
	for (unsigned i = list->count; i-- > 0;)
		if (strcmp(list->item[i].person, person) == 0 &&
		    (before == 0 || list->item[i].time < before))
			drop(list, i);
}

void
asked_clear(struct asked_list *list)
{
	free(list->item); /* who waits still ends with the process */
	*list = (struct asked_list){ .count = 0 };
}
