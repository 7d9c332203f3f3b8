# SPDX-License-Identifier: Apache-2.0
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "service"))

import postgres as postgres_module  # noqa: E402
from service import Service  # noqa: E402


@pytest.fixture
def server():
    """A server that the test may stop and change."""
    server = postgres_module.Postgres()
    yield server
    server.end()


@pytest.fixture
def service(tmp_path):
    """One that never ran, with its log in a file."""
    s = Service(tmp_path)
    yield s
    s.stop()
