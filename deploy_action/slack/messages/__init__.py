"""A deployment as Slack shows it: one message that is always true, and what happened, entry by entry.

Everything is Block Kit's `rich_text`, where text is text: nothing in it pings, links or is markup.
"""

from deploy_action.slack.messages.entries import entry
from deploy_action.slack.messages.parent import parent
from deploy_action.slack.messages.single import single

__all__ = ["entry", "parent", "single"]
