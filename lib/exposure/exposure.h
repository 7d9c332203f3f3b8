/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exposure after a theft: which objects could be read, by whom nobody wanted.
 *
 * A pure computation. What was stolen goes in first, then all entries of the log in its order,
 * then one object after the other; each object's verdict comes back at once. Memory: 16 bytes for
 * an object, 4 for a key, 48 for a device, 24 for a code or a confirmation, 8 for a policy.
 * Time: linear in entries and stanzas, times the number of thefts.
 *
 * Keys, objects, issuers' keys and certificate authorities are numbers that the caller
 * gave them; devices, codes and confirmations are the log indexes of their records. Times are
 * seconds since 1970.
 *
 * Spec: spec/exposure.md sections 2 to 5, but for 2.3
 */
#ifndef DK_EXPOSURE_EXPOSURE_H
#define DK_EXPOSURE_EXPOSURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "doublekey/error.h"

#define DK_EXPOSURE_NEVER UINT64_MAX
#define DK_EXPOSURE_THEFTS_MAX 4096
#define DK_EXPOSURE_FACTORS_MAX 64
#define DK_EXPOSURE_DEFAULT_GAP_S 120

/* What can be stolen, section 2.1. In brackets what id is. */
enum dk_theft_kind {
	DK_THEFT_KEY = 1,    /* [key] */
	DK_THEFT_DEVICE,     /* [index of its enrolment] */
	DK_THEFT_ADMIN,      /* [numeric user id] */
	DK_THEFT_TOKEN_KEY,  /* [number of an issuer's key] */
	DK_THEFT_CA,         /* [number of a CA] */
	DK_THEFT_PROCESS,    /* [enum dk_exposure_process]; ends at until */
	DK_THEFT_TLS_KEY,    /* [0] */
	DK_THEFT_PROXY,      /* [0]; ends at until */
	DK_THEFT_STORE,      /* [0] a copy of the sealed store */
	DK_THEFT_PASSPHRASE, /* [0] of the sealed store */
	DK_THEFT_HSM_PIN,    /* [0] */
};

/* Numbered as in spec/ipc.md section 1. */
enum dk_exposure_process {
	DK_EXPOSURE_PARENT = 1,
	DK_EXPOSURE_HTTPD,
	DK_EXPOSURE_AUTHD,
	DK_EXPOSURE_KEYD,
	DK_EXPOSURE_LOGD,
	DK_EXPOSURE_TOKEND,
	DK_EXPOSURE_FETCHD,
};

struct dk_theft {
	enum dk_theft_kind kind;
	uint64_t id;
	uint64_t since; /* 0: unknown, so always */
	uint64_t until; /* of a process or proxy; DK_EXPOSURE_NEVER: it did not end */
};

struct dk_exposure_case {
	uint64_t from;    /* window, both ends included; 0: unknown */
	uint64_t to;      /* below DK_EXPOSURE_NEVER */
	uint64_t gap;     /* longest silence of the log that is none */
	uint32_t keys;    /* keys have the numbers below this */
	uint32_t objects; /* likewise */
	size_t theft_count;
	const struct dk_theft *theft;
	size_t own_count; /* customer keys that the incident file vouches for */
	const uint32_t *own;
};

/* Classes of entries that matter; all others are OTHER. */
enum dk_exposure_class {
	DK_ENTRY_OTHER = 0,
	DK_ENTRY_BEGUN,        /* 1 of spec/log.md section 3 */
	DK_ENTRY_RELEASE,      /* 2 */
	DK_ENTRY_KEY,          /* 5 */
	DK_ENTRY_CODE,         /* 8 */
	DK_ENTRY_DEVICE,       /* 9 */
	DK_ENTRY_CONFIG,       /* 14 */
	DK_ENTRY_CONFIRMATION, /* 20 */
	DK_ENTRY_POLICY,       /* 11; or 15: what was in force in the part that was lost? */
	DK_ENTRY_CLOSED,       /* any class: its record is not there, or erased in part */
};

enum dk_exposure_factor_kind {
	DK_BY_DEVICE = 1,   /* [index of the enrolment] */
	DK_BY_ADMIN,        /* [numeric user id] */
	DK_BY_APPROVAL,     /* [index of the approver's enrolment] */
	DK_BY_TOKEN,        /* [number of the issuer's key] */
	DK_BY_CERT,         /* [number of the CA] */
	DK_BY_CONFIRMATION, /* [index of the confirmation] */
	DK_BY_FRONT,        /* [0] a front saw a certificate of the person */
};

struct dk_exposure_factor {
	enum dk_exposure_factor_kind kind;
	enum dk_exposure_process verifier;
	uint64_t id;
};

struct dk_exposure_entry {
	uint64_t index;
	uint64_t after;  /* it came behind this time, */
	uint64_t before; /* and not later than this one; above after */
	enum dk_exposure_class class;
	bool prompt; /* mode, of classes RELEASE and CONFIG */
	bool clear;  /* RELEASE: of Microsoft's protocol; not encrypted to the requester */
	/* KEY: 1 or 2, the service's key and its recovery key. RELEASE: objects whose share was
	 * handed out. Others: none. */
	size_t count;
	const uint32_t *item;
	/* CODE: user id of the administrator; DEVICE: index of its code; CONFIRMATION: index of the
	 * enrolment of its device; POLICY: its number, or DK_EXPOSURE_NEVER: not known. */
	uint64_t root;
	size_t factor_count; /* RELEASE: at least one */
	const struct dk_exposure_factor *factor;
};

struct dk_exposure_set {
	bool customer; /* else provider */
	bool copied;   /* the thief could have a copy of it */
	size_t count;
	const uint32_t *key;
};

struct dk_exposure_object {
	uint32_t object;
	bool body;     /* the thief could have a copy of the body */
	bool withheld; /* what-if: no policy could have given a customer share of it, section 5.1 */
	bool verified; /* the sets are those that their writers made */
	bool document; /* of Microsoft's protocol: who has a token asks for it, no device does */
	size_t set_count;
	const struct dk_exposure_set *set;
};

/* Missing evidence, section 4; bits. */
enum dk_exposure_missing {
	DK_MISSING_START = 1,   /* how the service ran is not recorded from the start */
	DK_MISSING_END = 2,     /* the log ends before the window */
	DK_MISSING_GAP = 4,     /* it was silent in the window */
	DK_MISSING_RECORD = 8,  /* an entry or its record is not there */
	DK_MISSING_LOGD = 16,   /* prompt, and logd was not its owner's */
	DK_MISSING_HEADER = 32, /* object: no header was scanned */
	DK_MISSING_SET = 64,    /* object: nobody vouches for its sets */
	DK_MISSING_KEY = 128,   /* object: a customer key that nobody vouches for */
};

enum dk_exposure_answer {
	DK_NOT_READABLE = 0,
	DK_UNKNOWN = 1,
	DK_READABLE = 2,
};

/* Rules, section 3. */
enum dk_exposure_rule {
	DK_RULE_PROVIDER = 0,
	DK_RULE_UNWRAP = 1,
	DK_RULE_RELEASE = 2,
	DK_RULE_INTERCEPT = 3,
};

struct dk_exposure_verdict {
	enum dk_exposure_answer answer;
	unsigned missing; /* enum dk_exposure_missing; 0 unless UNKNOWN */
	uint32_t steps;   /* of the shortest derivation; 0 unless READABLE */
	enum dk_exposure_rule provider_rule, customer_rule; /* of READABLE */
	uint32_t provider_key, customer_key;                /* where the rule is UNWRAP */
	uint64_t entry; /* where customer_rule is RELEASE or INTERCEPT */
	bool on_device; /* a stolen device had it: section 5 */
	bool online;    /* what-if: who has what was stolen could have got it */
};

struct dk_exposure;

/*
 * In:      c   borrowed during the call
 * Errors:  DK_ERR_ARGUMENT   a number out of its range, a window that ends before it begins
 */
DK_MUST_USE dk_err dk_exposure_new(const struct dk_exposure_case *c, struct dk_exposure **ret);
/* NULL is allowed. */
void dk_exposure_free(struct dk_exposure *x);

/*
 * The next entry. Indexes ascend; one that is left out is missing evidence. Times do not go back.
 *
 * Errors:  DK_ERR_ARGUMENT     order, number, times
 *          DK_ERR_LOG_RECORD   a release without a factor, a key that is a recovery key as well
 *          DK_ERR_STATE        behind the first object
 */
DK_MUST_USE dk_err dk_exposure_entry(struct dk_exposure *x, const struct dk_exposure_entry *entry);

/* Errors:  DK_ERR_ARGUMENT   a number out of its range */
DK_MUST_USE dk_err dk_exposure_object(struct dk_exposure *x,
    const struct dk_exposure_object *object, struct dk_exposure_verdict *ret);

/* ---- what-if, section 5.1 ---- */

#define DK_EXPOSURE_POLICIES_MAX 4096 /* policies have numbers below this */

/* Whether this policy could give what is asked to this device (index of its enrolment). */
typedef bool (*dk_exposure_grant_fn)(void *ctx, uint32_t policy, uint64_t device);
/* Whether a policy that was perhaps in force in the window could give it to a device that the thief
 * had then: fn is asked until it says so. True also where no credit is given to policies. Behind
 * the last entry. */
bool dk_exposure_granted(const struct dk_exposure *x, dk_exposure_grant_fn fn, void *ctx);
/* Whether the thief had this device (index of its enrolment) at some time up to the end. */
bool dk_exposure_device_had(const struct dk_exposure *x, uint64_t device);
/* Whether it was perhaps in force at some time of the window. Behind the last entry. */
bool dk_exposure_in_force(const struct dk_exposure *x, uint32_t policy);

/* ---- why ---- */

/* How a thief had a thing. */
enum dk_exposure_how {
	DK_HOW_NOT = 0,
	DK_HOW_STOLEN,   /* it was stolen itself: theft */
	DK_HOW_SERVICE,  /* a key of the service, by theft, and by second if there is one */
	DK_HOW_VERIFIER, /* theft: of the process that verified the factor */
	DK_HOW_PAGE,     /* theft: of what showed the page on which it was confirmed */
	DK_HOW_JUDGED,   /* theft: of authd, which said whose request it was */
	DK_HOW_FETCHD,   /* theft: of the process that fetches issuers' keys */
	DK_HOW_CODE,     /* a rogue device; theft: of the administrator, whose code is entry code */
	DK_HOW_ENROLMENT /* a rogue device; theft: of the process, or page, at its enrolment */
};

#define DK_EXPOSURE_NONE SIZE_MAX

struct dk_exposure_why {
	enum dk_exposure_how how;
	size_t theft, second; /* places in the case's list, or DK_EXPOSURE_NONE */
	uint64_t code;        /* of DK_HOW_CODE */
};

/* A key, whenever. */
void dk_exposure_why_key(const struct dk_exposure *x, uint32_t key, struct dk_exposure_why *ret);
/* A factor of an entry: section 3, forgeries. */
void dk_exposure_why_factor(const struct dk_exposure *x, const struct dk_exposure_entry *entry,
    const struct dk_exposure_factor *factor, struct dk_exposure_why *ret);
/* A device, by the index of its enrolment, by such an entry. */
void dk_exposure_why_device(
    const struct dk_exposure *x, uint64_t device, uint64_t before, struct dk_exposure_why *ret);
/* Whether rule 2 and rule 3 give the objects of a release. */
void dk_exposure_why_release(const struct dk_exposure *x, const struct dk_exposure_entry *entry,
    bool *ret_release, bool *ret_intercept);
/* What is missing of the log, as for each object; and the first entry that shows it, if one does,
 * or DK_EXPOSURE_NEVER. */
unsigned dk_exposure_why_log(const struct dk_exposure *x);
uint64_t dk_exposure_why_missing(const struct dk_exposure *x, unsigned bit);

/* Name of one bit of enum dk_exposure_missing, such as "log-end"; static. NULL: none. */
const char *dk_exposure_missing_name(unsigned bit);

#endif
