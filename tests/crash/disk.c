/* SPDX-License-Identifier: Apache-2.0 */
/* Names, and what a crash leaves of them. */
#include "disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- folders ---- */

/* Names are checked for their length before they come here. */
static void
set_name(char out[DISK_NAME_MAX_BYTES + 1], const char *name)
{
	memcpy(out, name, strlen(name) + 1);
}

static struct entry *
look_up(const struct folder *folder, const char *name)
{
	for (size_t i = 0; i < folder->count; i++)
		if (strcmp(folder->entries[i].name, name) == 0)
			return &folder->entries[i];
	return NULL;
}

static void
put(struct folder *folder, const char *name, uint64_t node)
{
	struct entry *entry = look_up(folder, name);

	if (!entry && folder->count == folder->cap) {
		folder->cap = 2 * folder->cap + 8;
		folder->entries = realloc(folder->entries, folder->cap * sizeof(*entry));
		if (!folder->entries)
			abort();
	}
	if (!entry)
		entry = &folder->entries[folder->count++];
	set_name(entry->name, name);
	entry->node = node;
}

static void
take_out(struct folder *folder, const char *name)
{
	struct entry *entry = look_up(folder, name);

	if (entry)
		*entry = folder->entries[--folder->count];
}

static void
copy_folder(struct folder *to, const struct folder *from)
{
	to->count = 0;
	for (size_t i = 0; i < from->count; i++)
		put(to, from->entries[i].name, from->entries[i].node);
}

/* ---- nodes ---- */

struct node *
disk_node(struct disk *disk, uint64_t number)
{
	return number < disk->count && !disk->nodes[number]->gone ? disk->nodes[number] : NULL;
}

static struct node *
add_node(struct disk *disk, mode_t mode, uid_t uid, gid_t gid)
{
	struct node *node = calloc(1, sizeof(*node));

	if (disk->count == disk->cap) {
		disk->cap = 2 * disk->cap + 64;
		disk->nodes = realloc(disk->nodes, disk->cap * sizeof(struct node *));
	}
	if (!node || !disk->nodes)
		abort();
	*node = (struct node){ .number = disk->count, .mode = mode, .uid = uid, .gid = gid };
	(void)clock_gettime(CLOCK_REALTIME, &node->modified);
	disk->nodes[disk->count++] = node;
	return node;
}

void
disk_init(struct disk *disk)
{
	*disk = (struct disk){ .nodes = NULL };
	add_node(disk, 0, 0, 0)->gone = true; /* there is no number 0 */
	(void)add_node(disk, S_IFDIR | 0755, getuid(), getgid());
}

struct node *
disk_find(struct disk *disk, struct node *folder, const char *name)
{
	const struct entry *entry = look_up(&folder->names, name);

	return entry ? disk_node(disk, entry->node) : NULL;
}

/* ---- changes of names ---- */

static void
carry_out(struct folder *from, const char *from_name, struct folder *to, const char *to_name,
    uint64_t node)
{
	if (from)
		take_out(from, from_name);
	if (to)
		put(to, to_name, node);
}

static void
move(struct disk *disk, struct node *from_folder, const char *from, struct node *to_folder,
    const char *to, uint64_t node)
{
	struct move *m = calloc(1, sizeof(*m)), **end = &disk->moves;

	if (!m)
		abort();
	*m = (struct move){ .from_folder = from_folder, .to_folder = to_folder, .node = node };
	if (from_folder)
		set_name(m->from, from);
	if (to_folder)
		set_name(m->to, to);
	while (*end)
		end = &(*end)->next;
	*end = m;
	carry_out(from_folder ? &from_folder->names : NULL, m->from,
	    to_folder ? &to_folder->names : NULL, m->to, node);
}

static void
keep_move(const struct move *m)
{
	carry_out(m->from_folder ? &m->from_folder->kept_names : NULL, m->from,
	    m->to_folder ? &m->to_folder->kept_names : NULL, m->to, m->node);
}

int
disk_create(struct disk *disk, struct node *folder, const char *name, mode_t mode, uid_t uid,
    gid_t gid, struct node **ret)
{
	struct node *node;

	if (disk->read_only)
		return EROFS;
	if (disk->space > 0 && disk->bytes >= disk->space)
		return ENOSPC;
	if (strlen(name) > DISK_NAME_MAX_BYTES)
		return ENAMETOOLONG;
	if (disk_find(disk, folder, name))
		return EEXIST;
	node = add_node(disk, mode, uid, gid);
	node->links = 1;
	move(disk, NULL, NULL, folder, name, node->number);
	*ret = node;
	return 0;
}

int
disk_link(struct disk *disk, struct node *node, struct node *folder, const char *name)
{
	if (disk->read_only)
		return EROFS;
	if (strlen(name) > DISK_NAME_MAX_BYTES)
		return ENAMETOOLONG;
	if (disk_find(disk, folder, name))
		return EEXIST;
	node->links++;
	move(disk, NULL, NULL, folder, name, node->number);
	return 0;
}

/* Its bytes stay until a crash: somebody may have it open. */
static void
lose_name(struct disk *disk, struct node *node)
{
	if (--node->links == 0)
		disk->bytes -= node->now.len;
}

int
disk_remove(struct disk *disk, struct node *folder, const char *name, bool is_folder)
{
	struct node *node = disk_find(disk, folder, name);

	if (disk->read_only)
		return EROFS;
	if (!node)
		return ENOENT;
	if (is_folder != S_ISDIR(node->mode))
		return is_folder ? ENOTDIR : EISDIR;
	if (is_folder && node->names.count > 0)
		return ENOTEMPTY;
	lose_name(disk, node);
	move(disk, folder, name, NULL, NULL, node->number);
	return 0;
}

int
disk_rename(struct disk *disk, struct node *from_folder, const char *from, struct node *to_folder,
    const char *to, bool replace)
{
	struct node *node = disk_find(disk, from_folder, from);
	struct node *other = disk_find(disk, to_folder, to);

	if (disk->read_only)
		return EROFS;
	if (!node)
		return ENOENT;
	if (strlen(to) > DISK_NAME_MAX_BYTES)
		return ENAMETOOLONG;
	if (other == node)
		return 0;
	if (other && (!replace || S_ISDIR(other->mode)))
		return EEXIST;
	if (other)
		lose_name(disk, other);
	move(disk, from_folder, from, to_folder, to, node->number);
	return 0;
}

/* ---- bytes ---- */

int
disk_write(struct disk *disk, struct node *file, const void *bytes, size_t len, size_t at)
{
	size_t more = at + len > file->now.len ? at + len - file->now.len : 0;
	int err;

	if (disk->read_only)
		return EROFS;
	if (disk->space > 0 && more > 0 && disk->bytes + more > disk->space)
		return ENOSPC;
	err = change_add(file, bytes, len, at);
	if (err == 0)
		err = image_write(&file->now, bytes, len, at);
	if (err == 0)
		disk->bytes += more;
	(void)clock_gettime(CLOCK_REALTIME, &file->modified);
	return err;
}

int
disk_resize(struct disk *disk, struct node *file, size_t len)
{
	size_t old = file->now.len;
	int err;

	if (disk->read_only)
		return EROFS;
	if (disk->space > 0 && len > old && disk->bytes + (len - old) > disk->space)
		return ENOSPC;
	err = change_add(file, NULL, len, 0);
	if (err == 0)
		err = image_resize(&file->now, len);
	if (err == 0)
		disk->bytes = disk->bytes - old + len;
	return err;
}

/* ---- sync and crash ---- */

static bool
called(const struct disk *disk, const struct node *node, const char *name)
{
	for (size_t n = 0; n < disk->count; n++) {
		const struct folder *f = &disk->nodes[n]->names;

		for (size_t i = 0; i < f->count; i++)
			if (f->entries[i].node == node->number &&
			    strcmp(f->entries[i].name, name) == 0)
				return true;
	}
	return false;
}

static void
keep_moves_of(struct disk *disk, const struct node *folder)
{
	for (struct move **at = &disk->moves; *at;) {
		struct move *m = *at;

		if (folder && m->from_folder != folder && m->to_folder != folder) {
			at = &m->next;
			continue;
		}
		keep_move(m);
		*at = m->next;
		free(m);
	}
}

void
disk_sync(struct disk *disk, struct node *node)
{
	const char *deaf = disk->deaf;

	if (strcmp(deaf, "*") == 0 || (strcmp(deaf, "/") == 0 && S_ISDIR(node->mode)) ||
	    called(disk, node, deaf))
		return;
	if (S_ISDIR(node->mode))
		keep_moves_of(disk, node);
	else
		changes_keep(node);
}

void
disk_sync_all(struct disk *disk)
{
	for (size_t i = 0; i < disk->count; i++)
		changes_keep(disk->nodes[i]);
	keep_moves_of(disk, NULL);
}

static void
keep_some_moves(struct disk *disk, uint64_t seed)
{
	uint64_t nth = 0;

	while (disk->moves) {
		struct move *m = disk->moves;

		if (seed != 0 && disk_hash(seed, UINT64_MAX, nth++) & 1)
			keep_move(m);
		disk->moves = m->next;
		free(m);
	}
}

/* What no folder names any more is not on the disk. */
static void
mark(struct disk *disk, bool *ret_reached)
{
	bool more = true;

	ret_reached[DISK_ROOT] = true;
	for (size_t i = DISK_ROOT; i < disk->count; i++)
		disk->nodes[i]->links = 0;
	for (size_t i = DISK_ROOT; i < disk->count; i++)
		for (size_t k = 0; k < disk->nodes[i]->names.count; k++)
			disk->nodes[disk->nodes[i]->names.entries[k].node]->links++;
	while (more) {
		more = false;
		for (size_t i = DISK_ROOT; i < disk->count; i++)
			for (size_t k = 0; ret_reached[i] && k < disk->nodes[i]->names.count; k++) {
				uint64_t number = disk->nodes[i]->names.entries[k].node;

				more = more || !ret_reached[number];
				ret_reached[number] = true;
			}
	}
}

static void
let_go(struct node *node)
{
	free(node->now.bytes);
	free(node->kept.bytes);
	free(node->names.entries);
	free(node->kept_names.entries);
	*node = (struct node){ .number = node->number, .gone = true };
}

void
disk_crash(struct disk *disk, uint64_t seed)
{
	bool *reached = calloc(disk->count, sizeof(bool));

	if (!reached)
		abort();
	keep_some_moves(disk, seed);
	for (size_t i = DISK_ROOT; i < disk->count; i++) {
		struct node *node = disk->nodes[i];

		if (seed == 0)
			node->change_count = 0;
		changes_keep_some(node, seed);
		if (image_copy(&node->now, &node->kept) != 0)
			abort();
		copy_folder(&node->names, &node->kept_names);
	}
	mark(disk, reached);
	disk->bytes = 0;
	for (size_t i = DISK_ROOT; i < disk->count; i++)
		if (reached[i])
			disk->bytes += disk->nodes[i]->now.len;
		else
			let_go(disk->nodes[i]);
	free(reached);
}
