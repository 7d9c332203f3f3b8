# SPDX-License-Identifier: Apache-2.0
"""Policies, right and wrong, and what a request gets from them."""

VECTORS = {}
SUNDAY = 1924992000 - 1924992000 % 604800 + 3 * 86400  # a Sunday, 00:00:00 UTC
DEVICE = "0123456789abcdef" * 4
BASE = 'rule "r" {\n\tkeys = {"finance"}\n\tusers = {"alice"}\n\tallow = true\n}\n'


def vector(name, spec, expect, comment, text, tried=None, **request):
    fields = [("spec", spec), ("expect", expect)]
    if tried is not None:
        asked = {"user": "alice", "key": "finance", "time": SUNDAY + 3600} | request
        fields += [("tried", tried)] + sorted(asked.items())
    fields.append(("comment", comment))
    head = "".join(f"{key}: {value}\n" for key, value in fields)
    data = text if isinstance(text, bytes) else text.encode()
    assert name not in VECTORS and max(map(len, head.splitlines())) <= 240
    VECTORS[name] = head.encode() + b"\n" + data


def rule(*lines, title="r", keys='{"*"}', users='{"*"}', allow="true"):
    options = [f"keys = {keys}", f"users = {users}", f"allow = {allow}", *lines]
    return f'rule "{title}" {{\n' + "".join(f"\t{line}\n" for line in options) + "}\n"


def case(name, spec, comment, text, tried, expect=None, **request):
    """A request to a good policy; it is allowed if the last rule tried matches."""
    expect = expect or ("allow" if tried.split()[-1:] == ["matches"] else "deny")
    vector(name, spec, expect, comment, text, tried, **request)


def broken(name, spec, code, line, comment, text):
    vector(name, spec, f"invalid {code} {line}", comment, text)


def names():
    case("allowed", "5", "key and user are named", BASE, "matches")
    case("other_key", "5", "another key", BASE, "key", key="legal")
    case("other_user", "5", "another user", BASE, "user", user="bob")
    case("key_before_user", "5", "both differ; the key is the reason", BASE, "key", key="x",
         user="bob")
    case("empty", "5", "a policy without rules denies", "", "")
    case("only_comment", "1", "a comment without a line end", "# nothing", "")
    case("star", "2", "every key and every user", rule(), "matches", user="bob", key="legal")
    case("part_of_name", "5", "a name that begins with the user's is another one",
         rule(users='{"alice2", "alic"}'), "user")
    case("first_denies", "5", "the first rule that matches decides, also if it denies",
         rule(title="a", allow="false") + rule(title="b"), "matches", "deny")
    case("second_allows", "5", "a rule that does not match is passed over",
         rule(title="a", allow="false", users='{"bob"}') + rule(title="b"), "user matches")
    group = 'group "g" {\n\tusers = {"alice", "carol"}\n}\n'
    grouped = 'rule "r" {\n\tkeys = {"*"}\n\tgroups = {"g"}\n\tallow = true\n}\n'
    case("group", "2", "a user of the group", group + grouped, "matches")
    case("group_behind", "2", "the group may stand behind the rule", grouped + group, "matches")
    case("group_other_user", "2", "not a user of the group", group + grouped, "user", user="bob")
    case("group_and_rule_title", "2", "a group and a rule may have one title",
         group + grouped.replace('"r"', '"g"'), "matches")
    case("one_line", "1", "all on one line",
         'rule"r"{keys={"*"}users={"*"}allow=true}#', "matches")
    case("title_64", "1", "a title of 64 bytes", rule(title="t" * 64), "matches")
    case("device", "2", "the device is named", rule(f'devices = {{"{DEVICE}"}}'), "matches",
         device=DEVICE)
    case("device_other", "2", "another device", rule(f'devices = {{"{DEVICE}"}}'), "device",
         device="f" * 64)
    case("label", "2", "the label is named", rule('labels = {"x", "secret"}'), "matches",
         label="secret")
    case("label_other", "2", "another label", rule('labels = {"x", "secret"}'), "label",
         label="Secret")
    case("label_none", "2", "no label", rule('labels = {"secret"}'), "label")
    case("label_empty_text", "2", "an empty text is an object without a label",
         rule('labels = {""}'), "matches")
    case("label_star", "2", "an asterisk is no wildcard for labels", rule('labels = {"*"}'),
         "label", label="secret")
    case("label_utf8", "2", "a label beyond ASCII", rule('labels = {"geheim \u00e4"}'), "matches",
         label="geheim \u00e4")


def networks():
    def net(name, comment, value, tried, address=None):
        request = {} if address is None else {"address": address}
        case("network_" + name, "3", comment, rule(f'networks = {{{value}}}'), tried, **request)

    net("v4", "inside", '"192.0.2.0/24"', "matches", "192.0.2.255")
    net("v4_below", "one below the first address", '"192.0.2.0/24"', "network", "192.0.1.255")
    net("v4_above", "one above the last address", '"192.0.2.0/24"', "network", "192.0.3.0")
    net("v4_25", "a prefix within a byte", '"192.0.2.128/25"', "network", "192.0.2.127")
    net("v4_32", "one address", '"192.0.2.1/32"', "matches", "192.0.2.1")
    net("v4_all", "every IPv4 address", '"0.0.0.0/0"', "matches", "203.0.113.9")
    net("v4_all_not_v6", "but no IPv6 address", '"0.0.0.0/0"', "network", "2001:db8::1")
    net("v6", "inside", '"2001:db8::/32"', "matches", "2001:db8:ffff::1")
    net("v6_outside", "outside", '"2001:db8::/33"', "network", "2001:db8:8000::1")
    net("v6_all", "every IPv6 address", '"::/0"', "matches", "2001:db8::1")
    net("v6_all_not_v4", "but no IPv4 address", '"::/0"', "network", "192.0.2.1")
    net("mapped", "an IPv4 address in IPv6 form is an IPv4 address", '"192.0.2.0/24"', "matches",
        "::ffff:192.0.2.7")
    net("second", "the second one of the list", '"10.0.0.0/8", "192.0.2.0/24"', "matches",
        "192.0.2.1")
    net("unknown", "an unknown address is in no network", '"0.0.0.0/0", "::/0"', "network")
    wrong = {"no_bits": "192.0.2.1", "bits_33": "192.0.2.0/33", "bits_129": "::/129",
             "bits_sign": "192.0.2.0/+24", "bits_zero": "192.0.2.0/024", "bits_none": "192.0.2.0/",
             "host_bits": "192.0.2.1/24", "host_bits_v6": "2001:db8::1/64",
             "mapped_v6": "::ffff:192.0.2.0/120", "short": "192.0.2/24", "octal": "192.0.02.0/24",
             "scope": "fe80::1%lo/128", "name": "localhost/32", "blank": " 192.0.2.0/24",
             "empty": "", "long": "1:" * 40 + "/1"}
    for name, value in wrong.items():
        broken("network_wrong_" + name, "3", "value", 5, f"no network: {name}",
               rule(f'networks = {{"{value}"}}'))


def times():
    def at(name, comment, lines, tried, seconds):
        case("time_" + name, "4", comment, rule(*lines), tried, time=SUNDAY + seconds)

    day, work = 86400, ['hours = {"07:00-19:00"}']
    at("begin", "the first second", work, "matches", 7 * 3600)
    at("before", "the second before it", work, "hours", 7 * 3600 - 1)
    at("last", "the last second", work, "matches", 19 * 3600 - 1)
    at("end", "the end is outside", work, "hours", 19 * 3600)
    night = ['hours = {"22:00-24:00", "00:00-06:00"}']
    at("midnight_before", "the second before midnight", night, "matches", day - 1)
    at("midnight", "midnight", night, "matches", day)
    at("noon", "neither range", night, "hours", 12 * 3600)
    ahead, behind = 'zone = "+01:30"', 'zone = "-05:00"'
    at("ahead", "07:00 there is 05:30 UTC", [*work, ahead], "matches", 5 * 3600 + 1800)
    at("ahead_before", "06:59:59 there", [*work, ahead], "hours", 5 * 3600 + 1799)
    at("behind", "07:00 there is 12:00 UTC", [*work, behind], "matches", 12 * 3600)
    at("zone_z", "UTC by name", [*work, 'zone = "Z"'], "matches", 7 * 3600)
    sunday = ['weekdays = {"sun"}']
    at("sunday", "the first second of Sunday", sunday, "matches", 0)
    at("saturday", "the second before it", sunday, "weekday", -1)
    at("sunday_last", "the last second of it", sunday, "matches", day - 1)
    at("monday", "the second behind it", sunday, "weekday", day)
    at("sunday_ahead", "Sunday there, Saturday in UTC", [*sunday, ahead], "matches", -5400)
    at("sunday_behind", "Saturday there, Sunday in UTC", [*sunday, behind], "weekday", 17999)
    at("day_before_hours", "both differ; the weekday is the reason", [*sunday, *work], "weekday",
       day)
    case("time_epoch", "4", "1970 began on a Thursday", rule('weekdays = {"thu"}'), "matches",
         time=0)
    case("time_before_epoch", "4", "it was still Wednesday there",
         rule('weekdays = {"wed"}', 'hours = {"19:00-20:00"}', behind), "matches", time=0)
    wrong = {"hours_backwards": 'hours = {"19:00-07:00"}', "hours_same": 'hours = {"07:00-07:00"}',
             "hours_25": 'hours = {"07:00-25:00"}', "hours_2401": 'hours = {"07:00-24:01"}',
             "hours_60": 'hours = {"07:60-09:00"}', "hours_short": 'hours = {"7:00-9:00"}',
             "hours_one": 'hours = {"07:00"}', "weekday": 'weekdays = {"Mon"}',
             "zone_name": 'zone = "Europe/Berlin"', "zone_15": 'zone = "+14:01"',
             "zone_no_sign": 'zone = "01:00"', "zone_list": 'zone = {"Z"}',
             "zone_empty": 'zone = ""', "hours_text": 'hours = "07:00-19:00"'}
    for name, line in wrong.items():
        broken("time_wrong_" + name, "4", "value", 5, f"no value: {name}", rule(line))
    case("zone_14", "4", "the largest distance", rule('zone = "-14:00"'), "matches")


def forms():
    broken("too_large", "1", "too-large", 1, "262,144 bytes", b"#" * 262144)
    case("largest", "1", "262,143 bytes", "#" * (262143 - len(BASE) - 1) + "\n" + BASE, "matches")
    broken("not_utf8", "9", "text", 2, "a byte that is not UTF-8", b"# a\n# \xff\n")
    broken("surrogate", "9", "text", 1, "a surrogate", b"# \xed\xa0\x80\n")
    broken("nul", "9", "text", 3, "a zero byte", b"\n\n\0")
    broken("carriage_return", "9", "text", 1, "CR LF", b"# a\r\n")
    broken("c1_control", "9", "text", 1, "U+0085", "# \u0085\n".encode())
    broken("environment", "9", "environment", 2, "a variable", '\nrule "${HOME}" {')
    broken("environment_in_comment", "9", "environment", 1, "also in a comment", "# ${X}\n" + BASE)
    broken("text_before_environment", "9", "text", 2, "the bytes come first", b"# ${X}\n\1")
    syntax = {"no_title": ("rule {", 1), "end_in_rule": ('rule "r" {\n', 2),
              "end_in_list": ('rule "r" {\nkeys = {"a"', 2), "no_brace": ('rule "r"\nkeys', 2),
              "open_text": ('rule "r', 1), "text_over_lines": ('rule "r\n" {}', 1),
              "backslash": (BASE.replace("alice", "\\\\"), 3), "no_equals": ('rule "r" {\nkeys {', 2),
              "plus_equals": ('rule "r" {\nkeys += {"a"}', 2), "word": (BASE.replace("true", "yes"), 4),
              "capital": ("Rule", 1), "number": ('rule "r" {\nper-day = 12345678901', 2), "minus": ('rule "r" {\nper-day = +1', 2),
              "single_quotes": ("rule 'r' {", 1), "semicolon": (BASE + ";", 6),
              "comma_end": ('rule "r" {\nkeys = {"a",}', 2), "no_comma": ('rule "r" {\nkeys={"a" "b"}', 2),
              "word_in_list": ('rule "r" {\nkeys={a}', 2), "long_text": ('rule "' + "x" * 256 + '" {', 1),
              "long_word": ("x" * 33, 1), "sign": ("}", 1), "c_comment": ("// no", 1),
              "two_colons": ('rule "r" {\nkeys == {"a"}', 2), "stray_text": (BASE + '"x"', 6),
              "in_rule": ('rule "r" {\n"x"', 2)}
    for name, (text, line) in syntax.items():
        broken("syntax_" + name, "1", "syntax", line, f"not the grammar: {name}", text)
    broken("title_empty", "9", "title", 1, "an empty title", rule(title=""))
    broken("title_65", "9", "title", 1, "a title of 65 bytes", rule(title="t" * 65))
    broken("title_twice", "9", "repeated-title", 6, "two rules with one title", BASE + BASE)
    group = 'group "g" {\n\tusers = {"a"}\n}\n'
    broken("group_twice", "9", "repeated-title", 4, "two groups with one title", group + group)
    broken("too_many_rules", "9", "too-many", 5001, "1,001 rules",
           "".join(rule(title=str(i)) for i in range(1001)))


def options():
    for name in ("client-cert", "oidc", "include", "title"):
        broken("unknown_" + name.replace("-", "_"), "9", "unknown-option", 5, "no such option",
               rule(f'{name} = "x"'))
    broken("unknown_top", "9", "unknown-option", 1, "an option outside of a rule", "allow = true\n")
    broken("unknown_in_group", "9", "unknown-option", 2, "a group has no keys",
           'group "g" {\n\tkeys = {"*"}\n}\n')
    for name in ("keys", "users", "allow", "zone"):
        value = {"allow": "true", "zone": '"Z"'}.get(name, '{"*"}')
        broken("repeated_" + name, "9", "repeated-option", 6, f"{name} twice",
               rule("zone = \"Z\"", f"{name} = {value}"))
    for name, line in (("keys", 2), ("users", 3), ("allow", 4)):
        text = "".join(x for i, x in enumerate(BASE.splitlines(True), 1) if i != line)
        broken("missing_" + name, "9", "missing-option", 3, f"no {name}", "\n# here:\n" + text)
    broken("missing_group_users", "9", "missing-option", 1, "a group of nobody", 'group "g" {\n}\n')
    broken("unknown_group", "9", "unknown-group", 5, "no such group", rule('groups = {"g"}'))
    broken("unknown_group_last", "9", "missing-option", 7, "other errors come first",
           rule('groups = {"g"}') + 'rule "s" {\n}\n')
    wrong = {"key_capital": 'keys = {"Finance"}', "key_dot": 'keys = {".a"}', "key_empty": 'keys = {""}',
             "key_65": 'keys = {"%s"}' % ("a" * 65), "key_text": 'keys = "a"', "key_none": "keys = {}",
             "key_true": "keys = true", "key_number": "keys = 1", "budget_zero": "per-day = 0",
             "budget_zeros": "per-minute = 01", "budget_large": "per-day = 1000000001",
             "budget_text": 'per-day = "1"', "allow_number": "allow = 1"}
    for name, line in wrong.items():
        broken("value_" + name, "2", "value", 2, f"no value: {name}",
               BASE.replace('keys = {"finance"}', line))
    broken("value_user_blank", "2", "value", 3, "a blank in a name of a user",
           BASE.replace("alice", "alice b"))
    broken("value_allow_text", "2", "value", 4, "a text", BASE.replace("true", '"true"'))
    broken("value_device_short", "2", "value", 5, "63 digits", rule(f'devices = {{"{DEVICE[1:]}"}}'))
    broken("value_device_capital", "2", "value", 5, "a capital digit",
           rule(f'devices = {{"{DEVICE.upper()}"}}'))
    broken("value_second_line", "9", "value", 3, "the line is that of the text in the list",
           'rule "r" {\nkeys = {"a",\n"B"}\n}\n')
    case("budget", "7", "both budgets", rule("per-minute = 1", "per-day = 1000000000"), "matches")
    case("budget_day", "7", "one of them", rule("per-day = 20"), "matches")
    case("user_special", "2", "all characters of a user", rule(users='{"-._@9"}'), "matches",
         user="-._@9")


def certificates():
    def shown(name, comment, names, verdict, certificate="", **request):
        if certificate:
            request["certificate"] = certificate
        case("certificate_" + name, "6.1", comment, rule(f"client-certificate = {{{names}}}"),
             "matches", verdict, **request)

    no, digest = "certificate-required", "sha256:" + "5a" * 32
    shown("any", "every certificate", '"*"', "allow", "cn:pc-7")
    shown("none", "no certificate", '"*"', no)
    shown("cn", "the common name", '"cn:pc-7"', "allow", f"{digest} cn:pc-7")
    shown("other", "another common name", '"cn:pc-7"', no, "cn:pc-77")
    shown("prefix", "a part of the common name", '"cn:pc-77"', no, "cn:pc-7")
    shown("kind", "another kind of name", '"cn:pc-7"', no, "dns:pc-7")
    shown("case", "common names differ by case", '"cn:pc-7"', no, "cn:PC-7")
    shown("second", "the second of the list", '"cn:a", "dns:pc-7"', "allow", "cn:b dns:pc-7")
    shown("digest", "the certificate itself", f'"{digest}"', "allow", digest)
    shown("user", "the user as common name", '"user"', "allow", "cn:alice")
    shown("user_email", "the user as email address", '"user"', "allow", "email:alice@example.org",
          user="alice@example.org")
    shown("user_dns", "a host is not a user", '"user"', no, "dns:alice")
    shown("user_other", "a certificate of somebody else", '"user"', no, "cn:bob email:alice2")
    shown("word", "a name that is the word user is not a user", '"cn:user"', no, "cn:alice")
    case("certificate_first_rule", "5", "the rule that matches decides; no later one is tried",
         rule('client-certificate = {"*"}', title="a") + rule(title="b"), "matches", no)
    case("certificate_before_approvals", "5", "both are missing",
         rule('client-certificate = {"*"}', "approvals = 1", 'approvers = {"bob"}'), "matches", no)
    wrong = {"empty": "cn:", "kind": "ip:192.0.2.1", "bare": "pc-7", "digest": "sha256:00",
             "digest_capital": "sha256:" + "5A" * 32, "email_capital": "email:Alice@example.org",
             "dns_capital": "dns:PC", "long": "cn:" + "x" * 201}
    for name, value in wrong.items():
        broken("certificate_wrong_" + name, "6.1", "value", 5, f"no name: {name}",
               rule(f'client-certificate = {{"{value}"}}'))
    broken("certificate_true", "2", "value", 5, "not a list", rule("client-certificate = true"))
    broken("certificate_denies", "6", "factors", 1, "a factor where nothing is allowed",
           rule('client-certificate = {"*"}', allow="false"))


def approvals():
    def approved(name, comment, needed, approvers, verdict, by=""):
        request = {"approvers": by} if by else {}
        case("approvals_" + name, "6.2", comment,
             rule(f"approvals = {needed}", f"approvers = {{{approvers}}}"), "matches", verdict,
             **request)

    no, two = "approval-required", '"bob", "carol"'
    approved("both", "two of two", 2, two, "allow", "bob carol")
    approved("none", "nobody approved", 1, two, no)
    approved("one_of_two", "one is not enough", 2, two, no, "carol")
    approved("twice", "nobody counts twice", 2, two, no, "bob bob")
    approved("self", "who asks does not count", 1, '"alice", "bob"', no, "alice")
    approved("self_and_other", "but harms nothing", 1, '"alice", "bob"', "allow", "alice bob")
    approved("stranger", "who is not named does not count", 2, two, no, "bob dora")
    approved("more", "more than needed", 1, two, "allow", "dora carol bob")
    approved("two_of_three", "m of n", 2, '"bob", "carol", "dora"', "allow", "dora bob")
    wrong = {"zero": "approvals = 0", "nine": "approvals = 9", "text": 'approvals = "1"'}
    for name, line in wrong.items():
        broken("approvals_wrong_" + name, "2", "value", 6, f"no value: {name}",
               rule('approvers = {"bob"}', line))
    broken("approvers_star", "2", "value", 5, "approvers are named", rule('approvers = {"*"}'))
    for name, comment, lines in (
            ("alone", "without approvers", ["approvals = 1"]),
            ("missing", "approvers without a number", ['approvers = {"bob"}']),
            ("few", "fewer approvers than approvals", ["approvals = 2", 'approvers = {"bob"}']),
            ("double", "an approver twice", ["approvals = 2", 'approvers = {"bob", "bob"}'])):
        broken("approvals_" + name, "6", "factors", 1, comment, rule(*lines))
    broken("approvals_deny", "6", "factors", 1, "where nothing is allowed",
           rule("approvals = 1", 'approvers = {"bob"}', allow="false"))
    broken("missing_before_factors", "9", "missing-option", 1, "what is missing comes first",
           'rule "r" {\n\tkeys = {"*"}\n\tusers = {"*"}\n\tapprovals = 1\n}\n')


ISSUER = ('issuer "corp" {\n\turl = "https://id.example.org/corp"\n\taudience = "doublekey"\n'
          '\tclaim = "preferred_username"\n\tmax-age = 3600\n}\n')


def tokens():
    other = ISSUER.replace("corp", "lab")
    wants = rule('tokens = {"corp"}')
    case("token", "6.3", "of the issuer", ISSUER + wants, "matches", token="corp")
    case("token_none", "6.3", "no token", ISSUER + wants, "matches", "token-required")
    case("token_other", "6.3", "of another issuer", ISSUER + other + wants, "matches",
         "token-required", token="lab")
    case("token_second", "6.3", "one of two issuers, which stand behind the rule",
         rule('tokens = {"lab", "corp"}') + ISSUER + other, "matches", token="corp")
    case("token_not_wanted", "6.3", "a token where none is wanted", rule(), "matches",
         token="corp")
    case("token_first_rule", "5", "no later rule is tried",
         ISSUER + rule('tokens = {"corp"}', title="a") + rule(title="b"), "matches",
         "token-required")
    case("token_behind_certificate", "5", "both are missing",
         ISSUER + rule('client-certificate = {"*"}', 'tokens = {"corp"}'), "matches",
         "certificate-required")
    case("issuer_alone", "2", "an issuer that no rule names", ISSUER + rule(), "matches")
    broken("unknown_issuer", "9", "unknown-issuer", 12, "no such issuer",
           ISSUER + rule('tokens = {"corp",\n"lab"}'))
    broken("unknown_group_before_issuer", "9", "unknown-group", 6, "groups come first",
           rule('tokens = {"corp"}', 'groups = {"g"}'))
    broken("issuer_url_twice", "9", "repeated-issuer", 7, "two issuers with one url",
           ISSUER + ISSUER.replace('"corp"', '"lab"'))
    broken("issuer_title_twice", "9", "repeated-title", 7, "two issuers with one title",
           ISSUER + ISSUER)
    broken("too_many_issuers", "9", "too-many", 97, "17 issuers",
           "".join(ISSUER.replace("corp", f"i{i}") for i in range(17)))
    for name, title in (("capital", "Corp"), ("dot", "a.b"), ("slash", "../x"), ("long", "a" * 33),
                        ("hyphen", "-a"), ("empty", "")):
        broken("issuer_title_" + name, "2", "title", 1, f"no title of an issuer: {name}",
               ISSUER.replace('"corp"', f'"{title}"'))
    wrong = {"http": ('url = "http://id.example.org"', 2), "url_bare": ('url = "https://"', 2),
             "url_long": ('url = "https://%s"' % ("a" * 193), 2), "url_list": ('url = {"https://a"}', 2),
             "audience_empty": ('audience = ""', 3), "audience_long": ('audience = "%s"' % ("a" * 201), 3),
             "claim_empty": ('claim = ""', 4), "claim_long": ('claim = "%s"' % ("a" * 65), 4),
             "age_zero": ("max-age = 0", 5), "age_day": ("max-age = 86401", 5), "age_text": ('max-age = "1"', 5)}
    for name, (option, line) in wrong.items():
        lines = ISSUER.split("\n")
        lines[line - 1] = "\t" + option
        broken("issuer_wrong_" + name, "2", "value", line, f"no value: {name}", "\n".join(lines))
    for line, name in enumerate(("url", "audience", "claim", "age"), 2):
        lines = ISSUER.split("\n")
        del lines[line - 1]
        broken("issuer_without_" + name, "9", "missing-option", 1, f"no {name}", "\n".join(lines))
    broken("issuer_with_users", "9", "unknown-option", 2, "an option of a rule",
           ISSUER.replace("{\n", '{\n\tusers = {"*"}\n'))
    broken("rule_with_url", "9", "unknown-option", 5, "an option of an issuer",
           rule('url = "https://a"'))
    auditor = 'auditor "court" {\n\tkey-id = "%s"\n}\n'
    case("auditor", "2.1", "it has no part in judgement", auditor % ("0a" * 32) + rule(), "matches")
    broken("auditor_without_key", "9", "missing-option", 1, "no key-id", 'auditor "court" {\n}\n')
    for name, value in (("short", "0a" * 31), ("capital", "0A" * 32), ("long", "0a" * 33)):
        broken("auditor_key_" + name, "2.1", "value", 2, f"no key id: {name}", auditor % value)
    broken("auditor_with_keys", "9", "unknown-option", 2, "an option of a rule",
           'auditor "court" {\n\tkeys = {"k"}\n}\n')
    broken("rule_with_key_id", "9", "unknown-option", 5, "an option of an auditor",
           rule('key-id = "%s"' % ("0a" * 32)))
    broken("too_many_auditors", "9", "too-many", 49, "17 auditors",
           "".join(auditor.replace("court", f"a{i}") % ("0a" * 32) for i in range(17)))
    broken("auditor_title_twice", "9", "repeated-title", 4, "two auditors with one title",
           auditor % ("0a" * 32) + auditor % ("0b" * 32))
    broken("token_and_approvals", "6.3", "factors", 7, "a token ends before people have approved",
           ISSUER + rule('tokens = {"corp"}', "approvals = 1", 'approvers = {"bob"}'))
    broken("token_deny", "6", "factors", 7, "where nothing is allowed",
           ISSUER + rule('tokens = {"corp"}', allow="false"))


def key_sets():
    url = 'key-set = "https://id.example.org/corp/jwks"'

    def fetched(*lines, issuer=ISSUER):
        return issuer.replace("}\n", "".join(f"\t{line}\n" for line in lines) + "}\n")

    wants = rule('tokens = {"corp"}')
    for name, comment, lines in (
            ("url", "a set that is fetched", [url]),
            ("all", "all options of a set", [url, 'key-set-ca = "/etc/corp.pem"', "key-set-refresh = 60",
                                              "key-set-max-age = 2592000"]),
            ("same", "used for as long as between two fetches",
             [url, "key-set-refresh = 1", "key-set-max-age = 1"]),
            ("day", "the longest time between two fetches", [url, "key-set-refresh = 86400"]),
            ("port", "host with a port, and a query", ['key-set = "https://10.0.0.1:8443/k?a=b%20c"']),
            ("v6", "an IPv6 address", ['key-set = "https://[2001:db8::1]/jwks"'])):
        case("key_set_" + name, "2", comment, fetched(*lines) + wants, "matches", token="corp")
    url_wrong = {
        "http": "http://id.example.org/", "capital_scheme": "HTTPS://id.example.org/", "bare": "https://",
        "no_host": "https:///jwks", "user": "https://a@id.example.org/", "fragment": "https://id.example.org/#a",
        "blank": "https://id.example.org/a b", "backslash_like": "https://id.example.org/<a>",
        "file": "file:///etc/passwd", "beyond_ascii": "https://id.ex\u00e4mple.org/",
        "long": "https://" + "a" * 193, "pipe": "https://id.example.org/a|b", "dot": "https://.example.org/"}
    for name, value in url_wrong.items():
        broken("key_set_wrong_" + name, "2", "value", 6, f"no value: {name}",
               fetched(f'key-set = "{value}"'))
    wrong = {"list": 'key-set = {"https://a"}', "refresh_zero": "key-set-refresh = 0",
             "refresh_long": "key-set-refresh = 86401", "age_long": "key-set-max-age = 2592001",
             "age_zero": "key-set-max-age = 0", "age_text": 'key-set-max-age = "60"',
             "ca_empty": 'key-set-ca = ""', "ca_long": 'key-set-ca = "%s"' % ("a" * 201)}
    for name, line in wrong.items():
        broken("key_set_wrong_" + name, "2", "value", 6, f"no value: {name}", fetched(line, url))
    for name, comment, lines in (
            ("alone_ca", "a CA without a URL", ['key-set-ca = "ca.pem"']),
            ("alone_refresh", "an interval without a URL", ["key-set-refresh = 60"]),
            ("alone_age", "an age without a URL", ["key-set-max-age = 60"]),
            ("age_below_refresh", "gone before it is fetched again",
             [url, "key-set-refresh = 600", "key-set-max-age = 599"]),
            ("age_below_default", "gone before it is fetched again, by default",
             [url, "key-set-max-age = 299"])):
        broken("key_set_" + name, "9", "key-set", 1, comment, fetched(*lines))
    other = ISSUER.replace('"corp"', '"lab"')
    broken("key_set_before_url_twice", "9", "key-set", 7, "before the url that stands twice",
           ISSUER + fetched("key-set-refresh = 60", issuer=other))
    broken("key_set_behind_missing", "9", "missing-option", 1, "what is missing comes first",
           fetched("key-set-refresh = 60").replace("\tmax-age = 3600\n", ""))
    broken("key_set_in_rule", "9", "unknown-option", 5, "an option of an issuer", rule(url))
    broken("key_set_twice", "9", "repeated-option", 7, "twice", fetched(url, url))


for function in (names, networks, times, forms, options, certificates, approvals, tokens, key_sets):
    function()
