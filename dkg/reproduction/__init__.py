"""Reproduction: comparisons and their rules, verdicts, records, plans, runs and the report."""

from dkg.reproduction.comparisons import CLAIMS, COMPARISONS
from dkg.reproduction.judge import VERDICTS
from dkg.reproduction.panel import TRAININGS, AesKeys, Float64Keys, Measurements, Panel
from dkg.reproduction.provenance import code_sha256, notebook_sha256
from dkg.reproduction.recording import record
from dkg.reproduction.records import CLAIM_VERDICTS, SYMBOLS, Record, dumps, load_all, loads
from dkg.reproduction.refusals import refusal
from dkg.reproduction.staleness import stale

__all__ = [
    "CLAIMS",
    "CLAIM_VERDICTS",
    "COMPARISONS",
    "SYMBOLS",
    "TRAININGS",
    "VERDICTS",
    "AesKeys",
    "Float64Keys",
    "Measurements",
    "Panel",
    "Record",
    "code_sha256",
    "dumps",
    "load_all",
    "loads",
    "notebook_sha256",
    "record",
    "refusal",
    "stale",
]
