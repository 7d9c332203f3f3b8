/* SPDX-License-Identifier: Apache-2.0 */
/* What a request shows besides its signature: client certificate and token. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/profile_file.h"

/* The environment names files only, never what is in them. */
static bool
shown_file(const struct dk_profile *profile, const char *variable, const char *name,
    char ret_path[DK_PROFILE_PATH_BYTES])
{
	const char *given = getenv(variable);
	int n;

	if (!given || given[0] == '\0')
		return dk_profile_path(profile, name, ret_path) && access(ret_path, F_OK) == 0;
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
