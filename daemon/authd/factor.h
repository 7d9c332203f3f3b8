/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Factors besides the device's signature, spec/policy.md section 6: from what a
 * request shows to what the policy may ask for and what the record says.
 */
#ifndef DK_AUTHD_FACTOR_H
#define DK_AUTHD_FACTOR_H

#include "authd/policy.h"
#include "authd/token.h"
#include "base/bytes.h"
#include "ipc/claim.h"
#include "log/record.h"

#define FACTOR_NAME_BYTES 256
/* As they stand in RELEASE_JUDGED. */
#define FACTORS_MAX_BYTES (1 + 4 + DK_LOG_TOKEN_MAX_BYTES + 4 + DK_LOG_CERTIFICATE_BYTES)

struct factor_certificate {
	bool holds;
	uint8_t record[DK_LOG_CERTIFICATE_BYTES];
	char name[POLICY_CERTIFICATE_NAMES_MAX][FACTOR_NAME_BYTES];
};

struct factors {
	struct token token; /* issuer NULL: none that holds */
	struct factor_certificate certificate;
};

/* False: not the layout of the claim. The names in *shown are those of *ret. */
bool factor_certificate(const struct dk_part *claim, struct factor_certificate *ret,
    struct policy_shown *shown, unsigned *ret_code);

/* digest: the one that the request signs. */
unsigned factor_token(const struct dk_part *claim, const struct dk_part *digest,
    const struct token_issuers *issuers, const struct policy_question *question,
    struct token *ret_token);

/* Count and fields of the record. */
void factors_write(const struct factors *factors, struct dk_writer_buf *wr);

#endif
