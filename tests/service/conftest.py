# SPDX-License-Identifier: Apache-2.0
import os

import pytest

from service import Service


@pytest.fixture
def service(tmp_path):
    s = Service(tmp_path)
    s.start()
    yield s
    s.stop()


@pytest.fixture
def ready(service):
    """A service with one key, one enrolled device and one object."""
    service.admin("key", "create", "finance")
    service.enrol()
    service.client("keygen", "--side", "provider", "--no-passphrase", "-o", "p.key")
    with open(os.path.join(service.base, "plain"), "w") as f:
        f.write("what nobody else may read\n")
    service.key = service.url + "/keys/finance"
    service.client("encrypt", "--customer", service.key, "--provider", "p.key.pub", "plain",
                   "-o", "object.dk")
    service.object = os.path.join(service.base, "object.dk")
    return service
