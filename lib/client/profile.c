/* SPDX-License-Identifier: Apache-2.0 */
#include "client/profile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crypto/base64.h"
#include "native/approval.h"

#define FILE_MAX_BYTES (DK_REQUEST_FILE_MAX_BYTES + 256)
#define REQUEST_LIFE_S (DK_APPROVED_AGE_MAX_S + 600)

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

static bool
file_path(const struct dk_profile *profile, const char *name, char ret[DK_PROFILE_PATH_BYTES])
{
	int n = snprintf(ret, DK_PROFILE_PATH_BYTES, "%s/%s", profile->dir, name);

	return n > 0 && n < DK_PROFILE_PATH_BYTES;
}

static dk_err
read_file(const struct dk_profile *profile, const char *name, uint8_t **ret, size_t *ret_len)
{
	char path[DK_PROFILE_PATH_BYTES];
	struct stat st;
	uint8_t *data;
	ssize_t n;
	int fd;

	if (!file_path(profile, name, path))
		return DK_ERR_SERVICE_PROFILE;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? DK_ERR_SERVICE_NOT_ENROLLED : DK_ERR_READ;
	if (fstat(fd, &st) != 0 || st.st_size <= 0 || st.st_size > FILE_MAX_BYTES) {
		(void)close(fd);
		return DK_ERR_SERVICE_PROFILE;
	}
	data = malloc((size_t)st.st_size);
	n = data ? read(fd, data, (size_t)st.st_size) : -1;
	(void)close(fd);
	if (n != st.st_size) {
		free(data);
		return DK_ERR_READ;
	}
	*ret = data;
	*ret_len = (size_t)n;
	return DK_OK;
}

static dk_err
write_file(const struct dk_profile *profile, const char *name, const void *data, size_t len)
{
	char path[DK_PROFILE_PATH_BYTES], temp[DK_PROFILE_PATH_BYTES + 4];
	bool ok;
	int fd, n;

	if (!file_path(profile, name, path))
		return DK_ERR_WRITE;
	n = snprintf(temp, sizeof(temp), "%s.new", path);
	if (n < 0 || (size_t)n >= sizeof(temp))
		return DK_ERR_WRITE;
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return DK_ERR_WRITE;
	ok = write(fd, data, len) == (ssize_t)len && fsync(fd) == 0;
	ok = close(fd) == 0 && ok;
	return ok && rename(temp, path) == 0 ? DK_OK : DK_ERR_WRITE;
}

/* ---- what a request shows besides its signature ---- */

/* The environment names files only, never what is in them. */
static bool
shown_file(const struct dk_profile *profile, const char *variable, const char *name,
    char ret_path[DK_PROFILE_PATH_BYTES])
{
	const char *given = getenv(variable);
	int n;

	if (!given || given[0] == '\0')
		return file_path(profile, name, ret_path) && access(ret_path, F_OK) == 0;
	n = snprintf(ret_path, DK_PROFILE_PATH_BYTES, "%s", given);
	return n > 0 && n < DK_PROFILE_PATH_BYTES;
}

bool
dk_profile_client_pem(const struct dk_profile *profile, char ret_path[DK_PROFILE_PATH_BYTES])
{
	return shown_file(profile, "DOUBLEKEY_CLIENT_CERTIFICATE", "client.pem", ret_path);
}

void
dk_token_text_clear(struct dk_token_text *token)
{
	dk_wipe(token, sizeof(*token));
}

dk_err
dk_profile_token(const struct dk_profile *profile, struct dk_token_text *ret_token)
{
	char path[DK_PROFILE_PATH_BYTES];
	dk_auto_token_text token = { .len = 0 };
	ssize_t n;
	int fd;

	ret_token->len = 0;
	if (!shown_file(profile, "DOUBLEKEY_TOKEN_FILE", "token", path))
		return DK_OK;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return DK_ERR_READ;
	n = read(fd, token.text, sizeof(token.text));
	(void)close(fd);
	if (n < 0)
		return DK_ERR_READ;
	token.len = (size_t)n < sizeof(token.text) ? (size_t)n : DK_TOKEN_MAX_BYTES;
	token.text[token.len] = '\0';
	token.len = strcspn(token.text, "\r\n");
	token.text[token.len] = '\0';
	*ret_token = token;
	return token.len > 0 ? DK_OK : DK_ERR_SERVICE_TOKEN;
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
		err = wr.failed ? DK_ERR_ARGUMENT : write_file(profile, "device.key", file, wr.len);
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

	err = read_file(profile, "device.key", &file, &len);
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

	err = read_file(profile, "service", &file, &len);
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

	err = read_file(profile, name, &file, ret_len);
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

	if (!file_path(profile, "keys/", path))
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
		err = write_file(profile, "user", profile->user, strlen(profile->user));
	if (err == DK_OK)
		err = write_file(profile, "ca.pem", profile->ca_pem, profile->ca_pem_len);
	return err == DK_OK ? write_file(profile, "service", data, wr.len) : err;
}

/* ---- requests that wait ---- */

static bool
request_name(const uint8_t digest[32], char ret[80])
{
	char hex[65];
	int n;

	dk_hex(digest, 32, hex);
	n = snprintf(ret, 80, "requests/%s", hex);
	return n > 0 && n < 80;
}

static void
remove_old(const char *dir)
{
	DIR *stream = opendir(dir);
	const struct dirent *entry;
	struct stat st;

	while (stream && (entry = readdir(stream)))
		if (entry->d_name[0] != '.' && fstatat(dirfd(stream), entry->d_name, &st, 0) == 0 &&
		    S_ISREG(st.st_mode) && st.st_mtime + REQUEST_LIFE_S < time(NULL))
			(void)unlinkat(dirfd(stream), entry->d_name, 0);
	if (stream)
		(void)closedir(stream);
}

dk_err
dk_profile_request_save(
    const struct dk_profile *profile, const uint8_t digest[32], const uint8_t *bytes, size_t len)
{
	char name[80], dir[DK_PROFILE_PATH_BYTES];

	if (!request_name(digest, name) || !file_path(profile, "requests", dir) ||
	    (mkdir(dir, 0700) != 0 && errno != EEXIST))
		return DK_ERR_WRITE;
	remove_old(dir);
	return write_file(profile, name, bytes, len);
}

dk_err
dk_profile_request_load(const struct dk_profile *profile, const uint8_t digest[32],
    uint8_t **ret_bytes, size_t *ret_len)
{
	char name[80];

	return request_name(digest, name) ? read_file(profile, name, ret_bytes, ret_len)
					  : DK_ERR_ARGUMENT;
}

void
dk_profile_request_remove(const struct dk_profile *profile, const uint8_t digest[32])
{
	char name[80], path[DK_PROFILE_PATH_BYTES];

	if (request_name(digest, name) && file_path(profile, name, path))
		(void)unlink(path);
}

static bool
key_file(const char *name, char ret[128])
{
	int n = snprintf(ret, 128, "keys/%s", name);

	return n > 0 && n < 128;
}

dk_err
dk_profile_key_load(
    const struct dk_profile *profile, const char *name, uint8_t **ret_body, size_t *ret_len)
{
	char file[128];

	return key_file(name, file) ? read_file(profile, file, ret_body, ret_len) : DK_ERR_ARGUMENT;
}

dk_err
dk_profile_key_save(
    const struct dk_profile *profile, const char *name, const uint8_t *body, size_t len)
{
	char file[128];

	return key_file(name, file) ? write_file(profile, file, body, len) : DK_ERR_ARGUMENT;
}

/* The file's time of change is kept for this: it proves nothing and decides
 * only when to ask. */
uint64_t
dk_profile_key_age(const struct dk_profile *profile, const char *name)
{
	char file[128], path[DK_PROFILE_PATH_BYTES];
	time_t now = time(NULL);
	struct stat st;

	if (!key_file(name, file) || !file_path(profile, file, path) || stat(path, &st) != 0 ||
	    st.st_mtime > now)
		return UINT64_MAX;
	return (uint64_t)(now - st.st_mtime);
}

void
dk_profile_key_age_set(const struct dk_profile *profile, const char *name, uint64_t age)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = time(NULL) - (time_t)age } };
	char file[128], path[DK_PROFILE_PATH_BYTES];

	if (key_file(name, file) && file_path(profile, file, path))
		(void)utimensat(AT_FDCWD, path, times, 0);
}
