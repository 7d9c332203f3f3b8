/* SPDX-License-Identifier: Apache-2.0 */
/* One metadata entry, spec/envelope.md section 8; pure, no cryptography. */
#ifndef DK_FORMAT_METADATA_ENTRY_H
#define DK_FORMAT_METADATA_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dk_metadata_type {
	DK_METADATA_FILE_NAME = 1,
	DK_METADATA_MEDIA_TYPE = 2,
};

bool dk_metadata_value_ok(unsigned type, const uint8_t *value, size_t len);

#endif
