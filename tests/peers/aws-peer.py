# SPDX-License-Identifier: Apache-2.0
"""moto's server of AWS KMS and IAM, with authorisation on, and boto3 as its client."""

import os

# What makes the user, its key and its policy comes before authorisation does.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "3"

import json  # noqa: E402
import logging  # noqa: E402

import boto3  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402

import lines  # noqa: E402

REGION = "eu-central-1"
POLICY = {"Version": "2012-10-17",
          "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]}
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
URL = "http://%s:%d" % server.get_host_and_port()


def client(service, **credentials):
    return boto3.client(service, region_name=REGION, endpoint_url=URL, **credentials)


iam = client("iam", aws_access_key_id="none", aws_secret_access_key="none")
iam.create_user(UserName="peer")
made = iam.create_access_key(UserName="peer")["AccessKey"]
iam.put_user_policy(UserName="peer", PolicyName="kms", PolicyDocument=json.dumps(POLICY))
kms = client("kms", aws_access_key_id=made["AccessKeyId"],
             aws_secret_access_key=made["SecretAccessKey"])


def start():
    return {"url": URL.encode(), "id": made["AccessKeyId"].encode(),
            "secret": made["SecretAccessKey"].encode()}


def key(type, usage):
    return {"arn": kms.create_key(KeySpec=type.decode(), KeyUsage=usage.decode())
            ["KeyMetadata"]["Arn"].encode()}


def context(digest):
    return {"doublekey-core-header": digest.hex()}


def encrypt(arn, digest, share):
    found = kms.encrypt(KeyId=arn.decode(), Plaintext=share, EncryptionContext=context(digest))
    return {"blob": found["CiphertextBlob"]}


def decrypt(arn, digest, blob):
    found = kms.decrypt(KeyId=arn.decode(), CiphertextBlob=blob, EncryptionContext=context(digest))
    return {"share": found["Plaintext"]}


def disable(arn):
    kms.disable_key(KeyId=arn.decode().split("/")[1])


lines.serve({f.__name__: f for f in (start, key, encrypt, decrypt, disable)})
server.stop()
