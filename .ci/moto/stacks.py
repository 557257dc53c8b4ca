"""Mends moto's CloudFormation where a deployment by change sets needs more of it.

As it comes, moto 5.2.5 forgets the outputs of a stack made by a change set, compares a change set with the parameters of
the stack's first template, makes a second stack for a second change set of type CREATE, knows no events of resources, no
failure and no rollback, no termination protection, no retained resource that comes back, and takes every parameter for
one without NoEcho. All that is here. What a resource is, and what its service then says of it, is moto's own.
"""

import json

from moto.cloudformation import exceptions, models, parsing, responses
from moto.core.responses import ActionResult, EmptyResult

NO_CHANGES = (
    "The submitted information didn't contain changes. "
    "Submit different information to create a change set."
)

# What a change set that is carried out may take over, and not make: ImportExistingResources.
importing = False


class Refusal(exceptions.CloudFormationError):
    """An answer with a code of its own."""

    def __init__(self, code, message):
        self.code = code
        super().__init__(message)


def invalid(message):
    return exceptions.ValidationError(message=message)


# The ClientRequestToken of the call that is being carried out, which CloudFormation repeats in all events of the operation.
token = None


def with_token(action):
    """Has the events of an operation repeat the token of its call."""

    def act(self):
        global token
        token = self._get_param("ClientRequestToken")
        try:
            return action(self)
        finally:
            token = None

    return act


def repeat_tokens():
    make = models.Event.__init__

    def with_the_token(self, *args, **kwargs):
        make(self, *args, **kwargs)
        self.client_request_token = token

    models.Event.__init__ = with_the_token


def tell(stack, logical, physical, kind, status, reason=None):
    stack.events.append(
        models.Event(stack.stack_id, stack.name, logical, physical, kind, status, reason, None)
    )


def turn(stack, status, reason=None):
    """Gives a stack a status, and says so."""
    stack.status = status
    stack.status_reason = reason
    tell(stack, stack.name, stack.stack_id, "AWS::CloudFormation::Stack", status, reason)


def watch_resources():
    """Has the making and the changing of resources told of in the stack's events."""

    def watched(verb, original):
        def act(logical_id, resource_json, resources_map, account_id, region_name):
            stack = models.cloudformation_backends[account_id][region_name].stacks[resources_map.stack_id]
            kind = resource_json["Type"]
            condition = resource_json.get("Condition")
            if condition and not resources_map.lazy_condition_map[condition]:
                return None
            tell(stack, logical_id, "", kind, f"{verb}_IN_PROGRESS")
            try:
                made = original(logical_id, resource_json, resources_map, account_id, region_name)
            except Exception as err:
                # What it depends on has told of itself already.
                if not getattr(err, "told", False):
                    err.told, err.logical = True, logical_id
                    tell(stack, logical_id, "", kind, f"{verb}_FAILED", reason_of(err))
                raise
            tell(stack, logical_id, getattr(made, "physical_resource_id", "") or "", kind, f"{verb}_COMPLETE")
            return made

        return act

    parsing.parse_and_create_resource = watched("CREATE", parsing.parse_and_create_resource)
    parsing.parse_and_update_resource = watched("UPDATE", update_resource)


def update_resource(logical_id, resource_json, resources_map, account_id, region_name):
    """Updates a resource: in place where moto can, else by another in its place."""
    resource_class, definition, name = parsing.parse_resource_and_generate_name(
        logical_id, resource_json, resources_map
    )
    present = logical_id in resources_map._parsed_resources
    old = resources_map[logical_id]
    if not present:
        return old  # it has just been made
    if hasattr(resource_class.update_from_cloudformation_json, "__isabstractmethod__"):
        resources_map._delete_resource(old, definition)
        new = resource_class.create_from_cloudformation_json(
            name, definition, account_id, region_name,
            LogicalId=logical_id, StackId=resources_map.stack_id, ResourceType=definition["Type"],
        )
    else:
        new = resource_class.update_from_cloudformation_json(
            original_resource=old, new_resource_name=name, cloudformation_json=definition,
            account_id=account_id, region_name=region_name,
        )
    new.cf_resource_type = definition["Type"]
    new.logical_resource_id = logical_id
    return new


def reason_of(err):
    return str(getattr(err, "message", None) or getattr(err, "description", None) or err or type(err).__name__)


def inputs_of(response, stack):
    """The template, parameters and tags of a CreateChangeSet."""
    body = response._get_param("TemplateBody")
    url = response._get_param("TemplateURL")
    if url:
        body = response._get_stack_from_s3_url(url)
    elif response._get_bool_param("UsePreviousTemplate", False):
        body = stack.template
    parameters = {}
    for p in response._get_param("Parameters", []):
        key = p["ParameterKey"]
        previous = p.get("UsePreviousValue") in (True, "true")
        parameters[key] = stack.parameters[key] if previous else p.get("ParameterValue", "")
    tags = {item["Key"]: item["Value"] for item in response._get_param("Tags", [])}
    return body, parameters, tags


def live_stack(backend, name):
    for stack in backend.stacks.values():
        if name in (stack.name, stack.stack_id):
            return stack
    return None


def create_change_set(self):
    backend = self.cloudformation_backend
    stack_name, name = self._get_param("StackName"), self._get_param("ChangeSetName")
    kind = self._get_param("ChangeSetType", "UPDATE")
    stack = live_stack(backend, stack_name)
    if kind == "UPDATE" and (stack is None or stack.status == "REVIEW_IN_PROGRESS"):
        raise invalid(f"Stack [{stack_name}] does not exist")
    if kind == "CREATE" and stack is not None and stack.status != "REVIEW_IN_PROGRESS":
        raise invalid(f"Stack [{stack_name}] already exists and cannot be created again with the changeSet [{name}].")
    if kind == "UPDATE" and not stack.status.endswith("_COMPLETE") or stack and stack.status == "ROLLBACK_COMPLETE":
        raise invalid(f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated.")
    body, parameters, tags = inputs_of(self, stack)
    known = set(json.loads(body).get("Parameters", {}))
    strange = sorted(set(parameters) - known)
    if strange:
        raise invalid(f"Parameters: [{', '.join(strange)}] do not exist in the template")
    if stack is None:
        stack_id = models.generate_stack_id(stack_name, backend.region_name, backend.account_id)
        stack = models.Stack(stack_id, stack_name, {}, {}, backend.account_id, backend.region_name, tags=tags)
        backend.stacks[stack_id] = stack
        turn(stack, "REVIEW_IN_PROGRESS", "User Initiated")
    for other in backend.change_sets.values():
        if other.stack is stack and other.change_set_name == name:
            raise Refusal("AlreadyExistsException", f"ChangeSet {name} already exists")
    set_id = models.generate_changeset_id(name, backend.region_name, backend.account_id)
    made = models.ChangeSet(
        kind, set_id, name, stack, body, parameters, self._get_param("Description"), tags=tags,
        role_arn=self._get_param("RoleARN"),
    )
    made.capabilities = self._get_param("Capabilities", [])
    made.imports = self._get_bool_param("ImportExistingResources", False)
    made.on_failure = self._get_param("OnStackFailure")
    settle(made)
    backend.change_sets[set_id] = made
    return ActionResult({"Id": set_id, "StackId": stack.stack_id})


def settle(made):
    """Says whether a change set changes anything."""
    stack = made.stack
    made.status, made.execution_status = "CREATE_COMPLETE", "AVAILABLE"
    if made.change_set_type == "UPDATE":
        before = (stack.template_dict, filled(stack.template_dict, stack.parameters), stack.tags)
        after = (made.template_dict, filled(made.template_dict, made.parameters), made.tags)
        made.changes = changes(stack, made)
        if before == after:
            made.status, made.execution_status = "FAILED", "UNAVAILABLE"
            made.status_reason = NO_CHANGES


def filled(template, parameters):
    defaults = {k: str(p["Default"]) for k, p in template.get("Parameters", {}).items() if "Default" in p}
    return {**defaults, **parameters}


def changes(stack, made):
    """The resources that differ, also those in which only a parameter does."""
    by_action = stack.resource_map.build_resource_diff(made.template_dict, filled(made.template_dict, made.parameters))
    return [
        models.Change(action=action, logical_resource_id=name, resource_type=(made.template_dict["Resources"].get(name) or stack.template_dict["Resources"][name])["Type"])
        for action, names in by_action.items()
        for name in names
    ]


def find_change_set(response):
    name, stack = response._get_param("ChangeSetName"), response._get_param("StackName")
    for made in response.cloudformation_backend.change_sets.values():
        if made.change_set_id == name or made.change_set_name == name and stack in (made.stack.name, made.stack.stack_id):
            return made
    raise Refusal("ChangeSetNotFound", f"ChangeSet [{name}] does not exist")


def describe_change_set(self):
    return ActionResult(find_change_set(self))


def get_template(self):
    """moto knows GetTemplate of a stack only. With ChangeSetName, AWS returns the template of the change set."""
    if self._get_param("ChangeSetName"):
        return ActionResult({"TemplateBody": find_change_set(self).template})
    return ActionResult({"TemplateBody": self.cloudformation_backend.get_template(self._get_param("StackName"))})


def delete_change_set(self):
    del self.cloudformation_backend.change_sets[find_change_set(self).change_set_id]
    return EmptyResult()


def list_change_sets(self):
    name = self._get_param("StackName")
    if live_stack(self.cloudformation_backend, name) is None:
        raise invalid(f"Stack [{name}] does not exist")
    all_sets = self.cloudformation_backend.change_sets.values()
    return ActionResult({"Summaries": [c for c in all_sets if name in (c.stack.name, c.stack.stack_id)]})


def execute_change_set(self):
    global importing
    made = find_change_set(self)
    if made.execution_status != "AVAILABLE":
        raise Refusal(
            "InvalidChangeSetStatus",
            f"ChangeSet [{made.change_set_id}] cannot be executed in its current execution status of [{made.execution_status}]",
        )
    backend = self.cloudformation_backend
    for other in list(backend.change_sets.values()):
        if other.stack is made.stack and other is not made:
            del backend.change_sets[other.change_set_id]
    importing = made.imports
    try:
        (create if made.change_set_type == "CREATE" else update)(backend, made)
    finally:
        importing = False
    return EmptyResult()


def install_inputs(stack, template, parameters, tags):
    stack.template = template
    stack._parse_template()
    stack.parameters = filled(stack.template_dict, parameters)
    stack.tags = dict(tags)
    stack.description = stack.template_dict.get("Description")


def create(backend, made):
    stack = made.stack
    install_inputs(stack, made.template, made.parameters, made.tags)
    stack.capabilities = made.capabilities
    stack.cross_stack_resources = backend.exports
    turn(stack, "CREATE_IN_PROGRESS", "User Initiated")
    try:
        stack.resource_map = stack._create_resource_map()
        stack.output_map = stack._create_output_map()
        stack.resource_map.create(stack.template_dict)
        made.execution_status = "EXECUTE_COMPLETE"
        turn(stack, "CREATE_COMPLETE")
    except Exception as err:
        made.execution_status = "EXECUTE_FAILED"
        fail_creation(backend, made, err)


def fail_creation(backend, made, err):
    stack = made.stack
    reason = f"The following resource(s) failed to create: [{getattr(err, 'logical', '')}]. "
    gone = made.on_failure == "DELETE"
    turn(stack, "DELETE_IN_PROGRESS" if gone else "ROLLBACK_IN_PROGRESS", reason)
    stack.resource_map.delete()
    turn(stack, "DELETE_COMPLETE" if gone else "ROLLBACK_COMPLETE")
    if gone:
        backend.deleted_stacks[stack.stack_id] = backend.stacks.pop(stack.stack_id)


def update(backend, made):
    stack = made.stack
    before = (stack.template, dict(stack.parameters), dict(stack.tags))
    old_map = dict(stack.resource_map._parsed_resources)
    turn(stack, "UPDATE_IN_PROGRESS", "User Initiated")
    try:
        apply(stack, made.template, made.parameters, made.tags)
    except Exception as err:
        made.execution_status = "EXECUTE_FAILED"
        turn(stack, "UPDATE_ROLLBACK_IN_PROGRESS", f"The following resource(s) failed to update: [{getattr(err, 'logical', '')}]. ")
        for name in old_map.keys() - stack.resource_map._parsed_resources.keys():
            stack.resource_map._parsed_resources[name] = old_map[name]
        apply(stack, *before)
        turn(stack, "UPDATE_ROLLBACK_COMPLETE")
        return
    made.execution_status = "EXECUTE_COMPLETE"
    stack.capabilities = made.capabilities
    turn(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    turn(stack, "UPDATE_COMPLETE")


def apply(stack, template, parameters, tags):
    old = stack.resource_map._resource_json_map
    parameters = filled(json.loads(template), parameters)
    parsed = json.loads(template)
    # What a condition has switched off is removed, and what it has switched on is added.
    stack.resource_map.update(parsed, parameters)
    for name, definition in parsed["Resources"].items():
        condition = definition.get("Condition")
        if condition is None or name not in old:
            continue
        if not stack.resource_map.lazy_condition_map[condition]:
            resource = stack.resource_map._parsed_resources.pop(name, None)
            if resource is not None:
                stack.resource_map._delete_resource(resource, definition)
        elif stack.resource_map._parsed_resources.get(name) is None:
            stack.resource_map._parsed_resources.pop(name, None)
            stack.resource_map[name]
    install_inputs(stack, template, parameters, tags)
    stack.output_map = stack._create_output_map()


def delete_stack(self):
    backend, name = self.cloudformation_backend, self._get_param("StackName")
    stack = live_stack(backend, name)
    if stack is None:
        return EmptyResult()
    if stack.enable_termination_protection:
        raise invalid(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
    turn(stack, "DELETE_IN_PROGRESS", "User Initiated")
    try:
        stack.resource_map.delete()
    except Exception as err:
        turn(stack, "DELETE_FAILED", reason_of(err))
        return EmptyResult()
    for export in stack.exports:
        backend.exports.pop(export.name, None)
    turn(stack, "DELETE_COMPLETE")
    backend.deleted_stacks[stack.stack_id] = backend.stacks.pop(stack.stack_id)
    return EmptyResult()


def update_termination_protection(self):
    stack = live_stack(self.cloudformation_backend, self._get_param("StackName"))
    if stack is None:
        raise invalid(f"Stack [{self._get_param('StackName')}] does not exist")
    stack.enable_termination_protection = self._get_bool_param("EnableTerminationProtection")
    return ActionResult({"StackId": stack.stack_id})


def describe_events(self):
    raise Refusal("InvalidAction", "Could not find operation DescribeEvents for version 2010-05-15")


def shown_parameters(stack):
    hidden = {k for k, p in stack.template_dict.get("Parameters", {}).items() if str(p.get("NoEcho")).lower() == "true"}
    return [
        {"ParameterKey": k, "ParameterValue": "****" if k in hidden else v}
        for k, v in sorted(filled(stack.template_dict, stack.parameters).items())
    ]


def shown_outputs(stack):
    """The outputs whose condition holds, once all that they speak of is there."""
    shown = []
    if stack.status in ("REVIEW_IN_PROGRESS", "CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE", "DELETE_IN_PROGRESS", "DELETE_COMPLETE", "DELETE_FAILED"):
        return shown
    for key, definition in stack.template_dict.get("Outputs", {}).items():
        condition = definition.get("Condition")
        if condition is None or stack.resource_map.lazy_condition_map[condition]:
            value = parsing.clean_json(definition["Value"], stack.resource_map)
            if isinstance(value, list):
                raise invalid(f"Template format error: Output {key} is malformed. The Value field of every Outputs member must evaluate to a String.")
            shown.append({"OutputKey": key, "OutputValue": str(value)})
    return shown


def refuse_unknown_types():
    """Moto leaves resources of a type that it does not know out, without a word."""
    find = parsing.resource_class_from_type

    def known(resource_type):
        found = find(resource_type)
        if found is None and resource_type not in parsing.NULL_MODELS:
            raise invalid(f"moto has no {resource_type}: add it to .ci/moto/resources.py, or leave it out of the test")
        return found

    parsing.resource_class_from_type = known


def keep_retained():
    """Has a stack that is deleted, or an update, keep what its policy keeps in any of the ways that a policy can say so."""
    delete = parsing.ResourceMap._delete_resource

    def unless_kept(self, resource, definition):
        if str(definition.get("DeletionPolicy", "")).startswith("Retain"):
            return
        delete(self, resource, definition)

    parsing.ResourceMap._delete_resource = unless_kept


def delete_all(self):
    """Deletes a stack's resources, what was made last first, and in more rounds than one where that is not the order."""
    left = [r for r in reversed(self._parsed_resources.values()) if hasattr(r, "logical_resource_id")]
    while left:
        stuck, reason = [], None
        for resource in left:
            try:
                self._delete_resource(resource, self._resource_json_map[resource.logical_resource_id])
            except Exception as err:  # something still uses it
                reason = err
                stuck.append(resource)
            else:
                self._parsed_resources.pop(resource.logical_resource_id)
        if len(stuck) == len(left):
            raise reason
        left = stuck


def install():
    for action in (
        create_change_set, describe_change_set, get_template, delete_change_set, list_change_sets, execute_change_set,
        delete_stack, update_termination_protection, describe_events,
    ):
        setattr(responses.CloudFormationResponse, action.__name__, with_token(action))
    responses.CloudFormationResponse.update_stack = with_token(responses.CloudFormationResponse.update_stack)
    repeat_tokens()
    models.Stack.parameter_list = property(shown_parameters)
    models.Stack.outputs = property(shown_outputs)
    refuse_unknown_types()
    watch_resources()
    keep_retained()
    parsing.ResourceMap.delete = delete_all
