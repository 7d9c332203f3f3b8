# SPDX-License-Identifier: Apache-2.0
"""The worked examples at the ends of ../key-backup.md and ../key-file.md."""

from reader import backup, keyfile

from keyring import KEYS
from worked_example import show
import v_backup
import v_keyfile

BACKUP = """## 8. Worked example

The split is that of the vector `vectors/key-backup/worked_example`: the key
`customer-p256` of `vectors/keys/`, created {created}, into 3 shares with a threshold
of 2. All values are in hexadecimal; a line that starts with a space continues the one
before. `vectors/gen/` prints this section, and a test compares.
"""

FILE = """## 8. Worked example

The file is the vector `vectors/key-file/{name}`: the key `customer-p256` of
`vectors/keys/`, created 1760000000, with the passphrase `{passphrase}` and, so that
the example is quick, 1 pass, 64 KiB and 1 lane. All values are in hexadecimal; a line
that starts with a space continues the one before. `vectors/gen/` prints this section,
and a test compares.
"""


def backup_section():
    split = v_backup.Split("worked example")
    text = BACKUP.format(created=v_backup.CREATED)
    checks = [backup.check_value(split.split_id, i, v) for i, v in enumerate(split.values, 1)]
    text += block([
        ("split id", split.split_id), ("private part", split.private),
        ("backup key", split.backup_key), ("coefficients a[1]", split.rows[1])]
        + [(f"value of share {i}", value) for i, value in enumerate(split.values, 1)]
        + [(f"check value of share {i}", check) for i, check in enumerate(checks, 1)]
        + [("sealed private part", split.common[-48:]), ("common part", split.common),
           ("share part of share 1", split.part(1))])
    weights = [backup.multiply(2, backup.inverse(3)), backup.multiply(1, backup.inverse(3))]
    assert backup.at_zero([(1, split.values[0]), (2, split.values[1])]) == split.backup_key
    text += ("\nThe weights of shares 1 and 2 at 0 are 2 / (1 + 2) = `%02x` and 1 / (1 + 2) ="
             " `%02x`; the\nsum in the field of each weight times its value is the backup key."
             "\nThe text of share 1 without comments:\n" % tuple(weights))
    return text + "\n```\n" + split.text(1).decode() + "```\n"


def file_section():
    structure = v_keyfile.SEALED
    name, passphrase = "valid_customer_p256_sealed", v_keyfile.PASSPHRASE
    salt = structure[v_keyfile.PRIVATE_AT + 1:][:16]
    private = keyfile.encode_private(KEYS[v_keyfile.P256].private)
    text = FILE.format(name=name, passphrase=passphrase)
    whole = v_keyfile.VECTORS[name].split(b"\n\n", 1)[1]
    text += block([
        ("key id", KEYS[v_keyfile.P256].id), ("private part", private), ("salt", salt),
        ("file-key", keyfile.argon2id(passphrase.encode(), salt, v_keyfile.CHEAP)),
        ("associated data", structure[:-48]), ("sealed", structure[-48:]),
        ("checksum", keyfile.parse_text(whole)[1][-32:])])
    return text + "\nThe file:\n\n```\n" + whole.decode() + "```\n"


def block(values):
    return "\n```\n" + "".join(map(show, values)) + "```\n"
