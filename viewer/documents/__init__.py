"""What the server tells the page, and an export holds: plain documents, made from logs and from nothing else.

Law: what is hidden from a blind reader is not in the document. A page cannot show what it does not have.
"""

from confide.viewer.documents.calls import Call, Calls, Source, Try
from confide.viewer.documents.grid import Facet, Facets, Hit, Home, Named, Row, Rows, RunInfo, State, Words, WordsOf
from confide.viewer.documents.measures import Annotator, Answer, DriftLine, DriftPoint, Item, Labelled, Measure
from confide.viewer.documents.notes import Agreed, Agreements, Note, NoteDraft, Notes, PlacedNote
from confide.viewer.documents.talk import FactInfo, Kin, Knowing, Message, Parent, Setting, Side, Talk, Turn

__all__ = [
    "Agreed",
    "Agreements",
    "Annotator",
    "Answer",
    "Call",
    "Calls",
    "DriftLine",
    "DriftPoint",
    "Facet",
    "Facets",
    "FactInfo",
    "Hit",
    "Home",
    "Item",
    "Kin",
    "Knowing",
    "Labelled",
    "Measure",
    "Message",
    "Named",
    "Note",
    "NoteDraft",
    "Notes",
    "Parent",
    "PlacedNote",
    "Row",
    "Rows",
    "RunInfo",
    "Setting",
    "Side",
    "Source",
    "State",
    "Talk",
    "Try",
    "Turn",
    "Words",
    "WordsOf",
]
