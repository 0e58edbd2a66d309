"""README and guides say what is so: tables are current, links lead somewhere, commands and inputs exist."""

from __future__ import annotations

import inspect
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore.session
import click
import pytest
import yaml
from botocore import xform_name

from deploy_action import __version__, errors
from deploy_action.cli.app import PROGRAM, Commands, app
from deploy_action.cloudformation.template_tree import BODY_BYTES_MAX
from deploy_action.history import document as history
from deploy_action.inputs.table import TABLE
from deploy_action.locking import expiry as leases
from deploy_action.locking.document import Ticket
from deploy_action.locking.expiry import silence_allowed
from deploy_action.locking.job_status import JobStatus
from tests.clock import VirtualClock
from tools import reference

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob(".github/*.md"), *ROOT.glob("docs/**/*.md")])
GUIDES = [page for page in PAGES if page.parent.name != "adr"]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
FENCE = re.compile(r"^(?P<indent> *)```(?P<kind>\w*)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
WAIT_TIMEOUT_SECONDS = 60 * float(TABLE["wait-timeout-in-minutes"].default)

AWAITED: set[str] = set()
"""What the runbook names ahead of its arrival. Empty once all of it is there."""


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def fences(text: str, *kinds: str) -> list[str]:
    return [match["text"] for match in FENCE.finditer(text) if match["kind"] in kinds]


def prose(text: str) -> str:
    return FENCE.sub("", text)


class TestGeneratedParts:
    @pytest.mark.parametrize("name", reference.DOCUMENTS)
    def test_they_are_current(self, name: str) -> None:
        text = (ROOT / name).read_text("utf-8")
        assert reference.rewritten(text, ACTION) == text, "run `make docs`"

    def test_each_stands_somewhere(self) -> None:
        texts = "".join((ROOT / name).read_text("utf-8") for name in reference.DOCUMENTS)
        assert {part for part in reference.PARTS if f"<!-- generated: {part} -->" in texts} == set(
            reference.PARTS
        )

    def test_every_input_is_in_one_group(self) -> None:
        names = [name for names in reference.grouped(ACTION["inputs"]).values() for name in names]
        assert sorted(names) == sorted(ACTION["inputs"])

    def test_every_input_of_the_action_has_a_heading(self) -> None:
        assert "" not in reference.grouped(ACTION["inputs"])

    def test_the_action_in_a_folder_is_the_same_but_for_the_way_to_its_launcher(self) -> None:
        copy = yaml.safe_load((ROOT / reference.COPY).read_text("utf-8"))
        launchers = {shlex.split(step["run"])[2] for step in copy["runs"]["steps"]}
        assert launchers == {"$GITHUB_ACTION_PATH/../launcher/launch"}
        for step in copy["runs"]["steps"]:
            step["run"] = step["run"].replace("/../", "/")
        assert copy == ACTION, "run `make docs`"

    def test_an_input_is_declared_in_one_place(self, tmp_path: Path) -> None:
        """All else follows from the generator: actions, workflows, and the reference."""
        for name in (*reference.ACTIONS, reference.COPY, *reference.DOCUMENTS):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
        for folder in ("deploy_action", "tools", ".github", "docs/adr"):
            shutil.copytree(ROOT / folder, tmp_path / folder, dirs_exist_ok=True)
        with (tmp_path / "deploy_action" / "data" / "inputs.toml").open("a") as file:
            file.write(
                '[[input]]\nname = "moon-phase"\ngroup = "Watching"\ndefault = "new"\n'
                'description = "The phase: `new` or `full`."\nrelease-description = "As there."\n'
            )
        done = subprocess.run(
            [sys.executable, "-m", "tools.reference"],
            cwd=tmp_path,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        written = {
            name: (tmp_path / name).read_text().count("moon-phase")
            for name in (
                *reference.ACTIONS,
                reference.COPY,
                reference.CALLED,
                reference.CALLED_ON_ENTERPRISE_SERVER,
                "docs/reference.md",
            )
        }
        assert written == {
            "action.yml": 1,
            "lock/action.yml": 0,
            "release/action.yml": 1,
            "deploy/action.yml": 1,
            ".github/workflows/deploy.yml": 3,
            ".github/workflows/deploy-enterprise-server.yml": 3,
            "docs/reference.md": 2,
        }
        declared = yaml.safe_load((tmp_path / "action.yml").read_text())["inputs"]["moon-phase"]
        assert declared == {"description": "The phase: `new` or `full`.", "default": "new"}

    def test_a_stale_one_is_told_and_mended(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        copies = (reference.COPY, reference.CALLED, reference.CALLED_ON_ENTERPRISE_SERVER)
        for name in (*reference.ACTIONS, *copies, *reference.DOCUMENTS):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text((ROOT / name).read_text("utf-8"), "utf-8")
        page = tmp_path / "docs" / "reference.md"
        current = page.read_text("utf-8")
        page.write_text(current.replace("| `when-busy` |", "| `if-busy` |"), "utf-8")
        assert reference.main(["--check"], tmp_path) == 1
        assert capsys.readouterr().out == "docs/reference.md is stale: run `make docs`.\n"
        assert reference.main([], tmp_path) == 0
        assert page.read_text("utf-8") == current
        assert reference.main(["--check"], tmp_path) == 0

    @pytest.mark.parametrize(
        ("text", "first"),
        [
            ("The one. The other.", "The one."),
            ("See `a. b` and v1.2; then stop. No.", "See `a. b` and v1.2; then stop."),
            ("No stop", "No stop"),
        ],
    )
    def test_a_first_sentence_ends_outside_of_code(self, text: str, first: str) -> None:
        assert reference.first_sentence(text) == first

    def test_a_cell_cannot_leave_its_table(self) -> None:
        action = {"outputs": {"x": {"description": "a | b\nc"}}}
        assert reference.outputs(action).splitlines()[2] == "| `x` | a \\| b c |"


class TestExitCodes:
    def test_every_error_has_a_line_in_the_table(self) -> None:
        told = set(re.findall(r"^\| (\d+) \|", reference.exit_codes(ACTION), re.MULTILINE))
        codes = {
            str(error.exit_code)
            for _, error in inspect.getmembers(errors, inspect.isclass)
            if issubclass(error, errors.CoordinatorError)
        }
        assert codes <= told

    def test_outcomes_and_codes_agree_with_the_table_of_the_step(self) -> None:
        page = (ROOT / "docs" / "reference.md").read_text("utf-8")
        by_outcome = page[page.index("| `outcome` |") : page.index("What the exit code")]
        codes = set(re.findall(r"\| (\d+)(?:,[^|]*)? \|", by_outcome))
        assert codes == set(re.findall(r"^\| (\d+) \|", reference.exit_codes(ACTION), re.MULTILINE)) - {"70"}


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    found = set()
    for heading in re.findall(r"^#+ (.*)$", prose(page.read_text("utf-8")), re.MULTILINE):
        words = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
        found.add(words.replace(" ", "-"))
    return found


def broken_links(page: Path, text: str) -> list[str]:
    broken = []
    for match in LINK.finditer(prose(text)):
        path, _, anchor = match["target"].partition("#")
        if re.match(r"[a-z]+:", path):
            continue
        target = (page.parent / path).resolve() if path else page
        inside = target.is_relative_to(ROOT) and target.exists()
        if not inside or (anchor and (target.suffix != ".md" or anchor not in anchors(target))):
            broken.append(match["target"])
    return broken


class TestLinks:
    @pytest.mark.parametrize("page", PAGES, ids=name_of)
    def test_each_leads_somewhere_in_the_repository(self, page: Path) -> None:
        assert set(broken_links(page, page.read_text("utf-8"))) - AWAITED == set()

    @pytest.mark.parametrize(
        "link", ["docs/nowhere.md", "README.md#nowhere", "#nowhere", "../outside.md", "LICENSE#heading"]
    )
    def test_one_that_leads_nowhere_is_found(self, link: str) -> None:
        assert broken_links(ROOT / "README.md", f"[a]({link})") == [link]

    def test_the_readme_leads_to_every_guide(self) -> None:
        readme = (ROOT / "README.md").read_text("utf-8")
        missing = [name_of(page) for page in ROOT.glob("docs/*.md") if f"({name_of(page)})" not in readme]
        assert missing == []


def problem_with(line: str) -> str:
    """What the command line says against the words of a guide, without doing anything."""
    words = shlex.split(re.split(r" (?:\||>|&&) ", line)[0], comments=True)[1:]
    command: click.Command = app
    name = PROGRAM
    context = click.Context(app, info_name=PROGRAM, obj=VirtualClock())
    try:
        while isinstance(command, click.Group) and words:
            name, *words = words
            found = command.get_command(context, name)
            if found is None:
                return f"no command {name}"
            command = found
        command.make_context(name, words, parent=context)
    except click.exceptions.Exit:  # --help
        return ""
    except click.ClickException as error:
        return error.format_message()
    return ""


class TestCommands:
    @pytest.mark.parametrize("page", GUIDES, ids=name_of)
    def test_each_in_a_guide_is_understood(self, page: Path) -> None:
        text = page.read_text("utf-8")
        lines = [
            line
            for block in fences(text, "sh", "console", "")
            for line in block.replace("\\\n", " ").splitlines()
            if re.match(rf"\s*(?:\$ )?(?:\S*/)?{PROGRAM} ", line)
        ]
        problems = {line: problem_with(line.strip().removeprefix("$ ")) for line in lines}
        assert {line: problem for line, problem in problems.items() if problem not in {"", *AWAITED}} == {}

    @pytest.mark.parametrize("page", GUIDES, ids=name_of)
    def test_each_that_a_sentence_names_exists(self, page: Path) -> None:
        named = set(re.findall(rf"`{PROGRAM} ([a-z-]+)", prose(page.read_text("utf-8"))))
        assert isinstance(app, Commands)
        assert named <= set(app.list_commands(click.Context(app)))

    @pytest.mark.parametrize(
        "line",
        [
            f"{PROGRAM} thaw production",
            f"{PROGRAM} freeze production",
            f"{PROGRAM} freeze production --reason x --for ever",
            f"{PROGRAM} active --colour",
        ],
    )
    def test_one_that_is_not_understood_is_found(self, line: str) -> None:
        assert problem_with(line)

    @pytest.mark.parametrize("page", GUIDES, ids=name_of)
    def test_targets_of_make_exist(self, page: Path) -> None:
        text = page.read_text("utf-8")
        named = set(re.findall(r"(?:`|^ *)make ([a-z-]+)", text, re.MULTILINE))
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
        assert named <= targets


def uses(node: Any) -> list[dict[str, Any]]:
    """Every use of the action in a piece of YAML, with what it is given."""
    if isinstance(node, dict):
        own = [node["with"]] if str(node.get("uses", "")).startswith("org/deploy-coordinator@") else []
        return own + [use for value in node.values() for use in uses(value)]
    if isinstance(node, list):
        return [use for value in node for use in uses(value)]
    return []


class TestNumbers:
    """What the guides say in minutes and bytes is what the code does."""

    HOLDER = Ticket("n", "c", ("a",), epochs=(("a", 1),))
    WAITER = Ticket("n", "c", ("a", "b"))

    @pytest.mark.parametrize(
        ("page", "words", "seconds"),
        [
            ("coordination.md", "be known | after {} minutes", silence_allowed(HOLDER, JobStatus.UNKNOWN)),
            ("coordination.md", "said to run | after {} minutes", silence_allowed(HOLDER, JobStatus.RUNNING)),
            ("coordination.md", "locks | also after {} minutes", silence_allowed(WAITER, JobStatus.UNKNOWN)),
            ("coordination.md", "a waiter | after {} minutes", leases.CLAIM_SECONDS),
            ("coordination.md", "a sign of life, every {} minutes", leases.renewal_seconds(HOLDER)),
            ("coordination.md", "within {} minutes by who waits already", leases.ASK_SECONDS),
            ("coordination.md", "waits {} minutes for the registry to come back", HOLDER.lease),
            (
                "migration.md",
                "`wait-timeout-in-minutes` (default {})",
                60.0 * float(TABLE["wait-timeout-in-minutes"].default),
            ),
        ],
    )
    def test_minutes(self, page: str, words: str, seconds: float) -> None:
        assert words.format(f"{seconds / 60:g}") in self.text(page)

    def test_sizes(self) -> None:
        page = self.text("security.md")
        assert f"{history.BYTES_MAX // 1000} KB at most" in page
        assert f"older than the newest {history.KEPT_PER_STACK} of a stack" in page
        assert f"above {BODY_BYTES_MAX:,} bytes" in self.text("migration.md")

    def text(self, page: str) -> str:
        return " ".join((ROOT / "docs" / page).read_text("utf-8").split())


def promised() -> list[tuple[str, str]]:
    """The tests that the table of promises names: the file, and what of it (all where it is empty)."""
    page = (ROOT / "docs/coordination.md").read_text("utf-8")
    table = page.partition("| Promise | Seen by |\n")[2].partition("\n\n")[0]
    seen = [row.split("|")[2] for row in table.splitlines()[1:]]
    return [
        (str(match[1]), str(match[2] or ""))
        for cell in seen
        for match in re.finditer(r"`(tests/[\w/]+\.py)`(?: \(`(\w+)`\))?", cell)
    ]


class TestPromises:
    @pytest.mark.parametrize(("file", "what"), promised())
    def test_each_test_that_sees_to_one_is_there(self, file: str, what: str) -> None:
        text = (ROOT / file).read_text("utf-8")
        assert re.search(rf"^ *(def|class) {what or 'test_'}", text, re.MULTILINE)

    def test_the_table_is_read(self) -> None:
        assert len(promised()) > 20


def strangers(text: str) -> list[str]:
    """Uses of the action by another owner than `org`, which stands for the reader's."""
    return [
        match[0]
        for match in re.finditer(r"uses: *[\"']?([\w.-]+)/deploy-coordinator\b[^\s`]*", text)
        if match[1] not in {"org", "YOUR-ORG"}
    ]


class TestOwner:
    @pytest.mark.parametrize("page", [*GUIDES, *sorted(ROOT.glob("examples/**/*.yml"))], ids=name_of)
    def test_the_action_is_named_by_one_owner(self, page: Path) -> None:
        assert strangers(page.read_text("utf-8")) == []

    def test_another_owner_is_found(self) -> None:
        assert strangers("- uses: acme/deploy-coordinator/cli@v1") == ["uses: acme/deploy-coordinator/cli@v1"]


class TestExamples:
    def test_the_first_one_is_as_short_as_its_table_says(self) -> None:
        words = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
        text = (ROOT / "examples/template.yml").read_text("utf-8")
        step = text[text.index("      - id: deploy") :].rstrip().splitlines()
        assert f"its step is {words[len(step) - 1]} lines" in (ROOT / "examples/README.md").read_text("utf-8")

    def test_left_over_messages_go_wherever_the_command_can_send_them(self) -> None:
        job = yaml.safe_load((ROOT / "examples/slack-queue.yml").read_text("utf-8"))["jobs"]["process"]
        (given,) = [step["env"] for step in job["steps"] if "slack-queue process" in step.get("run", "")]
        assert {"SLACK_BOT_TOKEN", "WEBHOOK_URL"} <= set(given)


class TestVersion:
    def test_the_readme_says_what_main_is_until_there_is_a_release(self) -> None:
        readme = " ".join((ROOT / "README.md").read_text("utf-8").split())
        sentence = f"No release yet; `main` is {__version__}."
        assert (sentence in readme) == (".dev" in __version__)
        assert ("No release yet" in readme) == (sentence in readme)


class TestEmergency:
    def test_past_the_queue_leads_promote_before_release(self) -> None:
        page = (ROOT / "docs/troubleshooting.md").read_text("utf-8")
        (row,) = re.findall(r"^\| deploy past the queue \|.*$", page, re.MULTILINE)
        assert 0 < row.find(f"{PROGRAM} promote ") < row.find(f"{PROGRAM} release ")


class TestPictures:
    @pytest.mark.parametrize("page", GUIDES, ids=name_of)
    def test_no_semicolon_ends_a_line_of_a_diagram_early(self, page: Path) -> None:
        assert not [block for block in fences(page.read_text("utf-8"), "mermaid") if ";" in block]


class TestWorkflowsInGuides:
    @pytest.mark.parametrize("page", GUIDES, ids=name_of)
    def test_they_are_yaml_and_give_inputs_that_exist(self, page: Path) -> None:
        text = page.read_text("utf-8")
        # Of a change, what stands there afterwards.
        after = [
            "".join(line[1:] for line in block.splitlines(keepends=True) if not line.startswith("-"))
            for block in fences(text, "diff")
        ]
        for block in fences(text, "yaml") + after:
            for given in uses(yaml.safe_load(block)):
                assert set(given) <= set(ACTION["inputs"]), block


SERVICES = (
    "cloudformation", "cloudtrail", "dynamodb", "ec2", "ecr", "ecs", "iam", "lambda", "logs", "rds", "s3",
    "secretsmanager", "service-quotas", "sns", "sqs", "ssm", "sts",
)  # fmt: skip
ALWAYS_ALLOWED = {"sts:GetCallerIdentity"}
GRANTED_BY = {
    "s3:HeadBucket": {"s3:ListBucket"},
    "s3:HeadObject": {"s3:GetObject"},
    "s3:ListBuckets": {"s3:ListAllMyBuckets"},
    "service-quotas:GetServiceQuota": {"servicequotas:GetServiceQuota"},
    "service-quotas:GetAWSDefaultServiceQuota": {"servicequotas:GetAWSDefaultServiceQuota"},
    "sqs:ChangeMessageVisibilityBatch": {"sqs:ChangeMessageVisibility"},
    "sqs:DeleteMessageBatch": {"sqs:DeleteMessage"},
    "dynamodb:TransactGetItems": {"dynamodb:GetItem"},
    "dynamodb:TransactWriteItems": {"dynamodb:PutItem"},
}


def services_of(file: Path) -> tuple[str, ...]:
    """Which services an adapter may call, as far as its text tells."""
    text = file.read_text("utf-8")
    named = tuple(service for service in SERVICES if f'"{service}"' in text)
    return named or tuple(service for service in SERVICES if service in file.stem)


def needed_actions() -> dict[str, str]:
    """What the adapters call, as IAM names it, and where."""
    session = botocore.session.get_session()
    operations = {
        service: {xform_name(name): name for name in session.get_service_model(service).operation_names}
        for service in SERVICES
    }
    found: dict[str, str] = {}
    for file in sorted((ROOT / "deploy_action").rglob("*.py")):
        # As a method, or as the name of one in a table.
        called = set(re.findall(r"""[."]([a-z]+(?:_[a-z]+)+)\b""", file.read_text("utf-8")))
        for service in services_of(file):
            for method in called & set(operations[service]):
                found[f"{service}:{operations[service][method]}"] = name_of(file)
    return found


class TestPolicies:
    STATEMENTS = tuple(
        statement
        for block in fences((ROOT / "docs" / "security.md").read_text("utf-8"), "json")
        for statement in json.loads(block)["Statement"]
    )

    def test_they_allow_all_that_the_adapters_call(self) -> None:
        allowed = {action for statement in self.STATEMENTS for action in statement["Action"]}
        needed = needed_actions()
        assert {"cloudformation:ExecuteChangeSet", "s3:PutObject", "ecs:ListTasks"} <= set(needed)
        missing = {
            action: file
            for action, file in needed.items()
            if not GRANTED_BY.get(action, {action}) <= allowed | ALWAYS_ALLOWED
        }
        assert missing == {}, "docs/security.md grants them to nobody"

    def test_they_allow_nothing_that_nobody_calls(self) -> None:
        allowed = {action for statement in self.STATEMENTS for action in statement["Action"]}
        # Not calls: a permission to hand a role over, and one that makes "not found" of "forbidden".
        called = {granted for action in needed_actions() for granted in GRANTED_BY.get(action, {action})}
        assert allowed - called == {"iam:PassRole"}

    def test_none_is_for_everything(self) -> None:
        for statement in self.STATEMENTS:
            assert not any("*" in action for action in statement["Action"])
            if statement["Resource"] == "*":
                assert all(
                    re.match(r"\w+:(Describe|List|Lookup|Get)", action) for action in statement["Action"]
                )
