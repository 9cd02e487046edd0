"""x"""
from dkg.randomness.result import TestResult, as_bits
from dkg.randomness.suite import *
from dkg.randomness.suite import TESTS, run_suite
