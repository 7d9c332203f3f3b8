# SPDX-License-Identifier: Apache-2.0
"""Keys of Microsoft's protocol are part of the state that nodes share."""
import os

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from nodes import cluster, wait_until


def test_each_node_has_them(service, server, tmp_path):
    nodes = cluster(service, server, tmp_path, 2)
    one, two = nodes

    def listed(node):
        return [line for line in node.admin("key", "list").stdout.splitlines() if "\tdke-" in line]

    def same(count):
        wait_until(lambda: listed(one) == listed(two) and len(listed(one)) == count)
        return listed(one)

    try:
        one.admin("key", "create", "office", "--type", "dke-rsa2048", "--dke-name", "Office")
        same(1)
        two.admin("key", "rotate", "office")
        rows = same(2)
        assert "published" in rows[1] and "published" not in rows[0]
        path = os.path.join(tmp_path, "key.pem")
        with open(path, "wb") as f:
            f.write(rsa.generate_private_key(65537, 2048).private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption()))
        one.admin("key", "import", "legacy", path, "--dke-id", "Old", "--dke-name", "TestKey1")
        assert same(3)[2].endswith("/TestKey1/Old\tpublished")
        # No two keys have one DKE name, wherever they were made.
        assert "exists" in two.admin("key", "create", "more", "--type", "dke-rsa2048",
                                     "--dke-name", "TestKey1", check=False).stderr
        two.admin("key", "destroy", "office", "2")
        one.admin("freeze", "legacy")
        rows = same(3)
        assert "\tactive\t" in rows[0] and "published" in rows[0]
        assert "\tdestroyed\t" in rows[1] and "\tactive,frozen\t" in rows[2]
        two.stop()
        two.start()
        assert same(3) == rows
    finally:
        for node in nodes:
            node.stop()
