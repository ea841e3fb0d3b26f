"""The tables, column by column. What does not apply, or is not known, is missing: it is never 0 and never empty."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

from confide.evaluators.tabular.columns import Name


class ConversationRow(NamedTuple):
    """One row per conversation, finished or not."""

    run: Name
    """Id of the run."""
    conversation: str
    """Id of the conversation, unique in its run."""
    scenario: Name
    """Id of the scenario; for people's conversations the name of the data's file."""
    condition: Name
    """Id of the condition; ``human`` for people's conversations."""
    pair_key: str
    """What conditions are compared within: the same scenario, personas and replicate."""
    persona_key: Name | None
    """Content address of both personas; with ``scenario`` the cluster for intervals. Missing for people."""
    replicate: int | None
    """Number of the replicate, from 0; missing for people."""
    seed: int
    """The run's seed."""
    writer: Name | None
    """Who writes under the condition: ``two_agents``, ``one_author`` or ``script``; missing for people."""
    seeker_sees: tuple[str, ...] | None
    """What the seeker sees under the condition; missing for people."""
    supporter_sees: tuple[str, ...] | None
    """What the supporter sees under the condition; missing for people."""
    seeker_persona: bool | None
    """Whether the seeker's persona stands in prompts; missing for people."""
    supporter_persona: bool | None
    """Whether the supporter's persona stands in prompts; missing for people."""
    telling: Name | None
    """How facts are held back: ``instructed`` or ``gated``; missing for people."""
    seeker_model: Name | None
    """Name of the model that writes the seeker's turns; missing for people."""
    supporter_model: Name | None
    """Name of the model that writes the supporter's turns; missing for people."""
    caveat: Name | None
    """What a reader of these models' figures must know; missing if nothing special."""
    taxonomy: Name
    """Id of the strategies' taxonomy: strategies of different ones must not be mixed."""
    problem: Name | None
    """Kind of problem; missing where the data do not say."""
    emotion: Name | None
    """What the seeker feels at the start; missing where the data do not say."""
    intensity: int | None
    """How much, 1 to 5, as the scenario says; missing for people."""
    parent_run: Name | None
    """For a fork: run of the conversation that it branches off from."""
    parent: str | None
    """For a fork: that conversation."""
    forked_at: int | None
    """For a fork: the first turn of its own."""
    began: datetime | None
    """When it began (UTC); missing for people."""
    finished: bool
    """Whether it has ended. Of an unfinished one, everything is as far as its log goes."""
    end_reason: Name | None
    """Why it ended; ``unknown`` for people; missing while it has not."""
    end_detail: str | None
    """For an end by error: what went wrong."""
    turns: int
    """Turns that were spoken, of both roles."""
    seeker_turns: int
    """The seeker's."""
    supporter_turns: int
    """The supporter's."""
    seeker_words: int
    """Words of the seeker's, as white space parts them."""
    supporter_words: int
    """Words of the supporter's."""
    supporter_questions: int
    """Supporter turns with a question mark."""
    unlabelled: int
    """Supporter turns without a strategy."""
    strategies_entropy: float | None
    """Entropy of the supporter's strategies, in bits, each counted once per turn; missing where there are none."""
    first_suggestion: int | None
    """Supporter's first turn with Providing Suggestions; missing where there is none."""
    first_suggestion_position: float | None
    """That turn over the number of turns, 0 to 1."""
    distress_first: int | None
    """The seeker's distress by its own first report, 0 to 100; missing for people."""
    distress_last: int | None
    """By its last report."""
    trust_first: int | None
    """The seeker's trust by its own first report, 0 to 100; missing for people."""
    trust_last: int | None
    """By its last report."""
    seeker_facts: int | None
    """Facts that the seeker has to tell; missing for people."""
    seeker_facts_told: int | None
    """Of these, told: declared or noticed in the words."""
    seeker_facts_spoken_untold: int | None
    """Of these, stated by the supporter before they were told: a guess, unless its condition shows them."""
    supporter_facts: int | None
    """Facts that the supporter has to tell; missing for people."""
    supporter_facts_told: int | None
    """Of these, told."""
    supporter_facts_spoken_untold: int | None
    """Of these, stated by the seeker before they were told."""
    calls: int | None
    """Model calls that were answered, readers' not counted; missing for people, as all that follows."""
    unreadable: int | None
    """Answers that could not be read as a reply."""
    failed_calls: int | None
    """Calls that got no answer after all tries."""
    failed_tries: int | None
    """Tries that got no answer."""
    prompt_tokens: int | None
    """Tokens of all prompts; missing if a call did not report them, or may have been paid for without an answer."""
    cached_tokens: int | None
    """Of these, from the server's prefix cache; missing likewise."""
    completion_tokens: int | None
    """Tokens of all answers; missing likewise."""
    cost: float | None
    """US dollars; missing if the cost of a call is unknown."""
    seconds: float | None
    """Time of all answered calls, one after the other, without earlier tries; missing if that of a call is unknown."""


class TurnRow(NamedTuple):
    """One row per turn."""

    run: Name
    """Id of the run."""
    conversation: str
    """Id of the conversation."""
    scenario: Name
    """As in conversations."""
    condition: Name
    """As in conversations."""
    pair_key: str
    """As in conversations."""
    finished: bool
    """Whether the conversation has ended."""
    turn: int
    """Number of the turn, from 0."""
    role: Name
    """Who spoke: ``seeker`` or ``supporter``."""
    model: Name | None
    """Name of the model that wrote it; missing for people, and where a fork took the turn over."""
    taken_over: bool
    """Whether no model was called for it: a fork took it over from its parent, or it was put there by hand."""
    utterance: str
    """What was said, exactly."""
    words: int
    """Words in it, as white space parts them."""
    question: bool
    """Whether there is a question mark in it."""
    messages: int | None
    """Messages that a person sent in this turn; missing for models."""
    strategies: tuple[str, ...] | None
    """Supporter: the strategies that it declared, or a person's labels; missing for seekers and without labels."""
    distress: int | None
    """Seeker: distress now, by its own report, 0 to 100; missing for people."""
    trust: int | None
    """Seeker: trust now, by its own report, 0 to 100; missing for people."""
    told: tuple[str, ...] | None
    """Own facts that the speaker declares as told; missing where it was not asked, as people were not."""
    noticed: tuple[str, ...] | None
    """Own facts that the words tell without a declaration; missing for people, as the next four."""
    unsaid: tuple[str, ...] | None
    """Own facts that are declared as told and that the words do not tell."""
    learned: tuple[str, ...] | None
    """Facts that the other came to know in this turn, declared or noticed."""
    asked: tuple[str, ...] | None
    """Facts of the other's that the words ask about, each when it first is, and only before it was told."""
    spoken_untold: tuple[str, ...] | None
    """Facts of the other's that the words state and that the speaker was not told."""
    private: str | None
    """What the speaker kept to itself: a seeker's thoughts, a supporter's notes."""
    wants_to_end: bool | None
    """Whether it wants to stop after this turn; missing where it was not asked."""


class FactRow(NamedTuple):
    """One row per fact and conversation; none for people's conversations."""

    run: Name
    """Id of the run."""
    conversation: str
    """Id of the conversation."""
    scenario: Name
    """As in conversations."""
    condition: Name
    """As in conversations."""
    pair_key: str
    """As in conversations."""
    finished: bool
    """Whether the conversation has ended: what was not told yet may still be."""
    turns: int
    """Turns that were spoken in all."""
    owner: Name
    """The role whose fact it is."""
    fact: Name
    """Id of the fact."""
    text: str
    """The fact."""
    reveal: Name
    """When it may be told: ``openly``, ``when_asked``, ``when_trusting`` or ``never``."""
    trust: int | None
    """For ``when_trusting``: from which trust on, 0 to 100."""
    after: tuple[str, ...]
    """Facts that must be told before."""
    told_at: int | None
    """Turn in which it was told; missing if it was not."""
    told_position: float | None
    """That turn over the number of turns, 0 to 1."""
    how: Name | None
    """``declared`` by its owner, or ``noticed`` in its words; missing if it was not told."""
    asked_at: int | None
    """Turn in which the other first asked about it, before it was told; missing if it did not."""
    asked_before: bool | None
    """Whether the other had asked about it before the turn of telling; missing if it was not told."""
    against_rule: str | None
    """Why it should not have been told when it was; missing if it might, or was not told."""
    spoken_untold_at: int | None
    """Turn in which the other first stated it without having been told; missing if it did not."""
    unsaid: bool
    """Whether it was declared as told in a turn whose words do not tell it."""


class MeasureRow(NamedTuple):
    """One row per answer of a reader, a questionnaire or a judge, and per trait score that is made of answers."""

    run: Name
    """Id of the run."""
    conversation: str | None
    """Id of the conversation; for a judge the one of the two that ``value`` is about. Missing for profiles."""
    scenario: Name | None
    """As in conversations; missing for profiles."""
    condition: Name | None
    """As in conversations; missing for profiles."""
    pair_key: str | None
    """As in conversations; missing for profiles."""
    other_run: Name | None
    """For a judge: run of the other conversation."""
    other: str | None
    """For a judge: the other conversation."""
    profile: Name | None
    """Drawn persona that a model answered for, or ``nobody`` for itself; missing in conversations."""
    complete: bool
    """Whether the reading is complete. Of one that is not, there is what was answered so far."""
    measure: Name
    """Id of the rubric or of the trait plan."""
    source: Name
    """Who says so. ``self``: a copy of the agent. ``bare``: the same model without its persona. ``nobody``: a model
    about itself, without a talk. ``observer``: a reader that rates, by numbers. ``annotator``: a reader that labels,
    by words. ``judge``: a model that compares two conversations."""
    model: Name
    """Name of the model that answered."""
    kind: Name
    """``answer``; or a trait score of one administration, ``factor`` or ``facet``."""
    role: Name | None
    """The role that it is about; missing for both, and for profiles."""
    turn: int | None
    """The turn that it is about, or after which it was asked: -1 before the first; missing for a whole conversation."""
    repeat: int
    """Which of the repeats it is, from 0."""
    order: int | None
    """For a judge: 0 where ``conversation`` was shown first, 1 where ``other`` was."""
    part: Name | None
    """The questionnaire's item, or form as a block, that the call asked for; missing where there is one question."""
    form: Name | None
    """For trait scores: ``long`` or ``short``."""
    item: Name | None
    """Item of the rubric or questionnaire; missing for scores."""
    factor: Name | None
    """Trait that the item or score measures; missing for rubrics."""
    facet: Name | None
    """Facet of the factor, where the instrument has facets; missing for factor scores."""
    value: float | None
    """A number that was answered, or a score. Of a list of turns: their number. Of a judge: 1 where it prefers
    ``conversation``, 0 where it prefers ``other``, 0.5 for a tie."""
    label: str | None
    """A word that was answered, or several, joined by " + "."""
    keyed: float | None
    """For items of a questionnaire: the value, turned so that more of it speaks for the factor."""
    missing: str | None
    """Why there is no value and no label."""
    weighted: bool | None
    """Whether the value is a mean weighted by the model's own probabilities; of a score: whether all its answers are.
    Missing where there is no value."""
    note: str | None
    """What a reader of the answer must know about how it was had."""
    asked: int | None
    """For scores: items that were asked."""
    answered: int | None
    """For scores: items that were answered."""
    known: float | None
    """For factor scores: what the persona scores by its description, on the scale of the questionnaire; missing where
    that does not say."""
    alpha: float | None
    """For factor scores: Cronbach's alpha of the factor in this role, by this source; missing where unknown. Scores
    below the floor stand here all the same: leave them out, or say so."""
    alpha_over: str | None
    """What alpha was found in, or why it is unknown."""
    floor: float | None
    """For factor scores: alpha below which the plan has no scores."""


class CallRow(NamedTuple):
    """One row per model call, of conversations and of their readers, judges and questionnaires."""

    run: Name
    """Id of the run."""
    conversation: str | None
    """Id of the conversation; for a judge the first of the two. Missing for profiles."""
    scenario: Name | None
    """As in conversations; missing for profiles."""
    condition: Name | None
    """As in conversations; missing for profiles."""
    pair_key: str | None
    """As in conversations; missing for profiles."""
    log: Name
    """Which log holds it: ``conversation``, ``measure``, ``profile`` or ``judgement``."""
    measure: Name | None
    """What was measured, with the source for traits, such as ``traits-self``; missing in conversations."""
    about: str | None
    """For a profile its id and how it was asked, for a judge both conversations; missing else."""
    seq: int
    """Number of the event in its log."""
    at: datetime | None
    """When it was logged (UTC)."""
    turn: int
    """Turn that the call was made for, from 0; -1 before the first."""
    role: Name | None
    """Role that it was made for; missing for a script, and for a reader of the whole conversation."""
    purpose: Name | None
    """``speak``, ``script``, ``repair`` or ``read``; missing in conversations where there was no answer."""
    model: Name
    """Name of the model, as the user calls it."""
    served: Name | None
    """The model's name as the server gave it; missing if it gave none."""
    answered: bool
    """Whether there was an answer after all tries."""
    readable: bool | None
    """Whether the answer could be read; missing where there was none."""
    fault: Name | None
    """Kind of failure, of a call without an answer or with one that could not be read; missing if all is well."""
    message: str | None
    """What went wrong, in one line."""
    finish_reason: Name | None
    """Why the model stopped, as the server said."""
    prompt_tokens: int | None
    """Tokens of the prompt; missing if not reported."""
    cached_tokens: int | None
    """Of these, from the server's prefix cache; missing if not reported."""
    completion_tokens: int | None
    """Tokens of the answer; missing if not reported."""
    cost: float | None
    """US dollars; missing where the price or the tokens are unknown."""
    hit: bool | None
    """Whether a cache of answers gave it, so that nothing was paid for its tokens; missing where there was none."""
    seconds: float | None
    """How long the call took, without earlier tries; 0 for a hit."""
    failed_tries: int
    """Tries that got no answer."""
    failed_seconds: float
    """How long those took."""


TABLES: Final[dict[str, type[Any]]] = {
    "conversations": ConversationRow, "turns": TurnRow, "measures": MeasureRow, "facts": FactRow, "calls": CallRow,
}  # fmt: skip
"""All tables, by name."""
Row = ConversationRow | TurnRow | MeasureRow | FactRow | CallRow
