# SPDX-License-Identifier: Apache-2.0
"""Keys of AWS KMS, spec/provider-keys.md section 3.1."""

import base64
import json
import time

import pytest

from aws_server import IDENTIFIER, SECRET, error
from conftest import fails
from server import Answer

KINDS = {"sym": (), "rsa": ("RSA_3072",), "p256": ("ECC_NIST_P256", "KEY_AGREEMENT"),
         "p384": ("ECC_NIST_P384", "KEY_AGREEMENT")}
STANZA = {"sym": "kms", "rsa": "rsa-oaep", "p256": "p256", "p384": "p384"}


def later(seconds=3600):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


@pytest.mark.parametrize("kind", KINDS)
def test_each_type(person, aws, kind):
    key = aws.add(kind, *KINDS[kind])
    person.encrypt(key.ref)
    person.decrypt(key.ref)
    stanza = person.inspect()["provider"]["stanzas"][0]
    assert stanza["type"] == STANZA[kind]
    assert stanza["custodian"] == "aws:111122223333"
    assert stanza.get("key_name", key.ref) == key.ref
    assert aws.actions().count("Encrypt") == (kind == "sym")


def test_on_the_customers_side(person, aws):
    """Whoever keeps the own key in a cloud; one account on both sides is refused."""
    key, other = aws.add("a"), aws.add("b")
    person.run("keygen", "--side", "provider", "--type", "p256", "--no-passphrase", "-q",
               "-o", "p.key")
    person.run("encrypt", "--customer", key.ref, "--provider", "p.key.pub", "-o", "o", "f")
    person.run("decrypt", "--customer", key.ref, "--provider", "p.key", "-o", "out", "o")
    assert (person.folder / "out").read_bytes() == (person.folder / "f").read_bytes()
    done = person.run("encrypt", "--customer", key.ref, "--provider", other.ref, "-o", "o2", "f",
                      check=False)
    fails(done, "same-custodian")


def test_an_alias_leads_to_its_key(person, aws):
    first, second = aws.add("first"), aws.add("second")
    alias = first.arn.replace("key/first", "alias/mine")
    aws.aliases[alias] = first.arn
    person.encrypt("awskms:" + alias)
    assert person.inspect()["provider"]["stanzas"][0]["key_name"] == first.ref
    person.decrypt(first.ref)
    person.decrypt("awskms:" + alias)
    aws.aliases[alias] = second.arn
    fails(person.decrypt("awskms:" + alias, check=False), "no-provider-key")


@pytest.mark.parametrize("arn", [
    "arn:aws:kms:eu-central-1:111122223333:key/a b", "arn:aws:kms:eu-central-1:111122223333:key/",
    "arn:aws:kms:eu-central-1:111122223333:key/\n", "arn:aws:kms:eu-central-1:111122223333:alias/x",
    "arn:aws:kms:eu-central-1:999999999999:key/a", "arn:aws:kms:eu-west-1:111122223333:key/a",
    "arn:aws:kms:eu-central-1:111122223333:key/" + 500 * "x", "x", ""])
def test_what_an_alias_may_lead_to(person, aws, arn):
    """The account is the custodian, and the name stands in the header."""
    first = aws.add("first")
    alias = first.arn.replace("key/first", "alias/mine")
    aws.aliases[alias] = first.arn
    aws.faults.append(lambda _, __, answer: "KeyMetadata" in answer.body and Answer(200, {
        "KeyMetadata": {**answer.body["KeyMetadata"], "Arn": arn}}))
    fails(person.encrypt("awskms:" + alias, check=False), "provider-answer")
    assert "Encrypt" not in aws.actions()
    aws.faults.clear()
    person.encrypt("awskms:" + alias)  # control


def test_a_blob_of_another_object(person, aws):
    """The encryption context is the core digest, and KMS refuses another one."""
    key = aws.add("sym")
    person.encrypt(key.ref, out="one.dkey")
    person.encrypt(key.ref, out="two.dkey")
    one, two = (bytearray((person.folder / f"{n}.dkey").read_bytes()) for n in ("one", "two"))
    blobs = list(aws.opened)
    at = one.index(blobs[0])
    one[at:at + len(blobs[1])] = blobs[1]
    assert blobs[1] in two and len(blobs[0]) == len(blobs[1])
    (person.folder / "o.dkey").write_bytes(one)
    fails(person.decrypt(key.ref, check=False), "provider-refused", "InvalidCiphertext")
    aws.check_binding = False  # control
    fails(person.decrypt(key.ref, check=False), "share-commitment")


def test_what_the_system_is_told(person, aws):
    key = aws.add("sym")
    person.encrypt(key.ref)
    person.decrypt(key.ref)
    bodies = [json.loads(body) for _, _, _, headers, body in aws.requests
              if headers["X-Amz-Target"].endswith("crypt")]
    contexts = [body["EncryptionContext"] for body in bodies]
    assert contexts[0] == contexts[1] and list(contexts[0]) == ["doublekey-core-header"]
    assert len(bytes.fromhex(contexts[0]["doublekey-core-header"])) == 48


@pytest.mark.parametrize("ref", [
    "arn:aws:kms:eu-central-1:111122223333:key/", "arn:aws:kms:eu-central-1:111122223333",
    "arn:aws:s3:eu-central-1:111122223333:key/a", "arn:aws:kms:eu-central-1:11112222333:key/a",
    "arn:aws:kms::111122223333:key/a", "arn:aws:kms:eu-central-1:111122223333:grant/a",
    "arn:aws:kms:eu/central:111122223333:key/a", "arn:aws:kms:eu-central-1:111122223333:key/a?b",
    "key/a", "", "arn:aws:kms:EU:111122223333:key/a", "arn:aws:kms:evil.example#:1:key/a"])
def test_references_that_are_refused(person, aws, ref):
    fails(person.encrypt("awskms:" + ref, check=False), "provider-reference")
    assert not aws.requests


@pytest.mark.parametrize("spec, usage", [
    ("RSA_2048", "ENCRYPT_DECRYPT"), ("RSA_3072", "SIGN_VERIFY"), ("ECC_NIST_P256", "SIGN_VERIFY"),
    ("HMAC_256", "GENERATE_VERIFY_MAC")])
def test_keys_that_do_not_fit(person, aws, spec, usage):
    fails(person.encrypt(aws.add("k", spec, usage).ref, check=False), "provider-key-use")


def test_keys_that_are_not_there(person, aws):
    key = aws.add("k")
    person.encrypt(key.ref)
    key.state = "Disabled"
    fails(person.decrypt(key.ref, check=False), "provider-key-state", "Disabled")
    key.state = "PendingDeletion"
    fails(person.encrypt(key.ref, check=False), "provider-key-state", "PendingDeletion")
    key.state = "Enabled"
    del aws.keys[key.arn]
    fails(person.decrypt(key.ref, check=False), "provider-key-missing", "does not exist",
          "request-")


def test_a_permission_that_is_missing_is_named(person, aws):
    key = aws.add("k")
    person.encrypt(key.ref)
    aws.allowed.remove("Decrypt")
    fails(person.decrypt(key.ref, check=False), "provider-denied", "kms:Decrypt", "request-")


def test_an_answer_of_another_key(person, aws):
    """Whatever was asked for, the answer says which key it was."""
    key, other = aws.add("k"), aws.add("other")
    person.encrypt(key.ref)
    aws.faults.append(lambda _, path, answer: Answer(200, {**answer.body, "KeyId": other.arn})
                      if "Plaintext" in answer.body else None)
    fails(person.decrypt(key.ref, check=False), "provider-answer")


def answers(aws, member, *bodies):
    left = list(bodies)

    def fault(_, path, answer):
        return left.pop(0) if left and member in answer.body else None
    aws.faults.append(fault)


@pytest.mark.parametrize("change", [
    {"Plaintext": base64.b64encode(bytes(31)).decode()}, {"Plaintext": ""}, {"Plaintext": None},
    {"KeyId": None}])
def test_answers_that_are_none(person, aws, change):
    key = aws.add("k")
    person.encrypt(key.ref)
    aws.faults.append(lambda _, path, answer: Answer(200, {**answer.body, **change})
                      if "Plaintext" in answer.body else None)
    fails(person.decrypt(key.ref, check=False), "provider-answer")


def test_throttling_is_waited_out(person, aws):
    key = aws.add("k")
    person.encrypt(key.ref)
    answers(aws, "Plaintext", *[error("ThrottlingException")] * 3,
            error("KMSInternalException", status=500))
    person.decrypt(key.ref)
    answers(aws, "Plaintext", *[error("ThrottlingException", "Rate exceeded")] * 1000)
    fails(person.decrypt(key.ref, check=False), "provider-throttled", "Rate exceeded")


# Credentials.

@pytest.fixture
def nobody(person, aws):
    """Without credentials in the environment."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del person.env[name]
    person.env["AWS_EC2_METADATA_DISABLED"] = "true"
    return aws.add("k")


def with_token(aws, length=1500):
    token = "t" * length
    aws.secrets[IDENTIFIER] = (SECRET, token)
    return token


def test_none(person, aws, nobody):
    fails(person.encrypt(nobody.ref, check=False), "provider-credentials")


def test_wrong_ones(person, aws):
    key = aws.add("k")
    person.env["AWS_SECRET_ACCESS_KEY"] = "wrong"
    done = person.encrypt(key.ref, check=False)
    fails(done, "provider-credentials", "InvalidSignature")
    person.env["AWS_ACCESS_KEY_ID"] = "AKIDOTHER"
    done = person.encrypt(key.ref, check=False)
    fails(done, "provider-credentials", "UnrecognizedClient")
    assert "wrong" not in done.stderr


def test_a_session_token(person, aws):
    key = aws.add("k")
    person.env["AWS_SESSION_TOKEN"] = with_token(aws)
    person.encrypt(key.ref)
    del person.env["AWS_SESSION_TOKEN"]
    fails(person.decrypt(key.ref, check=False), "provider-credentials")


def test_profiles(person, aws, nobody):
    token = with_token(aws)
    (person.folder / ".aws").mkdir()
    (person.folder / ".aws/credentials").write_text(
        f"[default]\naws_access_key_id = other\naws_secret_access_key = x\n"
        f"# comment\n[work]\naws_access_key_id={IDENTIFIER}\naws_secret_access_key = {SECRET}\n"
        f"aws_session_token = {token}\ns3 =\n  max_concurrent_requests = 1\n")
    fails(person.encrypt(nobody.ref, check=False), "provider-credentials")
    person.env["AWS_PROFILE"] = "work"
    person.encrypt(nobody.ref)
    (person.folder / ".aws/credentials").rename(person.folder / "elsewhere")
    fails(person.decrypt(nobody.ref, check=False), "provider-credentials")
    person.env["AWS_SHARED_CREDENTIALS_FILE"] = str(person.folder / "elsewhere")
    person.decrypt(nobody.ref)
    (person.folder / "elsewhere").write_bytes(b"[work]\naws_access_key_id=\0")
    fails(person.decrypt(nobody.ref, check=False), "provider-credentials", "a file of AWS profiles")


def process(person, text, status=0):
    script = person.folder / "give"
    script.write_text("#!/bin/sh\ncat <<'E'\n" + text + f"\nE\nexit {status}\n")
    script.chmod(0o755)
    (person.folder / ".aws").mkdir(exist_ok=True)
    (person.folder / ".aws/config").write_text(
        f"[profile work]\ncredential_process = '{script}' 'an argument'\n")
    person.env["AWS_PROFILE"] = "work"


def test_a_process(person, aws, nobody):
    good = {"Version": 1, "AccessKeyId": IDENTIFIER, "SecretAccessKey": SECRET,
            "SessionToken": with_token(aws), "Expiration": later()}
    process(person, json.dumps(good))
    person.encrypt(nobody.ref)
    for text, status in ((json.dumps({**good, "Version": 2}), 0), (json.dumps(good), 1), ("", 0),
                         ("x" * 70000, 0), (json.dumps({**good, "Expiration": "soon"}), 0),
                         (json.dumps({**good, "AccessKeyId": "a\nb"}), 0)):
        process(person, text, status)
        fails(person.decrypt(nobody.ref, check=False), "provider-credentials", "credential_process")
    (person.folder / ".aws/config").write_text("[profile work]\ncredential_process = /nowhere\n")
    fails(person.decrypt(nobody.ref, check=False), "provider-credentials", "cannot be started")
    (person.folder / ".aws/config").write_text("[profile work]\ncredential_process = $(touch x)\n")
    fails(person.decrypt(nobody.ref, check=False), "provider-credentials", "cannot be understood")
    assert not (person.folder / "x").exists()


def test_a_web_identity(person, aws, nobody):
    role = "arn:aws:iam::111122223333:role/r+1"
    aws.roles[role, "jwt.of&me"] = (IDENTIFIER, SECRET, with_token(aws), later())
    (person.folder / "jwt").write_text("jwt.of&me\n")
    person.env.update(AWS_ROLE_ARN=role, AWS_WEB_IDENTITY_TOKEN_FILE=str(person.folder / "jwt"))
    person.encrypt(nobody.ref)
    (person.folder / "jwt").write_text("other")
    done = person.decrypt(nobody.ref, check=False)
    fails(done, "provider-credentials", "InvalidIdentityToken")
    (person.folder / "jwt").unlink()
    fails(person.decrypt(nobody.ref, check=False), "provider-credentials", "token file")


@pytest.mark.parametrize("xml", [
    b"", b"<a", b"<a/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a><AccessKeyId>&b;</AccessKeyId></a>",
    b"<a><AccessKeyId>x</AccessKeyId><AccessKeyId>y</AccessKeyId></a>",
    b"<a><AccessKeyId>" + b"x" * 200 + b"</AccessKeyId></a>"])
def test_answers_of_sts_that_are_none(person, aws, nobody, xml):
    aws.roles["r", "jwt"] = xml
    (person.folder / "jwt").write_text("jwt")
    person.env.update(AWS_ROLE_ARN="r", AWS_WEB_IDENTITY_TOKEN_FILE=str(person.folder / "jwt"))
    fails(person.encrypt(nobody.ref, check=False), "provider-answer")


def test_the_machines_role(person, aws, nobody):
    del person.env["AWS_EC2_METADATA_DISABLED"]
    person.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = aws.url
    fails(person.encrypt(nobody.ref, check=False), "provider-credentials")
    path = "/latest/meta-data/iam/security-credentials/"
    aws.machine = {path: Answer(200, b"role-1"), path + "role-1": Answer(200, {
        "AccessKeyId": IDENTIFIER, "SecretAccessKey": SECRET, "Token": with_token(aws),
        "Expiration": later(), "Code": "Success"})}
    person.encrypt(nobody.ref)
    aws.machine[path] = Answer(200, b"ro le")
    fails(person.decrypt(nobody.ref, check=False), "provider-credentials")


def test_the_agent_of_a_container(person, aws, nobody):
    """As EKS sets it up for a pod: an address, and a file with a token for it."""
    aws.machine = {"token": "a.b.c", "/agent": Answer(200, {
        "AccessKeyId": IDENTIFIER, "SecretAccessKey": SECRET, "Token": with_token(aws),
        "Expiration": later()})}
    token = person.folder / "pod-token"
    person.env.update(AWS_CONTAINER_CREDENTIALS_FULL_URI=aws.url + "/agent",
                      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=str(token))
    fails(person.encrypt(nobody.ref, check=False), "provider-credentials", "token")
    token.write_text("a.b.c\n")
    person.encrypt(nobody.ref)
    for text in ("a.b.d", "a.b.c\r\nX-Other: 1", "x" * 9000):
        token.write_text(text)
        fails(person.decrypt(nobody.ref, check=False), "provider-credentials")
    assert not any("X-Other" in headers for *_, headers, _ in aws.requests)
    del person.env["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]
    person.env["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "a.b.c"
    person.decrypt(nobody.ref)
    host = aws.url.removeprefix("http://")
    for url in ("http://agent.example/agent", "http://127.0.0.1.agent.example/agent", "ftp://x/",
                f"http://{host}@agent.example/agent", "http://169.254.170.20/", "x"):
        person.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = url
        fails(person.decrypt(nobody.ref, check=False), "provider-credentials", "no agent")


def test_credentials_are_found_anew_before_they_end(person, aws, nobody):
    """A batch that outlives them goes on; each object is asked for, and nothing is kept."""
    good = {"Version": 1, "AccessKeyId": IDENTIFIER, "SecretAccessKey": SECRET,
            "SessionToken": with_token(aws), "Expiration": later(30)}
    process(person, json.dumps(good))
    (person.folder / "give").write_text((person.folder / "give").read_text().replace(
        "#!/bin/sh\n", "#!/bin/sh\necho x >> asked\n"))
    person.encrypt(nobody.ref)
    asked = (person.folder / "asked").read_text().count("x")
    assert asked == aws.actions().count("DescribeKey") + aws.actions().count("Encrypt")
    process(person, json.dumps({**good, "Expiration": later()}))
    (person.folder / "give").write_text((person.folder / "give").read_text().replace(
        "#!/bin/sh\n", "#!/bin/sh\necho x >> again\n"))
    person.decrypt(nobody.ref)
    assert (person.folder / "again").read_text().count("x") == 1
