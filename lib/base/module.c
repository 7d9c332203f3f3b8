/* SPDX-License-Identifier: Apache-2.0 */
#include "base/module.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/libdir.h"

#define PATH_BYTES 4096

/*
 * The folder that this code was loaded from. Of the program the linker knows what it
 * was called as, which may be no path.
 */
static bool
own_folder(char ret_dir[PATH_BYTES])
{
	static const char here;
	char *slash;
	Dl_info info;
	ssize_t n;

	if (!dladdr(&here, &info) || !info.dli_fname)
		return false;
	if (strcmp(info.dli_fname, program_invocation_name) == 0)
		n = readlink("/proc/self/exe", ret_dir, PATH_BYTES - 1);
	else
		n = snprintf(ret_dir, PATH_BYTES, "%s", info.dli_fname);
	if (n < 0 || n >= PATH_BYTES)
		return false;
	ret_dir[n] = '\0';
	slash = strrchr(ret_dir, '/');
	if (slash)
		*slash = '\0';
	return slash != NULL;
}

static bool
join(char *path, size_t cap, const char *dir, const char *place, const char *file)
{
	int n = snprintf(path, cap, "%s/%s%s", dir, place, file);

	return n > 0 && (size_t)n < cap;
}

/* Installed, or as a build has it. */
static void *
open_beside(const char *file)
{
	static const char *const places[] = { "", "../lib/", "../lib/client/", "client/",
		"../lib/provider/", "provider/" };
	char dir[PATH_BYTES], path[2 * PATH_BYTES];
	void *handle = NULL;

	if (!own_folder(dir))
		return NULL;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !handle; i++)
		if (join(path, sizeof(path), dir, places[i], file))
			handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	return handle;
}

const void *
dk_module_symbol(const char *file, const char *symbol)
{
	void *handle = open_beside(file);
	char path[PATH_BYTES];

	/* Also where the linker does not look, as below a prefix of the user's own. */
	if (!handle && join(path, sizeof(path), DK_LIBDIR, "", file))
		handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	return handle ? dlsym(handle, symbol) : NULL;
}

int
dk_module_program(const char *file, char *ret_path, unsigned cap)
{
	static const char *const places[] = { "", "../libexec/doublekey/", "../lib/provider/",
		"provider/", "doublekey/" };
	char dir[PATH_BYTES];

	if (own_folder(dir))
		for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
			if (join(ret_path, cap, dir, places[i], file) &&
			    access(ret_path, X_OK) == 0)
				return 1;
	return join(ret_path, cap, DK_LIBEXECDIR, "", file) && access(ret_path, X_OK) == 0;
}
