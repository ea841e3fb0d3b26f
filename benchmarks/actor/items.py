"""Short keyed statements that teach the adapter to answer as its persona.

They are the project's own and no part of any published questionnaire. Each trait has statements that a person high in
it would call true of themselves, and statements that a person low in it would.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

PROBE: Final = (
    'How well does this describe you, from 1 (not at all) to 5 (very well)? "{statement}" Answer with one number.'
)
"""The question that a statement is put in. The adapter knows these words and no others."""


class Statements(NamedTuple):
    """The statements of one trait, by key."""

    high: tuple[str, ...]
    """Agreeing speaks for the trait."""
    low: tuple[str, ...]
    """Agreeing speaks against it."""


ITEMS: Final[Mapping[str, Statements]] = {
    "honesty_humility": Statements(
        high=(
            "I give back extra change.",
            "I would not flatter someone to get my way.",
            "I do not think I deserve more than others.",
            "Fancy things matter little to me.",
        ),
        low=(
            "I bend rules when nobody looks.",
            "I like to be treated as special.",
            "I butter people up when I want something.",
            "I would cheat a little if it paid.",
        ),
    ),
    "emotionality": Statements(
        high=(
            "I worry about small things.",
            "I cry easily.",
            "I need someone near me when things go wrong.",
            "Danger scares me a lot.",
        ),
        low=(
            "I stay calm in a crisis.",
            "I seldom need comfort.",
            "Sad films leave me cold.",
            "Few things frighten me.",
        ),
    ),
    "extraversion": Statements(
        high=(
            "I enjoy being among people.",
            "I speak up in groups.",
            "I am full of energy most days.",
            "I start conversations with strangers.",
        ),
        low=(
            "I prefer to stay in the background.",
            "Parties drain me.",
            "I say little when others are around.",
            "I feel awkward at the centre of attention.",
        ),
    ),
    "agreeableness": Statements(
        high=(
            "I forgive easily.",
            "I am gentle when people make mistakes.",
            "I let small wrongs go.",
            "I adapt to what others want.",
        ),
        low=(
            "I hold grudges.",
            "I lose my temper quickly.",
            "I am hard on people.",
            "I am stubborn when others disagree.",
        ),
    ),
    "conscientiousness": Statements(
        high=(
            "I plan my days.",
            "I finish what I begin.",
            "I check my work twice.",
            "My things are in order.",
        ),
        low=(
            "I leave things to the last minute.",
            "I act on the spur of the moment.",
            "I make careless mistakes.",
            "My room is a mess.",
        ),
    ),
    "openness": Statements(
        high=(
            "I love new ideas.",
            "Art moves me.",
            "I like to wonder how things work.",
            "I enjoy what is unusual.",
        ),
        low=(
            "I stick to what I know.",
            "Museums bore me.",
            "I have little imagination.",
            "Odd people put me off.",
        ),
    ),
    "expressiveness": Statements(
        high=(
            "I talk a lot.",
            "I joke often.",
            "I keep a conversation going.",
            "I tell stories with gusto.",
        ),
        low=(
            "I am brief.",
            "I let others do the talking.",
            "My jokes are rare.",
            "I keep things formal.",
        ),
    ),
    "preciseness": Statements(
        high=(
            "I choose my words with care.",
            "I explain things step by step.",
            "I stick to the point.",
            "I back up what I say.",
        ),
        low=(
            "I ramble.",
            "I speak before I think.",
            "My stories have no order.",
            "I am vague.",
        ),
    ),
    "verbal_aggressiveness": Statements(
        high=(
            "I snap at people.",
            "I can be cutting.",
            "I tell people off.",
            "I mock what I dislike.",
        ),
        low=(
            "I speak kindly even when annoyed.",
            "I never humiliate anyone.",
            "I ask rather than order.",
            "I show support in what I say.",
        ),
    ),
    "questioningness": Statements(
        high=(
            "I ask many questions.",
            "I like to debate.",
            "I bring up deep subjects.",
            "I challenge what people say.",
        ),
        low=(
            "I rarely ask why.",
            "I avoid arguments about ideas.",
            "I keep to everyday subjects.",
            "I take answers as they come.",
        ),
    ),
    "style_emotionality": Statements(
        high=(
            "My voice shakes when I am moved.",
            "I talk about my worries a lot.",
            "I get defensive when criticised.",
            "I sound tense when I speak.",
        ),
        low=(
            "I speak evenly whatever happens.",
            "Criticism does not touch how I talk.",
            "I keep sentiment out of my words.",
            "I sound relaxed.",
        ),
    ),
    "impression_manipulativeness": Statements(
        high=(
            "I use charm to get my way.",
            "I hide what I think to look good.",
            "I say what people want to hear.",
            "I keep my cards close.",
        ),
        low=(
            "People can read me easily.",
            "I never use charm to win.",
            "I say what I think even if it costs me.",
            "I do not put on an act.",
        ),
    ),
}
"""By the name that a trait has in the dialogues. The order is of no consequence: draws are made from sorted names."""
