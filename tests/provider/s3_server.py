# SPDX-License-Identifier: Apache-2.0
"""Buckets of S3 as far as their interface is documented: ListObjectsV2 with pages, GetObject with
ranges, and signatures, which are verified over what AWS wants. tests/peers runs servers that others
wrote in its place."""

import hashlib
import hmac
import re
import urllib.parse
from xml.sax.saxutils import escape

from aws_server import IDENTIFIER, REGION, SECRET, signature
from server import Answer, JsonServer

BUCKET = "store"


def error(status, code, **headers):
    return Answer(status, f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message>"
                          f"<RequestId>1</RequestId></Error>".encode(), headers)


def plain(text):
    """As a signature has it."""
    return urllib.parse.quote(text, safe="-._~")


class S3Server(JsonServer):
    def __init__(self, pem=None):
        super().__init__(pem)
        self.objects = {}  # key, bytes: content, bytes
        self.secrets = {IDENTIFIER: (SECRET, None)}
        self.page, self.ranges, self.token = 1000, True, "/= "
        self.refused = []  # what was wrong with signatures

    def put(self, key, data):
        self.objects[key.encode() if isinstance(key, str) else key] = data

    def reads(self):
        """Keys of the objects that were asked for."""
        return [urllib.parse.unquote_to_bytes(path).split(b"/", 2)[2]
                for _, _, path, _, _ in self.requests if "list-type" not in path]

    def verify(self, method, path, headers):
        """The reason why the signature is refused, or None."""
        m = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, "
                         r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})",
                         headers.get("Authorization", ""))
        if not m:
            return "no signature"
        who, day, region, names, claimed = m.groups()
        secret, token = self.secrets.get(who, (None, None))
        if region != REGION or not secret or headers.get("X-Amz-Security-Token") != token:
            return "somebody else"
        names = names.split(";")
        wanted = {"host"} | {n.lower() for n in headers if n.lower().startswith("x-amz-")}
        wanted |= {"range"} & {n.lower() for n in headers}
        digest = hashlib.sha256(b"").hexdigest()
        if not wanted <= set(names) or names != sorted(names):
            return f"signed {names}, not {wanted}"
        if headers.get("X-Amz-Content-Sha256") != digest:
            return "no digest of the payload"
        path, _, query = path.partition("?")
        # S3 has the path encoded once; the query by name, each part encoded.
        pairs = sorted(urllib.parse.parse_qsl(query, keep_blank_values=True))
        lines = "".join(f"{n}:{' '.join(headers[n].split())}\n" for n in names)
        request = "\n".join([
            method, urllib.parse.quote(urllib.parse.unquote_to_bytes(path), safe="/-._~"),
            "&".join(f"{plain(n)}={plain(v)}" for n, v in pairs), lines, ";".join(names), digest])
        text = "\n".join(["AWS4-HMAC-SHA256", headers["X-Amz-Date"],
                          f"{day}/{region}/s3/aws4_request",
                          hashlib.sha256(request.encode()).hexdigest()])
        right = signature(secret, (day, region, "s3", "aws4_request"), text)
        return None if hmac.compare_digest(right, claimed) else f"another signature: {request}"

    def handle(self, method, path, headers, body):
        wrong = self.verify(method, path, headers)
        if wrong:
            self.refused.append(wrong)
            return error(403, "SignatureDoesNotMatch")
        name, _, query = path.partition("?")
        _, bucket, key = (urllib.parse.unquote_to_bytes(name) + b"/").split(b"/", 2)
        if bucket.decode() != BUCKET:
            return error(404, "NoSuchBucket")
        if query:
            return self.list(dict(urllib.parse.parse_qsl(query, keep_blank_values=True)))
        return self.get(key[:-1], headers.get("Range"))

    def list(self, query):
        assert query["list-type"] == "2" and query["encoding-type"] == "url", query
        prefix = query["prefix"].encode("utf-8", "surrogateescape")
        token = query.get("continuation-token", "")
        after = query.get("start-after", "").encode("utf-8", "surrogateescape")
        if token.startswith(self.token):
            after = bytes.fromhex(token[len(self.token):])
        size = min(self.page, int(query["max-keys"]))
        keys = [k for k in sorted(self.objects) if k.startswith(prefix) and k > after]
        more = len(keys) > size
        token = ("<NextContinuationToken>%s%s</NextContinuationToken>"
                 % (self.token, keys[size - 1].hex()) if more else "")
        return Answer(200, (
            "<?xml version='1.0' encoding='UTF-8'?>\n"
            "<ListBucketResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Name>%s</Name>"
            "<Prefix>%s</Prefix><KeyCount>%d</KeyCount><MaxKeys>%d</MaxKeys>"
            "<EncodingType>url</EncodingType><IsTruncated>%s</IsTruncated>%s%s</ListBucketResult>"
            % (BUCKET, escape(urllib.parse.quote_plus(prefix)), min(len(keys), size), size,
               str(more).lower(), token, "".join(map(self.entry, keys[:size])))).encode())

    def entry(self, key):
        data = self.objects[key]
        return ("<Contents><Key>%s</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
                "<ETag>&quot;%s&quot;</ETag><Size>%d</Size><Owner><ID>1</ID></Owner>"
                "<StorageClass>STANDARD</StorageClass></Contents>"
                % (urllib.parse.quote_plus(key, safe="/"), hashlib.md5(data).hexdigest(), len(data)))

    def get(self, key, wanted):
        if key not in self.objects:
            return error(404, "NoSuchKey")
        data = self.objects[key]
        headers = {"ETag": '"%s"' % hashlib.md5(data).hexdigest(),
                   "Content-Type": "binary/octet-stream"}
        m = re.fullmatch(r"bytes=0-(\d+)", wanted or "")
        if not m or not self.ranges:
            return Answer(200, data, headers)
        part = data[:int(m.group(1)) + 1]
        headers["Content-Range"] = "bytes 0-%d/%d" % (len(part) - 1, len(data))
        return Answer(206, part, headers) if data else error(416, "InvalidRange")
