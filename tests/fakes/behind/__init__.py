"""A fake of the services behind resources: ECS, CloudWatch Logs, Lambda, RDS, CloudTrail, and the part of
CloudFormation that reads templates.

Answers are written by the output shapes of botocore's service models, and requests are checked by their
input shapes: what the real service could not say or take cannot pass.
"""

from __future__ import annotations

from tests.fakes.behind.server import BehindServer

__all__ = ["BehindServer"]
