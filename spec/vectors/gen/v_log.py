# SPDX-License-Identifier: Apache-2.0
"""Notes, keys, policies and consistency proofs of logs: what a verifier must take, and
refuse. Vectors with `published` in their names are of others: examples of C2SP
signed-note, checkpoints of public logs, keys of their witnesses."""

import base64
import hashlib

from reader import log, note
from world import ORIGIN, SIGNER, Cosigner, coded, draw

VECTORS = {}
LINE = 240
DASH = log.DASH


def vector(kind, name, spec, expect, comment, parts, /, **lines):
    name = f"{kind}_{name}".replace("-", "_")
    fields = [("spec", spec), ("kind", kind), ("expect", expect)]
    fields += [(key.rstrip("_").replace("_", "-"), value) for key, value in lines.items()]
    parts = [(part, data if isinstance(data, bytes) else data.encode()) for part, data in parts]
    fields += [("part", f"{part} {len(data)}") for part, data in parts] + [("comment", comment)]
    head = "".join(f"{key}: {value}\n" for key, value in fields)
    assert name not in VECTORS and head.isascii(), name
    assert max(map(len, head.splitlines())) <= LINE, head
    VECTORS[name] = head.encode() + b"\n" + b"".join(data for _, data in parts)


# ---- what others published ----

SIGNED_NOTE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SIGNED_NOTE = f"""This is an example message.

{DASH}example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
"""
EMPTY_LINES = f"""Ognuno sta solo sul cuor della terra
trafitto da un raggio di sole:

ed \u00e8 subito sera.

{DASH}quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=
"""
COSIGNED_EXAMPLE = f"""example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

{DASH}example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
{DASH}witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""
REKOR_KEY = ("rekor.sigstore.dev+c0d23d6a+AjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNhtmPtrWm3U1eQXBogS"
             "MdGvXwBcK5AW5i0hrZLOC96l+smGNM7nwZ4QvFK/4sueRoVj//QP22Ni4Qt9DPfkWLc=")
REKOR = f"""Rekor
798034
f+7CoKgXKE/tNys9TTXcr/ad6U/K3xvznmzew9y6SP0=

{DASH}rekor.sigstore.dev wNI9ajBEAiARInWIWyCdyG27CO6LPnPekyw20qO0YJfoaPaowGp/XgIgc+qEHS3+GKVClgqq20uDLet7MCoTURUCRdxwWBHHufk=
"""
PIXEL_KEY = ("pixel6_transparency_log+91c16e30+AjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABN+4x0Jk1yTwvLFI"
             "9A4NDdGZcX0aiWVdWM5XJVy0M4VWD3AvyW5Q6Hs9A0mcDkpUoYgn+KKPNzFC0H3nN3q6JQ8=")
PIXEL = f"""DEFAULT
10
bsWRucJU5xJPHb5eBdOm6+DM+VelCZBuvtI3sHERJ9Y=

{DASH}pixel6_transparency_log kcFuMDBFAiEAhqMAP8P6qf6QxtUJhzMhbN+MbZ9dwfUHzGQJmffJHtoCIGD0cNe47dHWBoPwYdgBCepB06/+g5O1FmYjXl06owL4
"""
ARCHE_KEY = ("arche2025h1.staging.ct.transparency.dev+ba2f06c0+"
             "AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f")
REMORA_KEY = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
NEUMANN_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ARCHE = f"""arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

{DASH}arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
{DASH}arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
{DASH}transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
{DASH}witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
{DASH}remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
{DASH}witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
"""


# ---- what is made here ----

A, B, C, D = (Cosigner(f"witness.example.net/{letter}") for letter in "abcd")
ROOT = draw("root")
TEXT = log.checkpoint_text(ORIGIN, 42, ROOT)
LINES = "".join(SIGNER.lines(TEXT))
LOG_KEY = note.Key(note.ED25519, ORIGIN, SIGNER.keys.ed25519)
LOG_P256 = note.Key(note.ECDSA, ORIGIN, SIGNER.keys.p256)


def notes():
    def one(name, comment, data, key, expect="success", spec="8.1", **lines):
        vector("note", name, spec, expect, comment, [("note", data)],
               key=key if isinstance(key, str) else key.text(), **lines)

    def bad(name, comment, data, key=LOG_KEY, expect="malformed log-note", spec="8.1"):
        one(name, comment, data, key, expect, spec)

    def wrong(name, comment, data, key=LOG_KEY, spec="8.1"):
        bad(name, comment, data, key, "not-authentic log-signature", spec)

    one("published_signed_note", "the example of signed-note", SIGNED_NOTE, SIGNED_NOTE_KEY,
        signatures=1)
    one("published_empty_lines", "empty lines belong to the text; signed by another key",
        EMPTY_LINES, SIGNED_NOTE_KEY, signatures=0)
    one("published_rekor", "ECDSA, a checkpoint of sigstore's log", REKOR, REKOR_KEY, signatures=1)
    one("published_pixel", "ECDSA, a checkpoint of Pixel's log", PIXEL, PIXEL_KEY, signatures=1)
    one("published_arche", "Ed25519 among signatures of other types", ARCHE, ARCHE_KEY, signatures=1)
    one("published_remora", "a cosignature of a public witness", ARCHE, REMORA_KEY, spec="8.2",
        signatures=1, time=1779573024)
    wrong("published_remora_size", "its checkpoint with another size",
          ARCHE.replace("1432088532", "1432088533"), REMORA_KEY, "8.2")
    wrong("published_remora_time", "its cosignature with another time",
          ARCHE.replace("2net5wAAAABqEiEg", "2net5wAAAABqEiEh"), REMORA_KEY, "8.2")
    wrong("published_rekor_size", "its checkpoint with another size",
          REKOR.replace("798034", "798035"), REKOR_KEY)
    one("both_keys", "two signatures, of which this key made one", TEXT + "\n" + LINES, LOG_P256,
        signatures=1)
    one("twice", "two signatures of one key", TEXT + "\n" + LINES + LINES, LOG_KEY, signatures=2)
    one("sixteen", "sixteen signatures of others",
        TEXT + "\n" + "".join(coded(f"w{i}.example.net", draw(f"w{i}", 76)) for i in range(16)) +
        LINES, LOG_KEY, signatures=1)
    one("long_line", "a signature of another type, of 5,000 bytes",
        TEXT + "\n" + coded(ORIGIN, draw("pq") * 156) + LINES, LOG_KEY, signatures=1)
    one("same_id", "the id of the key under another name",
        TEXT + "\n" + coded("other.example.net", LOG_KEY.id + bytes(64)) + LINES, LOG_KEY,
        signatures=1)
    one("same_name", "the name of the key with another id",
        TEXT + "\n" + coded(ORIGIN, draw("old", 68)) + LINES, LOG_KEY, signatures=1)
    one("signatures_64", "64 signatures", TEXT + "\n" + coded("n", draw("n", 68)) * 62 + LINES,
        LOG_KEY, signatures=1)
    bad("signatures_65", "65 signatures", TEXT + "\n" + coded("n", draw("n", 68)) * 63 + LINES)
    wrong("one_of_two", "the second signature of the key does not hold",
          TEXT + "\n" + LINES + coded(ORIGIN, LOG_KEY.id + bytes(64)))
    wrong("short", "a signature of 63 bytes", TEXT + "\n" + coded(ORIGIN, LOG_KEY.id + bytes(63)))
    wrong("not_base64", "the signature of the key is not base64",
          TEXT + "\n" + LINES.replace("=", "!"))
    wrong("other_text", "another text", TEXT.replace("42", "43") + "\n" + LINES)
    for name, comment, data in (
            ("empty", "nothing", ""), ("no_signature", "no signature", TEXT + "\n"),
            ("no_blank", "no empty line", TEXT + LINES),
            ("no_end", "no line end at the end", (TEXT + "\n" + LINES)[:-1]),
            ("blank_end", "an empty line at the end", TEXT + "\n" + LINES + "\n"),
            ("tab", "a control character in the text", "a\tb\n\n" + LINES),
            ("return", "CR LF", (TEXT + "\n" + LINES).replace("\n", "\r\n")),
            ("hyphen", "a hyphen for the dash", TEXT + "\n" + LINES.replace("\u2014", "-")),
            ("no_name", "no name", TEXT + "\n" + DASH + " AAAAAAAAAAA=\n"),
            ("plus", "a plus in a name", TEXT + "\n" + coded("a+b", bytes(68)) + LINES),
            ("space", "a no-break space in a name", TEXT + "\n" + coded("a\u00a0b", bytes(68))),
            ("no_id", "a signature of three bytes", TEXT + "\n" + coded("a", bytes(3)) + LINES),
            ("no_coded", "a name only", TEXT + "\n" + DASH + "a\n" + LINES)):
        bad(name, comment, data)
    bad("utf8", "not UTF-8", b"a\xff\n\n" + LINES.encode())
    bad("overlong", "65,537 bytes", "a" * (65537 - len((TEXT + "\n" + LINES).encode())) + TEXT +
        "\n" + LINES)
    one("longest", "65,536 bytes", "a" * (65536 - len((TEXT + "\n" + LINES).encode())) + TEXT +
        "\n" + LINES.replace(base64.b64encode(LOG_KEY.id)[:4].decode(), "AAAA"), LOG_P256,
        "not-authentic log-signature")

    one("cosignature", "a cosignature", TEXT + "\n" + LINES + A.line(TEXT), A.key, spec="8.2",
        signatures=1, time=1924999990)
    one("cosignature_newest", "two of one witness: the newest time counts", TEXT + "\n" +
        A.line(TEXT, 7) + A.line(TEXT, 9) + A.line(TEXT, 8), A.key, spec="8.2", signatures=3, time=9)
    one("cosignature_zero", "at second 0", TEXT + "\n" + A.line(TEXT, 0), A.key, spec="8.2",
        signatures=1, time=0)
    one("cosignature_last", "the largest time", TEXT + "\n" + A.line(TEXT, 2**63 - 1), A.key,
        spec="8.2", signatures=1, time=2**63 - 1)
    wrong("cosignature_time", "a time above 2^63 - 1", TEXT + "\n" + A.line(TEXT, 2**63), A.key, "8.2")
    wrong("cosignature_plain", "the key signed the text as a log would", TEXT + "\n" + coded(
        A.key.name, A.key.id + bytes(8) + A.private.sign(TEXT.encode())), A.key, "8.2")
    wrong("cosignature_short", "without a time", TEXT + "\n" + coded(
        A.key.name, A.key.id + A.private.sign(TEXT.encode())), A.key, "8.2")
    one("cosignature_extension", "an extension line is signed, too", TEXT + "ext\n\n" +
        A.line(TEXT + "ext\n"), A.key, spec="8.2", signatures=1, time=1924999990)
    wrong("cosignature_extension_added", "an extension line that is not signed", TEXT + "ext\n\n" +
          A.line(TEXT), A.key, "8.2")


def cosignatures():
    for name, cosigner, time, text in (("ours", A, 1924999990, TEXT), ("zero", B, 0, TEXT),
                                       ("extension", C, 2**63 - 1, TEXT + "ext\n")):
        vector("cosign", name, "8.2", "success", "what a witness writes",
               [("text", text), ("line", cosigner.line(text, time))], seed=draw(
                   f"{cosigner.key.name} cosigner").hex(), name=cosigner.key.name, time=time)
    for name, time, text in (("time", 2**63, TEXT), ("long", 1, "a" * 4096 + "\n")):
        vector("cosign", name, "8.2", "usage argument", "what no witness signs",
               [("text", text), ("line", "")], seed=draw("seed").hex(), name="w", time=time)


def vkeys():
    def good(name, comment, text):
        key = note.parse_key(text)
        vector("vkey", name, "8.3", "success", comment, [("vkey", text)], name=key.name,
               id=key.id.hex(), type=key.kind)

    def bad(name, comment, text):
        vector("vkey", name, "8.3", "key log-vkey", comment, [("vkey", text)])

    def raw(name, kind, data, key_id=None):
        return f"{name}+{(key_id or note.Key(kind, name, data).id).hex()}+" \
            f"{base64.b64encode(bytes([kind]) + data).decode()}"

    for name, text in (("signed_note", SIGNED_NOTE_KEY), ("neumann", NEUMANN_KEY),
                       ("rekor", REKOR_KEY), ("pixel", PIXEL_KEY), ("remora", REMORA_KEY)):
        good("published_" + name, "published", text)
    good("log", "of a log of ours", LOG_KEY.text())
    good("log_p256", "its other key", LOG_P256.text())
    good("witness", "of a witness", A.key.text())
    good("name_200", "a name of 200 bytes", raw("n" * 200, 1, ROOT))
    data = SIGNER.keys.ed25519
    for name, comment, text in (
            ("empty", "nothing", ""), ("name_only", "a name", "example.com/foo"),
            ("no_key", "no key", "example.com/foo+530d903a"),
            ("no_name", "no name", raw("", 1, data)),
            ("id", "another id", SIGNED_NOTE_KEY.replace("530d903a", "530d903b")),
            ("id_upper", "the id in capitals", SIGNED_NOTE_KEY.replace("530d903a", "530D903A")),
            ("id_short", "an id of seven digits", SIGNED_NOTE_KEY.replace("530d903a", "530d903")),
            ("base64", "not base64", SIGNED_NOTE_KEY[:-1] + "!"),
            ("padding", "without padding", raw("a", 1, data)[:-1]),
            ("short", "a key of 31 bytes", raw("a", 1, data[:31])),
            ("long", "a key of 33 bytes", raw("a", 1, data + b"\0")),
            ("type_3", "a type that is not assigned", raw("a", 3, data)),
            ("type_6", "ML-DSA-44, which is not supported", raw("a", 6, draw("mldsa") * 41)),
            ("type_255", "a type of nobody", raw("a", 255, data)),
            ("id_of_type", "the id of the same key of another type",
             raw("a", 4, data, note.Key(1, "a", data).id)),
            ("p384", "ECDSA P-384", raw("a", 2, b"\x30\x76" + draw("p384") * 3 + bytes(22))),
            ("curve", "a point that is not on the curve", raw("a", 2, SIGNER.keys.p256[:-1] +
             bytes([SIGNER.keys.p256[-1] ^ 1]))),
            ("space", "a space in the name", raw("a b", 1, data)),
            ("nul", "a NUL in the name", raw("a\0b", 1, data)),
            ("trailing", "a line end behind it", raw("a", 1, data) + "\n")):
        bad(name, comment, text)


def checkpoints():
    def one(name, comment, data, expect="success", **lines):
        vector("checkpoint", name, "8.4", expect, comment, [("note", data)], **lines)

    def good(name, comment, data, origin=ORIGIN, size=42, root=ROOT.hex()):
        one(name, comment, data, origin=origin, size=size, root=root)

    def bad(name, comment, text):
        one(name, comment, text + "\n" + coded("a", bytes(68)), "malformed log-note")

    for name, text in (("cosignature", COSIGNED_EXAMPLE), ("rekor", REKOR), ("pixel", PIXEL),
                       ("arche", ARCHE)):
        origin, size, root = note.parse_checkpoint(note.parse_note(text.encode()))
        good("published_" + name, "published", text, origin, size, root.hex())
    good("ours", "of a log of ours", TEXT + "\n" + LINES)
    good("extension", "extension lines", TEXT + "a\nb c\n\n" + coded("a", bytes(68)))
    good("empty", "an empty tree", log.checkpoint_text(ORIGIN, 0, hashlib.sha256().digest()) + "\n" +
         coded("a", bytes(68)), size=0, root=hashlib.sha256().hexdigest())
    good("largest", "19 digits", TEXT.replace("\n42\n", f"\n{10**19 - 1}\n") + "\n" +
         coded("a", bytes(68)), size=10**19 - 1)
    for name, comment, text in (
            ("two_lines", "no root", f"{ORIGIN}\n42\n"), ("no_origin", "no origin", TEXT[len(ORIGIN):]),
            ("zeros", "a leading zero", TEXT.replace("\n42\n", "\n042\n")),
            ("hex", "a size in hex", TEXT.replace("\n42\n", "\n0x2a\n")),
            ("sign", "a size with a sign", TEXT.replace("\n42\n", "\n+42\n")),
            ("digits_20", "20 digits", TEXT.replace("\n42\n", f"\n{10**19}\n")),
            ("root_31", "a root of 31 bytes", log.checkpoint_text(ORIGIN, 42, ROOT[:31])),
            ("root_33", "a root of 33 bytes", log.checkpoint_text(ORIGIN, 42, ROOT + b"\0")),
            ("root_base64", "a root that is not base64", TEXT.replace("=", "!")),
            ("blank", "an empty extension line", TEXT + "\nmore\n"),
            ("empty_root", "size 0 with a root", log.checkpoint_text(ORIGIN, 0, ROOT))):
        bad(name, comment, text)


def policy_text(*lines):
    return "".join(line + "\n" for line in lines)


def policies():
    log_line = f"log {LOG_KEY.text()} https://{ORIGIN}"
    keys = {name: f"witness {name} {cosigner.key.text()}"
            for name, cosigner in (("a", A), ("b", B), ("c", C), ("d", D))}
    four = [log_line, *keys.values()]

    def seen(name, comment, text, signers, reached):
        data = TEXT + "\n" + LINES + "".join(cosigner.line(TEXT) for cosigner in signers)
        vector("policy", name, "9", "success", comment, [("policy", text), ("note", data)],
               reached="yes" if reached else "no")

    def bad(name, comment, text, line, expect="malformed log-policy"):
        vector("policy", name, "9", expect, comment, [("policy", text), ("note", "")], line=line)

    one = policy_text(log_line, keys["a"], "quorum a")
    seen("one", "one witness", one, [A], True)
    seen("none_signed", "nobody signed", one, [], False)
    none = policy_text(log_line, "quorum none")
    seen("none", "no quorum", none, [], True)
    two = policy_text(*four, "group g 2 a b c", "quorum g")
    seen("two_of_three", "two of three", two, [A, C], True)
    seen("one_of_three", "one of three", two, [C], False)
    seen("other_of_three", "one of three, and one that does not count", two, [A, D], False)
    seen("all", "all", policy_text(*four, "group g all a b", "quorum g"), [A, B], True)
    seen("all_but_one", "all but one", policy_text(*four, "group g all a b", "quorum g"), [A], False)
    seen("any", "any", policy_text(*four, "group g any a b", "quorum g"), [B], True)
    nested = policy_text(*four, "group x any a b", "group y 2 c d", "group both all x y", "quorum both")
    seen("nested", "groups of groups", nested, [B, C, D], True)
    seen("nested_not", "groups of groups, one is missing", nested, [A, B, C], False)
    seen("white", "tabs, comments and empty lines", policy_text(
        "# a comment \u00e4", "", " \t", f"\t{keys['a']} \t https://w.example.net/x ", "  #", "quorum\ta "),
        [A], True)
    many = [f"witness w{i} {Cosigner(f'w{i}').key.text()}" for i in range(33)]
    groups = [f"group g{i} any w{i}" for i in range(32)]
    seen("limits", "32 witnesses, 32 groups", policy_text(keys["a"], *many[1:32], *groups[1:],
         "group top any a g1 g2 g3 g4 g5 g6 g7 g8 g9 g10 g11 g12 g13 g14 g15", "quorum top"), [A], True)
    for name, comment, lines, line in (
            ("empty", "nothing", [], 1), ("no_quorum", "no quorum", [log_line, keys["a"]], 2),
            ("two_quorums", "two quorum lines", [keys["a"], "quorum a", "quorum a"], 3),
            ("word", "an unknown line", ["witnesses a"], 1),
            ("unknown_member", "a group of nobody", ["group g any a", "quorum g"], 1),
            ("later", "a member that is defined later", ["group g any a", keys["a"], "quorum g"], 1),
            ("itself", "a group of itself", ["group g any g", "quorum g"], 1),
            ("unknown_quorum", "a quorum of nobody", [keys["a"], "quorum b"], 2),
            ("none_member", "none in a group", [keys["a"], "group g any a none", "quorum g"], 2),
            ("none_name", "a group called none", [keys["a"], "group none any a", "quorum none"], 2),
            ("twice", "a name twice", [keys["a"], keys["b"].replace(" b ", " a "), "quorum a"], 2),
            ("group_name", "a group with the name of a witness",
             [keys["a"], "group a any a", "quorum a"], 2),
            ("key_twice", "one key for two witnesses",
             [keys["a"], keys["a"].replace(" a ", " b "), "quorum a"], 2),
            ("log_twice", "one key for two logs", [log_line, log_line, "quorum none"], 2),
            ("member_twice", "a member of two groups",
             [keys["a"], "group g any a", "group h any a", "quorum g"], 3),
            ("member_again", "a member twice", [keys["a"], "group g any a a", "quorum g"], 2),
            ("zero", "0 of n", [keys["a"], "group g 0 a", "quorum g"], 2),
            ("more", "2 of 1", [keys["a"], "group g 2 a", "quorum g"], 2),
            ("zeros", "a leading zero", [keys["a"], "group g 01 a", "quorum g"], 2),
            ("no_members", "a group without members", [keys["a"], "group g any", "quorum g"], 2),
            ("log_type", "a log with the key of a witness", [f"log {A.key.text()}", "quorum none"], 1),
            ("witness_type", "a witness with the key of a log",
             [f"witness a {LOG_KEY.text()}", "quorum a"], 1),
            ("words", "a word too many", [keys["a"] + " https://a b", "quorum a"], 1),
            ("control", "a control character", [keys["a"], "quorum a\r"], 2),
            ("name_65", "a name of 65 bytes", [keys["a"].replace(" a ", f" {'n' * 65} ")], 1),
            ("logs_33", "33 logs", [f"log {note.Key(1, 'l', draw(f'l{i}')).text()}"
                                    for i in range(33)] + ["quorum none"], 33),
            ("witnesses_33", "33 witnesses", many + ["quorum none"], 33),
            ("groups_33", "33 groups", many[:32] + groups + ["group h any g1", "quorum none"], 65)):
        bad(name, comment, policy_text(*lines), line)
    bad("no_end", "no line end at the end", policy_text(keys["a"]) + "quorum a", 2)
    bad("large", "more than 65,536 bytes", "#" * 65536 + "\n", 1)
    for name, text in (("key", "a+b"), ("key_id", A.key.text().replace("+", "+0", 1))):
        bad(name, "a key that is none", policy_text("", f"witness a {text}", "quorum a"), 2,
            "key log-vkey")
    vector("policy", "bad_cosignature", "9", "not-authentic log-signature",
           "a cosignature of a witness does not hold",
           [("policy", one), ("note", TEXT + "\n" + LINES + A.line(TEXT + "x"))])


def consistency():
    leaves = [log.leaf_hash(draw(f"leaf {i}", 48)) for i in range(70)]

    def proof(start, end, from_start=True, low=0):
        """RFC 6962 section 2.1.2."""
        size = end - low
        if start - low == size:
            return [] if from_start else [log.root_of(leaves[low:end])]
        half = 1 << (size - 1).bit_length() - 1
        if start - low <= half:
            return proof(start, low + half, from_start, low) + [log.root_of(leaves[low + half:end])]
        return proof(start, end, False, low + half) + [log.root_of(leaves[low:low + half])]

    def one(name, comment, start, size, hashes, expect="success", old=None, new=None):
        vector("consistency", name, "8.5", expect, comment, [("proof", b"".join(hashes))],
               from_=start, from_root=(old or log.root_of(leaves[:max(start, 1)])).hex(), size=size,
               root=(new or log.root_of(leaves[:size])).hex())

    bad = "not-authentic log-inconsistent"
    for start, size in ((1, 2), (1, 3), (2, 3), (3, 7), (4, 7), (6, 7), (6, 8), (7, 8), (8, 9),
                        (5, 70), (64, 70), (65, 70), (69, 70), (32, 64)):
        one(f"{start}_{size}", "consistent", start, size, proof(start, size))
    one("same", "one tree", 7, 7, [])
    one("empty", "every tree begins with the empty one", 0, 7, [])
    good = proof(6, 8)
    one("cut", "without its last hash", 6, 8, good[:-1], bad)
    one("more", "a hash too many", 6, 8, good + [draw("more")], bad)
    one("none", "no hash", 6, 8, [], bad)
    one("order", "in another order", 6, 8, good[::-1], bad)
    one("bit", "a bit of the first hash", 6, 8, [bytes([good[0][0] ^ 1]) + good[0][1:]] + good[1:], bad)
    one("old_root", "another old root", 6, 8, good, bad, old=draw("fork"))
    one("new_root", "another new root", 6, 8, good, bad, new=draw("fork"))
    one("fork", "one tree with two roots", 7, 7, [], bad, new=draw("fork"))
    one("fork_whole", "a fork of a complete subtree", 4, 7, proof(4, 7), bad, old=draw("fork"))
    one("back", "the log became shorter", 8, 6, proof(6, 8), bad)
    one("empty_more", "a hash where none is needed", 0, 7, [draw("more")], bad)
    one("same_more", "a hash where none is needed", 7, 7, [draw("more")], bad)
    one("hashes_65", "65 hashes", 6, 8, good + [draw("more")] * 62, bad)


def proofs():
    """Of a log of eleven entries."""
    leaves = [log.make_leaf(4, 1925000000, draw(f"leaf {i}")) for i in range(11)]
    hashes = [log.leaf_hash(leaf) for leaf in leaves]
    checkpoint = SIGNER.checkpoint(11, log.root_of(hashes)).decode()

    def lines(data):
        return "".join(base64.b64encode(part).decode() + "\n" for part in data)

    def made(index, extra=None, path=None, note_text=checkpoint, magic="c2sp.org/tlog-proof@v1\n"):
        extra = leaves[index % 11] if extra is None else extra
        path = log.inclusion(index % 11, hashes) if path is None else path
        return magic + f"extra {base64.b64encode(extra).decode()}\nindex {index}\n" + \
            lines(path) + "\n" + note_text

    def one(name, comment, data, expect="malformed log-file", key=LOG_KEY, **found):
        vector("proof", name, "10", expect, comment, [("proof", data)], key=key.text(), **found)

    for index in (0, 4, 10):
        one(f"entry_{index}", "an entry", made(index), "success", index=index)
    one("other_key", "the other key of the log", made(3), "success", LOG_P256, index=3)
    single = SIGNER.checkpoint(1, hashes[0]).decode()
    one("single", "a log of one entry: no hashes", made(0, path=[], note_text=single), "success",
        index=0)
    bad = "not-authentic log-tree"
    one("other_entry", "another entry", made(4, leaves[5]), bad)
    one("other_index", "another index", made(4).replace("index 4", "index 5"), bad)
    one("behind", "an index that is not in the tree", made(4).replace("index 4", "index 11"), bad)
    one("largest", "the largest index", made(4).replace("index 4", f"index {10**19 - 1}"), bad)
    one("cut", "without its last hash", made(4, path=log.inclusion(4, hashes)[:-1]), bad)
    one("more", "a hash too many", made(4, path=log.inclusion(4, hashes) + [ROOT]), bad)
    one("hashes_63", "63 hashes", made(4, path=[ROOT] * 63), bad)
    one("no_extra", "no extra data: the empty entry is none of this log",
        made(4).replace(made(4).split("\n")[1] + "\n", ""), bad)
    one("witness_key", "signed by others only", made(4), "no-match log-key", A.key)
    one("signature", "a checkpoint of another size", made(4).replace("\n11\n", "\n12\n"),
        "not-authentic log-signature")
    one("no_checkpoint", "no checkpoint", made(4, note_text=""), "malformed log-note")
    for name, comment, data in (
            ("empty", "nothing", ""), ("version", "another version", made(4, magic="c2sp.org/tlog-proof@v2\n")),
            ("magic_only", "the first line", "c2sp.org/tlog-proof@v1\n"),
            ("no_blank", "no empty line", made(4, note_text="").rstrip("\n") + "\n"),
            ("index_missing", "no index", made(4).replace("index 4\n", "")),
            ("index_zeros", "a leading zero", made(4).replace("index 4", "index 04")),
            ("index_20", "an index of 20 digits", made(4).replace("index 4", f"index {10**19}")),
            ("index_blank", "two spaces", made(4).replace("index 4", "index  4")),
            ("extra_base64", "extra data that is not base64", made(4).replace("extra ", "extra !")),
            ("extra_twice", "extra data twice", made(4).replace("extra ", "extra AAAA\nextra ")),
            ("extra_4097", "4,097 bytes of extra data", made(4, b"x" * 4097)),
            ("hash_31", "a hash of 31 bytes", made(4, path=[ROOT[:31]])),
            ("hash_33", "a hash of 33 bytes", made(4, path=[ROOT + b"x"])),
            ("hashes_64", "64 hashes", made(4, path=[ROOT] * 64)),
            ("return", "CR LF", made(4).replace("\n", "\r\n")),
            ("large", "131,073 bytes", made(4) + "x" * (131073 - len(made(4).encode())))):
        one(name, comment, data)
    one("extra_4096", "4,096 bytes of extra data", made(4, b"x" * 4096), bad)


def records():
    leaf, record = log.make_leaf(4, 1925000000, draw("committed")), draw("record", 90)

    def entry(index, data=record, length=None):
        return index.to_bytes(8, "big") + leaf + \
            (len(data) if length is None else length).to_bytes(4, "big") + data

    def good(name, comment, *entries, **found):
        vector("records", name, "11", "success", comment,
               [("records", b"DKLREC1\n" + b"".join(entries))], entries=len(entries), **found)

    def bad(name, comment, data, at):
        vector("records", name, "11", "malformed log-file", comment, [("records", data)], at=at)

    magic = b"DKLREC1\n"
    good("none", "no entries")
    good("one", "one entry", entry(0), last=0)
    good("some", "entries may be missing", entry(3), entry(4), entry(1000), last=1000)
    good("empty", "a record of nothing, which opens no leaf, is still an entry", entry(1, b""), last=1)
    good("largest", "the largest record", entry(7, bytes(126072)), last=7)
    good("last", "the largest index", entry(2**64 - 2), last=2**64 - 2)
    for name, comment, data, at in (
            ("nothing", "nothing", b"", 0), ("magic", "another version", b"DKLREC2\n" + entry(0), 0),
            ("magic_cut", "a part of the first line", magic[:7], 0),
            ("twice", "an index twice", magic + entry(3) + entry(3), 1),
            ("back", "an index that goes back", magic + entry(3) + entry(4) + entry(2), 2),
            ("index_max", "an index with none behind it", magic + entry(2**64 - 1), 0),
            ("head_cut", "a part of a head", magic + entry(3) + entry(4)[:59], 1),
            ("record_cut", "a part of a record", magic + entry(3) + entry(4)[:-1], 1),
            ("too_long", "a record of 126,073 bytes", magic + entry(0, bytes(126073)), 0),
            ("length", "a length that is not there", magic + entry(0, record, 2**32 - 1), 0),
            ("trailing", "a byte behind the last entry", magic + entry(0) + b"x", 1)):
        bad(name, comment, data, at)


def gossips():
    first, one_note = "doublekey-gossip-1\n", TEXT + "\n" + LINES

    def put(text, head=None):
        return (f"note {len(text.encode())}" if head is None else head) + "\n" + text

    def good(name, comment, *notes):
        vector("gossip", name, "14.1", "success", comment, [("gossip", first + "".join(notes))],
               notes=len(notes))

    def bad(name, comment, data):
        vector("gossip", name, "14.1", "malformed log-file", comment, [("gossip", data)])

    good("none", "no notes")
    good("one", "one note", put(one_note))
    good("some", "three of them", *[put(one_note)] * 3)
    good("most", "256 notes", *[put("x\n")] * 256)
    good("longest", "a note of 4,096 bytes", put("x" * 4095 + "\n"))
    for name, comment, data in (
            ("empty", "nothing", ""), ("version", "another version", "doublekey-gossip-2\n"),
            ("no_end", "no line end", first[:-1]), ("notes_257", "257 notes", first + put("x\n") * 257),
            ("too_long", "a note of 4,097 bytes", first + put("x" * 4096 + "\n")),
            ("word", "another word", first + put(one_note).replace("note", "nota", 1)),
            ("zeros", "a leading zero", first + put("x\n", "note 02")),
            ("zero", "a note of nothing", first + "note 0\n"),
            ("blank", "two spaces", first + put("x\n", "note  2")),
            ("no_length", "no length", first + put("x\n", "note ")),
            ("short", "a length that is too large", first + put("x\n", "note 3")),
            ("middle", "a note that does not end with a line", first + put("x\nyz", "note 3")),
            ("trailing", "a byte behind the last note", first + put(one_note) + "x"),
            ("digits_20", "a length of 20 digits", first + put("x\n", "note " + "1" * 20))):
        bad(name, comment, data)


notes()
cosignatures()
vkeys()
checkpoints()
policies()
consistency()
proofs()
records()
gossips()
