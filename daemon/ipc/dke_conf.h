/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of the front end of spec/profiles/ms-dke.md (its section 2.1), which the parent
 * reads; httpd goes by them, and authd and keyd know from them where its pages are. Layout:
 * spec/ipc.md section 3.
 */
#ifndef DK_IPC_DKE_CONF_H
#define DK_IPC_DKE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IPC_DKE_URL_MAX_BYTES 255
#define IPC_DKE_FRONTS_MAX 16
#define IPC_DKE_CACHE_MAX_HOURS 720
#define IPC_DKE_SESSION_MAX_HOURS 24
/* With a name of a user and an '@' it is a person of at most 254 bytes. */
#define IPC_DKE_DOMAIN_MAX_BYTES 189
#define IPC_DKE_CONF_MAX_BYTES                                                                     \
	(3 * (1 + IPC_DKE_URL_MAX_BYTES) + 4 + 1 + 1 + IPC_DKE_DOMAIN_MAX_BYTES + 1 +              \
	    IPC_DKE_FRONTS_MAX * 32 + 1)

struct ipc_dke_conf {
	char base_url[IPC_DKE_URL_MAX_BYTES + 1];
	char audience[IPC_DKE_URL_MAX_BYTES + 1];
	char authorization[IPC_DKE_URL_MAX_BYTES + 1];
	uint32_t cache_hours;   /* 0: clients ask each time */
	unsigned session_hours; /* 1 to IPC_DKE_SESSION_MAX_HOURS */
	/* behind names of users without one; empty: they are persons as they are */
	char domain[IPC_DKE_DOMAIN_MAX_BYTES + 1];
	unsigned front_count;
	uint8_t front[IPC_DKE_FRONTS_MAX][32]; /* SHA-256 of their certificates */
	uint8_t registration;                  /* enum ipc_dke_registration */
};

/* From when on an authenticator counts that was registered with a code. */
enum ipc_dke_registration {
	IPC_DKE_REGISTRATION_CODE = 1,     /* at once */
	IPC_DKE_REGISTRATION_ACCEPTED = 2, /* when somebody who administrates accepted it */
};

/* "https://HOST" or "https://HOST:PORT" in lower case, nothing behind it. */
bool ipc_dke_base_url_valid(const char *url);
/* Of a host, in lower case. */
bool ipc_dke_domain_valid(const char *domain);
/* Whether this user is that person: by the same name, or with the domain behind it where it has
 * none. domain: empty: there is none. */
bool ipc_dke_is_person(const char *domain, const char *user, const char *person);
/* What may stand in the challenge, section 3.3 of the profile. */
bool ipc_dke_url_valid(const char *url);
/* The host of a URL that is valid: where it begins; ret_len is its length. */
const char *ipc_dke_host(const char *url, size_t *ret_len);

/* ret has IPC_DKE_CONF_MAX_BYTES; returns the length. */
size_t ipc_dke_conf_write(const struct ipc_dke_conf *conf, uint8_t *ret);
/* From the start of an open file, which is closed then; empty: base_url is, too. False: as
 * below, or it cannot be read. */
bool ipc_dke_conf_take(int fd, struct ipc_dke_conf *ret);
/* False: not the layout, or a value that the parent would not have taken. */
bool ipc_dke_conf_read(const uint8_t *data, size_t len, struct ipc_dke_conf *ret);

#endif
