# SPDX-License-Identifier: Apache-2.0
"""usage: vault-peer.py TRANSIT

The transit engine of Vault (transit/) and hvac as its client."""

import os
import subprocess
import sys

import hvac

import lines
from transit_client import operations

TOKEN = "hvs.peer"
process = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                           env={**os.environ, "PEER_TOKEN": TOKEN})
URL = process.stdout.readline().strip()
vault = hvac.Client(url=URL, token=TOKEN)


def start():
    return {"url": URL.encode(), "token": TOKEN.encode()}


lines.serve({"start": start, **operations(vault)})
process.stdin.close()
process.wait(30)
