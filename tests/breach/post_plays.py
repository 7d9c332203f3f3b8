# SPDX-License-Identifier: Apache-2.0
"""A play by Microsoft's protocol: people read, the thief tries all that he can, and then it is
assessed."""
import entra
from forger import Forger, Gain
from post import ALICE, GATES
from town import Theft

TOKEN_KEY = Theft("token-key %s k1" % entra.v2())
AMBIENT = {"Session", "Network"}  # of the place where people are


def of(keys, *names):
    return {(key, name) for key in keys for name in names}


# What a token of the right person opens from everywhere: of a key that asks for nothing else, and
# what was approved for that person.
FREE = of({"Open"}, "read", "wanted") | of({"Approved"}, "read")


def play(post, gain=None, thefts=(TOKEN_KEY,)):
    """What he opened, what the assessment calls readable, all that it says, and the thief."""
    post.write_documents()
    post.read("before")
    post.pass_time()
    begin, thief = post.now(), Forger(post, gain or Gain())
    post.read("read")
    got = thief.everything()
    end = post.now()
    post.pass_time()
    answers = post.assess(thefts, begin, end)
    readable = {d for d, a in answers.items() if a["answer"] == "readable"}
    # What was never unwrapped is in no list, and all else is there with an answer.
    assert set(answers) == got | of(GATES, "before", "read")
    assert got <= readable
    assert {a["answer"] for d, a in answers.items() if d not in readable} <= {"not-readable"}
    assert thief.refused[401] and thief.refused["refused"] and thief.refused["tls"]
    return got, readable, answers, thief


def incident(post, happen, *thefts):
    """What the assessment says of documents with which this happened."""
    post.write_documents()
    post.pass_time()
    begin = post.now()
    happen()
    end = post.now()
    post.pass_time()
    return post.assess(thefts or (TOKEN_KEY,), begin, end)


def open_as_alice(post, document, place, pem=None):
    with post.s.connect(place, pem) as c:
        assert post.ask(c, document, post.token(ALICE))[1] == post.plain[document]
