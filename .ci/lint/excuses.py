"""The findings that may stay: excused.json for the checks, security.json for the security rules."""

import json
import re
import sys
from fnmatch import fnmatchcase

KEYS = {"tool", "rule", "type", "id", "path", "detail", "message", "reason"}


class Excuses:
    """A file's entries. An entry takes a finding when all the patterns it has do; detail is a regular expression."""

    def __init__(self, file, tools):
        self.name = file.name
        self.entries = read(file)
        self.used = [0] * len(self.entries)
        for n, entry in enumerate(self.entries):
            if fault := fault_of(entry, tools):
                refuse(file, f"entry {n + 1}: {fault}")

    def take(self, finding, path):
        """Returns the reason a finding may stay, or None."""
        facts = finding._asdict() | {"path": path}
        for n, entry in enumerate(self.entries):
            if takes(entry, facts):
                self.used[n] += 1
                return entry["reason"]
        return None

    def stale(self):
        return [label(e) for e, used in zip(self.entries, self.used, strict=True) if not used]


def read(file):
    try:
        return json.loads(file.read_text())
    except ValueError as e:
        refuse(file, e)


def refuse(file, fault):
    print(f"{file.name}: {fault}", file=sys.stderr)
    sys.exit(2)


def fault_of(entry, tools):
    if unknown := set(entry) - KEYS:
        return f"unknown {', '.join(sorted(unknown))}"
    if missing := [k for k in ("tool", "rule", "reason") if not entry.get(k)]:
        return f"no {', '.join(missing)}"
    if entry["tool"] not in tools:
        return f"tool must be one of {', '.join(tools)}"
    if not (entry.get("type") or entry.get("id")):
        return "neither type nor id"
    try:
        re.compile(entry.get("detail", ""))
    except re.error as e:
        return f"detail: {e}"
    return None


def takes(entry, facts):
    if not re.fullmatch(entry.get("detail", ""), facts["detail"]):
        return False
    return all(fnmatchcase(facts[k], entry[k]) for k in ("tool", "rule", "type", "id", "path", "message") if k in entry)


def label(entry):
    return " ".join(entry[k] for k in ("tool", "rule", "type", "id", "path", "detail", "message") if k in entry)
