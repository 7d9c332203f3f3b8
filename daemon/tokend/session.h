/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sessions with the token: some at a time, each for one thread. One that is lost takes all
 * of them with it, and they are opened anew when nobody uses any. The PIN is tried once: after
 * it was refused, nothing logs in any more.
 */
#ifndef DK_TOKEND_SESSION_H
#define DK_TOKEND_SESSION_H

#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOKEN_ID_BYTES 16
#define TOKEN_PIN_MAX_BYTES 256
/* At the same time. A module that cannot lock, or a token that has no more, gets fewer. */
#define TOKEN_SESSIONS_MAX 8

struct session {
	CK_FUNCTION_LIST *f;
	CK_SESSION_HANDLE handle;
	bool busy;
};

/* uri is that of the configuration; at most so many sessions. False: not such a URI, or no
 * such module, which was told. */
bool sessions_setup(const char *uri, const uint8_t *pin, size_t pin_len, unsigned most);
/* One that nobody else has, logged in; the code says what is in the way. Waits for one that is
 * in use, and some seconds for all of them where they must be opened anew. */
unsigned session_take(struct session **ret);
/* lost: not to be used again. */
void session_give(struct session *session, bool lost);
/* Whether the PIN was refused. */
bool sessions_pin_refused(void);
/* Whether this URI names the token, for who has a session. */
bool sessions_are_of(const char *uri);

/* Handles of private keys that were found before, while the sessions last; false: none is. */
bool session_known_key(const uint8_t id[TOKEN_ID_BYTES], CK_OBJECT_HANDLE *ret);
void session_know_key(const uint8_t id[TOKEN_ID_BYTES], CK_OBJECT_HANDLE key);
void session_forget_key(const uint8_t id[TOKEN_ID_BYTES]);

#endif
