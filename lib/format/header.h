/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parser of the header block, spec/envelope.md sections 3 and 6.
 *
 * The parser checks form, not secrets: what it accepts has one valid encoding,
 * and every offset in struct dk_header lies within the block that was parsed.
 * It allocates nothing and calls nothing but lib/base; formal/parsers proves that
 * it is free of run-time errors for every input.
 */
#ifndef DK_FORMAT_HEADER_H
#define DK_FORMAT_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "doublekey/error.h"
#include "doublekey/key.h"

#define DK_HEADER_UNIT_BYTES 4096u
#define DK_HEADER_MAX_BYTES 262144u
#define DK_MAGIC_BYTES 8u
#define DK_CORE_MIN_BYTES 191u
#define DK_CORE_MAX_BYTES (191u + 255u + 255u + 32u)
#define DK_TEXT_MAX_BYTES 255u
#define DK_METADATA_MIN_BYTES 21u
#define DK_METADATA_MAX_BYTES 4096u
#define DK_STANZAS_MAX 64u
#define DK_FORMERS_MAX 512u
#define DK_STANZA_HEAD_BYTES 84u
#define DK_FORMER_BYTES 82u
#define DK_SET_HEAD_BYTES 8u
#define DK_KMS_NAME_MAX_BYTES 512u
#define DK_KMS_VERSION_MAX_BYTES 64u
#define DK_KMS_BLOB_MAX_BYTES 4096u
#define DK_KMS_BODY_MIN_BYTES (2u + 1u + 1u + 1u)
#define DK_KMS_BODY_MAX_BYTES \
	(2u + DK_KMS_NAME_MAX_BYTES + 1u + DK_KMS_VERSION_MAX_BYTES + DK_KMS_BLOB_MAX_BYTES)
#define DK_SET_MAC_BYTES 48u
#define DK_COMMITMENT_BYTES 32u
#define DK_HEADER_MAC_BYTES 48u
#define DK_CREATOR_SIGNATURE_BYTES 64u
#define DK_CREATED_MAX_S (UINT64_C(1) << 40) /* exclusive */

/* The first bytes of an object, for readers and writers. */
extern const uint8_t dk_header_magic[DK_MAGIC_BYTES];

/* Stanza types, spec/envelope.md section 6.3. */
enum dk_stanza_type {
	DK_STANZA_P256 = 0x0001,
	DK_STANZA_P384 = 0x0002,
	DK_STANZA_RSA_OAEP = 0x0003,
	DK_STANZA_P256_MLKEM768 = 0x0004,
	DK_STANZA_KMS = 0x0010,
};

/* Name as in the specification, or "unknown"; static. */
const char *dk_stanza_type_name(unsigned type);

/* All offsets count from the start of the header block. */
struct dk_stanza {
	uint16_t type;
	uint16_t body_len;
	uint32_t key_id;    /* 32 bytes */
	uint32_t custodian; /* DK_CUSTODIAN_BYTES */
	uint32_t body;
};

struct dk_set {
	uint32_t offset; /* of the side field */
	uint32_t len;    /* with the set MAC */
	uint32_t epoch;
	uint32_t stanza_count;
	uint32_t former_count;
	uint32_t formers; /* first former; each has DK_FORMER_BYTES */
	uint32_t mac;
	struct dk_stanza stanza[DK_STANZAS_MAX];
};

struct dk_header {
	uint32_t core_len;
	uint32_t object_id; /* 16 bytes */
	uint32_t salt;      /* 32 bytes */
	uint64_t created;
	uint32_t segment_len;
	uint32_t share_commitment[2]; /* customer, provider; 32 bytes each */
	uint32_t metadata_digest;     /* 48 bytes */
	uint32_t tenant, tenant_len;
	uint32_t label, label_len;
	bool has_creator;
	uint32_t creator_id; /* 32 bytes */
	uint32_t key_commitment;
	uint32_t creator_signature; /* 64 bytes if has_creator */
	uint32_t header_mac;
	uint32_t metadata, metadata_len;
	struct dk_set set[2]; /* customer, provider */
	uint32_t block_len;   /* body offset */
};

/* What an error was about; dk_header_place() puts it into words. */
enum dk_header_part {
	DK_PART_CORE,
	DK_PART_LENGTHS,
	DK_PART_METADATA,
	DK_PART_SET,
	DK_PART_STANZA,
	DK_PART_FORMER,
	DK_PART_PADDING,
	DK_PART_HEADER,
};

struct dk_header_error {
	enum dk_header_part part;
	size_t side;   /* 0 customer, 1 provider; for set, stanza and former */
	size_t index;  /* of the stanza or former */
	size_t offset; /* from the start of the object */
};

/*
 * How many bytes of the block are needed to go on, given the first len bytes:
 * *ret_need is at most DK_HEADER_MAX_BYTES and a multiple of
 * DK_HEADER_UNIT_BYTES. A caller that reads a stream reads the first unit,
 * asks, and reads the rest, never more. DK_OK also if the bytes so far are
 * malformed: dk_header_parse() then says how.
 */
uint32_t dk_header_need(const uint8_t *data, size_t len);

/*
 * Parse the header block at the start of data. len may reach into the body.
 * ret_error is filled on error only; ret_header is undefined on error.
 */
DK_MUST_USE dk_err dk_header_parse(const uint8_t *data, size_t len, struct dk_header *ret_header,
    struct dk_header_error *ret_error);

/*
 * Parse a core header and one stanza set that stand one behind the other, as a
 * key service gets them (spec/key-service.md section 6). Fills the core fields
 * and the set of that side; offsets count from the start of data.
 */
DK_MUST_USE dk_err dk_header_parse_side(const uint8_t *data, size_t core_len, size_t set_len,
    dk_side side, struct dk_header *ret_header);

/* The part in words of spec/envelope.md section 11. */
void dk_header_place(const struct dk_header_error *error, struct dk_place *ret_place);

#endif
