# SPDX-License-Identifier: Apache-2.0
"""What each process links: keyd has no HTTP, JSON, TLS or database code."""
import os
import subprocess

from service import BUILD

FORBIDDEN = ("libssl", "libevent", "libcurl", "libjansson", "libsqlite", "libpq", "libcjose")


def needed(name):
    out = subprocess.run(["ldd", os.path.join(BUILD, "daemon", name)], check=True, text=True,
                         capture_output=True).stdout
    return out


def test_keyd_links_no_network_json_or_database_code():
    out = needed("doublekeyd-keyd")
    assert "libcrypto" in out
    assert not [lib for lib in FORBIDDEN if lib in out]


def test_the_check_can_fail():
    assert "libssl" in needed("doublekeyd-httpd")
    assert "libsqlite" in needed("doublekeyd-logd")
