/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka, with the headers that it wants before it. */
#ifndef DK_TESTS_UNIT_H
#define DK_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "doublekey/error.h"

/* Tells the two names when it fails. */
#define assert_err(got, want) assert_string_equal(dk_err_name(got), dk_err_name(want))
#define assert_ok(got) assert_err(got, DK_OK)

#endif
