/* SPDX-License-Identifier: Apache-2.0 */
/* The port behind the colon of an address. */
#ifndef DK_BASE_PORT_H
#define DK_BASE_PORT_H

#include <stdbool.h>

/* Decimal digits for 1 to 65535 and a NUL, without zeros in front. What resolves addresses
 * takes larger numbers modulo 65536, and so another port than was written. */
bool dk_port_valid(const char *text);

#endif
