/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials of the machine or container that this runs on: IMDSv2, the agents of ECS and EKS. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provider/aws.h"
#include "provider/bearer.h"

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

/* With TLS anywhere; without it on this machine and at the agents of ECS and EKS. */
static bool
is_agent(const char *url)
{
	static const char *const hosts[] = { "127.0.0.1", "[::1]", "169.254.170.2",
		"169.254.170.23", "[fd00:ec2::23]" };
	const char *at = url + strlen("http://");
	size_t len;

	if (strncmp(url, "https://", 8) == 0)
		return true;
	for (size_t i = 0; strncmp(url, "http://", 7) == 0 && i < sizeof(hosts) / sizeof(hosts[0]);
	     i++) {
		len = strlen(hosts[i]);
		if (strncmp(at, hosts[i], len) != 0)
			continue;
		if (at[len] == ':')
			len += 1 + strspn(at + len + 1, "0123456789");
		if (at[len] == '/')
			return true;
	}
	return false;
}

/* "Authorization: ..." of the file or variable, or empty; false: not one line that fits. */
static bool
authorization(char header[AWS_TOKEN_MAX_BYTES])
{
	const char *path = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *token = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	char *text = path && path[0] ? bearer_file(path) : NULL;
	int n = 0;
	bool ok = text || !path || !path[0];

	header[0] = '\0';
	if (text)
		token = text;
	if (ok && token && token[0])
		n = snprintf(header, AWS_TOKEN_MAX_BYTES, "Authorization: %s", token);
	bearer_form_free(text);
	for (const char *c = header; *c; c++)
		ok = ok && *c >= 0x20 && *c <= 0x7e;
	return ok && n >= 0 && n < AWS_TOKEN_MAX_BYTES;
}

static dk_err
from_container(
    struct provider_key *key, const char *base, const char *path, struct aws_credentials *ret)
{
	auto_net_answer answer = { .json = NULL };
	char header[AWS_TOKEN_MAX_BYTES];
	dk_err err = DK_ERR_PROVIDER_CREDENTIALS;

	if (authorization(header))
		err = get(key, "GET", base, path, header[0] ? header : NULL, &answer);
	else
		provider_note(key, "the authorization token of the container cannot be used");
	dk_wipe(header, sizeof(header));
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
	const char *full = getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	const char *base = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	const char *off = getenv("AWS_EC2_METADATA_DISABLED");
	dk_err err;

	if (container && container[0] == '/')
		return from_container(key, CONTAINER, container, ret);
	if (full && full[0] && !is_agent(full))
		provider_note(key, "AWS_CONTAINER_CREDENTIALS_FULL_URI leads to no agent");
	if (full && full[0])
		return is_agent(full) ? from_container(key, full, "", ret)
				      : DK_ERR_PROVIDER_CREDENTIALS;
	if (off && strcmp(off, "true") == 0)
		return DK_ERR_PROVIDER_CREDENTIALS;
	err = from_machine(key, base && base[0] ? base : MACHINE, ret);
	/* Not on such a machine: that there are no credentials is what counts. */
	return err == DK_ERR_PROVIDER_UNREACHABLE ? DK_ERR_PROVIDER_CREDENTIALS : err;
}
