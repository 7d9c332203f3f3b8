#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: story.py BUILD

A breach, told: a thief with the provider's keys, then with a device as well, then against a service
with a hole; and by Microsoft's protocol, with the key that signs tokens. Ends with status 1 if the
assessment does not agree with what he got."""
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(HERE, "..", "service"), os.path.join(HERE, "..")]


def tell(title, outcome, expected):
    got, readable, answers, thief = outcome
    tried = ", ".join("%s %d" % item for item in sorted(thief.refused.items(), key=str))
    print("  %s" % title)
    print("    answers that he got: %s" % tried)
    print("    he read:             %s" % (", ".join(sorted(got)) or "nothing"))
    print("    assessment:          %s" % ", ".join(
        "%s %s" % (name, answer["answer"]) for name, answer in answers.items()))
    for name in sorted(readable):
        print("      %s: %s" % (name, answers[name]["derivation"]))
    if got != expected or readable != expected:
        sys.exit("this is not what was announced")


def tell_forged(folder):
    """Documents of a key for each kind of gate: KEY/read is read by Alice meanwhile."""
    from post import Post
    from post_plays import AMBIENT, FREE, of, play
    post = Post(folder)
    try:
        got, readable, answers, thief = play(post)
        his, hers = FREE, of(AMBIENT, "read")
        if readable != his | hers:
            sys.exit("this is not what was announced")
        shown = {"%s/%s" % d: answers[d] for d in sorted(answers) if d[1] != "before"}
        tell("By Microsoft's protocol, with the key that signs tokens, a token for every user:",
             ({"%s/%s" % d for d in got}, {"%s/%s" % d for d in got}, shown, thief),
             {"%s/%s" % d for d in his})
        print("      and what Alice opened where a token and her place were enough, which he could "
              "have sent:\n        %s" % ", ".join("%s/%s" % d for d in sorted(hers)))
    finally:
        post.end()


def main():
    os.environ["DOUBLEKEY_BUILD"] = os.path.abspath(sys.argv[1])
    from plays import device, play, provider_key, token_key
    from town import Town
    with tempfile.TemporaryDirectory() as folder:
        town = Town(folder)
        try:
            both = [provider_key, token_key]
            print("  (he has all that is stored and all traffic, and tries what he can)")
            tell("The provider's keys, also the one that signs tokens:", play(town, both), set())
            tell("Alice's laptop as well, of which he uses little:",
                 play(town, both + [device], ("memo",)), {"memo"})
            if os.path.exists(os.path.join(sys.argv[1], "tests/breach/weakened-token-alone")):
                with town.weakened("token-alone"):
                    tell("The provider's keys, and a service that believes tokens alone "
                         "(a test program):", play(town, both, ("memo", "board")),
                         {"memo", "board"})
        finally:
            town.end()
    with tempfile.TemporaryDirectory() as folder:
        tell_forged(folder)


if __name__ == "__main__":
    main()
