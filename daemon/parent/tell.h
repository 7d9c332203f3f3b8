/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands of doublekeyd say on standard error, in the form of doublekey:
 * "doublekeyd: NAME: sentence (code)". What runs uses say() of ipc/child.h. */
#ifndef DK_PARENT_TELL_H
#define DK_PARENT_TELL_H

#include <stddef.h>

#include "ipc/message.h"

/* name: NULL where there is none; code: NULL if the sentence has it. What others can
 * write is made safe for a terminal. */
void tell(const char *name, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Another code than ok that the service answered to op; text: what it said besides, len may
 * be 0. */
void tell_code(
    enum ipc_admin_op op, const char *name, unsigned code, const char *text, size_t len);

/* The command line is wrong: what, and where help is. Returns 2. */
int tell_usage(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
