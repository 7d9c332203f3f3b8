# SPDX-License-Identifier: Apache-2.0
import os
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(TESTS, "service"), TESTS]

import pytest  # noqa: E402

from town import Town  # noqa: E402


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    made = Town(tmp_path_factory.mktemp("breach"))
    yield made
    made.end()
