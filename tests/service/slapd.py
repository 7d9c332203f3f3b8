# SPDX-License-Identifier: Apache-2.0
"""A real OpenLDAP server on loopback, in a folder of its own, under a CA of its own."""
import base64
import ipaddress
import os
import socket
import struct
import subprocess
import time

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from certificates import Authority
from service import free_port

BASE = "dc=example,dc=org"
ADMIN, SERVICE = "cn=admin," + BASE, "cn=doublekey,ou=service," + BASE
PASSWORD = "the password of the service"
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
MODULES = ("/usr/lib/ldap", "/usr/lib/openldap")
# What objectSid is in Active Directory, and a name that nothing restricts.
SCHEMA = """
attributetype ( 1.2.840.113556.1.4.146 NAME 'objectSid' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.99999.1.1 NAME 'securityPrincipal' SUP top AUXILIARY
  MAY ( objectSid ) )
"""
CONF = """
include {schema}/core.schema
include {schema}/cosine.schema
include {schema}/inetorgperson.schema
include {dir}/local.schema
pidfile {dir}/pid
modulepath {modules}
moduleload back_mdb
moduleload memberof
TLSCACertificateFile {dir}/ca.pem
TLSCertificateFile {dir}/server.pem
TLSCertificateKeyFile {dir}/server.pem
{more}
database mdb
suffix "{base}"
rootdn "{admin}"
rootpw secret
directory {dir}/db
maxsize 1073741824
dbnosync
index objectClass,member,memberOf eq
{limits}
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{service}" read by * none
overlay memberof
memberof-group-oc groupOfNames
memberof-refint true
"""


def sid(rid, domain=(21, 1004336348, 1177238915, 682003330)):
    parts = (*domain, rid)
    return b"\1" + bytes([len(parts)]) + (5).to_bytes(6, "big") + b"".join(
        struct.pack("<I", part) for part in parts)


def sid_text(rid):
    return "S-1-5-21-1004336348-1177238915-682003330-%d" % rid


def line(name, value):
    value = value if isinstance(value, bytes) else value.encode()
    return "%s:: %s\n" % (name, base64.b64encode(value).decode())


def entry(dn, *classes, **values):
    text = line("dn", dn) + "".join(line("objectClass", c) for c in classes)
    for name, all_ in values.items():
        text += "".join(line(name, v) for v in (all_ if isinstance(all_, list) else [all_]))
    return text + "\n"


def person(uid, rid=None, where="ou=people"):
    more = {"objectSid": sid(rid)} if rid else {}
    classes = ["inetOrgPerson"] + ["securityPrincipal"] * bool(rid)
    return entry(dn_of(uid, where), *classes, sn=uid, cn=uid, uid=uid,
                 mail=uid + "@contoso.com", **more)


def dn_of(uid, where="ou=people"):
    return "uid=%s,%s,%s" % (uid, where, BASE)


def group_dn(cn):
    return "cn=%s,ou=groups,%s" % (cn, BASE)


def group(cn, *members):
    return entry(group_dn(cn), "groupOfNames", member=list(members))


class Slapd:
    def __init__(self, folder, limits="", more=""):
        self.dir, self.port = str(folder), free_port()
        os.makedirs(os.path.join(self.dir, "db"))
        self.authority = Authority("CA of the directory")
        self.ca = self.write("ca.pem", self.authority.pem())
        self.certify()
        self.write("local.schema", SCHEMA.encode())
        self.write("password", b"secret")
        modules = [m for m in MODULES if os.path.isdir(m)][0]
        self.conf = self.write("slapd.conf", CONF.format(
            dir=self.dir, base=BASE, admin=ADMIN, service=SERVICE, limits=limits, more=more,
            schema="/etc/ldap/schema", modules=modules).encode())
        self.socket = "ldapi://" + os.path.join(self.dir, "s").replace("/", "%2F")
        self.process = None

    def certify(self, authority=None, names=(x509.IPAddress(ipaddress.ip_address("127.0.0.1")),)):
        (authority or self.authority).issue(
            os.path.join(self.dir, "server.pem"), "directory", names,
            usage=ExtendedKeyUsageOID.SERVER_AUTH)

    def write(self, name, data):
        path = os.path.join(self.dir, name)
        with open(path, "wb") as f:
            f.write(data)
        os.chmod(path, 0o600)
        return path

    @property
    def url(self):
        return "ldaps://127.0.0.1:%d" % self.port

    def run(self, *command, data=None):
        made = subprocess.run(command, env={"PATH": PATH, "LDAPNOINIT": "1"}, input=data,
                              capture_output=True)
        assert made.returncode == 0, (command, made.stderr.decode())
        return made.stdout.decode()

    def load(self, *entries):
        """Before it starts."""
        text = entry(BASE, "dcObject", "organization", dc="example", o="Example")
        for ou in ("people", "groups", "service"):
            text += entry("ou=%s,%s" % (ou, BASE), "organizationalUnit", ou=ou)
        text += entry(SERVICE, "applicationProcess", "simpleSecurityObject", cn="doublekey",
                      userPassword=PASSWORD)
        self.run("slapadd", "-q", "-f", self.conf, data=text.encode())
        if entries:
            self.start()
            self.add(*entries)

    def start(self):
        self.process = subprocess.Popen(
            ["slapd", "-d", "0", "-f", self.conf, "-h", "%s/ %s" % (self.url, self.socket)],
            env={"PATH": PATH}, stderr=open(os.path.join(self.dir, "stderr"), "ab"))
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self.tool("ldapwhoami")
            except (OSError, AssertionError):
                pass
            assert self.process.poll() is None, open(os.path.join(self.dir, "stderr")).read()
            time.sleep(0.02)
        raise AssertionError("slapd does not start")

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None
        if os.path.exists(os.path.join(self.dir, "pid")):
            os.unlink(os.path.join(self.dir, "pid"))

    def tool(self, name, *args, data=None):
        return self.run(name, "-x", "-H", self.socket, "-D", ADMIN, "-y",
                        os.path.join(self.dir, "password"), *args, data=data)

    def add(self, *entries):
        self.tool("ldapadd", data="".join(entries).encode())

    def change(self, dn, how, name, value):
        self.tool("ldapmodify", data=(line("dn", dn) + "changetype: modify\n%s: %s\n" % (
            how, name) + line(name, value)).encode())

    def delete(self, dn):
        self.tool("ldapdelete", dn)

    def search(self, filter_):
        """What the server finds, as names."""
        found = self.tool("ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-b", BASE, filter_, "1.1")
        return sorted(x.partition(": ")[2] for x in found.splitlines() if x.startswith("dn:"))
