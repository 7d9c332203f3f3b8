# SPDX-License-Identifier: Apache-2.0
"""Policies with tenants and rules for decryption, right and wrong, and what they say."""

import v_dke
from v_dke import NOW, OFFICE, TENANT, V1, V2

OTHER = "aaaaaaaa-3b4a-4c5d-8e6f-708192a3b4c5"
GROUP = "11111111-2222-4333-8444-555555555555"
DOCUMENT = "ab" * 32
FRONT = "front-certificate"


def tenant(*more, title="contoso", **changes):
    options = {"id": f'"{TENANT}"', "issuers": f'{{"{V1}", "{V2}"}}',
               "audiences": '{"https://dke.contoso.com"}', "clients": f'{{"{OFFICE}"}}'}
    options.update({name.replace("_", "-"): value for name, value in changes.items()})
    lines = [f"\t{name} = {value}" for name, value in options.items() if value is not None]
    return "\n".join([f'tenant "{title}" {{', *lines, *("\t" + line for line in more), "}", ""])


def rule(*more, title="r", **changes):
    options = {"keys": '{"TestKey1"}', "tenants": '{"contoso"}', "users": '{"alice@contoso.com"}',
               "gates": f'{{"{FRONT}"}}', "allow": "true"}
    options.update({name.replace("_", "-"): value for name, value in changes.items()})
    lines = [f"\t{name} = {value}" for name, value in options.items() if value is not None]
    return "\n".join([f'decrypt "{title}" {{', *lines, *("\t" + line for line in more), "}", ""])


CORP = "cn=finance,dc=corp"
LAB = "cn=lab,dc=corp"


def directory(*more, title="corp", **changes):
    options = {"url": '"ldaps://dc1.corp.example"', "base": '"dc=corp"', "tenants": '{"contoso"}',
               "groups": f'{{"{CORP}"}}'}
    options.update({name.replace("_", "-"): value for name, value in changes.items()})
    lines = [f"\t{name} = {value}" for name, value in options.items() if value is not None]
    return "\n".join([f'directory "{title}" {{', *lines, *("\t" + line for line in more), "}", ""])


def broken(name, spec, code, line, comment, text):
    v_dke.vector("judge", name, spec, code, comment, [("policy", text.encode())], line=line)


def one(name, spec, expect, comment, text, **lines):
    lines = {"key": "TestKey1", "tenant": "contoso", "person": "alice@contoso.com",
             "now": NOW, **lines}
    v_dke.vector("judge", name, spec, expect, comment, [("policy", text.encode())], **lines)


def tenants():
    def good(name, comment, text):
        one(f"tenant_{name}", "5.1", "policy", comment, text, tried="-")

    good("least", "nothing but what must be there", tenant())
    good("all", "all options", tenant(
        'scopes = {"user_impersonation", "other"}', 'claims = {"upn", "email", "oid"}',
        "max-age = 60", "key-quarantine = 0", "single-use = true", 'key-set-ca = "ca.pem"',
        "key-set-refresh = 60", "key-set-max-age = 60", f'metadata = "{V2}/x"'))
    good("key_set", "a set by its own address", tenant(f'key-set = "{V2}/keys?v=2"'))
    good("two", "two tenants", tenant() + tenant(
        title="lab", id=f'"{OTHER}"', issuers=f'{{"https://sts.windows.net/{OTHER}/"}}'))
    for number, name in enumerate(("id", "issuers", "audiences", "clients")):
        broken(f"tenant_without_{name}", "5.1", "missing-option", 1, f"no {name}",
               tenant(**{name: None}))
    upper = TENANT.upper()
    for name, line, option, value in (
            ("id_upper", 2, "id", f'"{upper}"'), ("id_zeros", 2, "id", f'"{"0" * 8}-0000-0000-0000-{"0" * 12}"'),
            ("id_short", 2, "id", f'"{TENANT[:-1]}"'), ("id_common", 2, "id", '"common"'),
            ("id_list", 2, "id", f'{{"{TENANT}"}}'),
            ("issuers_common", 3, "issuers", '{"https://login.microsoftonline.com/common/v2.0"}'),
            ("issuers_other", 3, "issuers", f'{{"{V1}", "https://sts.windows.net/{OTHER}/"}}'),
            ("issuers_inside", 3, "issuers", f'{{"https://sts.windows.net/x{TENANT}/"}}'),
            ("issuers_host", 3, "issuers", f'{{"https://{TENANT}/x"}}'),
            ("issuers_query", 3, "issuers", f'{{"https://sts.windows.net/?{TENANT}/{TENANT}"}}'),
            ("issuers_http", 3, "issuers", f'{{"{V1.replace("https", "http")}"}}'),
            ("issuers_five", 3, "issuers", "{" + ", ".join(f'"{V1}{i}"' for i in range(5)) + "}"),
            ("audiences_five", 4, "audiences", "{" + ", ".join(['"a"'] * 5) + "}"),
            ("audiences_empty", 4, "audiences", '{""}'), ("clients_name", 5, "clients", '{"office"}'),
            ("clients_many", 5, "clients", "{" + ", ".join([f'"{OFFICE}"'] * 17) + "}"),
            ("clients_none", 5, "clients", "{}")):
        broken(f"tenant_{name}", "5.1", "value", line, f"no value: {name}", tenant(**{option: value}))
    for name, line in (
            ("scope_blank", 'scopes = {"a b"}'), ("scope_nine", 'scopes = {"a","a","a","a","a","a","a","a","a"}'),
            ("claim", 'claims = {"sub"}'), ("age_short", "max-age = 59"), ("age_long", "max-age = 86401"),
            ("quarantine_long", "key-quarantine = 2592001"), ("quarantine_zeros", "key-quarantine = 00"),
            ("single_use", 'single-use = "true"'), ("metadata_http", f'metadata = "http://a/{TENANT}"')):
        broken(f"tenant_{name}", "5.1", "value", 6, f"no value: {name}", tenant(line))
    for name, comment, lines in (
            ("both", "metadata and key-set", [f'metadata = "{V2}/x"', f'key-set = "{V2}/y"']),
            ("metadata_common", "an address of no tenant",
             ['metadata = "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration"']),
            ("key_set_common", "an address of no tenant",
             ['key-set = "https://login.microsoftonline.com/common/discovery/keys"']),
            ("key_set_organizations", "an address of no tenant",
             ['key-set = "https://login.microsoftonline.com/organizations/discovery/v2.0/keys"']),
            ("alone", "nothing is fetched", ["key-set-refresh = 60"]),
            ("age_below", "gone before it is fetched again",
             [f'metadata = "{V2}/x"', "key-set-max-age = 60"])):
        broken(f"tenant_{name}", "5.1", "key-set", 1, comment, tenant(*lines))
    broken("tenant_issuer_twice", "5.1", "repeated-issuer", 7, "an issuer of two tenants",
           tenant() + tenant(title="lab"))
    broken("tenant_title", "5.1", "title", 1, "no name of a file", tenant(title="Contoso"))
    broken("tenant_title_twice", "5.1", "repeated-title", 7, "two with one title", tenant() + tenant())
    issuer = ('issuer "contoso" {\n\turl = "https://a"\n\taudience = "a"\n\tclaim = "a"\n'
              "\tmax-age = 60\n}\n")
    broken("tenant_title_issuer", "5.1", "repeated-title", 7, "the title of an issuer", issuer + tenant())
    broken("issuer_title_tenant", "5.1", "repeated-title", 7, "the title of a tenant", tenant() + issuer)
    many = "".join(tenant(title=f"t{i}", id=f'"{i:08x}{OTHER[8:]}"',
                          issuers=f'{{"https://sts.windows.net/{i:08x}{OTHER[8:]}/"}}') for i in range(1, 18))
    broken("tenant_seventeen", "5.1", "too-many", 97, "17 tenants", many)
    broken("tenant_url", "5.1", "unknown-option", 6, "an option of an issuer", tenant('url = "https://a"'))
    broken("tenant_twice", "5.1", "repeated-option", 7, "twice", tenant("max-age = 60", "max-age = 60"))
    broken("tenant_unknown", "5.1", "unknown-issuer", 9, "no such tenant",
           tenant() + rule(tenants='{"lab"}'))
    broken("group_unknown", "6", "unknown-group", 13, "no such group",
           tenant() + rule('groups = {"staff"}'))


def directories():
    def good(name, comment, text):
        one(f"directory_{name}", "5.5", "policy", comment, tenant() + text, tried="-")

    def bad(name, code, line, comment, text):
        broken(f"directory_{name}", "5.5", code, line, comment, tenant() + text)

    login = ['bind-dn = "cn=svc,dc=corp"', 'password-file = "corp.password"']
    good("least", "nothing but what must be there", directory())
    good("all", "all options", directory(
        *login, 'ca = "ca.pem"', 'attribute = "uid"', 'claim = "upn"', 'member-of = "isMemberOf"',
        'nested = "in-chain"', "refresh = 60", "max-age = 60"))
    good("port", "a port, and an address", directory(url='"ldaps://[::1]:6360"'))
    for i, value in enumerate(("none", "walk", "in-chain")):
        good(f"nested_{i}", value, directory(f'nested = "{value}"'))
    good("escaped", "a backslash, and a percent sign", directory(
        groups='{"cn=a%5C2Cb%25,dc=corp", "cn=a%5c2Cb%25,dc=corp"}'))
    good("longest", "255 bytes", directory(groups=f'{{"cn={"a" * 252}"}}'))
    good("utf8", "not of ASCII", directory(groups='{"cn=B\u00fccher,dc=corp", "cn=%C3%BC"}'))
    for name in ("url", "base", "tenants", "groups"):
        bad(f"without_{name}", "missing-option", 7, f"no {name}", directory(**{name: None}))
    for i, line in enumerate(login):
        bad(f"half_{i}", "missing-option", 7, "name and password go together", directory(line))
    for name, line, option, value in (
            ("plain", 8, "url", '"ldap://dc1.corp.example"'), ("https", 8, "url", '"https://dc1.corp.example"'),
            ("user", 8, "url", '"ldaps://a@dc1.corp.example"'), ("path", 8, "url", '"ldaps://dc1/dc=corp"'),
            ("no_host", 8, "url", '"ldaps://"'), ("dash", 8, "url", '"ldaps://-a"'),
            ("url_long", 8, "url", f'"ldaps://{"a" * 193}"'),
            ("base_empty", 9, "base", '""'), ("base_name", 9, "base", '"corp"'),
            ("groups_empty", 11, "groups", "{}"), ("group_name", 11, "groups", '{"finance"}'),
            ("group_nul", 11, "groups", '{"cn=a%00"}'), ("group_line", 11, "groups", '{"cn=a%0Ab"}'),
            ("group_cut", 11, "groups", '{"cn=a%5"}'), ("group_hex", 11, "groups", '{"cn=%zz"}'),
            ("group_utf8", 11, "groups", '{"cn=%C3"}'), ("group_percent", 11, "groups", '{"cn=100%"}'),
            ("group_twice", 11, "groups", f'{{"{CORP}", "{LAB}", "{CORP}"}}'),
            ("groups_many", 11, "groups", "{" + ", ".join(f'"cn={i}"' for i in range(33)) + "}")):
        bad(name, "value", line, f"no value: {name}", directory(**{option: value}))
    for name, line in (
            ("attribute_option", 'attribute = "cn;binary"'), ("attribute_filter", 'attribute = "cn=*)(a"'),
            ("attribute_empty", 'attribute = ""'), ("attribute_digit", 'attribute = "1a"'),
            ("attribute_long", f'attribute = "{"a" * 65}"'), ("member_of", 'member-of = "a:b"'),
            ("claim", 'claim = "sub"'), ("nested", 'nested = "all"'), ("nested_word", "nested = true"),
            ("refresh", "refresh = 0"), ("refresh_long", "refresh = 86401"), ("age", "max-age = 2592001"),
            ("ca_empty", 'ca = ""'), ("file_long", f'password-file = "{"a" * 201}"'),
            ("bind_name", 'bind-dn = "svc"')):
        bad(f"wrong_{name}", "value", 12, f"no value: {name}", directory(line))
    bad("age_below", "key-set", 7, "gone before it is fetched again", directory("max-age = 299"))
    bad("other_has_it", "value", 17, "a group of another directory", directory() + directory(title="b"))
    bad("tenant", "unknown-issuer", 10, "no such tenant", directory(tenants='{"lab"}'))
    bad("title", "title", 7, "no name of a file", directory(title="Corp"))
    bad("title_tenant", "repeated-title", 7, "the title of a tenant", directory(title="contoso"))
    bad("title_twice", "repeated-title", 13, "two with one title",
        directory() + directory(groups=f'{{"{LAB}"}}'))
    bad("five", "too-many", 31, "5 directories", "".join(
        directory(title=f"d{i}", groups=f'{{"cn={i}"}}') for i in range(5)))
    bad("password", "unknown-option", 12, "a password is in no policy", directory('password = "a"'))
    bad("metadata", "unknown-option", 12, "an option of a tenant", directory('metadata = "https://a"'))
    bad("twice", "repeated-option", 12, "twice", directory('base = "dc=a"'))
    bad("rule_unknown", "unknown-group", 18, "no directory has it",
        directory() + rule(ldap_groups=f'{{"{LAB}"}}', users=None))
    bad("rule_case", "unknown-group", 18, "names are compared byte for byte",
        directory() + rule(ldap_groups='{"CN=finance,dc=corp"}', users=None))
    bad("rule_name", "value", 18, "no name", directory() + rule(ldap_groups='{"finance"}', users=None))


def rules():
    for name in ("keys", "tenants", "users", "allow"):
        broken(f"rule_without_{name}", "6", "missing-option", 1, f"no {name}", rule(**{name: None}))
    for name, line, option, value in (
            ("key_star", 2, "keys", '{"*"}'), ("key_slash", 2, "keys", '{"a/b"}'), ("key_long", 2, "keys", f'{{"{"a" * 65}"}}'),
            ("key_dot", 2, "keys", '{".a"}'),
            ("user_upper", 4, "users", '{"Alice@contoso.com"}'), ("user_blank", 4, "users", '{"a b"}'),
            ("user_long", 4, "users", f'{{"{"a" * 255}"}}'),
            ("gate", 5, "gates", '{"certificate"}'), ("gate_empty", 5, "gates", '{""}'),
            ("gate_or", 5, "gates", '{"network or "}'), ("gate_blanks", 5, "gates", '{"network  or network"}'),
            ("gate_nine", 5, "gates", "{" + ", ".join([f'"{FRONT}"'] * 9) + "}"),
            ("allow", 6, "allow", '"true"')):
        broken(f"rule_{name}", "6", "value", line, f"no value: {name}", rule(**{option: value}))
    for name, line in (
            ("group_upper", f'token-groups = {{"{"A" * 8}{GROUP[8:]}"}}'), ("role_empty", 'roles = {""}'),
            ("canary_short", f'canaries = {{"{DOCUMENT[1:]}"}}'), ("level_c", 'accept-level = "C"'),
            ("level_a", 'accept-level = "A"'), ("budget", "document-per-day = 0"),
            ("budget_key", "key-per-day = 1000000001"), ("network", 'networks = {"10.0.0.1/8"}'),
            ("zone", 'zone = "CET"')):
        broken(f"rule_{name}", "6", "value", 7, f"no value: {name}", rule(line))
    for name, line in (("devices", f'devices = {{"{DOCUMENT}"}}'), ("labels", 'labels = {"a"}'),
                       ("tokens", 'tokens = {"a"}')):
        broken(f"rule_with_{name}", "6", "unknown-option", 7, "an option of native rules", rule(line))
    broken("native_with_gates", "6", "unknown-option", 5, "an option of a decrypt rule",
           'rule "r" {\n\tkeys = {"*"}\n\tusers = {"*"}\n\tallow = true\n\tgates = {"network"}\n}\n')
    broken("rule_title_twice", "6", "repeated-title", 8, "two with one title", rule() + rule())
    broken("rule_deny_gate", "6", "factors", 1, "gates where nothing is allowed", rule(allow="false"))
    broken("rule_deny_level", "6", "factors", 1, "a level where nothing is allowed",
           rule('accept-level = "C-"', allow="false", gates=None))
    broken("rule_network_alone", "7", "factors", 1, "the gate network without networks",
           rule('accept-level = "C- (ambient)"', gates='{"network"}'))
    two = 'approvers = {"bob@contoso.com", "carol"}'
    for name, line, value in (
            ("approvals_none", 7, "approvals = 0"), ("approvals_nine", 7, "approvals = 9"),
            ("approvers_star", 7, 'approvers = {"*"}'), ("approvers_upper", 7, 'approvers = {"Bob"}'),
            ("approval_hours_none", 7, "approval-hours = 0"), ("approval_hours_long", 7, "approval-hours = 8785"),
            ("approval_hours_text", 7, 'approval-hours = "720"')):
        broken(f"rule_{name}", "7.3", "value", line, f"no value: {name}", rule(value, gates='{"approved-document"}'))
    document, key = "approved-document", "approved-key"
    for name, comment, gates, more in (
            ("alone", "nobody is asked", document, []), ("no_approvers", "approvals and nobody to approve", document, ["approvals = 1"]),
            ("no_number", "approvers and no number", key, [two]), ("few", "fewer approvers than approvals", document, ["approvals = 3", two]),
            ("twice", "one approver twice", document, ["approvals = 2", 'approvers = {"carol", "carol"}']),
            ("no_gate", "approvals that no gate asks for", FRONT, ["approvals = 2", two]),
            ("hours_alone", "hours of no approval", FRONT, ["approval-hours = 1"]),
            ("both_texts", "a document and its key", f'{document}", "{key}', ["approvals = 2", two]),
            ("or_alone", "or only one of them", f'{document} or {key}", "{FRONT} or {key}', ["approvals = 2", two])):
        broken(f"rule_approvals_{name}", "7.3", "factors", 1, comment, rule(*more, gates=f'{{"{gates}"}}'))
    broken("rule_approvals_deny", "7.3", "factors", 1, "approvals where nothing is allowed",
           rule("approvals = 1", two, gates=None, allow="false"))
    broken("rule_approvals_level", "7.2", "level", 1, "an approval covers no request",
           rule("approvals = 2", two, gates='{"approved-document"}'))
    net = 'networks = {"192.0.2.0/24"}'
    for name, gates, more in (
            ("none", None, []), ("ambient", '{"front-network"}', []), ("either", f'{{"{FRONT} or front-network"}}', []),
            ("none_as_ambient", None, ['accept-level = "C- (ambient)"']),
            ("ambient_as_none", '{"network"}', [net, 'accept-level = "C-"'])):
        broken(f"level_refused_{name}", "7.2", "level", 1, "less than C, and not accepted", rule(*more, gates=gates))


def approvals(ask):
    accept = 'accept-level = "C- (ambient)"'
    both = '{"approved-document or approved-key"}'

    def approved(name, comment, by, counted="", gates='{"approved-document"}', more=(), expect=None):
        text = rule(accept, "approvals = 2", 'approvers = {"bob", "carol", "dora", "alice@contoso.com"}', *more, gates=gates)
        lines = {"approved": " ".join(by)} if by else {}
        if counted:
            lines["counted"] = counted
        ask(f"approved_{name}", "7.3", expect or ("success" if counted else "approval-required"), comment, text,
            "C- (ambient)" if counted and not expect else None, **lines)

    def by(user, scope=1, ago=60, needed=2):
        return f"{scope}:{user}:{NOW - ago}:{needed}"

    bob, carol, dora = by("bob"), by("carol"), by("dora")
    approved("none", "nobody approved", [])
    approved("one", "one of two", [bob])
    approved("two", "two", [bob, carol], "0 1")
    approved("three", "more than are needed", [dora, bob, carol], "0 1 2")
    approved("twice", "nobody counts twice", [bob, by("bob", ago=5)])
    approved("renewed", "of one approver the last one counts", [bob, by("bob", ago=5), carol], "1 2")
    approved("self", "the person does not count", [by("alice@contoso.com"), bob])
    approved("stranger", "no approver of the rule", [by("eve"), bob])
    approved("wants_more", "signed where three were needed", [by("bob", needed=3), carol])
    approved("wants_three", "and three are there", [by("bob", needed=3), carol, dora], "0 1 2")
    approved("wants_left_out", "enough without it", [by("bob", needed=4), carol, dora], "1 2")
    approved("wants_less", "signed where one was enough", [by("bob", needed=1), by("carol", needed=1)], "0 1")
    approved("wants_in_turn", "one falls with the other", [by("bob", needed=4), by("carol", needed=3), dora])
    approved("old", "older than a month", [by("bob", ago=720 * 3600), carol])
    approved("oldest", "not quite a month", [by("bob", ago=720 * 3600 - 1), carol], "0 1")
    approved("hours", "older than the rule lets it be", [by("bob", ago=3600), carol], more=["approval-hours = 1"])
    approved("scope", "the key was approved, not the document", [by("bob", 2), by("carol", 2)])
    approved("key", "the key was approved", [by("bob", 2), by("carol", 2)], "0 1", '{"approved-key"}')
    approved("key_document", "the document was, not the key", [bob, carol], gates='{"approved-key"}')
    approved("either", "one of the two", [by("bob", 2), by("carol", 2)], "0 1", both)
    approved("either_mixed", "one of each is no two", [bob, by("carol", 2)], gates=both)
    approved("either_both", "the document comes first", [by("bob", 2), by("carol", 2), bob, carol], "2 3", both)
    bound = f'{{"{FRONT}", "approved-document"}}'
    approved("gate", "another gate is missing too", [], gates=bound, expect="gate")
    approved("gate_there", "another gate is missing", [bob, carol], "0 1", bound, expect="gate")


def judged():
    def ask(name, spec, expect, comment, text, reached=None, tried="matches", **lines):
        found = {"rule": "r", "tried": tried}
        if reached:
            found["level"] = reached
        if "matches" not in tried.split():
            del found["rule"]
        one(name, spec, expect, comment, tenant() + text, **lines, **found)

    ask("bound", "6", "success", "its gate holds", rule(), "C", held=FRONT)
    ask("gate", "7", "gate", "its gate does not hold", rule(), held="client-certificate")
    ask("gate_nothing", "7", "gate", "nothing holds", rule())
    both = f'{{"{FRONT} or front-network"}}'
    accept = 'accept-level = "C- (ambient)"'
    ask("either_bound", "7.2", "success", "the bound one", rule(accept, gates=both), "C", held=FRONT)
    ask("either_ambient", "7.2", "success", "the ambient one", rule(accept, gates=both), "C- (ambient)",
        held="front-network")
    ask("confirmation", "7", "success", "it was confirmed", rule(gates='{"confirmation"}'), "C",
        held="confirmation")
    ask("confirmation_gate", "7", "gate", "a session does not confirm", rule(gates='{"confirmation"}'),
        held="presence")
    ask("presence", "7", "success", "a session is open", rule(accept, gates='{"presence"}'), "C- (ambient)",
        held="presence")
    approvals(ask)
    net = 'networks = {"192.0.2.0/24"}'
    ask("network", "7", "success", "in the network", rule(net, accept, gates='{"network"}'), "C- (ambient)",
        address="192.0.2.7")
    ask("network_out", "6", "policy", "outside of it", rule(net, accept, gates='{"network"}'), tried="network",
        address="198.51.100.1")
    ask("open", "7.2", "success", "no gate, as accepted", rule('accept-level = "C-"', gates=None), "C-")
    ask("deny", "6", "policy", "a rule that does not allow", rule(allow="false", gates=None))
    for name, line in (("key", {"key": "testkey1"}), ("tenant", {"tenant": "lab"}), ("user", {"person": "bob@contoso.com"}),
                       ("user_other", {"person": "alice@contoso.com.example"})):
        ask(f"not_{name}", "6", "policy", "another one", rule(), tried=name.split("_")[0], held=FRONT, **line)
    ask("weekday", "6", "policy", "another day", rule('weekdays = {"mon"}'), tried="weekday", held=FRONT)
    ask("hours", "6", "policy", "another time", rule('hours = {"00:00-00:01"}'), tried="hours", held=FRONT)
    ask("native_rule", "6", "policy", "native rules do not decide here",
        'rule "all" {\n\tkeys = {"*"}\n\tusers = {"*"}\n\tallow = true\n}\n', tried="-", held=FRONT)
    groups = rule(f'token-groups = {{"{GROUP}"}}', 'roles = {"reader"}', users=None)
    ask("token_group", "6", "success", "a group of the token", groups, "C", held=FRONT, groups=f"{OTHER} {GROUP}")
    ask("role", "6", "success", "a role of the token", groups, "C", held=FRONT, roles="writer reader")
    ask("role_as_group", "6", "policy", "a role is no group", groups, tried="user", held=FRONT, groups="reader")
    staff = 'group "staff" {\n\tusers = {"alice@contoso.com", "*"}\n}\n' + rule('groups = {"staff"}', users=None)
    ask("group", "6", "success", "a group of the file", staff, "C", held=FRONT)
    ask("group_star", "6", "policy", "* is nobody", staff, tried="user", held=FRONT, person="bob@contoso.com")
    ask("group_star_name", "6", "policy", "whoever is called *", staff, tried="user", held=FRONT, person="*")
    canary = rule(f'canaries = {{"{DOCUMENT}"}}')
    ask("canary", "6", "canary", "a canary", canary, tried="-", held=FRONT, document=DOCUMENT)
    ask("canary_bob", "6", "canary", "whoever asks", canary, tried="-", document=DOCUMENT, person="bob@contoso.com")
    ask("canary_key", "6", "policy", "for another key", canary, tried="key", held=FRONT, document=DOCUMENT, key="TestKey2")
    ask("canary_not", "6", "success", "another document", canary, "C", held=FRONT, document="ac" * 32)
    first = rule(title="first", gates=None, allow="false", users='{"bob@contoso.com"}')
    ask("second", "6", "success", "the first rule that matches", first + rule(), "C", tried="user matches", held=FRONT)
    ask("first", "6", "gate", "no later rule is tried", rule() + rule('accept-level = "C-"', title="open", gates=None))


def members():
    text = tenant() + directory() + directory(title="lab", groups=f'{{"{LAB}"}}')
    user, both = {"users": None}, {"ldap_groups": f'{{"{CORP}"}}', "users": None}

    def ask(name, expect, comment, rules, tried, by="r", reached=None, **lines):
        found = {"tried": tried, **({"rule": by} if by else {}), **({"level": reached} if reached else {})}
        one(f"ldap_{name}", "6", expect, comment, text + rules, held=FRONT, **lines, **found)

    ask("member", "success", "in a group of a directory", rule(**both), "matches", reached="C",
        **{"ldap-groups": f"{LAB} {CORP}"})
    ask("other", "policy", "in another group", rule(**both), "user", by=None, **{"ldap-groups": LAB})
    ask("nobody", "policy", "in no group", rule(**both), "user", by=None)
    ask("as_role", "policy", "a role is no group", rule(**both), "user", by=None, roles=CORP, groups=CORP)
    ask("stale", "directory", "the directory does not know", rule(**both), "directory", stale="corp")
    ask("stale_other", "policy", "another directory does not know", rule(**both), "user", by=None,
        stale="lab")
    ask("stale_named", "success", "the person is there by name", rule(ldap_groups=f'{{"{CORP}"}}'),
        "matches", reached="C", stale="corp")
    ask("stale_key", "policy", "a rule for another key decides nothing", rule(keys='{"Other"}', **both),
        "key", by=None, stale="corp")
    ask("stale_hours", "policy", "nor one for another time", rule('hours = {"00:00-00:01"}', **both),
        "hours", by=None, stale="corp")
    deny = rule(title="out", gates=None, allow="false", **both)
    ask("deny", "policy", "a rule that does not allow", deny + rule(), "matches", by="out",
        **{"ldap-groups": CORP})
    ask("deny_not", "success", "and who is not in its group", deny + rule(), "user matches", reached="C")
    ask("stale_deny", "directory", "whether it denies is not known: nothing is allowed", deny + rule(),
        "directory", by="out", stale="corp")
    ask("gone", "policy", "a group that is not there has no members", rule(**both), "user", by=None,
        gone=CORP)
    ask("gone_deny", "directory", "whom a rule that does not allow is about is not known",
        deny + rule(), "directory", by="out", gone=CORP)
    ask("gone_other", "success", "another group that is not there", deny + rule(), "user matches",
        reached="C", gone=LAB)
    ask("stale_behind", "success", "a rule in front decides", rule() + deny, "matches", reached="C",
        stale="corp")


tenants()
directories()
rules()
members()
judged()
