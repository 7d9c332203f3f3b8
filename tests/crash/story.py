# SPDX-License-Identifier: Apache-2.0
"""What clients and operators do while processes end, and what must hold afterwards."""
import collections
import concurrent.futures
import http.client
import os
import pathlib
import time

from crash import (checkpoint_of, receipt_of_release, receipts_of_key, records, roots, served_tree,
                   sha256)
from service import codes, parts_of, release_body, signature_base
from test_approval import info

# What is seen of a service that ends meanwhile.
GONE = (OSError, http.client.HTTPException)
RULE = 'rule "all" {\nkeys = {"*"}\nusers = {"*"}\nallow = true\n}\n'

State = collections.namedtuple("State", "versions devices frozen")


def request_digest(base):
    """spec/key-service.md section 3."""
    return sha256(info(b"request", sha256(base.encode()))).hex()


class Story:
    """A service, and everything that anybody outside was told by it."""
    key_options = ()   # of `key create`
    key_marks = ""     # behind the state of a key in `key list`

    def __init__(self, s):
        self.s = s
        self.leaves = {}    # index: leaf, as a receipt showed it
        self.roots = {}     # size: root, as a checkpoint showed it
        self.answered = {}  # request digest: index
        self.last = None    # the last request that was answered, to be sent again
        self.key_ids = {}   # (name, version): id
        self.code = None    # an enrolment code that was given
        self.victim = None  # a device to be revoked
        self.number = 0
        self.pool = concurrent.futures.ThreadPoolExecutor(4)
        s.start()
        s.admin("key", "create", "finance", *self.key_options)
        s.enrol()
        s.client("keygen", "--side", "provider", "--no-passphrase", "-o", "p.key")
        pathlib.Path(s.base, "plain").write_text("what nobody else may read\n")
        s.client("encrypt", "--customer", s.url + "/keys/finance", "--provider", "p.key.pub",
                 "plain", "-o", "object.dk")
        self.object = parts_of(os.path.join(s.base, "object.dk"))
        self.device = s.device()
        self.state = self.after = self.observed()

    def new(self):
        self.number += 1
        return self.number

    def perform(self, act):
        """Whether it was answered. self.after is what is there if it was carried out."""
        self.after = self.state
        try:
            act(self)
        except GONE:
            return False
        self.state = self.after
        return True

    def save_outside(self):
        """What is not on the disk and can break, as it was before an act."""

    def undo_outside(self):
        """An act that was not answered did not happen there."""

    # ---- what somebody is told ----

    def note_checkpoint(self, size, root):
        assert self.roots.setdefault(size, root) == root, "two trees of one size"

    def note_receipt(self, index, leaf, checkpoint):
        assert self.leaves.setdefault(index, leaf) == leaf, "two entries at one place"
        self.note_checkpoint(*checkpoint)

    def ask(self, count=1):
        """One request, signed here so that its digest is known and it can be repeated."""
        body, nonce, now = release_body([self.object] * count), os.urandom(16), int(time.time())
        base, _ = signature_base(self.device, self.s.url, body, now, nonce)
        status, error, answer = self.s.release(self.device, body, created=now, nonce=nonce)
        if status == 200:
            assert codes(answer) == [0] * count, codes(answer)
            receipt = receipt_of_release(answer)
            self.note_receipt(*receipt)
            self.answered[request_digest(base)] = receipt[0]
            self.last = (body, now, nonce)
        return status, error

    def admin(self, *args):
        out = self.s.admin(*args, check=False)
        if out.returncode != 0:
            raise ConnectionError(out.stderr)
        return out.stdout

    # ---- what must hold ----

    def observed(self):
        versions, devices, ids = {}, collections.Counter(), {}
        for line in self.s.lines("key", "list"):
            name, version, _, state, key_id = line.split("\t")
            versions[name, int(version)] = state.removesuffix(self.key_marks)
            ids[name, int(version)] = key_id
        for line in self.s.lines("device", "list"):
            user, _, state, _ = line.split("\t")
            devices[user, state] += 1
        status = dict(line.split("\t", 1) for line in self.s.lines("status"))
        for key, key_id in self.key_ids.items():
            assert ids.get(key) == key_id, "another key than before: %s %d" % key
        self.key_ids.update(ids)
        policy = pathlib.Path(self.s.dir, "policy.conf").read_bytes()
        assert status["policy"] == sha256(policy).hex()
        return State(versions, devices, status["releases"] != "open")

    def check(self):
        """After a new start: nothing that anybody was told has become wrong."""
        all_records = records(self.s)
        self.check_releases(all_records)
        self.check_tree()
        state = self.observed()
        assert state in (self.state, self.after), "what was answered is not in force"
        self.check_acts(all_records, state)
        self.state = self.after = state
        self.check_in_force()

    def check_releases(self, all_records):
        assert [r["index"] for r in all_records] == list(range(len(all_records)))
        entries = {r["index"]: r["request"] for r in all_records
                   if r["class"] == "release" and r["decision"] == "done"}
        assert len(set(entries.values())) == len(entries), "one request has two entries"
        for digest, index in self.answered.items():
            assert entries.get(index) == digest, "a share that was handed out has no entry"

    def check_tree(self):
        leaves, root = served_tree(self.s,
                                   max([i + 1 for i in self.leaves] + list(self.roots) + [1]))
        for index, leaf in self.leaves.items():
            assert leaves[index] == leaf
        found = roots(leaves)
        for size, known in self.roots.items():
            assert found[size] == known, "not consistent with a checkpoint that was handed out"
        assert found[len(leaves)] == root
        self.note_checkpoint(len(leaves), root)

    @staticmethod
    def check_acts(all_records, state):
        """No effect is without its record."""
        done = collections.Counter(r["class"] for r in all_records if r["decision"] == "done")
        assert len(state.versions) <= done["key-created"]
        assert sum(state.devices.values()) <= done["device-enrolled"]
        assert list(state.versions.values()).count("destroyed") <= done["key-destroyed"]
        revoked = [user for user, what in state.devices if what == "revoked"]
        assert len(revoked) <= done["device-revoked"]
        if state.frozen:
            assert done["frozen"] > done["unfrozen"]

    def check_in_force(self):
        if self.last:
            body, created, nonce = self.last
            error = self.s.release(self.device, body, created=created, nonce=nonce)[1]
            assert error == ("frozen" if self.state.frozen else "replay")
        status, error = self.ask()
        assert (status, error) == ((403, "frozen") if self.state.frozen else (200, None))

    # ---- what is done while a process ends ----

    def release(self):
        self.ask()

    def release_many(self):
        self.ask(40)

    def release_together(self):
        for one in [self.pool.submit(self.ask) for _ in range(4)]:
            try:
                one.result()
            except GONE:
                pass

    def statement(self):
        status, _, answer = self.s.request("GET", "/v1/keys/finance")
        if status == 200:
            for receipt in receipts_of_key(answer):
                self.note_receipt(*receipt)

    def tiles(self):
        """Until the checkpoint that is served covers the last release."""
        end = time.time() + 3
        while time.time() < end:
            status, _, body = self.s.request("GET", "/log/checkpoint")
            if status != 200:
                return
            self.note_checkpoint(*checkpoint_of(body))
            if checkpoint_of(body)[0] > max(self.leaves):
                return
            time.sleep(0.02)

    def enrol_code(self):
        self.code = self.admin("enrol-code", "--user", "bob").strip()

    def enrol(self):
        code, self.code = self.code, None
        self.after = self.with_devices(active=1)
        out = self.s.client("enrol", self.s.url, "--ca-fingerprint", self.s.fingerprint,
                            "--code", code, who="client-%d" % self.new(), check=False)
        if out.returncode != 0:
            raise ConnectionError(out.stderr)

    def with_devices(self, **more):
        devices = collections.Counter(self.state.devices)
        for state, n in more.items():
            devices["bob", state] += n
        return self.state._replace(devices=+devices)

    def revoke(self):
        self.after = self.with_devices(active=-1, revoked=1)
        self.admin("device", "revoke", self.victim)

    def devices_of_bob(self):
        lines = [line.split("\t") for line in self.s.lines("device", "list")]
        return [fields[3] for fields in lines if fields[0] == "bob" and fields[2] == "active"]

    def key_create(self):
        name = "key-%d" % self.new()
        self.after = self.with_version(name, 1, "active")
        self.admin("key", "create", name, *self.key_options)

    def with_version(self, name, version, state):
        return self.state._replace(versions=self.state.versions | {(name, version): state})

    def spare(self):
        """The last version of a key that is not used for releases."""
        return max(key for key in self.state.versions if key[0].startswith("spare"))

    def key_rotate(self):
        name, version = self.spare()
        self.after = self.with_version(name, version + 1, "active")
        self.admin("key", "rotate", name, *self.key_options)

    def change_spare(self, word, state):
        name, version = self.spare()
        self.after = self.with_version(name, version, state)
        self.admin("key", word, name, str(version))

    def key_disable(self):
        self.change_spare("disable", "disabled")

    def key_enable(self):
        self.change_spare("enable", "active")

    def key_destroy(self):
        self.change_spare("destroy", "destroyed")

    def freeze(self):
        self.after = self.state._replace(frozen=True)
        self.admin("freeze")

    def unfreeze(self):
        self.after = self.state._replace(frozen=False)
        self.admin("unfreeze", "--reason", "a test")

    def policy_reload(self):
        write_synced(os.path.join(self.s.dir, "policy.conf"), RULE + "# %d\n" % self.new())
        self.admin("policy", "reload")

    def stop(self):
        self.s.stop()

    # ---- what must be there before it is done ----

    def prepare(self, act):
        if self.state.frozen != (act == Story.unfreeze):
            assert self.perform(Story.unfreeze if self.state.frozen else Story.freeze)
        if act == Story.tiles:
            self.ask()
        if act in (Story.enrol, Story.revoke) and not self.code:
            assert self.perform(Story.enrol_code)
        if act == Story.revoke:
            assert self.devices_of_bob() or self.perform(Story.enrol)
            self.victim = self.devices_of_bob()[0]
        wanted = {Story.key_rotate: None, Story.key_disable: "active", Story.key_enable: "disabled",
                  Story.key_destroy: "active"}
        if act in wanted:
            self.prepare_spare(wanted[act])

    def prepare_spare(self, state):
        # Before the limit of versions of a key comes a new one.
        if not any(name.startswith("spare") for name, _ in self.state.versions) or \
                self.spare()[1] > 50:
            self.after = self.with_version("spare-%03d" % self.new(), 1, "active")
            self.admin("key", "create", "spare-%03d" % self.number, *self.key_options)
            self.state = self.after
        if state and self.state.versions[self.spare()] == "destroyed":
            assert self.perform(Story.key_rotate)
        if state and self.state.versions[self.spare()] != state:
            assert self.perform(Story.key_enable if state == "active" else Story.key_disable)


def write_synced(path, text):
    """As an editor does that takes care."""
    with open(path + ".new", "w") as f:
        f.write(text)
        f.flush()
        os.fsync(f.fileno())
    os.rename(path + ".new", path)
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


ACTS = [Story.release, Story.release_many, Story.release_together, Story.statement, Story.tiles,
        Story.enrol_code, Story.enrol, Story.revoke, Story.key_create, Story.key_rotate,
        Story.key_disable, Story.key_enable, Story.key_destroy, Story.freeze, Story.unfreeze,
        Story.policy_reload, Story.stop]
