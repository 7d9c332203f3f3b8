/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a file, and the changes to them that are not synced. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "disk.h"

#define SECTOR_BYTES 512

int
image_resize(struct image *image, size_t len)
{
	if (len > image->cap) {
		size_t cap = len < 4096 ? 4096 : 2 * len;
		uint8_t *bytes = realloc(image->bytes, cap);

		if (!bytes)
			return ENOMEM;
		image->bytes = bytes;
		image->cap = cap;
	}
	if (len > image->len)
		memset(image->bytes + image->len, 0, len - image->len);
	image->len = len;
	return 0;
}

int
image_write(struct image *image, const void *bytes, size_t len, size_t at)
{
	int err = at + len > image->len ? image_resize(image, at + len) : 0;

	if (err == 0 && len > 0)
		memcpy(image->bytes + at, bytes, len);
	return err;
}

int
image_copy(struct image *to, const struct image *from)
{
	to->len = 0;
	return image_write(to, from->bytes, from->len, 0);
}

int
change_add(struct node *file, const void *bytes, size_t len, size_t at)
{
	struct change *change = calloc(1, sizeof(*change));

	if (!change)
		return ENOMEM;
	*change = (struct change){ .at = at, .len = len };
	if (bytes) {
		change->bytes = malloc(len + 1);
		if (!change->bytes) {
			free(change);
			return ENOMEM;
		}
		memcpy(change->bytes, bytes, len);
	}
	*(file->changes ? file->changes_end : &file->changes) = change;
	file->changes_end = &change->next;
	file->change_count++;
	return 0;
}

static void
drop(struct node *file)
{
	while (file->changes) {
		struct change *change = file->changes;

		file->changes = change->next;
		free(change->bytes);
		free(change);
	}
	file->change_count = 0;
}

/* Without changes the two images are the same. */
void
changes_keep(struct node *file)
{
	for (const struct change *c = file->changes; c; c = c->next)
		if ((c->bytes ? image_write(&file->kept, c->bytes, c->len, c->at)
			      : image_resize(&file->kept, c->len)) != 0)
			abort();
	drop(file);
}

uint64_t
disk_hash(uint64_t seed, uint64_t a, uint64_t b)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15u + a * 0xbf58476d1ce4e5b9u + b;

	for (unsigned i = 0; i < 2; i++) {
		x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
		x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
		x ^= x >> 31;
	}
	return x;
}

/* How many of the changes this sector has seen. */
static unsigned
seen(const struct node *file, uint64_t seed, size_t sector)
{
	return (unsigned)(disk_hash(seed, file->number, sector) % (file->change_count + 1));
}

static void
keep_sectors(struct node *file, uint64_t seed, const struct change *c, unsigned nth)
{
	size_t end = c->at + c->len;

	for (size_t at = c->at; at < end;) {
		size_t next = (at / SECTOR_BYTES + 1) * SECTOR_BYTES;
		size_t len = (next < end ? next : end) - at;

		if (nth < seen(file, seed, at / SECTOR_BYTES) &&
		    image_write(&file->kept, c->bytes + (at - c->at), len, at) != 0)
			abort();
		at += len;
	}
}

/* A length that the file had, with or without the bytes up to there. */
static size_t
length_kept(const struct node *file, uint64_t seed)
{
	unsigned n = seen(file, seed, SIZE_MAX);
	size_t len = file->kept.len;

	for (const struct change *c = file->changes; c && n > 0; c = c->next, n--)
		if (!c->bytes)
			len = c->len;
		else if (c->at + c->len > len)
			len = c->at + c->len;
	return len;
}

void
changes_keep_some(struct node *file, uint64_t seed)
{
	size_t len = length_kept(file, seed);
	unsigned nth = 0;

	for (const struct change *c = file->changes; c; c = c->next, nth++)
		if (c->bytes)
			keep_sectors(file, seed, c, nth);
	if (image_resize(&file->kept, len) != 0)
		abort();
	drop(file);
}
