/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the client module at its first use. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/client.h"
#include "client/libdir.h"

#define FILE_NAME "libdoublekey-client.so"
#define PATH_BYTES 4096

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const struct dk_client_module *module;

/* Of the program the linker knows what it was called as, which may be no path. */
static bool
own_directory(char *ret_dir, size_t cap)
{
	char *slash;
	Dl_info info;
	ssize_t n;

	if (!dladdr(&once, &info) || !info.dli_fname)
		return false;
	if (strcmp(info.dli_fname, program_invocation_name) == 0)
		n = readlink("/proc/self/exe", ret_dir, cap - 1);
	else
		n = snprintf(ret_dir, cap, "%s", info.dli_fname);
	if (n < 0 || (size_t)n >= cap)
		return false;
	ret_dir[n] = '\0';
	slash = strrchr(ret_dir, '/');
	if (slash)
		*slash = '\0';
	return slash != NULL;
}

/* Where this code is: beside it, or as a build has it. */
static void *
open_beside(void)
{
	static const char *const places[] = { "", "../lib/", "../lib/client/", "client/" };
	char path[PATH_BYTES], dir[PATH_BYTES / 2];
	void *handle = NULL;
	int n;

	if (!own_directory(dir, sizeof(dir)))
		return NULL;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !handle; i++) {
		n = snprintf(path, sizeof(path), "%s/%s" FILE_NAME, dir, places[i]);
		if (n > 0 && (size_t)n < sizeof(path))
			handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	}
	return handle;
}

static void
load(void)
{
	const struct dk_client_module *found;
	void *handle = open_beside();

	/* Also where the linker does not look, as below a prefix of the user's own. */
	if (!handle)
		handle = dlopen(DK_LIBDIR "/" FILE_NAME, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		handle = dlopen(FILE_NAME, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return;
	found = dlsym(handle, DK_CLIENT_SYMBOL);
	if (found && found->abi == DK_CLIENT_ABI)
		module = found;
}

static bool
loaded(void)
{
	return pthread_once(&once, load) == 0 && module;
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
dk_key_service_open(const char *ref, dk_side side, struct dk_key **ret)
{
	if (!loaded())
		return DK_ERR_LIBRARY;
	return module->key_open(ref, side, ret);
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
