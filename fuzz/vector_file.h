/* SPDX-License-Identifier: Apache-2.0 */
/* Parts and lines of a vector of spec/vectors/native, for harnesses that need a service
 * whose signatures hold. All of it ends the program if it is not there. */
#ifndef FUZZ_VECTOR_FILE_H
#define FUZZ_VECTOR_FILE_H

#include "native/enrol.h"

#define VECTOR_FILE_MAX_BYTES 65536

struct vector_file {
	size_t len;
	char text[VECTOR_FILE_MAX_BYTES + 1]; /* lines, each ended by NUL; then the parts */
	size_t data;                          /* where the parts begin */
};
void vector_file_open(const char *name, struct vector_file *ret);
/* The value of the first line "NAME: VALUE". */
const char *vector_file_line(const struct vector_file *file, const char *name);
void vector_file_hex(const struct vector_file *file, const char *name, uint8_t *out, size_t len);
/* The bytes of the part with this name. */
struct dk_part vector_file_part(const struct vector_file *file, const char *name);
/* The service that a vector describes. */
void vector_file_service(const char *name, struct dk_service_data *ret);

#endif
