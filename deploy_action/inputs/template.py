"""The inputs about `template`: its text with the nested ones, how it is deployed, where it is put."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.cloudformation.change_set import NAME_MAX, Parameter
from deploy_action.cloudformation.change_set_options import (
    POLICY_BYTES_MAX,
    ChangeSetOptions,
    RollbackTrigger,
    StackSettings,
)
from deploy_action.cloudformation.template_parser import declared_parameters
from deploy_action.cloudformation.template_tree import BODY_BYTES_MAX, FOREIGN_ADVICE, TemplateTree
from deploy_action.inputs import values as input_values
from deploy_action.inputs.fields import Fields
from deploy_action.inputs.key_value_grammar import PARAMETERS, TAGS
from deploy_action.inputs.template_files import read_templates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NONE = "[]"
"""Takes away what the stack has."""
NO_STATEMENT = "it has no `Statement` list, as every stack policy has."
TRIGGERS_MAX = 5
TOPICS_MAX = 5
MONITORING_MINUTES_MAX = 180
"""Source: RollbackConfiguration and NotificationARNs in the CloudFormation API reference."""


@dataclass(frozen=True, slots=True)
class TemplateBucket:
    """Where templates are put that CloudFormation reads from S3 only. `prefix` ends with no slash."""

    name: str
    prefix: str = ""


class TemplateFields(Fields):
    def __init__(self, raw: Mapping[str, str], environ: Mapping[str, str], step: str) -> None:
        super().__init__(raw, environ, step)
        self._template = re.sub(r"(?i)^file://", "", self._text("template"))
        self._body = ""

    def _template_tree(self) -> TemplateTree | None:
        """None where it is an address, and in steps that read no files."""
        if not self._template or self._template.startswith("https://") or not self._reads_files:
            return None
        tree = self._checked("template", self._read_tree, None)
        if tree is None:
            return None
        self._body = tree.text
        self._problems += [f"`template`: {problem}" for problem in self._without_bucket(tree)]
        return tree

    def _read_tree(self, _text: str) -> TemplateTree:
        if re.match(r"(?i)[a-z][a-z0-9+.-]+://", self._template):
            raise ValueError(input_values.template_address_advice(self._template))
        return read_templates(self._folders, self._template)

    def _without_bucket(self, tree: TemplateTree) -> list[str]:
        found = [f"{one}. {FOREIGN_ADVICE}" for one in tree.foreign]
        if self._text("s3-bucket"):
            return found
        nested = [child.name for child in tree.descendants()]
        size = len(tree.text.encode())
        if nested:
            found.append(
                f"`{tree.name}` nests {', '.join(f'`{name}`' for name in nested[:5])}"
                f"{f' and {len(nested) - 5} more' if len(nested) > 5 else ''} of this workspace, which "
                "CloudFormation reads from S3 only. Name a bucket as `s3-bucket`, and they are uploaded."
            )
        elif size > BODY_BYTES_MAX:
            found.append(
                f"`{tree.name}` has {size:,} bytes, and CloudFormation takes {BODY_BYTES_MAX:,} from "
                "anywhere but S3. Name a bucket as `s3-bucket`, and it is uploaded."
            )
        return found

    def _template_bucket(self) -> TemplateBucket | None:
        prefix = self._checked("s3-prefix", _prefix, "")
        if not self._text("s3-bucket"):
            if self._text("s3-prefix"):
                self._problem("`s3-prefix` needs `s3-bucket`.")
            return None
        return self._checked("s3-bucket", lambda text: TemplateBucket(_bucket(text), prefix), None)

    def _change_set_options(self) -> ChangeSetOptions:
        minutes = self._minutes("monitoring-time-in-minutes")
        if minutes is not None and (minutes % 60 or minutes > MONITORING_MINUTES_MAX * 60):
            self._problem(
                f"`monitoring-time-in-minutes`: `{self._text('monitoring-time-in-minutes')}` is no whole "
                f"number of minutes from 0 to {MONITORING_MINUTES_MAX}."
            )
        return ChangeSetOptions(
            name=self._checked("change-set-name", _change_set_name, ""),
            include_nested_stacks=self._boolean("include-nested-stacks"),
            import_existing_resources=self._boolean("import-existing-resources"),
            notification_arns=self._checked("notification-arns", _topics, None),
            rollback_triggers=self._checked("rollback-triggers", _triggers, None),
            monitoring_minutes=None if minutes is None else int(minutes // 60),
        )

    def _stack_settings(self) -> StackSettings:
        protection = self._boolean("termination-protection")
        given = self._text("termination-protection")
        return StackSettings(protection if given else None, self._checked("stack-policy", self._policy, ""))

    def _policy(self, text: str) -> str:
        """As JSON without blanks. A file is read in `pre` and `main` alone."""
        if not text.startswith("{"):
            if not self._reads_files:
                return ""
            text = self._folders.read_text(re.sub(r"(?i)^file://", "", text), POLICY_BYTES_MAX)
        try:
            policy = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"it is no JSON ({error}).") from None
        if not (isinstance(policy, dict) and isinstance(policy.get("Statement"), list)):
            raise ValueError(NO_STATEMENT)  # noqa: TRY004 - collected for people
        return json.dumps(policy, separators=(",", ":"))

    def _parameters(self) -> tuple[Parameter, ...]:
        others = {"Tags"} if self._text("tags") else ()
        pairs = self._key_values(
            "parameter-overrides",
            PARAMETERS,
            declared=lambda: declared_parameters(self._body),
            ignored_sections=others,
        )
        return tuple(Parameter(name, value) for name, value in pairs or ())

    def _tags(self) -> tuple[tuple[str, str], ...] | None:
        others = {"Parameters"} if self._text("parameter-overrides") else ()
        pairs = self._key_values("tags", TAGS, ignored_sections=others)
        return None if pairs is None else tuple((name, value) for name, value in pairs if value is not None)


def _bucket(text: str) -> str:
    name = re.sub(r"(?i)^s3://", "", text).rstrip("/")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name):
        raise ValueError(f"`{text}` is not the name of a bucket. A folder in it is `s3-prefix`.")
    return name


def _prefix(text: str) -> str:
    prefix = text.strip("/")
    if not re.fullmatch(r"[A-Za-z0-9!_.*'()/-]{1,512}", prefix) or ".." in prefix:
        raise ValueError(f"`{text}` has characters that an address cannot have.")
    return prefix


def _change_set_name(text: str) -> str:
    if not re.fullmatch(rf"[A-Za-z0-9-]{{1,{NAME_MAX}}}", text):
        raise ValueError(f"`{text[:100]}` is not {NAME_MAX} letters, digits and hyphens at most.")
    return text


def _listed(text: str, check: Callable[[str], str], most: int, noun: str) -> tuple[str, ...]:
    """One a line, or by commas; a name may have a comma, what follows it is no ARN then."""
    if text == NONE:
        return ()
    words = [word.strip() for word in re.split(r",(?=\s*(?:composite:|arn:))|\n", text)]
    found = tuple(dict.fromkeys(check(word) for word in words if word))
    if len(found) > most:
        raise ValueError(f"there are {len(found)} {noun}; CloudFormation takes {most}.")
    return found


def _topics(text: str) -> tuple[str, ...]:
    def check(word: str) -> str:
        if not re.fullmatch(r"arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[\w-]+(\.fifo)?", word):
            raise ValueError(
                f"`{word}` is not a topic's ARN, such as arn:aws:sns:eu-west-1:123456789012:NAME."
            )
        return word

    return _listed(text, check, TOPICS_MAX, "topics")


def _triggers(text: str) -> tuple[RollbackTrigger, ...]:
    def check(word: str) -> str:
        if not re.fullmatch(r"(composite:\s*)?arn:[a-z-]+:cloudwatch:[a-z0-9-]+:\d{12}:alarm:.{1,255}", word):
            raise ValueError(
                f"`{word}` is not an alarm's ARN, such as "
                "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:NAME; of a composite alarm write "
                "`composite:ARN`."
            )
        return word

    def trigger(word: str) -> RollbackTrigger:
        kind, separator, arn = word.partition("composite:")
        if separator and not kind:
            return RollbackTrigger(arn.strip(), "AWS::CloudWatch::CompositeAlarm")
        return RollbackTrigger(word)

    return tuple(trigger(word) for word in _listed(text, check, TRIGGERS_MAX, "alarms"))
