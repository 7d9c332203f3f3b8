# SPDX-License-Identifier: Apache-2.0
"""What the second writer writes it reads, and what section 10 forbids it refuses."""

import io

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from reader import envelope, keys, metadata
from reader.envelope import Options, Writing
from reader.errors import EnvelopeError
from reader.header import CUSTOMER, EPOCH_LIMIT, PROVIDER, RSA_OAEP, Entry
from reader.vectors import FOLDER, load, load_keys

KEYS = load_keys()
C, P = KEYS["customer-p256"], KEYS["provider-p256"]


def seal(plaintext=b"text", customer=(C,), provider=(P,), **more):
    target = io.BytesIO()
    sides = {CUSTOMER: list(customer), PROVIDER: list(provider)}
    envelope.seal(io.BytesIO(plaintext), target, Writing(sides, **more))
    return target.getvalue()


def open_(data, customer=C, provider=P, **more):
    file = io.BytesIO(data)
    opened = envelope.open_header(file,
                                  Options({CUSTOMER: [customer], PROVIDER: [provider]}, **more))
    return opened, b"".join(envelope.stream(file, opened))


def rewrap(data, side, old, new):
    target = io.BytesIO()
    envelope.rewrap(io.BytesIO(data), target, side, old, new)
    return target.getvalue()


def refused(name):
    return pytest.raises(EnvelopeError, match=f": {name}$")


@pytest.mark.parametrize("length", [4096, 65536, 1048576])
def test_sizes_around_the_border_of_segments(length):
    for size in (0, 1, length - 33, length - 32, length - 31):
        plaintext = bytes(i % 251 for i in range(size))
        data = seal(plaintext, segment_length=length)
        segments = max(1, -(-size // (length - 32)))
        assert len(data) == 4096 + 74 + size + 32 * segments
        assert open_(data)[1] == plaintext


@pytest.mark.parametrize("name", ["customer-p256", "customer-p384", "customer-rsa3072"])
def test_stanza_types(name):
    assert open_(seal(customer=[KEYS[name]]), KEYS[name])[1] == b"text"


def test_all_fields():
    data = seal(tenant="acme", label="secret", creator=KEYS["creator-p256"],
                metadata={metadata.FILE_NAME: "a.txt", metadata.MEDIA_TYPE: "text/plain"})
    opened, plaintext = open_(data, require_creator=KEYS["creator-p256"])
    assert (opened.header.core.tenant, opened.header.core.label) == ("acme", "secret")
    assert opened.metadata == {1: "a.txt", 2: "text/plain"} and plaintext == b"text"
    with refused(r"creator-required \(header\)"):
        open_(data, require_creator=KEYS["creator-p256-b"])


def test_two_objects_share_nothing():
    one, two = (open_(seal())[0].header.core for _ in range(2))
    assert one.object_id != two.object_id and one.salt != two.salt
    assert set(one.commitment.values()).isdisjoint(two.commitment.values())


def test_one_key_or_custodian_on_both_sides_is_refused():
    with refused("same-key"):
        seal(provider=[C])
    with refused("same-key"):
        seal(customer=[C, C])
    with refused("same-custodian"):
        seal(provider=[P, keys.Key(KEYS["provider-p384"].public, "customer")])


def test_65_keys_are_refused():
    more = [keys.from_private(ec.derive_private_key(n, ec.SECP256R1()), "customer")
            for n in range(1, 66)]
    assert open_(seal(customer=more[:64]), more[63])[1] == b"text"
    with refused("too-many-stanzas"):
        seal(customer=more)


def test_rewrap_changes_one_set_and_nothing_else():
    old = seal(b"x" * 5000, segment_length=4096, label="secret", metadata={1: "a"})
    new_key = KEYS["customer-rsa3072"]
    new = rewrap(old, CUSTOMER, [C], [new_key])
    before, after = open_(old)[0].header, open_(new, new_key)[0].header
    changed = {name for name in vars(before) if getattr(before, name) != getattr(after, name)}
    assert changed == {"sets"} and before.sets[PROVIDER] == after.sets[PROVIDER]
    assert old[before.length:] == new[after.length:]
    assert after.sets[CUSTOMER].epoch == 2
    assert after.sets[CUSTOMER].formers == [Entry(C.type, C.id, "customer")]
    with refused(r"no-customer-key \(customer set\)"):
        open_(new, C)


def test_formers_are_sorted_and_kept_and_may_be_current():
    chain = [C, KEYS["customer-rsa3072"], KEYS["customer-p384"], C, KEYS["customer-p256-b"]]
    data = seal()
    for old, new in zip(chain, chain[1:]):
        data = rewrap(data, CUSTOMER, [old], [new])
    opened, _ = open_(data, chain[-1])
    formers = opened.header.sets[CUSTOMER].formers
    assert [f.key_id for f in formers] == sorted({key.id for key in chain[:-1]})
    assert opened.header.sets[CUSTOMER].epoch == 5
    assert RSA_OAEP in {f.type for f in formers}


def test_rewrap_refuses_keys_and_custodians_of_the_other_side():
    data = rewrap(seal(), PROVIDER, [P], [KEYS["provider-p384"]])
    for taken in (P, KEYS["provider-p384"]):  # a former, and the current one
        with refused("same-key"):
            rewrap(data, CUSTOMER, [C], [keys.Key(taken.public, "customer")])
    with refused("same-custodian"):
        rewrap(data, CUSTOMER, [C], [keys.Key(KEYS["customer-p384"].public, "provider")])


def test_rewrap_of_a_damaged_set_is_refused():
    data = bytearray(seal())
    data[191 + 32 + 48 + 12 + 4] ^= 2  # the customer's epoch
    with refused(r"set-mac \(customer set\)"):
        rewrap(bytes(data), CUSTOMER, [C], [KEYS["customer-p384"]])


def test_rewrap_needs_nothing_of_the_other_side():
    data = bytearray(seal())
    length = 8 + 84 + 113 + 48
    start = 191 + 32 + 48 + 12 + length
    data[start + length - 1] ^= 1  # the provider's set MAC
    new = rewrap(bytes(data), CUSTOMER, [C], [KEYS["customer-p384"]])
    with refused(r"set-mac \(provider set\)"):
        open_(new, KEYS["customer-p384"])


def test_a_full_history_and_a_last_epoch_are_refused():
    header = envelope.read_header(io.BytesIO(seal()), {})
    stanza_set = header.sets[CUSTOMER]
    stanza_set.formers = [Entry(1, bytes([1, n >> 8, n & 255]) + bytes(29),
                                "x") for n in range(511)]
    assert len(envelope.next_formers(stanza_set)) == 512
    stanza_set.formers.append(Entry(1, b"\2" * 32, "x"))
    with refused("history-full"):
        envelope.next_formers(stanza_set)
    last = load(FOLDER / "envelope" / "valid_epoch_largest").data
    assert open_(last)[0].header.sets[CUSTOMER].epoch == EPOCH_LIMIT
    with refused("history-full"):
        rewrap(last, CUSTOMER, [C], [KEYS["customer-p384"]])

