"""The harness itself: what act is asked for is what the tests are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.act import USES, Act

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e

ACTION = """
name: probe
description: Says what it was given.
inputs:
  token: {description: a token, default: "${{ github.token }}"}
outputs:
  verdict: {description: the verdict, value: "${{ steps.main.outputs.verdict }}"}
runs:
  using: composite
  steps:
    - id: pre
      shell: bash
      run: |
        test -d "$GITHUB_ACTION_PATH/deploy_action"
        echo "state=a b" >>"$GITHUB_OUTPUT"
        echo "# Summary" >>"$GITHUB_STEP_SUMMARY"
        printf '%s\\n' "${#INPUTS}"
      env: {INPUTS: "${{ toJSON(inputs) }}"}
    - id: main
      shell: bash
      run: |
        echo "state is $STATE"
        echo "::warning title=t::one%0Atwo"
        echo verdict=failed >>"$GITHUB_OUTPUT"
        sleep 0.3
        exit 3
      env: {STATE: "${{ steps.pre.outputs.state }}"}
    - id: post
      if: always()
      shell: bash
      run: echo "$OUTCOME $STATUS"
      env: {OUTCOME: "${{ steps.main.outcome }}", STATUS: "${{ job.status }}"}
"""

WORKFLOW = f"""
on: push
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - {{id: deploy, uses: {USES}}}
      - id: after
        if: always()
        run: cat template.yml; echo "${{{{ steps.deploy.outputs.verdict }}}} $GITHUB_RUN_ID"
"""


def test_outputs_summaries_annotations_and_results_are_told(tmp_path: Path) -> None:
    act = Act(tmp_path)
    (act.action / "action.yml").write_text(ACTION)
    act.write("template.yml", "Resources: {}\n")
    run = act.run(WORKFLOW, environment={"GITHUB_RUN_ID": "777"})
    assert (run.code, run.job.result) == (1, "failure"), run.story
    assert run.step("deploy.pre").outputs == {"state": "a b"}
    assert run.step("deploy.pre").summary == "# Summary\n"
    main = run.step("deploy.main")
    assert (main.result, main.log[0]) == ("failure", "state is a b")
    assert [(note.level, note.message, note.properties) for note in main.annotations] == [
        ("warning", "one\ntwo", {"title": "t"})
    ]
    assert run.step("deploy.post").log == ["failure failure"]
    assert run.step("deploy").outputs == {"verdict": "failed"}
    assert run.step("after").text == "Resources: {}\nfailed 777"
