/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <string.h>

void
dk_wipe(void *data, size_t len)
{
	/* The C library promises that this store is not optimised away. */
	if (len > 0)
		explicit_bzero(data, len);
}

bool
dk_equal_ct(const uint8_t *a, const uint8_t *b, size_t len)
{
	/* volatile: a compiler may otherwise leave the loop at the first difference. */
	volatile uint8_t diff = 0;

	for (size_t i = 0; i < len; i++)
		diff = (uint8_t)(diff | (a[i] ^ b[i]));
	bool same = diff == 0;

	/* What the caller tells the world is this one bit. */
	dk_ct_public(&same, sizeof(same));
	return same;
}

void
dk_secret32_clear(struct dk_secret32 *s)
{
	dk_wipe(s, sizeof(*s));
}

void
dk_secret48_clear(struct dk_secret48 *s)
{
	dk_wipe(s, sizeof(*s));
}

void
dk_secret66_clear(struct dk_secret66 *s)
{
	dk_wipe(s, sizeof(*s));
}
