"""What to clean up, harmless wherever it is shown."""

from __future__ import annotations

from deploy_action.cleanup import text as cleanup
from deploy_action.cleanup.plan import Left, steps_for
from deploy_action.cloudformation.outcome import Outcome
from deploy_action.common.instants import WallTime
from deploy_action.preflight import text as preflight
from deploy_action.preflight.finding import finding
from deploy_action.reporting.report import Report
from deploy_action.reporting.summary.page import summary

HOSTILE = "x\n::error::boo ##[error] ``` <img src=x> @everyone"
STEPS = steps_for(
    Left(
        "eu-west-1", "shop", "arn", "UPDATE_ROLLBACK_FAILED",
        stuck=("Queue",), orphans=(("AWS::S3::Bucket", HOSTILE),),
    )
)  # fmt: skip


def test_the_log_has_each_command_on_a_line_of_its_own() -> None:
    lines = cleanup.lines(STEPS)
    assert lines[0] == "To clean up:"
    assert "      aws cloudformation continue-update-rollback --region eu-west-1 --stack-name shop" in lines
    assert any("Beware: CloudFormation then counts" in line for line in lines)
    assert not any("\n" in line or "##[" in line or line.startswith("::") for line in lines)
    assert cleanup.lines(()) == []


def test_the_summary_has_it_right_after_the_cause() -> None:
    page = summary(Report("id", Outcome.ROLLED_BACK, cleanup=STEPS), now=WallTime(0))
    assert "**To clean up**" in page
    assert "```text\naws cloudformation continue-update-rollback" in page
    assert "**Beware.**" in page
    assert "@everyone" not in page.replace("````", "").split("```")[0]
    assert cleanup.section(()) == ""
    assert "To clean up" not in summary(Report("id", Outcome.SUCCEEDED), now=WallTime(0))


def test_findings_are_counted_in_words() -> None:
    found = [finding("secret-missing", "a"), finding("clock-skew", "b"), finding("clock-skew", "c")]
    assert preflight.counted(found) == "1 blocking, 2 warnings"
    assert preflight.counted([]) == "nothing to report"
    held = finding("lock-held", "d")
    assert preflight.in_order([*found, held])[0] == held, "who else is deploying comes first"
