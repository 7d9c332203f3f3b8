# SPDX-License-Identifier: Apache-2.0
"""doublekeyd.conf: what the service does not start with, and says why."""
import os
import subprocess

from service import DAEMON, Service

REFUSED = {
    'listen = "127.0.0.1:%d"\n': "'listen' is there twice",
    'hsm-directory = "a"\nhsm-directory = "b"\n': "'hsm-directory' is there twice",
    'hsm-environment = {"A=b"}\nhsm-environment = {"C=d"}\n': "'hsm-environment' is there twice",
    'hsm-sockets = true\nhsm-sockets = false\n': "'hsm-sockets' is there twice",
    'hsm-directory = "${HOME}"\n': "'${' is not allowed",
    '# ${HOME}\n': "'${' is not allowed",
    'metrics = "127.0.0.1:75011"\n': "'metrics' takes ADDRESS:PORT, with a port from 1 to 65535",
    'hsm = "pkcs11:token=a?pin-value=1"\n': "'hsm': a PIN must not be in a URI",
    'hsm = "x"\n': "'hsm' takes a PKCS #11 URI",
    'mode = "x"\n': "mode: prompt or strict",
    'hsm-directory = "a\x01"\n': "has a control character",
    'hsm-directory = "a\\x01"\n': "'hsm-directory' is not plain text",
    'no-such = "x"\n': "no-such",
    'hsm-sockets = perhaps\n': "hsm-sockets",
    'hsm-directory = "x\n': "line ",
    "#" + "x" * 65536 + "\n": "longer than 65536 bytes",
}


PORTS = ("65536", "65537", "73979", "4294967296", "0", "01", "", "+1", "https", "1x")


def run(s):
    return subprocess.run([DAEMON, "run", "--dir", s.dir, "--passphrase-file", s.passfile],
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=60)


def test_what_is_refused(tmp_path):
    s = Service(tmp_path)
    path = os.path.join(s.dir, "doublekeyd.conf")
    text = open(path).read()
    for more, said in REFUSED.items():
        with open(path, "w") as f:
            f.write(text + (more % s.port if "%d" in more else more))
        done = run(s)
        assert done.returncode == 1, more[:40]
        assert said in done.stderr.decode(), (more[:40], done.stderr)
    with open(path, "wb") as f:
        f.write(text.encode() + b'hsm-directory = "\xff"\n')
    assert b"'hsm-directory' is not plain text" in run(s).stderr
    with open(path, "w") as f:
        f.write("# nothing\n")
    done = run(s)
    assert done.returncode == 1 and b"error: configuration: " in done.stderr
    assert b"doublekeyd.conf: 'listen' is missing" in done.stderr
    for port in PORTS:
        with open(path, "w") as f:
            f.write('listen = "127.0.0.1:%s"\n' % port)
        done = run(s)
        assert done.returncode == 1, port
        assert b"'listen' takes HOST:PORT, with a port from 1 to 65535" in done.stderr, port
    os.unlink(path)
    done = run(s)
    assert done.returncode == 1 and b"doublekeyd.conf: No such file" in done.stderr
    with open(path, "w") as f:  # control
        f.write(text + '# a comment\nhsm-environment = {"A=b"}\nhsm-environment += {"C=d"}\n')
    s.start()
    s.stop()
