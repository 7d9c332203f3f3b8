/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authd: says what the policy says, for each object of a request. It believes
 * httpd nothing that matters: keyd verifies the signature itself afterwards,
 * and asks the policy's answer only for what the signed body names.
 */
#ifndef DK_AUTHD_AUTHD_H
#define DK_AUTHD_AUTHD_H

#include "authd/authenticator.h"
#include "authd/dke_kept.h"
#include "authd/directory.h"
#include "authd/in_force.h"
#include "authd/known.h"
#include "authd/renewal.h"
#include "ipc/approved.h"
#include "ipc/child.h"
#include "ipc/dke_conf.h"

/* A new key of a tenant that somebody accepted, until its record is durable. */
struct acceptance {
	bool pending;
	struct token_issuer *tenant;
	uint8_t thumbprint[32];
};

struct authd {
	struct ipc_child child;
	struct ipc_channel *httpd;
	struct ipc_channel *keyd;
	struct in_force *now;
	struct dke_kept kept;           /* of now */
	struct directories directories; /* of its policy */
	/* one that waits for its record */
	struct in_force *next;
	uint64_t next_id; /* of next, renewal or members, whichever is pending */
	struct renewal renewal;
	struct directory_renewal members;
	struct acceptance acceptance;
	struct known_list devices; /* their users */
	struct known_list keys;    /* their names */
	/* of the customer's pages; origin empty: there are none */
	char origin[DK_URL_MAX_BYTES + 1];
	char domain[IPC_DKE_DOMAIN_MAX_BYTES + 1]; /* of users whose names have none; or empty */
	struct authenticators authenticators;
	struct gates confirmations;
	struct gates sessions;
	struct approved_list approved;
	uint64_t told; /* messages of keyd that were taken */
};

/* Of the functions that take a message, false: not its layout, or not its turn. */

/* judge.c: RELEASE from httpd; RELEASE_JUDGED goes to keyd. */
bool authd_release(struct authd *authd, const struct ipc_message *message);
/* dke.c: DKE_DECRYPT from httpd; DKE_JUDGED goes to keyd. */
bool authd_dke_decrypt(struct authd *authd, const struct ipc_message *message);

/* page.c: PAGE from httpd, which goes on to keyd; GATE from keyd. */
bool authd_page(struct authd *authd, const struct ipc_message *message);
bool authd_gate(struct authd *authd, const struct ipc_message *message);

/* approve.c: APPROVE from httpd, which goes on to keyd; APPROVED from keyd. */
bool authd_approve(struct authd *authd, const struct ipc_message *message);
bool authd_approved(struct authd *authd, const struct ipc_message *message);
/* What stands of this document or its key, for this person; ret_index: of the record of each. */
unsigned authd_standing(const struct authd *authd, const uint8_t document[32], const char *key,
    const char *person, uint64_t now, struct policy_approval ret[POLICY_STANDING_MAX],
    uint64_t ret_index[POLICY_STANDING_MAX]);

/* change.c: POLICY_TEXT and KEY_SET from the parent. Each is in force only when keyd
 * says POLICY_LOGGED, its record is durable; until then a second one is refused. */
bool authd_policy_text(struct authd *authd, const struct ipc_message *message);
bool authd_key_set(struct authd *authd, const struct ipc_message *message);
bool authd_key_accept(struct authd *authd, const struct ipc_message *message);
/* METADATA, which changes nothing. */
bool authd_metadata(struct authd *authd, const struct ipc_message *message);
bool authd_change_logged(struct authd *authd, const struct ipc_message *message);
/* Tells keyd the digests of what is to judge, and who asked, if it is to replace
 * another one. */
/* Whom the policy in force names; behind it. */
void authd_tell_auditors(struct authd *authd);
void authd_announce(
    struct authd *authd, uint64_t id, const struct in_force *f, const struct dk_part *who);

#endif
