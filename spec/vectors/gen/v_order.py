# SPDX-License-Identifier: Apache-2.0
"""Two things wrong at once: the error is that of the earlier step."""

from reader.fields import u16, u32, u8
from reader.header import CUSTOMER

from case import vector
from forge import flipped
from v_cut import RICH


def first(spec, expect, where, name, comment, plan=None, changes=(), cut=None, **fields):
    @vector(spec, expect, where, name=f"order_{name}", comment=comment, **fields)
    def build(make):
        object_ = make(**(plan or {}))
        for part, value in changes:
            object_[part] = value(object_[part]) if callable(value) else value
        if cut:
            object_.cut_before(cut)
        return object_


STRANGERS = {"customer_key": "stranger-p256", "provider_key": "stranger-p256"}

first("9.1", "unsupported version", "core header", "version_before_suite",
      "version and suite are not known", changes=[("version", u16(2)), ("suite", u16(2))])
first("9.1", "unsupported suite", "core header", "suite_before_core_length",
      "suite and core length are wrong", changes=[("suite", u16(2)), ("core length", u32(9))])
for number in (190, 734):
    first("9.1", "malformed core-length", "core header", f"core_length_{number}_before_created",
          "the core length is out of bounds, and created is wrong",
          changes=[("core length", u32(number)), ("created", b"\xff" * 8)])
first("9.1", "malformed text", "core header", "created_before_segment_length",
      "created and segment length are wrong",
      changes=[("created", b"\xff" * 8), ("segment length", u32(1))])
first("9.1", "malformed segment-length", "core header", "segment_length_before_text",
      "segment length and label are wrong",
      {"label": b"\x80"}, [("segment length", u32(1))])
first("9.1", "malformed text", "core header", "tenant_before_label",
      "the label has a control character, and the tenant is not UTF-8",
      {"tenant": b"\xff", "label": b"\n"})
first("9.1", "malformed magic", "core header", "magic_before_cut",
      "the magic is wrong and the input ends behind it", changes=[("magic", b"not-this")],
      cut="version")
first("9.1", "unsupported stanza-type", "customer stanza 0", "type_before_cut",
      "the first stanza has a wrong type, and the input ends in the second one", RICH,
      [("customer stanza 0 type", u16(9))], "customer stanza 1 key id")
first("9.1", "unsupported stanza-type", "customer stanza 0", "type_before_stanza_length",
      "type and body length of a stanza are wrong",
      changes=[("customer stanza 0 type", u16(9)), ("customer stanza 0 body length", u16(0))])
first("9.1", "malformed stanza-length", "customer stanza 0", "stanza_length_before_custodian",
      "body length and custodian of a stanza are wrong",
      changes=[("customer stanza 0 body length", u16(0)),
               ("customer stanza 0 custodian", bytes(48))])
first("9.1", "malformed text", "customer stanza 1", "custodian_before_duplicate",
      "the second stanza has the key id of the first one and no custodian",
      {"customer": ["customer-p256", "customer-p256"]},
      [("customer stanza 1 custodian", bytes(48))])
first("9.1", "malformed side", "customer set", "customer_set_before_provider_set",
      "both sides are wrong",
      changes=[("customer side", u8(7)), ("provider side", u8(7))])
first("9.1", "malformed set-length", "lengths", "lengths_before_sets",
      "the length of the provider set and the side of the customer set are wrong",
      changes=[("provider set length", u32(5)), ("customer side", u8(7))])
first("9.1", "malformed set-length", "provider set", "set_length_before_padding",
      "the provider set is shorter than its length, and the padding is not zero",
      changes=[("provider set length", lambda data: u32(int.from_bytes(data, "big") + 1)),
               ("padding", lambda data: flipped(data, -1))])
first("9.1", "malformed padding", "padding", "padding_before_both_sides",
      "the padding is not zero, and one key is on both sides",
      {"provider": ["customer-p256"]}, [("padding", flipped)])
first("9.1", "malformed key-on-both-sides", "header", "both_sides_before_metadata_digest",
      "one key is on both sides, and the metadata digest is wrong",
      {"provider": ["customer-p256"]}, [("metadata digest", flipped)])
first("9.2", "not-authentic metadata-digest", "metadata", "metadata_digest_before_epoch",
      "the metadata digest is wrong, the epoch too old and the keys fit nothing",
      changes=[("metadata digest", flipped)], min_epoch_customer=2, **STRANGERS)
first("9.3", "refused epoch-too-old", "customer set", "epoch_before_keys",
      "the epoch is too old and the keys fit nothing", min_epoch_customer=2, **STRANGERS)
first("9.3", "refused epoch-too-old", "provider set", "provider_epoch_before_customer_key",
      "the provider's epoch is too old and the customer key fits nothing",
      min_epoch_provider=2, **STRANGERS)
first("9.3", "refused epoch-too-old", "customer set", "customer_epoch_before_provider_epoch",
      "both epochs are too old", min_epoch_customer=2, min_epoch_provider=2)
first("9.4", "no-match no-customer-key", "customer set", "customer_key_before_provider_key",
      "neither key fits", **STRANGERS)
first("9.4", "not-authentic set-mac", "customer set", "customer_mac_before_provider_key",
      "the customer's set MAC is wrong and the provider key fits nothing",
      changes=[("customer set mac", flipped)], provider_key="stranger-p256")
first("9.4", "not-authentic share-commitment", "customer stanza 0", "commitment_before_set_mac",
      "the share is another one, and the set MAC is wrong as well",
      {"wrapped": {CUSTOMER: bytes(32)}}, [("customer set mac", flipped)])
first("9.4", "no-match no-provider-key", "provider set", "provider_key_before_key_commitment",
      "the provider key fits nothing, and the key commitment is wrong",
      changes=[("key commitment", flipped)], provider_key="stranger-p256")
first("9.5", "not-authentic key-commitment", "header", "key_commitment_before_header_mac",
      "key commitment and header MAC are wrong",
      changes=[("key commitment", flipped), ("header mac", flipped)])
first("9.5", "not-authentic header-mac", "header", "header_mac_before_creator",
      "the header MAC is wrong, and the required creator did not sign",
      changes=[("header mac", flipped)], require_creator="creator-p256")
first("9.6", "refused creator-required", "header", "creator_before_metadata",
      "the required creator did not sign, and the metadata block does not decrypt",
      {"metadata": {1: "x"}, "edit": {"metadata": flipped}}, require_creator="creator-p256")
first("9.7", "not-authentic metadata-auth", "metadata", "metadata_before_body",
      "the metadata block does not decrypt, and the body is missing",
      {"metadata": {1: "x"}, "edit": {"metadata": flipped}}, cut="body parameters")
first("9.8", "malformed body-header", "body header", "parameters_before_body_tag",
      "FLOE parameters and FLOE tag are wrong",
      changes=[("body parameters", flipped), ("body tag", flipped)])
first("9.8", "malformed segment-mark", "segment 0", "mark_before_auth",
      "mark and tag of a segment are wrong",
      changes=[("segment 0 mark", u32(3)), ("segment 0 tag", flipped)])
