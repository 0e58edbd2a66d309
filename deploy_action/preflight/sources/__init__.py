"""Where the checks before a deployment get their facts. All of it only reads."""
