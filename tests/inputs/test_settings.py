"""Inputs at the border: what is understood, and that every mistake of a set is told at once."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy_action.cloudformation.change_set import Parameter
from deploy_action.cloudformation.stacks import StackRef
from deploy_action.cloudformation.template_parser import BYTES_MAX
from deploy_action.cloudformation.template_tree import BODY_BYTES_MAX
from deploy_action.errors import InvalidInput
from deploy_action.inputs.plan import KeepChangeSet, Phase
from deploy_action.inputs.settings import (
    Mode,
    OnStop,
    Settings,
    WhenBusy,
    parse_inputs,
)
from deploy_action.locking.registry_address import RegistryAddress
from deploy_action.locking.stores import parse_registry
from deploy_action.slack.routing import Override
from deploy_action.slack.view import NotificationEvent

SMALLEST = {"stack-name": "shop", "github-token": "ghs_x"}
NAMES = tuple(yaml.safe_load((Path(__file__).parents[2] / "action.yml").read_text("utf-8"))["inputs"])


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "stack.yaml").write_text("Resources: {}\n")
    (tmp_path / "infra").mkdir()
    return tmp_path


def parsed(workspace: Path | None = None, **inputs: str) -> Settings:
    """Settings of the smallest good set and these; underscores in names stand for hyphens."""
    given = {**SMALLEST, **{name.replace("_", "-"): value for name, value in inputs.items()}}
    if not (given.get("template") or given.get("command")):
        given.setdefault("mode", "watch")
    environ = {"DEPLOY_COORDINATOR_INPUTS": json.dumps(given), "AWS_REGION": "eu-west-1"}
    if workspace is not None:
        environ["GITHUB_WORKSPACE"] = str(workspace)
    return parse_inputs(environ)


def problems(workspace: Path | None = None, **inputs: str) -> tuple[str, ...]:
    with pytest.raises(InvalidInput) as caught:
        parsed(workspace, **inputs)
    return caught.value.problems


def the_problem(workspace: Path | None = None, **inputs: str) -> str:
    (problem,) = problems(workspace, **inputs)
    return problem


def test_the_smallest_set_watches_one_stack_with_the_registry_on_a_branch() -> None:
    found = parsed()
    assert found.stacks == (StackRef("eu-west-1", "shop"),)
    assert found.mode is Mode.ATTACH
    assert found.registry == RegistryAddress("github")
    assert found.when_busy is WhenBusy.WAIT
    assert found.wait_timeout_seconds == 3600
    assert found.timeout_seconds is None
    assert (found.environment, found.locks, found.command, found.template) == ("", (), "", "")
    assert not any((found.disable_rollback, found.fail_on_empty_change_set, found.no_execute_change_set))
    assert not found.delete_rolled_back_stack


def test_every_input_of_a_template_deployment_arrives(workspace: Path) -> None:
    found = parsed(
        workspace,
        stack_name="us-east-1/shop",
        environment="production",
        template="stack.yaml",
        parameter_overrides="Size=2",
        capabilities="CAPABILITY_IAM, CAPABILITY_NAMED_IAM\nCAPABILITY_IAM",
        tags="team=web",
        role_arn="arn:aws-us-gov:iam::123456789012:role/path/deployer",
        disable_rollback="true",
        fail_on_empty_changeset="Yes",
        no_execute_changeset="1",
        delete_rolled_back_stack="TRUE",
        timeout_in_minutes="1.5",
        stall_after_in_minutes="45",
        registry="s3://bucket/some/prefix/",
        when_busy="Fail",
        wait_timeout_in_minutes="0",
        slack_bot_token="xoxb-1",
        slack_webhook_url="https://hooks.slack.com/services/T/B/x",
        slack_channel="C1\nC4\nC1",
        slack_alert_channel="C2",
        slack_events="stalled: C3 alert\nprogress: off",
        slack_mentions="@here U123, S456",
        slack_outputs="Url Web*",
        slack_api_url="https://slack-gov.com/api/",
        runtime="host",
    )
    assert found.stacks == (StackRef("us-east-1", "shop"),)
    assert (found.mode, found.template) == (Mode.TEMPLATE, "stack.yaml")
    assert (found.environment, found.locks) == ("production", ("production",))
    assert found.parameters == (Parameter("Size", "2"),)
    assert found.capabilities == ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM")
    assert found.tags == (("team", "web"),)
    assert found.role_arn.endswith("role/path/deployer")
    assert (found.timeout_seconds, found.stall_after_seconds) == (90.0, 2700.0)
    assert found.disable_rollback
    assert found.fail_on_empty_change_set
    assert found.no_execute_change_set
    assert found.delete_rolled_back_stack
    assert (found.timeout_seconds, found.wait_timeout_seconds) == (90.0, 0.0)
    assert found.registry == RegistryAddress("s3", "bucket", "some/prefix")
    assert found.when_busy is WhenBusy.FAIL
    assert (found.slack_bot_token, found.slack_channels) == ("xoxb-1", ("C1", "C4"))
    assert found.slack_alert_channel == "C2"
    assert found.slack_webhook_url.endswith("/x")
    assert found.slack_events == {
        NotificationEvent.STALLED: Override(alert=True, channels=("C3",)),
        NotificationEvent.PROGRESS: Override(off=True),
    }
    assert found.slack_mentions == ("here", "U123", "S456")
    assert found.slack_outputs == ("Url", "Web*")
    assert found.slack_api_url == "https://slack-gov.com/api/"


def test_every_input_of_a_command_deployment_arrives(workspace: Path) -> None:
    found = parsed(workspace, command="npx cdk deploy\n", working_directory="infra", lock="a\nb\na")
    assert (found.mode, found.command, found.working_directory) == (Mode.COMMAND, "npx cdk deploy", "infra")
    assert found.locks == ("a", "b")


TAKE_ANY_TEXT = {"github-token", "registry-token", "image"}


def test_all_mistakes_of_a_bad_set_are_told_at_once() -> None:
    names = [
        name for name in NAMES if name not in TAKE_ANY_TEXT and not name.startswith(("slack-", "webhook-"))
    ]
    wrong = {
        "stack_name": "1shop\nnowhere/shop",
        "environment": "\u202e!",
        "lock": "\u202e$",
        "template": "missing.yaml",
        "command": "x",
        "parameter_overrides": "no pair",
        "capabilities": "ALL",
        "tags": "a=1,a=2",
        "role_arn": "deployer",
        "disable_rollback": "maybe",
        "timeout_in_minutes": "soon",
        "on_timeout": "explode",
        "on_cancel": "shrug",
        "stall_after_in_minutes": "soon",
        "expect_changes_within": "soon",
        "stack_set": "a:b",
        "fail_on_empty_changeset": "maybe",
        "no_execute_changeset": "maybe",
        "data_loss": "maybe",
        "allow_data_loss": "no*name",
        "delete_rolled_back_stack": "maybe",
        "diagnose_services": "maybe",
        "log": "loud",
        "preflight": "strictly",
        "github_deployment": "maybe",
        "environment_url": "output:no name",
        "working_directory": "missing",
        "s3_bucket": "A",
        "s3_prefix": "a b",
        "change_set_name": "a_b",
        "include_nested_stacks": "maybe",
        "import_existing_resources": "maybe",
        "notification_arns": "topic",
        "rollback_triggers": "alarm",
        "monitoring_time_in_minutes": "soon",
        "termination_protection": "maybe",
        "stack_policy": "missing.json",
        "registry": "redis://x",
        "queue_policy": "lottery",
        "priority": "urgent",
        "when_busy": "panic",
        "when_registry_away": "pray",
        "on_lost_lock": "cry",
        "wait_timeout_in_minutes": "-1",
        "mode": "preview",
        "keep_change_set": "maybe",
        "execute_change_set_id": "1",
        "when_outdated": "hm",
        "plan_comment": "maybe",
        "deployment_mode": "drift",
        "lock_token": "stolen",
        "on_older": "sigh",
        "commit": "main",
        "version": "1\n2",
        "runtime": "podman",
    }
    found = problems(None, **{**{name.replace("-", "_"): "no such value!" for name in names}, **wrong})
    told = " ".join(found)
    assert [name for name in names if f"`{name}`" not in told] == []
    assert len(found) == len(set(found))


def test_wrong_inputs_end_the_step_with_exit_code_3_and_a_remedy() -> None:
    with pytest.raises(InvalidInput) as caught:
        parsed(when_busy="panic", registry="redis://x")
    error = caught.value
    assert error.exit_code == 3
    assert error.what.startswith("2 inputs are wrong: ")
    assert error.why == "Nothing was locked or changed."
    assert "docs/reference.md" in error.remedy
    assert all(problem in str(error) for problem in error.problems)


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "[]", "3", '"x"', "null"])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="did not arrive"):
        parse_inputs({"DEPLOY_COORDINATOR_INPUTS": text})


def test_a_missing_stack_name_is_told() -> None:
    assert "`stack-name` is missing" in the_problem(stack_name="\n# a comment\n")


def test_null_and_real_booleans_are_understood() -> None:
    raw = {**SMALLEST, "environment": None, "diagnose-services": False, "timeout-in-minutes": 3}
    found = parse_inputs({"DEPLOY_COORDINATOR_INPUTS": json.dumps(raw), "AWS_REGION": "eu-west-1"})
    assert (found.environment, found.diagnose_services, found.timeout_seconds) == ("", False, 180.0)


class TestStackNames:
    def test_several_are_named_one_a_line_each_in_its_region(self) -> None:
        found = parsed(stack_name="shop\n us-gov-west-1/web \n\n# old\napi-*", environment="e", command="x")
        assert [str(stack) for stack in found.stacks] == [
            "eu-west-1/shop",
            "us-gov-west-1/web",
            "eu-west-1/api-*",
        ]
        assert [stack.is_glob for stack in found.stacks] == [False, False, True]

    def test_regions_of_every_partition_are_known(self) -> None:
        for region in ("eusc-de-east-1", "us-isob-east-1", "eu-isoe-west-1", "cn-north-1", "ap-southeast-7"):
            assert parsed(stack_name=f"{region}/shop").stacks == (StackRef(region, "shop"),)

    def test_a_stack_may_be_named_by_its_arn(self) -> None:
        arn = "arn:aws-us-gov:cloudformation:us-gov-west-1:123456789012:stack/shop/63aa8c92-eb3e-11f1"
        assert parsed(stack_name=arn).stacks == (StackRef("us-gov-west-1", "shop"),)
        with pytest.raises(InvalidInput, match="is not a stack's ARN"):
            parsed(stack_name="arn:aws:s3:::bucket")

    def test_the_account_of_an_arn_is_kept_and_there_is_one(self) -> None:
        arn = "arn:aws:cloudformation:eu-west-1:123456789012:stack/{}/63aa8c92"
        settings = parsed(stack_name=f"other\n{arn.format('shop')}\n{arn.format('api')}", command="make")
        assert settings.account == "123456789012"
        assert parsed(stack_name="shop").account == ""
        two = f"{arn.format('shop')}\n{arn.format('api').replace('12:stack', '13:stack')}"
        with pytest.raises(InvalidInput, match="stacks of several accounts"):
            parsed(stack_name=two, command="make")

    @pytest.mark.parametrize("profile", ["", "ops"])
    def test_the_region_of_the_profile_counts(self, tmp_path: Path, profile: str) -> None:
        (tmp_path / ".aws").mkdir()
        (tmp_path / ".aws" / "config").write_text(
            "[default]\nregion = eu-north-1\n[profile ops]\nregion=us-west-2\ns3 =\n  max_queue_size = 1\n"
        )
        environ = {"DEPLOY_COORDINATOR_INPUTS": json.dumps(SMALLEST), "HOME": str(tmp_path)}
        found = parse_inputs({**environ, "AWS_PROFILE": profile})
        assert found.stacks[0].region == ("us-west-2" if profile else "eu-north-1")
        assert parse_inputs({**environ, "AWS_REGION": "eu-west-3"}).stacks[0].region == "eu-west-3"

    def test_without_any_region_the_way_to_give_one_is_told(self) -> None:
        with pytest.raises(InvalidInput, match=r"write `REGION/shop` or set AWS_REGION"):
            parse_inputs({"DEPLOY_COORDINATOR_INPUTS": json.dumps(SMALLEST)})

    def test_the_default_region_variable_of_the_sdks_counts_too(self) -> None:
        environ = {"DEPLOY_COORDINATOR_INPUTS": json.dumps(SMALLEST), "AWS_DEFAULT_REGION": "us-east-2"}
        assert parse_inputs(environ).stacks[0].region == "us-east-2"

    @pytest.mark.parametrize(
        "name",
        [
            "1shop",
            "shop_1",
            "sh op",
            "x" * 129,
            "*/shop",
            "a/b/c",
            "arn:aws:cloudformation:x:1:stack/a/b",
            "é",
        ],
    )
    def test_what_is_no_name_is_refused(self, name: str) -> None:
        assert name in the_problem(stack_name=name)

    def test_one_stack_named_twice_is_a_mistake(self) -> None:
        assert "twice" in the_problem(stack_name="shop\neu-west-1/shop")

    def test_a_template_goes_to_exactly_one_stack(self, workspace: Path) -> None:
        for names in ("shop\nweb", "shop-*"):
            found = the_problem(workspace, stack_name=names, template="stack.yaml", environment="e")
            assert "exactly one stack" in found


class TestMode:
    """What asks for a deployment and would deploy nothing is never green."""

    @pytest.mark.parametrize(
        "given",
        [
            {"environment": "production"},
            {"lock": "database"},
            {"parameter-overrides": "A=1"},
            {"capabilities": "CAPABILITY_IAM"},
            {"tags": "a=1"},
            {"no-execute-changeset": "true"},
            {"on-cancel": "cancel-update"},
            {"working-directory": "infra"},
        ],
    )
    def test_an_empty_template_and_command_are_refused_where_a_deployment_is_meant(
        self, given: dict[str, str]
    ) -> None:
        inputs = {**SMALLEST, "template": "", "command": "", **given}
        with pytest.raises(InvalidInput) as caught:
            parse_inputs({"DEPLOY_COORDINATOR_INPUTS": json.dumps(inputs), "AWS_REGION": "eu-west-1"})
        (name,) = given
        assert f"nothing would be deployed, although `{name}` is given" in str(caught.value)
        assert "mode: watch" in str(caught.value)

    def test_a_name_alone_watches_with_a_warning_for_now(self) -> None:
        environ = {"DEPLOY_COORDINATOR_INPUTS": json.dumps(SMALLEST), "AWS_REGION": "eu-west-1"}
        found = parse_inputs(environ)
        assert found.mode is Mode.ATTACH
        assert "give `mode: watch`; the next major version requires it" in found.warnings[0]

    def test_watching_that_is_asked_for_has_no_warning(self) -> None:
        found = parsed(mode="Watch", environment="production")
        assert (found.mode, found.warnings) == (Mode.ATTACH, ())

    def test_deploying_that_is_asked_for_needs_a_way(self, workspace: Path) -> None:
        assert "nothing would be deployed" in the_problem(mode="deploy")
        assert parsed(mode="deploy", command="make").mode is Mode.COMMAND
        assert parsed(workspace, mode="deploy", template="stack.yaml").mode is Mode.TEMPLATE

    def test_watching_with_a_way_to_deploy_is_refused(self) -> None:
        assert "`mode: watch` deploys nothing, and `command` is given" in the_problem(
            mode="watch", command="x"
        )

    def test_the_modes_of_the_official_action_mean_the_same(self) -> None:
        only = parsed(mode="create-only", command="x").plan
        assert (only.phase, only.keep_change_set) == (Phase.PLAN, KeepChangeSet.ALWAYS)
        assert parsed(mode="create-and-execute", command="x").plan.phase is Phase.DEPLOY
        assert parsed(mode="execute-only").mode is Mode.CHANGE_SETS
        assert "none of deploy, plan, apply, watch" in the_problem(mode="preview", command="x")

    def test_a_plan_needs_a_way_and_its_application_none(self) -> None:
        assert "`mode: plan`: `template` and `command` are empty" in the_problem(mode="plan")
        assert "runs no command" in the_problem(mode="apply", command="x")
        assert "is for `mode: apply`" in the_problem(command="x", execute_change_set_id="deploy")
        assert "plans anew from `template`" in the_problem(mode="apply", when_outdated="plan")
        assert "works with `template` only" in the_problem(command="x", deployment_mode="revert-drift")


class TestUnknownNames:
    @pytest.mark.parametrize(
        ("name", "meant"),
        [
            ("comand", "command"),
            ("enviroment", "environment"),
            ("stack", "stack-name"),
            ("name", "stack-name"),
            ("timeout", "timeout-in-minutes"),
            ("wait-timeout", "wait-timeout-in-minutes"),
            ("stack_name", "stack-name"),
            ("template-file", "template"),
            ("slack-chanel", "slack-channel"),
        ],
    )
    def test_a_name_that_is_none_is_refused_with_the_one_that_was_meant(self, name: str, meant: str) -> None:
        inputs = {**SMALLEST, "command": "make", name: "x"}
        with pytest.raises(InvalidInput) as caught:
            parse_inputs({"DEPLOY_COORDINATOR_INPUTS": json.dumps(inputs), "AWS_REGION": "eu-west-1"})
        assert caught.value.problems == (f"`{name}` is not an input. Did you mean `{meant}`?",)
        assert caught.value.exit_code == 3

    @pytest.mark.parametrize(
        "name",
        [
            "http-proxy",
            "no-delete-failed-changeset",
        ],
    )
    def test_inputs_of_the_official_action_have_advice(self, name: str) -> None:
        assert "Take it away: " in the_problem(None, **{"command": "make", name: "x"})

    def test_names_are_compared_without_regard_to_case_as_the_runner_does(self) -> None:
        assert parsed(Command="make", mode="deploy").command == "make"

    def test_a_lock_step_has_its_own_names(self) -> None:
        environ = {
            "DEPLOY_COORDINATOR_INPUTS": json.dumps({"enviroment": "x", "lock": "y", "github-token": "t"}),
            "AWS_REGION": "eu-west-1",
        }
        with pytest.raises(InvalidInput, match="Did you mean `environment`"):
            parse_inputs(environ, step="lock")
        parse_inputs(environ, step="unlock")


class TestSlackStopsNothing:
    @pytest.mark.parametrize(
        ("given", "warning"),
        [
            ({"slack_bot_token": "xoxb-1"}, "`slack-channel` is empty"),
            ({"slack_bot_token": "xoxb-1", "slack_channel": "@team"}, "`@team` is not a channel"),
            ({"slack_channel": "C1"}, "`slack-bot-token` and `slack-webhook-url` are empty"),
            ({"slack_bot_token": "xoxb-1", "slack_channel": "C1 C2 C3 C4 C5 C6"}, "names 6 channels"),
            ({"slack_alert_channel": "a b"}, "names 2 channels"),
            ({"slack_events": "lunch: off"}, "`lunch` is no event"),
            ({"slack_events": "stalled: off\nstalled: alert"}, "given twice"),
            ({"slack_mentions": "@team"}, "`@team` is nobody's id"),
            ({"slack_mentions": "@team U123 @ops @team"}, "`@team` (and `@ops`) is nobody's id"),
            ({"slack_events": "lunch: off\ntea: off"}, "`lunch` (and `tea`) is no event"),
            ({"slack_events": "stalled: off\nstalled: alert\nstalled: C1"}, "given twice"),
            ({"slack_outputs": "a-b"}, "`a-b` is not the name"),
            ({"slack_outputs": "a-b Url c-d"}, "`a-b` (and `c-d`) is not the name"),
            ({"slack_api_url": "slack"}, "not a web address"),
            ({"slack_webhook_url": "https://hooks.slack.com/triggers/T/1/hunter2"}, "Workflow Builder"),
            ({"slack_webhook_url": "https://hooks.slack.com/workflows/T/A/1/hunter2"}, "Workflow Builder"),
        ],
    )
    def test_a_mistake_is_one_warning(self, given: dict[str, str], warning: str) -> None:
        found = parsed(None, **given)
        assert len(found.warnings) == 1
        assert warning in found.warnings[0]
        assert "hunter2" not in found.warnings[0]

    def test_what_is_right_beside_a_mistake_is_used(self) -> None:
        found = parsed(
            slack_channel="C1 @team C2",
            slack_bot_token="xoxb-1",
            slack_mentions="@team U123",
            slack_events="lunch: off\nstalled: alert",
            slack_outputs="Url a-b",
        )
        assert (found.slack_bot_token, found.slack_channels) == ("xoxb-1", ("C1", "C2"))
        assert found.slack_mentions == ("U123",)
        assert found.slack_events == {NotificationEvent.STALLED: Override(alert=True)}
        assert found.slack_outputs == ("Url",)


def test_the_same_mistake_in_two_lines_is_told_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        parsed(stack_name="1shop\n1shop", command="x")
    assert str(refused.value).count("`1shop` is not a stack name") == 1


class TestLocks:
    def test_the_environment_names_the_lock(self) -> None:
        assert parsed(environment="prod eu").locks == ("prod eu",)

    def test_names_of_locks_win_over_the_environment(self) -> None:
        assert parsed(environment="prod", lock="database\nnetwork").locks == ("database", "network")

    def test_without_both_each_stack_is_its_own_lock(self) -> None:
        assert parsed(stack_name="a\nb", command="x").locks == ()

    def test_a_glob_needs_a_name_for_its_lock(self) -> None:
        assert "give `environment` or `lock`" in the_problem(stack_name="shop-*")
        assert parsed(stack_name="shop-*", lock="shops").locks == ("shops",)

    @pytest.mark.parametrize("name", ["#1 (blue)", "R&D", "Bob's", "left, right", "eu – west", "a|b`c<d>"])
    def test_every_printable_name_is_a_name(self, name: str) -> None:
        found = parsed(environment=name)
        assert (found.environment, found.locks) == (name, (name,))
        assert parsed(lock=name).locks == (name,)

    def test_one_lock_in_two_spellings_is_taken_once(self) -> None:
        assert parsed(lock="Production\nproduction\n#x").locks == ("Production", "#x")

    @pytest.mark.parametrize("name", ["x" * 256, "a\u202eb", "a\u200bb"])
    def test_a_name_that_nobody_can_read_is_refused(self, name: str) -> None:
        assert the_problem(lock=name).startswith("`lock`: ")
        assert the_problem(environment=name).startswith("`environment`: ")


class TestRegistry:
    @pytest.mark.parametrize(
        ("text", "address"),
        [
            ("", RegistryAddress("github")),
            ("github", RegistryAddress("github")),
            ("GitHub", RegistryAddress("github")),
            ("S3://my-bucket", RegistryAddress("s3", "my-bucket")),
            ("s3://my-bucket", RegistryAddress("s3", "my-bucket")),
            ("s3://my-bucket/a/b/", RegistryAddress("s3", "my-bucket", "a/b")),
            ("dynamodb://locks.table_1", RegistryAddress("dynamodb", "locks.table_1")),
            ("file:///var/registry", RegistryAddress("file", "/var/registry")),
        ],
    )
    def test_addresses(self, text: str, address: RegistryAddress) -> None:
        assert parsed(registry=text).registry == address

    @pytest.mark.parametrize("text", ["file://", "file://./here", "file://~/registry"])
    def test_a_file_needs_an_absolute_path(self, text: str) -> None:
        assert "absolute path" in the_problem(registry=text)

    @pytest.mark.parametrize("text", ["s3://", "s3://ab", "dynamodb://a b", "git", "redis://x"])
    def test_what_is_no_address_is_refused(self, text: str) -> None:
        assert (
            "is none of dynamodb://table, file:///path, github, github://owner/name#branch, s3://"
            in the_problem(registry=text)
        )

    @pytest.mark.parametrize(
        ("text", "address"),
        [
            ("github://org/locks", RegistryAddress("github", "org/locks")),
            (
                "github://a_corp/.github#deploy/v1.2",
                RegistryAddress("github", "a_corp/.github", "deploy/v1.2"),
            ),
            (
                "github://GitHub.example.com:8443/org/locks#b",
                RegistryAddress("github", "org/locks", "b", "github.example.com:8443"),
            ),
        ],
    )
    def test_another_repository(self, text: str, address: RegistryAddress) -> None:
        assert parsed(registry=text, registry_token="there").registry == address

    @pytest.mark.parametrize(
        "repository", ["", "org", "org/", "/name", "org/..", "-org/a", "org/a b", "org/a?ref=x"]
    )
    def test_what_is_no_repository_is_refused(self, repository: str) -> None:
        assert "must be github://owner/name" in the_problem(registry=f"github://{repository}")

    @pytest.mark.parametrize(
        "branch",
        ["a..b", "/a", "a/", "a//b", "a.", "a b", "a#b", "a.lock", "a.lock/b", "a/.b", "-a", "@{"],
    )
    def test_what_is_no_branch_is_refused(self, branch: str) -> None:
        assert "is not the name of a branch" in the_problem(registry=f"github://org/locks#{branch}")

    @pytest.mark.parametrize(
        ("host", "api", "graphql"),
        [
            ("ghe.example.com", "https://ghe.example.com/api/v3", "https://ghe.example.com/api/graphql"),
            ("github.com", "https://api.github.com", "https://api.github.com/graphql"),
            ("corp.ghe.com", "https://api.corp.ghe.com", "https://api.corp.ghe.com/graphql"),
        ],
    )
    def test_another_github(self, host: str, api: str, graphql: str) -> None:
        address = parse_registry(f"github://{host}/org/locks")
        assert (address.api_url, address.graphql_url) == (api, graphql)

    @pytest.mark.parametrize(
        "host", ["ghe_1.example", "-a.example", "a..b", "user@ghe.example", "a.b:x", "ghe"]
    )
    def test_what_is_no_server_is_refused(self, host: str) -> None:
        assert "is not the name of a GitHub server" in the_problem(registry=f"github://{host}/org/locks")

    def test_another_github_needs_a_token_of_its_own(self) -> None:
        problem = the_problem(registry="github://ghe.example/org/locks")
        assert "`registry-token` is empty, and the registry is on ghe.example" in problem
        found = parsed(registry="github://ghe.example/org/locks", registry_token="there", github_token="")
        assert (found.github_token, found.token_of_registry) == ("", "there")

    def test_the_own_server_by_name_is_no_other(self) -> None:
        found = parsed(registry="github://github.com/org/locks")
        assert (found.registry.host, found.token_of_registry) == ("", found.github_token)

    def test_a_branch_that_is_not_named_is_refused(self) -> None:
        assert "there is no branch" in the_problem(registry="github://org/locks#")

    def test_the_end_of_an_address_to_clone_from_is_refused(self) -> None:
        assert "ends in .git" in the_problem(registry="github://org/locks.git")

    def test_another_repository_needs_a_token_too(self) -> None:
        assert "`github-token` is empty" in the_problem(registry="github://org/locks", github_token="")

    def test_the_branch_needs_a_token(self) -> None:
        assert "`github-token` is empty" in the_problem(github_token="")

    def test_other_stores_need_none(self) -> None:
        assert parsed(github_token="", registry="dynamodb://table").github_token == ""


class TestTogether:
    def test_template_and_command_exclude_each_other(self, workspace: Path) -> None:
        assert "give one of them" in the_problem(workspace, template="stack.yaml", command="x")

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("parameter-overrides", "A=1"),
            ("capabilities", "CAPABILITY_IAM"),
            ("tags", "a=1"),
            ("role-arn", "arn:aws:iam::123456789012:role/x"),
            ("no-execute-changeset", "true"),
            ("fail-on-empty-changeset", "true"),
            ("disable-rollback", "true"),
        ],
    )
    def test_what_a_template_alone_can_use_is_refused_elsewhere(self, name: str, value: str) -> None:
        for command in ("", "make deploy"):
            (found,) = problems(None, **{name: value, "command": command})
            assert f"`{name}` works with `template` only" in found

    @pytest.mark.parametrize("text", ["", "auto", "container", "HOST"])
    def test_known_runtimes(self, text: str) -> None:
        assert parsed(runtime=text).stacks

    def test_an_unknown_runtime_is_refused(self) -> None:
        assert "none of auto, container, host" in the_problem(runtime="podman")


def in_job(workspace: Path, temp: Path, given: dict[str, str]) -> dict[str, str]:
    return {
        "AWS_REGION": "eu-west-1",
        "GITHUB_WORKSPACE": str(workspace),
        "RUNNER_TEMP": str(temp),
        "DEPLOY_COORDINATOR_INPUTS": json.dumps({**SMALLEST, **given}),
    }


class TestFilesAndFolders:
    def test_a_template_at_an_address_is_not_looked_for(self) -> None:
        assert parsed(template="https://b.s3.amazonaws.com/t.yaml").template.startswith("https://")

    def test_a_template_that_is_missing_points_at_the_checkout(self, workspace: Path) -> None:
        assert "actions/checkout" in the_problem(workspace, template="missing.yaml")
        assert "not a regular file" in the_problem(workspace, template="infra")
        for name in ("x" * 5000, "a\0b"):
            assert "cannot be read" in the_problem(workspace, template=name)

    def test_only_regular_files_inside_the_workspace_are_read(self, workspace: Path) -> None:
        (workspace / "environ").symlink_to("/proc/self/environ")
        (workspace / "zero").symlink_to("/dev/zero")
        (workspace / "round").symlink_to("round")
        os.mkfifo(workspace / "pipe")
        for name in ("environ", "zero", "/dev/zero", "../outside", "round", "pipe"):
            (workspace.parent / "outside").write_text("A=1")
            given = {"parameter-overrides": f"file://{name}", "template": "stack.yaml"}
            assert "`parameter-overrides`: " in the_problem(workspace, **given)
            assert "`template`: " in the_problem(workspace, template=name)

    def test_what_an_earlier_step_left_in_runner_temp_is_read(
        self, workspace: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        temp = tmp_path_factory.mktemp("temp")
        (temp / "p.json").write_text('{"A": "1"}')
        (temp / "packaged.yaml").write_text("Resources: {}\n")
        given = {"template": f"{temp}/packaged.yaml", "parameter-overrides": f"file://{temp}/p.json"}
        settings = parse_inputs(in_job(workspace, temp, given))
        assert (settings.template_body, settings.parameters) == ("Resources: {}\n", (Parameter("A", "1"),))

    def test_no_link_leads_from_the_workspace_to_runner_temp_or_out_of_it(
        self, workspace: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        """What a pull request brings in is a link in the workspace."""
        folder = tmp_path_factory.mktemp("work")
        temp = folder / "_temp"
        temp.mkdir()
        (temp / "p.json").write_text('{"A": "1"}')
        (temp / "out").symlink_to("/proc/self/environ")
        (temp / "back").symlink_to(workspace / "stack.yaml")
        (folder / "_temporary").write_text('{"A": "1"}')
        (workspace / "link").symlink_to(temp / "p.json")
        for name in (
            "link",
            f"{temp}/out",
            f"{temp}/back",
            f"{folder}/_temporary",
            f"{temp}/../_temporary",
        ):
            given = {"template": "stack.yaml", "parameter-overrides": f"file://{name}"}
            with pytest.raises(InvalidInput, match="outside the workspace and RUNNER_TEMP"):
                parse_inputs(in_job(workspace, temp, given))

    def test_a_link_inside_the_workspace_and_an_absolute_path_are_read(self, workspace: Path) -> None:
        (workspace / "infra" / "link.yaml").symlink_to("../stack.yaml")
        for name in ("infra/link.yaml", f"{workspace}/stack.yaml", "file://stack.yaml"):
            assert parsed(workspace, template=name).template_body == "Resources: {}\n"

    def test_an_address_that_cloudformation_does_not_take_is_refused_with_the_one_to_give(self) -> None:
        found = the_problem(template="s3://bucket/a/t.yaml")
        assert "https://bucket.s3.REGION.amazonaws.com/a/t.yaml" in found
        assert "neither a file" in the_problem(template="http://bucket/t.yaml")
        assert "an address is not read" in the_problem(
            template="https://b.s3.amazonaws.com/t", parameter_overrides="s3://bucket/p.json"
        )

    def test_the_declared_parameters_of_the_template_decide(self, workspace: Path) -> None:
        (workspace / "p.yaml").write_text(
            "Parameters: {Env: {Type: String}, Tag: {Type: String}}\nResources: {}"
        )
        found = the_problem(workspace, template="p.yaml", parameter_overrides="Env=stage Tag=1.1")
        assert "the value of `Env` contains `Tag=`" in found
        kept = parsed(workspace, template="p.yaml", parameter_overrides="Env=stage other=1.1")
        assert kept.parameters == (Parameter("Env", "stage other=1.1"),)

    def test_a_parameter_keeps_the_value_of_the_stack(self, workspace: Path) -> None:
        given = '[{"ParameterKey":"DbPassword","UsePreviousValue":true}]'
        assert parsed(workspace, template="stack.yaml", parameter_overrides=given).parameters == (
            Parameter("DbPassword", None),
        )

    def test_no_tags_are_not_the_same_as_none_given(self, workspace: Path) -> None:
        assert parsed(workspace, template="stack.yaml").tags is None
        assert parsed(workspace, template="stack.yaml", tags="# none").tags is None
        assert parsed(workspace, template="stack.yaml", tags="[]").tags == ()

    def test_a_file_of_codepipeline_serves_both_inputs(self, workspace: Path) -> None:
        (workspace / "c.json").write_text('{"Parameters": {"A": "1"}, "Tags": {"team": "a"}}')
        found = parsed(
            workspace, template="stack.yaml", parameter_overrides="file://c.json", tags="file://c.json"
        )
        assert (found.parameters, found.tags) == ((Parameter("A", "1"),), (("team", "a"),))

    def test_a_template_that_is_too_long_names_the_way_out(self, workspace: Path) -> None:
        file = workspace / "long.yaml"
        file.write_bytes(b"x" * BODY_BYTES_MAX)
        assert parsed(workspace, template="long.yaml").mode is Mode.TEMPLATE
        file.write_bytes(b"x" * (BODY_BYTES_MAX + 1))
        assert "51,201 bytes" in the_problem(workspace, template="long.yaml")
        assert "Name a bucket as `s3-bucket`" in the_problem(workspace, template="long.yaml")
        assert parsed(workspace, template="long.yaml", s3_bucket="b-1").template_bucket is not None
        file.write_bytes(b"x" * (BYTES_MAX + 1))
        assert "split it into nested stacks" in the_problem(workspace, template="long.yaml", s3_bucket="b-1")

    def test_a_folder_that_is_missing_is_told(self, workspace: Path) -> None:
        for name in ("missing", "stack.yaml", "x" * 5000, "a\0b"):
            assert "there is no folder" in the_problem(workspace, command="x", working_directory=name)

    def test_parameters_from_a_file_of_the_workspace(self, workspace: Path) -> None:
        (workspace / "p.json").write_bytes(b'\xef\xbb\xbf[{"ParameterKey": "A", "ParameterValue": "1"}]')
        found = parsed(workspace, template="stack.yaml", parameter_overrides="file://p.json")
        assert found.parameters == (Parameter("A", "1"),)

    def test_a_file_of_parameters_that_cannot_be_read_is_told(self, workspace: Path) -> None:
        (workspace / "binary").write_bytes(b"A=\xff")
        for name in ("missing.json", "binary", "infra", "a\0b"):
            found = the_problem(workspace, template="stack.yaml", parameter_overrides=f"file://{name}")
            assert "`parameter-overrides`: " in found

    def test_tags_may_be_a_list_of_objects(self, workspace: Path) -> None:
        found = parsed(workspace, template="stack.yaml", tags="- Key: a\n  Value: 1\n")
        assert found.tags == (("a", "1"),)


class TestMinutes:
    @pytest.mark.parametrize("text", ["nan", "inf", "-1", "50401", "1h", "1,5"])
    def test_what_is_no_number_of_minutes_is_refused(self, text: str) -> None:
        assert "is not a number of minutes" in the_problem(timeout_in_minutes=text)
        assert "is not a number of minutes" in the_problem(wait_timeout_in_minutes=text)
        assert "is not a number of minutes" in the_problem(stall_after_in_minutes=text)

    def test_a_stall_after_no_time_at_all_is_refused(self) -> None:
        assert "is not a number of minutes" in the_problem(stall_after_in_minutes="0")


class TestSecrets:
    def test_the_settings_do_not_show_secrets(self, workspace: Path) -> None:
        found = parsed(
            workspace,
            template="stack.yaml",
            parameter_overrides="Password=hunter2",
            tags="token=hunter2",
            github_token="hunter2",
            slack_bot_token="hunter2",
            slack_channel="C1",
            slack_webhook_url="https://hooks.slack.com/hunter2",
        )
        assert "shop" in repr(found)
        assert "hunter2" not in f"{found!r} {found!s} {[found]}"

    @pytest.mark.parametrize(
        "text", ["hunter2", "ftp://hunter2/x", "https://[hunter2", "https://hunter2\u2100/"]
    )
    def test_a_wrong_webhook_address_is_not_repeated(self, text: str) -> None:
        found = parsed(slack_webhook_url=text)
        assert found.slack_webhook_url == ""
        assert found.warnings == ("`slack-webhook-url`: it is not a web address. Slack does without it.",)


texts = st.text(max_size=40) | st.sampled_from(
    [
        "true",
        "*",
        "a=b",
        "file://x",
        "s3://bucket",
        "shop-*",
        "https://[",
        "{",
        "- a: b",
        "a\nb",
        "0",
        "1e9",
        "%",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=9), texts, max_size=len(NAMES)))
def test_any_set_of_texts_gives_settings_or_a_list_of_mistakes(inputs: dict[str, str]) -> None:
    try:
        found = parse_inputs({"DEPLOY_COORDINATOR_INPUTS": json.dumps(inputs), "AWS_REGION": "eu-west-1"})
    except InvalidInput as error:
        assert error.problems  # noqa: PT017 - both ends are right
    else:
        assert found.stacks


def test_only_a_change_sets_update_can_be_cancelled(workspace: Path) -> None:
    found = parsed(workspace, template="stack.yaml", on_cancel="cancel-update", on_timeout="cancel-update")
    assert (found.on_cancel, found.on_timeout) == (OnStop.CANCEL_UPDATE, OnStop.CANCEL_UPDATE)
    assert parsed().on_cancel is OnStop.LEAVE
    assert "`cancel-update` works with `template` only" in the_problem(
        workspace, command="x", on_cancel="cancel-update"
    )


class TestLocksToReadUnder:
    def test_a_lock_is_read_under_where_its_name_says_so(self) -> None:
        settings = parsed(lock="web\nnetwork:read", stack_name="shop")
        assert (settings.locks, settings.shared_locks) == (("web", "network"), ("network",))

    def test_a_lock_that_is_named_both_ways_is_locked_for_writing(self) -> None:
        settings = parsed(lock="network:read\nNetwork", stack_name="shop")
        assert (settings.locks, settings.shared_locks) == (("network",), ())

    def test_an_environment_is_never_only_read_under(self) -> None:
        settings = parsed(environment="shop:read", stack_name="shop")
        assert (settings.locks, settings.shared_locks) == (("shop:read",), ())
