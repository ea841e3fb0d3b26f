"""People's conversations in, any conversations out. Law: nothing is dropped in silence, and no word is changed."""

from confide.evaluators.exchange.exports import FORMS, export_run
from confide.evaluators.exchange.found import HumanMessage, HumanTalk
from confide.evaluators.exchange.imports import ImportedRun, LabelMap, import_esconv
from confide.evaluators.exchange.read import HumanTalks, read_human

__all__ = [
    "FORMS",
    "HumanMessage",
    "HumanTalk",
    "HumanTalks",
    "ImportedRun",
    "LabelMap",
    "export_run",
    "import_esconv",
    "read_human",
]
