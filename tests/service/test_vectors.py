# SPDX-License-Identifier: Apache-2.0
"""The running service does with every vector of spec/vectors/key-service what the
vector says; this runner shares no code with lib/."""
import os
import re

import pytest

import drive
from reader import native
from test_dke_pages import Pages

VECTORS = drive.all_vectors()
SPEC = os.path.join(os.path.dirname(os.path.dirname(drive.FOLDER)), "key-service.md")
# What the protocol does not let a client cause at will: see their own tests.
ELSEWHERE = {"busy", "unavailable", "internal", "hsm", "hsm-pin", "certificate", "token-keys",
             "quorum",
             "name", "exists", "argument", "auditor"}


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    service = Pages(tmp_path_factory.mktemp("vectors"))
    service.start()
    try:
        yield drive.Scene(service)
    finally:
        service.stop()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_vector(scene, vector):
    try:
        drive.Case(scene, vector).run()
    finally:
        scene.put_back()


def files_of(scene):
    """All that the service wrote, but for the sealed store."""
    for where, _, names in os.walk(scene.service.dir):
        for name in names:
            path = os.path.join(where, name)
            if os.path.isfile(path) and not name.startswith("keys."):
                with open(path, "rb") as f:
                    yield path, f.read()
    with open(scene.service.stderr, "rb") as f:
        yield scene.service.stderr, f.read()


def test_no_share_or_code_of_any_vector_is_in_a_file(scene):
    assert len(scene.secrets) > 100
    device = scene.devices["alice"].id
    found = False
    for path, data in files_of(scene):
        found = found or device in data  # control: what may be there is found
        for what, forms in scene.secrets.items():
            assert not any(form in data for form in forms), (path, what)
    assert found


def test_a_wrong_expectation_is_noticed(scene):
    """Each line that says what must hold, with something else in it."""
    good = drive.read_vector("release_mixed")
    drive.Case(scene, good).run()
    for key, value in (("expect", "403 signature"), ("objects", "ok ok unknown-key ok ok ok"),
                       ("record", "denial"), ("record-user", "bob"), ("record-mode", "strict"),
                       ("record-factors", "device approval"), ("record-request", "{recipient-id}"),
                       ("record-objects", good.get("record-objects").replace("b", "a")),
                       ("record-reason", "policy"), ("closes", "yes")):
        changed = drive.Vector(good.name, good.lines | {key: value}, good.http)
        with pytest.raises(AssertionError):
            drive.Case(scene, changed).run()
    for key, value in (("answer", "x"), ("answer-type", "text/plain")):
        status = drive.read_vector("status")
        changed = drive.Vector(status.name, status.lines | {key: value}, status.http)
        with pytest.raises(AssertionError):
            drive.Case(scene, changed).run()
    case = drive.Case(scene, good)
    case.make()
    with pytest.raises(AssertionError):
        case.check_absent(b"... " + case.objects["c"].share.hex().encode() + b" ...")


def test_every_code_has_a_vector():
    with open(SPEC) as f:
        names = re.findall(r"^\| \d+ \| `([a-z-]+)` \|", f.read().split("## 8.")[1], re.M)
    assert names == native.CODES and len(names) > 40
    seen = {vector.get("expect").split()[1] for vector in VECTORS}
    seen |= {word.split("*")[-1] for v in VECTORS for word in v.get("objects", "").split()}
    assert seen == set(names) - ELSEWHERE
