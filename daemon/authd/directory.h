/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is in the groups of a directory, spec/profiles/ms-dke.md section 5.5: looked at when it
 * comes, in force when its record is durable. There is no name in it, and no network here.
 */
#ifndef DK_AUTHD_DIRECTORY_H
#define DK_AUTHD_DIRECTORY_H

#include "authd/dke_token.h"
#include "authd/policy.h"
#include "authd/renewal.h"
#include "ipc/directory.h"

struct directory {
	struct policy_directory info; /* borrowed from the policy */
	unsigned groups;
	uint64_t fetched_s; /* 0: there is no set */
	uint8_t *set;       /* its bytes, which the next two are of */
	size_t len;
	const uint8_t *salt;
	struct directory_group {
		const uint8_t *members; /* IPC_MEMBER_BYTES each, ascending */
		uint32_t count;
	} group[POLICY_DIRECTORY_GROUPS_MAX];
};

struct directories {
	unsigned count;
	struct directory item[POLICY_DIRECTORIES_MAX];
};

/* Those of a policy, without sets. */
void directories_take(const struct policy *policy, struct directories *ret);
/* What is known under one policy is known under the next one, if it asks for the same. */
void directories_carry(struct directories *from, const struct policy *from_policy,
    struct directories *to, const struct policy *to_policy);
void directories_clear(struct directories *directories);

/* For the person of a token that holds. */
struct directory_answer {
	struct policy_texts groups; /* that have the person, as the policy writes them */
	struct policy_texts gone;   /* that are not there */
	unsigned unknown;           /* a bit for each directory that does not know */
	const char *item[POLICY_DIRECTORIES_MAX * POLICY_DIRECTORY_GROUPS_MAX];
	const char *gone_item[POLICY_DIRECTORIES_MAX * POLICY_DIRECTORY_GROUPS_MAX];
};
void directories_look(const struct directories *directories, const struct policy *policy,
    const struct dke_token *token, uint64_t now, struct directory_answer *ret);

/* A set that waits for its record. */
struct directory_renewal {
	bool pending;
	struct directory *directory;
	struct directory fresh;
};
/* The directory of this name, or NULL. */
struct directory *directory_find(struct directories *directories, const struct dk_part *name);
/* As renewal_begin() and renewal_end(). */
enum renewal_step directory_renewal_begin(struct directory_renewal *renewal,
    struct directory *directory, const struct ipc_key_set *set, const char **ret_why,
    uint8_t *ret_field, size_t *ret_field_len);
void directory_renewal_end(struct directory_renewal *renewal, bool durable);
/* How many members, and groups that are not there. */
void directory_count(const struct directory *directory, unsigned *ret_members, unsigned *ret_gone);

#endif
