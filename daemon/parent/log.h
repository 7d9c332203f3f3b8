/* SPDX-License-Identifier: Apache-2.0 */
/* doublekeyd log: which records, and in which form. */
#ifndef DK_PARENT_LOG_H
#define DK_PARENT_LOG_H

#include "log/record.h"
#include "parent/parent.h"

struct log_wanted {
	const char *since;  /* a time or a day; NULL: from the beginning */
	const char *user;   /* NULL: everybody */
	const char *before; /* of `log erase`: likewise; NULL: any time */
	const char *object; /* 32 hex digits; NULL: all */
	bool json;
};

int cmd_log(const struct settings *settings, const struct log_wanted *wanted);
int cmd_log_erase(const struct settings *settings, const struct log_wanted *wanted);

/* log_print.c: a record as lines for people, or as one line of JSON. */
void log_print(uint64_t index, const struct dk_log_event *event);
void log_print_json(uint64_t index, const struct dk_log_event *event);
/* A record that does not open its leaf. */
void log_print_broken(uint64_t index, bool json);

#endif
