/* SPDX-License-Identifier: Apache-2.0 */
#include "authd/directory.h"

#include <stdlib.h>
#include <string.h>

void
directories_take(const struct policy *policy, struct directories *ret)
{
	ret->count = policy_directories(policy);
	for (unsigned i = 0; i < ret->count; i++) {
		struct directory *d = &ret->item[i];

		*d = (struct directory){ .info = policy_directory(policy, i) };
		while (policy_directory_group(policy, i, d->groups))
			d->groups++;
	}
}

void
directories_clear(struct directories *directories)
{
	for (unsigned i = 0; i < directories->count; i++)
		free(directories->item[i].set);
	directories->count = 0;
}

static bool
same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* All by which members are found. */
static bool
same_question(const struct policy_directory *a, const struct policy_directory *b)
{
	return same(a->title, b->title) && same(a->url, b->url) && same(a->ca, b->ca) &&
	    same(a->bind_dn, b->bind_dn) && same(a->base, b->base) &&
	    same(a->attribute, b->attribute) && same(a->member_of, b->member_of) &&
	    a->nested == b->nested;
}

static bool
same_groups(const struct policy *a, unsigned i, const struct policy *b, unsigned j)
{
	const char *group;
	unsigned g = 0;

	do {
		group = policy_directory_group(a, i, g);
		if (!same(group, policy_directory_group(b, j, g++)))
			return false;
	} while (group);
	return true;
}

/* The set alone: of the rest each policy has its own. */
static void
move_set(struct directory *from, struct directory *to)
{
	free(to->set);
	to->fetched_s = from->fetched_s;
	to->set = from->set;
	to->len = from->len;
	to->salt = from->salt;
	memcpy(to->group, from->group, sizeof(to->group));
	from->fetched_s = 0;
	from->set = NULL;
}

void
directories_carry(struct directories *from, const struct policy *from_policy,
    struct directories *to, const struct policy *to_policy)
{
	for (unsigned i = 0; i < from->count; i++)
		for (unsigned j = 0; j < to->count; j++)
			if (from->item[i].set &&
			    same_question(&from->item[i].info, &to->item[j].info) &&
			    same_groups(from_policy, i, to_policy, j))
				move_set(&from->item[i], &to->item[j]);
}

/* ---- who is in it ---- */

static bool
is_known(const struct directory *d, uint64_t now)
{
	return d->set && d->fetched_s <= now + JWT_AHEAD_MAX_S &&
	    d->fetched_s + d->info.max_age_s >= now;
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, IPC_MEMBER_BYTES);
}

static bool
is_member(const struct directory_group *group, const uint8_t member[IPC_MEMBER_BYTES])
{
	return group->count > 0 &&
	    bsearch(member, group->members, group->count, IPC_MEMBER_BYTES, compare);
}

/* member NULL: somebody whom it cannot know. */
static void
look_in(const struct directory *d, const struct policy *policy, unsigned number,
    const uint8_t *member, struct directory_answer *ret)
{
	for (unsigned g = 0; g < d->groups; g++) {
		const char *group = policy_directory_group(policy, number, g);

		if (!d->group[g].members)
			ret->gone_item[ret->gone.count++] = group;
		else if (member && is_member(&d->group[g], member))
			ret->item[ret->groups.count++] = group;
	}
}

void
directories_look(const struct directories *directories, const struct policy *policy,
    const struct dke_token *token, uint64_t now, struct directory_answer *ret)
{
	uint8_t member[IPC_MEMBER_BYTES];

	ret->groups = (struct policy_texts){ 0, ret->item };
	ret->gone = (struct policy_texts){ 0, ret->gone_item };
	ret->unknown = 0;
	for (unsigned i = 0; i < directories->count; i++) {
		const struct directory *d = &directories->item[i];
		const char *who = dke_token_claim(token, d->info.claim);

		if (!policy_directory_of(policy, i, token->tenant))
			continue;
		if (!is_known(d, now) || (who[0] && !ipc_member(d->salt, who, strlen(who), member)))
			ret->unknown |= 1u << i;
		else
			look_in(d, policy, i, who[0] ? member : NULL, ret);
	}
}

void
directory_count(const struct directory *d, unsigned *ret_members, unsigned *ret_gone)
{
	*ret_members = *ret_gone = 0;
	for (unsigned g = 0; g < d->groups; g++) {
		*ret_members += d->group[g].count;
		*ret_gone += d->group[g].members == NULL;
	}
}

/* ---- another set ---- */

struct directory *
directory_find(struct directories *directories, const struct dk_part *name)
{
	for (unsigned i = 0; i < directories->count; i++) {
		const char *title = directories->item[i].info.title;

		if (strlen(title) == name->len && memcmp(title, name->data, name->len) == 0)
			return &directories->item[i];
	}
	return NULL;
}

/* Members are looked for by halves: in another order some would not be found. */
static bool
is_ascending(const uint8_t *members, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++)
		if (compare(members + (size_t)(i - 1) * IPC_MEMBER_BYTES,
			members + (size_t)i * IPC_MEMBER_BYTES) >= 0)
			return false;
	return true;
}

static bool
take_group(struct dk_reader_buf *rd, struct directory_group *group, uint8_t ret_digest[32])
{
	struct dk_part part = { NULL, 0 };
	const uint8_t *begin = rd->data + rd->pos;
	unsigned there = dk_rd_u8(rd);

	group->count = dk_rd_u32(rd);
	if (rd->failed || group->count > IPC_MEMBERS_MAX || there > 1 ||
	    (there == 0 && group->count > 0))
		return false;
	group->members = dk_rd_bytes(rd, (size_t)group->count * IPC_MEMBER_BYTES);
	if (rd->failed || !is_ascending(group->members, group->count))
		return false;
	part = (struct dk_part){ begin, (size_t)(rd->data + rd->pos - begin) };
	if (there == 0)
		group->members = NULL;
	return dk_sha256(&part, 1, ret_digest) == DK_OK;
}

/* Of the copy in d; digests of the groups go into the field of the record. */
static bool
take_set(struct directory *d, struct dk_log_key_set *field)
{
	struct dk_reader_buf rd;
	uint32_t all = 0;

	dk_rd_init(&rd, d->set, d->len);
	d->salt = dk_rd_bytes(&rd, IPC_SALT_BYTES);
	field->count = dk_rd_u8(&rd);
	if (rd.failed || field->count != d->groups)
		return false;
	for (unsigned g = 0; g < d->groups; g++) {
		if (!take_group(&rd, &d->group[g], field->thumbprint[g]))
			return false;
		all += d->group[g].count;
	}
	return dk_rd_left(&rd) == 0 && all <= IPC_MEMBERS_MAX;
}

enum renewal_step
directory_renewal_begin(struct directory_renewal *renewal, struct directory *directory,
    const struct ipc_key_set *set, const char **ret_why, uint8_t *ret_field, size_t *ret_field_len)
{
	struct dk_log_key_set field = { .verifier = IPC_FETCHD };
	struct directory *d = &renewal->fresh;

	*renewal = (struct directory_renewal){ .directory = directory };
	d->groups = directory->groups;
	d->fetched_s = set->fetched_s;
	d->len = set->bytes.len;
	d->set = malloc(d->len + 1);
	*ret_why = "it is none of this directory";
	if (d->set)
		memcpy(d->set, set->bytes.data, d->len);
	if (!d->set || !take_set(d, &field) || dk_sha256(&set->bytes, 1, field.digest) != DK_OK) {
		free(d->set);
		return RENEWAL_REFUSED;
	}
	if (directory->set && directory->len == d->len &&
	    memcmp(directory->set, d->set, d->len) == 0) {
		directory->fetched_s = d->fetched_s;
		free(d->set);
		return RENEWAL_SAME;
	}
	memcpy(field.root, set->root, sizeof(field.root));
	memcpy(field.issuer, set->name.data, set->name.len);
	*ret_field_len = dk_log_key_set_write(&field, ret_field);
	renewal->pending = true;
	return RENEWAL_RECORD;
}

void
directory_renewal_end(struct directory_renewal *renewal, bool durable)
{
	renewal->pending = false;
	if (durable)
		move_set(&renewal->fresh, renewal->directory);
	else
		free(renewal->fresh.set);
}
