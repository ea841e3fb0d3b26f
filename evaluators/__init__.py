"""WHAT it shows: figures of conversations, what readers and judges find in them, the audit of a run.

=================  ====================================================================================
``summary``        one conversation in figures
``audit``          was every prompt made from what its role could see?
``talks``          conversations without their words, as the rest counts them
``profiles``       strategies, their order and words, beside what people do (``human``)
``disclosure``     facts: told when and how, spoken of untold
``rubric``         what readers are asked (``rubrics/``); ``reader`` and ``short`` ask it
``readings``       what readers found; ``derived``: agreement, consistency, role identity, distress, preference
``traits``         questionnaires: who is asked about traits and when; scores, reliability, drift, model bias
``pairwise``       judging two conversations at a time; ``verdicts``: what comes of it; ``length``: at equal length
``tabular``        tidy tables of runs: Parquet, CSV, pandas
``exchange``       people's conversations in, any conversations out
``outcomes``       the figures of a conversation that arms are compared by, by name
``analysis``       contrasts of arms by outcomes, as an experiment's file has them; two runs beside each other
``detectors``      which facts do words tell?
``statistics``     agreement, distances, preferences, reliability, resampling, means over clusters
=================  ====================================================================================
"""

from confide.evaluators.audit import Breach, Checked, audit_log, audit_run
from confide.evaluators.summary import Summary, summarise

__all__ = ["Breach", "Checked", "Summary", "audit_log", "audit_run", "summarise"]
