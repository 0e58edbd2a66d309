"""The account that the server plays: its regions, templates and the meaning of names in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.fakes.cloudformation import parameters, templates
from tests.fakes.cloudformation.errors import insufficient_capabilities, validation
from tests.fakes.cloudformation.ids import Ids
from tests.fakes.cloudformation.intrinsics import Scope
from tests.fakes.cloudformation.resources import define, fill_markers, markers
from tests.fakes.cloudformation.stacks import Region, ResourceState, Stack
from tests.fakes.cloudformation.versions import Version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.fakes.cloudformation.stack_sets import StackSet
    from tests.fakes.cloudformation.templates import Template


@dataclass
class World:
    """Everything that outlives a request. `templates` maps a TemplateURL to a template body."""

    ids: Ids = field(default_factory=Ids)
    account: str = "123456789012"
    nested_tokens: bool = False
    describe_events: bool = True
    page_size: int = 100
    change_set_seconds: float = 2.5
    templates: dict[str, str] = field(default_factory=dict)
    regions: dict[str, Region] = field(default_factory=dict)
    stack_sets: dict[tuple[str, str], StackSet] = field(default_factory=dict)
    """By region and name."""
    other_accounts: dict[str, World] = field(default_factory=dict)

    def region(self, name: str) -> Region:
        return self.regions.setdefault(name, Region(name))

    def new_stack(
        self,
        region: Region,
        name: str,
        when: float,
        *,
        parent_id: str | None = None,
        root_id: str | None = None,
    ) -> Stack:
        unique = self.ids.time_uuid(round(when, 3), region.name, name, len(region.stacks))
        stack_id = f"arn:aws:cloudformation:{region.name}:{self.account}:stack/{name}/{unique}"
        stack = Stack(name, stack_id, region.name, round(when, 3), parent_id, root_id)
        region.stacks[stack_id] = stack
        return stack

    def template_at(self, url: str) -> str:
        """The body registered for a TemplateURL; a URL of this server is known by its path too."""
        for key in (url, url.split("?", maxsplit=1)[0], url.rsplit("/", 1)[-1]):
            if key in self.templates:
                return self.templates[key]
        if not url.startswith(("http://", "https://", "s3://")):
            raise validation("TemplateURL must be a supported URL.")
        raise validation("S3 error: The specified key does not exist.")

    def version(
        self,
        region: Region,
        stack_name: str,
        body: str,
        given: Sequence[Mapping[str, Any]],
        tags: Mapping[str, str],
        *,
        previous: Version | None = None,
        check_capabilities: bool = False,
        **settings: Any,
    ) -> Version:
        """A checked version of a stack, or the refusal that AWS would answer."""
        template = templates.parse(body)
        values = parameters.settle(template.parameters, given, previous.parameters if previous else None)
        definitions = define(template, self._scope(region, stack_name, template, values), tags)
        if check_capabilities:
            missing = templates.missing_capabilities(template, list(settings.get("capabilities", ())))
            if missing:
                raise insufficient_capabilities(missing)
        return Version(template, values, definitions, dict(tags), **settings)

    def _scope(self, region: Region, stack_name: str, template: Template, values: Mapping[str, str]) -> Scope:
        known = parameters.for_template(template.parameters, values)
        known |= {
            "AWS::AccountId": self.account,
            "AWS::NotificationARNs": [],
            "AWS::Partition": "aws",
            "AWS::Region": region.name,
            "AWS::StackId": f"arn:aws:cloudformation:{region.name}:{self.account}:stack/{stack_name}",
            "AWS::StackName": stack_name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        return Scope(
            known, template.mappings, template.conditions, imported=lambda name: self._import(region, name)
        )

    def exports(self, region: Region, now: float) -> Iterator[tuple[Stack, str, str]]:
        """(stack, export name, value) of every living stack."""
        for stack in region.alive(now):
            for output in stack.outputs_at(now):
                if "ExportName" in output:
                    yield stack, output["ExportName"], output["OutputValue"]

    def export_in_use(self, region: Region, stack: Stack, now: float) -> str:
        """CloudFormation's words for an export of the stack that another one imports; empty where none is."""
        for owner, export, _ in self.exports(region, now):
            users = [
                other.name for other in region.alive(now) if owner is stack and _imports(other, export, now)
            ]
            if users:
                return f"Cannot delete export {export} as it is in use by {', '.join(sorted(users))}."
        return ""

    def _import(self, region: Region, name: str) -> str:
        for _, export, value in self.exports(region, float("inf")):
            if export == name:
                return value
        raise validation(f"No export named {name} found. Rollback requested by user.")

    def attribute(
        self, stack: Stack, states: Mapping[str, ResourceState], name: str, attribute: str, *, when: float
    ) -> Any:
        """What Ref (an empty attribute) or GetAtt gives for a resource."""
        state = states.get(name)
        if state is None or state.physical_id is None:
            return f"{name}.{attribute}" if attribute else name
        if not attribute:
            return state.physical_id
        given = (state.definition.ground.get("Attributes") or {}) if state.definition else {}
        if attribute in given:
            return given[attribute]
        if attribute.startswith("Outputs."):
            child = self.region(stack.region).stacks.get(state.physical_id)
            outputs = child.outputs_at(when) if child else []
            return next((o["OutputValue"] for o in outputs if o["OutputKey"] == attribute[8:]), attribute)
        if attribute.endswith(("DNSName", "Endpoint.Address")):
            return f"{stack.name}-{name}.{stack.region}.example".lower()
        if attribute.endswith("Arn") and not state.physical_id.startswith("arn:"):
            service = state.type.split("::")[1].lower()
            return f"arn:aws:{service}:{stack.region}:{self.account}:{state.physical_id}"
        return (
            state.physical_id
            if attribute.endswith(("Arn", "Id", "Name"))
            else f"{state.physical_id}.{attribute}"
        )

    def outputs(self, stack: Stack, version: Version, when: float) -> list[dict[str, str]]:
        """The stack's outputs once its resources are what they are at `when`."""
        scope = self._scope(self.region(stack.region), stack.name, version.template, version.parameters)
        scope.values = {**scope.values, "AWS::StackId": stack.stack_id}
        scope.reference = lambda name: f"{{{{{name}}}}}"
        scope.attribute = lambda name, attribute: f"{{{{{name}|{attribute}}}}}"
        states = stack.resources(when)

        def text(value: Any) -> str:
            resolved = scope.resolve(value)
            lookup = {key: self.attribute(stack, states, *key, when=when) for key in markers(resolved)}
            filled = fill_markers(resolved, lookup)
            return ",".join(map(str, filled)) if isinstance(filled, list) else str(filled)

        answer = []
        for key, body in version.template.outputs.items():
            if "Condition" in body and not scope.condition(str(body["Condition"])):
                continue
            item = {"OutputKey": key, "OutputValue": text(body["Value"])}
            if body.get("Description"):
                item["Description"] = str(body["Description"])
            export = (body.get("Export") or {}).get("Name")
            if export:
                item["ExportName"] = text(export)
            answer.append(item)
        return answer


def _imports(stack: Stack, export: str, now: float) -> bool:
    version = stack.version(now)
    return version is not None and _mentions({"Fn::ImportValue": export}, version.template.data)


def _mentions(wanted: object, data: object) -> bool:
    if data == wanted:
        return True
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return any(_mentions(wanted, item) for item in inner)
