/* SPDX-License-Identifier: Apache-2.0 */
/* What `scan` prints of a catalogue. */
#ifndef DK_CLI_SCAN_KEYS_H
#define DK_CLI_SCAN_KEYS_H

#include <stdio.h>

#include "catalogue/catalogue.h"

/* The keys, a line for each, with the number of objects that they open. */
DK_MUST_USE dk_err scan_keys_print(struct dk_catalogue *cat, FILE *out);
/* The places that could not be read, as messages: at most max, then how many more. */
DK_MUST_USE dk_err scan_problems_tell(struct dk_catalogue *cat, uint64_t max);

#endif
