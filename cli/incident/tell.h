/* SPDX-License-Identifier: Apache-2.0 */
/* An incident file in plain words. */
#ifndef DK_CLI_INCIDENT_TELL_H
#define DK_CLI_INCIDENT_TELL_H

#include <stdio.h>

#include "cli/incident/incident.h"

#define INCIDENT_WORDS_BYTES 1024

/* What the item is, without its times. Returns out. */
const char *incident_item_words(const struct incident_item *item, char out[INCIDENT_WORDS_BYTES]);
/* What kind of thing it is, for a list. Static. */
const char *incident_what_words(enum incident_what what);

/* All that the file claims, what follows, and what it leaves open at the time now (seconds
 * since 1970). Stream errors are the caller's to look for. */
void incident_tell(const struct incident *incident, uint64_t now, FILE *f);

#endif
