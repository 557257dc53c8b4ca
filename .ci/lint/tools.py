"""The checkers. Each takes templates of one region and returns, for each of them, its findings."""

import json
import re
import subprocess
import tempfile
from collections import namedtuple
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
GUARD_RULES = HERE / ".tools/node/node_modules/@cdklabs/cdk-validator-cfnguard/rules/control-tower/cfn-guard"
SECTIONS = ("Resources", "Parameters", "Outputs", "Conditions", "Mappings", "Metadata", "Rules", "Transform")

# type is the resource's, or the section's name for what is not in a resource; detail tells a rule's findings on one
# resource apart, where the rule does.
Finding = namedtuple("Finding", "tool rule line type id path detail message", defaults=[""] * 5)


def validate(templates):
    """AWS's cloudformation-validate: warnings and up."""
    import cloudformation_validate as cv

    engine = cv.CelEngine()
    return [list(validated(cv, engine, t)) for t in templates]


def validated(cv, engine, template):
    report = engine.validate_template(
        cv.TemplateContent(template.text, template.file),
        cv.ValidateConfig(
            severity_level=cv.Severity.WARN,
            detail_level=cv.DetailLevel.STANDARD,
            pseudo_parameter_overrides=cv.PseudoParameterOverrides(region=template.region),
        ),
    )
    if report.status != cv.ReportStatus.OK and not report.diagnostics:
        yield Finding("validate", report.status.name, 1, message="the analysis is not complete")
    for d in report.diagnostics:
        where = re.split(r"[/.]", d.property_path or "")
        if where[0] not in SECTIONS:
            where = ["Resources", d.entity.logical_id, *where] if d.entity else where
        yield found("validate", d.rule_id, template, d.start_line or 1, where, d.message)


def cfn_lint(templates):
    """cfn-lint: warnings and errors. No .cfnlintrc is read, and no template's Metadata can switch a rule off."""
    from cfnlint.config import ConfigMixIn
    from cfnlint.helpers import REGIONS
    from cfnlint.runner import Runner
    from cfnlint.runner.template import run_template_by_file_path

    region = templates[0].region
    if region not in REGIONS:
        return [[Finding("cfn-lint", "REGION", 1, message=f"it knows no region {region}")] for _ in templates]
    options = ["--config-file", "/dev/null", "--mandatory-checks", "E", "W", "--regions", region]
    config = ConfigMixIn([*options, "--", *(t.file for t in templates)])
    rules = Runner(config).rules
    with tempfile.TemporaryDirectory() as folder:
        files = [without_pairs(t, Path(folder) / f"{n}.template.json") for n, t in enumerate(templates)]
        return [
            [linted(t, m) for m in run_template_by_file_path(file, config, rules, False)]
            for t, file in zip(templates, files, strict=True)
        ]


# An escaped pair of surrogates, after any number of escaped backslashes.
PAIR = re.compile(rb"(?<!\\)((?:\\\\)*)(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})")


def without_pairs(template, copy):
    """Returns the file for cfn-lint: the template's own, or a copy with the characters themselves on the same lines.

    cfn-lint reads JSON with a YAML parser, and YAML knows no surrogate pairs. CloudFormation reads JSON as JSON."""
    text = PAIR.sub(lambda m: m[1] + json.loads(b'"' + m[2] + b'"').encode(), template.text)
    if text == template.text:
        return template.file
    copy.write_bytes(text)
    return str(copy)


def linted(template, match):
    where = [str(step) for step in getattr(match, "path", None) or []]
    return found("cfn-lint", match.rule.id, template, match.linenumber, where, match.message)


def guard(templates):
    """AWS Control Tower's Guard rules, evaluated by cloudformation-validate as cfn-guard would."""
    import cloudformation_validate as cv

    rules = {f: set(re.findall(r"AWS::\w+::\w+", f.read_text())) for f in sorted(GUARD_RULES.rglob("*.guard"))}

    @cache
    def engine(files):
        return cv.CelEngine(cv.EngineConfig(guard_rules=[cv.file_to_external_rule_source(f) for f in files]))

    def concerning(template):  # most of the time goes by rule: spare those of other services
        types = template.types()
        return tuple(f for f, named in rules.items() if not named or named & types)

    return [list(guarded(cv, engine(concerning(t)), t)) for t in templates]


def guarded(cv, engine, template):
    config = cv.ValidateConfig(disable_builtin_rules=True, detail_level=cv.DetailLevel.STANDARD)
    spoken = {}
    for d in engine.validate_template(cv.TemplateContent(template.text, template.file), config).diagnostics:
        where = ["Resources", d.entity.logical_id] if d.entity else []
        finding = found("guard", d.rule_id, template, d.start_line or 1, where, d.message)
        spoken.setdefault(d.rule_id, {}).setdefault(finding.id, finding)
    for by_id in spoken.values():  # a rule speaks once per clause, and may speak of no resource besides
        if len(by_id) > 1:
            by_id.pop("", None)
        yield from by_id.values()


def nag(templates):
    """cdk-nag's AwsSolutions rules."""
    files = json.dumps([t.file for t in templates])
    answer = subprocess.run(["node", HERE / "nag.mjs"], input=files, stdout=subprocess.PIPE, text=True, check=True)
    answers = json.loads(answer.stdout)
    return [[judged(t, f) for f in findings] for t, findings in zip(templates, answers, strict=True)]


def judged(template, f):
    where = ["Resources", f["id"]] if f["id"] else []
    finding = found("nag", f["rule"], template, template.line_of(f["id"]), where, f["message"])
    return finding._replace(detail=f["detail"])


def found(tool, rule, template, line, where, message):
    section, name, *path = where if len(where) > 1 else [*where, "", ""]
    if path[:1] == ["Properties"]:
        path = path[1:]
    kind = template.type_of(name) if section == "Resources" else section
    return Finding(tool, rule, line, kind, name, ".".join(filter(None, path)), message=shorten(message))


def shorten(message):
    text = " ".join(message.split())
    return text if len(text) <= 240 else text[:239] + "…"


CHECKS = {"validate": validate, "cfn-lint": cfn_lint}
SECURITY = {"guard": guard, "nag": nag}
