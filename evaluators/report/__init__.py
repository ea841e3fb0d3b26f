"""Reports: one page of figures and tables for a person who wants to know what runs show."""

from confide.evaluators.report.files import write_files
from confide.evaluators.report.making import make_report
from confide.evaluators.report.page import page

__all__ = ["make_report", "page", "write_files"]
