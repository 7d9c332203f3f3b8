# SPDX-License-Identifier: Apache-2.0
"""usage: s3-peer.py moto | s3-peer.py versitygw PROGRAM

A server with the protocol of S3 and boto3 as its client. moto's is a simulation in memory, with
authorisation on; versitygw is a gateway that people run, here before a folder."""

import os

# What makes the user, its key and its policy comes before authorisation does.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "3"

import io  # noqa: E402
import json  # noqa: E402
import logging  # noqa: E402
import socket  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402

import boto3  # noqa: E402
from boto3.s3.transfer import TransferConfig  # noqa: E402
from botocore.config import Config  # noqa: E402

import lines  # noqa: E402

REGION = "eu-central-1"
POLICY = {"Version": "2012-10-17",
          "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
logging.getLogger("werkzeug").setLevel(logging.ERROR)


def moto():
    from moto.server import ThreadedMotoServer
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://%s:%d" % server.get_host_and_port()
    iam = boto3.client("iam", region_name=REGION, endpoint_url=url, aws_access_key_id="none",
                       aws_secret_access_key="none")
    iam.create_user(UserName="peer")
    made = iam.create_access_key(UserName="peer")["AccessKey"]
    iam.put_user_policy(UserName="peer", PolicyName="s3", PolicyDocument=json.dumps(POLICY))
    return url, made["AccessKeyId"], made["SecretAccessKey"], server.stop


def versitygw(program):
    folder = tempfile.TemporaryDirectory(prefix="doublekey-peers-")
    for name in ("store", "sidecar"):
        os.mkdir(os.path.join(folder.name, name))
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    user, secret = "peer", "not-a-secret-of-anybody"
    process = subprocess.Popen(
        [program, "--port", f"127.0.0.1:{port}", "--region", REGION, "--quiet", "posix",
         "--sidecar", os.path.join(folder.name, "sidecar"), os.path.join(folder.name, "store")],
        env={"PATH": os.environ["PATH"], "HOME": folder.name, "ROOT_ACCESS_KEY": user,
             "ROOT_SECRET_KEY": secret},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=sys.stderr)
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            if process.poll() is not None:
                raise
            time.sleep(0.05)

    def stop():
        process.terminate()
        process.wait()
        folder.cleanup()
    return f"http://127.0.0.1:{port}", user, secret, stop


URL, USER, SECRET, stop = moto() if sys.argv[1] == "moto" else versitygw(sys.argv[2])
s3 = boto3.client("s3", region_name=REGION, endpoint_url=URL, aws_access_key_id=USER,
                  aws_secret_access_key=SECRET, config=Config(s3={"addressing_style": "path"}))
s3.create_bucket(Bucket="store", CreateBucketConfiguration={"LocationConstraint": REGION})


def start():
    return {"url": URL.encode(), "id": USER.encode(), "secret": SECRET.encode()}


def put(key, data):
    s3.put_object(Bucket="store", Key=key.decode(), Body=data)


def put_parts(key, data):
    """As who uploads large files: the ETag is no digest of the content then."""
    size = 5 << 20
    s3.upload_fileobj(io.BytesIO(data), "store", key.decode(),
                      Config=TransferConfig(multipart_threshold=size, multipart_chunksize=size))


def remove(key):
    s3.delete_object(Bucket="store", Key=key.decode())


lines.serve({f.__name__: f for f in (start, put, put_parts, remove)})
stop()
