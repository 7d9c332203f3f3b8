# SPDX-License-Identifier: Apache-2.0
"""Tokens that authd remembers to hold, spec/profiles/ms-dke.md section 5.2: nothing is
different from the first time, and nothing lives longer than what the token rests on."""
import hashlib
import string
import struct
import time

import pytest

import entra
import issuer as idp
from test_dke_token import (CLIENT, EC_KEY, KEY, OK, OTHER_KEY, POLICY, QUARANTINE, TOKEN,
                            TOKEN_KEYS, Authd, good)
from test_messages import text, u32

POLICY_TEXT, POLICY_DONE, KEY_SET, KEY_SET_DONE = 0x0014, 0x0015, 0x001a, 0x001b
KEY_ACCEPT, KEY_ACCEPTED = 0x0023, 0x0024
ANNOUNCED, KEY_SET_NEW, ACCEPT_NEW, LOGGED = 0x0204, 0x0205, 0x0207, 0x0212
RULES = entra.section() + entra.rule()
FETCHED = entra.section(key_set=f'key-set = "{entra.v2()}/keys"') + entra.rule()
SLOTS = 1024


def change(process, message, data, new, done, code=0):
    """As the parent asks for it, with the word of keyd that it is recorded or is not."""
    parent, keyd = process.child.channel["parent"], process.child.channel["keyd"]
    parent.send(message, data, 5)
    if new:
        keyd.send(LOGGED, struct.pack(">H", code), keyd.expect(new)[0])
    assert parent.expect(done)[1][:2] == struct.pack(">H", code)


def policy(process, rules, code=0, **sets):
    made = rules.encode()
    change(process, POLICY_TEXT, u32(0) + u32(len(made)) + made + idp.sets(**sets), ANNOUNCED,
           POLICY_DONE, code)
    if code == 0:
        process.digest = hashlib.sha256(made).digest()


def fetched(process, *keys, at=None, same=False):
    data = (text(b"contoso") + struct.pack(">Q", int(time.time()) if at is None else at) +
            bytes(32) + entra.key_set(*keys))
    change(process, KEY_SET, data, None if same else KEY_SET_NEW, KEY_SET_DONE)


def twice(process, token, *args):
    """Kept by the first of the two, if it is one to keep."""
    first, second = process.ask(token, *args), process.ask(token, *args)
    assert vars(first) == vars(second)
    return second


@pytest.fixture
def authd(tmp_path):
    made = Authd(tmp_path, RULES, contoso=entra.key_set(KEY))
    yield made
    said = made.child.end()
    assert "AddressSanitizer" not in said and "runtime error" not in said, said


@pytest.fixture
def fetching(tmp_path):
    made = Authd(tmp_path, FETCHED)
    yield made
    said = made.child.end()
    assert "AddressSanitizer" not in said and "runtime error" not in said, said


def test_the_second_time(authd):
    for version in (1, 2):
        judged = twice(authd, good(version=version, groups=["a" * 36] * 150, roles=["r", "", "s"]))
        assert (judged.code, judged.person) == (OK, entra.ALICE)
        assert judged.field(19) and judged.field(23) == entra.OFFICE.encode()
    for wrong, code in (({"aud": "https://x.example"}, TOKEN), ({"appid": entra.TENANT}, CLIENT),
                        ({"upn": "bob@contoso.com"}, POLICY)):
        assert twice(authd, good(**wrong)).code == code
    assert twice(authd, good()).code == OK
    assert authd.code(good(), key=b"Other") == POLICY  # what was kept is who, not what


def test_groups_and_roles(tmp_path):
    wide = [f"{i:08d}-3b4a-4c5d-8e6f-708192a3b4c5" for i in range(300)]
    rules = entra.section() + entra.rule(f'token-groups = {{"{wide[149]}"}}', keys='{"G"}',
                                         users='{"nobody@contoso.com"}')
    rules += entra.rule('roles = {"last"}', title="r", keys='{"R"}',
                        users='{"nobody@contoso.com"}')
    process = Authd(tmp_path, rules, contoso=entra.key_set(KEY))
    both = good(groups=wide[:150], roles=["first", "last"])
    too_large_to_keep = good(groups=wide[:230])
    for _ in range(3):
        assert process.code(both, key=b"G") == OK and process.code(both, key=b"R") == OK
        assert process.code(too_large_to_keep, key=b"G") == OK
        assert process.code(good(groups=wide[150:], roles=["first"]), key=b"G") == POLICY
        assert process.code(good(groups=["last"], roles=[wide[149]]), key=b"R") == POLICY
    process.child.end()


def slot(token):
    return int.from_bytes(hashlib.sha256(token.encode()).digest()[:2], "big") % SLOTS


def test_only_the_same_bytes(authd):
    """One whose signature is another, and which would be kept at the same place."""
    token = good()
    assert twice(authd, token).code == OK
    letters = string.ascii_letters
    forged = next(f for f in (token[:-8] + a + b + c + token[-5:] for a in letters for b in letters
                              for c in letters)
                  if f != token and slot(f) == slot(token))
    for _ in range(2):
        assert authd.code(forged) == TOKEN
        assert authd.code(token) == OK
    other = good(upn="bob@contoso.com")
    while slot(other) != slot(token):
        other = good(upn="bob@contoso.com", uti=f"u-{time.perf_counter_ns()}")
    for _ in range(2):
        assert authd.ask(other).person == "bob@contoso.com"
        assert authd.ask(token).person == entra.ALICE


def test_it_ends_when_it_ends(authd):
    """What the token says of its end, and what the policy does of its age."""
    now = int(time.time())
    short, old = good(exp=now + 4), good(iat=now - 5396, nbf=None)
    assert authd.code(short) == OK and authd.code(old) == OK
    for token in (short, old):
        while authd.code(token) == OK:
            assert time.time() < now + 60
            time.sleep(0.1)
        assert time.time() >= now + 4 and twice(authd, token).code == TOKEN
    assert authd.code(good()) == OK


def test_another_policy(authd):
    token = good()
    assert twice(authd, token).code == OK
    set_ = entra.key_set(KEY)
    policy(authd, entra.section("max-age = 60") + entra.rule(), 28, contoso=set_)
    assert twice(authd, token).code == OK  # that one never came in force
    for rules, code in (
            (RULES.replace(entra.OFFICE, entra.TENANT), CLIENT),
            (RULES.replace(entra.AUDIENCE, "https://x.example"), TOKEN),
            (entra.section('scopes = {"other"}') + entra.rule(), TOKEN),
            (entra.section('claims = {"email"}') + entra.rule(), TOKEN),
            (entra.section(title="lab") + entra.rule(tenants='{"lab"}'), TOKEN_KEYS)):
        name = "lab" if "lab" in rules else "contoso"
        policy(authd, rules, **{name: entra.key_set(OTHER_KEY if name == "lab" else KEY)})
        assert twice(authd, token).code == (code if name == "contoso" else TOKEN)
        policy(authd, RULES, contoso=set_)
        assert twice(authd, token).code == OK


def test_a_key_that_left_the_set(fetching):
    token = good()
    assert fetching.code(token) == TOKEN_KEYS
    fetched(fetching, KEY)
    assert twice(fetching, token).code == OK
    fetched(fetching, EC_KEY)
    assert twice(fetching, token).code == TOKEN
    fetched(fetching, KEY)
    assert twice(fetching, token).code == OK


def test_a_key_set_that_became_too_old(fetching):
    """Only a fetch makes it younger; the time does the rest."""
    token = good()
    limit = 86400  # key-set-max-age
    fetched(fetching, KEY, at=int(time.time()) - limit + 3)
    assert fetching.code(token) == OK
    end = time.time() + 60
    while fetching.code(token) == OK:
        assert time.time() < end
        time.sleep(0.1)
    assert twice(fetching, token).code == TOKEN_KEYS
    fetched(fetching, KEY, same=True)
    assert twice(fetching, token).code == OK


def test_a_new_key_is_not_kept_before_its_time(fetching):
    fetched(fetching, KEY)
    new = entra.rsa("k2")
    token = entra.token(new, entra.claims())
    fetched(fetching, KEY, new)
    assert twice(fetching, token).code == QUARANTINE
    public = new.export_public(as_dict=True)
    print_ = hashlib.sha256(b'{"e":"%s","kty":"RSA","n":"%s"}' % (
        public["e"].encode(), public["n"].encode())).digest()
    change(fetching, KEY_ACCEPT, u32(0) + text(b"contoso") + print_, ACCEPT_NEW, KEY_ACCEPTED)
    assert twice(fetching, token).code == OK


def test_one_that_comes_once(authd):
    """keyd hears each time until when it is to be remembered as used."""
    exp = int(time.time()) + 600
    token = good(exp=exp)
    assert twice(authd, token).until == 0
    policy(authd, entra.section("single-use = true") + entra.rule(), contoso=entra.key_set(KEY))
    assert twice(authd, token).until == exp
    policy(authd, RULES, contoso=entra.key_set(KEY))
    assert twice(authd, token).until == 0
