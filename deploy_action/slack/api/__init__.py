"""Slack, by its SDK: everything with a bot token, or a message through a webhook."""
