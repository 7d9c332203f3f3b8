/* SPDX-License-Identifier: Apache-2.0 */
/* Where a service of AWS is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provider/aws.h"

/* NULL if it is not set, or empty. */
static const char *
variable(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

/* AWS's own tools take AWS_ENDPOINT_URL_SERVICE and AWS_ENDPOINT_URL, too. */
const char *
aws_endpoint(const char *service, const char *configured)
{
	const char *from = configured && configured[0] ? configured : NULL;

	if (!from && strcmp(service, "kms") == 0)
		from = variable("AWS_ENDPOINT_URL_KMS");
	if (!from && strcmp(service, "s3") == 0)
		from = variable("AWS_ENDPOINT_URL_S3");
	if (!from && strcmp(service, "sts") == 0)
		from = variable("AWS_ENDPOINT_URL_STS");
	return from ? from : variable("AWS_ENDPOINT_URL");
}

bool
aws_url(const struct aws *aws, const char *service, const char *configured, char *ret, size_t cap)
{
	static const char *const suffixes[][2] = { { "aws-cn", "amazonaws.com.cn" },
		{ "aws-eusc", "amazonaws.eu" }, { "aws-iso", "c2s.ic.gov" },
		{ "aws-iso-b", "sc2s.sgov.gov" } };
	const char *fips = getenv("AWS_USE_FIPS_ENDPOINT"), *suffix = "amazonaws.com";
	const char *from = aws_endpoint(service, configured);
	int n;

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (strcmp(suffixes[i][0], aws->partition) == 0)
			suffix = suffixes[i][1];
	if (from)
		n = snprintf(ret, cap, "%s%s", from, from[strlen(from) - 1] == '/' ? "" : "/");
	else
		n = snprintf(ret, cap, "https://%s%s.%s.%s/", service,
		    fips && strcmp(fips, "true") == 0 ? "-fips" : "", aws->region, suffix);
	return n > 0 && (size_t)n < cap;
}

static bool
set_region(struct aws *aws, const char *region)
{
	static const char *const partitions[][2] = { { "cn-", "aws-cn" },
		{ "us-gov-", "aws-us-gov" }, { "us-isob-", "aws-iso-b" }, { "us-iso-", "aws-iso" },
		{ "eusc-", "aws-eusc" }, { "", "aws" } };
	size_t len = strlen(region), i = 0;

	if (len == 0 || len >= sizeof(aws->region) ||
	    strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") < len)
		return false;
	while (strncmp(region, partitions[i][0], strlen(partitions[i][0])) != 0)
		i++;
	memcpy(aws->region, region, len + 1);
	(void)snprintf(aws->partition, sizeof(aws->partition), "%s", partitions[i][1]);
	return true;
}

bool
aws_region_find(struct provider_key *key, struct aws *aws)
{
	char profile[sizeof(aws->region)] = "";
	const char *region = variable("AWS_REGION");

	if (!region)
		region = variable("AWS_DEFAULT_REGION");
	if (!region && !aws_profile_region(key, profile, sizeof(profile)))
		return false;
	if (!region && profile[0])
		region = profile;
	return set_region(aws, region ? region : "us-east-1");
}
