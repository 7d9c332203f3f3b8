/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: p11loop MODULE PIN-FILE BITS THREADS SECONDS
 *
 * What a PKCS #11 module does at most: raw RSA with a new key, one session for each thread,
 * one call behind the other. Prints "operations=N seconds=S".
 */
#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLOTS_MAX 64
#define THREADS_MAX 64
#define MODULUS_MAX_BYTES 1024

static struct {
	CK_FUNCTION_LIST *f;
	CK_SLOT_ID slot;
	CK_OBJECT_HANDLE key;
	size_t len;
	double end;
} loop;

static void
fail(const char *what)
{
	(void)fprintf(stderr, "p11loop: %s\n", what);
	exit(1);
}

static double
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static CK_SESSION_HANDLE
open_session(void)
{
	CK_SESSION_HANDLE session;

	if (loop.f->C_OpenSession(
		loop.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session) != CKR_OK)
		fail("no session");
	return session;
}

static void
log_in(CK_SESSION_HANDLE session, const char *name)
{
	char pin[256];
	FILE *file = fopen(name, "r");

	if (!file || !fgets(pin, sizeof(pin), file))
		fail("the PIN cannot be read");
	(void)fclose(file);
	pin[strcspn(pin, "\n")] = '\0';
	if (loop.f->C_Login(session, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin)) != CKR_OK)
		fail("the PIN is refused");
}

static void
make_key(CK_SESSION_HANDLE session, CK_ULONG bits)
{
	CK_MECHANISM mechanism = { CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0 };
	CK_BYTE exponent[] = { 1, 0, 1 };
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ATTRIBUTE public[] = { { CKA_MODULUS_BITS, &bits, sizeof(bits) },
		{ CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent) },
		{ CKA_ENCRYPT, &yes, sizeof(yes) }, { CKA_TOKEN, &no, sizeof(no) } };
	CK_ATTRIBUTE private[] = { { CKA_DECRYPT, &yes, sizeof(yes) },
		{ CKA_TOKEN, &no, sizeof(no) }, { CKA_SENSITIVE, &yes, sizeof(yes) } };
	CK_OBJECT_HANDLE other;

	if (loop.f->C_GenerateKeyPair(
		session, &mechanism, public, 4, private, 3, &other, &loop.key) != CKR_OK)
		fail("no key");
	loop.len = bits / 8;
}

static void *
work(void *ctx)
{
	CK_SESSION_HANDLE session = open_session();
	CK_MECHANISM mechanism = { CKM_RSA_X_509, NULL, 0 };
	CK_BYTE in[MODULUS_MAX_BYTES] = { 0, 1, 2, 3 }, out[MODULUS_MAX_BYTES];
	unsigned long *count = ctx;

	while (now() < loop.end) {
		CK_ULONG len = sizeof(out);

		if (loop.f->C_DecryptInit(session, &mechanism, loop.key) != CKR_OK ||
		    loop.f->C_Decrypt(session, in, loop.len, out, &len) != CKR_OK)
			fail("an operation failed");
		(*count)++;
	}
	return NULL;
}

static void
find_slot(void)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG n = SLOTS_MAX;
	CK_TOKEN_INFO info;

	if (loop.f->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK)
		fail("no slots");
	for (CK_ULONG i = 0; i < n; i++)
		if (loop.f->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
		    (info.flags & CKF_TOKEN_INITIALIZED)) {
			loop.slot = slots[i];
			return;
		}
	fail("no token");
}

int
main(int argc, char **argv)
{
	CK_C_INITIALIZE_ARGS threads = { .flags = CKF_OS_LOCKING_OK };
	unsigned long count[THREADS_MAX] = { 0 }, all = 0, n, seconds;
	pthread_t thread[THREADS_MAX];
	CK_SESSION_HANDLE session;
	double began;

	if (argc != 6)
		fail("five arguments are needed");
	n = strtoul(argv[4], NULL, 10);
	seconds = strtoul(argv[5], NULL, 10);
	loop.f = p11_kit_module_load(argv[1], P11_KIT_MODULE_UNMANAGED);
	if (!loop.f || loop.f->C_Initialize(&threads) != CKR_OK || n < 1 || n > THREADS_MAX)
		fail("the module cannot be used");
	find_slot();
	session = open_session();
	log_in(session, argv[2]);
	make_key(session, strtoul(argv[3], NULL, 10));
	began = now();
	loop.end = began + (double)seconds;
	for (unsigned i = 0; i < n; i++)
		if (pthread_create(&thread[i], NULL, work, &count[i]) != 0)
			fail("no thread");
	for (unsigned i = 0; i < n; i++) {
		(void)pthread_join(thread[i], NULL);
		all += count[i];
	}
	printf("operations=%lu seconds=%.6f\n", all, now() - began);
	return 0;
}
