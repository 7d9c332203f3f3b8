# SPDX-License-Identifier: Apache-2.0
"""Approvals that stand (spec/profiles/ms-dke.md section 7.3) at nodes that share the state."""
import os

import pytest

from nodes import wait_until
from postgres import use_database
from test_dke_approved import ALICE, Approved, listed
from test_dke_tokens import Other as OtherNode


class Other(OtherNode, Approved):
    """Another node, at which the same devices ask."""

    def device(self, who="client"):
        return self.first.device(who)


@pytest.fixture
def nodes(server, tmp_path):
    first = Approved(tmp_path)
    first.start()
    first.make_keys()
    for who in ("dora", "erik"):
        first.enrol(who, who)
    first.stop()
    use_database(first, server)
    other = Other(os.path.join(str(tmp_path), "node-2"), first)
    other.first = first
    made = [first, other]
    try:
        for node in made:
            node.start()
            wait_until(lambda n=node: n.ask("Two", n.wrap("Two")).status == 403)
        yield made
    finally:
        for node in made:
            if node.process:
                node.stop()


def test_what_is_approved_at_one_node_opens_at_all(nodes):
    first, other = nodes
    value = first.wrap("Two")
    assert not first.opens("Two", value) and not other.opens("Two", value)
    # What waits is a list of each node.
    assert len(listed(first, value)) == len(listed(other, value)) == 1
    assert first.approve("dora", value)[2] == 1
    assert not other.opens("Two", value)
    wait_until(lambda: [one.standing for one in listed(other, value)] == [1])
    assert other.approve("erik", value)[2] == 2
    for node in (other, first):
        wait_until(lambda n=node: n.opens("Two", value))
    # The same of what ends them.
    first.admin("device", "revoke", first.device("dora").id.hex())
    for node in nodes:
        wait_until(lambda n=node: not n.opens("Two", value))
    assert not other.opens("Two", first.wrap("Two"), ALICE)
