/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "format/header.h"

const char *
dk_stanza_type_name(unsigned type)
{
	switch (type) {
	case DK_STANZA_P256:
		return "p256";
	case DK_STANZA_P384:
		return "p384";
	case DK_STANZA_RSA_OAEP:
		return "rsa-oaep";
	case DK_STANZA_P256_MLKEM768:
		return "p256-mlkem768";
	case DK_STANZA_KMS:
		return "kms";
	default:
		return "unknown";
	}
}

void
dk_header_place(const struct dk_header_error *error, struct dk_place *ret_place)
{
	const char *side = error->side == 0 ? "customer" : "provider";
	char *text = ret_place->text;
	size_t room = sizeof(ret_place->text);
	int n = 0;

	ret_place->offset = error->offset;
	switch (error->part) {
	case DK_PART_CORE:
		n = snprintf(text, room, "core header");
		break;
	case DK_PART_LENGTHS:
		n = snprintf(text, room, "lengths");
		break;
	case DK_PART_METADATA:
		n = snprintf(text, room, "metadata");
		break;
	case DK_PART_SET:
		n = snprintf(text, room, "%s set", side);
		break;
	case DK_PART_STANZA:
		n = snprintf(text, room, "%s stanza %zu", side, error->index);
		break;
	case DK_PART_FORMER:
		n = snprintf(text, room, "%s former %zu", side, error->index);
		break;
	case DK_PART_PADDING:
		n = snprintf(text, room, "padding");
		break;
	case DK_PART_HEADER:
		n = snprintf(text, room, "header");
		break;
	}
	if (n < 0 || (size_t)n >= room)
		text[0] = '\0';
}
