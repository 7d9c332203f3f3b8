# SPDX-License-Identifier: Apache-2.0
"""A person's way through the customer's page, in a browser with a virtual authenticator, over TLS
with a CA that certutil imported, against a whole service whose provider's key is stolen."""

import os
import pathlib
import subprocess
import sys
import tempfile

from chromium import Browser
from chromium_cases import FAINT
from peer import HERE, Kind, tool

PAGES = Kind("chromium-pages", None, ())
# Clicks, and waits until nothing is under way.
CLICK = """new Promise(done => {
const button = document.querySelector(%r);
button.click();
const look = () => document.querySelector("#show").disabled ? setTimeout(look, 20) : done(
  document.querySelector("#note").hidden ? "" : document.querySelector("#note").textContent);
setTimeout(look, 20); })"""
FILL = """(() => { document.querySelector("#register").open = true;
document.querySelector("#code").value = %r; document.querySelector("#name").value = "Telefon"; })()"""
WORDS = {"confirmed": "Confirmed.", "opened": "The session is open.",
         "closed": "The session is closed.", "cancelled": "Nothing was signed.",
         "waits": "Registered.", "enrol-code": "This code is wrong",
         "approval-required": "This device or security key was not accepted yet."}


class Pages:
    """A service, its people, and a browser."""

    def __init__(self, build):
        self.program, self.certutil = tool("chromium"), tool("certutil")
        self.folder, self.service, self.browser = tempfile.TemporaryDirectory(), None, None
        os.environ["DOUBLEKEY_BUILD"] = str(build)

    def __enter__(self):
        sys.path.insert(0, str(HERE.parent / "service"))
        import test_dke_gates
        self.tests = test_dke_gates
        base = pathlib.Path(self.folder.name)
        (base / "service").mkdir()
        self.service = test_dke_gates.Gates(base / "service")
        self.service.start()
        self.service.make_keys()
        self.browser = Browser(self.program, [
            "--host-resolver-rules=MAP dke.example.org 127.0.0.1", "--lang=en"], self.home(base))
        self.browser.__enter__()
        self.browser.ask("WebAuthn.enable")
        self.authenticator = self.browser.ask("WebAuthn.addVirtualAuthenticator", options={
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
            "hasUserVerification": True, "isUserVerified": True})["authenticatorId"]
        return self

    def __exit__(self, *what):
        if self.browser and self.browser.process:
            self.browser.__exit__(*what)
        if self.service:
            self.service.stop()
        self.folder.cleanup()

    def home(self, base):
        """A user who trusts the CA of the front end's certificate."""
        store = base / "home" / ".pki" / "nssdb"
        store.mkdir(parents=True)
        for arguments in (["-N", "--empty-password"],
                          ["-A", "-t", "C,,", "-n", "test", "-i", self.service.ca_file]):
            subprocess.run([self.certutil, "-d", f"sql:{store}", *arguments], check=True)
        return str(base / "home")

    def all(self):
        return [("somebody who is not registered is told so", self.stranger),
                ("a wrong code registers nothing", self.wrong_code),
                ("a code registers this device", self.registers),
                ("what was asked for waits, and opens once it is confirmed", self.confirms),
                ("a session is opened and closed", self.session),
                ("without the user nothing is signed", self.unverified),
                ("the page fits, is legible, and loads nothing of others", self.looks)]

    def open(self, **more):
        self.browser.open(self.service.origin + "/.doublekey/", **more)

    def click(self, what, word=None):
        said = self.browser.run(CLICK % what)
        assert said.startswith(WORDS[word]) if word else said == "", said
        return said

    def waiting(self):
        return self.browser.run(
            '[...document.querySelectorAll("#list code")].map(e => e.textContent)')

    def stranger(self):
        self.open()
        self.click("#show", "cancelled")

    def register(self, code, word):
        self.browser.run(FILL % code)
        return self.click("#form button", word)

    def wrong_code(self):
        code = self.service.code(self.tests.ALICE)
        self.register(code[:-1] + ("A" if code[-1] != "A" else "B"), "enrol-code")

    def registers(self):
        said = self.register(self.service.code(self.tests.ALICE), "waits")
        self.click("#show", "approval-required")
        self.service.admin("device", "accept", said.split()[-1])

    def confirms(self):
        value = self.service.wrap("Bound")
        assert not self.service.opens("Bound", value)
        self.click("#show")
        assert self.waiting() == [self.tests.document(value).hex()]
        self.click("#list button", "confirmed")
        assert self.service.opens("Bound", value)
        assert not self.service.opens("Bound", value)

    def session(self):
        value = self.service.wrap("Ambient")
        assert not self.service.opens("Ambient", value)
        self.click("#open", "opened")
        assert self.service.opens("Ambient", value)
        self.click("#close", "closed")
        assert not self.service.opens("Ambient", value)

    def unverified(self):
        self.browser.ask("WebAuthn.setUserVerified", authenticatorId=self.authenticator,
                         isUserVerified=False)
        self.click("#open", "cancelled")
        self.browser.ask("WebAuthn.setUserVerified", authenticatorId=self.authenticator,
                         isUserVerified=True)

    def looks(self):
        for width in (390, 1440):
            for scheme in ("light", "dark"):
                self.open(width=width, scheme=scheme)
                assert self.browser.run("document.documentElement.scrollWidth") <= width
                assert self.browser.run(FAINT) == []
        assert all(url.startswith(self.service.origin) for url in self.browser.asked_for())
        assert self.browser.complaints() == []
