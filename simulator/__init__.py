"""HOW a conversation runs: views, the moderator, events, the log, replay and the runner.

Laws: non-interference (what a role may not see changes nothing in its prompts), a log is the whole truth (replay
reproduces it without a model), and a kill loses at most the turn in flight.
"""

from confide.simulator.conversation import Conversation
from confide.simulator.events import (
    AnyEvent,
    Called,
    Ended,
    EndReason,
    Failed,
    Imported,
    Learned,
    Measured,
    Message,
    Noticed,
    Parent,
    Read,
    Reading,
    Spoke,
    Started,
)
from confide.simulator.finding import find_runs
from confide.simulator.log import LogWriter, ReadLog, Sink, read_log
from confide.simulator.measures import MeasureFolder, MeasureRecord, Reader, Readings, measure_folders, read_run
from confide.simulator.moderator import Memory, Moderator
from confide.simulator.observing import Answer, Key, Line, Observer, Seen, SideLog, Watch
from confide.simulator.planning import Wishes, check_models, models_of, plan_run
from confide.simulator.replay import ReplayError, replay, resumed
from confide.simulator.runner import Outcome, run_conversations
from confide.simulator.setup import Setup, Stage
from confide.simulator.state import State, fold
from confide.simulator.store import RunFolder, RunRecord
from confide.simulator.views import Frame, ViewBuilder, frame_of

__all__ = [
    "Answer",
    "AnyEvent",
    "Called",
    "Conversation",
    "EndReason",
    "Ended",
    "Failed",
    "Frame",
    "Imported",
    "Key",
    "Learned",
    "Line",
    "LogWriter",
    "MeasureFolder",
    "MeasureRecord",
    "Measured",
    "Memory",
    "Message",
    "Moderator",
    "Noticed",
    "Observer",
    "Outcome",
    "Parent",
    "Read",
    "ReadLog",
    "Reader",
    "Reading",
    "Readings",
    "ReplayError",
    "RunFolder",
    "RunRecord",
    "Seen",
    "Setup",
    "SideLog",
    "Sink",
    "Spoke",
    "Stage",
    "Started",
    "State",
    "ViewBuilder",
    "Watch",
    "Wishes",
    "check_models",
    "find_runs",
    "fold",
    "frame_of",
    "measure_folders",
    "models_of",
    "plan_run",
    "read_log",
    "read_run",
    "replay",
    "resumed",
    "run_conversations",
]
