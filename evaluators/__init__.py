"""WHAT it shows: figures over logs. Law: missing is missing. An unknown price or token count is None, never 0."""

from confide.evaluators.summary import Summary, summarise

__all__ = ["Summary", "summarise"]
