"""Outcomes as a table for other programs, such as R. Law: what is missing is empty, and says why beside it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from confide.evaluators.outcomes.read import TalkOutcomes

_FIXED = ("run", "conversation", "scenario", "personas", "replicate", "condition", "cast", "end")


def outcome_rows(talks: Sequence[TalkOutcomes], names: dict[str, str], exclude_ends: Sequence[str] = ()) -> str:
    """Outcomes as CSV, one row per finished conversation.

    Args:
        talks: the conversations.
        names: outcomes by the column's name.
        exclude_ends: conversations that ended so are left out.

    Returns:
        Columns ``run``, ``conversation``, ``scenario``, ``personas``, ``replicate`` (the parts of the pair key),
        ``condition``, ``cast``, ``end``, one per outcome (empty where missing), and after them one each for why.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*_FIXED, *names, *(f"{name}.missing" for name in names)])
    for talk in talks:
        if not talk.finished or talk.end in exclude_ends:
            continue
        parts = (*talk.pair_key.split("/"), "", "")[:3]
        found = [talk.values[of] for of in names.values()]
        values = ["" if each.value is None else each.value for each in found]
        where = (talk.run, talk.conversation, *parts, talk.arm.condition, talk.arm.cast or "", talk.end or "")
        writer.writerow([*where, *values, *(each.missing or "" for each in found)])
    return out.getvalue()
