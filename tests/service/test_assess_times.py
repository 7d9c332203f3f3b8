# SPDX-License-Identifier: Apache-2.0
"""doublekey assess, over the log of a service whose clock is wrong: witnesses bound its entries."""
import contextlib
import json
import os
import re
import struct
import time

import pytest

from service import parts_of, release_body
from test_assess import stamp
from test_clock import HOUR, LIBRARY, Clocked, ask
from test_log_tools import mirror, records_file
from witness import Witness

PROVIDER = "provider-keys provider since unknown"


@contextlib.contextmanager
def clock(base, ahead):
    """Of all programs that are started in it, in front of the service's own file."""
    with open(os.path.join(str(base), "ahead"), "wb") as f:
        f.write(struct.pack("=qq", ahead, 0))
    os.environ.update(LD_PRELOAD=LIBRARY, CLOCK_FILE=os.path.join(str(base), "ahead"))
    try:
        yield
    finally:
        del os.environ["LD_PRELOAD"], os.environ["CLOCK_FILE"]


class Lying:
    """Two objects: `early` is released when the service's clock is an hour back, `late` when it is
    an hour ahead. One witness has the right time."""

    def __init__(self, base):
        self.base = str(base)
        with clock(base, -HOUR):
            self.s = s = Clocked(base)
            s.jump(-HOUR)
        self.w = Witness(base, logs=[s.vkey])

    def fill(self):
        s, base = self.s, self.base
        self.w.start()
        with clock(base, -HOUR):
            with open(os.path.join(s.dir, "doublekeyd.conf"), "a") as f:
                f.write('witnesses = "witnesses.policy"\n')
            self.policy = "witness w %s %s\nquorum w\n" % (self.w.vkey, self.w.url)
            for path in (os.path.join(s.dir, "witnesses.policy"), os.path.join(base, "policy")):
                with open(path, "w") as f:
                    f.write(self.policy)
            s.start()
            s.prepare()
            s.client("encrypt", "--customer", s.key, "--provider", "p.key.pub", "plain", "-o",
                     "late.dk")
        self.start = int(time.time())
        os.mkdir(os.path.join(self.base, "objects"))
        self.ids = {}
        for name, path, ahead in (("early", "object.dk", -HOUR), ("late", "late.dk", HOUR)):
            s.jump(ahead)
            s.body = release_body([parts_of(os.path.join(self.base, path))])
            assert ask(s, created=int(time.time()) + ahead) is None
            self.ids[name] = json.loads(s.client("inspect", "--json", path).stdout)["object_id"]
            os.rename(os.path.join(self.base, path), os.path.join(self.base, "objects", name))
            self.copy()
        s.client("scan", "-q", "-o", "catalogue", "objects")
        records_file(s, "records", lambda rows: [r for r in rows if r[0] < self.size])
        self.device = re.search(r'enrolled.* device="([^"]*)"', s.log())[1]

    def copy(self):
        """Of a cosigned checkpoint over all that there is."""
        wanted = len(self.s.log().splitlines())
        for turn in range(1, 600):
            body = self.s.request("GET", "/log/checkpoint")[2]
            self.size = int(body.split(b"\n")[1])
            if self.size >= wanted and self.w.name.encode() in body:
                break
            time.sleep(0.1)
            if turn % 20 == 0:  # one that was shown without its lines is not shown again
                self.s.admin("enrol-code", "--user", "bob")
        mirror(self.s)
        with open(os.path.join(self.base, "copy", "checkpoint")) as f:
            text = f.read()
        self.size = int(text.splitlines()[1])
        assert self.size >= wanted and self.w.name in text

    def answers(self, since, begin, end, *options):
        with open(os.path.join(self.base, "incident"), "w") as f:
            f.write('from = "%s"\nto = "%s"\nstolen = {"%s", "device %s since %s"}\n'
                    'silence = "10000"\nsets = "as-written"\n' % (
                        begin and stamp(begin) or "unknown", stamp(end), PROVIDER, self.device,
                        stamp(since)))
        done = self.s.client("assess", "-q", "--incident", "incident", "--catalogue", "catalogue",
                             "--log", "copy", "--records", "records", "--json", "-", *options)
        read = json.loads(done.stdout)
        found = {o["object"]: (o["answer"], o.get("missing")) for o in read["objects"]}
        return read["inputs"]["times"], found[self.ids["early"]], found[self.ids["late"]]


@pytest.fixture(scope="module")
def lying(tmp_path_factory):
    world = Lying(tmp_path_factory.mktemp("times"))
    try:
        world.fill()
        yield world
    finally:
        world.s.stop()
        world.w.stop()


def test_a_wrong_clock_hides_no_release_from_witnesses(lying):
    """The device was stolen half an hour ago: behind the early release, if the clock of the
    service were right; and the late one was made behind the window."""
    case = lying.start - HOUR // 2, None, lying.start + HOUR // 2
    times, early, late = lying.answers(*case, "--key", lying.s.vkey, "--policy", "policy")
    assert times == "witnesses" and early[0] == late[0] == "readable"
    # Control: without the policy, the clock is believed.
    times, early, late = lying.answers(*case, "--key", lying.s.vkey)
    assert times == "service-clock" and early == late == ("not-readable", None)


def test_the_report_has_the_times_of_witnesses(lying):
    def text(*options):
        lying.answers(lying.start - HOUR // 2, None, lying.start + HOUR // 2, "--key",
                      lying.s.vkey, "--html", "report.html", "--force", *options)
        with open(os.path.join(lying.base, "report.html"), encoding="utf-8") as f:
            return f.read()
    witnessed = text("--policy", "policy")
    assert re.search(r"Log entry \d+ \(between [^)]* and [^)]*UTC\)", witnessed)
    assert "Witnesses bound the times" in witnessed and "--policy POLICY" in witnessed
    believed = text()
    assert "Witnesses bound" not in believed and "--policy" not in believed


def test_nor_is_a_release_moved_behind_a_theft(lying):
    """Stolen in five minutes, so by no release. That the log does not reach the end of the window
    yet, a clock would hide."""
    case = lying.start + 300, None, lying.start + HOUR // 2
    times, early, late = lying.answers(*case, "--key", lying.s.vkey, "--policy", "policy")
    assert times == "witnesses" and early == late == ("unknown", "log-end")
    case = lying.start + 300, None, lying.start + HOUR + 300
    assert lying.answers(*case, "--key", lying.s.vkey)[2][0] == "readable"
    assert lying.answers(*case, "--key", lying.s.vkey, "--policy", "policy")[2] == early
    # What witnesses saw of the window is enough for a window that ended before.
    case = lying.start + 300, None, lying.start - 60
    times, early, late = lying.answers(*case, "--key", lying.s.vkey, "--policy", "policy")
    assert early == late == ("not-readable", None)


def test_a_policy_without_a_quorum_has_no_times(lying):
    with open(os.path.join(lying.base, "none"), "w") as f:
        f.write(lying.policy.replace("quorum w", "quorum none"))
    case = lying.start - HOUR // 2, None, lying.start + HOUR // 2
    assert lying.answers(*case, "--key", lying.s.vkey, "--policy", "none")[0] == "service-clock"
