# SPDX-License-Identifier: Apache-2.0
"""A service whose executables are in a tree of its own, so that one can be replaced."""
import os
import shutil

from service import BUILD, DAEMON, Service


class TreeService(Service):
    def __init__(self, base):
        self.tree = os.path.join(str(base), "tree")
        os.mkdir(self.tree)
        self.daemon = shutil.copy(DAEMON, self.tree)  # it looks where it itself lies
        for name in os.listdir(os.path.join(BUILD, "daemon")):
            if name.startswith("doublekeyd-") and not name.endswith(".p"):
                self.put_back(name[len("doublekeyd-"):])
        super().__init__(base)

    def path(self, process):
        return os.path.join(self.tree, "doublekeyd-" + process)

    def right(self, process):
        return os.path.join(BUILD, "daemon", "doublekeyd-" + process)

    def put_back(self, process):
        new = self.path(process) + ".new"
        os.symlink(self.right(process), new)
        os.rename(new, self.path(process))

    def replace(self, process, script):
        """From its next start on."""
        new = self.path(process) + ".new"
        with open(new, "w") as f:
            f.write(script)
        os.chmod(new, 0o755)
        os.rename(new, self.path(process))
