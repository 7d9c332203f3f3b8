/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a profile, by names relative to its folder. */
#ifndef DK_CLIENT_PROFILE_FILE_H
#define DK_CLIENT_PROFILE_FILE_H

#include "client/profile.h"

/* False: too long. */
bool dk_profile_path(
    const struct dk_profile *profile, const char *name, char ret[DK_PROFILE_PATH_BYTES]);

/* *ret is the caller's, to free(). DK_ERR_SERVICE_NOT_ENROLLED: there is no such file;
 * DK_ERR_SERVICE_PROFILE: it is empty or too large. */
dk_err dk_profile_read(
    const struct dk_profile *profile, const char *name, uint8_t **ret, size_t *ret_len);

/* The file as a whole or the one that was there before; DK_ERR_WRITE. */
dk_err dk_profile_write(
    const struct dk_profile *profile, const char *name, const void *data, size_t len);

#endif
