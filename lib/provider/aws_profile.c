/* SPDX-License-Identifier: Apache-2.0 */
/* The shared files of AWS's tools: ~/.aws/credentials and ~/.aws/config. */
#include <ini_configobj.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provider/aws.h"

#define VALUE_MAX_BYTES 4096
#define FILE_MAX_BYTES (1 << 20)

/* What one profile says; secret. */
struct profile {
	char id[AWS_ID_MAX_BYTES + 1];
	char secret[AWS_SECRET_MAX_BYTES + 1];
	char token[AWS_TOKEN_MAX_BYTES + 1];
	char process[VALUE_MAX_BYTES];
	char role[256];
	char role_file[VALUE_MAX_BYTES];
	char session[128];
	char region[64];
};

/* false: a value that is too long. One that is not there leaves what was. */
static bool
take_value(struct ini_cfgobj *ini, const char *section, const char *name, char *to, size_t cap)
{
	struct value_obj *value = NULL;
	const char *text;
	int failed = 0, n;

	if (ini_get_config_valueobj(section, name, ini, INI_GET_FIRST_VALUE, &value) != 0 || !value)
		return true;
	text = ini_get_const_string_config_value(value, &failed);
	if (failed || !text)
		return true;
	n = snprintf(to, cap, "%s", text);
	return n >= 0 && (size_t)n < cap;
}

static bool
take_profile(struct ini_cfgobj *ini, const char *section, struct profile *profile)
{
	const struct {
		const char *name;
		char *to;
		size_t cap;
	} places[] = {
		{ "aws_access_key_id", profile->id, sizeof(profile->id) },
		{ "aws_secret_access_key", profile->secret, sizeof(profile->secret) },
		{ "aws_session_token", profile->token, sizeof(profile->token) },
		{ "credential_process", profile->process, sizeof(profile->process) },
		{ "role_arn", profile->role, sizeof(profile->role) },
		{ "web_identity_token_file", profile->role_file, sizeof(profile->role_file) },
		{ "role_session_name", profile->session, sizeof(profile->session) },
		{ "region", profile->region, sizeof(profile->region) },
	};
	bool ok = true;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		ok = take_value(ini, section, places[i].name, places[i].to, places[i].cap) && ok;
	return ok;
}

/* What stands in no form is left to whoever writes the file with AWS's tools. */
static bool
parse(char *text, size_t len, const char *section, struct profile *profile)
{
	struct ini_cfgobj *ini = NULL;
	struct ini_cfgfile *file = NULL;
	bool ok;

	ok = ini_config_create(&ini) == 0 &&
	    ini_config_file_from_mem(text, (uint32_t)len, &file) == 0 &&
	    ini_config_parse(file, INI_STOP_ON_NONE, INI_MV1S_OVERWRITE | INI_MV2S_OVERWRITE,
		INI_PARSE_NO_C_COMMENTS | INI_PARSE_IGNORE_NON_KVP, ini) == 0 &&
	    take_profile(ini, section, profile);
	ini_config_file_destroy(file);
	ini_config_destroy(ini);
	return ok;
}

/* The file that a variable names, or the one below the home directory; none is no error. */
static FILE *
open_file(const char *variable, const char *below_home)
{
	const char *named = getenv(variable), *home = getenv("HOME");
	char path[4096];
	int n = -1;

	if (named && named[0])
		n = snprintf(path, sizeof(path), "%s", named);
	else if (home)
		n = snprintf(path, sizeof(path), "%s/%s", home, below_home);
	return n > 0 && (size_t)n < sizeof(path) ? fopen(path, "re") : NULL;
}

static bool
read_file(
    const char *variable, const char *below_home, const char *section, struct profile *profile)
{
	FILE *f = open_file(variable, below_home);
	char *text;
	size_t len;
	bool ok;

	if (!f)
		return true;
	text = malloc(FILE_MAX_BYTES + 1);
	len = text ? fread(text, 1, FILE_MAX_BYTES + 1, f) : 0;
	ok = text && !ferror(f) && len <= FILE_MAX_BYTES && !memchr(text, '\0', len) &&
	    (len == 0 || parse(text, len, section, profile));
	(void)fclose(f);
	if (text)
		dk_wipe(text, len);
	free(text);
	return ok;
}

static dk_err
use(struct provider_key *key, const struct profile *profile, struct aws_credentials *ret)
{
	if (profile->role[0] && profile->role_file[0])
		return aws_from_web_identity(key, profile->role, profile->role_file,
		    profile->session[0] ? profile->session : NULL, ret);
	if (profile->id[0])
		return aws_credentials_set(ret, profile->id, profile->secret, profile->token)
		    ? DK_OK
		    : DK_ERR_PROVIDER_CREDENTIALS;
	if (profile->process[0])
		return aws_from_process(key, profile->process, ret);
	if (profile->role[0])
		provider_note(key,
		    "a role that another profile takes is not supported here; "
		    "use credential_process");
	return DK_ERR_PROVIDER_CREDENTIALS;
}

/* The profile of AWS_PROFILE, or the default one; NULL: no memory, or *ret_bad. */
static struct profile *
profile_read(struct provider_key *key, bool *ret_bad)
{
	const char *name = getenv("AWS_PROFILE");
	struct profile *profile = calloc(1, sizeof(*profile));
	char section[160];

	*ret_bad = false;
	if (!profile)
		return NULL;
	name = name && name[0] ? name : "default";
	(void)snprintf(
	    section, sizeof(section), "%s%s", strcmp(name, "default") == 0 ? "" : "profile ", name);
	if (read_file("AWS_CONFIG_FILE", ".aws/config", section, profile) &&
	    read_file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", name, profile))
		return profile;
	provider_note(key, "a file of AWS profiles cannot be used");
	dk_wipe(profile, sizeof(*profile));
	free(profile);
	*ret_bad = true;
	return NULL;
}

dk_err
aws_from_profile(struct provider_key *key, struct aws_credentials *ret)
{
	bool bad;
	struct profile *profile = profile_read(key, &bad);
	dk_err err;

	if (!profile)
		return bad ? DK_ERR_PROVIDER_CREDENTIALS : DK_ERR_NOMEM;
	err = use(key, profile, ret);
	dk_wipe(profile, sizeof(*profile));
	free(profile);
	return err;
}

bool
aws_profile_region(struct provider_key *key, char *ret, size_t cap)
{
	bool bad;
	struct profile *profile = profile_read(key, &bad);
	int n;

	if (!profile)
		return false;
	n = snprintf(ret, cap, "%s", profile->region);
	dk_wipe(profile, sizeof(*profile));
	free(profile);
	return n >= 0 && (size_t)n < cap;
}
