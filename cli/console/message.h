/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What doublekey says on standard error. Secrets never come here: arguments are
 * names, numbers and errors. Names come from outside, so that control
 * characters in them are escaped.
 */
#ifndef DK_CLI_MESSAGE_H
#define DK_CLI_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include <doublekey/doublekey.h>

/* No notes (--quiet). Errors and warnings are always written. */
void message_set_quiet(bool quiet);
bool message_quiet(void);

/*
 * "doublekey: NAME: sentence (error-name at place)". name is NULL where there
 * is none; place is NULL or has an empty text where there is none. For
 * DK_ERR_READ and DK_ERR_WRITE the sentence has the text of errno.
 */
void message_err(const char *name, dk_err err, const struct dk_place *place);
/* The same with a place of any length; empty: there is none. */
void message_err_at(const char *name, dk_err err, const char *where);

/* "doublekey: NAME: text". The arguments of format are escaped as a whole. */
void message_fail(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
void message_warn(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "text" on a line, unless --quiet. */
void message_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* From now on name, and what is below it, stands in messages as shown: it is one of a copy. Both
 * are borrowed for the rest of the process; at most MESSAGE_COPIES_MAX are kept. Before threads use
 * messages. */
#define MESSAGE_COPIES_MAX 4
void message_copy_of(const char *name, const char *shown);

/* Show a line that the next call replaces; NULL takes it away. A message takes it
 * away before it is written, so that it never stands in the middle of one. */
void message_status(const char *text);

/*
 * Printable form of len bytes of text: control characters (C0, DEL, C1), marks
 * that change the direction of text, bytes that are not UTF-8 and the backslash
 * become \xNN. Always NUL-terminated; what does not fit is cut and ends in
 * "...". cap is at least 8. Returns out.
 */
const char *message_escape(const char *text, size_t len, char *out, size_t cap);

#endif
