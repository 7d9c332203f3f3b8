/* SPDX-License-Identifier: Apache-2.0 */
/* A header is never taken apart: it is made again, and compared. */
#include "evidence/tar.h"

#include <stdio.h>
#include <string.h>

#define AT_SIZE 124
#define SIZE_DIGITS 11
#define AT_SUM 148

/* Octal digits and a NUL. */
static void
put_octal(uint8_t *to, unsigned digits, uint64_t value)
{
	to[digits] = '\0';
	while (digits-- > 0) {
		to[digits] = (uint8_t)('0' + (value & 7));
		value >>= 3;
	}
}

void
dk_tar_header(const char *name, uint64_t size, uint8_t header[DK_TAR_BLOCK_BYTES])
{
	size_t len = strlen(name);
	unsigned sum = 0;

	memset(header, 0, DK_TAR_BLOCK_BYTES);
	memcpy(header, name, len <= 100 ? len : 100);
	put_octal(header + 100, 7, 0644);
	put_octal(header + 108, 7, 0);
	put_octal(header + 116, 7, 0);
	put_octal(header + AT_SIZE, SIZE_DIGITS, size);
	put_octal(header + 136, 11, 0);
	memset(header + AT_SUM, ' ', 8);
	header[156] = '0';
	memcpy(header + 257, "ustar\00000", 8);
	for (unsigned i = 0; i < DK_TAR_BLOCK_BYTES; i++)
		sum += header[i];
	put_octal(header + AT_SUM, 6, sum);
}

bool
dk_tar_header_is(
    const uint8_t header[DK_TAR_BLOCK_BYTES], const char *name, uint64_t max, uint64_t *ret_size)
{
	uint8_t again[DK_TAR_BLOCK_BYTES];
	uint64_t size = 0;

	for (unsigned i = 0; i < SIZE_DIGITS; i++) {
		uint8_t c = header[AT_SIZE + i];

		if (c < '0' || c > '7')
			return false;
		size = size << 3 | (unsigned)(c - '0');
	}
	dk_tar_header(name, size, again);
	*ret_size = size;
	return size <= max && memcmp(header, again, sizeof(again)) == 0;
}
