# SPDX-License-Identifier: Apache-2.0
"""The helpers of the tests of the service are used here."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "service"))
