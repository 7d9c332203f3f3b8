# SPDX-License-Identifier: Apache-2.0
"""What is no good HTTP, byte for byte: each has its answer, none is two requests, and the
service releases afterwards as before. Limits are test_limits.py."""

import pytest

from raw import Raw, release_request
from service import Service, codes, parts_of, release_body

HOST = b"Host: x\r\n"
LINE = b"GET /v1/status HTTP/1.1\r\n"
GET = LINE + HOST
BODY = b"x" * 23
POST = b"POST /v1/release HTTP/1.1\r\n" + HOST + b"Content-Type: application/doublekey\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
END = b"\r\n"
# If what comes first were taken for less than it is, this one would be answered too.
SECOND = b"GET /v1/ca HTTP/1.1\r\nHost: x\r\n\r\n"


def target(text, method=b"GET"):
    return method + b" " + text + b" HTTP/1.1\r\n" + HOST + END


def length(value, body=BODY):
    return POST + b"Content-Length:" + value + b"\r\n\r\n" + body


def chunks(size, end=b"\r\n0\r\n\r\n"):
    return CHUNKED + size + b"\r\n" + BODY + end


# Refused with `http`, or before that by the status alone; closed, and nothing is taken
# that stands behind it.
NO_HTTP = {
    "no Host": LINE + END, "two Hosts": GET + HOST + END, "two equal Hosts": GET + HOST + END,
    "1.0 without Host": b"GET /v1/status HTTP/1.0\r\n\r\n",
    "0.9": b"GET /v1/status\r\n", "2.0": b"GET /v1/status HTTP/2.0\r\n" + HOST + END,
    "9.9": b"GET /v1/status HTTP/9.9\r\n" + HOST + END,
    "1.2": b"GET /v1/status HTTP/1.2\r\n" + HOST + END,
    "another protocol": b"GET /v1/status HTTQ/1.1\r\n" + HOST + END,
    "a TLS record": b"\x16\x03\x01\x00\x05hello\r\n\r\n",
    "the start of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "all bytes": bytes(range(256)) + b"\r\n\r\n",
    "blank before the colon": GET + b"X : y\r\n\r\n",
    "blank before that of the length": POST + b"Content-Length : 23\r\n\r\n" + BODY,
    "tab before the colon": GET + b"X\t: y\r\n\r\n",
    "no name": GET + b": y\r\n\r\n", "no colon": GET + b"X\r\n\r\n",
    "bracket in a name": GET + b"X[0]: y\r\n\r\n", "byte 128 in a name": GET + b"X\x80: y\r\n\r\n",
    "folded": GET + b"X: a\r\n b\r\n\r\n", "folded by a tab": GET + b"X: a\r\n\tb\r\n\r\n",
    "folded Host": LINE + b"Host: a\r\n b\r\n\r\n",
    "folded length": POST + b"Content-Length: 2\r\n 3\r\n\r\n" + BODY,
    "first header folded": LINE + b" X: y\r\n" + HOST + END,
    "bare LF": (GET + END).replace(b"\r\n", b"\n"), "one bare LF": GET + b"X: y\n\r\n",
    "bare LF at the end": GET + b"X: y\r\n\n", "bare CR": LINE + b"Host: x\rY: z\r\n\r\n",
    "CR CR LF": GET + b"X: y\r\r\n\r\n",
    "NUL in a value": GET + b"X: a\0b\r\n\r\n", "NUL in Host": LINE + b"Host: a\0b\r\n\r\n",
    "NUL in a name": GET + b"X\0Y: z\r\n\r\n", "NUL in the target": target(b"/v1/sta\0tus"),
    "NUL in the length": length(b" 23\0"), "a control": GET + b"X: a\x01b\r\n\r\n",
    "DEL": GET + b"X: a\x7fb\r\n\r\n", "a control in the target": target(b"/v1/\x02"),
    "two blanks": b"GET  /v1/status HTTP/1.1\r\n" + HOST + END,
    "blank at the end": b"GET /v1/status HTTP/1.1 \r\n" + HOST + END,
    "blank in the target": target(b"/v1/sta tus"),
    "tabs": b"GET\t/v1/status\tHTTP/1.1\r\n" + HOST + END,
    "empty line first": b"\r\n" + GET + END,
    "two lengths": POST + b"Content-Length: 23\r\nContent-Length: 5\r\n\r\n" + BODY,
    "two equal lengths": POST + b"Content-Length: 23\r\ncontent-length: 23\r\n\r\n" + BODY,
    "sign": length(b" +23"), "minus": length(b" -1"), "letters": length(b" 23abc"),
    "list": length(b" 23, 23"), "hex": length(b" 0x17"), "no length": length(b""),
    "blank in the length": length(b" 2 3"), "fraction": length(b" 23.0"),
    "length and chunks": POST + b"Content-Length: 23\r\nTransfer-Encoding: chunked\r\n\r\n17\r\n"
                         + BODY + b"\r\n0\r\n\r\n",
    "chunks and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 23\r\n\r\n17\r\n"
                         + BODY + b"\r\n0\r\n\r\n",
    "chunks": chunks(b"17"), "chunks in capitals": chunks(b"17").replace(b"chunked", b"CHUNKED"),
    "xchunked": chunks(b"17").replace(b"chunked", b"xchunked"),
    "gzip": chunks(b"17").replace(b"chunked", b"gzip, chunked"),
    "identity": POST + b"Transfer-Encoding: identity\r\nContent-Length: 23\r\n\r\n" + BODY,
    "two codings": POST + 2 * b"Transfer-Encoding: chunked\r\n" + b"\r\n17\r\n" + BODY
                   + b"\r\n0\r\n\r\n",
    "folded coding": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n17\r\n" + BODY + b"\r\n0\r\n\r\n",
    "hex in a chunk": chunks(b"0x17"), "sign in a chunk": chunks(b"+17"),
    "minus in a chunk": chunks(b"-1"), "blank in a chunk": chunks(b"17 "),
    "blank before a chunk": chunks(b" 17"), "extension": chunks(b"17;a=b"),
    "letters in a chunk": chunks(b"17g"), "largest chunk": chunks(b"ffffffffffffffff"),
    "more than the chunk": chunks(b"17", b"XX\r\n0\r\n\r\n"),
    "bare LF in chunks": chunks(b"17").replace(b"\r\n17\r\n", b"\r\n17\n"),
    "chunks of GET": GET + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "expects something": POST + b"Expect: money\r\nContent-Length: 23\r\n\r\n" + BODY,
    "method in small letters": target(b"/v1/status", b"get"),
    "unknown method": target(b"/v1/status", b"BREW"),
    "long method": target(b"/v1/status", b"A" * 9000),
    "32 KiB header": GET + b"X: " + b"a" * 32768 + b"\r\n\r\n",
    "3,000 headers": GET + b"".join(b"X%d: y\r\n" % i for i in range(3000)) + END,
    "20 KB target": target(b"/" + b"a" * 20000),
    **{"two " + name: POST + 2 * (name.encode() + b": x\r\n") + b"Content-Length: 23\r\n\r\n" + BODY
       for name in ("Content-Type", "Content-Digest", "Signature", "Signature-Input",
                    "Authorization", "Doublekey-Token-Digest", "Doublekey-Approvals")},
}
# Too large: 413, with or without the name.
TOO_LARGE = {
    "10^9": length(b" 1000000000"), "100 MiB": length(b" 104857600"),
    "beyond 64 bits": length(b" 99999999999999999999999"),
    "64 bits around": length(b" 18446744073709551639"), "one too many": length(b" 4194305"),
    "enrolment": b"POST /v1/devices HTTP/1.1\r\n" + HOST
                 + b"Content-Type: application/doublekey\r\nContent-Length: 4097\r\n\r\n" + b"x" * 4097,
}
# Good HTTP that asks for what is not there.
NOT_THERE = {
    "absolute target": target(b"https://127.0.0.1/v1/status"),
    "absolute, another host": target(b"http://other.example/v1/status"),
    "query": target(b"/v1/status?x=1"), "empty query": target(b"/v1/status?"),
    "fragment": target(b"/v1/status#x"), "encoded": target(b"/v1/%73tatus"),
    "encoded slash": target(b"/v1%2fstatus"), "encoded NUL": target(b"/v1/status%00"),
    "dots": target(b"/v1/../v1/status"), "two slashes": target(b"//v1/status"),
    "slash behind": target(b"/v1/status/"), "capitals": target(b"/V1/STATUS"),
    "not ASCII": target(b"/v1/status\xc3\xa9"), "not UTF-8": target(b"/v1/status\xff\xfe"),
    "empty": target(b"/"), "asterisk": target(b"*", b"OPTIONS"),
    "authority": target(b"x:443", b"CONNECT"), "semicolon": target(b"/v1/status;x"),
    "backslash": target(b"\\v1\\status"),
    "out of the log": target(b"/log/../keys/sealed.0"),
    "out of the log, encoded": target(b"/log/%2e%2e/keys/sealed.0"),
    "file of the log's": target(b"/log/store.db"), "log keys": target(b"/log/key"),
    "NUL of the log, encoded": target(b"/log/checkpoint%00"),
}
NO_SUCH_KEY = {
    "not UTF-8": b"/v1/keys/\xff\xfe", "half of a letter": b"/v1/keys/a\xc3", "empty": b"/v1/keys/",
    "slash": b"/v1/keys/finance/", "query": b"/v1/keys/finance?x", "capital": b"/v1/keys/Finance",
    "encoded": b"/v1/keys/%66inance", "too long": b"/v1/keys/" + b"a" * 65,
}


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    s = Service(tmp_path_factory.mktemp("http"))
    s.start()
    s.prepare()
    s.body = release_body([parts_of(s.object)])
    yield s
    s.stop()


@pytest.fixture(autouse=True)
def nothing_else_happens(there):
    """No case leads to a record, and each leaves a service that releases."""
    pids, records = there.pids(), classes(there)
    yield
    assert classes(there) == records
    with Raw(there) as raw:
        raw.send(release_request(there, there.body))
        status, error, answer = raw.answer()
        assert (status, error, codes(answer)) == (200, None, [0])
    assert there.pids() == pids


def classes(s):
    lines = [line for line in s.log().splitlines() if line[:1].isdigit()]
    return [line.split()[2] for line in lines if line.split()[2] != "heartbeat"]


@pytest.mark.parametrize("what", NO_HTTP)
def test_no_http(there, what):
    with Raw(there) as raw:
        raw.send(NO_HTTP[what] + SECOND)
        status, error, body = raw.answer()
        assert (status, error) == (400, "http") or \
            (error is None and status in (400, 411, 413, 417, 431, 501)), (status, error)
        assert raw.closed()


@pytest.mark.parametrize("what", TOO_LARGE)
def test_too_large(there, what):
    with Raw(there) as raw:
        raw.send(TOO_LARGE[what])
        status, error, _ = raw.answer()
        assert status == 413 and error in (None, "too-large")
        assert raw.closed()


def test_100_mib_are_not_taken(there):
    """They come all the same: the service closes, and has kept none of them."""
    sent = 0
    with Raw(there) as raw:
        raw.send(POST + b"Content-Length: 104857600\r\n\r\n")
        try:
            while sent < 104857600:
                raw.send(b"x" * 65536)
                sent += 65536
        except OSError:
            pass
    assert sent < 104857600


@pytest.mark.parametrize("what", NOT_THERE)
def test_not_there(there, what):
    with Raw(there) as raw:
        raw.send(NOT_THERE[what])
        assert raw.answer()[:2] == (404, "not-found")


@pytest.mark.parametrize("what", NO_SUCH_KEY)
def test_no_such_key(there, what):
    with Raw(there) as raw:
        raw.send(target(NO_SUCH_KEY[what]))
        assert raw.answer()[:2] == (404, "unknown-key")
        assert raw.is_open()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE"])
def test_methods(there, method):
    for path in (b"/v1/status", b"/v1/release", b"/v1/keys/finance", b"/log/checkpoint"):
        with Raw(there) as raw:
            raw.send(target(path, method.encode()))
            assert raw.answer()[:2] == (405, "method")


GOOD = {
    "1.1": GET + END, "1.0": b"GET /v1/status HTTP/1.0\r\n" + HOST + END,
    "unknown headers": GET + b"X: y\r\nx: \xc3\xa9 \"\t\r\nX-Empty:\r\n\r\n",
    "upgrade": GET + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    "body of GET": GET + b"Content-Length: 5\r\n\r\nhello",
    "zeros before the length": GET + b"Content-Length: 005\r\n\r\nhello",
    "request as the body of GET": GET + b"Content-Length: %d\r\n\r\n" % len(SECOND) + SECOND,
    "close": GET + b"Connection: close\r\n\r\n",
}


@pytest.mark.parametrize("what", GOOD)
def test_good(there, what):
    """Control, and what is allowed: one answer to one request."""
    with Raw(there) as raw:
        raw.send(GOOD[what])
        assert raw.answer() == (200, None, b'{"status":"ok"}')
        assert raw.closed() if what in ("1.0", "close") else raw.is_open()


@pytest.mark.parametrize("size", [1, 7])
def test_in_pieces(there, size):
    """As good and as bad in small pieces as at once."""
    for request, expected in ((GET + END, (200, None)),
                              (GET + b"X: a\r\n b\r\n\r\n", (400, "http")),
                              (GET + b"X: a\0b\r\n\r\n", (400, "http"))):
        with Raw(there) as raw:
            for i in range(0, len(request), size):
                raw.send(request[i:i + size])
            assert raw.answer()[:2] == expected
