"""The AWS query protocol, driven by botocore's own service models.

Requests are parsed by the input shape, answers are written by the output shape, so an answer that the
real service could not give cannot leave this server.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from tests.fakes.cloudformation.errors import AwsError, validation

Answer = dict[str, Any]


class SchemaDriftError(Exception):
    """A handler answered with something that the service model does not know."""


@lru_cache(maxsize=4)
def service(name: str) -> ServiceModel:
    """The model of `cloudformation` or `sts`."""
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


def operation_model(service_name: str, action: str) -> OperationModel:
    model = service(service_name)
    if action not in model.operation_names:
        raise AwsError("InvalidAction", f"Could not find operation {action} for version {model.api_version}")
    return model.operation_model(action)


def parse_form(body: str) -> dict[str, str]:
    return dict(parse_qsl(body, keep_blank_values=True))


def parse_request(model: OperationModel, form: dict[str, str]) -> dict[str, Any]:
    """The call's parameters as boto3 was given them."""
    shape = model.input_shape
    if shape is None:
        return {}
    tree: dict[str, Any] = {}
    for key, value in form.items():
        if key in {"Action", "Version"}:
            continue
        node = tree
        *path, last = key.split(".")
        for part in path:
            node = node.setdefault(part, {})
        node[last] = value
    parsed = _parse(shape, tree, "")
    assert isinstance(parsed, dict)
    return parsed


def _parse(shape: Shape, node: Any, where: str) -> Any:
    if isinstance(shape, StructureShape):
        return _parse_structure(shape, node, where)
    if isinstance(shape, ListShape):
        items = node.get("member", {}) if isinstance(node, dict) else {}
        return [_parse(shape.member, items[n], where) for n in sorted(items, key=int)]
    if isinstance(shape, MapShape):
        entries = node.get("entry", {}) if isinstance(node, dict) else {}
        return {
            entries[n]["key"]: _parse(shape.value, entries[n]["value"], where)
            for n in sorted(entries, key=int)
        }
    return _parse_scalar(shape, node, where)


def _parse_structure(shape: StructureShape, node: Any, where: str) -> dict[str, Any]:
    fields = node if isinstance(node, dict) else {}
    for name in fields:
        if name not in shape.members:
            raise validation(f"Unknown parameter {where}{name}")
    for name in shape.required_members:
        if name not in fields:
            field = f"{where}{name[0].lower()}{name[1:]}"
            raise validation(
                f"1 validation error detected: Value null at '{field}' failed to satisfy constraint: "
                "Member must not be null"
            )
    return {name: _parse(shape.members[name], fields[name], f"{where}{name}.") for name in fields}


def _parse_scalar(shape: Shape, value: str, where: str) -> Any:
    kind = shape.type_name
    if kind == "boolean":
        return value.lower() == "true"
    if kind in {"integer", "long"}:
        return int(value)
    if kind in {"float", "double"}:
        return float(value)
    if kind == "timestamp":
        return dt.datetime.fromisoformat(value)
    allowed = getattr(shape, "enum", [])
    if allowed and value not in allowed:
        raise validation(
            f"1 validation error detected: Value '{value}' at '{where.rstrip('.')}' failed to satisfy "
            "constraint: "
            f"Member must satisfy enum value set: [{', '.join(allowed)}]"
        )
    return value


def render_answer(model: OperationModel, answer: Answer, request_id: str) -> bytes:
    """The answer as XML; raises SchemaDriftError on a member or word unknown to the model."""
    namespace = model.service_model.metadata.get("xmlNamespace", "")
    name = model.name
    body = ""
    shape = model.output_shape
    if shape is None:
        if answer:
            raise SchemaDriftError(f"{name} answers nothing, got {sorted(answer)}")
    else:
        wrapper = shape.serialization.get("resultWrapper", f"{name}Result")
        body = f"<{wrapper}>{_members(shape, answer, name)}</{wrapper}>"
    return (
        f'<{name}Response xmlns="{namespace}">{body}'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>"
    ).encode()


def render_error(namespace: str, error: AwsError, request_id: str) -> bytes:
    kind = "Sender" if error.status < 500 else "Receiver"
    return (
        f'<ErrorResponse xmlns="{namespace}"><Error><Type>{kind}</Type><Code>{escape(error.code)}</Code>'
        f"<Message>{escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    ).encode()


def _members(shape: StructureShape, value: dict[str, Any], where: str) -> str:
    unknown = set(value) - set(shape.members)
    if unknown:
        raise SchemaDriftError(f"{where} has no member {sorted(unknown)}")
    missing = [name for name in shape.required_members if value.get(name) is None]
    if missing:
        raise SchemaDriftError(f"{where} lacks {missing}")
    return "".join(
        _element(member.serialization.get("name", name), member, value[name], f"{where}.{name}")
        for name, member in shape.members.items()
        if value.get(name) is not None
    )


def _element(tag: str, shape: Shape, value: Any, where: str) -> str:
    return f"<{tag}>{_content(shape, value, where)}</{tag}>"


def _content(shape: Shape, value: Any, where: str) -> str:
    if isinstance(shape, StructureShape):
        if not isinstance(value, dict):
            raise SchemaDriftError(f"{where} must be a dict")
        return _members(shape, value, where)
    if isinstance(shape, ListShape):
        if not isinstance(value, list | tuple):
            raise SchemaDriftError(f"{where} must be a list")
        tag = shape.member.serialization.get("name", "member")
        return "".join(_element(tag, shape.member, item, where) for item in value)
    if isinstance(shape, MapShape):
        return "".join(
            f"<entry><key>{escape(str(key))}</key>{_element('value', shape.value, item, where)}</entry>"
            for key, item in value.items()
        )
    return _text(shape, value, where)


BEYOND_THE_MODEL = {"ResourceStatus"}
"""AWS gives more words than the model has: a stack's own events carry the status of the stack."""
PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
    "string": (str,),
}


def _text(shape: Shape, value: Any, where: str) -> str:
    kind = str(shape.type_name)
    if not isinstance(value, PYTHON_TYPES.get(kind, (str,))):
        raise SchemaDriftError(f"{where} must be {kind}, got {type(value).__name__}")
    allowed = getattr(shape, "enum", [])
    if allowed and value not in allowed and shape.name not in BEYOND_THE_MODEL:
        raise SchemaDriftError(f"{where} cannot be {value}: the model has {', '.join(allowed)}")
    if kind == "boolean":
        return "true" if value else "false"
    return isoformat(float(str(value))) if kind == "timestamp" else escape(str(value))


def isoformat(seconds: float) -> str:
    """Unix seconds as AWS writes them, with milliseconds and Z."""
    millis = round(seconds * 1000)
    moment = dt.datetime.fromtimestamp(millis // 1000, dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{millis % 1000:03d}Z"
