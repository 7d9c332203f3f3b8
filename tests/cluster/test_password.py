# SPDX-License-Identifier: Apache-2.0
"""Somebody who has the password of the database, and none of the service's keys: all rows are his to
write. Nothing is signed, released or carried out by what he wrote. test_controls.py has the same
with a logd that believes the rows."""
import hashlib
import os
import struct
import time

import pytest

from nodes import cluster, name_database, release, wait_until
from test_migrate import run_fails
from witness import leaf_hash, root

TABLES = ("head", "entry", "node", "act", "sealed")
HEARTBEAT, FROZEN, UNFROZEN, DESTROYED = 4, 12, 13, 7


# ---- records, spec/log.md section 2 ----

def info(label):
    text = b"doublekey/1 " + label.encode()
    return bytes([len(text)]) + text


def part(kind, data):
    salt = os.urandom(16)
    return (b"\1" + salt + struct.pack(">I", len(data)) + data,
            hashlib.sha256(info("log-" + kind) + salt + data).digest())


def entry(class_, **main):
    """Leaf and record that fit each other."""
    now = int(time.time())
    tags = {"key": 7, "version": 9, "generation": 13, "factor": 16, "note": 17}
    fields = [(1, struct.pack(">Q", now)), (2, b"\1"), (5, b"\2")]
    fields += [(tags[name], value) for name, value in main.items()]
    data = b"".join(struct.pack(">HH", tag, len(v)) + v for tag, v in sorted(fields))
    (main_part, main_hash), (person, person_hash) = part("main", data), part("person", b"")
    objects = hashlib.sha256(info("log-objects") + bytes(2)).digest()
    commitment = hashlib.sha256(info("log-record") + main_hash + person_hash + objects).digest()
    return (b"DKL1" + struct.pack(">HHQ", class_, 0, now - now % 60) + commitment,
            b"\1" + main_part + person + bytes(2))


def act(class_, generation, **more):
    return entry(class_, generation=struct.pack(">Q", generation),
                 factor=struct.pack(">HBQ", 2, 3, 0), **more)


# ---- rows ----

def place(level, index):
    n, at = ((index + 1) << level) - 1, level
    while n:
        at, n = at + n, n >> 1
    return at


def nodes_of(hashes):
    for level in range(len(hashes).bit_length()):
        for index in range(len(hashes) >> level):
            yield place(level, index), root(hashes[index << level:(index + 1) << level])


def frontier(hashes):
    out, at = b"", 0
    for level in reversed(range(48)):
        if len(hashes) >> level & 1:
            out += root(hashes[at:at + (1 << level)])
            at += 1 << level
    return out


class Thief:
    def __init__(self, server):
        self.server = server

    def sql(self, text):
        return self.server.sql(text, user="doublekey")

    def head(self, what):
        return int(self.sql("SELECT %s FROM doublekey.head" % what))

    def leaves(self):
        return [bytes.fromhex(line) for line in self.sql(
            "SELECT encode(leaf,'hex') FROM doublekey.entry ORDER BY idx").split()]

    def keep(self, name, table):
        self.sql("CREATE TABLE %s AS TABLE doublekey.%s" % (name, table))

    def bring_back(self, name, table):
        self.sql("BEGIN; DELETE FROM doublekey.%s; INSERT INTO doublekey.%s SELECT * FROM %s; COMMIT"
                 % (table, table, name))

    def put_entry(self, index, leaf, record):
        self.sql("INSERT INTO doublekey.entry VALUES(%d,'\\x%s','\\x%s') ON CONFLICT (idx) DO UPDATE"
                 " SET leaf=excluded.leaf,record=excluded.record"
                 % (index, leaf.hex(), record.hex()))

    def put_act(self, index, leaf, record):
        self.put_entry(index, leaf, record)
        self.sql("INSERT INTO doublekey.act VALUES(%d) ON CONFLICT DO NOTHING" % index)

    def put_tree(self, leaves):
        """The log is another one from now on."""
        hashes = [leaf_hash(leaf) for leaf in leaves]
        rows = ",".join("(%d,'\\x%s')" % (at, h.hex()) for at, h in nodes_of(hashes))
        self.sql("BEGIN; DELETE FROM doublekey.node; INSERT INTO doublekey.node VALUES %s; UPDATE"
                 " doublekey.head SET size=%d,frontier='\\x%s'; COMMIT"
                 % (rows, len(leaves), frontier(hashes).hex()))

    def set_generation(self, generation):
        self.sql("UPDATE doublekey.head SET generation=%d,sealed=%d; UPDATE doublekey.sealed"
                 " SET generation=%d" % (generation, generation, generation))


def said(node):
    with open(node.stderr) as f:
        return f.read()


# ---- what he does ----

def rewrite(thief):
    """The last entry was never a release, and the log went on."""
    leaves = thief.leaves()
    for index in (len(leaves) - 1, len(leaves)):
        leaf, record = entry(HEARTBEAT)
        thief.put_entry(index, leaf, record)
        leaves[index:] = [leaf]
    thief.put_tree(leaves)


def forget_a_freeze(thief, frozen):
    """Neither the act nor the state behind it are there; the log has its entry."""
    thief.sql("DELETE FROM doublekey.act WHERE idx=%d" % frozen)
    thief.bring_back("kept_sealed", "sealed")


def put_an_unfreeze(thief):
    """Behind the end of the log, where no tree shows it, nor an entry comes soon."""
    index, generation = thief.head("size") + 20, thief.head("generation") + 1
    thief.put_act(index, *act(UNFROZEN, generation, note=b"x"))
    thief.sql("UPDATE doublekey.head SET generation=%d" % generation)
    return index


def released(node):
    """No answer is none, too."""
    try:
        return release(node) is None
    except OSError:
        return False


def last_act(thief):
    return int(thief.sql("SELECT max(idx) FROM doublekey.act"))


@pytest.fixture
def thief(server):
    return Thief(server)


@pytest.fixture
def nodes(service, server, tmp_path):
    nodes = cluster(service, server, tmp_path, 2)
    yield nodes
    for node in nodes:
        node.stop()


def test_a_tree_that_no_node_made_is_not_signed(nodes, thief):
    assert release(nodes[0]) is None
    for table in TABLES:
        thief.keep("kept_" + table, table)
    rewrite(thief)
    assert [release(node) for node in nodes] == ["unavailable"] * 2
    wait_until(lambda: all("store-forged" in said(node) for node in nodes), 10)
    for table in TABLES:
        thief.bring_back("kept_" + table, table)
    wait_until(lambda: [release(node) for node in nodes] == [None] * 2, 20)  # control


@pytest.mark.parametrize("column", ["generation=generation-1", "sealed=sealed-1", "size=size+1",
                                    "policy=NULL", "policy=sha256('x')", "mac=''",
                                    "mac=set_byte(mac,47,get_byte(mac,47)#1)"])
def test_each_part_of_the_head_counts(nodes, thief, column):
    nodes[1].stop()
    thief.keep("kept_head", "head")
    thief.sql("UPDATE doublekey.head SET " + column)
    assert release(nodes[0]) == "unavailable"
    assert "store-" in run_fails(nodes[1])
    thief.bring_back("kept_head", "head")
    nodes[1].start()
    wait_until(lambda: release(nodes[1]) is None, 20)


def test_a_freeze_is_not_undone_by_removing_its_rows(nodes, thief):
    """For a node that did not run meanwhile."""
    nodes[1].stop()
    thief.keep("kept_sealed", "sealed")
    generation = thief.head("generation")
    nodes[0].admin("freeze")
    nodes[0].stop()
    forget_a_freeze(thief, last_act(thief))
    nodes[1].start()
    nodes[1].timeout = 5
    assert not released(nodes[1])
    nodes[1].stop()
    thief.set_generation(generation)
    assert "store-forged" in run_fails(nodes[1])


def test_an_act_that_never_was_is_not_carried_out(nodes, thief):
    nodes[0].admin("freeze")
    for node in nodes:
        node.stop()
    thief.keep("kept_head", "head")
    index = put_an_unfreeze(thief)
    assert "store-forged" in run_fails(nodes[0])
    thief.bring_back("kept_head", "head")
    nodes[0].start()
    assert release(nodes[0]) == "frozen"
    assert index > thief.head("size")


def test_an_act_is_the_one_that_was_recorded(nodes, thief):
    """All is as it was between the two steps of a freeze, but for the record of it."""
    nodes[1].stop()
    thief.keep("kept_sealed", "sealed")
    thief.sql("CREATE TABLE doublekey.seen_head (LIKE doublekey.head); CREATE FUNCTION see() RETURNS trigger"
              " LANGUAGE plpgsql AS $$BEGIN INSERT INTO doublekey.seen_head SELECT NEW.*; RETURN NEW; END$$;"
              " CREATE TRIGGER see BEFORE UPDATE ON doublekey.head FOR EACH ROW EXECUTE FUNCTION"
              " see()")
    nodes[0].admin("freeze")
    nodes[0].stop()
    index = last_act(thief)
    thief.sql("DROP TRIGGER see ON doublekey.head; DELETE FROM doublekey.seen_head WHERE size<>%d OR"
              " sealed=generation" % (index + 1))
    thief.keep("kept_entry", "entry")
    thief.bring_back("kept_sealed", "sealed")
    thief.bring_back("seen_head", "head")
    thief.sql("DELETE FROM doublekey.entry WHERE idx>%d" % index)
    thief.keep("cut_entry", "entry")
    generation = thief.head("generation")
    for made in (act(UNFROZEN, generation, note=b"x"),
                 act(DESTROYED, generation, key=b"finance", version=struct.pack(">I", 1))):
        thief.put_entry(index, *made)
        assert "log-damaged" in run_fails(nodes[1])
    thief.bring_back("cut_entry", "entry")
    nodes[1].start()  # control: it carries the freeze out
    assert release(nodes[1]) == "frozen"
    assert "was recorded and not carried out" in said(nodes[1])


def test_a_state_that_no_node_sealed_replaces_none(nodes, thief):
    """Moved back to a file: the keys are where they were."""
    for node in nodes:
        node.stop()
    slots = [os.path.join(nodes[0].dir, "keys", name) for name in ("sealed.0", "sealed.1")]
    before = [open(path, "rb").read() for path in slots]
    generation = thief.head("generation") + 7
    data = before[0][:36] + struct.pack(">Q", generation) + os.urandom(len(before[0]) - 44)
    thief.keep("kept_sealed", "sealed")
    thief.sql("UPDATE doublekey.sealed SET generation=%d,data='\\x%s'" % (generation, data.hex()))
    done = nodes[0].admin("store", "migrate", "--from", nodes[0].uri, check=False)
    assert done.returncode == 1 and "store-forged" in done.stderr
    assert [open(path, "rb").read() for path in slots] == before
    thief.bring_back("kept_sealed", "sealed")
    nodes[0].admin("store", "migrate", "--from", nodes[0].uri)
    name_database(nodes[0], None)
    nodes[0].start()
    assert release(nodes[0]) is None


def test_what_the_database_says_is_one_line_of_text(nodes, thief):
    """It stands in a journal and on terminals."""
    thief.sql("CREATE FUNCTION doublekey.no() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE"
              " EXCEPTION '%', E'a\\x1b[2Jb\\rdoublekeyd: info: all is well\\nc\\x7f'; END$$;"
              " CREATE TRIGGER no BEFORE UPDATE ON doublekey.head FOR EACH ROW EXECUTE FUNCTION"
              " doublekey.no()")
    assert release(nodes[0]) == "unavailable"
    with open(nodes[0].stderr, "rb") as f:
        lines = f.read().split(b"\n")
    assert [line for line in lines if line.endswith(b"a?[2Jb?doublekeyd: info: all is well")]
    assert not [line for line in lines if any(c < 0x20 or c == 0x7f for c in line)]
