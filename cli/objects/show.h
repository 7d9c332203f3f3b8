/* SPDX-License-Identifier: Apache-2.0 */
/* What inspect prints of one object: for people, and as JSON. */
#ifndef DK_CLI_SHOW_H
#define DK_CLI_SHOW_H

#include <stdio.h>

#include <doublekey/object.h>
#include <doublekey/reader.h>

/* metadata is NULL unless keys verified the header. */
void show_text(FILE *out, const char *file, const struct dk_object_info *info,
    const struct dk_object_metadata *metadata);
/* One line. The members are documented in doublekey(1), and stay. */
void show_json(FILE *out, const char *file, const struct dk_object_info *info,
    const struct dk_object_metadata *metadata);

#endif
