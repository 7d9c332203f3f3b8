# SPDX-License-Identifier: Apache-2.0
"""Messages between the processes by spec/ipc.md alone: its table, packets, and one process of
the service whose peers are all played by the test."""
import os
import re
import shutil
import signal
import socket
import struct
import subprocess

from service import BUILD

SPEC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "spec", "ipc.md")
PROCESSES = {"parent": 1, "httpd": 2, "authd": 3, "keyd": 4, "logd": 5, "tokend": 6,
             "fetchd": 7}
PART = 61440
PACKET = 65536
VIOLATION = 0x0004
# Channels of each process in the order of its descriptors, section 1.
CHANNELS = {"httpd": ["parent", "authd", "keyd", "logd"], "authd": ["parent", "httpd", "keyd"],
            "keyd": ["parent", "authd", "httpd", "logd"], "logd": ["parent", "keyd", "httpd"],
            "tokend": ["parent", "keyd"], "fetchd": ["parent"]}


class Message:
    def __init__(self, kind, name, sender, receiver, longest):
        self.type, self.name, self.longest = kind, name, longest
        self.sender, self.receiver = sender, receiver


def table():
    """Section 3, with one row for each child where it says any."""
    text, rows = open(SPEC).read(), []
    for kind, name, sender, receiver, longest in re.findall(
            r"^\| `([0-9a-f]{4})` \| (\w+) \| ([\w ]+) → ([\w ]+) \| ([\d,]+) \|$", text, re.M):
        for a in [sender] if sender != "any child" else CHANNELS:
            for b in [receiver] if receiver != "any child" else CHANNELS:
                rows.append(Message(int(kind, 16), name, a, b, int(longest.replace(",", ""))))
    return rows


def packet(kind, part=b"", total=None, offset=0, number=7, zero1=0, zero2=0):
    return struct.pack(">HHIIIQ", kind, zero1, len(part) if total is None else total, offset,
                       zero2, number) + part


def packets(kind, payload=b"", number=7):
    if not payload:
        return [packet(kind, number=number)]
    return [packet(kind, payload[i:i + PART], len(payload), i, number)
            for i in range(0, len(payload), PART)]


class Closed(Exception):
    pass


def parts_of_packet(data):
    while data:
        kind, _, total, _, more, number = struct.unpack(">HHIIIQ", data[:24])
        end = 24 + more - 1 if more else len(data)
        yield kind, total, number, data[24:end]
        data = data[end:]


class Channel:
    def __init__(self, end):
        self.end = end
        end.settimeout(60)
        self.parts = []  # that have come and are not yet looked at

    def send(self, kind, payload=b"", number=7):
        self.raw(*packets(kind, payload, number))

    def raw(self, *data):
        for one in data:
            self.end.send(one)

    def receive(self):
        """Type, id and payload of the next message."""
        payload = b""
        while True:
            kind, total, number, part = self.part()
            payload += part
            if len(payload) == total:
                return kind, number, payload

    def part(self):
        if not self.parts:
            try:
                data = self.end.recv(PACKET)
            except ConnectionResetError:  # it ended with something unread; what it said is here
                data = self.end.recv(PACKET)
            if not data:
                raise Closed
            self.parts = list(parts_of_packet(data))
        return self.parts.pop(0)

    def expect(self, kind):
        """Skips what else comes."""
        while True:
            got, number, payload = self.receive()
            if got == kind:
                return number, payload


class Child:
    """A process with descriptors as section 1 has them; files follow its channels."""

    def __init__(self, name, files, cwd, args=(), env=None, extra=()):
        self.name = name
        self.channel, ends = {}, []
        for peer in CHANNELS[name]:
            mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            mine.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            self.channel[peer] = Channel(mine)
            ends.append(its)
        wanted = [end.fileno() for end in ends] + list(files)
        for peer in extra:
            mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.channel[peer] = Channel(mine)
            ends.append(its)
            wanted.append(its.fileno())
        program = os.path.join(BUILD, "daemon", "doublekeyd-" + name)
        self.process = subprocess.Popen(
            [program, *args], cwd=cwd, env=env or {}, close_fds=False, stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE, preexec_fn=lambda: put_in_place(wanted))
        for end in ends:
            end.close()

    def end(self):
        for channel in self.channel.values():
            channel.end.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        said = self.process.stderr.read().decode()
        self.process.stderr.close()
        self.process.wait()
        return said

    def violation(self):
        """Process and type that it tells the parent."""
        payload = self.channel["parent"].expect(VIOLATION)[1]
        return payload[0], int.from_bytes(payload[1:], "big")


def put_in_place(wanted):
    """As daemon/parent/spawn.c does it."""
    above = [os.dup2(fd, 200 + i, inheritable=True) for i, fd in enumerate(wanted)]
    for i, fd in enumerate(above):
        os.dup2(fd, 3 + i, inheritable=True)
    os.closerange(3 + len(above), 1024)
    if max(above) >= 1024:
        os._exit(126)


class Peers:
    """Starts the processes of one service, one at a time, each on copies of its files."""

    READY = 0x0001
    witnesses = "/dev/null"  # their policy, for keyd
    dke_conf = "/dev/null"  # settings of the Microsoft front end, for keyd

    def __init__(self, s):
        self.s, self.open, self.count = s, [], 0

    def file(self, path, flags=os.O_RDONLY):
        fd = os.open(os.path.join(self.s.dir, path), flags)
        self.open.append(fd)
        return fd

    def nothing(self):
        return self.file("/dev/null")

    def start(self, name):
        child = getattr(self, "start_" + name)()
        for fd in self.open:
            os.close(fd)
        self.open = []
        return child

    def ready(self, name):
        """As start(), up to READY."""
        child = self.start(name)
        if name == "keyd":
            self.not_shared(child)
            number, _ = child.channel["logd"].expect(0x0403)
            child.channel["logd"].send(0x0404, anchored(), number)
        child.channel["parent"].expect(self.READY)
        return child

    @staticmethod
    def not_shared(keyd):
        number, _ = keyd.channel["logd"].expect(0x0407)
        keyd.channel["logd"].send(0x0408, struct.pack(">H", 2), number)

    def listener(self):
        """Descriptor and port."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            fd = os.dup(listener.fileno())
            self.open.append(fd)
            return fd, listener.getsockname()[1]

    def start_httpd(self):
        fd, self.port = self.listener()
        files = [fd, self.file("tls/chain.pem"), self.file("tls/server.key"), self.nothing(),
                 self.nothing()]
        return Child("httpd", files + self.dke_files(), "/")

    def dke_files(self):
        """Those of the Microsoft DKE front end: there is none."""
        return [self.nothing() for _ in range(5)]

    def start_authd(self):
        return Child("authd", [self.file("policy.conf"), self.nothing(), self.nothing()], "/")

    def start_keyd(self):
        for slot in ("sealed.0", "sealed.1"):
            shutil.copy(os.path.join(self.s.dir, "keys", slot), os.path.join(self.s.base, slot))
        files = [self.file(os.path.join(self.s.base, "sealed.%d" % i), os.O_RDWR)
                 for i in (0, 1)]
        files += [self.file(self.s.passfile), self.file(self.witnesses), self.file(self.dke_conf)]
        return Child("keyd", files, "/", extra=["tokend"])

    def start_fetchd(self):
        return Child("fetchd", [], "/")

    def start_logd(self):
        self.count += 1
        copy = os.path.join(self.s.base, "log-%d" % self.count)
        shutil.copytree(os.path.join(self.s.dir, "log"), copy)
        return Child("logd", [self.nothing()], copy)


def anchored(code=0, size=0, leaf=bytes(48), n=0, more=b""):
    return struct.pack(">HQ", code, size) + leaf + bytes([n]) + more
