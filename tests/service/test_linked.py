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


def test_only_what_needs_a_database_server_links_its_client():
    for name in ("doublekeyd", "doublekeyd-keyd", "doublekeyd-httpd", "doublekeyd-authd",
                 "doublekeyd-fetchd", "doublekeyd-tokend", "doublekeyd-logd",
                 "doublekeyd-backup"):
        assert "libpq" not in needed(name)
    for name in ("doublekeyd-logd-postgres", "doublekeyd-migrate"):
        assert "libpq" in needed(name)


def test_only_tokend_links_pkcs11():
    assert "libp11-kit" in needed("doublekeyd-tokend")
    for name in ("doublekeyd", "doublekeyd-keyd", "doublekeyd-httpd", "doublekeyd-authd",
                 "doublekeyd-logd"):
        assert "libp11-kit" not in needed(name)
    assert not [lib for lib in FORBIDDEN if lib in needed("doublekeyd-tokend")]


def test_only_fetchd_links_an_http_client():
    assert "libcurl" in needed("doublekeyd-fetchd")
    for name in ("doublekeyd", "doublekeyd-keyd", "doublekeyd-httpd", "doublekeyd-authd",
                 "doublekeyd-logd", "doublekeyd-tokend"):
        assert "libcurl" not in needed(name)
    for lib in ("libevent", "libjansson", "libsqlite", "libpq", "libcjose"):
        assert lib not in needed("doublekeyd-fetchd")


def test_only_authd_links_what_parses_cbor():
    assert "libfido2" in needed("doublekeyd-authd")
    for name in ("doublekeyd", "doublekeyd-keyd", "doublekeyd-httpd", "doublekeyd-logd",
                 "doublekeyd-fetchd", "doublekeyd-tokend"):
        assert "libfido2" not in needed(name)


def test_the_check_can_fail():
    assert "libssl" in needed("doublekeyd-httpd")
    assert "libsqlite" in needed("doublekeyd-logd")
