# SPDX-License-Identifier: Apache-2.0
"""key split and key join."""

import itertools
import os
import re
import stat

import pytest


def split(dk, key, shares=4, threshold=3, prefix="s", *more):
    result = dk("key", "split", key, "--shares", shares, "--threshold", threshold, "-o", prefix,
                *more)
    assert result.status == 0, result.err
    return [f"{prefix}-{i}-of-{shares}.txt" for i in range(1, shares + 1)]


def join(dk, shares, *more, key="back.key"):
    for name in (key, key + ".pub"):
        (dk.home / name).unlink(missing_ok=True)
    result = dk("key", "join", *shares, "--no-passphrase", "-o", key, *more)
    assert (result.status == 0) == (dk.home / key).exists() == (dk.home / (key + ".pub")).exists()
    # Nothing of a share is in a message.
    for name in shares:
        if (dk.home / name).exists():
            for line in (dk.home / name).read_text("latin-1").splitlines():
                if re.match("[CS][0-9]{3} ", line):
                    assert line[5:20] not in result.err
    return result


def same_key(dk, keys, name="c", key="back.key"):
    return (dk.home / key).read_bytes() == (keys / f"{name}.key").read_bytes() and \
        (dk.home / (key + ".pub")).read_bytes() == (keys / f"{name}.key.pub").read_bytes()


def edit(dk, name, label, change):
    path = dk.home / name
    lines = path.read_text().split("\n")
    at = next(i for i, line in enumerate(lines) if line.startswith(label))
    lines[at] = change(lines[at])
    path.write_text("\n".join(lines))


@pytest.mark.parametrize("shares,threshold", [(3, 2), (4, 3)])
def test_every_set_of_shares(dk, keys, shares, threshold):
    names = split(dk, keys / "c.key", shares, threshold)
    for size in range(1, shares + 1):
        for some in itertools.combinations(names, size):
            result = join(dk, some)
            if size >= threshold:
                assert result.status == 0 and same_key(dk, keys)
            else:
                result.failed(f"{threshold} shares are needed, {size} were given",
                              "(share-too-few)")


@pytest.mark.parametrize("name", ["c2", "p", "s"])
def test_other_keys(dk, keys, name):
    names = split(dk, keys / f"{name}.key", 3, 2)
    assert join(dk, names[1:]).status == 0 and same_key(dk, keys, name)


def test_rsa(dk):
    dk("keygen", "--side", "customer", "--type", "rsa3072", "--no-passphrase", "-q", "-o",
       "r.key").ok()
    names = split(dk, "r.key", 3, 2)
    assert join(dk, names[:2]).status == 0 and same_key(dk, dk.home, "r")


def test_restored_key_opens_old_objects(dk, keys, both):
    (dk.home / "f").write_bytes(b"long ago")
    dk("encrypt", *both, "-q", "-o", "o", "f").ok()
    names = split(dk, keys / "c.key")
    join(dk, names[:3])
    result = dk("decrypt", "--customer", "back.key", "--provider", keys / "p.key", "-q", "o")
    assert (result.status, result.out) == (0, b"long ago")


def test_restored_key_gets_a_new_passphrase(dk, keys):
    names = split(dk, keys / "c.key", 3, 2)
    (dk.home / "new").write_bytes(b"new passphrase\n")
    (dk.home / "new").chmod(0o600)
    result = dk("key", "join", *names[:2], "--passphrase-file", "new", "-o", "back.key")
    assert result.status == 0 and "restored the customer key p256 of customer" in result.err
    dk("key", "split", "back.key", "--shares", 3, "--threshold", 2, "-o", "t",
       start_new_session=True).failed("a passphrase is needed")
    # Without any source of a passphrase, nothing is written in clear.
    dk("key", "join", *names[:2], "-o", "clear.key", start_new_session=True).failed(
        "clear.key: a passphrase is needed")
    assert not (dk.home / "clear.key").exists()


def test_shares_are_for_their_owner_and_can_be_read(dk, keys):
    old = os.umask(0)
    try:
        names = split(dk, keys / "c.key")
    finally:
        os.umask(old)
    for i, name in enumerate(names, 1):
        assert stat.S_IMODE((dk.home / name).stat().st_mode) == 0o600
        text = (dk.home / name).read_text("ascii")
        assert text.startswith("DOUBLEKEY KEY SHARE 1\n")
        assert f"Share {i} of 4" in text and "Any 3 of the 4" in text
        assert "doublekey key join" in text
        assert max(map(len, text.split("\n"))) <= 88


def test_existing_files_are_refused_before_any_is_written(dk, keys):
    (dk.home / "s-4-of-4.txt").write_text("old")
    dk("key", "split", keys / "c.key", "--shares", 4, "--threshold", 2, "-o", "s").failed(
        "s-4-of-4.txt: the file exists")
    assert [p.name for p in dk.home.iterdir()] == ["s-4-of-4.txt"]
    split(dk, keys / "c.key", 4, 2, "s", "--force")
    assert len(list(dk.home.iterdir())) == 4


def test_flipped_character_is_found_in_its_line(dk, keys):
    names = split(dk, keys / "c.key", 3, 2)
    original = (dk.home / names[0]).read_text()
    labels = re.findall("^([CS][0-9]{3}) ", original, re.M)
    assert len(labels) > 10
    for label in labels:
        edit(dk, names[0], label,
             lambda line: line[:8] + ("2" if line[8] != "2" else "3") + line[9:]
             if line[8] != " " else line[:5] + ("2" if line[5] != "2" else "3") + line[6:])
        result = join(dk, names[:2])
        result.failed(f"{names[0]}: the backup share is damaged (share-damaged at line {label})",
                      "1 shares are good and 2 are needed")
        (dk.home / names[0]).write_text(original)
    assert join(dk, names[:2]).status == 0


def test_a_share_typed_from_paper(dk, keys):
    names = split(dk, keys / "c.key", 3, 2)
    lines = (dk.home / names[0]).read_text().split("\n")
    typed = [line.lower().replace("0", "o").replace("1", "l") for line in lines
             if line == lines[0] or re.match("[CS][0-9]", line)]
    (dk.home / names[0]).write_text("\r\n".join(typed))
    assert join(dk, names[:2]).status == 0 and same_key(dk, keys)


def test_share_of_another_split_or_key(dk, keys):
    names = split(dk, keys / "c.key", 4, 3, "a")
    other_split = split(dk, keys / "c.key", 4, 3, "b")
    other_key = split(dk, keys / "c3.key", 4, 3, "c")
    for foreign in (other_split[3], other_key[3]):
        result = join(dk, names[:2] + [foreign])
        result.failed(f"{foreign}: this share is of another split than the first one",
                      "(share-foreign)", "2 shares are good and 3 are needed")
        # the common part of one split with the share of another
        text = (dk.home / names[3]).read_text()
        tail = (dk.home / foreign).read_text()
        (dk.home / "mixed").write_text(text[:text.index("\nS001")] + tail[tail.index("\nS001"):])
        join(dk, names[:2] + ["mixed"]).failed("mixed: ", "(share-foreign at line S001)")


def test_the_same_share_twice(dk, keys):
    names = split(dk, keys / "c.key")
    join(dk, [names[0], names[1], names[0]]).failed(
        f"{names[0]}: this backup share was given already (share-twice)")


def test_each_bad_file_is_named(dk, keys):
    names = split(dk, keys / "c.key")
    (dk.home / "key").write_bytes((keys / "c.key").read_bytes())
    (dk.home / "long").write_text("DOUBLEKEY KEY SHARE 1\n" + "# \n" * 30000)
    (dk.home / "later").write_text("DOUBLEKEY KEY SHARE 2\n")
    result = join(dk, [names[0], "key", "long", "later", "nowhere", names[1]])
    result.failed("key: this is not a doublekey key share (share-magic)",
                  "long: this is not a doublekey key share (share-magic)",
                  "later: ", "(key-version)", "nowhere: ", "No such file",
                  "2 shares are good and 3 are needed")


@pytest.mark.parametrize("shares,threshold,more,text", [
    (3, 3, [], "the loss of one is the loss of the key; --allow-all"),
    (3, 4, [], "the threshold is larger"), (3, 4, ["--allow-all"], "the threshold is larger"),
    (3, 1, [], "--threshold is a number from 2 to 255"),
    (1, 1, ["--allow-all"], "--shares is a number from 2 to 255"),
    (256, 2, [], "--shares is a number"), ("3x", 2, [], "--shares is a number"),
    ("-3", 2, [], "--shares is a number"), ("", 2, [], "--shares is a number")])
def test_limits(dk, keys, shares, threshold, more, text):
    dk("key", "split", keys / "c.key", "--shares", shares, "--threshold", threshold, "-o", "s",
       *more).failed(text, "try 'doublekey key split --help'", status=2)
    assert list(dk.home.iterdir()) == []


def test_allow_all(dk, keys):
    names = split(dk, keys / "c.key", 2, 2, "s", "--allow-all")
    assert join(dk, names).status == 0 and same_key(dk, keys)
    join(dk, names[:1]).failed("(share-too-few)")


def test_usage(dk, keys):
    key = keys / "c.key"
    for args, text in [
            (["split"], "give one KEY"), (["split", key, key], "give one KEY"),
            (["split", key, "--threshold", 2, "-o", "s"], "--shares is missing"),
            (["split", key, "--shares", 3, "-o", "s"], "--threshold is missing"),
            (["split", key, "--shares", 3, "--threshold", 2], "-o PREFIX is missing"),
            (["join", "-o", "x"], "no SHARE given"), (["join", "s"], "-o is missing"),
            (["join", "s", "-o", "x", "--no-passphrase", "--passphrase-file", "y"], "exclude")]:
        dk("key", *args).failed(text, status=2)


def test_split_needs_the_private_key(dk, keys):
    dk("key", "split", keys / "c.key.pub", "--shares", 3, "--threshold", 2, "-o", "s").failed(
        "(key-need-private)")
    assert list(dk.home.iterdir()) == []
