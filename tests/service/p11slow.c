/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SoftHSM2 with calls that do what the test wants, for test_hsm_calls.py. Numbers that are to
 * be raised to a power say it in their first bytes:
 *
 *   00 dead   waits until there is a file "go" in the folder of SOFTHSM2_CONF
 *   00 f00d   the device fails
 *
 * With a file "no-locks" there it is a module that must not be called by two threads at once:
 * it says so, and each call that finds another one under way makes a file "at-once".
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static CK_FUNCTION_LIST ours, *theirs;
static char folder[4096];
static atomic_uint under_way;

static bool
there(const char *name, bool make)
{
	char path[sizeof(folder) + 32];
	int n = snprintf(path, sizeof(path), "%s/%s", folder, name);

	if (make)
		(void)close(open(path, O_WRONLY | O_CREAT, 0644));
	return n > 0 && access(path, F_OK) == 0;
}

static CK_RV
slow_initialize(void *args)
{
	if (args && there("no-locks", false))
		return CKR_CANT_LOCK;
	return theirs->C_Initialize(args);
}

static CK_RV
slow_decrypt(
    CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_len, CK_BYTE *out, CK_ULONG *out_len)
{
	static const struct timespec moment = { 0, 20000000 };
	CK_RV rv;

	if (atomic_fetch_add(&under_way, 1) > 0 && there("no-locks", false))
		(void)there("at-once", true);
	if (in_len > 2 && memcmp(in, "\0\xde\xad", 3) == 0)
		while (!there("go", false))
			(void)nanosleep(&moment, NULL);
	rv = theirs->C_Decrypt(session, in, in_len, out, out_len);
	if (in_len > 2 && memcmp(in, "\0\xf0\x0d", 3) == 0)
		rv = CKR_DEVICE_ERROR;
	(void)atomic_fetch_sub(&under_way, 1);
	return rv;
}

/* Needs P11SLOW_MODULE, the module behind it. */
__attribute__((visibility("default"))) CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **list)
{
	const char *conf = getenv("SOFTHSM2_CONF"), *module = getenv("P11SLOW_MODULE");
	void *handle = module ? dlopen(module, RTLD_NOW) : NULL;
	CK_C_GetFunctionList get = NULL;

	if (handle)
		*(void **)&get = dlsym(handle, "C_GetFunctionList");
	if (!conf || !get || get(&theirs) != CKR_OK)
		return CKR_GENERAL_ERROR;
	(void)snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(conf, '/') - conf), conf);
	ours = *theirs;
	ours.C_Initialize = slow_initialize;
	ours.C_Decrypt = slow_decrypt;
	*list = &ours;
	return CKR_OK;
}
