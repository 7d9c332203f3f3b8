/* SPDX-License-Identifier: Apache-2.0 */
/* State of a computation, and what is known of single secrets: spec/exposure.md section 3. */
#ifndef DK_EXPOSURE_STATE_H
#define DK_EXPOSURE_STATE_H

#include "exposure/exposure.h"

/* No derivation; more steps than any has. */
#define DK_STEPS_NONE (UINT32_MAX / 4)

enum dk_key_state {
	DK_KEY_STOLEN = 1,
	DK_KEY_SERVICE = 2,   /* held by the key service, for all that is known */
	DK_KEY_OWN = 4,       /* it is the customer's */
	DK_KEY_LOGGED = 8,    /* a record says that the service made it */
	DK_KEY_RECOVERY = 16, /* one says that it is a recovery key */
};

struct dk_known_code {
	uint64_t index;
	uint32_t theft; /* of the administrator */
	bool rogue;     /* an administrator's secret was stolen, and used for it perhaps */
};

struct dk_known_confirmation {
	uint64_t index;
	uint64_t device; /* index of its enrolment */
	uint32_t page;   /* theft of the page on which it was given, or UINT32_MAX */
};

struct dk_known_device {
	uint64_t index;
	uint64_t stolen; /* since; DK_EXPOSURE_NEVER: it was not */
	uint64_t code;   /* index of a rogue code, or DK_EXPOSURE_NEVER */
	uint32_t theft;  /* that made it rogue */
	uint32_t page;   /* of the page on which an authenticator was registered, or UINT32_MAX */
	bool rogue;      /* enrolled with a rogue code, or when keyd or logd was had */
};

/* The best way to the customer share of an object by releases. */
struct dk_known_release {
	uint64_t entry;
	uint32_t steps;
	uint8_t rule;
	bool on_device;
};

#define DK_POLICY_UNKNOWN DK_EXPOSURE_POLICIES_MAX
#define DK_POLICY_NONE (DK_EXPOSURE_POLICIES_MAX + 1)

/* Which policy was perhaps in force when, section 5.1. */
struct dk_known_policies {
	/* By number, the last one for what nobody knows: until when it was, of the times that are
	 * in the window in part; 0: in none of them. */
	uint64_t until[DK_POLICY_UNKNOWN + 1];
	uint32_t count; /* numbers are below it */
	uint32_t now;   /* a number, DK_POLICY_UNKNOWN or DK_POLICY_NONE */
	uint64_t since;
	bool any;
};

struct dk_exposure {
	struct dk_exposure_case c;
	uint8_t *key; /* enum dk_key_state */
	struct dk_known_release *release;
	struct dk_known_code *code;
	size_t code_count, code_cap;
	struct dk_known_device *device;
	size_t device_count, device_cap;
	struct dk_known_confirmation *confirmation;
	size_t confirmation_count, confirmation_cap;
	uint32_t service_steps; /* to all keys of the service */
	bool offline;           /* only keys were stolen: no release is the thief's */
	bool online;            /* a stolen device could ask in the window */
	bool admin;             /* the thief could have enrolled one */
	bool token;             /* so could who has a token key */
	unsigned missing;
	uint64_t missing_at[4]; /* by bit: the first entry that shows it */
	bool any, begun, configured, prompt, objects;
	uint64_t last_index, last_after, last_before, prompt_at;
	struct dk_known_policies policies;
};

/* The interval of an entry. */
struct dk_when {
	uint64_t after, before;
};

/* Before all else is made of the entry. False: a policy without a number. */
bool dk_known_policy_entry(struct dk_exposure *x, const struct dk_exposure_entry *e);

/* Something of the log is missing: bit is one of the first four. */
void dk_known_missing(struct dk_exposure *x, unsigned bit, uint64_t entry);
/* All that is missing of it, section 4. */
unsigned dk_known_missing_of_log(const struct dk_exposure *x);
bool dk_when_in_window(const struct dk_exposure *x, struct dk_when when);
/* Place of the first theft of this kind and id by which the thief had it, or DK_EXPOSURE_NONE. */
size_t dk_known_theft(
    const struct dk_exposure *x, enum dk_theft_kind kind, uint64_t id, struct dk_when when);
/* Somebody else had the process then. */
bool dk_known_process(const struct dk_exposure *x, uint64_t process, struct dk_when when);
/* Somebody else had the power of an administrator at some time up to the end. */
bool dk_known_admin(const struct dk_exposure *x);
/* Somebody else had logd at some time of the window. */
bool dk_known_logd(const struct dk_exposure *x);
/* A secret of this kind and id was stolen before the interval ended. */
bool dk_known_secret(
    const struct dk_exposure *x, enum dk_theft_kind kind, uint64_t id, struct dk_when when);
/* Steps to a device's key at this time, or DK_STEPS_NONE. NULL: a device that is not in the log. */
uint32_t dk_known_device_steps(const struct dk_known_device *device, struct dk_when when);
const struct dk_known_device *dk_known_device_find(const struct dk_exposure *x, uint64_t index);
const struct dk_known_code *dk_known_code_find(const struct dk_exposure *x, uint64_t index);
const struct dk_known_confirmation *dk_known_confirmation_find(
    const struct dk_exposure *x, uint64_t index);
/* The first theft of what shows people the page, or UINT32_MAX. */
uint32_t dk_known_page(const struct dk_exposure *x, struct dk_when when);
/* Place of the first theft on which a factor of this kind rests, whoever verified it; devices are
 * not among them. */
size_t dk_known_secret_of(
    const struct dk_exposure *x, const struct dk_exposure_factor *factor, struct dk_when when);
/* Likewise of a process on whose word alone it rests. */
size_t dk_known_verifier_of(const struct dk_exposure *x, const struct dk_exposure_entry *entry,
    const struct dk_exposure_factor *factor);
/* Steps to the key service's keys, whenever. */
uint32_t dk_known_service_steps(const struct dk_exposure *x);

#endif
