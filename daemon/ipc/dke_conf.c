/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/dke_conf.h"

#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/port.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz0123456789"

static const char scheme[] = "https://";

static bool
has_scheme(const char *url)
{
	return strlen(url) <= IPC_DKE_URL_MAX_BYTES && strncmp(url, scheme, strlen(scheme)) == 0;
}

const char *
ipc_dke_host(const char *url, size_t *ret_len)
{
	const char *host = url + strlen(scheme);

	*ret_len = strcspn(host, ":/");
	return host;
}

bool
ipc_dke_base_url_valid(const char *url)
{
	const char *host, *end;
	size_t len;

	if (!has_scheme(url))
		return false;
	host = ipc_dke_host(url, &len);
	end = host + len;
	return len > 0 && strspn(host, LOWER "-.") == len &&
	    (*end == '\0' || (*end == ':' && dk_port_valid(end + 1)));
}

bool
ipc_dke_is_person(const char *domain, const char *user, const char *person)
{
	size_t len = strlen(user);

	if (strncmp(user, person, len) != 0)
		return false;
	return person[len] == '\0' ||
	    (domain[0] != '\0' && !strchr(user, '@') && person[len] == '@' &&
		strcmp(person + len + 1, domain) == 0);
}

bool
ipc_dke_domain_valid(const char *domain)
{
	size_t len = strlen(domain);

	return len >= 1 && len <= IPC_DKE_DOMAIN_MAX_BYTES && strspn(domain, LOWER "-.") == len &&
	    domain[0] != '.' && domain[len - 1] != '.' && !strstr(domain, "..");
}

bool
ipc_dke_url_valid(const char *url)
{
	size_t len;

	if (!has_scheme(url))
		return false;
	(void)ipc_dke_host(url, &len);
	return len > 0 && url[strspn(url, LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ-._~:/")] == '\0';
}

static void
put_text(struct dk_writer_buf *wr, const char *text)
{
	dk_wr_u8(wr, (uint8_t)strlen(text));
	dk_wr_bytes(wr, text, strlen(text));
}

size_t
ipc_dke_conf_write(const struct ipc_dke_conf *conf, uint8_t *ret)
{
	struct dk_writer_buf wr;

	dk_wr_init(&wr, ret, IPC_DKE_CONF_MAX_BYTES);
	put_text(&wr, conf->base_url);
	put_text(&wr, conf->audience);
	put_text(&wr, conf->authorization);
	dk_wr_u32(&wr, conf->cache_hours);
	dk_wr_u8(&wr, (uint8_t)conf->session_hours);
	put_text(&wr, conf->domain);
	dk_wr_u8(&wr, (uint8_t)conf->front_count);
	dk_wr_bytes(&wr, conf->front, conf->front_count * sizeof(conf->front[0]));
	dk_wr_u8(&wr, conf->registration);
	return wr.len;
}

static bool
read_text(struct dk_reader_buf *rd, size_t max, char *ret)
{
	size_t len = dk_rd_u8(rd);
	const uint8_t *text = dk_rd_bytes(rd, len);

	if (!text || len > max || memchr(text, '\0', len))
		return false;
	memcpy(ret, text, len);
	ret[len] = '\0';
	return true;
}

bool
ipc_dke_conf_read(const uint8_t *data, size_t len, struct ipc_dke_conf *ret)
{
	struct dk_reader_buf rd;
	const uint8_t *fronts;

	dk_rd_init(&rd, data, len);
	if (!read_text(&rd, IPC_DKE_URL_MAX_BYTES, ret->base_url) ||
	    !read_text(&rd, IPC_DKE_URL_MAX_BYTES, ret->audience) ||
	    !read_text(&rd, IPC_DKE_URL_MAX_BYTES, ret->authorization))
		return false;
	ret->cache_hours = dk_rd_u32(&rd);
	ret->session_hours = dk_rd_u8(&rd);
	if (!read_text(&rd, IPC_DKE_DOMAIN_MAX_BYTES, ret->domain))
		return false;
	ret->front_count = dk_rd_u8(&rd);
	if (rd.failed || ret->front_count > IPC_DKE_FRONTS_MAX)
		return false;
	fronts = dk_rd_bytes(&rd, ret->front_count * sizeof(ret->front[0]));
	ret->registration = dk_rd_u8(&rd);
	if (!fronts || rd.failed || dk_rd_left(&rd) > 0 ||
	    (ret->registration != IPC_DKE_REGISTRATION_CODE &&
		ret->registration != IPC_DKE_REGISTRATION_ACCEPTED))
		return false;
	memcpy(ret->front, fronts, ret->front_count * sizeof(ret->front[0]));
	return ipc_dke_base_url_valid(ret->base_url) && ipc_dke_url_valid(ret->audience) &&
	    ipc_dke_url_valid(ret->authorization) && ret->session_hours >= 1 &&
	    ret->session_hours <= IPC_DKE_SESSION_MAX_HOURS &&
	    (ret->domain[0] == '\0' || ipc_dke_domain_valid(ret->domain)) &&
	    ret->cache_hours <= IPC_DKE_CACHE_MAX_HOURS;
}

bool
ipc_dke_conf_take(int fd, struct ipc_dke_conf *ret)
{
	uint8_t bytes[IPC_DKE_CONF_MAX_BYTES];
	size_t len = 0;
	ssize_t n = 0;

	/* The open file is that of other processes too. */
	while (len < sizeof(bytes) &&
	    (n = pread(fd, bytes + len, sizeof(bytes) - len, (off_t)len)) > 0)
		len += (size_t)n;
	(void)close(fd);
	*ret = (struct ipc_dke_conf){ .cache_hours = 0 };
	return n >= 0 && (len == 0 || ipc_dke_conf_read(bytes, len, ret));
}
