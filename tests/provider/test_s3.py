# SPDX-License-Identifier: Apache-2.0
"""`scan s3://...`, spec/catalogue.md section 10, against a server that is made from S3's
documentation (s3_server.py). Catalogues are read back by the second reader."""

import os
import pathlib
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import aws_server  # noqa: E402
from conftest import fails  # noqa: E402
from reader import catalogue  # noqa: E402
from s3_server import S3Server, error  # noqa: E402
from server import Answer, certificate  # noqa: E402

ROOT = "s3://store/"
UNIT = 4096


@pytest.fixture
def s3(person):
    server = S3Server()
    person.settings("s3", deadline=2)
    person.env.update(AWS_ENDPOINT_URL_S3=server.url, AWS_ACCESS_KEY_ID=aws_server.IDENTIFIER,
                      AWS_SECRET_ACCESS_KEY=aws_server.SECRET, AWS_REGION=aws_server.REGION,
                      AWS_EC2_METADATA_DISABLED="true")
    yield server
    server.close()
    assert not server.refused


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """An object of which others are made: a scan checks form only."""
    from conftest import Person
    person = Person(tmp_path_factory.mktemp("sample"))
    person.run("keygen", "--side", "provider", "--type", "p256", "--no-passphrase", "-q",
               "-o", "p.key")
    person.run("encrypt", "--customer", "c.key.pub", "--provider", "p.key.pub", "-o", "o", "f")
    return (person.folder / "o").read_bytes()


def other(sample):
    return sample[:16] + os.urandom(48) + sample[64:]


def scan(person, *roots, options=(), check=True):
    return person.run("scan", "-o", "cat", *options, *roots or (ROOT,), check=check)


def read(person):
    return catalogue.read(person.folder / "cat")


def places(cat):
    return sorted(path for o in cat.objects for path in o.locations)


def test_what_is_there_is_listed(person, s3, sample):
    for key in ("a", "b/c.dkey", "b/d", "e"):
        s3.put(key, other(sample))
    s3.put("notes.txt", b"no object, and longer than the magic")
    s3.put("folder/", b"")
    done = scan(person)
    assert "6 places read, 0 unchanged, 0 gone; 4 new objects" in done.stderr
    cat = read(person)
    assert places(cat) == [b"s3://store/a", b"s3://store/b/c.dkey", b"s3://store/b/d",
                           b"s3://store/e"]
    assert cat.others == {b"s3://store/notes.txt", b"s3://store/folder/"}
    assert cat.scans[-1][0] == b"s3://store/" and cat.scans[-1][3] == 0
    assert sorted(s3.reads()) == [b"a", b"b/c.dkey", b"b/d", b"e", b"notes.txt"]


def test_only_what_changed_is_read(person, s3, sample):
    for i in range(5):
        s3.put(f"{i}", other(sample))
    scan(person)
    s3.requests.clear()
    assert "0 places read, 5 unchanged" in scan(person).stderr
    assert not s3.reads()
    s3.put("3", other(sample))
    del s3.objects[b"4"]
    assert "1 places read, 3 unchanged, 1 gone; 1 new objects" in scan(person).stderr
    assert s3.reads() == [b"3"]
    cat = read(person)
    assert places(cat) == [b"s3://store/%d" % i for i in range(4)]
    assert sorted(p for o in cat.objects for p, _, _ in o.past) == [b"s3://store/3", b"s3://store/4"]


def test_bodies_are_not_read(person, s3, sample):
    """A range that is as long as the header, and of an answer with all of it no more."""
    s3.put("a", sample + bytes(8 << 20))
    sent = []
    s3.faults.append(lambda _, path, answer: sent.append(len(answer.body)) or answer)
    scan(person)
    assert sent[1:] == [UNIT]
    s3.ranges = False
    s3.put("a", other(sample) + bytes(8 << 20))
    scan(person)
    cat = read(person)
    assert len(cat.objects) == 2 and places(cat) == [b"s3://store/a"] and not cat.problems
    (size,) = [location for location in _sizes(person)]
    assert size == len(sample) + (8 << 20)


def _sizes(person):
    import sqlite3
    db = sqlite3.connect(person.folder / "cat")
    try:
        return [size for (size,) in db.execute("SELECT size FROM location")]
    finally:
        db.close()


def test_long_headers(person, s3):
    """Twenty stanzas need more than one unit; a second request has all of them."""
    names = []
    for i in range(24):
        person.run("keygen", "--side", "provider", "--type", "rsa3072" if i < 8 else "p384",
                   "--custodian", f"p{i}", "--no-passphrase", "-q", "-o", f"p{i}.key")
        names += ["--provider", f"p{i}.key.pub"]
    person.run("encrypt", "--customer", "c.key.pub", *names, "-o", "long", "f")
    data = (person.folder / "long").read_bytes()
    s3.put("long", data)
    s3.put("cut", data[:UNIT + 10])
    fails_with(scan(person, check=False), "truncated")
    cat = read(person)
    assert places(cat) == [b"s3://store/long"] and list(cat.problems) == [b"s3://store/cut"]
    asked = [headers["Range"] for _, _, path, headers, _ in s3.requests if path.endswith("/long")]
    assert asked[0] == "bytes=0-4095" and len(asked) == 2
    assert int(asked[1].partition("-")[2]) + 1 in range(2 * UNIT, len(data), UNIT)


def fails_with(done, *texts):
    assert done.returncode == 1, done.stderr
    for text in texts:
        assert text in done.stderr, (text, done.stderr)


ODD = ["a b", "a+b", "a%20b", "ä/ö", "a//b", "/a", "a&b=c?d#e", "<&>\"'", "new\nline", "\x01", "~",
       "é" * 512, "*", "a;b", "=", "a\\b", "%2e%2e/c", ".../d", "..e/.f/g.", "h/"]


def test_names_of_any_kind(person, s3, sample):
    for key in ODD:
        s3.put(key, other(sample))
    s3.put(b"\xff\xfe", other(sample))
    done = scan(person)
    wanted = sorted(b"s3://store/" + key for key in s3.objects)
    assert places(read(person)) == wanted
    assert f"{len(wanted)} new objects" in done.stderr
    assert f"{len(wanted)} unchanged" in scan(person).stderr
    s3.objects.clear()
    assert f"{len(wanted)} gone" in scan(person).stderr


def test_names_that_no_url_has(person, s3, sample):
    """libcurl would ask for another object, or for none."""
    keys = ["../x", "./y", "x/../z", "x/.", "x/..", ".", ".."]
    for key in keys + ["x", "z", "y"]:
        s3.put(key, other(sample))
    fails_with(scan(person, check=False), "s3://store/x/../z")
    cat = read(person)
    assert cat.problems == {b"s3://store/" + key.encode(): ("read", "key") for key in keys}
    assert places(cat) == [b"s3://store/x", b"s3://store/y", b"s3://store/z"]
    assert sorted(s3.reads()) == [b"x", b"y", b"z"]


def test_prefixes(person, s3, sample):
    for key in ("p/a", "p/b", "p", "q", "p b/ä%&/c"):
        s3.put(key, other(sample))
    scan(person, "s3://store/p/")
    assert places(read(person)) == [b"s3://store/p/a", b"s3://store/p/b"]
    scan(person, "s3://store/p b/ä%&/")
    assert "s3://store/p b/ä%&/c".encode() in places(read(person))
    # A whole key is a prefix, too, and its place has an empty name.
    (person.folder / "cat").unlink()
    scan(person, "s3://store/q")
    assert places(read(person)) == [b"s3://store/q"]
    assert "0 places read, 1 unchanged" in scan(person, "s3://store/q").stderr
    del s3.objects[b"q"]
    assert "1 gone" in scan(person, "s3://store/q").stderr
    scan(person, "s3://store")
    assert read(person).scans[-1][0] == b"s3://store/"


@pytest.mark.parametrize("root", [
    "s3://", "s3:///x", "s3://ab", "s3://Store/x", "s3://st_ore", "s3://-store", "s3://store-/",
    "s3://" + "a" * 64, "s3://store/" + "x" * 1025, "s3://st@re/", "s3://store:80/x"])
def test_roots_that_are_none(person, s3, root):
    fails(scan(person, root, check=False), "store-reference")
    assert not s3.requests


def test_pages(person, s3, sample):
    s3.page = 7
    for i in range(50):
        s3.put(f"{i:03}", sample)
    assert "50 places read" in scan(person).stderr
    assert sum("list-type" in path for _, _, path, _, _ in s3.requests) == 8
    assert "50 unchanged" in scan(person).stderr
    assert len(read(person).objects) == 1


def test_pages_whose_token_is_not_signed_by_all(person, s3, sample):
    """libcurl 8.14 signs a '+' in a query as a blank."""
    s3.page, s3.token = 7, "+/= "
    for i in range(50):
        s3.put(f"{i:03}", sample)
    assert "50 places read" in scan(person).stderr
    asked = [path for _, _, path, _, _ in s3.requests if "list-type" in path]
    assert len(asked) == 8 and sum("start-after=" in path for path in asked) == 7
    assert not any("%2B" in path for path in asked)


def test_reading_goes_on_in_parallel(person, s3, sample):
    for i in range(40):
        s3.put(f"{i:03}", other(sample))
    s3.delay = 0.05
    scan(person, options=("-j", "8"))
    assert 4 <= s3.most <= 9


def test_a_scan_that_was_stopped_goes_on(person, s3, sample):
    """What was read is not read again."""
    for i in range(200):
        s3.put(f"{i:03}", other(sample))
    s3.page = 50
    broken = lambda _, path, answer: ("continuation" in path  # noqa: E731
                                      and error(403, "AccessDenied")) or None
    s3.faults.append(broken)
    fails(scan(person, check=False), "store-denied")
    cat = read(person)
    assert cat.scans[-1][2] is None and 46 <= len(cat.objects) <= 50
    s3.faults.clear()
    s3.requests.clear()
    assert f"{len(cat.objects)} unchanged" in scan(person).stderr
    assert len(s3.reads()) == 200 - len(cat.objects)
    assert len(read(person).objects) == 200


def test_a_listing_that_breaks_off_makes_nothing_gone(person, s3, sample):
    for i in range(20):
        s3.put(f"{i:03}", other(sample))
    scan(person)
    s3.page = 5
    s3.faults.append(lambda _, path, answer: "continuation" in path and error(400, "Strange"))
    fails(scan(person, check=False), "store-answer", "Strange")
    assert len(places(read(person))) == 20


def test_throttling_is_waited_for(person, s3, sample):
    for i in range(6):
        s3.put(f"{i}", other(sample))
    left = [error(503, "SlowDown"), error(429, "TooMany"), error(500, "InternalError"),
            error(503, "SlowDown")]
    s3.faults.append(lambda _, path, answer: left.pop() if left else None)
    assert "6 new objects; 0 with" in scan(person).stderr.replace(", ", "; ")
    assert not left


def test_errors_of_single_objects(person, s3, sample):
    for key in ("denied", "gone", "moved", "more", "shifted", "unsized", "archived", "good"):
        s3.put(key, other(sample))

    def fault(_, path, answer):
        name = path.rpartition("/")[2]
        return {
            "denied": error(403, "AccessDenied"),
            "archived": error(403, "InvalidObjectState"),
            "gone": error(404, "NoSuchKey"),
            "moved": Answer(301, b"", {"Location": s3.url + "/store/good"}),
            "more": Answer(206, sample[:UNIT + 1], {"Content-Range": f"bytes 0-{UNIT}/99999"}),
            "shifted": Answer(206, sample[1:UNIT + 1], {"Content-Range": f"bytes 1-{UNIT}/99999"}),
            "unsized": Answer(206, sample[:UNIT], {"Content-Range": f"bytes 0-{UNIT - 1}/*"}),
        }.get(name)
    s3.faults.append(fault)
    fails_with(scan(person, check=False), "s3://store/denied")
    cat = read(person)
    assert cat.problems == {b"s3://store/" + name: ("read", place) for name, place in {
        b"denied": "403", b"archived": "403", b"moved": "301", b"more": "answer",
        b"shifted": "answer", b"unsized": "answer"}.items()}
    assert places(cat) == [b"s3://store/good"] and cat.scans[-1][3] == 6
    s3.faults.clear()
    scan(person)
    assert len(places(read(person))) == 8 and not read(person).problems


def test_a_server_that_fails_ends_the_scan(person, s3, sample):
    """What is left is not called unreadable one by one; what was read stays."""
    person.conf.write_text("")
    person.settings("s3", deadline=1)
    for i in range(200):
        s3.put(f"{i:03}", other(sample))
    s3.faults.append(lambda _, path, answer: ("list-type" not in path and path > "/store/050"
                                              and error(503, "SlowDown")) or None)
    fails(scan(person, check=False, options=("-j", "64")), "store-unreachable")
    cat = read(person)
    assert len(places(cat)) == 51 and len(cat.problems) < 32 and cat.scans[-1][2] is None


def page(entries="", more="<IsTruncated>false</IsTruncated>", root="ListBucketResult", head=""):
    return f"{head}<{root}>{more}<EncodingType>url</EncodingType>{entries}</{root}>".encode()


def entry(key, size="<Size>100</Size>", etag="<ETag>x</ETag>"):
    return f"<Contents><Key>{key}</Key>{size}{etag}</Contents>"


BOMB = ("<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>" + "".join(
    f"<!ENTITY {chr(98 + i)} '{('&' + chr(97 + i) + ';') * 10}'>" for i in range(9)) + "]>")
LISTINGS = {
    "nothing": b"", "no XML": b"no XML", "JSON": b"{}", "cut": page(entry("a"))[:-5],
    "another root": page(root="Error"), "a bomb": page(entry("&j;"), head=BOMB),
    "a document type": page(head="<!DOCTYPE ListBucketResult SYSTEM 'file:///etc/passwd'>"),
    "no flag": page(more=""), "a strange flag": page(more="<IsTruncated>maybe</IsTruncated>"),
    "two flags": page(more=2 * "<IsTruncated>false</IsTruncated>"),
    "no token": page(entry("a"), more="<IsTruncated>true</IsTruncated>"),
    "a long token": page(more="<IsTruncated>true</IsTruncated><NextContinuationToken>"
                         + "x" * 2049 + "</NextContinuationToken>"),
    "no key": page("<Contents><Size>1</Size></Contents>"), "no size": page(entry("a", size="")),
    "a size below zero": page(entry("a", size="<Size>-1</Size>")),
    "a size too large": page(entry("a", size="<Size>9223372036854775808</Size>")),
    "no number": page(entry("a", size="<Size>0x10</Size>")),
    "a long key": page(entry("a" * 1025)), "a very long key": page(entry("a" * 100000)),
    "NUL": page(entry("a%00b")), "half a byte": page(entry("a%4")), "no digits": page(entry("%zz")),
    "two keys": page("<Contents><Key>a</Key><Key>b</Key><Size>1</Size></Contents>"),
    "inside a key": page(entry("a<x>b</x>")), "another encoding": page().replace(b"url", b"b64"),
    "out of order": page(entry("b") + entry("a")), "twice": page(entry("a") + entry("a")),
    "too many": page("".join(entry(f"{i:05}") for i in range(1001))),
    "too long": page(" " * (8 << 20)), "deep": b"<a>" * 100000,
}


@pytest.mark.parametrize("name", LISTINGS)
def test_listings_that_are_none(person, s3, name):
    s3.faults.append(lambda _, path, answer: Answer(200, LISTINGS[name]))
    fails(scan(person, check=False), "store-answer")
    assert not read(person).objects and not s3.reads()


def test_listings_that_are_right(person, s3, sample):
    """The control of the one above; unknown elements, and keys that are not encoded."""
    s3.faults.append(lambda _, path, answer: "list-type" in path and Answer(200, page(
        entry("a", size="<Size>3</Size>") + "<New><Key>z</Key></New><CommonPrefixes/>"
        + entry("b%2fc+d", size="<Extra><Key>no</Key></Extra><Size>3</Size>", etag=""))))
    scan(person)
    assert read(person).others == {b"s3://store/a", b"s3://store/b/c d"}
    s3.faults[:] = [lambda _, path, answer: "list-type" in path and Answer(200, page(
        entry("a%20+&amp;", size="<Size>3</Size>")).replace(
            b"<EncodingType>url</EncodingType>", b""))]
    scan(person)
    assert read(person).others == {b"s3://store/a%20+&"}


def test_keys_outside_of_the_prefix(person, s3):
    s3.faults.append(lambda _, path, answer: Answer(200, page(entry("other"))))
    fails(scan(person, "s3://store/p/", check=False), "store-answer")


def more(token):
    return (f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}"
            "</NextContinuationToken>")


@pytest.mark.parametrize("kind", ["one token", "no keys", "the same keys", "backwards"])
def test_listings_without_end(person, s3, kind):
    def fault(_, path, answer):
        n = len(s3.requests)
        size = "<Size>1</Size>"
        return {"one token": Answer(200, page(entry(f"{n:06}", size), more("same"))),
                "no keys": Answer(200, page("", more(n))),
                "the same keys": Answer(200, page(entry("a", size), more(n))),
                "backwards": Answer(200, page(entry(f"{999999 - n}", size), more(n)))}[kind]
    s3.faults.append(fault)
    fails(scan(person, check=False), "store-answer")
    assert len(s3.requests) <= 102


def test_who_may_not(person, s3, sample):
    s3.put("a", sample)
    s3.faults.append(lambda _, path, answer: error(403, "AccessDenied"))
    fails(scan(person, check=False), "store-denied")
    s3.faults.clear()
    fails(scan(person, "s3://other/", check=False), "store-missing")
    s3.faults.append(lambda _, path, answer: Answer(301, b"", {
        "Location": "https://elsewhere.example/", "x-amz-bucket-region": "us-west-2"}))
    fails(scan(person, check=False), "store-answer", "us-west-2")
    s3.faults.clear()
    person.env["AWS_SECRET_ACCESS_KEY"] = "wrong"
    fails(scan(person, check=False), "store-credentials")
    assert s3.refused.pop().startswith("another signature") and not s3.refused
    del person.env["AWS_SECRET_ACCESS_KEY"]
    fails(scan(person, check=False), "store-credentials")
    s3.close()


def test_credentials_that_end_while_it_runs(person, s3, sample):
    for i in range(9):
        s3.put(f"{i}", other(sample))
    s3.faults.append(lambda _, path, answer: path.endswith("/5") and error(400, "ExpiredToken"))
    fails(scan(person, check=False, options=("-j", "1")), "store-credentials")
    s3.faults.clear()
    scan(person)
    assert len(places(read(person))) == 9


def test_where_region_and_credentials_come_from(person, s3, sample):
    s3.put("a", sample)
    s3.secrets["OTHER"] = ("0123456789", "a-token")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        del person.env[name]
    folder = person.folder / ".aws"
    folder.mkdir()
    (folder / "config").write_text("[default]\nregion = us-west-2\n"
                                   f"[profile work]\nregion = {aws_server.REGION}\n")
    (folder / "credentials").write_text("[work]\naws_access_key_id = OTHER\n"
                                        "aws_secret_access_key = 0123456789\n"
                                        "aws_session_token = a-token\n")
    fails(scan(person, check=False), "store-credentials")
    person.env["AWS_PROFILE"] = "work"
    scan(person)
    person.env["AWS_DEFAULT_REGION"] = "us-east-2"
    fails(scan(person, check=False), "store-credentials")
    assert s3.refused == ["somebody else"]
    s3.refused.clear()
    person.env["AWS_REGION"] = aws_server.REGION
    scan(person)
    person.env["AWS_REGION"] = "eu/../x"
    fails(scan(person, check=False), "provider-configuration")


def test_endpoints(person, s3, sample):
    """The configured one first; then AWS's variables."""
    s3.put("a", sample)
    url = person.env.pop("AWS_ENDPOINT_URL_S3")
    person.env["AWS_ENDPOINT_URL"] = url
    scan(person)
    person.env["AWS_ENDPOINT_URL_S3"] = "http://127.0.0.1:1"
    fails(scan(person, check=False), "store-unreachable")
    person.conf.write_text("")
    person.settings("s3", deadline=2, endpoint=url)
    scan(person)
    # Not in the clear beyond this machine.
    person.conf.write_text("")
    person.env["AWS_ENDPOINT_URL_S3"] = "http://s3.example"
    fails(scan(person, check=False), "provider-configuration")


def test_certificates_and_proxies(person, sample, tmp_path):
    """AWS's own host, with the bucket in its name or path, through a proxy that leads here."""
    from test_proxy import Proxy
    host = "s3.eu-central-1.amazonaws.com"
    own = certificate(tmp_path, "own", host, "store." + host)
    server = S3Server(own)
    server.put("a", sample)
    server.handle, inner = (lambda method, path, headers, body: Answer(200, page(
        "" if "list-type" not in path else entry("short", size="<Size>1</Size>")))), server.handle
    proxy = Proxy(server.url)
    person.settings("s3", deadline=2)
    person.env.update(AWS_ACCESS_KEY_ID=aws_server.IDENTIFIER, AWS_REGION=aws_server.REGION,
                      AWS_SECRET_ACCESS_KEY=aws_server.SECRET, https_proxy=proxy.url)
    person.env.pop("NO_PROXY")
    try:
        fails(scan(person, check=False), "store-tls")
        assert not server.requests
        person.env["AWS_CA_BUNDLE"] = str(own)
        scan(person)
        assert proxy.asked[-1].startswith(f"CONNECT store.{host}:443 ")
        assert server.requests[-1][2].startswith("/?encoding-type")
        scan(person, "s3://st.ore/")
        assert proxy.asked[-1].startswith(f"CONNECT {host}:443 ")
        assert server.requests[-1][2].startswith("/st.ore/?encoding-type")
        assert aws_server.SECRET.encode() not in proxy.passed and b"short" not in proxy.passed
    finally:
        proxy.close()
        server.close()


def test_a_scan_that_is_killed_goes_on(person, s3, sample):
    for i in range(300):
        s3.put(f"{i:03}", other(sample))
    s3.page, s3.delay = 20, 0.01
    process = subprocess.Popen([os.environ["DOUBLEKEY"], "scan", "-q", "-o", "cat", "-j", "2", ROOT],
                               cwd=person.folder, env=person.env)
    while len(s3.requests) < 60:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    s3.delay = 0
    scan(person)
    assert len(read(person).objects) == 300


def test_errors_that_look_like_listings(person, s3):
    s3.faults.append(lambda _, path, answer: Answer(403, page(
        entry("a"), root="Error").replace(b"</Error>", b"<Code>AccessDenied</Code></Error>")))
    fails(scan(person, check=False), "store-denied")


def test_no_secret_is_told(person, s3, sample):
    s3.put("a", sample)
    s3.faults.append(lambda _, path, answer: Answer(403, b"<Error><Code>"
                                                    + person.env["AWS_SECRET_ACCESS_KEY"].encode()
                                                    + b"\x1b[2J</Code></Error>"))
    done = scan(person, check=False)
    fails(done, "store-denied")
    assert "\x1b" not in done.stderr


VECTORS = dict(catalogue.vectors())


@pytest.mark.parametrize("name", VECTORS)
def test_vectors(person, s3, name):
    """spec/vectors/catalogue, with a bucket as the root."""
    vector = VECTORS[name]
    for places in vector["scans"]:
        s3.objects = {place.encode(): data for place, data in places.items()}
        scan(person, check=False)
    found = catalogue.as_vector(read(person), ROOT.encode())
    assert found == {part: vector[part] for part in found}
