"""Rollback triggers, which ministack 1.5.33 does not know: they come with a change set, and stay with the stack.

What the triggers do is not here: no operation of ministack's is watched, and none is rolled back by an alarm.
"""

import re

from ministack.services.cloudformation import changesets, handlers

# CreateChangeSet, DescribeChangeSet and DescribeStacks have the member RollbackConfiguration (CloudFormation API Reference).
PREFIX = "RollbackConfiguration."


def given(params):
    """The configuration of a call, without the members that the call leaves out. An empty list is written as one empty value."""
    out = {}
    minutes = params.get(PREFIX + "MonitoringTimeInMinutes")
    if minutes:
        out["MonitoringTimeInMinutes"] = int(minutes[0])
    listed = {}
    for key, values in params.items():
        found = re.fullmatch(re.escape(PREFIX) + r"RollbackTriggers\.member\.(\d+)\.(Arn|Type)", key)
        if found:
            listed.setdefault(int(found[1]), {})[found[2]] = values[0]
    if listed or PREFIX + "RollbackTriggers" in params:
        out["RollbackTriggers"] = [listed[i] for i in sorted(listed)]
    return out


def shown(kept):
    if not kept:
        return ""
    triggers = "".join(
        f"<member><Arn>{t['Arn']}</Arn><Type>{t['Type']}</Type></member>" for t in kept.get("RollbackTriggers", [])
    )
    minutes = kept.get("MonitoringTimeInMinutes", 0)
    return (
        f"<RollbackConfiguration><RollbackTriggers>{triggers}</RollbackTriggers>"
        f"<MonitoringTimeInMinutes>{minutes}</MonitoringTimeInMinutes></RollbackConfiguration>"
    )


def change_set_of(params):
    value = lambda key: (params.get(key) or [""])[0]
    return changesets._find_change_set(value("ChangeSetName"), value("StackName"))[1]


def creating(create):
    """Keeps the triggers of the stack where the call has none.

    "By default, CloudFormation saves the rollback triggers specified for a stack and applies them to any subsequent update
    operations for the stack, unless you specify otherwise. If you do specify rollback triggers for this parameter, those
    triggers replace any list of triggers previously specified for the stack. [...] To remove all currently specified triggers,
    specify an empty list for this parameter." (CloudFormation API Reference, RollbackConfiguration)
    """

    def act(params):
        answer = create(params)
        made = change_set_of(params)
        if answer[0] == 200 and made is not None:
            stack = stack_of(made)
            made["_guard"] = {**(stack or {}).get("_guard", {}), **given(params)}
        return answer

    return act


def stack_of(made):
    from ministack.services.cloudformation import _stacks

    return _stacks.get(made["StackName"])


def executing(execute):
    def act(params):
        made = change_set_of(params)
        answer = execute(params)
        if answer[0] == 200 and made is not None:
            stack_of(made)["_guard"] = made.get("_guard", {})
        return answer

    return act


def describing(describe):
    def act(params):
        status, headers, body = describe(params)
        if status == 200:
            end = "</DescribeChangeSetResult>"
            text = body.decode() if isinstance(body, bytes) else body
            text = text.replace(end, shown(change_set_of(params).get("_guard")) + end)
            body = text.encode() if isinstance(body, bytes) else text
        return status, headers, body

    return act


def install():
    actions = handlers._ACTION_HANDLERS
    for name, wrap in (("CreateChangeSet", creating), ("ExecuteChangeSet", executing), ("DescribeChangeSet", describing)):
        actions[name] = wrap(actions[name])
    drift = handlers._stack_drift_information_xml
    handlers._stack_drift_information_xml = lambda stack: drift(stack) + shown(stack.get("_guard"))
