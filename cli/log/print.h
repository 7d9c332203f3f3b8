/* SPDX-License-Identifier: Apache-2.0 */
/* Records on standard output: as lines for people, or as one line of JSON each. Also of
 * `doublekeyd log`; doublekeyd(8), RECORDS AS JSON. */
#ifndef DK_CLI_LOG_PRINT_H
#define DK_CLI_LOG_PRINT_H

#include "log/record.h"

void log_print(uint64_t index, const struct dk_log_event *event);
void log_print_json(uint64_t index, const struct dk_log_event *event);
/* Whether the request of the record is the digest of a document, not of a request. */
bool log_names_document(const struct dk_log_event *event);
/* Of enum dk_log_level: static; empty where there is none. */
const char *log_level_name(unsigned level);
/* A record that does not open its leaf. */
void log_print_broken(uint64_t index, bool json);

#endif
