/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One search for each group, and for each group in it: entries come with what stands for a person,
 * page after page. Nothing here calls itself; what is still to be asked for is a list.
 */
#include "fetchd/members.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/secret.h"
#include "fetchd/ldap_text.h"
#include "fetchd/ldap_wire.h"
#include "ipc/child.h"

#define PAGE_ENTRIES 500
#define DEPTH_MAX 16
#define GROUPS_MAX 512 /* asked for in all */
/* Of one group, before those that came twice are one. */
#define ROOM (2 * IPC_MEMBERS_MAX)

struct job {
	struct ldap_wire wire;
	const struct ipc_directory *d;
	char base[256], attribute[256], member_of[256], name[256];
	enum ipc_fetch_result result;
	unsigned status;
	uint8_t *member; /* of the group that is asked for, ROOM of them */
	unsigned count, count_all;
	/* that group, and groups in it */
	struct inner {
		char *dn;
		unsigned depth;
	} group[GROUPS_MAX];
	unsigned groups, groups_all;
	unsigned depth; /* of the one that is asked for now */
	unsigned entries;
};

/* The first reason stands. */
static bool
fail(struct job *j, enum ipc_fetch_result result)
{
	if (j->result == IPC_FETCH_OK)
		j->result = result;
	return false;
}

/* What libldap says: what the wire knows of it, or the code of the server. */
static bool
fail_ldap(struct job *j, int code)
{
	if (j->wire.result != IPC_FETCH_OK)
		return fail(j, j->wire.result);
	if (code <= 0)
		return fail(j, IPC_FETCH_TRANSFER);
	j->status = (unsigned)code < 1000 ? (unsigned)code : 999;
	return fail(j, IPC_FETCH_STATUS);
}

/* ---- members ---- */

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, IPC_MEMBER_BYTES);
}

/* Ascending, none of them twice. */
static void
sort(struct job *j)
{
	unsigned kept = 0;

	qsort(j->member, j->count, IPC_MEMBER_BYTES, compare);
	for (unsigned i = 0; i < j->count; i++) {
		uint8_t *m = j->member + (size_t)i * IPC_MEMBER_BYTES;

		if (kept == 0 || compare(m, m - (size_t)(i - kept + 1) * IPC_MEMBER_BYTES) != 0)
			memmove(j->member + (size_t)kept++ * IPC_MEMBER_BYTES, m, IPC_MEMBER_BYTES);
	}
	j->count = kept;
}

static bool
take_value(struct job *j, const struct berval *value)
{
	char sid[LDAP_TEXT_SID_BYTES];
	const void *text = value->bv_val;
	size_t len = value->bv_len;

	if (len == 0 || len > IPC_MEMBER_VALUE_MAX_BYTES)
		return true;
	if (strcasecmp(j->attribute, "objectSid") == 0) {
		if (!ldap_text_sid(text, len, sid))
			return fail(j, IPC_FETCH_TRANSFER);
		text = sid;
		len = strlen(sid);
	}
	if (j->count == ROOM) {
		sort(j);
		/* More are refused at the end as well; here, so that half of the room is free. */
		if (j->count > IPC_MEMBERS_MAX)
			return fail(j, IPC_FETCH_TOO_LARGE);
	}
	return ipc_member(j->d->salt, text, len, j->member + (size_t)j->count * IPC_MEMBER_BYTES)
	    ? (j->count++, true)
	    : fail(j, IPC_FETCH_TRANSFER);
}

/* ---- groups in groups ---- */

static bool
is_group(struct job *j, LDAPMessage *entry)
{
	static const char *const classes[] = { "group", "groupOfNames", "groupOfUniqueNames",
		"groupOfMembers", "posixGroup" };
	struct berval **values = ldap_get_values_len(j->wire.ld, entry, "objectClass");
	bool found = false;

	for (unsigned i = 0; values && values[i]; i++)
		for (size_t c = 0; c < sizeof(classes) / sizeof(classes[0]); c++)
			found = found ||
			    (values[i]->bv_len == strlen(classes[c]) &&
				strncasecmp(values[i]->bv_val, classes[c], values[i]->bv_len) == 0);
	ldap_value_free_len(values);
	return found;
}

static bool
add_group(struct job *j, const char *dn, unsigned depth)
{
	for (unsigned i = 0; i < j->groups; i++)
		if (strcasecmp(j->group[i].dn, dn) == 0)
			return true;
	if (depth > DEPTH_MAX || j->groups_all == GROUPS_MAX)
		return fail(j, IPC_FETCH_TOO_LARGE);
	j->group[j->groups].dn = strdup(dn);
	j->group[j->groups].depth = depth;
	if (!j->group[j->groups].dn)
		return fail(j, IPC_FETCH_TRANSFER);
	j->groups++;
	j->groups_all++;
	return true;
}

static bool
take_inner(struct job *j, LDAPMessage *entry)
{
	char *dn;
	bool ok;

	if (j->d->nested != IPC_NESTED_WALK || !is_group(j, entry))
		return true;
	dn = ldap_get_dn(j->wire.ld, entry);
	ok = dn ? add_group(j, dn, j->depth + 1) : fail(j, IPC_FETCH_TRANSFER);
	ldap_memfree(dn);
	return ok;
}

static bool
take_entry(struct job *j, LDAPMessage *entry)
{
	struct berval **values = ldap_get_values_len(j->wire.ld, entry, j->attribute);
	bool ok = true;

	for (unsigned i = 0; ok && values && values[i]; i++)
		ok = take_value(j, values[i]);
	ldap_value_free_len(values);
	return ok && take_inner(j, entry);
}

/* ---- searches ---- */

/* The cookie of the next page; empty: there is none. */
static bool
take_cookie(struct job *j, LDAPControl **controls, struct berval *cookie)
{
	LDAPControl *page = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
	ber_int_t estimate;

	ber_memfree(cookie->bv_val);
	*cookie = (struct berval){ .bv_len = 0 };
	return !page ||
	    ldap_parse_pageresponse_control(j->wire.ld, page, &estimate, cookie) == LDAP_SUCCESS ||
	    fail(j, IPC_FETCH_TRANSFER);
}

/* Of what was read at once there may be much to do. */
static bool
in_time(struct job *j)
{
	return ipc_clock_ms() < j->wire.end_ms || fail(j, IPC_FETCH_TIME_OUT);
}

/* What is asked for by id, to its end. References to other servers are passed over.
 * ret_code: of the server, if true. */
static bool
receive(struct job *j, int id, bool members, struct berval *cookie, int *ret_code)
{
	LDAPControl **controls = NULL;
	LDAPMessage *message;
	bool ok = true;
	int type;

	while ((type = ldap_result(j->wire.ld, id, LDAP_MSG_ONE, NULL, &message)) !=
	    LDAP_RES_SEARCH_RESULT) {
		if (type <= 0)
			return fail_ldap(j, -1);
		j->entries += type == LDAP_RES_SEARCH_ENTRY;
		ok = in_time(j);
		if (ok && type == LDAP_RES_SEARCH_ENTRY && members)
			ok = take_entry(j, message);
		(void)ldap_msgfree(message);
		if (!ok)
			return false;
	}
	if (ldap_parse_result(j->wire.ld, message, ret_code, NULL, NULL, NULL, &controls, 1) !=
	    LDAP_SUCCESS)
		return fail_ldap(j, -1);
	ok = take_cookie(j, controls, cookie);
	ldap_controls_free(controls);
	return ok;
}

static bool
search_page(struct job *j, const char *filter, struct berval *cookie)
{
	char class[] = "objectClass", *attributes[] = { j->attribute, class, NULL };
	LDAPControl *page = NULL, *controls[2] = { NULL, NULL };
	int code, id;

	code = ldap_create_page_control(j->wire.ld, PAGE_ENTRIES, cookie, 0, &page);
	if (code != LDAP_SUCCESS)
		return fail_ldap(j, -1);
	controls[0] = page;
	code = ldap_search_ext(j->wire.ld, j->base, LDAP_SCOPE_SUBTREE, filter, attributes, 0,
	    controls, NULL, NULL, 0, &id);
	ldap_control_free(page);
	if (code != LDAP_SUCCESS)
		return fail_ldap(j, -1);
	return receive(j, id, true, cookie, &code) && (code == LDAP_SUCCESS || fail_ldap(j, code));
}

static bool
search(struct job *j, const char *dn)
{
	struct berval cookie = { .bv_len = 0 };
	char *filter = ldap_text_filter(j->member_of, j->d->nested == IPC_NESTED_IN_CHAIN, dn);
	bool ok = filter || fail(j, IPC_FETCH_TRANSFER);

	do
		ok = ok && search_page(j, filter, &cookie);
	while (ok && cookie.bv_len > 0);
	ber_memfree(cookie.bv_val);
	free(filter);
	return ok;
}

/* Whether there is such an entry. */
static bool
look(struct job *j, const char *dn, bool *ret_there)
{
	char none[] = LDAP_NO_ATTRS, *nothing[] = { none, NULL };
	struct berval cookie = { .bv_len = 0 };
	int code, id;

	j->entries = 0;
	code = ldap_search_ext(j->wire.ld, dn, LDAP_SCOPE_BASE, "(objectClass=*)", nothing, 0, NULL,
	    NULL, NULL, 0, &id);
	if (code != LDAP_SUCCESS)
		return fail_ldap(j, -1);
	if (!receive(j, id, false, &cookie, &code))
		return false;
	*ret_there = code == LDAP_SUCCESS && j->entries > 0;
	return code == LDAP_SUCCESS || code == LDAP_NO_SUCH_OBJECT || fail_ldap(j, code);
}

static void
forget_groups(struct job *j)
{
	while (j->groups > 0)
		free(j->group[--j->groups].dn);
}

/* One group of the policy, into j->member. */
static bool
take_group(struct job *j, const char *dn, bool *ret_there)
{
	bool ok;

	j->count = 0;
	if (!look(j, dn, ret_there))
		return false;
	if (!*ret_there)
		return true;
	ok = add_group(j, dn, 0);
	for (unsigned i = 0; ok && i < j->groups; i++) {
		j->depth = j->group[i].depth;
		ok = search(j, j->group[i].dn);
	}
	forget_groups(j);
	sort(j);
	j->count_all += j->count;
	return ok && (j->count_all <= IPC_MEMBERS_MAX || fail(j, IPC_FETCH_TOO_LARGE));
}

/* ---- all of it ---- */

static void
text(const struct dk_part *part, char ret[256])
{
	memcpy(ret, part->data, part->len);
	ret[part->len] = '\0';
}

static bool
bind_to(struct job *j)
{
	const struct ipc_directory *d = j->d;
	struct berval password = { d->password.len, (char *)(uintptr_t)d->password.data };
	int code;

	text(&d->bind_dn, j->name);
	code = d->bind_dn.len == 0
	    ? LDAP_SUCCESS
	    : ldap_sasl_bind_s(j->wire.ld, j->name, LDAP_SASL_SIMPLE, &password, NULL, NULL, NULL);
	return code == LDAP_SUCCESS || fail_ldap(j, code);
}

static bool
take_groups(struct job *j, struct dk_writer_buf *wr)
{
	dk_wr_bytes(wr, j->d->salt, IPC_SALT_BYTES);
	dk_wr_u8(wr, (uint8_t)j->d->groups);
	for (unsigned i = 0; i < j->d->groups; i++) {
		bool there = false;

		text(&j->d->group[i], j->name);
		if (!take_group(j, j->name, &there))
			return false;
		dk_wr_u8(wr, there);
		dk_wr_u32(wr, j->count);
		dk_wr_bytes(wr, j->member, (size_t)j->count * IPC_MEMBER_BYTES);
	}
	return !wr->failed || fail(j, IPC_FETCH_TOO_LARGE);
}

enum ipc_fetch_result
members_fetch(
    const struct ipc_directory *directory, uint8_t *ret_body, size_t *ret_len, unsigned *ret_status)
{
	struct job *j = calloc(1, sizeof(*j));
	enum ipc_fetch_result result = IPC_FETCH_TRANSFER;
	struct dk_writer_buf wr;
	char url[256];

	dk_wr_init(&wr, ret_body, IPC_MEMBERS_MAX_BYTES);
	if (j)
		j->member = malloc((size_t)ROOM * IPC_MEMBER_BYTES);
	if (j && j->member) {
		j->d = directory;
		text(&directory->url, url);
		text(&directory->base, j->base);
		text(&directory->attribute, j->attribute);
		text(&directory->member_of, j->member_of);
		j->result = ldap_wire_open(&j->wire, url, &directory->ca_pem);
		(void)(j->result == IPC_FETCH_OK && bind_to(j) && take_groups(j, &wr));
		ldap_wire_close(&j->wire);
		result = j->result;
		*ret_status = j->status;
		free(j->member);
	}
	free(j);
	*ret_len = wr.len;
	return result;
}
