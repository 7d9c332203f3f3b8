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
	const char *object; /* 32 hex digits; of `log` also the 64 of a document; NULL: all */
	/* of `log export` */
	const char *until;   /* NULL: to the end */
	const char *device;  /* 64 hex digits; NULL: all */
	const char *auditor; /* title in the policy */
	const char *key;     /* file */
	bool json;
};

int cmd_log(const struct settings *settings, const struct log_wanted *wanted);
/* log_export.c; file must not be there. */
int cmd_log_export(
    const struct settings *settings, const struct log_wanted *wanted, const char *file);
/* evidence.c; a bundle, which gets the signature of the service. */
int cmd_evidence_sign(const struct settings *settings, const char *file);
int cmd_log_erase(const struct settings *settings, const struct log_wanted *wanted);

/* What an option says; false: told. text NULL: not given, *ret stays. */
bool log_time(const char *text, const char *option, uint64_t *ret);
bool log_object(const char *text, uint8_t ret[16]);
/* All records of the running service up to an index, in order. False: told, or each said so. */
typedef bool (*log_entry_fn)(
    void *ctx, uint64_t index, const uint8_t *leaf, const uint8_t *record, size_t len);
bool log_each(const struct settings *settings, uint64_t end, log_entry_fn each, void *ctx);

#endif
