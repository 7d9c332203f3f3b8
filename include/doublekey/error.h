/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors of libdoublekey.
 *
 * Every function that can fail returns one enum dk_err. The high byte is the
 * category: programs branch on a category, people read the code's name, and
 * scripts match that name, which never changes once published.
 *
 * Of most functions, DK_ERR_NOMEM, DK_ERR_RANDOM and DK_ERR_CRYPTO are not listed:
 * the machine can fail anywhere. What uses a key of a key service can also end with
 * any code of the category service.
 *
 * Spec: spec/envelope.md section 11; spec/key-file.md section 7; spec/key-backup.md
 * section 7; spec/key-service.md section 8 (category service); spec/log.md section 15
 * (names that begin with log); spec/catalogue.md section 9.
 */
#ifndef DOUBLEKEY_ERROR_H
#define DOUBLEKEY_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) || defined(__clang__)
#define DK_MUST_USE __attribute__((warn_unused_result))
#else
#define DK_MUST_USE
#endif

/* What a caller should do differs by category, never by single code. */
typedef enum dk_category {
	DK_CAT_OK = 0,
	DK_CAT_USAGE = 1,         /* the caller asked for something senseless */
	DK_CAT_MALFORMED = 2,     /* bytes that no writer of this format makes */
	DK_CAT_UNSUPPORTED = 3,   /* well formed, but not for this version */
	DK_CAT_NOT_AUTHENTIC = 4, /* a tag, MAC, commitment or signature is wrong */
	DK_CAT_NO_MATCH = 5,      /* none of the given keys fits */
	DK_CAT_REFUSED = 6,       /* the caller's own rules forbid it */
	DK_CAT_LIMIT = 7,         /* larger than the format or the machine allows */
	DK_CAT_KEY = 8,           /* a key file is not what it should be */
	DK_CAT_SYSTEM = 9,        /* the operating system or libcrypto failed */
	DK_CAT_SERVICE = 10,      /* a key service said no, or could not be asked */
	DK_CAT_PROVIDER = 11,     /* the same of a cloud or token that holds a key, or objects */
} dk_category;

/* clang-format off */
typedef enum dk_err {
	DK_OK = 0,

	/* usage */
	DK_ERR_ARGUMENT            = 0x0101,
	DK_ERR_STATE               = 0x0102, /* call out of order, or after a failure */

	/* malformed: the place is in struct dk_place where a handle offers one */
	DK_ERR_TRUNCATED           = 0x0201,
	DK_ERR_MAGIC               = 0x0202,
	DK_ERR_CORE_LENGTH         = 0x0203,
	DK_ERR_SEGMENT_LENGTH      = 0x0204,
	DK_ERR_TEXT                = 0x0205, /* tenant, label or custodian */
	DK_ERR_CREATOR_FLAG        = 0x0206,
	DK_ERR_METADATA_LENGTH     = 0x0207,
	DK_ERR_SET_LENGTH          = 0x0208,
	DK_ERR_SIDE                = 0x0209,
	DK_ERR_EPOCH               = 0x020a,
	DK_ERR_STANZA_COUNT        = 0x020b,
	DK_ERR_STANZA_LENGTH       = 0x020c,
	DK_ERR_STANZA_DUPLICATE    = 0x020d,
	DK_ERR_FORMER              = 0x020e, /* count, order or type of former stanzas */
	DK_ERR_KEY_ON_BOTH_SIDES   = 0x020f,
	DK_ERR_CUSTODY             = 0x0210, /* one custodian on both sides */
	DK_ERR_PADDING             = 0x0211,
	DK_ERR_BODY_HEADER         = 0x0212,
	DK_ERR_SEGMENT_MARK        = 0x0213, /* length word of a segment */
	DK_ERR_FINAL_MISSING       = 0x0214, /* the body ends without a final segment */
	DK_ERR_FINAL_EMPTY         = 0x0215, /* empty final segment behind others */
	DK_ERR_TRAILING            = 0x0216, /* bytes behind the final segment */
	DK_ERR_METADATA            = 0x0217, /* entry in the metadata block */
	DK_ERR_LOG_NOTE            = 0x0218, /* no signed note, or not that of a checkpoint */
	DK_ERR_LOG_POLICY          = 0x0219, /* trust policy of a log */
	DK_ERR_LOG_FILE            = 0x021a, /* tile, entry bundle, proof, records, gossip */
	DK_ERR_CATALOGUE_FILE      = 0x021b, /* no catalogue of objects, or damaged */
	DK_ERR_EVIDENCE_FILE       = 0x021c, /* no evidence bundle, or one in another form */

	/* unsupported */
	DK_ERR_VERSION             = 0x0301,
	DK_ERR_SUITE               = 0x0302,
	DK_ERR_STANZA_TYPE         = 0x0303, /* not in the registry */
	DK_ERR_STANZA_RESERVED     = 0x0304, /* p256-mlkem768: reserved, not here yet */
	DK_ERR_CATALOGUE_VERSION   = 0x0305,

	/* not authentic */
	DK_ERR_STANZA_AUTH         = 0x0401, /* a stanza for the given key does not open */
	DK_ERR_SHARE_COMMITMENT    = 0x0402,
	DK_ERR_SET_MAC             = 0x0403,
	DK_ERR_KEY_COMMITMENT      = 0x0404,
	DK_ERR_HEADER_MAC          = 0x0405,
	DK_ERR_METADATA_DIGEST     = 0x0406,
	DK_ERR_METADATA_AUTH       = 0x0407,
	DK_ERR_BODY_TAG            = 0x0408, /* FLOE header tag */
	DK_ERR_SEGMENT_AUTH        = 0x0409,
	DK_ERR_CREATOR_SIGNATURE   = 0x040a,
	DK_ERR_RECEIPT             = 0x040b, /* log receipt, or what a service signed */
	DK_ERR_LOG_SIGNATURE       = 0x040c, /* of a note, under a key that is known */
	DK_ERR_LOG_TREE            = 0x040d, /* files that do not lead to the root */
	DK_ERR_LOG_INCONSISTENT    = 0x040e, /* two signed trees, neither begins with the other */
	DK_ERR_LOG_RECORD          = 0x040f, /* a record that does not open its leaf */
	DK_ERR_LOG_SEALED          = 0x0410, /* export: changed, cut or out of order */
	DK_ERR_EVIDENCE_CHANGED    = 0x0411, /* a part that is not what the manifest names */
	DK_ERR_EVIDENCE_SIGNATURE  = 0x0412, /* of the service, under a manifest */
	DK_ERR_EVIDENCE_RESULT     = 0x0413, /* computed again, it is another one */

	/* no match */
	DK_ERR_NO_CUSTOMER_KEY     = 0x0501, /* no customer stanza is for the given keys */
	DK_ERR_NO_PROVIDER_KEY     = 0x0502,
	DK_ERR_LOG_KEY             = 0x0503, /* no key for the log, or none that signed */
	DK_ERR_LOG_MISSING         = 0x0504, /* the log has no such file or entry */
	DK_ERR_LOG_AUDITOR         = 0x0505, /* export: for another auditor key */

	/* refused */
	DK_ERR_EPOCH_TOO_OLD       = 0x0601, /* below min_epoch */
	DK_ERR_CREATOR_REQUIRED    = 0x0602, /* no creator, or another one */
	DK_ERR_SAME_CUSTODIAN      = 0x0603, /* writer: one custodian on both sides */
	DK_ERR_SAME_KEY            = 0x0604, /* writer: one key on both sides, or twice */
	DK_ERR_RANGE               = 0x0605, /* range behind the end of the object */
	DK_ERR_THRESHOLD           = 0x0606, /* threshold not below the number of shares */
	DK_ERR_LOG_QUORUM          = 0x0607, /* too few witnesses for the policy */

	/* limit */
	DK_ERR_HEADER_TOO_LARGE    = 0x0701,
	DK_ERR_TOO_MANY_STANZAS    = 0x0702,
	DK_ERR_HISTORY_FULL        = 0x0703, /* no room for another former stanza */
	DK_ERR_OBJECT_TOO_LARGE    = 0x0704,
	DK_ERR_OUTPUT_TOO_SMALL    = 0x0705,

	/* key */
	DK_ERR_KEY_FOREIGN         = 0x0801, /* not a doublekey key file */
	DK_ERR_KEY_DAMAGED         = 0x0802,
	DK_ERR_KEY_PASSPHRASE      = 0x0803, /* wrong passphrase */
	DK_ERR_KEY_NEED_PASSPHRASE = 0x0804, /* sealed, and none was given */
	DK_ERR_KEY_NEED_PRIVATE    = 0x0805, /* public key where a private one is needed */
	DK_ERR_KEY_SIDE            = 0x0806, /* key of another side */
	DK_ERR_KEY_TYPE            = 0x0807, /* type unknown, or not for this use */
	DK_ERR_KEY_VERSION         = 0x0808,
	DK_ERR_KEY_INVALID         = 0x0809, /* point not on the curve, weak modulus, ... */
	DK_ERR_SHARE_FOREIGN       = 0x080a, /* backup share of another key or split */
	DK_ERR_SHARE_DAMAGED       = 0x080b,
	DK_ERR_SHARE_TOO_FEW       = 0x080c,
	DK_ERR_KEY_SCHEME          = 0x080d, /* key reference with an unknown scheme */
	DK_ERR_KEY_RESERVED        = 0x080e, /* p256-mlkem768: reserved, not here yet */
	DK_ERR_SHARE_MAGIC         = 0x080f, /* not a backup share */
	DK_ERR_SHARE_TWICE         = 0x0810, /* one backup share given twice */
	DK_ERR_LOG_VKEY            = 0x0811, /* key of a log or witness */

	/* system */
	DK_ERR_NOMEM               = 0x0901,
	DK_ERR_READ                = 0x0902, /* errno is kept */
	DK_ERR_WRITE               = 0x0903, /* errno is kept */
	DK_ERR_RANDOM              = 0x0904,
	DK_ERR_CRYPTO              = 0x0905, /* libcrypto refused; not an input error */
	DK_ERR_CANCELLED           = 0x0906,
	DK_ERR_LIBRARY             = 0x0907, /* a library needed for this could not be loaded */
	DK_ERR_CLOCK               = 0x0908,
	DK_ERR_CHANGED             = 0x0909, /* the input changed while it was read */
	DK_ERR_CATALOGUE_BUSY      = 0x090a, /* another program writes the catalogue */

	/* key service: 0x0a00 and the code of spec/key-service.md section 8 */
	DK_ERR_SERVICE             = 0x0a00,
	DK_ERR_SERVICE_HTTP               = 0x0a01,
	DK_ERR_SERVICE_NOT_FOUND          = 0x0a02,
	DK_ERR_SERVICE_METHOD             = 0x0a03,
	DK_ERR_SERVICE_TOO_LARGE          = 0x0a04,
	DK_ERR_SERVICE_MALFORMED_REQUEST  = 0x0a05,
	DK_ERR_SERVICE_SIGNATURE_INPUT    = 0x0a06,
	DK_ERR_SERVICE_CONTENT_DIGEST     = 0x0a07,
	DK_ERR_SERVICE_UNKNOWN_DEVICE     = 0x0a08,
	DK_ERR_SERVICE_SIGNATURE          = 0x0a09,
	DK_ERR_SERVICE_DEVICE_REVOKED     = 0x0a0a,
	DK_ERR_SERVICE_CLOCK              = 0x0a0b,
	DK_ERR_SERVICE_REPLAY             = 0x0a0c,
	DK_ERR_SERVICE_RECIPIENT          = 0x0a0d,
	DK_ERR_SERVICE_FROZEN             = 0x0a0e,
	DK_ERR_SERVICE_OBJECT_MALFORMED   = 0x0a0f,
	DK_ERR_SERVICE_UNKNOWN_KEY        = 0x0a10,
	DK_ERR_SERVICE_KEY_DESTROYED      = 0x0a11,
	DK_ERR_SERVICE_KEY_DISABLED       = 0x0a12,
	DK_ERR_SERVICE_KEY_FROZEN         = 0x0a13,
	DK_ERR_SERVICE_POLICY             = 0x0a14,
	DK_ERR_SERVICE_BUDGET             = 0x0a15,
	DK_ERR_SERVICE_STANZA_AUTH        = 0x0a16,
	DK_ERR_SERVICE_SHARE_COMMITMENT   = 0x0a17,
	DK_ERR_SERVICE_SET_MAC            = 0x0a18,
	DK_ERR_SERVICE_ENROL_CODE         = 0x0a19,
	DK_ERR_SERVICE_DEVICE_EXISTS      = 0x0a1a,
	DK_ERR_SERVICE_BUSY               = 0x0a1b,
	DK_ERR_SERVICE_UNAVAILABLE        = 0x0a1c,
	DK_ERR_SERVICE_INTERNAL           = 0x0a1d,
	DK_ERR_SERVICE_NAME               = 0x0a1e,
	DK_ERR_SERVICE_EXISTS             = 0x0a1f,
	DK_ERR_SERVICE_ARGUMENT           = 0x0a20,
	DK_ERR_SERVICE_HSM                = 0x0a21,
	DK_ERR_SERVICE_HSM_PIN            = 0x0a22,
	DK_ERR_SERVICE_CERTIFICATE_REQUIRED = 0x0a23,
	DK_ERR_SERVICE_CERTIFICATE        = 0x0a24,
	DK_ERR_SERVICE_APPROVAL_REQUIRED  = 0x0a25,
	DK_ERR_SERVICE_APPROVAL           = 0x0a26,
	DK_ERR_SERVICE_TOKEN_REQUIRED     = 0x0a27,
	DK_ERR_SERVICE_TOKEN              = 0x0a28,
	DK_ERR_SERVICE_TOKEN_KEYS         = 0x0a29,
	DK_ERR_SERVICE_AUDITOR            = 0x0a2a,
	DK_ERR_SERVICE_QUORUM             = 0x0a2b,
	/* found by this program */
	DK_ERR_SERVICE_UNREACHABLE        = 0x0a80,
	DK_ERR_SERVICE_TLS                = 0x0a81,
	DK_ERR_SERVICE_NOT_ENROLLED       = 0x0a82,
	DK_ERR_SERVICE_REPLY              = 0x0a83,
	DK_ERR_SERVICE_KEY_UNKNOWN        = 0x0a84,
	DK_ERR_SERVICE_PROFILE            = 0x0a85,
	DK_ERR_SERVICE_FINGERPRINT        = 0x0a86,
	DK_ERR_SERVICE_REQUEST            = 0x0a87,

	/* a key in another system: spec/provider-keys.md section 5 */
	DK_ERR_PROVIDER_REFERENCE         = 0x0b01,
	DK_ERR_PROVIDER_CREDENTIALS       = 0x0b02,
	DK_ERR_PROVIDER_DENIED            = 0x0b03,
	DK_ERR_PROVIDER_KEY_STATE         = 0x0b04,
	DK_ERR_PROVIDER_KEY_MISSING       = 0x0b05,
	DK_ERR_PROVIDER_KEY_USE           = 0x0b06,
	DK_ERR_PROVIDER_THROTTLED         = 0x0b07,
	DK_ERR_PROVIDER_UNREACHABLE       = 0x0b08,
	DK_ERR_PROVIDER_TLS               = 0x0b09,
	DK_ERR_PROVIDER_ANSWER            = 0x0b0a,
	DK_ERR_PROVIDER_REFUSED           = 0x0b0b,
	DK_ERR_PROVIDER_CONFIGURATION     = 0x0b0c,

	/* objects in another system: spec/catalogue.md section 10 */
	DK_ERR_STORE_REFERENCE            = 0x0b0d,
	DK_ERR_STORE_CREDENTIALS          = 0x0b0e,
	DK_ERR_STORE_DENIED               = 0x0b0f,
	DK_ERR_STORE_MISSING              = 0x0b10,
	DK_ERR_STORE_THROTTLED            = 0x0b11,
	DK_ERR_STORE_UNREACHABLE          = 0x0b12,
	DK_ERR_STORE_TLS                  = 0x0b13,
	DK_ERR_STORE_ANSWER               = 0x0b14,
} dk_err;
/* clang-format on */

/* Category of a code: its high byte. */
static inline dk_category
dk_err_category(dk_err err)
{
	return (dk_category)((unsigned)err >> 8);
}

/* Stable lower-case name, such as "set-mac"; static, never NULL. */
const char *dk_err_name(dk_err err);

/* One English sentence without full stop; static, never NULL. */
const char *dk_err_text(dk_err err);

/* Name of a category, such as "not-authentic"; static, never NULL. */
const char *dk_category_name(dk_category cat);

/*
 * Where in the input an error was found. text is a NUL-terminated phrase in
 * the terms of spec/envelope.md, such as "provider stanza 2" or "segment 17",
 * and never holds input bytes. offset counts bytes from the start of the
 * object, or is UINT64_MAX where no single offset applies.
 */
struct dk_place {
	unsigned long long offset;
	char text[48];
};

#ifdef __cplusplus
}
#endif

#endif
