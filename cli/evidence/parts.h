/* SPDX-License-Identifier: Apache-2.0 */
/* The parts that a bundle is made of, and its file. With messages. */
#ifndef DK_CLI_EVIDENCE_PARTS_H
#define DK_CLI_EVIDENCE_PARTS_H

#include "cli/evidence/evidence.h"
#include "cli/console/options.h"
#include "cli/files/output.h"

struct evidence_file {
	char name[DK_EVIDENCE_NAME_MAX_BYTES + 1];
	char *path;
	uint64_t size;
	uint8_t digest[DK_SHA256_BYTES];
};

struct evidence_parts {
	struct evidence_file *file;
	size_t count, cap;
};
void evidence_parts_clear(struct evidence_parts *parts);

/* The file at path, which is hashed now. False: told already. */
bool evidence_parts_add(struct evidence_parts *parts, const char *name, const char *path);
bool evidence_parts_has(const struct evidence_parts *parts, const char *name);
/* The same as FOLDER/DIGEST. */
bool evidence_parts_add_digest(struct evidence_parts *parts, const char *folder, const char *path);
/* A log of that size in a folder: what its tree needs, and its kept checkpoints. */
bool evidence_parts_add_log(struct evidence_parts *parts, const char *log, uint64_t size);
/* All *.md in a folder, as spec/NAME. */
bool evidence_parts_add_specs(struct evidence_parts *parts, const char *folder);

/* ---- evidence_policies.c ---- */

/* Of places, which are files, and folders of texts under their digests, all of the former, and of
 * the latter those that an entry put in force in the window of the incident file, or near it. One
 * that is missing is told by its name. False: told already. */
bool evidence_policies_add(struct evidence_parts *parts, const struct evidence_inventory *inventory,
    const char *incident, const struct option_list *places);

/* ---- evidence_write.c ---- */

/* manifest has everything but the parts. A file that is another one than it was when it was
 * added is an error. */
bool evidence_parts_write(
    struct evidence_parts *parts, struct dk_manifest *manifest, struct output *output);

#endif
