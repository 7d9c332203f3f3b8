/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provider/aws.h"

/* Before they end, credentials are found anew. */
#define EARLY_S 300

static bool
copy(char *to, size_t cap, const char *from)
{
	size_t len = strlen(from);

	if (len >= cap)
		return false;
	for (size_t i = 0; i < len; i++)
		if (from[i] < 0x21 || from[i] > 0x7e)
			return false;
	memcpy(to, from, len + 1);
	return true;
}

bool
aws_credentials_set(
    struct aws_credentials *ret, const char *id, const char *secret, const char *token)
{
	ret->expires = 0;
	return id && secret && id[0] && secret[0] && copy(ret->id, sizeof(ret->id), id) &&
	    copy(ret->secret, sizeof(ret->secret), secret) &&
	    copy(ret->token, sizeof(ret->token), token ? token : "") && !strchr(id, ':');
}

bool
aws_time(const char *text, time_t *ret)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	if (!rest)
		return false;
	/* A fraction of a second may follow, and the zone is always UTC. */
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (strcmp(rest, "Z") != 0 && strcmp(rest, "+00:00") != 0)
		return false;
	*ret = timegm(&tm);
	return true;
}

dk_err
aws_from_environment(struct aws_credentials *ret)
{
	return aws_credentials_set(ret, getenv("AWS_ACCESS_KEY_ID"),
		   getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN"))
	    ? DK_OK
	    : DK_ERR_PROVIDER_CREDENTIALS;
}

dk_err
aws_credentials_find(struct provider_key *key, struct aws_credentials *ret)
{
	const char *role = getenv("AWS_ROLE_ARN"), *file = getenv("AWS_WEB_IDENTITY_TOKEN_FILE");
	const char *id = getenv("AWS_ACCESS_KEY_ID");
	dk_err err;

	/* What is there and damaged is not passed over for what comes behind it. */
	if (id && id[0])
		return aws_from_environment(ret);
	if (role && role[0] && file && file[0])
		return aws_from_web_identity(key, role, file, getenv("AWS_ROLE_SESSION_NAME"), ret);
	err = aws_from_profile(key, ret);
	if (err != DK_ERR_PROVIDER_CREDENTIALS || getenv("AWS_PROFILE"))
		return err;
	return aws_from_metadata(key, ret);
}

/* A copy, so that others can have new ones meanwhile. */
static dk_err
credentials(struct provider_key *key, struct aws_credentials *ret)
{
	struct aws *aws = key->state;
	dk_err err = DK_OK;

	(void)pthread_mutex_lock(&aws->lock);
	if (!aws->has_credentials ||
	    (aws->credentials.expires != 0 && aws->credentials.expires < time(NULL) + EARLY_S)) {
		err = aws_credentials_find(key, &aws->credentials);
		aws->has_credentials = err == DK_OK;
	}
	if (err == DK_OK)
		*ret = aws->credentials;
	(void)pthread_mutex_unlock(&aws->lock);
	return err;
}

dk_err
aws_call(struct provider_key *key, const struct net_request *request, net_judge judge,
    struct net_answer *ret)
{
	struct aws_credentials found = { .expires = 0 };
	char user[AWS_ID_MAX_BYTES + AWS_SECRET_MAX_BYTES + 2];
	char token[AWS_TOKEN_MAX_BYTES + 32];
	struct net_request signed_one = *request;
	unsigned n = 0;
	dk_err err = credentials(key, &found);

	if (err != DK_OK)
		return err;
	(void)snprintf(user, sizeof(user), "%s:%s", found.id, found.secret);
	signed_one.user = user;
	while (signed_one.header[n])
		n++;
	(void)snprintf(token, sizeof(token), "X-Amz-Security-Token: %s", found.token);
	if (found.token[0])
		signed_one.header[n] = token;
	err = net_call(key, &signed_one, judge, ret);
	dk_wipe(user, sizeof(user));
	dk_wipe(token, sizeof(token));
	dk_wipe(&found, sizeof(found));
	return err;
}
