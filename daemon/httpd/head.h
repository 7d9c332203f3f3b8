/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the head of a request may be made of, byte by byte. evhttp is lenient about
 * that, and what it forgave can no longer be seen in what it parsed.
 *
 * Spec: spec/key-service.md section 1.
 */
#ifndef DK_HTTPD_HEAD_H
#define DK_HTTPD_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zeros: before the first byte. */
struct head {
	bool bad;
	bool over;   /* the empty line has come: what follows is no head */
	bool behind; /* the first line */
	uint8_t last;
	unsigned spaces; /* in the first line, up to 3 */
	bool line_begun;
	size_t len; /* of all its bytes */
};

/* Takes the next bytes as they came; in any pieces. */
void head_take(struct head *head, const uint8_t *bytes, size_t len);

#endif
