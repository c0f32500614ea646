"""Every non-trivial read of the spine, one module for each reader."""

from jieli.cases.queries.due import next_due

__all__ = ["next_due"]
