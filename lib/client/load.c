/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the client module at its first use. */
#include <pthread.h>

#include "base/module.h"
#include "client/client.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const struct dk_client_module *module;

static void
load(void)
{
	const struct dk_client_module *found =
	    dk_module_symbol("libdoublekey-client.so", DK_CLIENT_SYMBOL);

	if (found && found->abi == DK_CLIENT_ABI)
		module = found;
}

static bool
loaded(void)
{
	return pthread_once(&once, load) == 0 && module;
}

void
dk_client_why(char ret_text[DK_CLIENT_WHY_BYTES])
{
	ret_text[0] = '\0';
	if (loaded())
		module->why(ret_text);
}

dk_err
dk_client_enrol(
    const char *url, const char *ca_fingerprint, const char *code, const char *device_name)
{
	if (!loaded())
		return DK_ERR_LIBRARY;
	return module->enrol(url, ca_fingerprint, code, device_name);
}

dk_err
dk_key_service_open(
    const char *ref, dk_side side, const struct dk_key_options *options, struct dk_key **ret)
{
	if (!loaded())
		return DK_ERR_LIBRARY;
	return module->key_open(ref, side, options, ret);
}

dk_err
dk_client_key_refresh(const char *ref, struct dk_client_key_info *ret_info)
{
	if (!loaded())
		return DK_ERR_LIBRARY;
	return module->key_refresh(ref, ret_info);
}

dk_err
dk_client_request(const char *base_url, const struct dk_release_object *objects, size_t n,
    const char *reason, uint8_t **ret_file, size_t *ret_len)
{
	if (!loaded())
		return DK_ERR_LIBRARY;
	return module->request(base_url, objects, n, reason, ret_file, ret_len);
}

dk_err
dk_client_approve(const uint8_t *request, size_t len, uint8_t ret_file[DK_APPROVAL_FILE_MAX_BYTES],
    size_t *ret_len)
{
	if (!loaded())
		return DK_ERR_LIBRARY;
	return module->approve(request, len, ret_file, ret_len);
}

dk_err
dk_client_approval(const uint8_t *file, size_t len)
{
	if (!loaded())
		return DK_ERR_LIBRARY;
	return module->approval(file, len);
}

dk_err
dk_client_presence(
    const char *base_url, enum dk_presence what, struct dk_presence_answer *ret_answer)
{
	if (!loaded())
		return DK_ERR_LIBRARY;
	return module->presence(base_url, what, ret_answer);
}

dk_err
dk_client_waiting(const char *base_url, struct dk_standing_asked **ret, size_t *ret_n)
{
	if (!loaded())
		return DK_ERR_LIBRARY;
	return module->waiting(base_url, ret, ret_n);
}

dk_err
dk_client_stand(
    const char *base_url, const struct dk_standing *standing, struct dk_standing_answer *ret)
{
	if (!loaded())
		return DK_ERR_LIBRARY;
	return module->stand(base_url, standing, ret);
}

dk_err
dk_client_log_open(
    const char *url, const uint8_t *ca_pem, size_t ca_pem_len, struct dk_log_source *ret_source)
{
	if (!loaded())
		return DK_ERR_LIBRARY;
	return module->log_open(url, ca_pem, ca_pem_len, ret_source);
}

dk_err
dk_client_log_keys(const char *origin, struct dk_log_keys *ret_keys)
{
	if (!loaded())
		return DK_ERR_LIBRARY;
	return module->log_keys(origin, ret_keys);
}

dk_err
dk_client_log_gossip(const char *base_url, uint8_t **ret_file, size_t *ret_len)
{
	if (!loaded())
		return DK_ERR_LIBRARY;
	return module->log_gossip(base_url, ret_file, ret_len);
}

dk_err
dk_client_log_import(const uint8_t *file, size_t len, struct dk_client_gossip *ret_result)
{
	if (!loaded())
		return DK_ERR_LIBRARY;
	return module->log_import(file, len, ret_result);
}

dk_err
dk_client_log_forget(const char *base_url)
{
	if (!loaded())
		return DK_ERR_LIBRARY;
	return module->log_forget(base_url);
}
