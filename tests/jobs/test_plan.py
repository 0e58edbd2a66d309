"""`mode: plan` and `mode: apply`: what is shown, what stays, and what is executed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from deploy_action.cloudformation.client import CloudFormation
from tests.fakes.cloudformation.harness import client, status
from tests.fakes.github.described import held_to_its_description
from tests.fakes.github.server import GitHubServer
from tests.jobs.test_data_loss import REPLACED, TABLE
from tests.jobs.test_template import QUEUE, TWO_QUEUES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.jobs.stage import Job, Stage

HEAD, MERGED = "a" * 40, "b" * 40
ROLE = "arn:aws:iam::123456789012:role/other"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:topic"


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    with held_to_its_description(GitHubServer()) as server:
        server.state.tokens["token"] |= {"pull-requests": "write"}
        yield server


@pytest.fixture
def cfn(stage: Stage) -> Iterator[Any]:
    made = client(stage.server)
    yield made
    made.close()


def on_pull_request(
    job: Job, github: GitHubServer, *, head: str = HEAD, number: int = 12, **more: object
) -> Job:
    """`more`: `closed`, and whether it was `merged` then."""
    event = job.folder / "event.json"
    told = {"number": number, "head": {"sha": head}, "merged": more.get("merged", False)}
    action = "closed" if more.get("closed") else "synchronize"
    event.write_text(json.dumps({"action": action, "pull_request": told}), "utf-8")
    job.environ |= {
        "GITHUB_API_URL": github.url,
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_REF": f"refs/pull/{number}/merge",
        "GITHUB_SHA": "c" * 40,
    }
    return job


def planned(stage: Stage, github: GitHubServer, name: str, body: str, **inputs: str) -> Job:
    given = {
        "mode": "plan",
        "template": stage.template(body, f"{name}.yaml"),
        "github_token": "token",
        **inputs,
    }
    return on_pull_request(stage.job(name, **given), github)


def deployed(stage: Stage, body: str, name: str = "first") -> None:
    job = stage.job(name, template=stage.template(body, f"{name}.yaml"))
    assert job.deploy() == 0, job.log


def waiting(cfn: Any, stack: str = "shop") -> list[str]:
    rows = cfn.list_change_sets(StackName=stack)["Summaries"]
    return [row["ChangeSetId"] for row in rows if row["ExecutionStatus"] == "AVAILABLE"]


def apply(stage: Stage, name: str = "apply", **inputs: str) -> Job:
    job = stage.job(name, **{"mode": "apply", **inputs})
    job.environ |= {"GITHUB_SHA": MERGED}
    return job


def applied(stage: Stage, github: GitHubServer, name: str = "apply", **inputs: str) -> Job:
    """On the merge of the pull request."""
    merged = {
        "number": 12,
        "merge_commit_sha": MERGED,
        "merged_at": "2026-01-01T00:00:00Z",
        "head": {"sha": HEAD},
    }
    github.state.pulls[:] = [merged]
    job = apply(stage, name, github_token="token", **inputs)
    job.environ |= {"GITHUB_API_URL": github.url}
    return job


def test_a_plan_comments_what_would_be_replaced_first(stage: Stage, github: GitHubServer, cfn: Any) -> None:
    deployed(stage, TABLE)
    job = planned(stage, github, "plan", REPLACED)
    assert job.deploy() == 0, job.log
    ((number, comment),) = github.state.comments
    first, title, *_ = comment["body"].splitlines()
    assert number == 12
    assert first.startswith("<!-- deploy-coordinator plan ")
    assert title == "### ⚠ Plan, **1 replaced**: shop → production"
    assert "> - This loses data: `shop/Orders`" in comment["body"]
    assert "`orders` | `orders-2` | **replaces**" in comment["body"]
    outputs = job.outputs()
    assert (outputs["outcome"], outputs["deployed"], outputs["has-changes"]) == ("skipped", "false", "true")
    assert outputs["changes-count"] == "1"
    (change,) = json.loads(outputs["changes"])
    assert (change["stack"], change["logical_id"], change["replacement"]) == ("shop", "Orders", "True")
    assert change["properties"] == [
        {"path": "/Properties/TableName", "before": "orders", "after": "orders-2"}
    ]
    assert outputs["plan-markdown"].strip() == comment["body"].strip()
    assert [outputs["change-set-arn"]] == waiting(cfn)
    assert "### ⚠ Plan, **1 replaced**: shop → production" in job.summary
    assert status(cfn, "shop") == "CREATE_COMPLETE"
    assert stage.registry().get("tickets", []) == []


def test_a_second_push_changes_the_same_comment_and_leaves_one_change_set(
    stage: Stage, github: GitHubServer, cfn: Any
) -> None:
    deployed(stage, QUEUE)
    assert planned(stage, github, "one", TWO_QUEUES).deploy() == 0
    (first,) = waiting(cfn)
    github.state.comments.append((12, {**github.state.comments[0][1], "id": 1, "body": "what people say"}))
    second = planned(stage, github, "two", QUEUE, parameter_overrides="Depth=deep")
    assert second.deploy() == 0, second.log
    bodies = [row["body"] for _, row in github.state.comments]
    assert len(bodies) == 2
    assert "1 replaced" in bodies[0]
    (left,) = waiting(cfn)
    assert left != first


def test_the_comment_of_somebody_who_may_not_write_is_never_taken_for_ours(
    stage: Stage, github: GitHubServer
) -> None:
    deployed(stage, QUEUE)
    assert planned(stage, github, "one", TWO_QUEUES).deploy() == 0
    theirs = github.state.comments[0][1]
    theirs["user"] |= {"login": "mallory", "type": "User"}
    theirs["author_association"] = "CONTRIBUTOR"
    before = theirs["body"]
    assert planned(stage, github, "two", TWO_QUEUES).deploy() == 0
    assert theirs["body"] == before
    assert len(github.state.comments) == 2


def test_without_permission_the_summary_has_it_and_a_line_says_so(stage: Stage, github: GitHubServer) -> None:
    del github.state.tokens["token"]["pull-requests"]
    deployed(stage, QUEUE)
    job = planned(stage, github, "plan", TWO_QUEUES)
    assert job.deploy() == 0, job.log
    assert "Plan, 1 added: shop → production" in job.summary
    assert "The plan could not be commented and stands in the summary alone. GitHub answers 403" in job.log
    assert "pull-requests: write" in job.log


def test_a_plan_of_a_new_stack_leaves_nothing_behind(stage: Stage, github: GitHubServer, cfn: Any) -> None:
    job = planned(stage, github, "plan", QUEUE)
    assert job.deploy() == 0, job.log
    assert cfn.list_stacks(StackStatusFilter=["REVIEW_IN_PROGRESS"])["StackSummaries"] == []
    assert "New: `shop`" in github.state.comments[0][1]["body"]


def test_a_plan_that_changes_nothing_says_so(stage: Stage, github: GitHubServer, cfn: Any) -> None:
    deployed(stage, QUEUE)
    job = planned(stage, github, "plan", QUEUE)
    assert job.deploy() == 0, job.log
    assert (job.outputs()["outcome"], job.outputs()["has-changes"]) == ("no-changes", "false")
    assert "✓ Plan: nothing to change: shop → production" in github.state.comments[0][1]["body"]
    assert waiting(cfn) == []


def test_what_early_validation_finds_is_commented_with_its_path(stage: Stage, github: GitHubServer) -> None:
    deployed(stage, QUEUE)
    kind = "  Second:\n    Type: AWS::SQS::Queue\n"
    ground = f'{kind}    Metadata: {{TestGround: {{Validation: "no such property DelaySecond"}}}}\n'
    job = planned(stage, github, "plan", TWO_QUEUES.replace(kind, ground))
    assert job.deploy() == 4, job.log
    body = github.state.comments[0][1]["body"]
    assert "No plan could be made" in body
    assert "/Resources/Second/Properties" in body
    assert "no such property DelaySecond" in body


def test_stop_in_a_plan_leaves_no_change_set_and_the_comment_says_why(
    stage: Stage, github: GitHubServer, cfn: Any
) -> None:
    deployed(stage, TABLE)
    job = planned(stage, github, "plan", REPLACED, data_loss="stop")
    assert job.deploy() == 11, job.log
    body = github.state.comments[0][1]["body"]
    assert "This loses data" in body
    assert "executes exactly this" not in body
    assert "No change set is kept, since `data-loss: stop`" in body
    assert waiting(cfn) == []
    later = applied(stage, github)
    assert later.deploy() == 12, later.log
    assert "its change sets were not kept" in later.log


def test_exactly_the_reviewed_change_set_is_executed_on_merge(
    stage: Stage, github: GitHubServer, cfn: Any
) -> None:
    deployed(stage, QUEUE)
    plan = planned(stage, github, "plan", TWO_QUEUES)
    assert plan.deploy() == 0, plan.log
    arn = plan.outputs()["change-set-arn"]
    job = applied(stage, github)
    assert job.deploy() == 0, job.log
    (stack,) = cfn.describe_stacks(StackName="shop")["Stacks"]
    assert (stack["StackStatus"], stack["ChangeSetId"]) == ("UPDATE_COMPLETE", arn)
    outputs = job.outputs()
    assert (outputs["outcome"], outputs["deployed"]) == ("succeeded", "true")
    assert outputs["change-set-arn"] == arn
    assert f"Applies the plan {plan.outputs()['correlation-id']}" in job.log
    again = applied(stage, github, "again")
    assert again.deploy() == 0, again.log
    assert again.outputs()["outcome"] == "no-changes"


def test_a_later_plan_of_nothing_takes_the_earlier_one_away(
    stage: Stage, github: GitHubServer, cfn: Any
) -> None:
    deployed(stage, QUEUE)
    assert planned(stage, github, "plan", TWO_QUEUES).deploy() == 0
    assert planned(stage, github, "again", QUEUE).deploy() == 0
    assert waiting(cfn) == []
    job = applied(stage, github)
    assert job.deploy() == 0, job.log
    assert job.outputs()["outcome"] == "no-changes"
    assert status(cfn, "shop") == "CREATE_COMPLETE"


def test_a_new_stack_whose_change_set_was_not_kept_is_not_applied(stage: Stage, github: GitHubServer) -> None:
    assert planned(stage, github, "plan", QUEUE).deploy() == 0
    job = applied(stage, github)
    assert job.deploy() == 12, job.log
    assert "its change sets were not kept" in job.log
    assert "keep-change-set: always" in job.log


def test_a_new_stack_is_applied_where_its_change_set_was_kept(
    stage: Stage, github: GitHubServer, cfn: Any
) -> None:
    assert planned(stage, github, "plan", QUEUE, keep_change_set="always").deploy() == 0
    assert status(cfn, "shop") == "REVIEW_IN_PROGRESS"
    job = applied(stage, github)
    assert job.deploy() == 0, job.log
    assert status(cfn, "shop") == "CREATE_COMPLETE"


def test_somebody_deployed_in_between_stops_it_with_the_difference(
    stage: Stage, github: GitHubServer, cfn: Any
) -> None:
    deployed(stage, QUEUE)
    assert planned(stage, github, "plan", TWO_QUEUES).deploy() == 0
    deep = [{"ParameterKey": "Depth", "ParameterValue": "deep"}]
    cfn.update_stack(StackName="shop", TemplateBody=TWO_QUEUES, Parameters=deep)
    stage.clock.sleep(900)
    template = stage.template(TWO_QUEUES, "merged.yaml")
    job = applied(stage, github, template=template)
    assert job.deploy() == 12, job.log
    assert "cannot be executed any more: it is OBSOLETE" in job.log
    assert "The difference begins with: -Add shop/Second AWS::SQS::Queue" in job.log
    assert "Add shop/Second" in job.summary
    assert stage.registry().get("tickets", []) == []
    assert waiting(cfn) == []


def test_an_outdated_plan_is_planned_anew_where_an_input_says_so(
    stage: Stage, github: GitHubServer, cfn: Any
) -> None:
    deployed(stage, QUEUE)
    assert planned(stage, github, "plan", TWO_QUEUES).deploy() == 0
    cfn.update_stack(StackName="shop", TemplateBody=QUEUE.replace("shallow", "deep"))
    stage.clock.sleep(900)
    job = applied(stage, github, template=stage.template(TWO_QUEUES, "merged.yaml"), when_outdated="plan")
    assert job.deploy() == 0, job.log
    assert job.outputs()["outcome"] == "succeeded"
    assert "It is planned anew" in job.log


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"body": TWO_QUEUES.replace("Second", "Third")}, "Third"),
        (
            {"body": TWO_QUEUES, "parameter_overrides": "Depth=deep"},
            "parameter Depth: reviewed shallow, now deep",
        ),
        ({"body": TWO_QUEUES, "tags": "team=a"}, "tags: reviewed {}"),
        (
            {"body": TWO_QUEUES.replace("Default: shallow", "Default: deep")},
            "Default",
        ),
        ({"body": TWO_QUEUES, "role_arn": ROLE}, "role-arn: reviewed none"),
        ({"body": TWO_QUEUES, "notification_arns": TOPIC}, "notification-arns: reviewed none"),
    ],
    ids=["template", "parameter", "tags", "default", "role", "notifications"],
)
def test_what_differs_from_what_would_be_planned_now_stops_it(
    stage: Stage, github: GitHubServer, cfn: Any, inputs: dict[str, str], said: str
) -> None:
    deployed(stage, QUEUE)
    assert planned(stage, github, "plan", TWO_QUEUES).deploy() == 0
    inputs = dict(inputs)
    body = inputs.pop("body")
    job = applied(stage, github, template=stage.template(body, "merged.yaml"), **inputs)
    assert job.deploy() == 12, job.log
    assert said in job.log
    assert status(cfn, "shop") == "CREATE_COMPLETE"
    assert len(waiting(cfn)) == 1


def test_a_parameter_that_is_no_longer_given_would_have_another_value(
    stage: Stage, github: GitHubServer, cfn: Any
) -> None:
    deployed(stage, QUEUE)
    assert planned(stage, github, "plan", TWO_QUEUES, parameter_overrides="Depth=deep").deploy() == 0
    job = applied(stage, github, template=stage.template(TWO_QUEUES, "merged.yaml"))
    assert job.deploy() == 12, job.log
    assert "parameter Depth: reviewed deep, now shallow" in job.log
    assert status(cfn, "shop") == "CREATE_COMPLETE"


def test_values_that_cloudformation_hides_are_named(stage: Stage, github: GitHubServer) -> None:
    body = TWO_QUEUES.replace(
        "Parameters:", "Parameters:\n  Secret: {Type: String, NoEcho: true, Default: x}", 1
    )
    deployed(stage, QUEUE)
    assert planned(stage, github, "plan", body, parameter_overrides="Secret=hunter2").deploy() == 0
    template = stage.template(body, "merged.yaml")
    job = applied(stage, github, template=template, parameter_overrides="Secret=hunter3")
    assert job.deploy() == 0, job.log
    assert "Not compared, since CloudFormation hides their values: Secret." in job.log
    assert "hunter" not in job.log


def test_the_same_template_in_another_layout_is_the_same(stage: Stage, github: GitHubServer) -> None:
    deployed(stage, QUEUE)
    assert planned(stage, github, "plan", TWO_QUEUES).deploy() == 0
    job = applied(stage, github, template=stage.template(f"# a comment\n{TWO_QUEUES}\n", "merged.yaml"))
    assert job.deploy() == 0, job.log


def test_a_commit_that_nobody_planned_is_not_deployed(stage: Stage, github: GitHubServer, cfn: Any) -> None:
    deployed(stage, QUEUE)
    assert planned(stage, github, "plan", TWO_QUEUES).deploy() == 0
    job = apply(stage, github_token="token")
    job.environ |= {"GITHUB_API_URL": github.url}
    assert job.deploy() == 12, job.log
    assert "No plan of `bbbbbbb` for `production` is remembered." in job.log
    assert len(waiting(cfn)) == 1


def test_a_change_set_is_applied_by_the_output_of_the_plan(
    stage: Stage, github: GitHubServer, cfn: Any
) -> None:
    deployed(stage, QUEUE)
    plan = planned(stage, github, "plan", TWO_QUEUES)
    assert plan.deploy() == 0
    job = apply(stage, execute_change_set_id=plan.outputs()["change-set-arn"])
    assert job.deploy() == 0, job.log
    assert status(cfn, "shop") == "UPDATE_COMPLETE"


def test_the_guard_looks_at_what_is_applied_before_anything_is_locked(
    stage: Stage, github: GitHubServer, cfn: Any
) -> None:
    deployed(stage, TABLE)
    assert planned(stage, github, "plan", REPLACED).deploy() == 0
    job = applied(stage, github, data_loss="stop")
    assert job.deploy() == 11, job.log
    assert "Nothing was locked or changed" in job.log
    assert len(waiting(cfn)) == 1
    allowed = applied(stage, github, "allowed", data_loss="stop", allow_data_loss="Orders")
    assert allowed.deploy() == 0, allowed.log


EXPORTER = "Resources:\n  Queue: {Type: AWS::SQS::Queue}\n"
EXPORTING = EXPORTER + "Outputs:\n  Url: {Value: !Ref Queue, Export: {Name: !Sub '${AWS::StackName}-url'}}\n"
IMPORTER = "Resources:\n  Topic: {Type: AWS::SNS::Topic}\n"
IMPORTING = (
    f"{IMPORTER}  Reader:\n    Type: AWS::SSM::Parameter\n"
    "    Properties: {Value: {'Fn::ImportValue': alpha-url}}\n"
)


def test_a_command_plans_several_stacks_and_they_are_applied_in_the_order_of_imports(
    stage: Stage, github: GitHubServer, cfn: Any
) -> None:
    for name, body in (("alpha", EXPORTING), ("zeta", IMPORTING)):
        cfn.create_stack(StackName=name, TemplateBody=body)
        stage.clock.sleep(300)
    names = {"stack_name": "alpha\nzeta"}
    plan = stage.job("plan", mode="plan", command="npx cdk deploy", github_token="token", **names)
    on_pull_request(plan, github)

    def cdk(cloudformation: Any) -> int:
        for name, body in (("alpha", EXPORTER), ("zeta", IMPORTER)):
            cloudformation.create_change_set(
                StackName=name,
                ChangeSetName="cdk-deploy-change-set",
                TemplateBody=body.replace("Queue:", "Q:"),
            )
        return 0

    plan.launch_command(cdk)
    assert plan.deploy() == 0, plan.log
    body = github.state.comments[0][1]["body"]
    assert "`alpha`" in body
    assert "`zeta`" in body
    assert len(plan.outputs()["change-set-arn"].split()) == 2
    done = applied(stage, github, **names)
    assert done.deploy() == 0, done.log
    assert "In this order: eu-west-1/zeta, eu-west-1/alpha." in done.log
    assert done.outputs()["stack-status"] == "zeta=UPDATE_COMPLETE alpha=UPDATE_COMPLETE"


@pytest.mark.parametrize("by_change_set", [False, True], ids=["update", "change set"])
def test_somebody_deployed_since_a_command_planned_and_the_difference_is_shown(
    stage: Stage, github: GitHubServer, cfn: Any, by_change_set: bool
) -> None:
    deployed(stage, QUEUE)
    plan = stage.job("plan", mode="plan", command="npx cdk deploy", github_token="token")
    on_pull_request(plan, github)

    def cdk(cloudformation: Any) -> int:
        cloudformation.create_change_set(StackName="shop", ChangeSetName="cdk", TemplateBody=TWO_QUEUES)
        return 0

    plan.launch_command(cdk)
    assert plan.deploy() == 0, plan.log
    third = TWO_QUEUES.replace("Second", "Third")
    if by_change_set:
        cfn.create_change_set(StackName="shop", ChangeSetName="theirs", TemplateBody=third)
        stage.clock.sleep(60)
        cfn.execute_change_set(StackName="shop", ChangeSetName="theirs")
    else:
        cfn.update_stack(StackName="shop", TemplateBody=third)
    stage.clock.sleep(900)
    job = applied(stage, github)
    assert job.deploy() == 12, job.log
    shown = "executed since: Add shop/Third" if by_change_set else "+Remove shop/Third AWS::SQS::Queue"
    assert shown in job.log
    assert ("it was deleted" in job.log) is by_change_set
    assert [one for one in waiting(cfn) if "trial" in one] == []


def by_command(stage: Stage, github: GitHubServer, command: Any, **inputs: str) -> Job:
    job = stage.job("plan", mode="plan", command="npx cdk deploy", github_token="token", **inputs)
    on_pull_request(job, github).launch_command(command)
    return job


def prepares(name: str = "cdk", body: str = TWO_QUEUES, kind: str = "UPDATE", code: int = 0) -> Any:
    def command(cloudformation: Any) -> int:
        cloudformation.create_change_set(
            StackName="shop", ChangeSetName=name, ChangeSetType=kind, TemplateBody=body
        )
        return code

    return command


def test_a_change_set_of_another_job_of_ours_is_no_plan_of_a_command(
    stage: Stage, github: GitHubServer, cfn: Any
) -> None:
    deployed(stage, QUEUE)
    job = by_command(stage, github, prepares("deploy-20260101-000000-abcdef-e7"), keep_change_set="never")
    assert job.deploy() == 0, job.log
    assert job.outputs()["has-changes"] == "false"
    stage.clock.sleep(30)
    assert len(waiting(cfn)) == 1


def test_two_change_sets_on_one_stack_are_no_plan_and_stay(
    stage: Stage, github: GitHubServer, cfn: Any
) -> None:
    deployed(stage, QUEUE)
    job = by_command(stage, github, lambda made: prepares("mine")(made) + prepares("theirs")(made))
    assert job.deploy() == 4, job.log
    assert "2 change sets appeared on stack shop: mine, theirs." in job.log
    assert "No plan could be made" in github.state.comments[0][1]["body"]
    stage.clock.sleep(30)
    assert len(waiting(cfn)) == 2


def test_a_command_that_fails_leaves_no_new_stack_behind(
    stage: Stage, github: GitHubServer, cfn: Any
) -> None:
    job = by_command(stage, github, prepares(body=QUEUE, kind="CREATE", code=3), keep_change_set="always")
    assert job.deploy() == 3, job.log
    assert cfn.list_stacks(StackStatusFilter=["REVIEW_IN_PROGRESS"])["StackSummaries"] == []


def test_a_new_stack_stays_while_the_plan_of_another_pull_request_waits_there(
    stage: Stage, github: GitHubServer, cfn: Any
) -> None:
    assert planned(stage, github, "first", QUEUE, keep_change_set="always").deploy() == 0
    (kept,) = waiting(cfn)
    other = on_pull_request(planned(stage, github, "other", TWO_QUEUES), github, number=13)
    assert other.deploy() == 0, other.log
    stage.clock.sleep(60)
    assert (status(cfn, "shop"), waiting(cfn)) == ("REVIEW_IN_PROGRESS", [kept])
    again = planned(stage, github, "again", QUEUE, keep_change_set="never")
    assert again.deploy() == 0, again.log
    assert cfn.list_stacks(StackStatusFilter=["REVIEW_IN_PROGRESS"])["StackSummaries"] == []


@pytest.mark.parametrize(("data_loss", "code"), [("warn", 0), ("stop", 11)])
def test_a_nested_stack_that_a_command_did_not_look_into_is_said(
    stage: Stage, github: GitHubServer, cfn: Any, data_loss: str, code: int
) -> None:
    def nested(name: str) -> str:
        leaf = json.dumps(
            {"Resources": {"Leaf": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}}}}
        )
        child = {
            "Type": "AWS::CloudFormation::Stack",
            "Metadata": {"TestGround": {"TemplateBody": leaf}},
            "Properties": {"TemplateURL": "https://bucket/child.yaml"},
        }
        return json.dumps({"Resources": {"Child": child}})

    deployed(stage, nested("one"))
    job = by_command(stage, github, prepares(body=nested("two")), data_loss=data_loss)
    assert job.deploy() == code, job.log
    assert "what changes in it is not known" in github.state.comments[0][1]["body"]


def test_the_plan_of_an_older_push_takes_no_place_of_the_newer_one(
    stage: Stage, github: GitHubServer, cfn: Any
) -> None:
    deployed(stage, QUEUE)
    assert planned(stage, github, "newer", TWO_QUEUES).deploy() == 0
    (kept,), (_, comment) = waiting(cfn), github.state.comments[0]
    body = comment["body"]
    github.state.pulls[:] = [{"number": 12, "head": {"sha": HEAD}}]
    older = on_pull_request(
        planned(stage, github, "older", QUEUE.replace("one", "two")), github, head="d" * 40
    )
    assert older.deploy() == 0, older.log
    assert comment["body"] == body
    assert waiting(cfn) == [kept]
    assert "aaaaaaa was pushed meanwhile" in older.summary
    assert applied(stage, github).deploy() == 0


@pytest.mark.parametrize("merged", [False, True])
def test_a_pull_request_that_is_closed_without_a_merge_leaves_nothing(
    stage: Stage, github: GitHubServer, cfn: Any, merged: bool
) -> None:
    assert planned(stage, github, "plan", QUEUE, keep_change_set="always").deploy() == 0
    closed = on_pull_request(planned(stage, github, "closed", QUEUE), github, closed=True, merged=merged)
    assert closed.deploy() == 0, closed.log
    assert closed.outputs()["outcome"] == "skipped"
    left = cfn.list_stacks(StackStatusFilter=["REVIEW_IN_PROGRESS"])["StackSummaries"]
    assert len(left) == merged
    job = applied(stage, github)
    assert job.deploy() == (0 if merged else 12), job.log


def test_somebody_who_is_faster_by_a_second_makes_it_outdated(
    stage: Stage, github: GitHubServer, cfn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed(stage, QUEUE)
    assert planned(stage, github, "plan", TWO_QUEUES).deploy() == 0
    whole = CloudFormation.execute_change_set

    def execute(*arguments: Any, **named: Any) -> None:
        monkeypatch.setattr(CloudFormation, "execute_change_set", whole)
        cfn.update_stack(StackName="shop", TemplateBody=TWO_QUEUES.replace("Second", "Third"))
        whole(*arguments, **named)

    monkeypatch.setattr(CloudFormation, "execute_change_set", execute)
    job = applied(stage, github)
    assert job.deploy() == 12, job.log
    assert "The reviewed change set of stack eu-west-1/shop was not executed." in job.log


def test_a_command_that_deploys_in_place_of_planning_is_no_plan(
    stage: Stage, github: GitHubServer, cfn: Any
) -> None:
    deployed(stage, QUEUE)
    job = on_pull_request(
        stage.job("plan", mode="plan", command="npx cdk deploy", github_token="token"), github
    )

    def cdk(cloudformation: Any) -> int:
        cloudformation.update_stack(StackName="shop", TemplateBody=TWO_QUEUES)
        return 0

    job.launch_command(cdk)
    assert job.deploy() == 1, job.log
    assert "While the command ran to plan, eu-west-1/shop changed" in job.log


def test_a_command_that_makes_no_change_set_is_told(stage: Stage, github: GitHubServer) -> None:
    deployed(stage, QUEUE)
    job = on_pull_request(stage.job("plan", mode="plan", command="make plan", github_token="token"), github)
    job.launch_command(lambda _: 0)
    assert job.deploy() == 0, job.log
    assert "The command made no change set on the stacks" in job.log
    assert job.outputs()["has-changes"] == "false"


def test_hostile_names_and_values_are_harmless(stage: Stage, github: GitHubServer) -> None:
    nasty = "--><script>alert(1)</script> @everyone | `x` ::error::x ##[error]y\n# big"
    template = {
        "Resources": {
            "Topic": {"Type": "AWS::SNS::Topic"},
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"KmsMasterKeyId": nasty}},
        }
    }
    deployed(stage, json.dumps({"Resources": {"Topic": template["Resources"]["Topic"]}}))
    job = planned(stage, github, "plan", json.dumps(template))
    assert job.deploy() == 0, job.log
    body = github.state.comments[0][1]["body"]
    (row,) = [line for line in body.splitlines() if "alert(1)" in line]
    assert row.startswith("| `KmsMasterKeyId` |")
    assert "``--><script>" in row or "`` --><script>" in row
    assert "::error::x" not in job.log


def test_who_deploys_there_now_is_told(stage: Stage, github: GitHubServer) -> None:
    deployed(stage, QUEUE)
    holder = stage.job("holder", template=stage.template(TWO_QUEUES, "holder.yaml"))
    assert holder.run("pre") == 0
    job = planned(stage, github, "plan", TWO_QUEUES)
    assert job.deploy() == 0, job.log
    body = github.state.comments[0][1]["body"]
    assert f"`{holder.outputs()['correlation-id']}` by holder deploys there now." in body


def test_drift_is_reverted_and_told(stage: Stage, github: GitHubServer) -> None:
    body = """
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Metadata: {TestGround: {Drift: {DelaySeconds: "900"}}}
    Properties: {DelaySeconds: "1"}
"""
    deployed(stage, body)
    job = planned(stage, github, "plan", body, deployment_mode="revert-drift")
    assert job.deploy() == 0, job.log
    comment = github.state.comments[0][1]["body"]
    assert "Stack `shop` has drifted; this change set brings it back." in comment
    assert "by hand now `900`" in comment
