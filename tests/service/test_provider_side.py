# SPDX-License-Identifier: Apache-2.0
"""A key of a service on the provider's side: another organisation's service is the provider."""
import os

from service import codes, parts_of, release_body


def test_the_other_organisation_is_the_provider(service):
    s = service
    for kind in ("p256", "p384", "rsa3072"):
        s.admin("key", "create", kind, "--type", kind)
    s.enrol()
    s.client("keygen", "--side", "customer", "--no-passphrase", "-o", "c.key")
    with open(os.path.join(s.base, "plain"), "w") as f:
        f.write("for both of us\n")
    for kind in ("p256", "p384", "rsa3072"):
        key = f"{s.url}/keys/{kind}"
        s.client("encrypt", "--customer", "c.key.pub", "--provider", key, "plain", "-o", "o.dk",
                 "--force")
        s.client("decrypt", "--customer", "c.key", "--provider", key, "o.dk", "-o", "out",
                 "--force")
        assert open(os.path.join(s.base, "out")).read() == "for both of us\n"
    assert sum("release done" in line for line in s.log().splitlines()) == 3
    # One service is one custodian, and cannot be both sides.
    done = s.client("encrypt", "--customer", f"{s.url}/keys/p256", "--provider",
                    f"{s.url}/keys/p384", "plain", "-o", "x.dk", check=False)
    assert done.returncode == 1 and "(same-custodian)" in done.stderr


def test_rewrap_to_a_service_and_from_it(ready):
    s = ready
    s.client("keygen", "--side", "customer", "--no-passphrase", "-o", "c.key")
    s.client("encrypt", "--customer", "c.key.pub", "--provider", "p.key.pub", "plain", "-o", "o.dk")
    s.client("rewrap", "--side", "provider", "--open", "p.key", "--to", s.key, "o.dk")
    s.client("decrypt", "--customer", "c.key", "--provider", s.key, "o.dk", "-o", "out", "--force")
    s.client("rewrap", "--side", "provider", "--open", s.key, "--to", "p.key.pub", "o.dk")
    s.client("decrypt", "--customer", "c.key", "--provider", "p.key", "o.dk", "-o", "out",
             "--force")


def test_a_set_is_that_of_the_side_that_it_names(ready):
    """Changing the byte that says which side it is opens nothing: HPKE's info has the side."""
    s = ready
    core, customer = parts_of(s.object)
    assert customer[0] == 1
    device = s.device()
    assert codes(s.release(device, release_body([(core, customer)]))[2]) == [0]
    other = b"\2" + customer[1:]
    assert codes(s.release(device, release_body([(core, other)]))[2]) == [22]  # stanza-auth
    third = b"\3" + customer[1:]
    assert codes(s.release(device, release_body([(core, third)]))[2]) == [15]  # object-malformed
