# SPDX-License-Identifier: Apache-2.0
"""The story of 2023: what the thief of the key that signs all tokens opens by Microsoft's protocol,
and that the assessment lists exactly this, beside what people opened where a token alone would
do."""
import hashlib
import os

import pytest
from cryptography.hazmat.primitives import hashes

import entra
from forger import Gain
from post import ALICE, GATES, OFFICE, OUTSIDE, Post
from post_plays import AMBIENT, FREE, TOKEN_KEY, incident, of, open_as_alice, play
from reader import pages
from service import BUILD
from town import Theft


@pytest.fixture(scope="module")
def post(tmp_path_factory):
    made = Post(tmp_path_factory.mktemp("post"))
    yield made
    made.end()


def test_from_elsewhere(post):
    """Nothing opens but what asks for nothing, and what was approved for whom a token names. Where
    a token and a place were enough, what people read meanwhile could have been his."""
    got, readable, answers, _ = play(post)
    assert got == FREE
    assert readable == got | of(AMBIENT, "read")
    said = answers["Session", "read"]
    assert said["level"] == "C- (ambient)" and said["gates"] == ["session"]
    assert "at level C- (ambient), with a session" in said["derivation"]
    assert answers["Approved", "read"]["gates"] == ["session", "approval"]
    assert answers["Open", "wanted"]["level"] == "C-"
    assert {answers[key, "before"]["answer"] for key in GATES} == {"not-readable"}


def test_from_the_place_of_a_session(post):
    """What the session covers, and the network; nothing that has to be covered by itself."""
    got, readable, _, thief = play(post, Gain(places=(OUTSIDE, OFFICE)))
    assert got == FREE | of(AMBIENT, "read", "wanted")
    assert readable == got and thief.refused["replay"]


def test_an_authenticator_as_well(post):
    """Of two secrets he has both."""
    page, alice = post.page(OUTSIDE), post.pages[ALICE]
    page.key, page.person = alice.key, ALICE
    device = Theft("device " + hashlib.sha256(page.key.spki).hexdigest())
    got, readable, answers, _ = play(post, Gain(page=page), (TOKEN_KEY, device))
    assert got == FREE | of({"Confirmed"}, "read", "wanted")
    assert readable == got | of(AMBIENT, "read")
    assert "confirmation of log entry" in answers["Confirmed", "wanted"]["derivation"]


def test_a_ca_of_the_people_as_well(post):
    ca = Theft("ca " + post.people.certificate.fingerprint(hashes.SHA256()).hex())
    got, readable, *_ = play(post, Gain(authority=post.people), (TOKEN_KEY, ca))
    assert got == FREE | of({"Client", "Front"}, "read", "wanted")
    assert readable == got | of(AMBIENT, "read")


def test_a_document_that_was_confirmed_is_taken_by_who_is_faster(post):
    """An assumption, and what it is worth: who comes from the address of the person."""
    document = ("Confirmed", "wanted")

    def be_faster():
        post.act(post.pages[ALICE], pages.CONFIRM, post.value[document])
        open_as_alice(post, document, OFFICE)
    assert incident(post, be_faster)[document]["answer"] == "not-readable"


def test_a_certificate_that_names_somebody_else(post):
    """It shows nothing of whose request it was."""
    document = ("Open", "wanted")
    answers = incident(post, lambda: open_as_alice(post, document, OUTSIDE, post.pem("mallory")))
    assert answers[document]["answer"] == "readable"
    answers = incident(post, lambda: open_as_alice(post, document, OUTSIDE, post.pem("alice")))
    assert answers[document]["answer"] == "not-readable"


def test_another_key_was_stolen(post):
    """That of a neighbour: nobody reads anything."""
    answers = incident(post, lambda: post.read("read"),
                       Theft("token-key %s k1?" % entra.v2(entra.OTHER)))
    assert set(answers) == of(GATES, "read")
    assert {a["answer"] for a in answers.values()} == {"not-readable"}


def test_a_service_that_believes_tokens_alone(post):
    """The control: all opens, and the assessment says so."""
    if not os.path.exists(os.path.join(BUILD, "tests", "breach", "weakened-token-alone")):
        pytest.skip("this build has no programs with a hole (-Dweakened)")
    with post.weakened("token-alone"):
        got, readable, answers, _ = play(post)
    assert got == of(GATES, "read", "wanted") - of({"Network"}, "read", "wanted")
    assert readable == got | of({"Network"}, "read")
    assert "level" not in answers["Confirmed", "wanted"]
