"""CloudFormation and STS for tests and demos: real HTTP, AWS's wording, time on a handed-in clock."""

from tests.fakes.cloudformation.server import CloudFormationServer

__all__ = ["CloudFormationServer"]
