# SPDX-License-Identifier: Apache-2.0
"""Lets the tests import the second reader, `reader`, from this folder."""

import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
