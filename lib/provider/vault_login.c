/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a token for Vault comes from, in the order in which its own tools look:
 * VAULT_TOKEN; AppRole, if VAULT_ROLE_ID and VAULT_SECRET_ID are there; ~/.vault-token.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provider/vault.h"

#define HEADER "X-Vault-Token: "

static dk_err
take_token(struct vault *vault, const char *token)
{
	size_t len = strlen(token);

	if (len == 0 || len > VAULT_TOKEN_MAX_BYTES)
		return DK_ERR_PROVIDER_CREDENTIALS;
	for (size_t i = 0; i < len; i++)
		if (token[i] < 0x21 || token[i] > 0x7e)
			return DK_ERR_PROVIDER_CREDENTIALS;
	(void)snprintf(vault->token, sizeof(vault->token), HEADER "%s", token);
	return DK_OK;
}

static dk_err
by_role(struct provider_key *key, const char *role, const char *secret)
{
	auto_net_answer answer = { .json = NULL };
	const char *token;
	dk_err err;

	err = vault_call(key, "auth/approle/login",
	    json_pack("{s:s, s:s}", "role_id", role, "secret_id", secret), &answer);
	if (err == DK_ERR_PROVIDER_REFUSED || err == DK_ERR_PROVIDER_DENIED)
		return DK_ERR_PROVIDER_CREDENTIALS;
	if (err != DK_OK)
		return err;
	token = net_text(json_object_get(answer.json, "auth"), "client_token");
	return token ? take_token(key->state, token) : DK_ERR_PROVIDER_ANSWER;
}

static dk_err
from_file(struct vault *vault)
{
	char path[4096], token[VAULT_TOKEN_MAX_BYTES + 2];
	const char *home = getenv("HOME");
	dk_err err = DK_ERR_PROVIDER_CREDENTIALS;
	FILE *f = NULL;
	size_t len;
	int n = home ? snprintf(path, sizeof(path), "%s/.vault-token", home) : -1;

	if (n > 0 && (size_t)n < sizeof(path))
		f = fopen(path, "re");
	if (!f)
		return err;
	len = fread(token, 1, sizeof(token) - 1, f);
	while (len > 0 && (token[len - 1] == '\n' || token[len - 1] == '\r'))
		len--;
	token[len] = '\0';
	err = take_token(vault, token);
	(void)fclose(f);
	dk_wipe(token, sizeof(token));
	return err;
}

dk_err
vault_login(struct provider_key *key)
{
	const char *token = getenv("VAULT_TOKEN");
	const char *role = getenv("VAULT_ROLE_ID"), *secret = getenv("VAULT_SECRET_ID");

	if (token && token[0])
		return take_token(key->state, token);
	if (role && role[0] && secret)
		return by_role(key, role, secret);
	return from_file(key->state);
}
