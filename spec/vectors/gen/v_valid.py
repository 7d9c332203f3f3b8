# SPDX-License-Identifier: Apache-2.0
"""Objects that open: sizes, stanza types, and everything at its limit."""

from reader.header import CUSTOMER, P256, P384, PROVIDER, RSA_OAEP

from case import vector
from forge import pad_custodian
from keyring import KEYS
import seeded


def sizes():
    for size, what in (
            (0, "no bytes: one empty segment, the last one"),
            (1, "one byte"),
            (4063, "one byte less than a segment holds"),
            (4064, "one full segment"),
            (4065, "one segment and one byte"),
            (8128, "two full segments"),
            (8129, "two segments and one byte")):
        vector("3.3", "success", name=f"valid_size_{size}", comment=what)(
            lambda make, size=size: make(plaintext=size))


sizes()


@vector("3.3", "success")
def valid_segment_length_65536(make):
    "the usual segment length, two segments"
    return make(segment_length=65536, plaintext=65505)


@vector("3.3", "success")
def valid_segment_length_1048576(make):
    "the largest segment length, one short segment"
    return make(segment_length=1048576, plaintext=10)


@vector("6.3", "success", customer_key="customer-p384", provider_key="provider-p384")
def valid_p384(make):
    "both sides with P-384"
    return make(customer=["customer-p384"], provider=["provider-p384"])


@vector("6.3", "success", customer_key="customer-rsa3072", provider_key="provider-rsa3072")
def valid_rsa3072(make):
    "both sides with RSA of 3072 bits"
    return make(customer=["customer-rsa3072"], provider=["provider-rsa3072"])


@vector("6.3", "success", customer_key="customer-rsa4096")
def valid_rsa4096(make):
    "an RSA key of 4096 bits on the customer side"
    return make(customer=["customer-rsa4096"])


MIXED = ["customer-p256", "customer-p384", "customer-rsa3072"]


def mixed():
    for key in MIXED:
        name = "valid_alternative_" + key.removeprefix("customer-")
        vector("9.4", "success", name=name, customer_key=key,
               comment=f"three customer stanzas of three types; the one for {key} is used")(
            lambda make: make(seed="mixed", customer=MIXED))


mixed()


@vector("9.4", "success", customer_key=["stranger-p256", "customer-p256-b"],
        provider_key=["customer-p384", "provider-p256"])
def valid_several_keys_given(make):
    "two keys are given on each side, and the second one fits"
    return make(customer=["customer-p256", "customer-p256-b"])


@vector("2", "success")
def valid_64_stanzas(make):
    "64 stanzas on each side; the last one is for the given key"
    return make(fillers={CUSTOMER: 63, PROVIDER: 63})


def formers(count, seed="formers"):
    ids = sorted(seeded.draw(seed, str(n), 32) for n in range(count))
    return [(P256, key_id, "former-holder") for key_id in ids]


@vector("2", "success")
def valid_512_formers(make):
    "512 former stanzas on the customer side"
    return make(formers={CUSTOMER: formers(512)}, epoch={CUSTOMER: 513})


@vector("6.2", "success")
def valid_formers_of_all_types(make):
    "formers of three types on both sides, one of them current as well"
    ids = [seeded.draw("types", str(n), 32) for n in range(2)] + [KEYS["customer-p256"].id]
    kinds = dict(zip(ids, (P384, RSA_OAEP, P256)))
    own = [(kinds[key_id], key_id, "customer") for key_id in sorted(ids)]
    other = [(P384, KEYS["provider-p384"].id, "provider")]
    return make(formers={CUSTOMER: own, PROVIDER: other}, epoch={CUSTOMER: 3, PROVIDER: 2})


@vector("6", "success")
def valid_epoch_largest(make):
    "the largest epoch; this object opens but cannot be rewrapped on that side"
    return make(epoch={CUSTOMER: 2**32 - 1})


@vector("3.1", "success", tenant="acme", label="secret/finance")
def valid_tenant_and_label(make):
    "tenant and label"
    return make(tenant=b"acme", label=b"secret/finance")


@vector("3.1", "success", require_creator="creator-p256")
def valid_core_header_longest(make):
    "a core header of 733 bytes: tenant and label of 255 bytes, and a creator"
    return make(tenant=b"t" * 255, label=b"l" * 255, creator="creator-p256")


@vector("3.1", "success")
def valid_text_not_ascii(make):
    "text with two, three and four byte characters, and U+00A0 next to the controls"
    return make(tenant="M\u00fcnchen\u00a0AG".encode(), label="\u6a5f\u5bc6 \U0001f511".encode())


@vector("3.1", "success")
def valid_created_largest(make):
    "the last second that fits"
    return make(created=2**40 - 1)


@vector("3.1", "success")
def valid_created_zero(make):
    "created at the first second of 1970"
    return make(created=0)


@vector("6.1", "success")
def valid_custodian_longest(make):
    "a custodian of 48 bytes, without a zero byte behind it"
    name = "kms://a.b_c/d-e@f:0123456789012345678901234567890"[:48]
    return make(edit={"customer stanza 0 custodian": pad_custodian(name)})


KMS_NAME = b"awskms:arn:aws:kms:eu-central-1:111122223333:key/0123"


@vector("6.3", "success")
def valid_kms_in_front(make):
    "a stanza of a system without a public half stands before that of the key"
    return make(kms={PROVIDER: [(KMS_NAME, b"", b"blob")]})


@vector("6.3", "success")
def valid_kms_longest(make):
    "name, version and blob as long as they may be, on both sides"
    return make(kms={side: [(bytes([letter]) * 512, b"~" * 64, bytes(4096))]
                     for side, letter in ((CUSTOMER, 0x21), (PROVIDER, 0x7e))})


@vector("6.3", "success")
def valid_kms_shortest(make):
    "a name and a blob of one byte, and no version"
    return make(kms={PROVIDER: [(b"x", b"", b"y")]})


@vector("6.3", "no-match no-provider-key", "provider set")
def kms_alone(make):
    "only a system has the share, and none is asked"
    return make(kms={PROVIDER: [(KMS_NAME, b"1", b"blob")]}, provider=[])


@vector("6.2", "success")
def valid_kms_formerly(make):
    "a system without a public half among the formers"
    return make(formers={PROVIDER: [(16, bytes(32), "provider")]}, epoch={PROVIDER: 2})


@vector("8", "success", file_name="report.pdf", media_type="application/pdf")
def valid_metadata(make):
    "a file name and a media type"
    return make(metadata={1: "report.pdf", 2: "application/pdf"})


@vector("2", "success", file_name="x")
def valid_metadata_shortest(make):
    "the shortest metadata block, 21 bytes"
    return make(metadata={1: "x"})


@vector("8", "success", media_type="m" * 127)
def valid_metadata_media_type_longest(make):
    "a media type of 127 bytes and no file name"
    return make(metadata={2: "m" * 127})


@vector("8", "success")
def valid_metadata_file_name_longest(make):
    "a file name of 255 bytes"
    return make(metadata={1: "n" * 255})


@vector("8", "success", file_name="...")
def valid_metadata_three_dots(make):
    "three dots are a file name like any other"
    return make(metadata={1: "..."})


@vector("10", "success", customer_key="customer-p256-b", min_epoch_customer=2)
def valid_rewrapped_customer(make):
    "the customer side was rewrapped once; the first key is a former"
    former = [(P256, KEYS["customer-p256"].id, "customer")]
    return make(customer=["customer-p256-b"], epoch={CUSTOMER: 2}, formers={CUSTOMER: former})


@vector("6.2", "no-match no-customer-key", "customer set")
def rewrapped_customer_former_key(make):
    "the object of valid_rewrapped_customer; the key of the former opens nothing"
    return valid_rewrapped_customer(lambda **plan: make(seed="valid_rewrapped_customer", **plan))


@vector("10", "success", customer_key="customer-p256-b", provider_key="provider-p384")
def valid_rewrapped_both(make):
    "both sides were rewrapped, to other types of key"
    return make(
        customer=["customer-p256-b", "customer-rsa3072"], provider=["provider-p384"],
        epoch={CUSTOMER: 2, PROVIDER: 2},
        formers={CUSTOMER: [(P256, KEYS["customer-p256"].id, "customer")],
                 PROVIDER: [(P256, KEYS["provider-p256"].id, "provider")]})


@vector("5", "success")
def worked_example(make):
    "the object of section 13, whose intermediate values are printed there"
    return make(tenant=b"example", label=b"worked", plaintext=b"One key is never enough.\n")


@vector("7", "success", require_creator="creator-p256")
def valid_body_by_another_holder_of_the_shares(make):
    """who holds both shares can write another body below the same core header and
    signature; section 7 says so, and this shows it"""
    signed = make(creator="creator-p256", plaintext=b"what the creator wrote")
    other = make(creator="creator-p256", plaintext=b"what somebody else wrote")
    signed.take_from(other, "body")
    signed.take_from(other, "segment 0")
    signed.plaintext = other.plaintext
    return signed
