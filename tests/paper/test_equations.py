"""The equations of the measures."""

from dkg.paper import EQUATIONS


def test_equations_of_the_measures():
    assert list(EQUATIONS) == list(range(10, 18))
    assert all("=" in equation.form and equation.name for equation in EQUATIONS.values())
