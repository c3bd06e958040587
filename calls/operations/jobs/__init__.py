"""Work that nobody waits for: what there is, when it falls due, and how it is carried out by `manage.py db_worker`."""

from calls.operations.jobs.kinds import KINDS, JobKind, register
from calls.operations.jobs.runner import enqueue, look_after_jobs, perform

__all__ = ["KINDS", "JobKind", "enqueue", "look_after_jobs", "perform", "register"]
