"""Coordinates, watches and explains CloudFormation deployments in GitHub Actions."""

__version__ = "1.0.0.dev0"
