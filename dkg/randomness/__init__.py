"""The fifteen statistical tests of NIST SP 800-22 rev. 1a.

Each test is a function that takes a sequence of bits and returns a `TestResult`; `run_suite` runs
them all on one sequence and `run_battery` on many, as section 4 of the standard asks. Passing is
not evidence of security: ``docs/randomness.md`` says what it means and what it does not.
`min_entropy` estimates min-entropy as SP 800-90B does (`dkg.randomness.entropy_estimates`).

Every test takes the `bits` of a sequence as `as_bits` reads them, and raises what it raises for a
sequence that cannot be read, TypeError or ValueError; a parameter out of range raises ValueError.
A test's docstring says for how many bits it is made (with fewer the result is not applicable), what
its statistic is, and what the result's ``details`` hold.

A P-value is the probability that a perfect source gives a statistic at least this extreme. Default
parameters are those of NIST's tool, STS 2.1.2, and ``constants="nist"`` gives its values; with
``constants="exact"`` the three tests with approximate class probabilities use exact ones.

Where the standard's text, its examples and its tool disagree
--------------------------------------------------------------
**Block frequency (2.2).** The tool's default M = 128 is against the text's own advice (M > n/100,
N < 100) for a million bits. The tool's default stays.

**Runs (2.3).** If the proportion of ones is further than 2/sqrt(n) from one half, the text says
that the test is not applicable, and both the text and the tool then give a P-value of 0. Here the
result is not applicable, and has no P-value. At equality the text stops ("at least"), the tool
goes on; here as in the tool.

**Longest run (2.4).** For blocks of 10,000 bits the tool and section 3.4 have four-digit
probabilities; ``exact`` computes them. The text has N = 16, 49 or 75 blocks; the tool and this code
use all n/M of them.

**Matrix rank (2.5).** The text's worked probabilities are rounded to four digits; the tool and this
code compute them. The text asks for 38 matrices, the tool for one and else prints a P-value of 0;
here fewer than 38 are marked as not applicable.

**Spectrum (2.6).** Revision 1a has the threshold sqrt(n ln(1/0.05)) and the variance
n 0.95 0.05 / 4, and so does this code, with the tool's ln 20 = 2.995732274. The two worked examples
are wrong: N_1 is 5 of 5 and 48 of 50, P = 0.468160 and 0.646355 (printed: 4 and 46, 0.029523 and
0.168669). The zero frequency is counted and the highest one is not, as in the tool. A divisor of
3.8 would fit the variance better than 4 (Pareschi et al., 2012): P-values lean a little to the
extremes.

**Non-overlapping templates (2.7).** The worked example has N = 2, the tool 8 blocks. For templates
longer than 9 the tool takes a sample of at most 148; here all that were requested are taken. No
rule is given for how short the sequence may be; here a block must expect five matches.

**Overlapping template (2.8).** Revision 1a prints the exact probabilities of Hamano and Kaneko
(0.364091, ...), and the tool holds them too, but overwrites them with the older compound Poisson
approximation, on which the examples of section 2.8.8 and Appendix B also rest. ``nist`` is what
the tool does, ``exact`` what the text says. Both have blocks of M = 1032 bits.

**Universal (2.9).** Below 387,840 bits the tool prints an error and no valid P-value; here the test
is not applicable. Standard deviations follow Maurer's approximation, as in the tool; Coron and
Naccache (1998) give the accurate one.

**Linear complexity (2.10).** pi_0 is 1/96 = 0.010417; the text and the tool have 0.01047, so that
their probabilities sum to more than 1. ``exact`` has 1/96 and 1/48. The 2.706147 and 0.844721 that
circulate as a correction of the example in 2.10.8 rest on six-digit values of the two; exactly they
are 2.706000 and 0.844738. The tool's mean has the sign of (-1)^M where the text has (-1)^(M+1);
this moves the statistic T by 1/18 within its class and changes no count.

**Serial (2.11).** Section 2.11.4 (5) prints 0.9057 and 0.8805 where 2.11.6 has the right 0.808792
and 0.670320; in 2.11.4 (2) v_111 is 1, not 0.

**Approximate entropy (2.12).** Section 2.12.4 (6) prints chi-square = 0.502193; it is 10.04386, and
the P-value printed is that of the latter.

**Serial and approximate entropy.** Where m is too large for n, the tool goes on, with a remark for
the latter; here the result is marked as not applicable, and has no P-value if 2^m > n.

**Cumulative sums (2.13).** The text does not say how the limits of the sums are rounded: the tool's
integer division rounds towards zero, and so does this code. Appendix B prints 0.669887 and 0.724266
for e, the tool 0.669886 and 0.724265. The text calls the largest sum z the statistic; section 3.13
divides it by sqrt(n).

**Random excursions (2.14).** With fewer than max(0.005 sqrt(n), 500) cycles the tool gives no
P-values; here the result is not applicable. The tool also stops above max(1000, n/100) cycles, for
want of room (and may write one number behind it); this code does not. The ten-bit example rounds
its probabilities: chi-square for x = +1 is 4.333333, not 4.333033, and P = 0.502488, not 0.502529.
The values for x = +1 to +4 of e in 2.14.8 do not agree with the tool; those for x = -4 to -1 do.

**Proportions and uniformity (4.2).** The band of the proportion is two-sided, as in the text, and
never reaches above 1. Sequences to which a test is not applicable do not count in it.

References
----------
- L. E. Bassham et al., "A Statistical Test Suite for Random and Pseudorandom Number Generators for
  Cryptographic Applications", NIST SP 800-22 rev. 1a, 2010, and its tool, STS 2.1.2.
- K. Hamano and T. Kaneko, "Correction of Overlapping Template Matching Test Included in NIST
  Randomness Test Suite", IEICE Trans. Fundamentals E90-A, 2007.
- J.-S. Coron and D. Naccache, "An Accurate Evaluation of Maurer's Universal Test", SAC 1998.
- F. Pareschi, R. Rovatti and G. Setti, "On Statistical Tests for Randomness Included in the NIST
  SP800-22 Test Suite and Based on the Binomial Distribution", IEEE TIFS 7(2), 2012.
"""

from dkg.randomness.battery import Battery, pass_rates, run_battery
from dkg.randomness.entropy_estimates import min_entropy
from dkg.randomness.frequency import block_frequency, longest_run_of_ones, monobit, runs
from dkg.randomness.linear import binary_matrix_rank, linear_complexity, spectral
from dkg.randomness.patterns import approximate_entropy, maurers_universal, serial
from dkg.randomness.result import TestResult, as_bits
from dkg.randomness.suite import TESTS, run_suite
from dkg.randomness.templates import (
    aperiodic_templates,
    non_overlapping_template,
    overlapping_template,
)
from dkg.randomness.walks import cumulative_sums, random_excursions, random_excursions_variant

__all__ = [
    "TESTS",
    "Battery",
    "TestResult",
    "aperiodic_templates",
    "approximate_entropy",
    "as_bits",
    "binary_matrix_rank",
    "block_frequency",
    "cumulative_sums",
    "linear_complexity",
    "longest_run_of_ones",
    "maurers_universal",
    "min_entropy",
    "monobit",
    "non_overlapping_template",
    "overlapping_template",
    "pass_rates",
    "random_excursions",
    "random_excursions_variant",
    "run_battery",
    "run_suite",
    "runs",
    "serial",
    "spectral",
]
