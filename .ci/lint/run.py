"""Runs the checkers over the templates: on every core, and only where their answer is not already known."""

import hashlib
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress

from tools import CHECKS, HERE, SECURITY, Finding

CACHE = HERE / ".tools/answers"
BATCH = 32
KEPT_FOR = 30 * 24 * 3600


def run(tools, templates):
    """Returns (template, finding) pairs in a stable order."""
    answers, jobs = {}, []
    version = tools_version()
    for tool in tools:
        unknown = []
        for t in templates:
            answer = recall(version, tool, t)
            if answer is None:
                unknown.append(t)
            else:
                answers[tool, t.file] = answer
        jobs += [(tool, batch) for batch in batches(unknown)]
    for (tool, batch), findings in zip(jobs, results(jobs), strict=True):
        for t, answer in zip(batch, findings, strict=True):
            remember(version, tool, t, answer)
            answers[tool, t.file] = answer
    forget_old()
    return [(t, finding) for t in templates for tool in tools for finding in sorted(answers[tool, t.file], key=by_line)]


def by_line(finding):
    return finding.line, finding


def batches(templates):
    """Groups of one region, small enough to share among the cores, large enough to start a tool for."""
    regions = {}
    for t in templates:
        regions.setdefault(t.region, []).append(t)
    return [group[i : i + BATCH] for group in regions.values() for i in range(0, len(group), BATCH)]


def results(jobs):
    if not jobs:
        return []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(job, jobs))


def job(tool_and_templates):
    tool, templates = tool_and_templates
    return (CHECKS | SECURITY)[tool](templates)


def tools_version():
    sources = ["requirements.txt", "package-lock.json", "templates.py", "tools.py", "nag.mjs"]
    return hashlib.sha256(b"".join((HERE / f).read_bytes() for f in sources)).hexdigest()


def entry(version, tool, template):
    key = "\n".join([version, tool, template.region, hashlib.sha256(template.text).hexdigest()])
    return CACHE / hashlib.sha256(key.encode()).hexdigest()


def recall(version, tool, template):
    try:
        file = entry(version, tool, template)
        answer = [Finding(*fields) for fields in json.loads(file.read_text())]
        os.utime(file)
        return answer
    except FileNotFoundError:
        return None


def remember(version, tool, template, findings):
    CACHE.mkdir(parents=True, exist_ok=True)
    file = entry(version, tool, template)
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(findings))
    draft.replace(file)


def forget_old():
    for file in CACHE.glob("*"):
        with suppress(FileNotFoundError):  # another run may be at work
            if file.stat().st_mtime < time.time() - KEPT_FOR:
                file.unlink()
