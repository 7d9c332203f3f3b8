/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client certificates, DER: what httpd says of one that holds, and of one that does
 * not, is what authd can read. The first byte says which.
 */
#include <openssl/x509.h>
#include <string.h>

#include "authd/factor.h"
#include "fuzz.h"
#include "httpd/httpd.h"
#include "native/code.h"

static void
read_again(const uint8_t *claim, size_t len, bool holds)
{
	const struct dk_part part = { claim, len };
	struct factor_certificate read = { .holds = false };
	struct policy_shown shown = { .name_count = 0 };
	unsigned code = DK_CODE_OK, common = 0;

	FUZZ_CHECK(len <= IPC_CLAIM_CERTIFICATE_MAX_BYTES);
	FUZZ_CHECK(factor_certificate(&part, &read, &shown, &code));
	FUZZ_CHECK(read.holds == holds && (code == DK_CODE_OK) == holds);
	/* One name more than the claim has: the digest. */
	FUZZ_CHECK(shown.name_count == (holds ? claim[65] + 1u : 0));
	for (unsigned i = 0; i < shown.name_count; i++)
		common += strncmp(shown.name[i], "cn:", 3) == 0;
	FUZZ_CHECK(common <= 1);
}

static void
claim(const uint8_t *data, size_t len, bool holds)
{
	static uint8_t out[IPC_CLAIM_CERTIFICATE_MAX_BYTES];
	const uint8_t *at = data;
	X509 *cert = d2i_X509(NULL, &at, (long)len);

	if (cert)
		read_again(out, httpd_claim_write(cert, holds ? cert : NULL, out), holds);
	X509_free(cert);
}

static void
good(const uint8_t *data, size_t len)
{
	claim(data, len, true);
}

static void
bad(const uint8_t *data, size_t len)
{
	claim(data, len, false);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const fuzz_way ways[] = { good, bad };

	fuzz_one_of(ways, sizeof(ways) / sizeof(ways[0]), data, len);
	return 0;
}
