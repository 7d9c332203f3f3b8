/* SPDX-License-Identifier: Apache-2.0 */
/* Walking one root for the catalogue. */
#ifndef DK_CLI_SCAN_WALK_H
#define DK_CLI_SCAN_WALK_H

#include "catalogue/scan.h"
#include "cli/console/progress.h"

struct scan_counts {
	uint64_t unchanged; /* places that were not read */
	uint64_t read;      /* places that were */
	uint64_t gone;
	uint64_t missed; /* places and folders below the root that have an error */
};

/*
 * Scan a folder. What goes wrong with a place goes into the catalogue.
 *
 * In:      root   existing folder
 *          jobs   threads that read
 * Errors:  those of dk_catalogue_writer_open() and of dk_catalogue_seen_parse() that
 *          are no fault of the header; DK_ERR_READ: the root cannot be opened
 */
DK_MUST_USE dk_err scan_walk(struct dk_catalogue_writer *writer, const char *root, unsigned jobs,
    struct progress_part *progress, struct scan_counts *counts);

/*
 * The same of a bucket, "s3://...", which can be one of many servers.
 *
 * Errors:  those of dk_bucket_open() and dk_bucket_list() besides
 */
DK_MUST_USE dk_err scan_bucket(struct dk_catalogue_writer *writer, const char *url, unsigned jobs,
    struct progress_part *progress, struct scan_counts *counts);

#endif
