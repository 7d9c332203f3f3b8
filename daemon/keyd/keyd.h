/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyd: the process that holds the customer keys.
 *
 * I1  No share leaves before its record is durable: release.c makes the answer
 *     only in the function that keyd_log() calls with the acknowledgement.
 * I2  Object, recipient, key and device come from the signed body and from the
 *     registry here, never from another process.
 * I3  A record precedes its effect: the state changes after the acknowledgement.
 * I4  One act at a time changes the state, so that each record names the
 *     generation it leads to.
 * I6  Where nodes share the state, an act is over when the shared one is that of
 *     the act; until then no release is sent to the log (share.c).
 * I2a In mode strict a share leaves only with a proof that the quorum of witnesses has
 *     cosigned a tree with its record: keyd_on_appended() verifies it.
 * I5  Threads (pool.c) read the state under its lock and change nothing but
 *     their piece of work; the main thread alone sends, receives and changes.
 */
#ifndef DK_KEYD_H
#define DK_KEYD_H

#include "ipc/child.h"
#include "ipc/payload.h"
#include "ipc/witness.h"
#include "keyd/asked.h"
#include "keyd/denials.h"
#include "keyd/gates.h"
#include "keyd/pool.h"
#include "keyd/sealed.h"
#include "keyd/state.h"
#include "log/receipt.h"
#include "native/approval.h"
#include "native/code.h"

#define KEYD_FD_AUTHD 4
#define KEYD_FD_HTTPD 5
#define KEYD_FD_LOGD 6
#define KEYD_FD_SLOT0 7
#define KEYD_FD_SLOT1 8
#define KEYD_FD_PASSPHRASE 9
#define KEYD_FD_WITNESSES 10
#define KEYD_FD_DKE_CONF 11
#define KEYD_FD_TOKEND 12
#define KEYD_PENDING_MAX 4096
#define KEYD_DEFERRED_MAX 256
#define KEYD_DEFERRED_ADMIN_MAX 64 /* of the operator, whatever others send */

struct job;
struct keyd;
struct pending;
struct token_wait;

/* code is that of APPENDED. receipt is only valid for the call, and only if
 * code is DK_CODE_OK. The callee frees what ctx points to. */
typedef void (*logged_fn)(
    struct keyd *keyd, unsigned code, const struct dk_receipt *receipt, void *ctx);

/* code is that of TOKEN_DONE; out is only valid for the call. */
typedef void (*token_fn)(
    struct keyd *keyd, void *ctx, unsigned index, unsigned code, const uint8_t *out, size_t len);

struct deferred {
	struct deferred *next;
	struct ipc_channel *channel;
	unsigned type;
	uint64_t id;
	size_t len;
	uint8_t data[];
};

/* The act is over. ok: its state is the one in force; false: it is not, and is taken back. */
typedef void (*committed_fn)(struct keyd *keyd, bool ok, void *ctx);

/* share.c: the state that nodes share. */
enum share_step { SHARE_IDLE, SHARE_TAKING, SHARE_ANCHORING, SHARE_WAITING, SHARE_PUTTING };
struct share {
	bool on;
	enum share_step step;
	unsigned tries;
	uint64_t next_ms;
	uint64_t heard; /* newest generation that there is, as far as is known */
	bool nothing_kept;
	bool has_next;
	struct state next; /* taken, and not in force yet */
	/* this node's state, sealed, until it is known whether it is the shared one */
	uint8_t *sealed;
	size_t sealed_len;
	committed_fn done; /* NULL: nobody waits */
	void *done_ctx;
	struct share_wait *waits; /* for the newest state */
	struct job *jobs;         /* likewise */
};

/* quorum.c */
struct keyd_quorum {
	bool strict;
	struct dk_quorum policy;
	struct dk_service_data service;  /* what clients pin, the policy in it */
	struct dk_checkpoint checkpoint; /* of the text, which holds */
	size_t text_len;
	char text[DK_CHECKPOINT_MAX_BYTES];
};

struct keyd {
	struct ipc_child child;
	struct ipc_channel *authd;
	struct ipc_channel *httpd;
	struct ipc_channel *logd;
	struct ipc_channel *tokend; /* NULL: no HSM */
	struct token_wait *token_waits;
	struct state state;
	struct sealed store;
	struct share share;
	bool anchored; /* store and log are known to belong together */
	bool has_policy;
	uint8_t policy[32];
	bool has_key_sets; /* the digest below is that of those in force */
	uint8_t key_sets[32];
	struct keyd_quorum quorum;
	/* records that wait for logd */
	struct pending *pending;
	unsigned pending_count;
	unsigned acts_on_way; /* of these, records of acts */
	uint64_t next_id;
	/* acts, one at a time */
	bool acting;
	struct deferred *deferred_first;
	struct deferred *deferred_last;
	unsigned deferred_count; /* without those of the operator */
	unsigned deferred_admin_count;
	bool resuming; /* they are taken from there now */
	uint64_t told; /* messages to authd so far: what it judged before may be outdated */
	uint64_t told_in_force; /* up to the last one that put another policy or key set in force */
	/* releases under way, release.c */
	struct pool pool;
	pthread_rwlock_t state_lock;
	unsigned lock_depth;
	uint64_t changes; /* how often the state has changed */
	bool dke_told;    /* httpd has the public halves of DKE keys, of this change: */
	uint64_t dke_changes;
	size_t job_bytes;
	unsigned judging;
	struct job *ready_first; /* judged, not yet sent to logd */
	struct job *ready_last;
	unsigned ready_count;
	uint64_t ready_ms;
	/* whom the policy names, and which policy that was */
	uint8_t auditor_policy[32];
	unsigned auditor_count;
	uint8_t auditor[IPC_AUDITORS_MAX][32];
	/* erasure under way: id of who asked, 0: none */
	uint64_t erasing;
	unsigned erasing_left; /* enrolments that it leaves out */
	struct keyd_denials denials;
	struct keyd_gates gates; /* of the customer's pages */
	struct asked_list asked; /* for approvers */
};

/* record.c: the way to the log and back. */
struct keyd_nonce {
	uint64_t generation; /* that it was judged under; 0: any */
	unsigned policy_rule;
	const uint8_t *policy; /* 32 bytes, unless any will do */
	uint64_t created;
	const uint8_t *device; /* NULL: nothing is used */
	const uint8_t *nonce;
	uint64_t until; /* of a token: the use is remembered until then; 0: a request */
	unsigned charge_count;
	const uint8_t *charges;
};
/* nonce may be NULL: an act needs this generation, other events none. If the record cannot even be
 * sent, done is called at once with DK_CODE_UNAVAILABLE or DK_CODE_BUSY. */
void keyd_log(struct keyd *keyd, struct dk_log_event *event, const struct keyd_nonce *nonce,
    logged_fn done, void *ctx);
/* The same in two steps; the first one may be taken in any thread. The second one
 * takes the record over. */
struct pending *keyd_record_make(const struct dk_log_event *event, logged_fn done, void *ctx);
void keyd_record_send(struct keyd *keyd, struct pending *pending, const struct keyd_nonce *nonce);
void keyd_record_drop(struct pending *pending);
/* At the end: requests that wait for the log have waited in vain. */
void keyd_records_end(struct keyd *keyd);
bool keyd_on_appended(struct keyd *keyd, const struct ipc_message *message);
/* Time, decision, front end; decision from reason. */
void keyd_event(
    struct dk_log_event *event, unsigned class_, enum dk_log_front front, unsigned reason);
void keyd_event_device(struct dk_log_event *event, const struct device *device);
void keyd_add_factor(
    struct dk_log_event *event, unsigned type, enum ipc_process verifier, uint64_t root);
void keyd_result(struct keyd *keyd, uint64_t id, unsigned code, const uint8_t *body, size_t len);

/*
 * signed.c: whether the device signed this, spec/key-service.md section 3; its pkey is there.
 * Of a device that is unknown there is no digest; one that is revoked is given all the same.
 */
unsigned keyd_signed(struct keyd *keyd, const struct dk_request_signature *sig, const char *path,
    const struct dk_part *body, uint8_t ret_digest[32], struct device **ret_device);
/* The same in the main thread, where nothing but the device's signature is shown: not revoked, and
 * of now. */
unsigned keyd_signed_now(struct keyd *keyd, const struct dk_request_signature *sig,
    const char *path, const struct dk_part *body, struct device **ret_device);
bool keyd_age_fits(uint64_t created, uint64_t age_max, uint64_t now);

/* approval.c: who approved a request, and why. */
struct keyd_approvals {
	unsigned count;                   /* 0: none were given */
	uint64_t index[DK_APPROVALS_MAX]; /* of the enrolment of each device */
	char reason[DK_REASON_MAX_BYTES + 1];
};
/* DK_CODE_OK only if every one of them holds for this request. */
unsigned keyd_approvals(struct keyd *keyd, const struct dk_part *claim,
    const uint8_t request_digest[32], const struct device *requester, uint64_t created,
    struct keyd_approvals *ret_approvals);
/* Key of a device, made at first use; main thread only. */
dk_err keyd_device_pkey(struct keyd *keyd, struct device *device);

/* release.c, enrol.c, statement.c, admin.c: one function for each message. */
void keyd_releases_go_on(struct keyd *keyd);
/* Ends the threads, and wipes and frees the requests under way. */
void keyd_releases_end(struct keyd *keyd);
/* RELEASE_JUDGED and DKE_JUDGED. */
bool keyd_on_release(struct keyd *keyd, const struct ipc_message *message);
bool keyd_on_enrol(struct keyd *keyd, const struct ipc_message *message);
/* A registration of the customer's pages. */
void keyd_on_registration(
    struct keyd *keyd, const struct ipc_message *message, const struct ipc_page_passed *page);
bool keyd_on_key(struct keyd *keyd, const struct ipc_message *message);
bool keyd_on_admin(struct keyd *keyd, const struct ipc_message *message);

/* dke_keys.c: in each round. */
void keyd_tell_dke_keys(struct keyd *keyd);
void keyd_freeze_canaries(struct keyd *keyd);
/* The denial at index asked for a canary: the key is as good as frozen from now on. */
void keyd_canary(struct keyd *keyd, struct service_key *key, uint64_t index);

/* page.c, presence.c */
bool keyd_on_page(struct keyd *keyd, const struct ipc_message *message);
bool keyd_on_presence(struct keyd *keyd, const struct ipc_message *message);
/* What a person signed, and may do: it is recorded, holds then, and is answered. */
struct keyd_gate_act {
	enum dk_page_what what;
	uint64_t time;
	const uint8_t *nonce;    /* DK_NONCE_BYTES */
	const uint8_t *document; /* 32 bytes */
	const uint8_t *address;  /* 16 bytes */
	char person[DK_LOG_PERSON_MAX_BYTES + 1];
	bool native; /* by a device that signs native requests */
};
void keyd_gate_act(struct keyd *keyd, uint64_t id, const struct keyd_gate_act *act,
    const struct device *device);

/* approve.c: APPROVE_PASSED. */
bool keyd_on_approve(struct keyd *keyd, const struct ipc_message *message);
/* asked_log.c: ENTRIES_DONE. */
bool keyd_on_entries(struct keyd *keyd, const struct ipc_message *message);
/* True: what the log has is read first, and this APPROVE_PASSED comes again then, or was answered. */
bool keyd_asked_wait(struct keyd *keyd, const struct ipc_message *message);
/* standing.c */
/* Whether each factor of type 4 is an approval that stands, spec/profiles/ms-dke.md section 7.3.
 * key: DKE name. */
bool keyd_standing_hold(struct keyd *keyd, const struct dk_log_factor *factor, unsigned n,
    const char *person, const uint8_t document[32], const char *key);
/* Approvals for a person; before: those given then, 0: all. */
void keyd_standing_forget(struct keyd *keyd, const char *person, uint64_t before);

/* admin_export.c */
bool keyd_on_auditors(struct keyd *keyd, const struct ipc_message *message);

/* admin_erase.c */
bool keyd_on_erased(struct keyd *keyd, const struct ipc_message *message);

/* token.c: false if tokend cannot be asked; done is not called then. */
bool keyd_token_make(struct keyd *keyd, unsigned type, const uint8_t id[STATE_TOKEN_ID_BYTES],
    const char *uri, token_fn done, void *ctx);
bool keyd_token_use(struct keyd *keyd, const struct key_version *version, const uint8_t *in,
    size_t len, token_fn done, void *ctx, unsigned index);
/* What fails is told to the operator: the key is destroyed here in any case. */
void keyd_token_destroy(struct keyd *keyd, const struct key_version *version);
bool keyd_on_token(struct keyd *keyd, const struct ipc_message *message);

/* anchor.c */
void keyd_anchor_ask(struct keyd *keyd, const struct state *state);
/* How many acts the log has behind this state; ends the process if they do not belong
 * together. */
unsigned keyd_anchor_check(const struct state *state, const struct ipc_anchored *a);
/* The act behind the state is done now, where it can be: the state is the next one. */
void keyd_catch_up(struct keyd *keyd, const struct ipc_entry *entry);
bool keyd_on_anchored(struct keyd *keyd, const struct ipc_message *message);
/* main.c: from now on keyd serves. */
void keyd_begin(struct keyd *keyd);

/* quorum.c: behind the opening of the store. */
void keyd_quorum_start(struct keyd *keyd);
/* Whether the checkpoint is the log's and the quorum's, and its tree has the leaf. */
bool keyd_quorum_holds(struct keyd *keyd, const struct dk_receipt *receipt);

/* act.c */
/* Around all that may change the state; main thread only, may be nested. */
void keyd_state_lock(struct keyd *keyd);
void keyd_state_unlock(struct keyd *keyd);
/* True if an act runs: the message was put aside and comes again. */
bool keyd_defer(struct keyd *keyd, struct ipc_channel *channel, const struct ipc_message *message,
    bool *ret_refused);
void keyd_act_begin(struct keyd *keyd);
/* Write the changed state, go on with what was put aside. */
void keyd_act_end(struct keyd *keyd);
/* The next generation of the state, that of the act with this entry. done is called when it
 * is durable, at once or later; what cannot be written ends the process. After a
 * destruction, both slots are new. */
void keyd_commit(struct keyd *keyd, uint64_t index, const uint8_t leaf[DK_LEAF_BYTES],
    committed_fn done, void *ctx);
/* To the slots; to both if something was destroyed. */
void keyd_write_slots(struct keyd *keyd);
/* Writes the other slot too, so that neither has what was destroyed. */
void keyd_erase(struct keyd *keyd);
void keyd_tell_device(struct keyd *keyd, const struct device *device);
void keyd_tell_gate(struct keyd *keyd, const struct ipc_gate *gate);
void keyd_tell_approved(struct keyd *keyd, const struct approved *approved, bool stands);
void keyd_tell_key(struct keyd *keyd, struct service_key *key);
/* What was to replace a policy or a key set is recorded, or is not; other: than what is in
 * force. */
void keyd_tell_logged(struct keyd *keyd, uint64_t id, unsigned code, bool other);

/* share.c */
/* First of all: whether the state is shared, and the newest one. Then keyd_begin(). */
void keyd_share_begin(struct keyd *keyd);
/* It is known that there is a newer state, or may be. */
void keyd_share_look(struct keyd *keyd);
/* No release is recorded now. */
bool keyd_share_busy(const struct keyd *keyd);
/* Calls go_on when the newest state is in force. The job is judged anew then. */
typedef void (*share_wait_fn)(struct keyd *keyd, void *ctx);
void keyd_share_wait(struct keyd *keyd, share_wait_fn go_on, void *ctx);
void keyd_share_wait_job(struct keyd *keyd, struct job *job);
/* The state of keyd is that of an act; see keyd_commit(). */
void keyd_share_put(struct keyd *keyd, committed_fn done, void *ctx);
bool keyd_on_state_taken(struct keyd *keyd, const struct ipc_message *message);
bool keyd_on_state_put_done(struct keyd *keyd, const struct ipc_message *message);
bool keyd_on_state_new(struct keyd *keyd, const struct ipc_message *message);
bool keyd_share_on_anchored(struct keyd *keyd, const struct ipc_anchored *a);
/* In each round. */
void keyd_share_step(struct keyd *keyd);
/* release.c */
void keyd_judge_anew(struct keyd *keyd, struct job *job);
/* It ends without a share and without a record; all that are judged do. */
void keyd_release_end(struct keyd *keyd, struct job *job, unsigned code);
void keyd_ready_unavailable(struct keyd *keyd);

#endif
