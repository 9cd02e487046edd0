"""What every test takes and returns: a sequence of bits in, a `TestResult` out."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Bits = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class TestResult:
    """The outcome of one test on one sequence.

    Attributes
    ----------
    name : str
        The test's name, that of its function.
    parameters : dict
        The sequence's length ``n`` and the test's parameters, by the standard's symbols.
    statistics : tuple of float or None
        The test statistic that each P-value belongs to.
    p_values : tuple of float or None
        P-values in [0, 1]. None where no P-value can be given.
    variants : tuple of str
        One label per P-value, such as a template or a state; ``("",)`` for a single P-value.
    reason : str
        Why the test is not applicable; empty if it is.
    details : dict
        Counts and intermediate quantities, by the standard's symbols.
    """

    __test__ = False  # Its name starts with "Test", but it is no test case for pytest.

    name: str
    parameters: dict[str, Any]
    statistics: tuple[float | None, ...]
    p_values: tuple[float | None, ...]
    variants: tuple[str, ...] = ("",)
    reason: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def not_applicable(
        cls,
        name: str,
        parameters: dict[str, Any],
        reason: str,
        variants: tuple[str, ...] = ("",),
        details: dict[str, Any] | None = None,
    ) -> "TestResult":
        """Return a result without statistics and P-values, with the reason."""
        nothing = (None,) * len(variants)
        return cls(name, parameters, nothing, nothing, variants, reason, details or {})

    @property
    def applicable(self) -> bool:
        """Whether the conditions of the standard hold.

        If not, no verdict follows from the P-values: they are None where the test cannot be
        computed or NIST's tool refuses it, and computed all the same where the sequence is only
        shorter than recommended, as the standard does in its own ten-bit examples.
        """
        return not self.reason

    @property
    def statistic(self) -> float | None:
        """The test statistic of a test with one variant."""
        return self._only(self.statistics)

    @property
    def p_value(self) -> float | None:
        """The P-value of a test with one variant."""
        return self._only(self.p_values)

    def _only(self, values: tuple[float | None, ...]) -> float | None:
        if len(values) != 1:
            raise ValueError(
                f"{self.name} has {len(values)} variants: read `statistics` and `p_values`"
            )
        return values[0]


def shorter_than(n: int, minimum: int, section: str) -> str:
    """Return the reason why a sequence of n bits is too short for a test, or nothing."""
    if n >= minimum:
        return ""
    return f"the sequence has {n:,} bits; section {section} asks for at least {minimum:,}"


def check_constants(constants: str) -> None:
    """Raise ValueError unless `constants` names a set of class probabilities."""
    if constants not in ("nist", "exact"):
        raise ValueError(f"constants must be 'nist' or 'exact', got {constants!r}")


def as_bits(data: ArrayLike) -> Bits:
    """Return the bits of a sequence, first bit first.

    Bytes give their most significant bit first, as NIST's tool reads a binary file.

    Parameters
    ----------
    data : bytes-like or array-like
        - ``bytes``, ``bytearray`` or ``memoryview``: eight bits a byte.
        - uint8 array of two or three dimensions, an image: eight bits a byte, row by row.
        - uint8 array of one dimension with a value above 1: eight bits a byte.
        - one-dimensional array or list of integers or booleans, all 0 or 1: one bit an element.
          Pass ``array.tobytes()`` to have such an array read as bytes.

    Returns
    -------
    numpy.ndarray
        uint8, shape (n,), values 0 and 1, contiguous and writable; not always a copy.

    Raises
    ------
    TypeError
        For text, floating-point numbers and other types.
    ValueError
        For an empty sequence, a wrong number of dimensions, and integers that are neither bits
        nor uint8.
    """
    if isinstance(data, (bytes, bytearray, memoryview)):
        data = np.frombuffer(data, dtype=np.uint8)
        is_bytes = True
    elif isinstance(data, str):
        raise TypeError("expected bits or bytes, got text; use numpy.array(list(text), dtype=int)")
    else:
        data = np.asarray(data)
        if data.dtype.kind not in "bui" and data.size:
            raise TypeError(
                f"expected bytes, a uint8 image or an array of 0 and 1, got dtype {data.dtype}"
            )
        if data.ndim not in (1, 2, 3):
            raise ValueError(f"expected 1 dimension, or 2 or 3 for an image, got {data.ndim}")
        if data.ndim > 1 and data.dtype != np.uint8:
            raise ValueError(f"expected an image of dtype uint8, got {data.dtype}")
        is_bytes = data.ndim > 1
    if data.size == 0:
        raise ValueError("the sequence is empty")
    if not is_bytes and data.dtype != np.bool_:
        smallest, largest = data.min(), data.max()
        is_bytes = data.dtype == np.uint8 and largest > 1
        if not is_bytes and (smallest < 0 or largest > 1):
            raise ValueError(
                "expected only 0 and 1 in an array that is not uint8, "
                f"got values from {smallest} to {largest}"
            )
    if is_bytes:
        return np.unpackbits(np.ascontiguousarray(data).reshape(-1))
    # The compiled loops know one kind of array, so that none is compiled twice.
    return np.require(data, dtype=np.uint8, requirements=["C", "W"])
