"""The templates below some folders, and what a path inside one of them names."""

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

REGION = re.compile(r"[a-z]{2,4}(-[a-z]+){1,2}-\d")
SKIPPED = {".git", ".tools", "node_modules"}


@dataclass
class Template:
    """One content in one region. Golden folders hold many equal files: they are checked once and reported for each."""

    region: str
    text: bytes
    files: list[Path] = field(default_factory=list)

    @property
    def file(self):
        return str(self.files[0])

    @cached_property
    def body(self):
        try:
            body = json.loads(self.text)
        except ValueError:  # the tools report it
            return {}
        return body if isinstance(body, dict) else {}

    def type_of(self, logical_id):
        resource = self.body.get("Resources", {}).get(logical_id, {})
        return str(resource.get("Type", "")) if isinstance(resource, dict) else ""

    def types(self):
        return {self.type_of(name) for name in self.body.get("Resources", {})}

    def line_of(self, logical_id):
        key = f'"{logical_id}":'
        lines = self.text.decode(errors="replace").splitlines()
        return next((n for n, line in enumerate(lines, 1) if line.strip().startswith(key) and "{" in line), 1)


def find(paths):
    """Returns the distinct templates, by region, and the files that no folder gives a region."""
    found, homeless = {}, []
    for file in sorted({file for path in paths for file in files_below(Path(path))}):
        region = file.resolve().parent.name
        if not REGION.fullmatch(region):
            homeless.append(file)
            continue
        text = file.read_bytes()
        found.setdefault((region, text), Template(region, text)).files.append(file)
    return sorted(found.values(), key=lambda t: (t.region, t.file)), homeless


def files_below(path):
    if path.is_file():
        return [path]
    return [f for f in path.rglob("*.template.json") if not SKIPPED & set(f.parts)]
