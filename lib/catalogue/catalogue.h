/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalogue of objects: which there are, where, and to which keys their shares were ever
 * seen wrapped. Read here; catalogue/scan.h writes it. It is behind a shared module of its own, so that
 * everything else starts without SQLite.
 *
 * Spec: spec/catalogue.md
 */
#ifndef DK_CATALOGUE_CATALOGUE_H
#define DK_CATALOGUE_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "doublekey/error.h"
#include "doublekey/key.h"

/* A root of PATH_MAX, and 256 folders below it. */
#define DK_CATALOGUE_PATH_MAX_BYTES 131072

/* A key as stanzas name it. Strings are NUL-terminated. */
struct dk_catalogue_key {
	uint64_t id; /* row; the same for the same key, all over the catalogue */
	dk_side side;
	uint16_t type; /* enum dk_stanza_type */
	uint8_t key_id[32];
	char custodian[DK_CUSTODIAN_BYTES + 1];
	char name[513]; /* of a kms stanza; else empty, as version */
	char version[65];
};

/* One stanza of a set: a key, by its row. */
struct dk_catalogue_stanza {
	uint64_t key;
	bool former;
};

/* A stanza set that was seen. */
struct dk_catalogue_set {
	dk_side side;
	uint32_t number; /* 1, 2, ... within object and side */
	uint32_t epoch;
	uint8_t digest[32]; /* SHA-256 of the set */
	uint64_t seen;      /* seconds since 1970 */
	size_t first;       /* of its stanzas in struct dk_catalogue_object */
	size_t count;
};

struct dk_catalogue_object {
	uint64_t id; /* row: 1, 2, ... ascending in the order of dk_catalogue_next() */
	uint8_t object_id[16];
	uint8_t core_digest[48];
	uint64_t created; /* seconds since 1970, as the header says */
	char tenant[256];
	char label[256];
	bool has_creator;
	uint8_t creator[32];
	uint64_t seen;
	size_t set_count; /* by side, then number; at least one of each side */
	const struct dk_catalogue_set *set;
	const struct dk_catalogue_stanza *stanza;
};

/* Where an object is, or was. */
struct dk_catalogue_location {
	const uint8_t *path; /* not NUL-terminated; any bytes but NUL */
	size_t path_len;
	uint64_t size;  /* in bytes; 0 if past */
	uint64_t since; /* seconds since 1970 */
	uint64_t until; /* 0: it is there still */
};

/* A place whose header could not be read. */
struct dk_catalogue_problem {
	const uint8_t *path;
	size_t path_len;
	bool folder;
	const char *error; /* name, spec/catalogue.md section 6 */
	const char *place; /* or empty */
};

/* One scan of one root. */
struct dk_catalogue_scan {
	const uint8_t *root;
	size_t root_len;
	uint64_t started;
	uint64_t ended;  /* 0: it was stopped */
	uint64_t missed; /* places below the root with a problem when it ended */
};

struct dk_catalogue;

/* Returns 0 to go on; anything else ends the walk, which then returns DK_ERR_CANCELLED. What
 * it gets is borrowed until it returns. */
typedef int (*dk_catalogue_location_fn)(void *ctx, const struct dk_catalogue_location *location);
typedef int (*dk_catalogue_problem_fn)(void *ctx, const struct dk_catalogue_problem *problem);
typedef int (*dk_catalogue_scan_fn)(void *ctx, const struct dk_catalogue_scan *scan);
typedef int (*dk_catalogue_key_fn)(void *ctx, const struct dk_catalogue_key *key);

/*
 * Open a catalogue to read. What is read until it is closed is one state, whatever is
 * written meanwhile.
 *
 * Errors:  DK_ERR_READ               errno is set
 *          DK_ERR_CATALOGUE_FILE     not a catalogue, or damaged
 *          DK_ERR_CATALOGUE_VERSION
 *          DK_ERR_CATALOGUE_BUSY     somebody writes it
 *          These are those of all functions below, too.
 */
DK_MUST_USE dk_err dk_catalogue_open(const char *path, struct dk_catalogue **ret);
/* NULL is allowed. */
void dk_catalogue_close(struct dk_catalogue *cat);

/* Number of objects, and of keys (of rows; their ids are 1 to this number). */
DK_MUST_USE dk_err dk_catalogue_count(
    struct dk_catalogue *cat, uint64_t *ret_objects, uint64_t *ret_keys);

/* All keys by id. Ids have no gaps. */
DK_MUST_USE dk_err dk_catalogue_keys(
    struct dk_catalogue *cat, dk_catalogue_key_fn fn, void *ctx);

/*
 * The next object with all stanzas ever seen, in the order of their rows; *ret is NULL behind the
 * last one, and the next call begins anew. Memory is that of one object.
 *
 * Out:     ret   borrowed until the next call of this function
 */
DK_MUST_USE dk_err dk_catalogue_next(
    struct dk_catalogue *cat, const struct dk_catalogue_object **ret);

/* Where an object is and was: places that are, by path, then those of before. */
DK_MUST_USE dk_err dk_catalogue_locations(
    struct dk_catalogue *cat, uint64_t object, dk_catalogue_location_fn fn, void *ctx);
/* Places and folders that could not be read. */
DK_MUST_USE dk_err dk_catalogue_problems(
    struct dk_catalogue *cat, dk_catalogue_problem_fn fn, void *ctx);
/* The newest scan of each root, the oldest of these first. */
DK_MUST_USE dk_err dk_catalogue_scans(
    struct dk_catalogue *cat, dk_catalogue_scan_fn fn, void *ctx);

#endif
