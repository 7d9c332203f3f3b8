# SPDX-License-Identifier: Apache-2.0
"""What a client keeps of the log, spec/log.md section 14: a service whose log was set back or
rewritten is refused, before its shares are used."""
import os
import re
import shutil
import threading
import time

from service import Service
from test_log import checkpoint, records
from test_log_tools import back_to, fails, path, releases, snapshot


def state_folder(s, who="client"):
    return os.path.join(s.base, who, "doublekey", "services", f"127.0.0.1:{s.port}", "log")


def decrypt(s, who="client", check=True):
    return s.client("decrypt", "--customer", s.key, "--provider", "p.key", "object.dk", "-o", "out",
                    "-f", who=who, check=check)


def kept(s, who="client"):
    """Sizes: the one that is seen, and those that are pending."""
    text = open(os.path.join(state_folder(s, who), "state")).read()
    found = re.findall(r"^note \d+( \d+)?\n.*\n(\d+)\n", text, re.M)
    return ([int(size) for time, size in found if not time],
            [int(size) for time, size in found if time])


def settle(s, who="client"):
    """All that was released is published and compared."""
    size = records(s)[-1]["index"] + 1
    checkpoint(s, size)
    decrypt(s, who)
    assert kept(s, who)[0] >= [size]


def test_what_is_kept_grows_and_is_compared(ready):
    seen, enrolled = kept(ready)
    assert seen == [] and len(enrolled) == 1
    checkpoint(ready, enrolled[0])
    decrypt(ready)
    seen, pending = kept(ready)
    assert len(seen) == 1 and len(pending) <= 1 and enrolled[0] not in pending
    releases(ready, 270)
    settle(ready)
    assert kept(ready)[0][0] > 256
    assert oct(os.stat(os.path.join(state_folder(ready), "state")).st_mode)[-3:] == "600"


def test_a_log_that_was_set_back(ready):
    snapshot(ready, "before")
    decrypt(ready)
    releases(ready, 10)
    settle(ready)
    size = kept(ready)[0][0]
    back_to(ready, "before")
    fails(decrypt(ready, check=False), "log-inconsistent")
    assert os.path.exists(os.path.join(state_folder(ready), "evidence"))
    # Long enough again, and with another history: nobody waits any more.
    releases(ready, 30)
    checkpoint(ready, size + 5)
    fails(decrypt(ready, check=False), "log-inconsistent")
    ready.enrol()  # a new device remembers what the old one saw
    fails(decrypt(ready, check=False), "log-inconsistent")
    evidence = open(os.path.join(state_folder(ready), "evidence")).read()
    assert evidence.count("\nnote ") == 2
    ready.enrol("bob", who="other")
    decrypt(ready, "other")  # control: to whom it showed nothing else
    ready.client("log", "gossip", "--forget", ready.url)
    decrypt(ready)


def test_a_receipt_that_was_never_published(ready):
    """It was only signed, and its share used; the next request finds out."""
    decrypt(ready)
    settle(ready)
    snapshot(ready, "before")
    releases(ready, 3)  # of somebody else
    decrypt(ready)
    back_to(ready, "before")
    for _ in range(60):  # as long as its receipt may be ahead of the files
        done = decrypt(ready, check=False)
        if done.returncode != 0:
            break
        time.sleep(0.3)
    fails(done, "log-inconsistent")


def test_no_share_is_used(ready):
    """Nothing comes out of an object whose service is refused."""
    snapshot(ready, "before")
    decrypt(ready)
    releases(ready, 5)
    settle(ready)
    back_to(ready, "before")
    os.unlink(path(ready, "out"))
    fails(decrypt(ready, check=False), "log-inconsistent")
    assert not os.path.exists(path(ready, "out"))
    assert ready.log().count(" release done") >= 1  # it was released, and is recorded


def test_gossip_finds_a_split_view(ready):
    """Two users, each of whom sees a log that grows; together they see two."""
    ready.enrol("bob", who="other")
    decrypt(ready)
    decrypt(ready, "other")
    settle(ready)
    settle(ready, "other")
    snapshot(ready, "before")
    releases(ready, 5)
    settle(ready)
    ready.client("log", "gossip", ready.url, "-o", "alice.gossip")
    ready.client("log", "gossip", "--import", "alice.gossip", who="other")  # control
    ready.client("log", "gossip", "--forget", ready.url, who="other")
    back_to(ready, "before")
    releases(ready, 20)
    checkpoint(ready, records(ready)[-1]["index"] + 1)
    decrypt(ready, "other")  # alone, there is nothing to notice
    settle(ready, "other")
    done = ready.client("log", "gossip", "--import", "alice.gossip", who="other", check=False)
    fails(done, "log-inconsistent", ready.url)
    fails(decrypt(ready, "other", check=False), "log-inconsistent")  # from now on


def test_who_only_enrolled_has_something_to_tell(ready):
    """The receipt of an enrolment, too, shows others that there are two logs."""
    snapshot(ready, "before")
    releases(ready, 5)
    ready.enrol("bob", who="other")
    seen, pending = kept(ready, "other")
    enrolled = [r["index"] for r in records(ready) if r["class"] == "device-enrolled"]
    assert seen == [] and len(pending) == 1 and pending[0] > max(enrolled)
    ready.client("log", "gossip", ready.url, "-o", "bob.gossip", who="other")
    checkpoint(ready, pending[0])
    done = ready.client("log", "gossip", "--import", "bob.gossip")  # control
    assert "1 checkpoint" in done.stderr
    ready.client("log", "gossip", "--forget", ready.url)
    back_to(ready, "before")
    releases(ready, 20)
    checkpoint(ready, records(ready)[-1]["index"] + 1)
    decrypt(ready)  # alone, there is nothing to notice
    fails(ready.client("log", "gossip", "--import", "bob.gossip", check=False), "log-inconsistent",
          ready.url)


def test_gossip_files(ready, tmp_path_factory):
    decrypt(ready)
    ready.client("log", "gossip", ready.url, "-o", "g")
    text = open(path(ready, "g")).read()
    assert text.startswith("doublekey-gossip-1\nnote ")
    done = ready.client("log", "gossip", ready.url, "-o", "g", check=False)
    assert done.returncode == 1 and "--force" in done.stderr

    def imported(data):
        with open(path(ready, "bad"), "w") as f:
            f.write(data)
        return ready.client("log", "gossip", "--import", "bad", check=False)

    for edit in (lambda t: t.replace("gossip-1", "gossip-2"), lambda t: t[:-1], lambda t: t + "x",
                 lambda t: t.replace("note ", "note 0"), lambda t: t.replace("note ", "note 1"),
                 lambda t: t.replace("note ", "note  "),
                 lambda t: t.replace("\nnote", "\nnote 0\nnote", 1),
                 lambda t: t[:19] + t[19:] * 300):
        fails(imported(edit(text)), "log-file")
    fails(imported(re.sub(r"^(note \d+)$", r"\1 0", text, flags=re.M)), "log-file")
    size = max(sum(kept(ready), []))
    fails(imported(text.replace(f"\n{size}\n", f"\n{size - 1}\n")), "receipt")
    done = imported(text.replace(f"127.0.0.1:{ready.port}/log\n", "127.0.0.1:99999/log\n"))
    assert done.returncode == 0 or "log-file" in done.stderr
    done = imported("doublekey-gossip-1\n")
    assert done.returncode == 0 and "0 checkpoints" in done.stderr
    for wrong in (["log", "gossip"], ["log", "gossip", ready.url],
                  ["log", "gossip", "--import", "g", ready.url],
                  ["log", "gossip", "--forget", "--import", "g"]):
        assert ready.client(*wrong, check=False).returncode == 2, wrong
    other = Service(tmp_path_factory.mktemp("other"))  # one that is not asked
    fails(ready.client("log", "gossip", other.url, "-o", "h", check=False), "service-not-enrolled")


def test_a_state_that_is_damaged(ready):
    decrypt(ready)
    name = os.path.join(state_folder(ready), "state")
    good = open(name).read()
    for bad in ("", "x", good[:-1], good.replace("note ", "note 1", 1), good + good[19:]):
        with open(name, "w") as f:
            f.write(bad)
        fails(decrypt(ready, check=False), "service-profile")
    with open(name, "w") as f:
        f.write(good)
    decrypt(ready)


def test_many_at_once(ready):
    """Processes that share what is kept lose nothing of it."""
    ready.client("decrypt", "--customer", ready.key, "--provider", "p.key", "object.dk", "-o",
                 "out")
    results = []

    def one(i):
        done = ready.client("decrypt", "--customer", ready.key, "--provider", "p.key", "object.dk",
                            "-o", f"out{i}", check=False)
        results.append((done.returncode, done.stderr))

    threads = [threading.Thread(target=one, args=(i,)) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [(0, "")] * 20
    settle(ready)
    seen, pending = kept(ready)
    assert len(seen) == 1 and len(pending) <= 1


def test_a_log_that_cannot_be_read(ready):
    """Files that are withheld are not the same as none that are wrong; no share either way."""
    decrypt(ready)
    releases(ready, 3)
    settle(ready)
    folder = os.path.join(ready.dir, "log")
    releases(ready, 300)
    checkpoint(ready, 300)
    shutil.move(os.path.join(folder, "tile"), os.path.join(folder, "away"))
    try:
        fails(decrypt(ready, check=False), "log-missing")
    finally:
        shutil.rmtree(os.path.join(folder, "tile"), ignore_errors=True)
        shutil.move(os.path.join(folder, "away"), os.path.join(folder, "tile"))
