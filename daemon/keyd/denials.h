/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Denials that get no record of their own (spec/profiles/ms-dke.md section 9): who signs tokens can
 * be denied as anybody, as often as he likes. Main thread only.
 */
#ifndef DK_KEYD_DENIALS_H
#define DK_KEYD_DENIALS_H

#include <stdbool.h>
#include <stdint.h>

#define DENIALS_WINDOW_S 600
#define DENIALS_PERSON_MAX 100

/* Whose denials have a limit together. */
enum keyd_denied {
	DENIED_STRANGER,
	DENIED_REVOKED,
	DENIED_REGISTERED, /* the first one of a person with an authenticator, in a window */
	DENIED_FIRST,      /* of another person */
	DENIED_FURTHER,
	DENIED_KINDS
};

/* What a denial took of the limits; all 0: nothing. */
struct keyd_counted {
	uint64_t second; /* 0: nothing */
	enum keyd_denied who;
	uint64_t window, name; /* of a person; window 0: of none */
};

struct denied_person;
struct keyd_denials {
	struct keyd_counted newest; /* of who asked last */
	uint64_t second;
	unsigned count[DENIED_KINDS]; /* in this second */
	uint32_t suppressed;
	/* persons of this window, under names that nobody can choose */
	bool keyed;
	uint8_t key[32];
	struct denied_person *person;
	/* those with an authenticator as of this change of the state, ascending by name; apart, so
	 * that no others take their places. Of one person there may be several: one is counted */
	uint64_t changes;
	unsigned registered_count;
	struct denied_person *registered; /* NULL: not known yet */
};
void keyd_denials_clear(struct keyd_denials *denials);

struct keyd;
/* Whether a denial may have a record now; if not, it is counted. */
bool keyd_may_record_denial(struct keyd *keyd, enum keyd_denied who);
bool keyd_may_record_person(struct keyd *keyd, const char *person);
/* Gives back what it took: there is no record, and whoever asks anew is as new as before. */
void keyd_denial_unrecorded(struct keyd_denials *denials, const struct keyd_counted *counted);
/* One that is not revoked. */
bool keyd_has_authenticator(struct keyd *keyd, const char *person);

#endif
