/* SPDX-License-Identifier: Apache-2.0 */
#include "base/port.h"

#define PORT_MAX 65535U
#define PORT_DIGITS_MAX 5

bool
dk_port_valid(const char *text)
{
	unsigned port = 0, n = 0;

	for (; text[n] >= '0' && text[n] <= '9' && n < PORT_DIGITS_MAX; n++)
		port = port * 10 + (unsigned)(text[n] - '0');
	return n > 0 && text[n] == '\0' && text[0] != '0' && port <= PORT_MAX;
}
