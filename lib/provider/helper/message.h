/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between libdoublekey-provider.so and doublekey-token: one datagram a request and one an
 * answer, on a socket pair (SOCK_SEQPACKET).
 *
 *   request: u8 enum token_op, then the URI, or the encapsulation
 *   answer:  u16 0, then what is listed below; or u16 dk_err of the category provider, then text
 *
 *   OPEN, OPEN_PUBLIC   u8 length of the token's label, label, SubjectPublicKeyInfo
 *   USE                 u8 enum token_result, bytes
 *
 * Spec: spec/provider-keys.md section 3.5
 */
#ifndef DK_PROVIDER_TOKEN_MESSAGE_H
#define DK_PROVIDER_TOKEN_MESSAGE_H

#define TOKEN_PROGRAM "doublekey-token"
#define TOKEN_FD 3
#define TOKEN_MESSAGE_MAX_BYTES 4096
#define TOKEN_LABEL_MAX_BYTES 32
#define TOKEN_TEXT_MAX_BYTES 200

enum token_op {
	TOKEN_OPEN = 1,    /* log in, find the private key */
	TOKEN_OPEN_PUBLIC, /* find the public key, without a PIN if the token shows it */
	TOKEN_USE,
};

enum token_result {
	TOKEN_ECDH = 1, /* x coordinate */
	TOKEN_RAW,      /* RSA, the padding still to be decoded */
	TOKEN_SEED,     /* RSA, decoded by the token */
};

#endif
