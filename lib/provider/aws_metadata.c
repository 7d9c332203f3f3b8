/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials of the machine or container that this runs on: IMDSv2, and the agent of ECS. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provider/aws.h"

#define MACHINE "http://169.254.169.254"
#define CONTAINER "http://169.254.170.2"
#define ROLES "/latest/meta-data/iam/security-credentials/"

static dk_err
judge(struct net_answer *answer)
{
	return answer->status == 200 ? DK_OK : DK_ERR_PROVIDER_CREDENTIALS;
}

static dk_err
get(struct provider_key *key, const char *method, const char *base, const char *path,
    const char *header, struct net_answer *ret)
{
	char url[512];
	int n = snprintf(url, sizeof(url), "%s%s", base, path);
	const struct net_request request = {
		.url = url, .method = method, .raw = true, .metadata = true, .header = { header }
	};

	if (n < 0 || (size_t)n >= sizeof(url))
		return DK_ERR_PROVIDER_CREDENTIALS;
	return net_call(key, &request, judge, ret);
}

static dk_err
understand(const char *text, struct aws_credentials *ret)
{
	json_t *json = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
	const char *expires = net_text(json, "Expiration");
	bool ok = aws_credentials_set(ret, net_text(json, "AccessKeyId"),
		      net_text(json, "SecretAccessKey"), net_text(json, "Token")) &&
	    expires && aws_time(expires, &ret->expires);

	json_decref(json);
	return ok ? DK_OK : DK_ERR_PROVIDER_CREDENTIALS;
}

static dk_err
from_container(struct provider_key *key, const char *path, struct aws_credentials *ret)
{
	auto_net_answer answer = { .json = NULL };
	dk_err err = get(key, "GET", CONTAINER, path, NULL, &answer);

	return err == DK_OK ? understand(answer.text, ret) : err;
}

/* First line of an answer; false: not one that can stand in a path or header. */
static bool
plain(char *text)
{
	if (!text)
		return false;
	text[strcspn(text, "\r\n")] = '\0';
	for (const char *c = text; *c; c++)
		if (*c < 0x21 || *c > 0x7e)
			return false;
	return text[0] != '\0' && strlen(text) < 256;
}

static dk_err
from_machine(struct provider_key *key, const char *base, struct aws_credentials *ret)
{
	auto_net_answer token = { .json = NULL }, role = { .json = NULL };
	auto_net_answer answer = { .json = NULL };
	char header[320], path[320];
	dk_err err;

	err = get(key, "PUT", base, "/latest/api/token",
	    "X-aws-ec2-metadata-token-ttl-seconds: 21600", &token);
	if (err != DK_OK)
		return err;
	if (!plain(token.text))
		return DK_ERR_PROVIDER_CREDENTIALS;
	(void)snprintf(header, sizeof(header), "X-aws-ec2-metadata-token: %.255s", token.text);
	err = get(key, "GET", base, ROLES, header, &role);
	if (err == DK_OK && !plain(role.text))
		err = DK_ERR_PROVIDER_CREDENTIALS;
	if (err == DK_OK) {
		(void)snprintf(path, sizeof(path), ROLES "%.255s", role.text);
		err = get(key, "GET", base, path, header, &answer);
	}
	dk_wipe(header, sizeof(header));
	return err == DK_OK ? understand(answer.text, ret) : err;
}

dk_err
aws_from_metadata(struct provider_key *key, struct aws_credentials *ret)
{
	const char *container = getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *base = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	const char *off = getenv("AWS_EC2_METADATA_DISABLED");
	dk_err err;

	if (container && container[0] == '/')
		return from_container(key, container, ret);
	if (off && strcmp(off, "true") == 0)
		return DK_ERR_PROVIDER_CREDENTIALS;
	err = from_machine(key, base && base[0] ? base : MACHINE, ret);
	/* Not on such a machine: that there are no credentials is what counts. */
	return err == DK_ERR_PROVIDER_UNREACHABLE ? DK_ERR_PROVIDER_CREDENTIALS : err;
}
