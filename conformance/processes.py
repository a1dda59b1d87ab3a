"""Programs of a run: each with a log, on ports of loopback, in one directory that goes away; ended by pid."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
LOOPBACK = "127.0.0.1"


class Failed(Exception):
    """What could not be done, in words for whoever started the run."""


def free_port():
    """A port of loopback that nobody has just now."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return listener.getsockname()[1]


def say(text):
    print(time.strftime("%H:%M:%S"), text, flush=True)


class Workplace:
    """A directory and the processes that work in it. As a context manager it ends them, the last one first."""

    def __init__(self, name):
        # Sockets lie in here, whose paths must be short.
        self.directory = Path(tempfile.mkdtemp(prefix=f"nucleon-{name}-"))
        self.kept_logs = TARGET / name / "logs"
        self.logs = self.directory / "logs"
        self.logs.mkdir()
        self.processes = {}

    def __enter__(self):
        # Whoever ends the run by a signal gets the same order as after Ctrl-C.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        return self

    def __exit__(self, *_):
        for name in reversed(list(self.processes)):
            self.stop(name)
        shutil.rmtree(self.kept_logs, ignore_errors=True)
        shutil.copytree(self.logs, self.kept_logs, ignore=shutil.ignore_patterns("*.sock"))
        shutil.rmtree(self.directory, ignore_errors=True)

    def log(self, name):
        return self.logs / f"{name}.log"

    def start(self, name, command, env=None):
        """Starts a program in a session of its own, so that Ctrl-C reaches this process alone."""
        if name in self.processes:
            raise Failed(f"there is a {name} already, which nobody would end")
        with open(self.log(name), "ab") as log:
            self.processes[name] = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )

    def stop(self, name, patience=30):
        process = self.processes.pop(name)
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            say(f"{name} (pid {process.pid}) does not end; killing it")
        # What it started shares its session, and must not outlive it.
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()

    def run(self, name, command, env=None):
        """Runs a program to its end, which must be a good one."""
        with open(self.log(name), "ab") as log:
            ended = subprocess.run(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env={**os.environ, **(env or {})},
                check=False,
            )
        if ended.returncode != 0:
            raise Failed(f"{name} ended with {ended.returncode}:\n{self.tail(name)}")

    def tail(self, name, lines=30):
        text = self.log(name).read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def wait_until(self, name, ready, patience=90):
        """Waits for a started program to be ready."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if ready():
                return
            if name in self.processes and self.processes[name].poll() is not None:
                raise Failed(f"{name} ended at once:\n{self.tail(name)}")
            time.sleep(0.05)
        raise Failed(f"{name} was not ready after {patience} s:\n{self.tail(name)}")

    def wait_for_answer(self, name, url, patience=90):
        """Waits until somebody answers HTTP there, whatever the answer."""
        self.wait_until(name, lambda: answers(url), patience)


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=20):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def environment(name):
    """The programs of a Python environment, which is made if need be."""
    made = subprocess.run([ROOT / "scripts/venv", name], stdout=subprocess.PIPE, text=True, check=False)
    if made.returncode != 0:
        raise Failed(f"the Python environment {name} cannot be made")
    return Path(made.stdout.strip())


def build(program):
    """A program of this checkout, as NUCLEON_PROFILE says: debug (unless told) or release."""
    profile = os.environ.get("NUCLEON_PROFILE", "debug")
    # All at once: a package alone has other features of its dependencies, which would be built again.
    command = ["cargo", "build", "--locked", "--quiet", "--workspace", "--bins"]
    if profile == "release":
        command.append("--release")
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        raise Failed(f"{program} cannot be built")
    return TARGET / profile / program


def nucleon():
    """The program under test: NUCLEON, or what this checkout builds."""
    given = os.environ.get("NUCLEON")
    return Path(given).resolve() if given else build("nucleon")
