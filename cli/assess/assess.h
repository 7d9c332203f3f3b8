/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inputs of an assessment in the numbers of lib/exposure: keys in ascending order of key
 * id, objects by core digest, issuers' keys and CAs in the order of the log.
 *
 * Spec: spec/exposure.md
 */
#ifndef DK_CLI_ASSESS_H
#define DK_CLI_ASSESS_H

#include "catalogue/catalogue.h"
#include "cli/incident/incident.h"
#include "log/record.h"
#include "cli/log/points.h"

/* One entry, small: there may be ten million of them. Its index is its place. */
struct assess_entry {
	uint32_t minute; /* minutes since 1970, as the service says */
	uint32_t early;  /* behind assess_times(): what is made of it by witnesses, at the least */
	/* user id of a code, index of a device's code; place of a release's user, of a policy + 1
	 */
	uint32_t root;
	uint32_t items : 12;  /* of assess_log.item, behind those of the entry before */
	uint32_t factors : 7; /* of assess_log.factor, likewise */
	uint32_t class : 4;   /* enum dk_exposure_class */
	uint32_t prompt : 1;
	uint32_t clear : 1;
	uint32_t level : 3; /* of a clear release: enum dk_log_level, or 0 */
	uint32_t gates : 3; /* likewise: enum assess_gate */
};

/* What held and does not count: a forged token could ride on it. */
enum assess_gate { ASSESS_SESSION = 1, ASSESS_APPROVAL = 2, ASSESS_NETWORK = 4 };

struct assess_factor {
	uint8_t kind, verifier;
	uint32_t id;
};

/* A record of class 5. */
struct assess_made {
	uint8_t key_id[32], recovery[32];
	bool has_recovery;
	bool dke; /* of Microsoft's protocol */
	uint32_t version;
	char name[DK_LOG_NAME_MAX_BYTES + 1];
};

/* What entries of class 11 name, section 5.1. */
struct assess_policy {
	uint8_t digest[32];
	struct dk_grant_policy *text; /* NULL: it is not at hand */
	bool in_force;                /* perhaps, at some time of the window */
};

/* A record of class 9. */
struct assess_device {
	uint64_t index;
	bool erased;
	uint8_t id[32];
	char name[DK_LOG_NAME_MAX_BYTES + 1];
	char user[DK_LOG_NAME_MAX_BYTES + 1]; /* empty: erased, or none of the policy */
};

struct assess_issuer {
	char issuer[201], key[129];
	uint8_t thumbprint[32];
};

/* Who asked for a release; empty: that was erased. */
struct assess_user {
	char name[DK_LOG_PERSON_MAX_BYTES + 1];
};

/* Where what belongs to every so many entries begins. */
#define ASSESS_MARK_ENTRIES 256
struct assess_mark {
	size_t item, factor;
};

/* A document (section 2.4) has 32 bytes of a digest, and zeros, as no header will. */
struct assess_digest {
	uint8_t digest[48];
	union {
		uint8_t object_id[16];
		uint32_t dke_key; /* of a document: place in assess.dke_key */
	};
};

#define ASSESS_MINUTE_S 60

struct array {
	void *at;
	size_t count, cap;
};

struct assess {
	const struct incident *incident;
	struct dk_catalogue *catalogue;
	struct array digest;  /* struct assess_digest: of the catalogue, sorted, none twice, */
	size_t catalogued;    /* this many, then those that only the log has, for each release */
	uint32_t *start;      /* of the former, the first of each two bytes, and catalogued */
	struct array row;     /* struct dk_catalogue_key, by row */
	struct array key;     /* uint8_t[32], sorted, none twice */
	struct array entry;   /* struct assess_entry */
	struct array item;    /* uint32_t: place in digest, or in made */
	struct array factor;  /* struct assess_factor */
	struct array made;    /* struct assess_made */
	struct array device;  /* struct assess_device */
	struct array issuer;  /* struct assess_issuer */
	struct array ca;      /* uint8_t[32] */
	struct array theft;   /* struct dk_theft */
	struct array cause;   /* uint32_t: for each theft, the item of the incident file */
	struct array user;    /* struct assess_user, none twice */
	struct array mark;    /* struct assess_mark */
	void *users;          /* of tsearch(): who is there */
	struct array dke_key; /* uint8_t[32]: keys that documents were unwrapped with, none twice */
	struct array policy;  /* struct assess_policy, none twice, in the order of the log */
	struct array time;    /* struct log_time; none: the clock of the service counts */
	const char *shown;    /* the incident file, for messages */
};

/* Each: DK_OK, or the error; what is an error of the incident file is told with its line, and
 * DK_ERR_CANCELLED. */
dk_err assess_read_catalogue(struct assess *a);
/* For dk_log_verify(), with a as its ctx; an entry whose class is known, but whose record is not
 * there, counts as closed. */
dk_err assess_read_entry(
    void *a, uint64_t index, const uint8_t leaf[DK_LEAF_BYTES], const struct dk_log_event *event);
/* Behind the last entry. */
dk_err assess_times(struct assess *a, const struct log_points *points);
/* The interval of an entry, section 2.3. */
struct assess_when {
	uint64_t after, before;
};
struct assess_when assess_when(const struct assess *a, uint64_t index);
/* An entry as the engine has it, behind assess_number(); ret borrows from room. */
struct assess_room {
	uint32_t item[2];
	struct dk_exposure_factor factor[DK_EXPOSURE_FACTORS_MAX];
};
void assess_entry(const struct assess *a, uint64_t index, struct assess_room *room,
    struct dk_exposure_entry *ret);
/* Behind both: numbers for all keys, and what was stolen. */
dk_err assess_number(struct assess *a);
/* Part of it: what an item stands for. A mistyped name must not give a good answer. */
dk_err assess_steal(struct assess *a, const struct incident_item *item);
dk_err assess_feed(struct assess *a, struct dk_exposure **ret);
void assess_clear(struct assess *a);

/* Place of a key id, which is there. */
uint32_t assess_key(const struct assess *a, const uint8_t id[32]);
/* Place of a digest among those of the catalogue, or of all behind assess_number(). */
bool assess_digest(const struct assess *a, size_t count, const uint8_t digest[48], uint32_t *ret);
bool assess_is_document(const struct assess_digest *digest);

/* A new element, zero, or NULL. */
void *array_add(struct array *array, size_t size);
/* Sorted, and none twice; by the first len bytes. */
void array_sort(struct array *array, size_t size, size_t len);

#endif
