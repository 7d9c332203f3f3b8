/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is wiped when it is given back: for JSON, which cannot do it itself. */
#ifndef DK_PROVIDER_WIPING_H
#define DK_PROVIDER_WIPING_H

#include <stddef.h>

void provider_free(void *memory);
/* realloc() would leave a copy behind where it moves. */
void *provider_realloc(void *old, size_t size);

#endif
