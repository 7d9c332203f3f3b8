# SPDX-License-Identifier: Apache-2.0
"""The report of an assessment as a browser shows it: on a telephone and a desk, light and dark,
read aloud, and printed."""

import os
import pathlib
import re
import sys
import tempfile

from chromium import Browser
from peer import HERE, Kind, tool

CHROMIUM = Kind("chromium", None, ())
WIDTHS = (390, 1440)
# Text whose contrast to its ground is less than 4.5 to 1: WCAG 2, level AA.
FAINT = """(() => {
const parts = c => c.match(/[\\d.]+/g).map(Number);
const light = c => { const [r, g, b] = parts(c).map(v => (v /= 255) <= .03928 ? v / 12.92 :
  ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
const ground = e => { for (; e; e = e.parentElement) {
  const c = getComputedStyle(e).backgroundColor;
  if (parts(c).length < 4 || parts(c)[3] > 0) return c; } return "rgb(255,255,255)"; };
const found = [];
for (const e of document.querySelectorAll("body *")) {
  if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
  if (["STYLE", "TITLE", "DESC", "title", "desc"].includes(e.tagName)) continue;
  const style = getComputedStyle(e), ink = e.closest("svg") ? style.fill : style.color;
  const [a, b] = [light(ink), light(ground(e))].sort((x, y) => y - x);
  if ((a + .05) / (b + .05) < 4.5) found.push(e.outerHTML.slice(0, 80));
}
return found; })()"""


class Chromium:
    """A service, reports of assessments over its log, and a browser."""

    def __init__(self, build):
        self.browser = Browser(tool("chromium"))
        self.build, self.folder, self.world = build, tempfile.TemporaryDirectory(), None

    def __enter__(self):
        os.environ["DOUBLEKEY_BUILD"] = str(self.build)
        sys.path.insert(0, str(HERE.parent / "service"))
        import test_report
        self.reports = test_report
        self.world = test_report.make_world(pathlib.Path(self.folder.name))
        self.pages = [self.make(lang, *case) for lang in ("en", "de") for case in self.cases()]
        self.browser.__enter__()
        return self

    def __exit__(self, *what):
        if self.browser.process:
            self.browser.__exit__(*what)
        if self.world:
            self.world.s.stop()
        self.folder.cleanup()

    def cases(self):
        r, w = self.reports, self.world
        unproved = {"sets": False, "silence": False}
        return [("unknown", "catalogue", (r.PROVIDER, r.device(w)), unproved),
                ("hostile", "hostile.cat", (r.HOST,), {}),
                ("many", "many.cat", (r.HOST, r.device(w)), {})]

    def make(self, lang, name, catalogue, stolen, more):
        name = f"{name}-{lang}.html"
        self.reports.report(self.world, *stolen, lang=lang, catalogue=catalogue, name=name, **more)
        return os.path.join(self.world.s.base, name)

    def all(self):
        return [("nothing is wider than the screen", self.fits),
                ("nothing is loaded, run or complained about", self.is_quiet),
                ("text stands out from its ground", self.is_legible),
                ("it can be read aloud", self.is_heard),
                ("it is printed whole", self.prints)]

    def open_all(self):
        for page in self.pages:
            for width in WIDTHS:
                for scheme in ("light", "dark"):
                    self.browser.open(page, width=width, scheme=scheme)
                    yield page, width, scheme

    def widest(self):
        return self.browser.run("document.documentElement.scrollWidth")

    def fits(self):
        for page, width, _ in self.open_all():
            self.browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
            assert self.widest() == width, (page, width, self.widest())
        self.browser.run("document.querySelector('h1').textContent = '\\u00a0'.repeat(9999)")
        self.browser.run("document.querySelector('main').attributeStyleMap.set('width', '200vw')")
        assert self.widest() > width, "the measure does not measure"

    def is_quiet(self):
        for page, _, _ in self.open_all():
            assert self.browser.complaints() == []
            assert self.browser.asked_for() == {"file://" + page}
            assert self.browser.run("document.scripts.length") == 0
        # What gets in all the same does nothing.
        with open(page, encoding="utf-8") as f:
            text = f.read()
        bad = text.replace("<main>", "<main><script>document.title = 'x'</script>"
                                     "<img src='x.png'><p style='width:9000px'>")
        assert bad != text
        with open(page + ".bad.html", "w", encoding="utf-8") as f:
            f.write(bad)
        self.browser.open(page + ".bad.html")
        assert self.browser.run("document.title") != "x" and self.widest() == 1440
        assert len(self.browser.complaints()) == 3

    def is_legible(self):
        for page, width, scheme in self.open_all():
            faint = self.browser.run(FAINT)
            assert faint == [], (page, width, scheme, faint[:3])
        self.browser.run("document.querySelector('h1').attributeStyleMap.set('color', '#777')")
        self.browser.run("document.querySelector('h1').parentElement.attributeStyleMap"
                         ".set('background-color', '#888')")
        assert len(self.browser.run(FAINT)) > 0, "the measure does not measure"

    def is_heard(self):
        for page, width, _ in self.open_all():
            tree = self.browser.tree()
            roles = [role for role, _ in tree]
            for role, least in (("table", 3), ("columnheader", 6), ("rowheader", 2), ("row", 4),
                                ("navigation", 1), ("main", 1), ("list", 3)):
                assert roles.count(role) >= least, (page, width, role, roles.count(role))
            assert [name for role, name in tree if role in ("image", "img")][0] != ""
            language = self.browser.run("document.documentElement.lang")
            assert page.endswith(f"-{language}.html")
            levels = self.browser.run("[...document.querySelectorAll('h1,h2,h3')].map(h => "
                                      "Number(h.tagName[1]))")
            assert levels[0] == 1 and levels.count(1) == 1
            assert all(after <= before + 1 for before, after in zip(levels, levels[1:]))
        self.browser.run("document.querySelectorAll('table').forEach(t => "
                         "t.setAttribute('role', 'none'))")
        assert "table" not in [role for role, _ in self.browser.tree()]

    def prints(self):
        for page in self.pages:
            rows = re.subn("<tr", "", pathlib.Path(page).read_text(encoding="utf-8"))[1]
            self.browser.open(page)
            sheets = len(re.findall(rb"/Type /Page\b(?!s)", self.browser.pdf()))
            # What is folded away on the screen is on paper: at most 30 rows on a sheet.
            assert rows / 30 < sheets < 10 + rows / 3, (page, rows, sheets)
