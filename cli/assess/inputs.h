/* SPDX-License-Identifier: Apache-2.0 */
/* What was put into an assessment, by which a result can be computed again. */
#ifndef DK_CLI_ASSESS_INPUTS_H
#define DK_CLI_ASSESS_INPUTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "catalogue/catalogue.h"
#include "doublekey/error.h"
#include "cli/files/json.h"
#include "log/checkpoint.h"

/* Of spec/exposure.md; two results of one version and the same inputs are the same. */
#define ASSESS_RULES_VERSION 1

struct assess;

/* A file whose digest is made while it is read. */
struct assess_file {
	const char *path;
	int fd; /* -1: not open */
	struct stat st;
	uint8_t sha256[32];
	dk_err err;
};

struct assess_inputs {
	uint8_t incident[32]; /* SHA-256 of the incident file */
	struct assess_file catalogue, records;
	char origin[DK_ORIGIN_MAX_BYTES + 1];
	struct dk_checkpoint log;
	uint64_t record_count;
	const struct assess *assess; /* its policies; borrowed */
	/* of the newest scan of each root in the catalogue */
	uint64_t roots, unfinished, missed;
	bool witnessed; /* times of witnesses, not of the service's clock */
	bool hashing;
	pthread_t thread;
};

/* Open both files and begin with their digests, in a thread. False: told already. */
bool assess_inputs_begin(struct assess_inputs *in, const char *catalogue, const char *records);
/* How complete the catalogue is. */
DK_MUST_USE dk_err assess_inputs_scans(struct assess_inputs *in, struct dk_catalogue *catalogue);
/* Wait for the digests. False: told already; also if a file changed meanwhile. */
bool assess_inputs_end(struct assess_inputs *in);
/* In any case. */
void assess_inputs_close(struct assess_inputs *in);

/* The members of section 9 before the objects, and lines for people. */
void assess_inputs_json(const struct assess_inputs *in, struct json *j);
void assess_inputs_text(const struct assess_inputs *in);

#endif
