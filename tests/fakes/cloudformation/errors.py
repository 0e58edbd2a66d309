"""AWS error answers: code, HTTP status and AWS's own wording."""

from __future__ import annotations


class AwsError(Exception):
    """An error that the client receives as query-protocol error XML."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def validation(message: str) -> AwsError:
    return AwsError("ValidationError", message)


def no_such_stack(name: str) -> AwsError:
    return validation(f"Stack with id {name} does not exist")


def stack_does_not_exist(name: str) -> AwsError:
    """The wording of the operations that change a stack."""
    return validation(f"Stack [{name}] does not exist")


def already_exists(name: str) -> AwsError:
    return AwsError("AlreadyExistsException", f"Stack [{name}] already exists")


def cannot_be_updated(stack_id: str, status: str) -> AwsError:
    return validation(f"Stack:{stack_id} is in {status} state and can not be updated.")


def insufficient_capabilities(missing: list[str]) -> AwsError:
    return AwsError("InsufficientCapabilitiesException", f"Requires capabilities : [{', '.join(missing)}]")


def change_set_not_found(name: str) -> AwsError:
    return AwsError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404)


def change_set_status(change_set_id: str, verb: str, status: str) -> AwsError:
    return AwsError(
        "InvalidChangeSetStatus",
        f"ChangeSet [{change_set_id}] cannot be {verb} in its current status of [{status}]",
    )


def token_already_exists(token: str) -> AwsError:
    return AwsError(
        "TokenAlreadyExistsException",
        f"Operation with token {token} already exists but with different parameters",
    )


def throttled() -> AwsError:
    return AwsError("Throttling", "Rate exceeded")


def expired_token() -> AwsError:
    return AwsError("ExpiredToken", "The security token included in the request is expired", 403)


def invalid_token() -> AwsError:
    """Of credentials that a region does not know, and of wrong ones."""
    return AwsError("InvalidClientTokenId", "The security token included in the request is invalid", 403)


def missing_token() -> AwsError:
    return AwsError("MissingAuthenticationToken", "Missing Authentication Token", 403)


def access_denied(principal: str, service: str, operation: str, resource: str) -> AwsError:
    return AwsError(
        "AccessDenied",
        f"User: {principal} is not authorized to perform: {service}:{operation} on resource: {resource} "
        f"because no identity-based policy allows the {service}:{operation} action",
        403,
    )
