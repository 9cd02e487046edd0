"""The names of the package, also those that older notebooks import from it."""

import doctest

import pytest

from dkg import paper
from dkg.reproduction import comparisons


def test_every_remark_has_its_own_id():
    ids = [remark.id for remark in (*paper.ERRATA, *paper.OBSERVATIONS)]
    assert len(set(ids)) == len(ids)


def test_examples_of_the_module():
    result = doctest.testmod(paper)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("name", comparisons.__all__)
def test_older_notebooks_find_the_comparisons_here(name):
    assert getattr(paper, name) is getattr(comparisons, name)


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="NO_SUCH_NAME"):
        _ = paper.NO_SUCH_NAME
