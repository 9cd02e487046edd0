"""What all tests share: properties are tried on the same examples in every run.

For other examples: ``pytest --hypothesis-profile default FILE``.
"""

from hypothesis import settings

# A machine that is busy, or compiles on a first call, is no failure.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
