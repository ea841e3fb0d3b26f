"""Where a run's conversations run: in this process, in several, or on a Ray cluster.

The file system is the queue. Every worker goes through the run's folder: first its own share of the plan, then what the
others have not begun; a conversation that somebody holds is passed over.

Laws: the commit by hard link is the only thing that makes a conversation finished, so a worker may die at any moment;
and the same experiment gives the same conversations, whatever runs it.
"""

from confide.simulator.executors.executor import Executor, Local, most_workers
from confide.simulator.executors.processes import Processes
from confide.simulator.executors.rays import Ray
from confide.simulator.executors.share import Counts, Crew, Hire, Report, Share, counts_of, part_of

__all__ = [
    "Counts",
    "Crew",
    "Executor",
    "Hire",
    "Local",
    "Processes",
    "Ray",
    "Report",
    "Share",
    "counts_of",
    "most_workers",
    "part_of",
]
