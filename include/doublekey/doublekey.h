/* SPDX-License-Identifier: Apache-2.0 */
/* Everything of libdoublekey's public interface. */
#ifndef DOUBLEKEY_DOUBLEKEY_H
#define DOUBLEKEY_DOUBLEKEY_H

#include <doublekey/backup.h>
#include <doublekey/error.h>
#include <doublekey/io.h>
#include <doublekey/key.h>
#include <doublekey/object.h>
#include <doublekey/reader.h>
#include <doublekey/writer.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DK_VERSION "0.1.0"

/* Version of the library at run time, such as "0.1.0"; static. */
const char *dk_version(void);

/* Version of libcrypto at run time, in its own words; static. */
const char *dk_crypto_version(void);

#ifdef __cplusplus
}
#endif

#endif
