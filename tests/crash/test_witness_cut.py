# SPDX-License-Identifier: Apache-2.0
"""`doublekey log witness`, ended behind each step of a request."""
import signal

import pytest

from crash import CUT, Control
from witness import Log, Witness, leaves


def test_killed_anywhere_it_never_has_signed_more_than_it_keeps(tmp_path):
    """Behind each step of a request, the one between state and answer among them: what a
    client got a signature of is kept, and another tree of that size is refused."""
    log, behind, step = Log(), [], 0
    while True:
        step += 1
        assert step < 60, behind
        base = tmp_path / str(step)
        base.mkdir()
        control = Control(str(base / "control"))
        w = Witness(base, logs=[log.vkey]).start(prefix=[CUT, control.path])
        try:
            assert w.add(log.request(0, leaves(4)))[0] == 200
            control.arm("doublekey-witne", step)
            try:
                status = w.add(log.request(4, leaves(6)))[0]
            except OSError:
                status = None
            fired = control.fired
            behind.append((fired, status))
        finally:
            w.stop(signal.SIGUSR1)
        w.start()
        try:
            size = int(w.newest(log)[1].split(b"\n")[1])
            assert size == 6 or (size == 4 and status != 200), behind
            if size == 6:
                assert w.add(log.request(6, leaves(4) + [b"x", b"y"]))[0] == 422
            # The log, which may have got no answer, asks again.
            assert w.add(log.request(size, leaves(6)))[0] == 200
        finally:
            w.stop()
        if not fired:
            break
    if len(behind) == 1:
        pytest.skip("no ptrace here")
    calls = [call for call, _ in behind]
    assert "fsync" in calls and ("rename", None) in behind, behind
