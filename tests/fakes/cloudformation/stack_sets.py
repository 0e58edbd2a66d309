"""StackSets: operations that create, update and delete stacks account by account and region by region.

An operation is planned when it is asked for. Regions follow one another, the accounts of a region run at
once; once more instances of a region failed than the tolerance allows, what comes after it is cancelled.
Stacks of other accounts lie in worlds of their own, which no caller can read.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tests.fakes.cloudformation import templates, writing
from tests.fakes.cloudformation.errors import AwsError, validation
from tests.fakes.cloudformation.ids import Ids

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fakes.cloudformation.call import Call, Params
    from tests.fakes.cloudformation.stacks import Stack
    from tests.fakes.cloudformation.world import World

Answer = dict[str, Any]
CANCELLED = "Cancelled since failure tolerance has exceeded"
GATE = {
    "Status": "SKIPPED",
    "StatusReason": "Function not found: AWSCloudFormationStackSetAccountGate",
}


@dataclass
class Instance:
    """One account and region of one operation; `began` None: cancelled at `ended`. Unix seconds."""

    account: str
    region: str
    began: float | None
    ended: float
    status: str
    reason: str = ""
    stack_id: str = ""

    def status_at(self, now: float) -> str:
        if now >= self.ended:
            return self.status
        return "RUNNING" if self.began is not None and now >= self.began else "PENDING"


@dataclass
class SetOperation:
    operation_id: str
    action: str
    created: float
    ended: float
    status: str
    instances: list[Instance] = field(default_factory=list)

    def status_at(self, now: float) -> str:
        return self.status if now >= self.ended else "RUNNING"


@dataclass
class StackSet:
    name: str
    set_id: str
    body: str
    created: float
    operations: list[SetOperation] = field(default_factory=list)
    stacks: dict[tuple[str, str], Stack] = field(default_factory=dict)
    delegated: bool = False
    """Seen with CallAs=DELEGATED_ADMIN only."""

    @property
    def last_end(self) -> float:
        return max((operation.ended for operation in self.operations), default=0.0)


def _not_found(name: str) -> AwsError:
    return AwsError("StackSetNotFoundException", f"StackSet {name} not found", 404)


def _found(call: Call, params: Params) -> StackSet:
    name = params["StackSetName"]
    found = call.world.stack_sets.get((call.region.name, name.partition(":")[0]))
    delegated = params.get("CallAs", "SELF") == "DELEGATED_ADMIN"
    if found is None or found.delegated is not delegated:
        raise _not_found(name)
    return found


def _operation(call: Call, params: Params) -> SetOperation:
    stack_set = _found(call, params)
    for operation in stack_set.operations:
        if operation.operation_id == params["OperationId"]:
            return operation
    raise AwsError("OperationNotFoundException", f"Operation {params['OperationId']} not found", 404)


def _changeable(call: Call, params: Params) -> StackSet:
    stack_set = _found(call, params)
    if stack_set.last_end > call.now:
        raise AwsError(
            "OperationInProgressException",
            f"Another Operation on StackSet {stack_set.set_id} is in progress",
            409,
        )
    return stack_set


def create_stack_set(call: Call, params: Params) -> Answer:
    name, body = params["StackSetName"], params.get("TemplateBody", "")
    templates.parse(body)
    key = (call.region.name, name)
    if key in call.world.stack_sets:
        raise AwsError("NameAlreadyExistsException", f"StackSet {name} already exists", 409)
    set_id = f"{name}:{call.world.ids.random_uuid('stack set', name)}"
    delegated = params.get("CallAs", "SELF") == "DELEGATED_ADMIN"
    call.world.stack_sets[key] = StackSet(name, set_id, body, call.now, delegated=delegated)
    return {"StackSetId": set_id}


def create_stack_instances(call: Call, params: Params) -> Answer:
    stack_set = _changeable(call, params)
    places = [(account, region) for region in params["Regions"] for account in params.get("Accounts", ())]
    return _begin(call, stack_set, "CREATE", places, params)


def update_stack_set(call: Call, params: Params) -> Answer:
    stack_set = _changeable(call, params)
    if not params.get("UsePreviousTemplate"):
        templates.parse(params["TemplateBody"])
        stack_set.body = params["TemplateBody"]
    return _begin(call, stack_set, "UPDATE", list(stack_set.stacks), params)


def delete_stack_instances(call: Call, params: Params) -> Answer:
    stack_set = _changeable(call, params)
    wanted = {(account, region) for region in params["Regions"] for account in params.get("Accounts", ())}
    return _begin(call, stack_set, "DELETE", [place for place in stack_set.stacks if place in wanted], params)


def detect_stack_set_drift(call: Call, params: Params) -> Answer:
    return _begin(call, _changeable(call, params), "DETECT_DRIFT", [], params)


def _begin(
    call: Call, stack_set: StackSet, action: str, places: list[tuple[str, str]], params: Params
) -> Answer:
    preferences: Mapping[str, Any] = params.get("OperationPreferences") or {}
    tolerated = int(preferences.get("FailureToleranceCount", 0))
    operation_id = params.get("OperationId") or call.world.ids.random_uuid(
        "set operation", stack_set.set_id, len(stack_set.operations)
    )
    moment, instances, exceeded = round(call.now, 3), [], False
    for region in dict.fromkeys(region for _, region in places):
        accounts = [account for account, other in places if other == region]
        if exceeded:
            instances += [Instance(one, region, None, moment, "CANCELLED", CANCELLED) for one in accounts]
            continue
        done = [_instance(call, stack_set, action, (one, region), moment + 2) for one in accounts]
        instances += done
        moment = max([one.ended for one in done], default=moment)
        exceeded = sum(one.status == "FAILED" for one in done) > tolerated
    end = moment + 1
    status = "FAILED" if exceeded else "SUCCEEDED"
    stack_set.operations.append(
        SetOperation(operation_id, action, round(call.now, 3), end, status, instances)
    )
    return {"OperationId": operation_id}


def _world_of(call: Call, account: str) -> World:
    if account == call.world.account:
        return call.world
    others = call.world.other_accounts
    if account not in others:
        others[account] = type(call.world)(ids=Ids(account), account=account)
    return others[account]


def _instance(call: Call, stack_set: StackSet, action: str, place: tuple[str, str], when: float) -> Instance:
    account, region = place
    world = _world_of(call, account)
    there = replace(call, world=world, region=world.region(region), now=when, seen=when)
    known = stack_set.stacks.get((account, region))
    try:
        if action == "DELETE" and known is not None:
            writing.delete_stack(there, {"StackName": known.stack_id})
            stack_set.stacks.pop((account, region))
        elif known is None:
            unique = call.world.ids.random_uuid("instance", stack_set.set_id, account, region)
            given = {"StackName": f"StackSet-{stack_set.name}-{unique}", "TemplateBody": stack_set.body}
            stack_id = writing.create_stack(there, given)["StackId"]
            known = stack_set.stacks[account, region] = there.region.stacks[stack_id]
        else:
            writing.update_stack(there, {"StackName": known.stack_id, "TemplateBody": stack_set.body})
    except AwsError as error:
        stack_id = known.stack_id if known is not None else ""
        if "No updates are to be performed" in error.message:
            return Instance(
                account, region, when, when + 1, "SUCCEEDED", "No updates are to be performed.", stack_id
            )
        return Instance(account, region, when, when + 1, "FAILED", error.message, stack_id)
    assert known is not None
    last = known.events[-1]
    failed = next(
        (e for e in known.events if e.time >= when and e.status.endswith("_FAILED") and not e.about_stack),
        None,
    )
    good = failed is None or last.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"}
    reason = "" if good or failed is None else (
        f"ResourceLogicalId:{failed.logical_id}, ResourceType:{failed.type}, "
        f"ResourceStatusReason:{failed.reason}."
    )  # fmt: skip
    return Instance(
        account, region, when, last.time, "SUCCEEDED" if good else "FAILED", reason, known.stack_id
    )


def list_stack_set_operations(call: Call, params: Params) -> Answer:
    operations = [one for one in _found(call, params).operations[::-1] if one.created <= call.seen]
    page, token = call.page(
        operations, lambda one: one.operation_id, params.get("NextToken"), params.get("MaxResults")
    )
    return {"Summaries": [_summary(call, one) for one in page], "NextToken": token}


def _summary(call: Call, operation: SetOperation) -> Answer:
    over = call.seen >= operation.ended
    failed = sum(one.status_at(call.seen) == "FAILED" for one in operation.instances)
    return {
        "OperationId": operation.operation_id,
        "Action": operation.action,
        "Status": operation.status_at(call.seen),
        "CreationTimestamp": operation.created,
        "EndTimestamp": operation.ended if over else None,
        "StatusDetails": {"FailedStackInstancesCount": failed} if over else None,
        "OperationPreferences": {"RegionOrder": []},
    }


def list_stack_set_operation_results(call: Call, params: Params) -> Answer:
    instances = _operation(call, params).instances
    page, token = call.page(
        instances,
        lambda one: f"{one.account}/{one.region}",
        params.get("NextToken"),
        params.get("MaxResults"),
    )
    rows = [
        {
            "Account": one.account,
            "Region": one.region,
            "Status": one.status_at(call.seen),
            "StatusReason": (one.reason or None) if call.seen >= one.ended else None,
            "AccountGateResult": GATE,
        }
        for one in page
    ]
    return {"Summaries": rows, "NextToken": token}


def list_stack_instances(call: Call, params: Params) -> Answer:
    stack_set = _found(call, params)
    wanted = {one["Name"]: one["Values"] for one in params.get("Filters", ())}
    operation = next(
        (one for one in stack_set.operations if one.operation_id == wanted.get("LAST_OPERATION_ID")), None
    )
    places = (
        {(one.account, one.region) for one in operation.instances} if operation else set(stack_set.stacks)
    )
    rows = [
        {
            "StackSetId": stack_set.set_id,
            "Account": account,
            "Region": region,
            "StackId": stack.stack_id if stack.created <= call.seen else None,
            "Status": "CURRENT",
        }
        for (account, region), stack in stack_set.stacks.items()
        if (account, region) in places
    ]
    page, token = call.page(rows, lambda row: f"{row['Account']}/{row['Region']}", params.get("NextToken"))
    return {"Summaries": page, "NextToken": token}


def stop_stack_set_operation(call: Call, params: Params) -> Answer:
    operation = _operation(call, params)
    if operation.ended <= call.now:
        raise validation(f"Operation {operation.operation_id} is not in progress")
    for one in operation.instances:
        if one.ended > call.now and (one.began is None or one.began > call.now):
            one.began, one.ended, one.status, one.reason = None, call.now, "CANCELLED", "Cancelled by user"
    running = [one.ended for one in operation.instances if one.ended > call.now]
    operation.ended, operation.status = max(running, default=call.now) + 1, "STOPPED"
    return {}
