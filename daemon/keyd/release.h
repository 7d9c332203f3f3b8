/* SPDX-License-Identifier: Apache-2.0 */
/* One request for release, spec/key-service.md sections 3 and 6, and its steps. */
#ifndef DK_KEYD_RELEASE_H
#define DK_KEYD_RELEASE_H

#include "ipc/payload.h"
#include "keyd/keyd.h"
#include "keyd/release_dke.h"

struct item {
	struct dk_secret32 share;
	uint8_t commitment[DK_COMMITMENT_BYTES];
};

/* What the HSM gave for one object. */
struct token_answer {
	unsigned code;
	size_t len;
	uint8_t raw[DK_RSA_MAX_BYTES];
};

struct job {
	struct work work; /* first: a piece of work is a job */
	struct keyd *keyd;
	struct job *next; /* of those that wait to be recorded */
	uint64_t id;
	uint64_t seen;                /* keyd->changes when it was judged */
	uint64_t generation;          /* of the state that it was judged by */
	size_t bytes;                 /* what it counts for in keyd->job_bytes */
	uint8_t *copy;                /* of the message, which what is borrowed points into */
	struct token_answer *answers; /* one an object, or NULL: nobody was asked */
	unsigned waiting;
	struct dke_request *dke; /* NULL: a native request */
	const uint8_t *body;     /* borrowed */
	size_t body_len;
	uint8_t address[16];
	struct dk_request_signature sig;
	uint8_t digest[32]; /* of the request */
	bool has_digest;
	uint64_t told; /* messages of keyd that authd had taken when it judged */
	uint8_t policy[32];
	unsigned verdict_count;
	const uint8_t *verdicts; /* borrowed */
	unsigned charge_count;
	const uint8_t *charges; /* borrowed */
	size_t token_len;       /* what the record says of a token that holds; 0: none */
	uint8_t token[DK_LOG_TOKEN_MAX_BYTES];
	bool has_certificate;
	uint8_t certificate[DK_LOG_CERTIFICATE_BYTES];
	struct ipc_claims claims; /* borrowed */
	struct keyd_approvals approvals;
	struct device *device;        /* NULL, or the one below */
	struct device copy_of_device; /* the state may be another one later */
	struct dk_pkey *recipient;
	unsigned code; /* why the whole request is refused */
	uint32_t suppressed;
	struct keyd_counted counted; /* of a denial that is on its way to the log */
	struct pending *pending;     /* the record, until it is sent */
	struct dk_receipt receipt;
	uint8_t *receipt_copy;
	uint8_t *answer; /* NULL: it could not be made */
	size_t answer_len;
	unsigned room; /* of the three below */
	unsigned count;
	struct dk_log_object *objects;
	struct item *items;
	struct dk_release_object *parsed;
};

/* release_job.c: NULL if memory is short or too much is under way; broken: the
 * message has not the layout of its type. */
struct job *job_new(struct keyd *keyd, const struct ipc_message *message, bool *ret_broken);
void job_free(struct job *job);
/* Forgets what judging it found. */
void job_reset(struct job *job);

/* release_judge.c: these read the state and change nothing but the job. */
unsigned job_check(struct keyd *keyd, struct job *job);
/* How many objects are released. */
unsigned job_judge(struct keyd *keyd, struct job *job);
void job_event(struct job *job, unsigned class_, unsigned reason, struct dk_log_event *event);
/* authd's word on one object; if it has none for it, the answer is no. */
unsigned job_verdict(const struct job *job, unsigned i);
const struct dk_stanza *find_stanza(struct keyd *keyd, const uint8_t *data,
    const struct dk_set *set, struct service_key **ret_key, struct key_version **ret_version);
unsigned check_key(const struct service_key *key, const struct key_version *version);

/* release_outdated.c */
/* True: authd judged by an older policy or key set, or before it was told of what is now known
 * of the device, of an approver's or of a key. The body is parsed. */
bool job_outdated(struct keyd *keyd, const struct job *job);

/* release_answer.c: the answer, from job->receipt alone (I1). */
bool job_keep_receipt(struct job *job, const struct dk_receipt *receipt);
void job_answer(struct job *job);

/* release_token.c: asks the HSM for what it must; goes on with release_conclude(). */
bool has_token_keys(const struct keyd *keyd);
void release_ask_tokens(struct keyd *keyd, struct job *job);

/* release.c */
void release_refuse(struct keyd *keyd, struct job *job, unsigned code);
void release_conclude(struct keyd *keyd, struct job *job);

#endif
