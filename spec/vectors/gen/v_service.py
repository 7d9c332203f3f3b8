# SPDX-License-Identifier: Apache-2.0
"""Requests to a running key service, and what must come of them."""

import base64

VECTORS = {}
LINE = 240
STANDARD = ('("@method" "@target-uri" "content-digest");created={now};nonce="{nonce}"'
            ';keyid="{keyid}"')
UNCHANGING = "public, max-age=31536000, immutable"
ZERO_SIGNATURE = base64.b64encode(bytes(64)).decode()
ORDER = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
ANYBODY = 'rule "r" { keys = {"*"} users = {"*"} allow = true %s }'
ISSUER = ('issuer "corp" { url = "https://id.example.org" audience = "doublekey" claim = "sub" '
          'max-age = 600 } ')


def vector(name, spec, expect, comment, http, **fields):
    """Fields are lines in this order; a list is several lines."""
    lines = [("spec", spec)]
    for key in ("prepare", "object", "from", "body", "signed_method", "signed_target",
                "signed_body", "signed_params", "signed_by", "token", "signature", "send"):
        value = fields.pop(key, None)
        lines += [(key, one) for one in (value if isinstance(value, list) else [value])
                  if one is not None]
    lines.append(("expect", expect))
    lines += [(key, value) for key, value in fields.items() if value is not None]
    lines.append(("comment", comment))
    head = "".join(f"{key.replace('_', '-')}: {value}\n" for key, value in lines)
    assert name not in VECTORS and head.isascii(), name
    assert max(map(len, head.splitlines())) <= LINE, head
    VECTORS[name] = head.encode() + b"\n" + "\n".join(http).encode() + b"\n"


def headers(change):
    """Those of a request for release, in order; None takes one away, a list repeats it."""
    made = {"Host": "{host}", "Content-Type": "application/doublekey",
            "Content-Length": "{length}", "Content-Digest": "{content-digest}",
            "Signature-Input": "dk=" + STANDARD, "Signature": "dk=:{signature}:"} | change
    return [f"{key}: {one}" for key, value in made.items() if value is not None
            for one in (value if isinstance(value, list) else [value])]


def body_of(*objects, head="444b5231 0001 {recipient}"):
    return f"{head} {len(objects):04x} " + " ".join(f"{{object {one}}}" for one in objects)


def release(name, spec, expect, comment, change=None, start="POST /v1/release HTTP/1.1", **fields):
    fields = {"object": "a finance", "body": body_of("a"), "absent": "share a"} | fields
    if fields["body"] is None:
        change = {"Content-Length": None} | (change or {})
    vector(name, spec, expect, comment, [start] + headers(change or {}), **fields)


def done(name, comment, objects="ok", **fields):
    """One whose device signature holds, and that is answered."""
    allowed = any(word.split("*")[-1] == "ok" for word in objects.split())
    fields = {"objects": objects, "record": "release" if allowed else "denial",
              "record_user": "alice", "record_device": "{keyid}", "record_front_end": "native",
              "record_mode": "prompt", "record_level": "A", "record_factors": "device",
              "record_request": "{request-digest}", "record_recipient": "{recipient-id}"} | fields
    if not allowed:
        fields["record_reason"] = objects.split()[0]
    release(name, fields.pop("spec", "6"), "200 ok", comment, **fields)


def refused(name, spec, code, comment, status=403, known=True, **fields):
    """A whole request that is refused and recorded; known: the device signature holds."""
    if known:
        fields = {"record_user": "alice", "record_device": "{keyid}"} | fields
    release(name, spec, f"{status} {code}", comment, record="denial", record_reason=code, **fields)


def unrecorded(name, spec, status, code, comment, *more, **fields):
    release(name, spec, f"{status} {code}", comment, *more, record="none", **fields)


# ---- release ----

def releases():
    for key, kind in (("finance", "p256"), ("archive", "p384"), ("legal", "rsa3072")):
        done(f"release_{kind}", f"one object of a {kind} key", object=f"a {key}",
             record_objects="ok a")
    done("release_three", "objects of three keys in one request", "ok ok ok",
         object=["a finance", "b archive", "c legal"], body=body_of("a", "b", "c"),
         record_objects="ok a, ok b, ok c", absent="share a, share b, share c")
    done("release_twice_the_same", "one object twice; it takes two sequence numbers", "ok ok",
         body=body_of("a", "a"), record_objects="ok a, ok a")
    done("release_label", "an object with a label", object="a finance label=confidential",
         record_objects="ok a")
    done("release_second_stanza", "the stanza for the service is the second of the set",
         object="a stranger finance", record_objects="ok a")
    done("release_later_epoch", "a set that was rewrapped", object="a finance epoch=7",
         record_objects="ok a")
    done("release_old_version", "an old version of a rotated key stays for release",
         prepare=["key create v-old p256", "object a v-old", "key rotate v-old p384",
                  "object b v-old"], object=None, body=body_of("a", "b"), objects="ok ok",
         record_objects="ok a, ok b", absent="share a, share b")
    done("release_1000", "as many objects as a request may have", "1000*ok",
         body="444b5231 0001 {recipient} 03e8 {object a *1000}")
    done("release_mixed", "objects that are refused take no sequence number",
         "ok set-mac unknown-key ok object-malformed ok",
         object=["a finance", "b stranger", "c archive"],
         body=body_of("a", "a set^-1", "b", "c", "a core^0", "a"),
         record_objects="ok a, set-mac a, unknown-key b, ok c, object-malformed -, ok a",
         absent="share a, share b, share c")
    done("release_slow_clock", "a clock that is four minutes behind", spec="3",
         change={"Signature-Input": "dk=" + STANDARD.replace("now", "now-240")})
    done("release_fast_clock", "a clock that is half a minute ahead", spec="3",
         change={"Signature-Input": "dk=" + STANDARD.replace("now", "now+30")})
    done("release_bob", "another device and user", **{"from": "bob"}, record_user="bob")
    done("release_header_case", "names of headers in another case", spec="1",
         change={"Content-Digest": None, "cOnTeNt-dIgEsT": "{content-digest}",
                 "Signature": None, "SIGNATURE": "dk=:{signature}:"})
    done("release_more_headers", "headers that mean nothing here", spec="1",
         change={"Accept": "*/*", "X-Forwarded-For": "192.0.2.1", "User-Agent": "vectors"},
         record_address="{client-address}")


def objects():
    def one(name, code, comment, obj="a finance", what="a", recorded=None, **fields):
        done(f"object_{name}", comment, code, object=obj, body=body_of(what),
             record_objects=recorded or f"{code} a", **fields)

    two = ["a finance", "b finance label=secret"]
    one("under_another_header", "stanza-auth", "the set of one object, the header of another",
        two, "a set=b", "stanza-auth a")
    one("under_another_label", "stanza-auth", "a label that is easier to get",
        two, "b set=a", "stanza-auth b")
    one("header_changed", "stanza-auth", "one bit of the core header's salt", what="a core^40",
        recorded="stanza-auth a core^40")
    one("commitment_changed", "stanza-auth", "one bit of the share commitment",
        what="a core^76", recorded="stanza-auth a core^76")
    one("commitment_of_another", "share-commitment",
        "the header commits to another share than the stanza has", "a finance wrong-commitment")
    one("set_mac", "set-mac", "one bit of the set MAC", what="a set^-1")
    one("set_mac_first", "set-mac", "the first bit of the set MAC", what="a set^-48")
    one("epoch_changed", "set-mac", "an epoch that the set MAC does not cover", what="a set^3",
        recorded="set-mac a epoch=257")
    one("custodian_changed", "set-mac", "another custodian in the stanza", what="a set^44")
    one("stanza_encapsulation", "stanza-auth", "one bit of the encapsulation", what="a set^120")
    one("stanza_encapsulation_form", "stanza-auth", "the point's first byte", what="a set^92")
    one("stanza_share", "stanza-auth", "one bit of the wrapped share", what="a set^-60")
    one("stanza_p384", "stanza-auth", "the same for P-384", "a archive", "a set^-60")
    one("stanza_rsa", "stanza-auth", "the same for RSA: the seed's ciphertext", "a legal",
        "a set^100")
    one("stanza_rsa_share", "stanza-auth", "the wrapped share of an RSA stanza", "a legal",
        "a set^-60")
    one("unknown_key", "unknown-key", "no stanza for a key of the service", "a stranger")
    one("magic", "object-malformed", "the magic of the core header", what="a core^0",
        recorded="object-malformed -")
    one("version", "object-malformed", "another version", what="a core^9",
        recorded="object-malformed -")
    one("core_cut", "object-malformed", "a core header without its last byte",
        what="a core-1", recorded="object-malformed -")
    one("core_longer", "object-malformed", "a core header with a byte behind it",
        what="a core+1", recorded="object-malformed -")
    one("set_cut", "object-malformed", "a set without its last byte", what="a set-1",
        recorded="object-malformed -")
    one("set_longer", "object-malformed", "a set with a byte behind it", what="a set+1",
        recorded="object-malformed -")
    one("set_of_provider", "unknown-key", "the provider's set, with no key of this service",
        what="a set=provider")
    one("stanza_count", "object-malformed", "no stanza", what="a set^5",
        recorded="object-malformed -")


def states():
    def state(name, code, comment, *acts):
        key = name.replace("_", "-")
        done(f"key_{name}", comment, code, spec="5.3",
             prepare=[f"key create {key} p256", f"object a {key}", *(act.replace("KEY", key)
                                                                     for act in acts)],
             object=None, record_objects=f"{code} a")

    state("disabled", "key-disabled", "a disabled key", "key disable KEY")
    state("enabled_again", "ok", "enabled again", "key disable KEY", "key enable KEY")
    state("version_disabled", "key-disabled", "only this version is disabled",
          "key rotate KEY p256", "key disable KEY 1")
    state("other_version_disabled", "ok", "another version is disabled",
          "key rotate KEY p256", "key disable KEY 2")
    state("destroyed", "key-destroyed", "a destroyed version", "key destroy KEY 1")
    state("disabled_and_destroyed", "key-destroyed", "destroyed counts first",
          "key disable KEY", "key destroy KEY 1")
    state("frozen", "key-frozen", "the key is frozen", "freeze KEY")
    state("other_frozen", "ok", "another key is frozen",
          "key create other-frozen-2 p256", "freeze other-frozen-2")
    state("unfrozen", "ok", "frozen and unfrozen", "freeze KEY", "unfreeze KEY")
    refused("frozen", "6", "frozen", "all releases are stopped", prepare="freeze")
    done("unfrozen", "and go on", prepare=["freeze", "unfreeze"])


def policies():
    def policy(name, spec, objects, comment, text, **fields):
        done(f"policy_{name}", comment, objects, spec=spec, prepare=f"policy {text}", **fields)

    policy("denies", "6", "policy", "no rule allows it",
           'rule "r" { keys = {"*"} users = {"carol"} allow = true }', record_objects="policy a")
    policy("label", "6", "policy ok", "one label is allowed, the other is not",
           ANYBODY % 'labels = {"open"}', object=["a finance label=secret", "b finance label=open"],
           body=body_of("a", "b"), record_objects="policy a, ok b", absent="share a, share b")
    policy("budget", "6", "ok ok", "as many as the budget has", ANYBODY % "per-day = 2",
           body=body_of("a", "a"))
    refused("policy_over_budget", "6", "budget", "more than the budget has, so none",
            429, prepare="policy " + ANYBODY.replace('"r"', '"over"') % "per-day = 2",
            body=body_of("a", "a", "a"))
    policy("certificate_required", "6", "certificate-required", "no client certificate is shown",
           ANYBODY % 'client-certificate = {"*"}')
    policy("token_required", "6", "token-required", "no token is shown",
           ISSUER + ANYBODY % 'tokens = {"corp"}')
    policy("approval_required", "6.1", "approval-required", "nobody approved",
           ANYBODY % 'approvals = 1 approvers = {"bob"}')


def approvals():
    two = "policy " + ANYBODY % 'approvals = 2 approvers = {"bob", "dora"}'
    people = ["enrol dora dora"]

    def approved(name, objects, comment, value, factors="device approval approval", made="now"):
        done(f"approvals_{name}", comment, objects, spec="6.1", prepare=people + [two],
             change={"Doublekey-Approvals": value,
                     "Signature-Input": "dk=" + STANDARD.replace("now", made)},
             record_factors=factors, record_note="audit")

    def wrong(name, comment, value):
        refused(f"approvals_{name}", "6.1", "approval", comment, prepare=people + [two],
                change={"Doublekey-Approvals": value})

    good = ":{approvals audit bob@now dora@now}:"
    approved("two", "ok", "both approved exactly this request", good)
    approved("one", "approval-required", "one of them did", ":{approvals audit bob@now}:",
             "device approval")
    approved("self", "approval-required", "who asks does not count",
             ":{approvals audit bob@now alice@now}:")
    approved("an_hour_ago", "ok", "people take longer than programs",
             ":{approvals audit bob@now dora@now-1700}:", made="now-1700")
    wrong("other_request", "approvals of another request", ":{approvals audit bob@now/other}:")
    wrong("other_user", "who asks was shown under another name",
          ":{approvals audit bob@now/user}:")
    wrong("other_reason", "another reason was shown", ":{approvals audit bob@now/reason}:")
    wrong("ahead", "a time ahead of the clock", ":{approvals audit bob@now+1000}:")
    wrong("before_the_request", "approved long before it was made",
          ":{approvals audit bob@now-1000}:")
    wrong("unknown_device", "of a device that is not enrolled", ":{approvals audit nobody@now}:")
    wrong("twice", "one device twice", ":{approvals audit bob@now bob@now}:")
    wrong("order", "key ids that do not ascend", ":{approvals-reversed audit bob@now dora@now}:")
    wrong("no_reason", "without a reason", ":{approvals - bob@now}:")
    wrong("none", "a list of nobody", ":{approvals audit}:")
    wrong("signature", "one bit of the last signature", ":{approvals audit bob@now ^-1}:")
    wrong("magic", "another magic", ":{approvals audit bob@now ^3}:")
    wrong("longer", "a byte behind them", ":{approvals audit bob@now +1}:")
    wrong("cut", "without the last byte", ":{approvals audit bob@now -1}:")
    unrecorded("approvals_no_colon", "6.1", 403, "approval", "not a byte sequence of RFC 8941",
               {"Doublekey-Approvals": "{approvals audit bob@now}"})
    unrecorded("approvals_empty", "6.1", 403, "approval", "an empty one",
               {"Doublekey-Approvals": "::"})
    refused("approvals_too_old", "6.1", "clock", "with approvals, but older than an hour",
            prepare=people + [two],
            change={"Signature-Input": "dk=" + STANDARD.replace("now", "now-3700"),
                    "Doublekey-Approvals": ":{approvals audit bob@now dora@now}:"})


# ---- section 3 ----

def signatures():
    refused("replay", "3", "replay", "the same request again, byte for byte", send=2)
    refused("clock_behind", "3", "clock", "made more than 300 seconds ago",
            change={"Signature-Input": "dk=" + STANDARD.replace("now", "now-400")})
    refused("clock_hours_behind", "3", "clock", "a clock that is an hour behind",
            change={"Signature-Input": "dk=" + STANDARD.replace("now", "now-3600")})
    refused("clock_zero", "3", "clock", "1970",
            change={"Signature-Input": "dk=" + STANDARD.replace("{now}", "0")})
    refused("clock_ahead", "3", "clock", "made more than 60 seconds from now",
            change={"Signature-Input": "dk=" + STANDARD.replace("now", "now+120")})
    refused("clock_far_ahead", "3", "clock", "the last second that can be written",
            change={"Signature-Input": "dk=" + STANDARD.replace("{now}", str(2**40 - 1))})

    def forged(name, comment, **fields):
        refused(f"signature_{name}", "3", "signature", comment, known=False, **fields)

    forged("other_target", "signed for another service",
           signed_target="https://keys.example.org:8443/v1/release")
    forged("other_path", "signed for another path", signed_target="{base-url}/v1/devices")
    forged("other_case", "the host in capitals", signed_target="HTTPS://{host}/v1/release")
    forged("other_method", "signed for GET", signed_method="GET")
    forged("other_body", "signed for another body", signed_body="444b5231")
    forged("other_objects", "signed for another object", object=["a finance", "b finance"],
           signed_body=body_of("b"))
    forged("other_device", "signed by another enrolled device", signed_by="bob")
    forged("stranger", "signed by a device that is not enrolled", signed_by="stranger")
    forged("one_bit", "one bit of the signature", signature="{good ^5}")
    forged("last_bit", "the last bit of the signature", signature="{good ^63}")
    forged("zero", "a signature of zeros", signature="00" * 64)
    forged("r_zero", "r is 0", signature="00" * 32 + "{good 32..64}")
    forged("s_zero", "s is 0", signature="{good 0..32}" + "00" * 32)
    forged("s_order", "s is the order of the group", signature="{good 0..32}" + ORDER)
    forged("r_ones", "r is larger than the order", signature="ff" * 32 + "{good 32..64}")
    forged("swapped", "s and r", signature="{good 32..64}{good 0..32}")
    forged("created_changed", "another time than the signed one",
           signed_params=STANDARD.replace("now", "now-2"))
    refused("unknown_device", "3", "unknown-device", "a key id that is not enrolled", known=False,
            **{"from": "stranger"})
    refused("unknown_device_zero", "3", "unknown-device", "a key id of zeros", known=False,
            change={"Signature-Input": "dk=" + STANDARD.replace("{keyid}", "0" * 64)})
    refused("device_revoked", "3", "device-revoked", "a revoked device",
            prepare=["enrol lost alice", "revoke lost"], **{"from": "lost"})
    refused("device_revoked_old", "3", "device-revoked", "revoked counts before the time",
            prepare=["enrol stolen alice", "revoke stolen"], **{"from": "stolen"},
            change={"Signature-Input": "dk=" + STANDARD.replace("now", "now-400")})


def inputs():
    def bad(name, comment, value, **more):
        unrecorded(f"input_{name}", "3", 400, "signature-input", comment,
                   {"Signature-Input": value} | more)

    def changed(name, comment, old, new):
        assert old in STANDARD
        bad(name, comment, "dk=" + STANDARD.replace(old, new))

    bad("missing", "no Signature-Input", None)
    bad("empty", "an empty one", "dk=")
    bad("label", "another label", "sig1=" + STANDARD)
    bad("no_label", "without a label", STANDARD)
    bad("two_labels", "a second signature", "dk=" + STANDARD + ", b=" + STANDARD[:60] + ")")
    bad("trailing", "something behind it", "dk=" + STANDARD + ";alg=x")
    bad("semicolon", "a semicolon behind it", "dk=" + STANDARD + ";")
    changed("no_method", "the method is not covered", '"@method" ', "")
    changed("no_target", "the target is not covered", ' "@target-uri"', "")
    changed("no_digest", "the content digest is not covered", ' "content-digest"', "")
    changed("order", "components in another order", '"@method" "@target-uri"',
            '"@target-uri" "@method"')
    changed("more", "one more component", '"content-digest"', '"content-digest" "host"')
    changed("path", "the path instead of the target", "@target-uri", "@path")
    changed("capital", "a component in capitals", "content-digest", "Content-Digest")
    changed("two_blanks", "two blanks", '"@method" "', '"@method"  "')
    changed("blank", "a blank behind the list", ");", ") ;")
    changed("no_created", "no creation time", ";created={now}", "")
    changed("created_text", "the time as text", "{now}", '"{now}"')
    changed("created_zero", "a zero before the time", "{now}", "0{now}")
    changed("created_sign", "a sign before it", "{now}", "+{now}")
    changed("created_negative", "a negative time", "{now}", "-1")
    changed("created_fraction", "a fraction", "{now}", "{now}.0")
    changed("created_large", "2^40", "{now}", str(2**40))
    changed("created_huge", "2^64 + now", "{now}", str(2**64 + 1924992000))
    changed("no_nonce", "no nonce", ';nonce="{nonce}"', "")
    changed("nonce_short", "31 digits", "{nonce}", "{nonce 1..32}")
    changed("nonce_long", "33 digits", "{nonce}", "{nonce}0")
    changed("nonce_capital", "capital digits", "{nonce}", "ABCDEF" + "0" * 26)
    changed("nonce_other", "not digits", "{nonce}", "g" * 32)
    changed("nonce_bare", "without quotes", '"{nonce}"', "{nonce}")
    changed("no_keyid", "no key id", ';keyid="{keyid}"', "")
    changed("keyid_short", "63 digits", "{keyid}", "{keyid 1..64}")
    changed("keyid_capital", "capital digits", "{keyid}", "ABCDEF" + "0" * 58)
    changed("parameters_order", "parameters in another order", ';nonce="{nonce}";keyid="{keyid}"',
            ';keyid="{keyid}";nonce="{nonce}"')
    changed("expires", "one more parameter", ";nonce=", ";expires={now+60};nonce=")
    changed("alg", "an algorithm", ";nonce=", ';alg="ecdsa-p256-sha256";nonce=')

    def sig(name, comment, value):
        unrecorded(f"signature_form_{name}", "3", 400, "signature-input", comment,
                   {"Signature": value})

    sig("missing", "no Signature", None)
    sig("empty", "an empty one", "dk=::")
    sig("label", "another label", "sig1=:{signature}:")
    sig("no_colon", "without the last colon", "dk=:{signature}")
    sig("no_first_colon", "without the first colon", "dk={signature}:")
    sig("bare", "without a label", ":{signature}:")
    sig("der", "in DER", "dk=:{signature-der}:")
    sig("short", "63 bytes", "dk=:{signature -1}:")
    sig("long", "65 bytes", "dk=:{signature +1}:")
    sig("no_padding", "base64 without padding", "dk=:{signature nopad}:")
    sig("url_letters", "base64url", "dk=:" + "_" * 86 + "==:")
    sig("blank", "a blank inside", "dk=: {signature}:")
    sig("unused_bits", "unused bits of base64 that are set",
        "dk=:" + ZERO_SIGNATURE[:85] + "B==:")
    sig("hex", "in hex", "dk=:" + "00" * 64 + ":")


def digests():
    def bad(name, comment, value):
        unrecorded(f"digest_{name}", "3", 400, "content-digest", comment,
                   {"Content-Digest": value})

    zero = base64.b64encode(bytes(32)).decode()
    bad("missing", "no Content-Digest", None)
    bad("wrong", "not that of the body", f"sha-256=:{zero}:")
    bad("sha512", "another hash", f"sha-512=:{base64.b64encode(bytes(64)).decode()}:")
    bad("capital", "in capitals", "SHA-256=:" + zero + ":")
    bad("short", "31 bytes", f"sha-256=:{base64.b64encode(bytes(31)).decode()}:")
    bad("bare", "without the hash's name", ":" + zero + ":")
    bad("two", "two hashes", "{content-digest}, {content-digest}")
    bad("no_colon", "without the last colon", "sha-256=:" + zero)
    unrecorded("digest_other_body", "3", 400, "content-digest",
               "another body than that of digest and signature", sent_body=None,
               object=["a finance", "b finance"], body=body_of("b"), signed_body=body_of("a"),
               change={"Content-Digest": "{signed-digest}"}, absent="share a, share b")


def tokens():
    covered = STANDARD.replace('"content-digest")', '"content-digest" "doublekey-token-digest")')
    text = "not.a.token"
    both = {"Authorization": "Bearer " + text, "Doublekey-Token-Digest": "{token-digest}",
            "Signature-Input": "dk=" + covered}
    done("token_does_not_hold", "one that is no token", "token", spec="3.1", change=both,
         token=text, record_factors="device")
    done("token_other_digest", "a token of another digest", "token", spec="3.1",
         change=both | {"Authorization": "Bearer another.one.still"}, token=text,
         record_factors="device")

    def bad(name, comment, **change):
        unrecorded(f"token_{name}", "3.1", 400, "signature-input", comment,
                   both | {key.replace("_", "-"): value for key, value in change.items()},
                   token=text)

    bad("no_digest", "a token without its digest", Doublekey_Token_Digest=None)
    bad("no_token", "a digest without the token", Authorization=None)
    bad("not_covered", "token and digest that the signature does not cover",
        Signature_Input="dk=" + STANDARD)
    bad("covered_only", "covered, but neither is there", Authorization=None,
        Doublekey_Token_Digest=None)
    bad("basic", "another scheme", Authorization="Basic " + text)
    bad("scheme_case", "the scheme in small letters", Authorization="bearer " + text)
    bad("digest_form", "a digest of another form", Doublekey_Token_Digest="sha-256=::")
    bad("empty", "an empty token", Authorization="Bearer ")


# ---- bodies ----

def bodies():
    def malformed(name, comment, body, **fields):
        refused(f"body_{name}", "6", "malformed-request", comment, 400, body=body, **fields)

    malformed("magic", "another magic", "444b5232 0001 {recipient} 0001 {object a}")
    malformed("no_objects", "no object", "444b5231 0001 {recipient} 0000")
    malformed("count_more", "fewer objects than stated", "444b5231 0001 {recipient} 0002 {object a}")
    malformed("count_less", "more objects than stated",
              "444b5231 0001 {recipient} 0001 {object a} {object a}")
    malformed("count_1001", "1,001 objects", "444b5231 0001 {recipient} 03e9 {object a *1001}")
    malformed("trailing", "a byte behind it", "444b5231 0001 {recipient} 0001 {object a} 00")
    malformed("cut", "without the last byte", "444b5231 0001 {recipient} 0001 {object a -1}")
    malformed("head_only", "less than its head", "444b5231 0001 {recipient}")
    malformed("one_byte", "one byte", "44")
    malformed("core_length", "a length behind the end",
              "444b5231 0001 {recipient} 0001 ffff 00000000")
    malformed("set_length", "a set longer than any header",
              "444b5231 0001 {recipient} 0001 0000 00040001")
    malformed("set_length_ones", "a length of ones", "444b5231 0001 {recipient} 0001 0000 ffffffff")
    done("body_empty_parts", "an object of nothing", "object-malformed",
         body="444b5231 0001 {recipient} 0001 0000 00000000", record_objects="object-malformed -")

    def recipient(name, comment, head):
        refused(f"recipient_{name}", "6", "recipient", comment, 400, body=body_of("a", head=head))

    recipient("type_p384", "a type that is not taken", "444b5231 0002 {recipient}")
    recipient("type_zero", "no type", "444b5231 0000 {recipient}")
    recipient("type_hybrid", "the reserved hybrid type", "444b5231 0010 {recipient}")
    recipient("off_curve", "a point that is not on the curve", "444b5231 0001 {recipient ^64}")
    recipient("compressed", "the first byte of a compressed point",
              "444b5231 0001 02 {recipient 1..65}")
    recipient("hybrid_point", "the first byte of a hybrid point",
              "444b5231 0001 06 {recipient 1..65}")
    recipient("infinity", "zeros", "444b5231 0001 " + "00" * 65)
    refused("recipient_before_frozen", "6", "recipient", "the ephemeral key counts before the freeze",
            400, body=body_of("a", head="444b5231 0002 {recipient}"), prepare="freeze")
    for name, comment, change in (
            ("type_missing", "no Content-Type", {"Content-Type": None}),
            ("type_json", "another type", {"Content-Type": "application/json"}),
            ("type_parameter", "a parameter", {"Content-Type": "application/doublekey; v=1"})):
        unrecorded(f"body_{name}", "1", 400, "malformed-request", comment, change)
    unrecorded("body_empty", "1", 400, "malformed-request", "no body", {"Content-Length": "0"},
               body="")


# ---- section 1 ----

def transport():
    def http(name, comment, bare=None, **change):
        unrecorded(f"http_{name}", "1", 400, "http", comment,
                   {key.replace("_", "-"): value for key, value in change.items()},
                   bare=bare, closes="yes")

    http("no_host", "no Host", Host=None)
    http("two_hosts", "two Hosts", Host=["{host}", "keys.example.org"])
    http("two_hosts_equal", "two equal Hosts", Host=["{host}", "{host}"])
    http("two_lengths", "two equal lengths", Content_Length=["{length}", "{length}"])
    http("length_list", "a list of lengths", Content_Length="{length}, {length}", bare="allowed")
    http("length_sign", "a sign before the length", Content_Length="+{length}", bare="allowed")
    http("length_and_chunked", "a length and chunks", Transfer_Encoding="chunked", bare="allowed")
    http("two_codings", "two codings", Content_Length=None,
         Transfer_Encoding=["chunked", "chunked"], bare="allowed")
    http("chunked", "the body comes in chunks", Content_Length=None, Transfer_Encoding="chunked")
    http("coding_gzip", "another coding", Content_Length=None, Transfer_Encoding="gzip, chunked",
         bare="allowed")
    for header in ("Content-Type", "Content-Digest", "Signature", "Signature-Input"):
        first = dict(line.split(": ", 1) for line in headers({}))[header]
        http("two_" + header.lower().replace("-", "_"), f"{header} twice",
             **{header.replace("-", "_"): [first, first]})
    for header in ("Authorization", "Doublekey-Token-Digest", "Doublekey-Approvals"):
        http("two_" + header.lower().replace("-", "_"), f"{header} twice",
             **{header.replace("-", "_"): ["x", "x"]})

    def get(name, expect, comment, target, method="GET", spec="1", **fields):
        lines = [f"{method} {target} HTTP/1.1", "Host: {host}"]
        vector(name, spec, expect, comment, lines, record="none", **fields)

    get("status", "200 ok", "the service is there", "/v1/status",
        answer_type="application/json", answer='{"status":"ok"}')
    get("ca", "200 ok", "the CA certificate", "/v1/ca", answer_type="application/pkix-cert",
        answer="{ca}", spec="4")
    get("not_found", "404 not-found", "no such path", "/v2/status")
    get("not_found_root", "404 not-found", "the root", "/")
    get("not_found_slash", "404 not-found", "a slash behind it", "/v1/status/")
    get("not_found_query", "404 not-found", "a query", "/v1/status?x=1")
    get("not_found_encoded", "404 not-found", "an encoded letter", "/v1/%73tatus")
    get("not_found_dots", "404 not-found", "dots", "/v1/../v1/status")
    get("not_found_case", "404 not-found", "capitals", "/V1/status")
    get("method_release", "405 method", "GET of a release", "/v1/release")
    get("method_approvals", "405 method", "GET of approvals", "/v1/approvals")
    get("method_devices", "405 method", "GET of an enrolment", "/v1/devices")
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        get(f"method_{method.lower()}", "405 method", f"{method} of the status", "/v1/status",
            method)
    get("method_head", "405 method", "HEAD of the status", "/v1/status", "HEAD")
    vector("method_post_key", "1", "405 method", "POST to a key",
           ["POST /v1/keys/finance HTTP/1.1", "Host: {host}", "Content-Length: 0"], record="none")
    get("key", "200 ok", "a key of one version", "/v1/keys/finance", spec="5",
        answer_type="application/doublekey", statement="finance 1:active:p256")
    get("key_p384", "200 ok", "a key of another type", "/v1/keys/archive", spec="5",
        statement="archive 1:active:p384")
    get("key_rsa", "200 ok", "an RSA key", "/v1/keys/legal", spec="5",
        statement="legal 1:active:rsa3072")
    get("key_versions", "200 ok", "all versions in all states", "/v1/keys/states", spec="5",
        prepare=["key create states p256", "key rotate states p384", "key rotate states p256",
                 "key rotate states rsa3072", "key disable states 2", "key destroy states 3"],
        statement="states 1:active:p256 2:disabled:p384 3:destroyed:p256 4:active:rsa3072")
    get("key_unknown", "404 unknown-key", "no such key", "/v1/keys/nothing", spec="5")
    for name, text in (("empty", ""), ("capital", "Finance"), ("dot", ".finance"),
                       ("slash", "finance/"), ("encoded", "financ%65"), ("query", "finance?x"),
                       ("long", "f" * 65)):
        get(f"key_name_{name}", "404 unknown-key", f"no name of a key: {name}",
            f"/v1/keys/{text}", spec="1")
    get("log_checkpoint", "200 ok", "the checkpoint", "/log/checkpoint", spec="1",
        answer_type="text/plain; charset=utf-8", cache="no-cache", checkpoint="yes")
    for name, path in (("nothing", ""), ("store", "log.db"), ("key", "log.key"),
                       ("dots", "../log.key"), ("tile_dots", "tile/../log.key"),
                       ("tile_far", "tile/0/x999/x999/999"), ("tile_form", "tile/0/0"),
                       ("long", "x" * 65)):
        get(f"log_{name}", "404 not-found", f"no file of the log: {name}", f"/log/{path}",
            spec="1")
    for name, path in (("status", "/v1/status"), ("ca", "/v1/ca"), ("key", "/v1/keys/finance"),
                       ("checkpoint", "/log/checkpoint"), ("tile", "/log/tile/0/000.p/1")):
        vector(f"http_{name}_no_host", "1", "400 http", f"no Host: {name}",
               [f"GET {path} HTTP/1.1"], closes="yes", record="none")
    vector("http_devices_no_host", "1", "400 http", "no Host: devices",
           ["POST /v1/devices HTTP/1.1", "Content-Type: application/doublekey",
            "Content-Length: {length}"], body="444b4531", closes="yes", record="none")
    get("tile", "200 ok", "a tile of hashes", "/log/tile/0/{first-tile}", spec="1",
        answer_type="application/octet-stream", cache=UNCHANGING)
    get("tile_entries", "200 ok", "an entry bundle", "/log/tile/entries/{first-tile}",
        spec="1", answer_type="application/octet-stream", cache=UNCHANGING)
    get("tile_behind", "404 not-found", "a tile that the tree does not have",
        "/log/tile/5/000.p/1", spec="1")
    unrecorded("too_large", "6", 413, "too-large", "a body of one byte more than it may have",
               {"Content-Length": "4194305"}, body="{zeros 4194305}", bare="allowed",
               closes="yes")
    unrecorded("too_large_stated", "6", 413, "too-large", "a length of 100 MiB, nothing behind it",
               {"Content-Length": "104857600"}, body="444b5231", bare="allowed",
               closes="yes")


# ---- POST /v1/presence ----

def presences():
    start = "POST /v1/presence HTTP/1.1"
    here, nowhere = "00000000000000000000ffff7f000001", "00" * 16  # the client's address
    begin, stop, look = (f"444b5031 {what} {at}" for what, at in
                          (("01", here), ("02", here), ("03", nowhere)))

    def presence(name, expect, comment, change=None, what=begin, **fields):
        fields = {"object": None, "body": what, "absent": None, "record": "none"} | fields
        release(f"presence_{name}", "3", expect, comment, change, start, **fields)

    opened = {"record": "session", "record_device": "{keyid}", "record_front_end": "native",
              "record_factors": "device", "record_address": "{client-address}"}
    presence("open", "200 ok", "a session", record_note="opened", **opened)
    presence("close", "200 ok", "closed, whether there was one or not", what=stop,
             record_note="closed", **opened)
    presence("status", "200 ok", "what is open", what=look)
    presence("status_frozen", "200 ok", "nothing is released by it", what=look,
             prepare="freeze")
    presence("status_twice", "200 ok", "it uses nothing up", what=look, send=2)
    presence("replay", "403 replay", "the same request again, byte for byte", send=2)
    presence("address", "403 policy", "signed for another address",
             what=f"444b5031 01 {here[:-2]}02")
    presence("frozen", "403 frozen", "all releases are stopped", prepare="freeze")
    presence("clock", "403 clock", "made more than 300 seconds ago",
             {"Signature-Input": "dk=" + STANDARD.replace("now", "now-400")})
    presence("clock_ahead", "403 clock", "made more than 60 seconds from now",
             {"Signature-Input": "dk=" + STANDARD.replace("now", "now+120")})
    presence("unknown_device", "403 unknown-device", "a device that is not enrolled",
             **{"from": "stranger"})
    presence("revoked", "403 device-revoked", "a revoked device",
             prepare=["enrol absent alice", "revoke absent"], **{"from": "absent"})
    presence("signature", "403 signature", "one bit of the signature", signature="{good ^5}")
    presence("of_another", "403 signature", "signed by another enrolled device", signed_by="bob")
    presence("of_a_release", "403 signature", "what was signed for a release",
             signed_target="{base-url}/v1/release")
    presence("other_body", "403 signature", "signed to look only", signed_body=look)
    for name, what in (("what_0", f"444b5031 00 {here}"), ("what_4", f"444b5031 04 {here}"),
                       ("cut", begin[:-2]), ("longer", begin + "00"),
                       ("magic", f"444b5032 01 {here}"), ("nowhere", f"444b5031 01 {nowhere}"),
                       ("status_somewhere", f"444b5031 03 {here}")):
        presence(name, "400 malformed-request", "another layout", what=what)
    presence("type", "400 malformed-request", "no Content-Type", {"Content-Type": None})
    presence("input", "400 signature-input", "no Signature-Input", {"Signature-Input": None})
    presence("digest", "400 content-digest", "the digest of another body",
             signed_body=stop, change={"Content-Digest": "{signed-digest}"})
    presence("token", "400 signature-input", "a token, which is not for it",
             {"Signature-Input": "dk=" + STANDARD.replace(
                 '"content-digest"', '"content-digest" "doublekey-token-digest"')})
    presence("too_large", "413 too-large", "a body of 65 bytes", what="{zeros 65}", closes="yes")
    presence("no_host", "400 http", "no Host", {"Host": None}, closes="yes")


# ---- section 4 ----

def enrolments():
    parts = ["444b4531", "{code-id c}", "{short carol}", "{short laptop}", "{spki new}",
             "{possession new}", "{mac c}"]

    def enrol(name, expect, comment, change=None, prepare=("code c carol",), extra="", **fields):
        body = " ".join((change or {}).get(i, part) for i, part in enumerate(parts)) + extra
        recorded = {"record": "denial", "record_reason": expect.split()[1]}
        if expect == "200 ok":
            recorded = {"record": "device-enrolled", "record_user": "carol",
                        "record_device": "{keyid new}", "record_device_name": "laptop",
                        "record_factors": "code", "record_address": "{client-address}"}
        vector(f"enrol_{name}", "4", expect, comment,
               ["POST /v1/devices HTTP/1.1", "Host: {host}",
                "Content-Type: application/doublekey", "Content-Length: {length}"],
               prepare=list(prepare), body=body, **(recorded | {"absent": "code c"} | fields))

    bad = "403 enrol-code"
    enrol("good", "200 ok", "a new device")
    enrol("name_64", "200 ok", "a name of 64 bytes", {3: "{short %s}" % ("n" * 64)},
          record_device_name="n" * 64)
    enrol("twice", bad, "a code is good once", send=2)
    enrol("code_unknown", bad, "a code that nobody made", {1: "00" * 16})
    enrol("code_of_another", bad, "a MAC with the code of somebody else",
          {6: "{mac d}"}, ("code c carol", "code d dora"), absent="code c, code d")
    enrol("user_other", bad, "a user for whom the code was not made", {2: "{short dora}"})
    enrol("mac_first_bit", bad, "the first byte of the MAC", {6: "{mac c ^0}"})
    enrol("mac_last_bit", bad, "the last byte of the MAC", {6: "{mac c ^47}"})
    enrol("mac_zero", bad, "a MAC of zeros", {6: "00" * 48})
    enrol("mac_server", bad, "a MAC with the key of the service", {6: "{mac-server c}"})
    enrol("possession_bit", bad, "one bit of the signature", {5: "{possession new ^7}"})
    enrol("possession_zero", bad, "a signature of zeros", {5: "00" * 64})
    enrol("possession_of_another", bad, "signed by another key", {5: "{possession other}"})
    enrol("key_p384_header", bad, "no key of P-256", {4: "{spki new ^10}"})
    enrol("key_off_curve", bad, "a point that is not on the curve", {4: "{spki new ^90}"})
    enrol("device_exists", "409 device-exists", "the key of an enrolled device",
          {4: "{spki alice}", 5: "{possession alice}"})
    enrol("revoked_again", "409 device-exists", "the key of a revoked device",
          {4: "{spki gone}", 5: "{possession gone}"},
          ("enrol gone carol", "revoke gone", "code c carol"))
    layout = "400 malformed-request"
    enrol("magic", layout, "another magic", {0: "444b4532"})
    enrol("user_empty", layout, "an empty user", {2: "00"})
    enrol("user_capital", layout, "no name of a user", {2: "{short Carol}"})
    enrol("user_65", layout, "a user of 65 bytes", {2: "{short %s}" % ("u" * 65)})
    enrol("user_zero_byte", layout, "a zero byte in the user", {2: "06 6361726f6c00"})
    enrol("name_empty", layout, "an empty name", {3: "00"})
    enrol("name_65", layout, "a name of 65 bytes", {3: "{short %s}" % ("n" * 65)})
    enrol("name_control", layout, "a line end in the name", {3: "02 410a"})
    enrol("name_utf8", layout, "a name that is not UTF-8", {3: "02 c328"})
    enrol("cut", layout, "without the last byte", {6: "{mac c -1}"})
    enrol("trailing", layout, "a byte behind it", extra=" 00")
    enrol("magic_only", layout, "four bytes", {i: "" for i in range(1, 7)})
    vector("enrol_type", "1", "400 malformed-request", "no Content-Type",
           ["POST /v1/devices HTTP/1.1", "Host: {host}", "Content-Length: {length}"],
           body="444b4531", record="none")
    vector("enrol_too_large", "1", "413 too-large", "a body of 4,097 bytes",
           ["POST /v1/devices HTTP/1.1", "Host: {host}", "Content-Type: application/doublekey",
            "Content-Length: {length}"], body="{zeros 4097}", record="none")


# ---- section 6.2 ----

def standing():
    what = "444b4e31"
    approval = ["444b5631", "01", "11" * 32, "02", "0000012c", "{short alice@contoso.com}",
                "{short TestKey1}", "{short office}", "00"]

    def one(name, expect, comment, body=what, change=None, **fields):
        fields = {"signed_target": "{base-url}/v1/approvals"} | fields
        vector(f"standing_{name}", "6.2", expect, comment,
               ["POST /v1/approvals HTTP/1.1"] + headers(change or {}), body=body, record="none",
               **fields)

    def approve(name, expect, comment, parts, extra=""):
        made = [parts.get(i, part) for i, part in enumerate(approval)]
        one(name, expect, comment, [" ".join(made[:7]), " ".join(made[7:]) + extra])

    one("list", "200 ok", "nobody asked", answer_type="application/doublekey")
    approve("no_rule", "403 policy", "there is no such rule", {})
    approve("key", "403 policy", "the same of a key", {1: "02", 2: "00" * 32})
    layout = "400 malformed-request"
    one("magic", layout, "another magic", "444b4e32")
    one("list_longer", layout, "a byte behind it", what + " 00")
    for name, comment, parts in (
            ("scope_0", "no scope", {1: "00"}), ("scope_3", "both scopes", {1: "03"}),
            ("no_document", "a document of zeros", {2: "00" * 32}), ("key_document", "a key with a document", {1: "02"}),
            ("needed_0", "no approval needed", {3: "00"}), ("needed_9", "nine needed", {3: "09"}),
            ("hours_0", "for no hour", {4: "00000000"}), ("hours_long", "for 8,785 hours", {4: "00002251"}),
            ("person_empty", "nobody", {5: "00"}), ("person_blank", "a blank in the person", {5: "03 612062"}),
            ("person_control", "a control character in the person", {5: "02 610a"}),
            ("key_empty", "no key", {6: "00"}), ("key_slash", "no name of a key", {6: "{short a/b}"}),
            ("rule_empty", "no rule", {7: "00"}), ("rule_65", "a title of 65 bytes", {7: "{short %s}" % ("r" * 65)}),
            ("reason_201", "a reason of 201 bytes", {8: "{short %s}" % ("r" * 201)}),
            ("reason_utf8", "a reason that is not UTF-8", {8: "02 c328"})):
        approve(name, layout, comment, parts)
    approve("longer", layout, "a byte behind it", {}, " 00")
    approve("cut", layout, "without the last byte", {8: ""})
    one("target", "403 signature", "signed for a release", signed_target="{base-url}/v1/release")
    one("stranger", "403 unknown-device", "a device that is not enrolled", **{"from": "stranger"})
    one("revoked", "403 device-revoked", "a revoked device",
        prepare=["enrol given alice", "revoke given"], **{"from": "given"})
    one("clock", "403 clock", "made more than 300 seconds ago",
        change={"Signature-Input": "dk=" + STANDARD.replace("now", "now-400")})
    one("digest", "400 content-digest", "no digest", change={"Content-Digest": None})
    one("input", "400 signature-input", "no Signature-Input", change={"Signature-Input": None})
    one("no_host", "400 http", "no Host", change={"Host": None}, closes="yes")
    one("too_large", "413 too-large", "a body of 4,097 bytes", "{zeros 4097}")


for function in (releases, objects, states, policies, approvals, signatures, inputs, digests,
                 tokens, bodies, transport, presences, enrolments, standing):
    function()
