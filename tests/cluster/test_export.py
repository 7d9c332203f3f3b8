# SPDX-License-Identifier: Apache-2.0
"""An export (spec/export.md) of a log that is in a database."""
import hashlib
import os

from postgres import use_database
from reader import export, keyfile
from test_migrate import records, release


def test_records_of_a_database_are_exported(service, server):
    s = service
    use_database(s, server)
    s.start()
    s.prepare()
    assert release(s)[0] == 200
    s.client("keygen", "--side", "auditor", "--no-passphrase", "-o", "court.key")
    path = os.path.join(s.base, "court.key")
    key = keyfile.load(open(path, "rb").read(), side="auditor", private=True)
    with open(os.path.join(s.dir, "policy.conf"), "a") as f:
        f.write('auditor "court" {\n\tkey-id = "%s"\n}\n' % hashlib.sha256(key.spki).hexdigest())
    s.admin("policy", "reload")
    file = os.path.join(s.base, "all")
    s.admin("log", "export", file, "--auditor", "court", "--key", path + ".pub")
    found = export.open_export(open(file, "rb").read(), key)
    assert [e.index for e in found.entries] == list(range(len(records(s))))
    assert "alice" in {e.event.get("user") for e in found.entries}
    assert "records" in s.client("log", "export", "--auditor", "court.key", file).stdout
