"""The AWS JSON protocols, driven by botocore's own service models."""

from __future__ import annotations

from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from tests.fakes.cloudformation.errors import AwsError
from tests.fakes.cloudformation.protocol import PYTHON_TYPES, SchemaDriftError


def checked_request(shape: Shape | None, value: Any) -> dict[str, Any]:
    """Raises AwsError where the service would refuse the parameters."""
    if not isinstance(value, dict):
        raise AwsError("SerializationException", "not an object")
    if isinstance(shape, StructureShape):
        unknown = set(value) - set(shape.members)
        missing = [name for name in shape.required_members if name not in value]
        if unknown or missing:
            raise AwsError("ValidationException", f"unknown {sorted(unknown)}, missing {missing}")
    return value


def rendered(shape: Shape, value: Any, where: str) -> Any:
    """The answer as JSON holds it; raises SchemaDriftError on what the model does not know."""
    if isinstance(shape, StructureShape):
        unknown = set(value) - set(shape.members)
        missing = [name for name in shape.required_members if value.get(name) is None]
        if unknown or missing:
            raise SchemaDriftError(f"{where}: unknown {sorted(unknown)}, missing {missing}")
        return {
            shape.members[name].serialization.get("name", name): rendered(
                shape.members[name], item, f"{where}.{name}"
            )
            for name, item in value.items()
        }
    if isinstance(shape, ListShape):
        return [rendered(shape.member, item, where) for item in value]
    if isinstance(shape, MapShape):
        return {key: rendered(shape.value, item, where) for key, item in value.items()}
    if not isinstance(value, PYTHON_TYPES.get(str(shape.type_name), (str,))):
        raise SchemaDriftError(f"{where} must be {shape.type_name}, got {type(value).__name__}")
    return value
