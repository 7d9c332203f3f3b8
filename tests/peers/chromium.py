# SPDX-License-Identifier: Apache-2.0
"""A browser without a window, spoken to over a pipe (Chrome DevTools protocol)."""

import base64
import json
import os
import subprocess
import tempfile
import time

TIMEOUT = 60


class Browser:
    """One page of it, as long as the block lasts."""

    def __init__(self, program, arguments=(), home=None):
        """home: of a user whose trusted CAs it takes."""
        self.program, self.folder = program, tempfile.TemporaryDirectory()
        self.arguments = arguments
        self.environment = {**os.environ, **({"HOME": home} if home else {})}
        self.process, self.session, self.events, self._last, self._rest = None, None, [], 0, b""

    def __enter__(self):
        theirs, self._write = os.pipe()
        self._read, theirs_out = os.pipe()
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # it refuses root otherwise
        command = [self.program, "--headless=new", "--disable-gpu", "--hide-scrollbars",
                   "--no-first-run", "--disable-background-networking",
                   "--disable-component-update", *sandbox,
                   "--user-data-dir=" + self.folder.name, *self.arguments, "--remote-debugging-pipe", "about:blank"]
        self.process = subprocess.Popen(  # it takes descriptors 3 and 4
            ["/bin/bash", "-c", f'exec "$@" 3<&{theirs} 4>&{theirs_out}', "-", *command],
            pass_fds=(theirs, theirs_out), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env=self.environment)
        os.close(theirs)
        os.close(theirs_out)
        page = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Log", "Network", "Runtime", "Accessibility"):
            self.ask(domain + ".enable")
        return self

    def __exit__(self, *_):
        os.close(self._write)  # which ends it
        try:
            self.process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self._read)
        self.folder.cleanup()

    def _receive(self):
        while b"\0" not in self._rest:
            more = os.read(self._read, 1 << 20)
            if not more:
                raise RuntimeError("the browser ended")
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def ask(self, method, **values):
        self._last += 1
        message = {"id": self._last, "method": method, "params": values}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._write, data):]
        while True:
            answer = self._receive()
            if answer.get("id") == self._last:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def open(self, path, width=1440, height=900, scheme="light"):
        """Seconds until it is loaded and laid out."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height,
                 deviceScaleFactor=1, mobile=width < 600)
        self.ask("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.events.clear()
        start = time.monotonic()
        self.ask("Page.navigate", url=path if "://" in path else "file://" + path)
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self._receive())
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return time.monotonic() - start

    def run(self, code):
        result = self.ask("Runtime.evaluate", expression=code, returnByValue=True,
                          awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"])
        return result["result"].get("value")

    def complaints(self):
        """What the browser wrote to its console."""
        return [e["params"]["entry"]["text"] for e in self.events
                if e.get("method") == "Log.entryAdded"]

    def asked_for(self):
        return {e["params"]["request"]["url"] for e in self.events
                if e.get("method") == "Network.requestWillBeSent"}

    def tree(self):
        """Nodes as a screen reader has them: (role, name)."""
        return [(n["role"]["value"], n.get("name", {}).get("value", ""))
                for n in self.ask("Accessibility.getFullAXTree")["nodes"]
                if not n.get("ignored") and "role" in n]

    def pdf(self):
        return base64.b64decode(self.ask("Page.printToPDF", preferCSSPageSize=True)["data"])
