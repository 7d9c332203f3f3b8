# SPDX-License-Identifier: Apache-2.0
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
    service.prepare()
    return service
