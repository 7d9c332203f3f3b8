/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the system `awskms`: aws.c asks KMS, aws_credentials.c and the files beside it
 * find out as whom. */
#ifndef DK_PROVIDER_AWS_H
#define DK_PROVIDER_AWS_H

#include <pthread.h>
#include <time.h>

#include "provider/net.h"

#define AWS_ID_MAX_BYTES 128
#define AWS_SECRET_MAX_BYTES 256
#define AWS_TOKEN_MAX_BYTES 8192

/* Secret. expires is 0 for those that do not. */
struct aws_credentials {
	char id[AWS_ID_MAX_BYTES + 1];
	char secret[AWS_SECRET_MAX_BYTES + 1];
	char token[AWS_TOKEN_MAX_BYTES + 1]; /* empty: none */
	time_t expires;
};

struct aws {
	char partition[32];
	char region[64];
	char account[13];
	char key[PROVIDER_REF_MAX_BYTES + 1]; /* ARN */
	char url[300];
	char sigv4[96];
	pthread_mutex_t lock; /* of credentials */
	struct aws_credentials credentials;
	bool has_credentials;
};

/*
 * Find credentials where AWS's own tools look, in their order: the environment, the profile,
 * a web identity, a process that the profile names, a container's or a machine's metadata.
 * DK_ERR_PROVIDER_CREDENTIALS: nowhere, or damaged.
 */
DK_MUST_USE dk_err aws_credentials_find(struct provider_key *key, struct aws_credentials *ret);

/* Each place; DK_ERR_PROVIDER_CREDENTIALS if there are none. */
DK_MUST_USE dk_err aws_from_environment(struct aws_credentials *ret);
DK_MUST_USE dk_err aws_from_profile(struct provider_key *key, struct aws_credentials *ret);
DK_MUST_USE dk_err aws_from_process(
    struct provider_key *key, const char *command, struct aws_credentials *ret);
DK_MUST_USE dk_err aws_from_web_identity(struct provider_key *key, const char *role,
    const char *token_file, const char *session, struct aws_credentials *ret);
DK_MUST_USE dk_err aws_from_metadata(struct provider_key *key, struct aws_credentials *ret);

/* A request that is signed with credentials as of now; request has no user, and room for a header. */
DK_MUST_USE dk_err aws_call(struct provider_key *key, const struct net_request *request,
    net_judge judge, struct net_answer *ret);

/* What is configured, here or in the environment, as the URL of a service, or NULL. */
const char *aws_endpoint(const char *service, const char *configured);
/* Region and partition, for a service whose names do not tell them: spec/catalogue.md section 10;
 * false: what is named cannot be one. */
bool aws_region_find(struct provider_key *key, struct aws *aws);
/* That of the profile, or an empty text; false: its file cannot be used. */
bool aws_profile_region(struct provider_key *key, char *ret, size_t cap);
/* "https://SERVICE.REGION.../", or what is configured, with '/' at its end; false: it does not fit. */
bool aws_url(
    const struct aws *aws, const char *service, const char *configured, char *ret, size_t cap);

/* Texts into their places; false if one is too long or missing. token may be NULL. */
bool aws_credentials_set(
    struct aws_credentials *ret, const char *id, const char *secret, const char *token);
/* "2026-01-02T03:04:05Z"; false if it is no such time. */
bool aws_time(const char *text, time_t *ret);

#endif
