# SPDX-License-Identifier: Apache-2.0
"""The report of doublekey assess: the page (--html, --lang) and the list beside it."""
import base64
import csv
import hashlib
import html.parser
import json
import os
import re

import pytest

from test_assess import PROVIDER, World, device

SECTIONS = ["summary", "timeline", "objects", "totals", "method", "assumptions", "limits",
            "recompute"]
VOID = {"meta", "br", "hr", "img", "input", "link", "rect"}
HOSTILE = [  # label, name of the file, and both as they are shown
    ("<script>x</script>", b"<img src=x onerror=y>.dk", "<script>x</script>",
     "<img src=x onerror=y>.dk"),
    ("=1+1", b"a\"b'c&d.dk", "=1+1", "a\"b'c&d.dk"),
    ("@SUM(A1)", b"\xe2\x80\xaegnp.dk", "@SUM(A1)", r"\xe2\x80\xaegnp.dk"),
    ("x\u2066y", b"bad-\xff\xfe\n.dk", r"x\xe2\x81\xa6y", r"bad-\xff\xfe\x0a.dk"),
    ("-1", b"n" * 250, "-1", "n" * 250),
    ("'1", b"{0} {1}.dk", "'1", "{0} {1}.dk"),
    ("l" * 255, b"\xd7\xa9.dk", "l" * 255, "\u05e9.dk"),
]


class Page(html.parser.HTMLParser):
    """What a browser would make of it, as far as is needed here."""

    def __init__(self, data):
        super().__init__(convert_charrefs=True)
        self.tags, self.ids, self.words, self.places, self.labels = [], [], [], [], []
        self.style = self.policy = ""
        self._open = []
        self.feed(data)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        if attrs.get("class") == "place":
            self.places.append("")
        if "id" in attrs:
            self.ids.append(attrs["id"])
        if attrs.get("http-equiv") == "Content-Security-Policy":
            self.policy = attrs["content"]
        self._open = [*self._open, (tag, attrs)] if tag not in VOID else self._open

    def handle_endtag(self, tag):
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        tag, attrs = self._open[-1] if self._open else ("", {})
        if tag == "style":
            self.style += data
        elif any(a.get("class") == "place" for _, a in self._open):
            self.places[-1] += data
        elif attrs.get("class") == "label":
            self.labels.append(data)
        else:
            self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.words))


def make_world(folder):
    """With catalogues of hostile names, and of many objects."""
    w = World(folder)
    base = w.s.base
    for name, options in (("hostile", HOSTILE), ("many", [])):
        os.makedirs(os.path.join(base, name))
        for label, path, _, _ in options:
            w.s.client("encrypt", "--customer", w.s.key, "--provider", "p.key.pub", "--label",
                       label, "plain", "-o", "one.dk")
            os.rename(os.path.join(base, "one.dk"),
                      os.path.join(os.fsencode(base), os.fsencode(name), path))
    with open(os.path.join(base, "objects", "sub", "b.dk"), "rb") as f:
        data = f.read()
    for i in range(620):  # only the form of a header is looked at: another id, another object
        with open(os.path.join(base, "many", "%d.dk" % i), "wb") as f:
            f.write(data[:16] + os.urandom(48) + data[64:])
    for name in ("hostile", "many"):
        w.s.client("scan", "-q", "-o", name + ".cat", name)
    return w


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    w = make_world(tmp_path_factory.mktemp("report"))
    yield w
    w.s.stop()


def report(w, *stolen, lang="en", catalogue="catalogue", name="r.html", **more):
    """The page as text, parsed, and the rows of the list."""
    w.run(*stolen, args=("-f", "--html", name, "--lang", lang), catalogue=catalogue, **more)
    with open(os.path.join(w.s.base, name), encoding="utf-8") as f:
        text = f.read()
    with open(os.path.join(w.s.base, re.sub(r"\.html$", "", name) + ".csv"), newline="",
              encoding="utf-8-sig") as f:
        return text, Page(text), list(csv.DictReader(f, strict=True))


HOST = "host since unknown"


def stands_alone(text, page):
    hashed = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert page.policy == ("default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; "
                           "form-action 'none'" % hashed)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "img", "link", "iframe", "object", "embed", "form", "base"}
    for _, attrs in page.tags:
        assert not set(attrs) & {"src", "style", "srcset", "action"}
        assert not any(name.startswith("on") for name in attrs)
        assert attrs.get("href", "#").startswith("#")
    assert not re.search(r"https?:|url\((?!#)|@import", text)


@pytest.mark.parametrize("lang", ["en", "de"])
def test_the_page(world, lang):
    text, page, rows = report(world, PROVIDER, device(world), lang=lang)
    stands_alone(text, page)
    assert page.tags[0] == ("html", {"lang": lang})
    assert [i for i in page.ids if i in SECTIONS] == SECTIONS
    assert len(set(page.ids)) == len(page.ids)
    targets = {attrs["href"][1:] for tag, attrs in page.tags if tag == "a"}
    assert targets <= set(page.ids)
    assert all("scope" in attrs for tag, attrs in page.tags if tag == "th")
    svg = next(attrs for tag, attrs in page.tags if tag == "svg" and attrs.get("role") == "img")
    assert set(svg["aria-labelledby"].split()) <= set(page.ids)
    assert [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)].count(1) == 1
    assert not re.search(r"\{\d\}", text)
    with open(os.path.join(world.s.base, "incident"), "rb") as f:
        assert hashlib.sha256(f.read()).hexdigest() in page.text
    assert [row["object"] for row in rows] == [world.id["a"]]
    assert rows[0]["customer"] == "release-%d" % world.releases[0]
    assert re.fullmatch("key-[0-9a-f]{64}", rows[0]["provider"]) and rows[0]["on_stolen_device"]
    assert rows[0]["path"] == page.places[0] and rows[0]["user"] == "alice"


def test_its_numbers_are_those_of_the_result(world):
    world.run(PROVIDER, device(world), args=("-f", "--json", "r.json", "--html", "r.html"))
    with open(os.path.join(world.s.base, "r.json"), "rb") as f:
        result = json.load(f)
    with open(os.path.join(world.s.base, "r.html"), encoding="utf-8") as f:
        text = Page(f.read()).text
    total = result["totals"]
    assert "1 of 2 objects could have been read; the other one could not" in text
    assert "%d possibly readable %d unknown %d not readable" % (
        total["readable"], total["unknown"], total["not-readable"]) in text
    assert "Without the log, %d objects would" % total["readable_without_log"] in text
    assert result["inputs"]["log_root"] in text


@pytest.mark.parametrize("lang, expected", [
    ("en", "Log entry %d (TIME) handed out the customer share at the request of alice . The thief "
     "could have made this request: Device DEVICE : stolen, since when is unknown The provider "
     "share opens with key provider KEY : stolen, since when is unknown"),
    ("de", "Protokolleintrag %d (TIME) gab den Kundenanteil heraus , angefragt von alice . Der "
     "Angreifer hätte diese Anfrage stellen können: Gerät DEVICE : entwendet, Beginn unbekannt Den "
     "Anbieteranteil öffnet der Schlüssel provider KEY : entwendet, Beginn unbekannt")])
def test_each_step_has_what_was_stolen_for_it(world, lang, expected):
    _, page, _ = report(world, PROVIDER, device(world), lang=lang)
    expected = re.escape(expected % world.releases[0]).replace(r"\ ", r"\s?")
    for word, pattern in (("TIME", "[^)]*"), ("KEY", "[0-9a-f]{16}…"), ("DEVICE", world.device)):
        expected = expected.replace(word, pattern)
    assert re.search(expected, page.text), page.text
    _, page, _ = report(world, "store since 2020-01-01", "passphrase since unknown", lang=lang)
    service = {"en": "a key of the key service, in reach with: Copy of the sealed key store "
                     "(since 1 January 2020, 00:00 UTC) and Passphrase",
               "de": "ein Schlüssel des Schlüsseldienstes, erreichbar mit: Kopie des versiegelten "
                     "Schlüsselspeichers (seit dem 1. Januar 2020, 00:00 UTC) und Passphrase"}
    assert re.sub(r"[\s\xa0]", "", service[lang]) in re.sub(r"[\s\xa0]", "", page.text)


def test_what_is_unknown_says_what_helps(world):
    _, page, rows = report(world, device(world), sets=False, silence=False)
    assert {row["answer"] for row in rows} == {"readable", "unknown"}
    assert {row["missing"] for row in rows} == {"", "log-gap,set"}
    assert "log-gap" in page.text and "What helps" in page.text and "own-keys" not in page.text
    german = report(world, device(world), sets=False, silence=False, lang="de")[1]
    assert "Was hilft" in german.text and "What helps" not in german.text
    # The same on a device that is not the thief's yet: neither readable nor unknown.
    _, page, rows = report(world, PROVIDER, "device %s since 2100-01-01" % world.device)
    assert [(r["answer"], r["on_stolen_device"]) for r in rows] == [("not-readable", "1")]


def test_values_of_others_are_only_text(world):
    text, page, rows = report(world, HOST, catalogue="hostile.cat")
    stands_alone(text, page)
    folder = os.path.join(os.path.realpath(world.s.base), "hostile") + "/"
    long = [folder + shown for _, _, _, shown in HOSTILE]
    cut = [p if len(p.encode()) <= 300 else None for p in long]
    assert {p for p in cut if p} <= set(page.places)
    assert {label for _, _, label, _ in HOSTILE} <= set(page.labels)
    assert "\u202e" not in text and "\u2066" not in text
    by_path = {row["path"]: row for row in rows}
    for (_, _, label, _), path in zip(HOSTILE, long):
        assert by_path[path]["label"] == ("'" if label[0] in "=+-@'" else "") + label
    with open(os.path.join(world.s.base, "r.csv"), "rb") as f:
        assert not re.search(rb'[^\r]\n|(^|,)"?[=+@-]', f.read())


def test_the_page_stays_small_and_the_list_is_whole(world):
    _, page, rows = report(world, HOST, catalogue="many.cat")
    assert len([r for r in rows if r["answer"] == "readable"]) == 621
    assert len(page.places) + page.text.count("known from the log only") == 500
    assert "shows the first 500 of 621" in page.text
    assert [a for t, a in page.tags if t == "details"].count({"open": None}) == 1


@pytest.mark.parametrize("lang, expected", [
    ("en", "Nothing below /a could be copied. Nothing below /b could be copied until 1 May 2031, "
           "00:00 UTC. Nothing below /d could be copied from 1 May 2031, 08:00:01 UTC until 2 May "
           "2031, 00:00 UTC. Nothing below /c could be copied from 1 May 2031, 23:59:59 UTC on. "
           "Objects are not older than they say."),
    ("de", "Unterhalb von /a konnte nichts kopiert werden. Unterhalb von /b konnte bis 1. Mai "
           "2031, 00:00 UTC nichts kopiert werden. Unterhalb von /d konnte von 1. Mai 2031, "
           "08:00:01 UTC bis 2. Mai 2031, 00:00 UTC nichts kopiert werden. Unterhalb von /c konnte "
           "ab 1. Mai 2031, 23:59:59 UTC nichts kopiert werden. Objekte sind nicht älter, als sie "
           "angeben.")])
def test_what_could_not_be_copied_and_when(world, lang, expected):
    items = ("/a", "/b until 2031-05-01", "/c since 2031-05-01",
             "/d since 2031-05-01T08:00:01Z until 2031-05-02")
    _, page, _ = report(world, HOST, lang=lang, more="not-copied = {%s}\n" % ", ".join(
        '"%s"' % item for item in items))
    assert expected in page.text.replace(" .", ".")


def test_the_same_inputs_make_the_same_bytes(world):
    first = report(world, PROVIDER, device(world), lang="de")[0]
    os.makedirs(os.path.join(world.s.base, "else"), exist_ok=True)
    os.environ["TZ"] = "Pacific/Chatham"
    try:
        assert report(world, lang="de", name="else/r.html")[0] == first
    finally:
        del os.environ["TZ"]
    assert report(world, lang="en")[0] != first


def test_its_commands_make_it_again(world):
    first = report(world, PROVIDER, device(world), lang="de")[0]
    commands = re.search("<pre><code>(.*?)</code></pre>", first, re.S)[1].replace("\\\n", " ")
    names = {"INCIDENT": "incident", "CATALOGUE": "catalogue", "LOG": "copy", "RECORDS": "records",
             "KEY": world.s.vkey, "REPORT.html": "again.html"}
    lines = [[names.get(word, word) for word in line.split()] for line in commands.splitlines()]
    assert [line[0] for line in lines] == ["sha256sum", "doublekey", "doublekey", "doublekey"]
    for _, *line in lines[1:]:
        world.s.client(*line)
    with open(os.path.join(world.s.base, "again.html"), encoding="utf-8") as f:
        assert f.read() == first


def test_where_it_cannot_go(world):
    base = world.s.base
    for args in (("--html", "-"), ("--lang", "de"), ("--html", "x.html", "--lang", "fr")):
        assert world.run(PROVIDER, args=args, check=False).returncode == 2
    for kept in ("y.csv", "y.html"):
        with open(os.path.join(base, kept), "w") as f:
            f.write("kept")
        assert world.run(PROVIDER, args=("--html", "y.html"), check=False).returncode == 1
        with open(os.path.join(base, kept)) as f:
            assert f.read() == "kept"
        os.unlink(os.path.join(base, kept))
        assert not {"y.csv", "y.html"} & set(os.listdir(base))
    os.mkfifo(os.path.join(base, "pipe"))
    os.symlink("y", os.path.join(base, "link"))
    with open(os.open(os.path.join(base, "pipe"), os.O_RDWR), "rb"):
        for name in ("nowhere/y.html", "pipe", "link", "objects"):
            assert world.run(PROVIDER, args=("--html", name), check=False).returncode == 1
            assert name + ".csv" not in os.listdir(base)
    world.run(PROVIDER, args=("--html", "y"))
    assert {"y", "y.csv"} <= set(os.listdir(base))
