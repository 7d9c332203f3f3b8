/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the head of a request to the Microsoft DKE front end says. Text alone, no connection
 * and no library, so that a fuzzer drives it.
 *
 * Spec: spec/profiles/ms-dke.md sections 3, 3.2 and 7.1.
 */
#ifndef DK_HTTPD_DKE_TEXT_H
#define DK_HTTPD_DKE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/dke.h"

enum dke_method { DKE_GET, DKE_POST, DKE_OTHER };

struct dke_target {
	bool decrypt; /* else the public key is asked for */
	char name[IPC_DKE_NAME_MAX_BYTES + 1];
	char id[IPC_DKE_NAME_MAX_BYTES + 1]; /* empty without decrypt */
};

/* DK_CODE_OK, DK_CODE_NOT_FOUND, DK_CODE_METHOD (ret->decrypt is right then), DK_CODE_HTTP. */
unsigned dke_target_parse(enum dke_method method, const char *target, struct dke_target *ret);

/* value: of Authorization, NULL if there is none. Borrowed. DK_CODE_OK, DK_CODE_TOKEN_REQUIRED
 * (there is none), DK_CODE_TOKEN (it is too long). */
unsigned dke_token_parse(const char *value, struct dk_part *ret_token);

/* value: of Content-Type, NULL if there is none. Whether it is one that is taken. */
bool dke_type_is_json(const char *value);

struct dke_front {
	enum ipc_dke_front kind;
	char person[IPC_DKE_PERSON_MAX_BYTES + 1]; /* in lower case */
	uint8_t address[16];
};
/* value: of Doublekey-Front. False: another form. */
bool dke_front_parse(const char *value, struct dke_front *ret);

#endif
