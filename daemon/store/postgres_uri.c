/* SPDX-License-Identifier: Apache-2.0 */
/* What may stand in the URI: no secret, and nothing that weakens the connection. */
#include <arpa/inet.h>
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/postgres_impl.h"

#define PARAMS_MAX 64

struct store_uri {
	PQconninfoOption *option;
	const char *keyword[PARAMS_MAX];
	const char *value[PARAMS_MAX];
	unsigned count;
	const char *file[STORE_FILES_MAX];
	unsigned file_count;
};

/* What is set where the URI does not say it. */
static const char *const defaults[][2] = {
	{ "target_session_attrs", "read-write" },
	{ "connect_timeout", "2" },
	{ "tcp_user_timeout", "5000" },
	{ "keepalives_idle", "10" },
	{ "keepalives_interval", "2" },
	{ "keepalives_count", "3" },
	{ "gssencmode", "disable" },
	{ "passfile", "pgpass" },
};
/* Nothing of the environment, of the home directory or of the URI changes these. */
static const char *const always[][2] = {
	{ "client_encoding", "UTF8" },
	{ "fallback_application_name", "doublekeyd" },
	{ "options", "" },
};
static const char *const refused[] = { "password", "sslpassword", "service", "replication",
	"options", "client_encoding", "sslkeylogfile", "oauth_client_secret" };
static const char *const files[STORE_FILES_MAX] = { "sslrootcert", "sslcert", "sslkey",
	"passfile" };

__attribute__((format(printf, 2, 3))) static bool
refuse(char *fault, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(fault, STORE_FAULT_BYTES, format, args);
	va_end(args);
	return false;
}

static const char *
given(const struct store_uri *uri, const char *keyword)
{
	for (const PQconninfoOption *o = uri->option; o->keyword; o++)
		if (strcmp(o->keyword, keyword) == 0 && o->val && o->val[0] != '\0')
			return o->val;
	return NULL;
}

static bool
is_known(const struct store_uri *uri, const char *keyword)
{
	for (const PQconninfoOption *o = uri->option; o->keyword; o++)
		if (strcmp(o->keyword, keyword) == 0)
			return true;
	return false;
}

static void
add(struct store_uri *uri, const char *keyword, const char *value)
{
	if (uri->count + 1 >= PARAMS_MAX)
		return;
	uri->keyword[uri->count] = keyword;
	uri->value[uri->count++] = value;
}

static bool
is_here(const char *host, size_t len)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr six;
	struct in_addr four;

	if (len == 0)
		return false;
	if (host[0] == '/' || host[0] == '@') /* a socket of this machine */
		return true;
	if (len >= sizeof(text))
		return false;
	memcpy(text, host, len);
	text[len] = '\0';
	if (inet_pton(AF_INET, text, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, text, &six) == 1)
		return IN6_IS_ADDR_LOOPBACK(&six);
	return strcmp(text, "localhost") == 0;
}

/* Of a list of hosts, all. */
static bool
all_here(const char *hosts)
{
	while (hosts) {
		const char *comma = strchr(hosts, ',');

		if (!is_here(hosts, comma ? (size_t)(comma - hosts) : strlen(hosts)))
			return false;
		hosts = comma ? comma + 1 : NULL;
	}
	return true;
}

/* Where the wire is somebody else's, the server has to prove who it is. */
static bool
check_tls(struct store_uri *uri, char *fault)
{
	const char *host = given(uri, "hostaddr"), *mode = given(uri, "sslmode");

	if (!host)
		host = given(uri, "host");
	if (!host)
		return refuse(fault, "store: the URI has no %s", "host");
	if (all_here(host)) {
		/* Whoever has the port while the server is away asks for it. From libpq 16 on. */
		if (is_known(uri, "require_auth") && !given(uri, "require_auth"))
			add(uri, "require_auth", "!password");
		return true;
	}
	if (mode && strcmp(mode, "verify-full") != 0)
		return refuse(
		    fault, "store-insecure: to another machine, sslmode is %s", "verify-full");
	if (!given(uri, "sslrootcert"))
		return refuse(fault, "store-insecure: the URI has no %s", "sslrootcert");
	if (!mode)
		add(uri, "sslmode", "verify-full");
	return true;
}

static bool
check(struct store_uri *uri, char *fault)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (given(uri, refused[i]))
			return refuse(fault, "store: %s must not be in the URI", refused[i]);
	if (!given(uri, "user"))
		return refuse(fault, "store: the URI has no %s", "user");
	if (!given(uri, "dbname"))
		return refuse(fault, "store: the URI has no %s", "database");
	return check_tls(uri, fault);
}

static void
take(struct store_uri *uri)
{
	const char *value;

	for (const PQconninfoOption *o = uri->option; o->keyword; o++)
		if (o->val && o->val[0] != '\0')
			add(uri, o->keyword, o->val);
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		if (!given(uri, defaults[i][0]))
			add(uri, defaults[i][0], defaults[i][1]);
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		add(uri, always[i][0], always[i][1]);
	for (unsigned i = 0; i < STORE_FILES_MAX; i++) {
		value = given(uri, files[i]);
		if (value && strcmp(value, "system") != 0)
			uri->file[uri->file_count++] = value;
	}
}

bool
store_uri_parse(const char *text, struct store_uri **ret, char *fault)
{
	struct store_uri *uri = calloc(1, sizeof(*uri));

	if (!uri)
		return refuse(fault, "%s", "no memory");
	/* What libpq says of a URI has the URI in it. */
	if (strncmp(text, "postgresql://", strlen("postgresql://")) != 0 ||
	    !(uri->option = PQconninfoParse(text, NULL))) {
		free(uri);
		return refuse(fault, "store: this is no URI of the form %s",
		    "postgresql://USER@HOST:PORT/DATABASE");
	}
	if (!check(uri, fault)) {
		store_uri_free(uri);
		return false;
	}
	take(uri);
	*ret = uri;
	return true;
}

void
store_uri_free(struct store_uri *uri)
{
	if (!uri)
		return;
	PQconninfoFree(uri->option);
	free(uri);
}

unsigned
store_uri_files(const struct store_uri *uri, const char *ret_file[STORE_FILES_MAX])
{
	memcpy(ret_file, uri->file, sizeof(uri->file));
	return uri->file_count;
}

void
store_uri_params(
    const struct store_uri *uri, const char *const **ret_keyword, const char *const **ret_value)
{
	*ret_keyword = uri->keyword;
	*ret_value = uri->value;
}
