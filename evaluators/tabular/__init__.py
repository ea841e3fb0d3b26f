"""Tidy tables of runs: conversations, turns, measures, facts and model calls; as Parquet, CSV and pandas.

Laws: a row is what a log says and nothing else; missing is missing; memory does not grow with the runs.
"""

from confide.evaluators.tabular.columns import Column, columns_of, describe
from confide.evaluators.tabular.reading import open_runs
from confide.evaluators.tabular.rows import TABLES
from confide.evaluators.tabular.writing import tables, write_tables

__all__ = ["TABLES", "Column", "columns_of", "describe", "open_runs", "tables", "write_tables"]
