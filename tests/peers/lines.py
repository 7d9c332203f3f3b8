# SPDX-License-Identifier: Apache-2.0
"""The other end of peer.py's lines, for peers in Python that have an environment of their own."""

import sys


def serve(operations):
    """operations: functions by name, given bytes by name, that return bytes by name; what
    they raise is a refusal."""
    for line in sys.stdin:
        op, *words = line.split()
        values = {name: value.encode() if name == "type" else bytes.fromhex(value)
                  for name, value in (word.split("=") for word in words)}
        try:
            found = operations[op](**values) or {}
            print(" ".join(["ok", *(f"{name}={value.hex()}" for name, value in found.items())]),
                  flush=True)
        except Exception as error:  # the line is the answer, whatever it was
            print("no", type(error).__name__, str(error).replace("\n", " "), flush=True)
