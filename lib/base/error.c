/* SPDX-License-Identifier: Apache-2.0 */
/* One table gives every error code its stable name and its sentence. */
#include "doublekey/error.h"

struct entry {
	dk_err err;
	const char *name;
	const char *text;
};

/* clang-format off */
static const struct entry table[] = {
	{ DK_OK, "ok", "no error" },
	{ DK_ERR_ARGUMENT, "argument", "an argument makes no sense" },
	{ DK_ERR_STATE, "state", "the call is out of order" },
	{ DK_ERR_TRUNCATED, "truncated", "the input ends too early" },
	{ DK_ERR_MAGIC, "magic", "this is not a doublekey object" },
	{ DK_ERR_CORE_LENGTH, "core-length", "the length of the core header is wrong" },
	{ DK_ERR_SEGMENT_LENGTH, "segment-length", "the segment length is not one of the three allowed" },
	{ DK_ERR_TEXT, "text", "a text or time field has a value that is not allowed" },
	{ DK_ERR_CREATOR_FLAG, "creator-flag", "the creator flag is neither 0 nor 1" },
	{ DK_ERR_METADATA_LENGTH, "metadata-length", "the length of the metadata block is wrong" },
	{ DK_ERR_SET_LENGTH, "set-length", "the length of a stanza set is wrong" },
	{ DK_ERR_SIDE, "side", "a stanza set is of the wrong side" },
	{ DK_ERR_EPOCH, "epoch", "the epoch of a stanza set is 0" },
	{ DK_ERR_STANZA_COUNT, "stanza-count", "a stanza set has no stanza or more than 64" },
	{ DK_ERR_STANZA_LENGTH, "stanza-length", "a stanza has not the length of its type" },
	{ DK_ERR_STANZA_DUPLICATE, "stanza-duplicate", "two stanzas of a set are for one key" },
	{ DK_ERR_FORMER, "former", "the former stanzas are too many or not in order" },
	{ DK_ERR_KEY_ON_BOTH_SIDES, "key-on-both-sides", "one key stands on both sides" },
	{ DK_ERR_CUSTODY, "custody", "one custodian stands on both sides" },
	{ DK_ERR_PADDING, "padding", "the padding is not zero" },
	{ DK_ERR_BODY_HEADER, "body-header", "the parameters of the body do not fit the header" },
	{ DK_ERR_SEGMENT_MARK, "segment-mark", "the length word of a segment is wrong" },
	{ DK_ERR_FINAL_MISSING, "final-missing", "the object was cut: its last segment is missing" },
	{ DK_ERR_FINAL_EMPTY, "final-empty", "the last segment is empty behind other segments" },
	{ DK_ERR_TRAILING, "trailing", "there are bytes behind the last segment" },
	{ DK_ERR_METADATA, "metadata", "an entry of the metadata block is wrong" },
	{ DK_ERR_VERSION, "version", "the object needs another version of doublekey" },
	{ DK_ERR_SUITE, "suite", "the object uses an unknown suite" },
	{ DK_ERR_STANZA_TYPE, "stanza-type", "a stanza is of an unknown type" },
	{ DK_ERR_STANZA_RESERVED, "stanza-reserved",
	    "a stanza is of a type that this version does not implement yet" },
	{ DK_ERR_STANZA_AUTH, "stanza-auth", "the stanza for this key does not open" },
	{ DK_ERR_SHARE_COMMITMENT, "share-commitment", "the share is not that of this object" },
	{ DK_ERR_SET_MAC, "set-mac", "a stanza set was changed or is of another object" },
	{ DK_ERR_KEY_COMMITMENT, "key-commitment", "the two shares are not those of this object" },
	{ DK_ERR_HEADER_MAC, "header-mac", "the header was changed" },
	{ DK_ERR_METADATA_DIGEST, "metadata-digest", "the metadata block was changed" },
	{ DK_ERR_METADATA_AUTH, "metadata-auth", "the metadata block does not open" },
	{ DK_ERR_BODY_TAG, "body-tag", "the body is not that of this header" },
	{ DK_ERR_SEGMENT_AUTH, "segment-auth", "a segment was changed" },
	{ DK_ERR_CREATOR_SIGNATURE, "creator-signature", "the creator's signature is wrong" },
	{ DK_ERR_RECEIPT, "receipt", "what the key service signed or logged does not prove what it says" },
	{ DK_ERR_NO_CUSTOMER_KEY, "no-customer-key", "no customer stanza is for the given key" },
	{ DK_ERR_NO_PROVIDER_KEY, "no-provider-key", "no provider stanza is for the given key" },
	{ DK_ERR_EPOCH_TOO_OLD, "epoch-too-old", "a stanza set is older than the minimum epoch" },
	{ DK_ERR_CREATOR_REQUIRED, "creator-required",
	    "the object was not made by the required creator" },
	{ DK_ERR_SAME_CUSTODIAN, "same-custodian",
	    "one custodian would hold a key of both sides" },
	{ DK_ERR_SAME_KEY, "same-key", "one key is given twice" },
	{ DK_ERR_RANGE, "range", "the range begins behind the end of the object" },
	{ DK_ERR_THRESHOLD, "threshold", "the threshold must be below the number of shares" },
	{ DK_ERR_HEADER_TOO_LARGE, "header-too-large", "the header block is larger than 256 KiB" },
	{ DK_ERR_TOO_MANY_STANZAS, "too-many-stanzas", "more than 64 keys on one side" },
	{ DK_ERR_HISTORY_FULL, "history-full",
	    "the stanza set has no room for another former stanza; encrypt the object anew" },
	{ DK_ERR_OBJECT_TOO_LARGE, "object-too-large", "the object has more than 2^32 segments" },
	{ DK_ERR_OUTPUT_TOO_SMALL, "output-too-small", "the output buffer is too small" },
	{ DK_ERR_KEY_FOREIGN, "key-foreign", "this is not a doublekey key file" },
	{ DK_ERR_KEY_DAMAGED, "key-damaged", "the key file is damaged" },
	{ DK_ERR_KEY_PASSPHRASE, "key-passphrase", "the passphrase is wrong" },
	{ DK_ERR_KEY_NEED_PASSPHRASE, "key-need-passphrase",
	    "the key is sealed with a passphrase and none was given" },
	{ DK_ERR_KEY_NEED_PRIVATE, "key-need-private",
	    "this is a public key; the private key is needed here" },
	{ DK_ERR_KEY_SIDE, "key-side", "the key was made for another side" },
	{ DK_ERR_KEY_TYPE, "key-type", "the key is of a type that cannot be used here" },
	{ DK_ERR_KEY_VERSION, "key-version", "the key file needs another version of doublekey" },
	{ DK_ERR_KEY_INVALID, "key-invalid", "the key is not a valid key of its type" },
	{ DK_ERR_SHARE_FOREIGN, "share-foreign", "the backup share is not of this split" },
	{ DK_ERR_SHARE_DAMAGED, "share-damaged", "the backup share is damaged" },
	{ DK_ERR_SHARE_TOO_FEW, "share-too-few", "more backup shares are needed" },
	{ DK_ERR_KEY_RESERVED, "key-reserved",
	    "the key type p256-mlkem768 is reserved and not implemented yet" },
	{ DK_ERR_SHARE_MAGIC, "share-magic", "this is not a doublekey key share" },
	{ DK_ERR_SHARE_TWICE, "share-twice", "this backup share was given already" },
	{ DK_ERR_KEY_SCHEME, "key-scheme", "keys of this scheme are not supported" },
	{ DK_ERR_NOMEM, "no-memory", "out of memory" },
	{ DK_ERR_READ, "read", "reading failed" },
	{ DK_ERR_WRITE, "write", "writing failed" },
	{ DK_ERR_RANDOM, "random", "the random generator failed" },
	{ DK_ERR_CRYPTO, "crypto", "the cryptographic library failed" },
	{ DK_ERR_CANCELLED, "cancelled", "cancelled" },
	{ DK_ERR_LIBRARY, "library", "a library that is needed could not be loaded" },
	{ DK_ERR_CLOCK, "clock", "the clock is not usable" },
	{ DK_ERR_CHANGED, "changed", "the input changed while it was read" },
	{ DK_ERR_SERVICE_HTTP, "service-http",
	    "the key service and this program do not speak the same HTTP" },
	{ DK_ERR_SERVICE_NOT_FOUND, "service-not-found",
	    "the key service does not know this path" },
	{ DK_ERR_SERVICE_METHOD, "service-method",
	    "the key service does not know this method" },
	{ DK_ERR_SERVICE_TOO_LARGE, "service-too-large",
	    "the request is too large for the key service" },
	{ DK_ERR_SERVICE_MALFORMED_REQUEST, "service-malformed-request",
	    "the key service cannot read the request" },
	{ DK_ERR_SERVICE_SIGNATURE_INPUT, "service-signature-input",
	    "the key service cannot read the signature of the request" },
	{ DK_ERR_SERVICE_CONTENT_DIGEST, "service-content-digest",
	    "the request was changed on its way to the key service" },
	{ DK_ERR_SERVICE_UNKNOWN_DEVICE, "service-unknown-device",
	    "this device is not enrolled at the key service" },
	{ DK_ERR_SERVICE_SIGNATURE, "service-signature",
	    "the signature of the request is not valid at this key service" },
	{ DK_ERR_SERVICE_DEVICE_REVOKED, "service-device-revoked",
	    "this device was revoked at the key service" },
	{ DK_ERR_SERVICE_CLOCK, "service-clock",
	    "the clocks of this device and of the key service differ too much" },
	{ DK_ERR_SERVICE_REPLAY, "service-replay",
	    "the key service has seen this request before" },
	{ DK_ERR_SERVICE_RECIPIENT, "service-recipient",
	    "the key service does not take this ephemeral key" },
	{ DK_ERR_SERVICE_FROZEN, "service-frozen",
	    "the key service releases nothing at present: it is frozen" },
	{ DK_ERR_SERVICE_OBJECT_MALFORMED, "service-object-malformed",
	    "the key service cannot read the header of the object" },
	{ DK_ERR_SERVICE_UNKNOWN_KEY, "service-unknown-key",
	    "the key service has no such key" },
	{ DK_ERR_SERVICE_KEY_DESTROYED, "service-key-destroyed",
	    "the key was destroyed at the key service" },
	{ DK_ERR_SERVICE_KEY_DISABLED, "service-key-disabled",
	    "the key is disabled at the key service" },
	{ DK_ERR_SERVICE_KEY_FROZEN, "service-key-frozen",
	    "the key is frozen at the key service" },
	{ DK_ERR_SERVICE_POLICY, "service-policy",
	    "the policy of the key service does not allow it" },
	{ DK_ERR_SERVICE_BUDGET, "service-budget",
	    "the policy of the key service allows no more of it at present" },
	{ DK_ERR_SERVICE_STANZA_AUTH, "service-stanza-auth",
	    "the stanza for the key of the service does not open" },
	{ DK_ERR_SERVICE_SHARE_COMMITMENT, "service-share-commitment",
	    "the share is not that of the header that was sent" },
	{ DK_ERR_SERVICE_SET_MAC, "service-set-mac",
	    "the stanza set that was sent was changed or is of another object" },
	{ DK_ERR_SERVICE_ENROL_CODE, "service-enrol-code",
	    "the enrolment code is wrong, used or too old" },
	{ DK_ERR_SERVICE_DEVICE_EXISTS, "service-device-exists",
	    "this device key is enrolled already" },
	{ DK_ERR_SERVICE_BUSY, "service-busy",
	    "the key service is busy; try again" },
	{ DK_ERR_SERVICE_UNAVAILABLE, "service-unavailable",
	    "the key service cannot record a release at present" },
	{ DK_ERR_SERVICE_INTERNAL, "service-internal",
	    "the key service failed" },
	{ DK_ERR_SERVICE_NAME, "service-name",
	    "the key service does not take this name" },
	{ DK_ERR_SERVICE_EXISTS, "service-exists",
	    "the key service has this already" },
	{ DK_ERR_SERVICE_ARGUMENT, "service-argument",
	    "the key service does not take this argument" },
	{ DK_ERR_SERVICE_HSM, "service-hsm",
	    "the hardware module of the key service cannot be used at present" },
	{ DK_ERR_SERVICE_HSM_PIN, "service-hsm-pin",
	    "the hardware module of the key service does not take its PIN" },
	{ DK_ERR_SERVICE_CERTIFICATE_REQUIRED, "service-certificate-required",
	    "the policy of the key service wants a client certificate for this" },
	{ DK_ERR_SERVICE_CERTIFICATE, "service-certificate",
	    "the key service does not accept the client certificate" },
	{ DK_ERR_SERVICE_APPROVAL_REQUIRED, "service-approval-required",
	    "the policy of the key service wants approvals for this; see 'doublekey request'" },
	{ DK_ERR_SERVICE_APPROVAL, "service-approval",
	    "an approval is not valid for this request, or no longer" },
	{ DK_ERR_SERVICE_TOKEN_REQUIRED, "service-token-required",
	    "the policy of the key service wants a token of an identity provider for this" },
	{ DK_ERR_SERVICE_TOKEN, "service-token", "the key service does not accept the token" },
	{ DK_ERR_SERVICE_TOKEN_KEYS, "service-token-keys",
	    "the key service could not fetch the keys of the token's issuer for too long" },
	{ DK_ERR_SERVICE_UNREACHABLE, "service-unreachable",
	    "the key service cannot be reached" },
	{ DK_ERR_SERVICE_TLS, "service-tls",
	    "the key service has another certificate than the pinned one" },
	{ DK_ERR_SERVICE_NOT_ENROLLED, "service-not-enrolled",
	    "this device has no profile for this key service; use doublekey enrol" },
	{ DK_ERR_SERVICE_REPLY, "service-reply",
	    "the answer of the key service is not well formed" },
	{ DK_ERR_SERVICE_KEY_UNKNOWN, "service-key-not-pinned",
	    "this key of the key service is not pinned and cannot be asked for" },
	{ DK_ERR_SERVICE_PROFILE, "service-profile",
	    "the profile of this key service is damaged" },
	{ DK_ERR_SERVICE_FINGERPRINT, "service-ca-fingerprint",
	    "the CA of the key service has another fingerprint" },
	{ DK_ERR_SERVICE_REQUEST, "service-request",
	    "this is no request or approval, too old a one, or one of another device" },
};
/* clang-format on */

static const struct entry *
find(dk_err err)
{
	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].err == err)
			return &table[i];
	return 0;
}

const char *
dk_err_name(dk_err err)
{
	const struct entry *e = find(err);

	return e ? e->name : "unknown";
}

const char *
dk_err_text(dk_err err)
{
	const struct entry *e = find(err);

	return e ? e->text : "unknown error";
}

const char *
dk_category_name(dk_category cat)
{
	static const char *const names[] = { "ok", "usage", "malformed", "unsupported",
		"not-authentic", "no-match", "refused", "limit", "key", "system", "service" };

	return (unsigned)cat < sizeof(names) / sizeof(names[0]) ? names[cat] : "unknown";
}
