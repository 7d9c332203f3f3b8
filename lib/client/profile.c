/* SPDX-License-Identifier: Apache-2.0 */
#include "client/profile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client/profile_file.h"
#include "crypto/base64.h"

void
dk_profile_clear(struct dk_profile *profile)
{
	dk_pkey_free(profile->device);
	profile->device = NULL;
}

static bool
set_dir(struct dk_profile *profile, const char *base_url)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	const char *host = base_url + strlen("https://");
	int n;

	if (data && data[0] == '/')
		n = snprintf(
		    profile->dir, sizeof(profile->dir), "%s/doublekey/services/%s", data, host);
	else if (home && home[0] == '/')
		n = snprintf(profile->dir, sizeof(profile->dir),
		    "%s/.local/share/doublekey/services/%s", home, host);
	else
		return false;
	return n > 0 && (size_t)n < sizeof(profile->dir) - 128;
}

/* ---- CA ---- */

dk_err
dk_profile_ca_pem(struct dk_profile *profile, const uint8_t *der, size_t len)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----\n";
	static const char end[] = "-----END CERTIFICATE-----\n";
	char b64[DK_BASE64_CHARS(8192) + 1];
	struct dk_writer_buf wr;
	size_t chars;
	dk_err err;

	if (len == 0 || len > 8192)
		return DK_ERR_SERVICE_REPLY;
	err = dk_base64_encode(der, len, b64, sizeof(b64));
	if (err != DK_OK)
		return err;
	chars = strlen(b64);
	dk_wr_init(&wr, profile->ca_pem, sizeof(profile->ca_pem));
	dk_wr_bytes(&wr, begin, strlen(begin));
	for (size_t at = 0; at < chars; at += 64) {
		dk_wr_bytes(&wr, b64 + at, chars - at < 64 ? chars - at : 64);
		dk_wr_u8(&wr, '\n');
	}
	dk_wr_bytes(&wr, end, strlen(end));
	profile->ca_pem_len = wr.len;
	return wr.failed ? DK_ERR_SERVICE_REPLY : DK_OK;
}

/* ---- device key: u16 SPKI length, SPKI, scalar ---- */

static dk_err
save_device(const struct dk_profile *profile)
{
	uint8_t file[256], scalar[DK_PKEY_PRIVATE_MAX_BYTES];
	size_t len = sizeof(scalar), spki_len;
	const uint8_t *spki = dk_pkey_spki(profile->device, &spki_len);
	struct dk_writer_buf wr;
	dk_err err;

	err = dk_pkey_private_bytes(profile->device, scalar, &len);
	dk_wr_init(&wr, file, sizeof(file));
	dk_wr_u16(&wr, (uint16_t)spki_len);
	dk_wr_bytes(&wr, spki, spki_len);
	dk_wr_bytes(&wr, scalar, err == DK_OK ? len : 0);
	if (err == DK_OK)
		err = wr.failed ? DK_ERR_ARGUMENT
				: dk_profile_write(profile, "device.key", file, wr.len);
	dk_wipe(scalar, sizeof(scalar));
	dk_wipe(file, sizeof(file));
	return err;
}

static dk_err
load_device(struct dk_profile *profile)
{
	struct dk_reader_buf rd;
	const uint8_t *spki, *scalar;
	size_t len, spki_len, scalar_len;
	uint8_t *file;
	dk_err err;

	err = dk_profile_read(profile, "device.key", &file, &len);
	if (err != DK_OK)
		return err;
	dk_rd_init(&rd, file, len);
	spki_len = dk_rd_u16(&rd);
	spki = dk_rd_bytes(&rd, spki_len);
	scalar_len = dk_rd_left(&rd);
	scalar = dk_rd_bytes(&rd, scalar_len);
	err = rd.failed ||
		dk_pkey_from_private(
		    DK_KEY_P256, spki, spki_len, scalar, scalar_len, &profile->device) != DK_OK
	    ? DK_ERR_SERVICE_PROFILE
	    : DK_OK;
	dk_wipe(file, len);
	free(file);
	return err;
}

/* ---- all of it ---- */

static dk_err
load_service(struct dk_profile *profile)
{
	uint8_t *file;
	size_t len;
	dk_err err;

	err = dk_profile_read(profile, "service", &file, &len);
	if (err != DK_OK)
		return err;
	err = dk_service_data_parse(file, len, &profile->service);
	free(file);
	return err == DK_OK ? DK_OK : DK_ERR_SERVICE_PROFILE;
}

static dk_err
load_small(
    const struct dk_profile *profile, const char *name, void *out, size_t cap, size_t *ret_len)
{
	uint8_t *file;
	dk_err err;

	err = dk_profile_read(profile, name, &file, ret_len);
	if (err != DK_OK)
		return err;
	if (*ret_len > cap)
		err = DK_ERR_SERVICE_PROFILE;
	else
		memcpy(out, file, *ret_len);
	free(file);
	return err;
}

dk_err
dk_profile_load(const char *base_url, struct dk_profile *ret_profile)
{
	struct dk_profile *p = ret_profile;
	size_t len;
	dk_err err;

	*p = (struct dk_profile){ .device = NULL };
	if (!set_dir(p, base_url))
		return DK_ERR_SERVICE_NOT_ENROLLED;
	err = load_service(p);
	if (err != DK_OK)
		return err;
	if (strcmp(p->service.base_url, base_url) != 0)
		return DK_ERR_SERVICE_PROFILE;
	err = load_small(p, "user", p->user, DK_USER_MAX_BYTES, &len);
	if (err == DK_OK)
		err = load_small(p, "ca.pem", p->ca_pem, sizeof(p->ca_pem), &p->ca_pem_len);
	return err == DK_OK ? load_device(p) : err;
}

static bool
make_dirs(const struct dk_profile *profile)
{
	char path[DK_PROFILE_PATH_BYTES];

	if (!dk_profile_path(profile, "keys/", path))
		return false;
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0700) != 0 && errno != EEXIST)
			return false;
		*p = '/';
	}
	return true;
}

/* The service data last: a profile without it does not count. */
dk_err
dk_profile_save(struct dk_profile *profile)
{
	uint8_t data[DK_SERVICE_DATA_MAX_BYTES];
	struct dk_writer_buf wr;
	dk_err err;

	if (!set_dir(profile, profile->service.base_url) || !make_dirs(profile))
		return DK_ERR_WRITE;
	dk_wr_init(&wr, data, sizeof(data));
	dk_service_data_write(&wr, &profile->service);
	err = save_device(profile);
	if (err == DK_OK)
		err = dk_profile_write(profile, "user", profile->user, strlen(profile->user));
	if (err == DK_OK)
		err = dk_profile_write(profile, "ca.pem", profile->ca_pem, profile->ca_pem_len);
	return err == DK_OK ? dk_profile_write(profile, "service", data, wr.len) : err;
}
