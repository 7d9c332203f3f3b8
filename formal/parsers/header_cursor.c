/* SPDX-License-Identifier: Apache-2.0 */
#include "contracts.h"

#include "format/header_cursor.c"
