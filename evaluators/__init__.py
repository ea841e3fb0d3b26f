"""WHAT it shows: figures of a conversation, the audit of a run, detectors of tellings."""

from confide.evaluators.audit import Breach, Checked, audit_log, audit_run
from confide.evaluators.summary import Summary, summarise

__all__ = ["Breach", "Checked", "Summary", "audit_log", "audit_run", "summarise"]
