"""Reproduction: comparisons and their rules, verdicts, records, plans, runs and the report."""

from dkg.reproduction.records import *  # noqa: F403
