"""CloudFormation and Lambda: which function is behind a custom resource, and where it logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action.cloudformation.template_parser import parse_template
from deploy_action.diagnosis.custom_resource_target import Token, function_of, token_of
from deploy_action.diagnosis.services.requests import asking
from deploy_action.errors import BehindDenied, BehindUnavailable

if TYPE_CHECKING:
    from deploy_action.cloudformation.aws_clients import AwsClients
    from deploy_action.diagnosis.service_lookups import Subject


class Functions:
    """Findings are kept: a template is read once for each stack."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients
        self._templates: dict[str, object] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._groups: dict[str, str] = {}
        self._denied = False

    def of(self, subject: Subject) -> str:
        """The function's name; empty where there is none, or it is not told. Raises what botocore raises."""
        key = (subject.stack_id, subject.logical_id)
        if key not in self._names:
            name = self._named(token_of(self._template(subject), subject.logical_id), subject)
            if not name:
                return ""
            self._names[key] = name
        return self._names[key]

    def known_group(self, name: str) -> str:
        return self._groups.get(name, f"/aws/lambda/{name}")

    def group(self, name: str, region: str) -> str:
        """The log group that the function's settings name; empty where they may not be read.

        Raises BehindDenied once.
        """
        if self._denied or name in self._groups:
            return ""
        try:
            with asking("lambda"):
                client = self._clients.client("lambda", region)
                settings = client.get_function_configuration(FunctionName=name)
                self._groups[name] = str(settings.get("LoggingConfig", {}).get("LogGroup", ""))
        except BehindDenied as error:
            self._denied = True
            raise BehindDenied(error.permission, partly=True) from error
        except BehindUnavailable:
            return ""
        return self._groups[name]

    def _template(self, subject: Subject) -> object:
        if subject.stack_id not in self._templates:
            body = self._cloudformation(subject).get_template(
                StackName=subject.stack_id, TemplateStage="Processed"
            )["TemplateBody"]
            self._templates[subject.stack_id] = body if isinstance(body, dict) else parse_template(str(body))
        return self._templates[subject.stack_id]

    def _named(self, token: Token | None, subject: Subject) -> str:
        if token is None:
            return ""
        if token.parameter:
            stack = self._cloudformation(subject).describe_stacks(StackName=subject.stack_id)["Stacks"][0]
            values = {
                row["ParameterKey"]: row.get("ParameterValue", "") for row in stack.get("Parameters", [])
            }
            return function_of(values.get(token.parameter, ""))
        if token.logical_id:
            row = self._cloudformation(subject).describe_stack_resources(
                StackName=subject.stack_id, LogicalResourceId=token.logical_id
            )["StackResources"][0]
            name = str(row.get("PhysicalResourceId", ""))
            return function_of(name) or name
        return token.function

    def _cloudformation(self, subject: Subject) -> Any:
        return self._clients.client("cloudformation", subject.region)
