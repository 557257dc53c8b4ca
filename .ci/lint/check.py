"""usage: check [--security] [--partial] DIR...

Checks every *.template.json below the folders, each in a folder named after its region.
  --security  also the Control Tower and AwsSolutions rules
  --partial   not all the templates are given: an excuse that nothing needs is no mistake
"""

import sys
from collections import Counter
from pathlib import Path

from excuses import Excuses
from run import run
from templates import find
from tools import CHECKS, HERE, SECURITY

ROOT = HERE.resolve().parent.parent


def main(args):
    options = {a for a in args if a.startswith("--")}
    paths = [a for a in args if not a.startswith("--")]
    if options - {"--security", "--partial"} or not paths:
        print(__doc__, file=sys.stderr)
        return 2
    for path in paths:
        if not Path(path).exists():
            print(f"{path}: no such file or folder", file=sys.stderr)
            return 2

    templates, homeless = find(paths)
    bad = [f"- REGION {file}:1 - the folder is not named after a region" for file in homeless]
    counts = Counter(files=sum(len(t.files) for t in templates), distinct=len(templates))
    if not counts["files"] and not homeless:
        print("no *.template.json found", file=sys.stderr)
        return 2

    bad += plain(templates, Excuses(HERE / "excused.json", CHECKS), "--partial" in options, counts)
    if "--security" in options:
        bad += secure(templates, Excuses(HERE / "security.json", SECURITY), "--partial" in options, counts)
    for line in bad:
        print(line)
    print("{files} templates ({distinct} distinct): ".format(**counts) + f"{len(bad)} findings, " + said(counts))
    return 1 if bad else 0


def plain(templates, excuses, partial, counts):
    """Every finding is a mistake unless excused."""
    bad = []
    for template, finding in run(CHECKS, templates):
        for file in template.files:
            if excuses.take(finding, from_root(file)):
                counts["excused"] += 1
            else:
                bad.append(line(finding, file))
    return bad + stale(excuses, partial)


def secure(templates, excuses, partial, counts):
    """Prints what each rule finds on each type of resource; what the budget does not accept is a mistake."""
    bad, summary = [], {}
    for template, finding in run(SECURITY, templates):
        for file in template.files:
            reason = excuses.take(finding, from_root(file))
            summary.setdefault((finding.tool, finding.rule, finding.type, reason or "NOT ACCEPTED"), []).append(file)
            if reason:
                counts["accepted"] += 1
            else:
                bad.append(line(finding, file))
    for (tool, rule, kind, reason), files in sorted(summary.items()):
        print(f"{tool} {rule} {kind} {len(files)}: {reason}")
    return bad + stale(excuses, partial)


def stale(excuses, partial):
    return [] if partial else [f"- STALE {excuses.name}:1 - nothing needs: {label}" for label in excuses.stale()]


def said(counts):
    return ", ".join(f"{counts[k]} {k}" for k in ("excused", "accepted") if k == "excused" or k in counts)


def line(finding, file):
    rule = f"{finding.rule}[{finding.detail}]" if finding.detail else finding.rule
    place = "/".join(filter(None, [finding.id, finding.path])) or "-"
    return f"{finding.tool} {rule} {file}:{finding.line} {place} {finding.message}"


def from_root(file):
    file = file.resolve()
    return str(file.relative_to(ROOT)) if file.is_relative_to(ROOT) else str(file)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
