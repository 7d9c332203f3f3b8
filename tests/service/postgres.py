# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL in a fresh directory, on a free loopback port; as another user than root,
which it refuses. Skipped by name where it is not installed."""
import atexit
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

PASSWORD = "a password of the tests"


def program(name):
    """Debian keeps the server's programs out of the PATH; the newest version counts."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/" + name),
                   key=lambda path: int(path.split("/")[4]))
    if not found:
        pytest.skip("PostgreSQL is not installed: " + name)
    return found[-1]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Postgres:
    """One server. Its own files; the role of the nodes is `doublekey`, and so the database."""

    def __init__(self, like=None, port=None):
        self.port = port or free_port()
        self.databases = 0
        self.base = tempfile.mkdtemp(prefix="doublekey-postgres-")
        self.data = os.path.join(self.base, "data")
        if os.geteuid() == 0:
            postgres = pwd.getpwnam("postgres")
            os.chown(self.base, postgres.pw_uid, postgres.pw_gid)
        os.chmod(self.base, 0o755)
        self.passfile = os.path.join(self.base, "superuser")
        with open(self.passfile, "w") as f:
            f.write(PASSWORD)
        os.chmod(self.passfile, 0o644)
        if like:
            self.copy(like)
        else:
            self.make()
        self.start()
        if not like:
            self.sql("CREATE ROLE doublekey LOGIN PASSWORD '%s'" % PASSWORD, "postgres")
            self.sql("CREATE DATABASE doublekey OWNER doublekey", "postgres")

    def run(self, name, *args, check=True):
        as_it = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        return subprocess.run([*as_it, program(name), *args], check=check, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=120, cwd=self.base,
                              env={"PATH": os.environ["PATH"], "PGPASSWORD": PASSWORD,
                                   "LC_ALL": "C", "TZ": "UTC"})

    def make(self):
        self.run("initdb", "-D", self.data, "-A", "scram-sha-256", "-U", "postgres",
                 "--pwfile", self.passfile, "--no-sync", "-E", "UTF8")
        with open(os.path.join(self.data, "pg_hba.conf"), "a") as f:
            f.write("host replication all 127.0.0.1/32 scram-sha-256\n")

    def copy(self, primary):
        """A standby of it, which is synchronous once primary.wait_for() names it."""
        self.run("pg_basebackup", "-D", self.data, "-R", "-X", "stream", "-c", "fast",
                 "--no-sync", "-d", "host=127.0.0.1 port=%d user=postgres application_name=%s"
                 % (primary.port, "standby"))

    def settings(self):
        return ("listen_addresses = '127.0.0.1'\nport = %d\nunix_socket_directories = '%s'\n"
                "shared_buffers = 64MB\nmax_connections = 50\nlogging_collector = off\n"
                "max_wal_senders = 4\nhot_standby = on\n" % (self.port, self.base))

    def start(self):
        with open(os.path.join(self.data, "postgresql.auto.conf")) as f:
            auto = f.read()
        with open(os.path.join(self.data, "postgresql.conf"), "a") as f:
            f.write(self.settings())
        assert "listen_addresses" not in auto
        self.run("pg_ctl", "-D", self.data, "-w", "-t", "60", "-l",
                 os.path.join(self.base, "server.log"), "start")

    def stop(self, how="fast"):
        self.run("pg_ctl", "-D", self.data, "-w", "-t", "60", "-m", how, "stop", check=False)

    def pid(self):
        with open(os.path.join(self.data, "postmaster.pid")) as f:
            return int(f.readline())

    def kill(self):
        """As if the machine had lost power, but for what was not synced."""
        pid = self.pid()
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], text=True,
                                  stdout=subprocess.PIPE).stdout.split()
        for one in [pid, *map(int, children)]:
            try:
                os.kill(one, signal.SIGKILL)
            except ProcessLookupError:
                pass
        end = time.monotonic() + 30
        while os.path.exists("/proc/%d" % pid) and time.monotonic() < end:
            time.sleep(0.02)

    def promote(self):
        self.run("pg_ctl", "-D", self.data, "-w", "-t", "60", "promote")

    def sql(self, text, database="doublekey", check=True, user="postgres"):
        return self.run("psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1",
                        "-p", str(self.port), "-U", user, "-d", database, "-c", text,
                        check=check).stdout.strip()

    def set(self, text):
        """One line of configuration, in force when it returns."""
        self.sql("ALTER SYSTEM SET " + text, "postgres")
        self.sql("SELECT pg_reload_conf()", "postgres")

    def wait_for_standby(self):
        self.set("synchronous_standby_names = 'standby'")
        end = time.monotonic() + 60
        while self.sql("SELECT count(*) FROM pg_stat_replication WHERE sync_state='sync'") != "1":
            assert time.monotonic() < end
            time.sleep(0.05)

    def end(self):
        self.stop("immediate")
        shutil.rmtree(self.base, ignore_errors=True)

    def pgpass(self):
        return "*:*:*:doublekey:%s\n" % PASSWORD


shared = None


def shared_server():
    """One server for all services of a run of tests, each with a database of its own."""
    global shared
    if not shared:
        shared = Postgres()
        atexit.register(shared.end)
    return shared


def uri(*servers, database="doublekey", more=""):
    return "postgresql://doublekey@%s/%s%s" % (
        ",".join("127.0.0.1:%d" % s.port for s in servers), database, more)


def use_new_database(s):
    server = shared_server()
    server.databases += 1
    name = "doublekey%d" % server.databases
    server.sql("CREATE DATABASE %s OWNER doublekey" % name, "postgres")
    use_database(s, server, database=name)


def use_database(s, *servers, database="doublekey", more=""):
    """Moves the log of a service, which does not run, to the database."""
    path = os.path.join(s.dir, "log", "pgpass")
    with open(path, "w") as f:
        f.write(servers[0].pgpass())
    os.chmod(path, 0o600)
    log = os.stat(os.path.join(s.dir, "log"))
    os.chown(path, log.st_uid, log.st_gid)
    s.uri = uri(*servers, database=database, more=more)
    done = s.admin("store", "migrate", "--to", s.uri, check=False)
    assert done.returncode == 0, done.stderr
    name_database(s, s.uri)


def name_database(s, text):
    """Puts the line into the configuration, or takes it away (None)."""
    path = os.path.join(s.dir, "doublekeyd.conf")
    with open(path) as f:
        lines = [line for line in f if not line.startswith("store = ")]
    with open(path, "w") as f:
        f.writelines(lines + (['store = "%s"\n' % text] if text else []))
