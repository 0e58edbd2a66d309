"""Whole summaries as people see them: stories to draw, and Mermaid's own parser."""
