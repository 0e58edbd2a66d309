"""CloudFormation and STS for tests and demos: real HTTP, AWS's wording, time on a handed-in clock.

Real boto3 talks to `CloudFormationServer`. Stacks live by the server's clock: an operation is planned to its
end when it starts, and a request sees what has happened until now. Nothing sleeps, nothing runs on its own.

A template steers a resource in its `Metadata: {TestGround: {...}}`; parameters may be used there, and a
change there alone is no change of the stack:

    Seconds, UpdateSeconds, DeleteSeconds   how long it takes; Seconds also counts for updates
    Fail            the reason with which it fails (`true`: an internal failure)
    FailOn          create, update, delete, rollback (a list or text with commas); default create,update
    FailAfter       seconds until it fails; default the time it would have taken
    Times           it fails only so often, then it succeeds
    HandlerErrorCode   wraps Fail as AWS's resource handlers do
    Hang, HangOn    it never ends; default on create,update
    Warning         a further in-progress event with this reason
    Consistency     whether an "Eventual consistency check initiated" event appears
    Replace         any change of its properties makes a new physical resource
    Attributes      values for GetAtt
    Validation      early validation refuses change sets that touch it, with this reason
    TemplateBody    the template of a nested stack, in place of TemplateURL

The template's own `Metadata: {TestGround: {StackFail: reason}}` fails the stack once its resources are done.
"""

from tests.fakes.cloudformation.server import CloudFormationServer

__all__ = ["CloudFormationServer"]
