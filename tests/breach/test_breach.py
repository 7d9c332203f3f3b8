# SPDX-License-Identifier: Apache-2.0
"""What a thief got, what by the rules he could get, and what the assessment says afterwards."""
import os
import subprocess

import pytest

import issuer as idp
import puppet
from plays import (ALL, NOTHING, admin, agree, device, former_key, loot_of, passphrase, play,
                   provider_key, proxy, store, tls_key, token_key)
from service import BUILD
from thief import Insider, Loot, Thief
from town import KID, Theft


@pytest.mark.parametrize("thefts", [
    (provider_key,), (token_key,), (provider_key, token_key), (proxy,),
    (provider_key, store), (provider_key, token_key, proxy, tls_key)],
    ids=lambda thefts: "+".join(f.__name__ for f in thefts))
def test_all_of_the_provider_and_of_the_traffic(town, thefts):
    got, readable, answers, _ = play(town, thefts)
    assert got == NOTHING and readable == NOTHING
    assert {a.get("missing", a["answer"]) for a in answers.values()} == {"not-readable"}


def test_a_stolen_device(town):
    """It gets what its user may have without another factor, and what the thief asks for."""
    got, readable, answers, _ = play(town, [provider_key, device], wants=("memo", "board", "deed"))
    assert got == readable == {"memo"}
    assert answers["quiet"]["without_log"]  # what the log is worth


def test_a_stolen_device_and_the_token_key(town):
    got, readable, *_ = play(town, [provider_key, token_key, device], wants=("board", "deed"))
    assert got == {"board"} and readable == {"board"}


def test_an_administrator(town):
    """He enrols a device of his own under another name; the log has it."""
    got, readable, answers, _ = play(town, [provider_key, admin], wants=("memo", "board"))
    assert got == readable == {"memo"}
    assert "device thief " in answers["memo"]["derivation"]


def test_a_device_without_the_key_of_the_provider(town):
    """He has no provider share, and reads nothing; but nobody vouches for the provider's side."""
    got, readable, *_ = play(town, [device], wants=("quiet", "deed"))
    assert got == NOTHING and readable == {"quiet"}


def test_an_old_header_with_an_old_key(town):
    """Rewrapped long ago: the copy from before opens with the key of before."""
    got, readable, answers, _ = play(town, [provider_key, former_key])
    assert got == readable == {"old"}
    assert "key " + town.former_key().id.hex() in answers["old"]["derivation"]


@pytest.mark.parametrize("thefts, gets", [((store, passphrase), NOTHING), (
    (provider_key, store, passphrase), ALL)], ids=["alone", "with the provider's key"])
def test_a_replayed_backup_and_its_passphrase(town, thefts, gets):
    """All keys of the service. Without the provider's one he reads nothing yet; but nobody
    vouches for the provider's side, and all of it is possibly readable."""
    got, readable, answers, _ = play(town, thefts)
    assert got == gets and readable == ALL
    assert "customer share follows from key" in answers["quiet"]["derivation"]


def test_a_proxy_that_changes_what_passes(town):
    thefts = (provider_key, token_key, proxy)
    loot, lines = loot_of(town, *thefts)
    begin, thief = town.now(), Thief(town, loot)
    thief.in_the_middle()
    assert thief.read() == {} and town.decrypt("memo") == town.plain["memo"]
    end = town.now()
    town.pass_time()
    answers = town.assess(lines, begin, end)
    assert {a.get("missing", a["answer"]) for a in answers.values()} == {"not-readable"}


def test_a_log_that_is_rolled_back(town):
    """Who has the disk puts back store and log of before a device was revoked, has it release,
    and puts back the newer ones: no record is left. Who saw the newer log refuses the older one,
    and the assessment trusts no log whose logd was the thief's."""
    begin, d = town.now(), town.s.device("travel")
    before = town.snapshot("before")
    town.s.admin("device", "revoke", d.id.hex())
    town.published()
    assert town.decrypt("memo") == town.plain["memo"]  # alice sees the log behind it
    loot = Loot(keys=[town.provider_key()], devices={d.id: d.key}, wants=("quiet",))
    late = Thief(town, loot)
    late.ask_for_all()
    assert late.read() == {} and "device-revoked" in late.refused
    with town.put_back_to(before):
        thief = Thief(town, loot)
        thief.open_stanzas()
        thief.ask_for_all()
        got = thief.read()
        town.published()  # larger by now than what alice saw
        refused = town.decrypt("memo", check=False)
        assert not isinstance(refused, bytes) and "(log-inconsistent" in refused.stderr
    end = town.now()
    town.pass_time()
    lines = [provider_key(town)[0], Theft("device " + d.id.hex()), Theft("process logd", ends=True)]
    answers = town.assess(lines, begin, end)
    agree(town, got, answers)
    assert set(got) == {"quiet"} and answers["quiet"]["missing"] == "log-process"


# ---- processes of the service ----

def with_httpd(town, loot, puppets):
    return Insider(town, loot, *puppets)


def with_authd(town, loot, puppets):
    """From outside, by the real httpd; what authd says is the thief's."""
    puppets[0].factors = [puppet.forged_token(idp.URL, KID, town.now())]
    return Thief(town, loot)


def with_both(town, loot, puppets):
    httpd, authd = puppets
    authd.factors = [puppet.forged_token(idp.URL, KID, town.now())]
    return Insider(town, loot, httpd, authd)


@pytest.mark.parametrize("taken, thief_of", [
    (("httpd",), with_httpd), (("authd",), with_authd), (("httpd", "authd"), with_both)],
    ids=["httpd", "authd", "both"])
def test_processes_without_a_device(town, taken, thief_of):
    """Whatever they say, keyd verifies the device; and the provider's keys are his as well."""
    got, readable, answers, _ = play(town, [provider_key, token_key, tls_key], taken=taken,
                                  thief_of=thief_of)
    assert got == NOTHING and readable == NOTHING
    assert {a.get("missing", a["answer"]) for a in answers.values()} == {"not-readable"}


def test_httpd_and_a_device(town):
    """An address is what httpd says, and the rest is what it was."""
    got, readable, *_ = play(town, [provider_key, device], ("branch", "board", "deed"), ("httpd",),
                            with_httpd)
    assert got == readable == {"branch"}


@pytest.mark.parametrize("taken, thief_of", [
    (("authd",), with_authd), (("httpd", "authd"), with_both)], ids=["authd", "both"])
def test_authd_and_a_device(town, taken, thief_of):
    """No rule, token or approval is left; the record says of each object that it was released."""
    got, readable, *_ = play(town, [provider_key, device], ("branch", "board", "deed"), taken,
                            thief_of)
    assert got == readable == {"branch", "board", "deed"}


# ---- controls: programs with a hole ----

@pytest.fixture(params=["token-alone", "no-log", "no-commitment"])
def hole(request):
    if not os.path.exists(weakened(request.param)):
        pytest.skip("this build has no programs with a hole (-Dweakened)")
    return request.param


def weakened(name):
    return os.path.join(BUILD, "tests", "breach", "weakened-" + name)


THROUGH = {
    # What is stolen, what is asked for, what is got by the hole and what without it.
    "token-alone": ([provider_key, token_key], ("memo", "board", "deed"), {"memo", "board"},
                    NOTHING),
    "no-log": ([provider_key, device], ("quiet",), {"quiet"}, {"quiet"}),
    "no-commitment": ([provider_key, device], ("deed",), {"deed"}, NOTHING)}


def test_a_hole_is_found(town, hole):
    """The same attack gets through, and the assessment says so: readable by what is in the log, or
    unknown where the log was off. Without the hole it gets what it may."""
    thefts, wants, with_hole, without = THROUGH[hole]
    with town.weakened(hole):
        got, readable, answers, _ = play(town, thefts, wants, hours=3)
    assert got == with_hole
    if hole == "no-log":
        assert not readable and "log-gap" in answers["quiet"]["missing"]
    else:
        assert readable == got
    got, readable, answers, _ = play(town, thefts, wants, hours=3)
    assert got == readable == without
    assert "unknown" not in {a["answer"] for a in answers.values()}


def test_a_program_with_a_hole_says_so(town, hole):
    said = subprocess.run([weakened(hole), "--version"], capture_output=True, text=True, check=True)
    assert "WEAKENED (%s)" % hole in said.stdout
    with town.weakened(hole):
        pass
    with open(town.s.stderr) as f:
        assert "WEAKENED (%s)" % hole in f.read()
    if hole != "no-log":
        assert "WEAKENED (%s)" % hole in town.s.log()
    for name in os.listdir(os.path.join(BUILD, "daemon")):
        path = os.path.join(BUILD, "daemon", name)
        if os.path.isfile(path):
            with open(path, "rb") as f:
                assert b"WEAKENED" not in f.read(), name


def test_a_release_build_refuses_a_hole(tmp_path):
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    done = subprocess.run(["meson", "setup", str(tmp_path / "b"), root, "--buildtype=release",
                           "-Dweakened=token-alone"], capture_output=True, text=True, timeout=120)
    assert done.returncode != 0 and "weakened: programs with a hole" in done.stdout
