/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What making and checking an evidence bundle share: a folder that goes away, the records, and
 * what they attest. With messages.
 *
 * Spec: spec/evidence.md
 */
#ifndef DK_CLI_EVIDENCE_H
#define DK_CLI_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "evidence/bundle.h"
#include "cli/incident/incident.h"
#include "cli/log/trust.h"

#define EVIDENCE_PATH_BYTES 4096
#define EVIDENCE_FD_PATH_BYTES 32

/* ---- evidence_folder.c ---- */

/*
 * Run fn in a process of its own with a private folder, which is removed afterwards, also when
 * a signal ends it. The result is the exit status.
 */
int evidence_in_folder(int (*fn)(void *ctx, const char *folder), void *ctx);

/* folder/name; false: too long, told already. */
bool evidence_path(char path[EVIDENCE_PATH_BYTES], const char *folder, const char *name);
/* A new file for folder/name, with its folders; -1: told already. */
int evidence_create(const char *folder, const char *name);
/* One that nobody else can open: it has no name. ret_path names it within this process. -1: told
 * already. */
int evidence_hidden(const char *folder, char ret_path[EVIDENCE_FD_PATH_BYTES]);
/* A copy of the file at from as folder/name. False: told already. */
bool evidence_copy(const char *from, const char *folder, const char *name);
/* Whether two files have the same bytes; false also on an error, which is told. */
bool evidence_same(const char *one, const char *other, bool *ret_same);

/* ---- evidence_records.c ---- */

#define EVIDENCE_LABEL "evidence-recs"

/* What of the records goes into a bundle. */
struct evidence_scope {
	uint64_t size;  /* of the tree */
	uint64_t until; /* seconds since 1970; 0: no end */
	bool persons;
};

/* From the records file at path to fd. False: told already. */
bool evidence_scope_records(const char *path, int fd, const struct evidence_scope *scope);
/* The file at from, sealed into fd; and back, from len bytes where from is. False: told already. */
bool evidence_seal(int from, int fd, const struct dk_pkey *recipient);
bool evidence_unseal(int from, uint64_t len, int fd, const struct dk_pkey *auditor);

/* ---- evidence_persons.c ---- */

#define EVIDENCE_PERSONS_CODE "evidence-persons"

/* Whether the incident file at path can be assessed with records without persons: it names no
 * device but by the index of its enrolment. False: told already. */
bool evidence_without_persons(const char *path);

/* ---- evidence_inventory.c ---- */

/* What an entry of class 11 or 14 names. */
struct evidence_attested {
	uint64_t index, time;
	bool witnesses;
	uint8_t digest[DK_SHA256_BYTES];
};

struct evidence_inventory {
	struct evidence_attested *item;
	size_t count, cap;
	uint64_t records; /* all that were read */
};
void evidence_inventory_clear(struct evidence_inventory *inventory);

/* Whether the text that item at names was in force at some time of the window: section 7. */
bool evidence_in_force(
    const struct evidence_inventory *inventory, size_t at, const struct incident *incident);

/* And whether no item before it names the same, so that each text is told once. */
bool evidence_is_first(
    const struct evidence_inventory *inventory, size_t at, const struct incident *incident);

/* Section 5, from the records file fd into out. False: told already, with name. */
bool evidence_inventory(
    const char *name, int fd, int out, struct evidence_inventory *ret_inventory);

/* ---- evidence_scans.c ---- */

/* The newest scan of one root: spec/catalogue.md section 7. */
struct evidence_root {
	uint8_t *path;
	size_t len;
	uint64_t started; /* seconds since 1970 */
	bool stopped;     /* it did not end */
	uint64_t missed;  /* places below the root that could not be read */
};

struct evidence_scans {
	struct evidence_root *root;
	size_t count, cap;
};
/* Of the catalogue at path. False: told already; ret needs evidence_scans_clear() in both cases. */
bool evidence_scans_read(const char *path, struct evidence_scans *ret);
void evidence_scans_clear(struct evidence_scans *scans);

/* ---- evidence_assess.c ---- */

/* The inputs of an assessment; all are paths. */
struct evidence_inputs {
	const char *incident, *catalogue, *log, *records;
	/* texts of policies, or folders with them */
	const char *const *policy;
	size_t policy_count;
};
/* Paths of new files. */
struct evidence_outputs {
	const char *json;
	const char *page;     /* or NULL; the list goes beside it */
	const char *language; /* of the page: "en" or "de" */
};
/* What is said goes to standard output. False: told already. */
bool evidence_assess(const struct log_trust *trust, const struct evidence_inputs *inputs,
    const struct evidence_outputs *outputs);
/* A folder with a log, as 'doublekey log verify' does it. False: told already. */
bool evidence_log_verify(const struct log_trust *trust, const char *log);

/* ---- evidence_report.c ---- */

#define EVIDENCE_PAGE "report.html"
#define EVIDENCE_LIST "report.csv"

/* The same, static; NULL: there is no report in this language. */
const char *evidence_report_language(const char *text);
/* The language that the page at path says it is in; static. False: told already. */
bool evidence_report_read(const char *path, const char **ret_language);

/* ---- evidence_tell.c ---- */

enum evidence_report {
	EVIDENCE_REPORT_CLAIMED, /* or there is none */
	EVIDENCE_REPORT_PROVED,  /* made again, it is the same */
	EVIDENCE_REPORT_OTHER,   /* it is another one, which another version made */
};

struct evidence_found {
	const struct dk_bundle *bundle;
	const char *origin;
	uint64_t log_size;
	bool quorum;          /* a policy with witnesses was satisfied */
	bool identity_known;  /* its id was given */
	uint8_t identity[32]; /* of a signature */
	uint64_t signed_index;
	char auditor[65]; /* title in the entry of the signing */
	bool opened;      /* records, inventory and result were looked at */
	enum evidence_report report;
	struct evidence_inventory inventory;
	const struct incident *incident;
	struct evidence_scans scans;
};
/* Section 7: proved, claimed, missing, on standard output. */
void evidence_tell(const struct evidence_found *found);

#endif
