"""The OpenStack client within one process: reads a list of commands (tour.txt), runs each, and says what came of it.

Run by the client's own Python, with the cloud in the OS_* variables. It fails where a command does not do as the list
says and, with a second argument, where the client has a command for networks that the list does not have.
"""

import contextlib
import importlib.metadata
import io
import json
import logging
import os
import re
import shlex
import sys
import warnings

from openstackclient.shell import OpenStackShell

GROUP = "openstack.network.v2"
LINE = re.compile(r"(?:(?P<fails>!) |(?P<name>\w+) = )?(?P<command>.*?)(?: => (?P<text>.*))?")


class Tour:
    def __init__(self):
        self.names = {}
        self.used = set()
        found = importlib.metadata.entry_points()
        group = found.select(group=GROUP) if hasattr(found, "select") else found[GROUP]
        self.commands = {entry.name.replace("_", " ") for entry in group}

    def ask(self, words):
        """Exit code, and all that was printed."""
        for handler in logging.getLogger().handlers[:]:
            logging.getLogger().removeHandler(handler)
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                code = OpenStackShell().run(words)
            except SystemExit as ended:
                code = ended.code
        return code, said.getvalue()

    def substitute(self, text):
        return re.sub(r"\$(\w+)", lambda match: self.names[match[1]], text)

    def note(self, words):
        """Which of the client's commands this is: the one with the most words."""
        plain = " ".join(words) + " "
        self.used.add(max((it for it in self.commands if plain.startswith(it + " ")), key=len, default=None))

    def step(self, line):
        """What is wrong with one line, or nothing."""
        parts = LINE.fullmatch(line)
        words = shlex.split(self.substitute(parts["command"]))
        self.note(words)
        code, said = self.ask(words + (["-f", "json"] if parts["name"] else []))
        if bool(code) != bool(parts["fails"]):
            return f"exit code {code}: {said}"
        if parts["name"]:
            shown = json.loads(said[said.index("[" if said.lstrip().startswith("[") else "{") :])
            shown = shown[0] if isinstance(shown, list) else shown
            self.names[parts["name"]] = shown.get("id") or shown["ID"]
        if parts["text"] and self.substitute(parts["text"]) not in said:
            return f"no {self.substitute(parts['text'])!r} in: {said}"
        return None


def main():
    warnings.simplefilter("ignore")
    os.environ["COLUMNS"] = "500"
    tour, wrong, ran = Tour(), 0, 0
    with open(sys.argv[1], encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            line = line.strip()
            if line.startswith("~ "):
                tour.note(line[2:].partition(":")[0].split())
            if not line or line[0] in "#~":
                continue
            ran += 1
            try:
                problem = tour.step(line)
            except (KeyError, ValueError, IndexError) as error:
                problem = f"{type(error).__name__} {error}"
            if problem:
                wrong += 1
                print(f"line {number}: {line}\n    {problem.strip()}", flush=True)
    whole = len(sys.argv) > 2
    for command in sorted(tour.commands - tour.used if whole else ()):
        wrong += 1
        print(f"not on the tour: {command}")
    print(f"{ran} commands, {len(tour.commands & tour.used)} of {len(tour.commands)} kinds; {wrong} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
