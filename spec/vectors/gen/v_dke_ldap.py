# SPDX-License-Identifier: Apache-2.0
"""Values that enter a filter of LDAP, binary SIDs, and what stands for a member."""

import struct

import v_dke
from reader import dke_ldap
from seeded import draw


# As that text has them; the case of hexadecimal digits does not matter.
RFC4515 = {
    "rfc4515_parentheses": r"(o=Parens R Us \28for all your parenthetical needs\29)",
    "rfc4515_asterisk": r"(cn=\2A)", "rfc4515_backslash": r"(filename=C:\5cMyFile)",
    "rfc4515_utf8": r"(sn=Lu\c4\8di\c4\87)"}


def filters():
    def one(name, comment, value, chain=False, attribute="memberOf"):
        made = dke_ldap.filter_text(attribute, chain, value)
        assert name not in RFC4515 or made.decode().lower() == RFC4515[name].lower()
        v_dke.vector("filter", name, "5.5", "success", comment, [("name", value), ("filter", made)],
                     attribute=attribute, chain=int(chain))

    one("plain", "nothing to escape", b"CN=Finance,OU=Groups,DC=corp,DC=contoso,DC=com")
    one("chain", "groups in groups", b"CN=Finance,DC=corp", chain=True)
    one("attribute", "another attribute", b"cn=finance,dc=corp", attribute="is-Member1")
    # examples of RFC 4515 section 4
    one("rfc4515_parentheses", "parentheses", b"Parens R Us (for all your parenthetical needs)", attribute="o")
    one("rfc4515_asterisk", "an asterisk", b"*", attribute="cn")
    one("rfc4515_backslash", "a backslash", b"C:\\MyFile", attribute="filename")
    one("rfc4515_utf8", "not of ASCII", "Lu\u010di\u0107".encode(), attribute="sn")
    one("rfc4515_bytes", "bytes of any kind", b"\x04\x02Hi", attribute="a")
    one("everybody", "what would find everybody", b"cn=*)(objectClass=*")
    one("or", "what would find others", b"cn=a)(|(cn=*", chain=True)
    one("closing", "what would end the filter", b"cn=a)))))")
    one("escaped", "an escape of RFC 4514 is a backslash", b"cn=a\\2Cb\\, c,dc=corp")
    one("escape", "what looks like an escape is none", b"cn=\\2a\\28")
    one("control", "control characters, and DEL", b"cn=" + bytes(range(1, 33)) + b"\x7f")
    one("printable", "all that can be printed", b"cn=" + bytes(range(32, 127)))
    one("bytes", "all bytes above 7F", b"cn=" + bytes(range(128, 256)))


def sids():
    def one(name, comment, data, expect="success"):
        found = {"text": dke_ldap.sid_text(data)} if expect == "success" else {}
        v_dke.vector("sid", name, "5.5", expect, comment, [("sid", data)], **found)

    def sid(authority, *parts, revision=1, count=None):
        count = len(parts) if count is None else count
        return (bytes([revision, count]) + authority.to_bytes(6, "big")
                + b"".join(struct.pack("<I", part) for part in parts))

    domain = (21, 1004336348, 1177238915, 682003330)
    one("user", "a user of a domain", sid(5, *domain, 1105))
    one("everyone", "a well-known one", sid(1, 0))
    one("administrators", "one of the machine", sid(5, 32, 544))
    one("no_part", "no part at all", sid(5))
    one("fifteen", "15 parts, each the largest", sid(5, *(15 * [0xffffffff])))
    one("authority", "an authority of 32 bits", sid(0xffffffff, 1))
    one("authority_long", "a longer one is hexadecimal", sid(0x100000000, 1))
    good = sid(5, *domain, 1105)
    for name, comment, data in (
            ("empty", "nothing", b""), ("head", "half a head", good[:7]), ("cut", "cut", good[:-1]),
            ("more", "a byte more", good + b"\0"), ("part_less", "a part less", good[:-4]),
            ("sixteen", "16 parts", sid(5, *(16 * [1]))), ("revision", "another revision", sid(5, 1, revision=2)),
            ("count", "a count that lies", sid(5, 1, 2, count=255)), ("text", "text", b"S-1-5-21-1-2-3-4")):
        one(f"wrong_{name}", comment, data, "value")


def members():
    salt = draw("ldap", "salt", 32)
    for name, comment, value in (
            ("sid", "a SID", b"S-1-5-21-1004336348-1177238915-682003330-1105"),
            ("lower", "in lower case it is the same", b"s-1-5-21-1004336348-1177238915-682003330-1105"),
            ("utf8", "other letters than those of ASCII stay", "\u00c4@Contoso.COM".encode()),
            ("longest", "254 bytes", b"a" * 254)):
        v_dke.vector("member", name, "5.5", "success", comment, [("salt", salt), ("value", value)],
                     member=dke_ldap.member(salt, value).hex())
    for name, value in (("empty", b""), ("long", b"a" * 255)):
        v_dke.vector("member", name, "5.5", "value", "it is passed over", [("salt", salt), ("value", value)])


filters()
sids()
members()
