/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the header of one file, for the catalogue. */
#ifndef DK_CLI_SCAN_ITEM_H
#define DK_CLI_SCAN_ITEM_H

#include "catalogue/scan.h"

enum scan_outcome {
	SCAN_UNCHANGED, /* as the catalogue knows it */
	SCAN_READ,      /* found is filled */
	SCAN_NO_FILE,   /* gone, or no regular file */
	SCAN_BROKEN,    /* err: this program or machine failed, not the file */
};

struct scan_item {
	char *name;                                  /* owned */
	uint8_t known[DK_CATALOGUE_STAMP_MAX_BYTES]; /* stamp */
	size_t known_len;                            /* 0: to be read */
	enum scan_outcome outcome;
	dk_err err;                      /* of SCAN_BROKEN, or why the server failed */
	bool server_failed;              /* outcome is SCAN_READ, and what was found an error */
	struct dk_catalogue_found found; /* its name is that of the item */
};

/* block has DK_HEADER_MAX_BYTES. dir is the descriptor of the folder. */
void scan_item_read(struct scan_item *item, int dir, uint8_t *block);
/* The part behind the reading: len bytes of the object are in block. */
void scan_item_parse(struct scan_item *item, const uint8_t *block, size_t len);
/* An error of the place, spec/catalogue.md section 6. */
void scan_item_error(struct scan_item *item, const char *error, const char *place);
void scan_item_clear(struct scan_item *item);

#endif
