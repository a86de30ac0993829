"""How many products an Einsum asks for."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from onnxtool.analysis.einsum import einsum_macs

Shapes = Sequence[Sequence[int]]


@pytest.mark.parametrize(
    ("equation", "shapes", "macs"),
    [
        ("ij,jk->ik", [(3, 4), (4, 5)], 3 * 4 * 5),
        ("ij,jk,kl->il", [(3, 4), (4, 5), (5, 6)], 3 * 4 * 5 + 3 * 5 * 6),
        ("i,j,k->ijk", [(3,), (4,), (5,)], 3 * 4 + 3 * 4 * 5),
        ("ij,j,j->ij", [(3, 4), (4,), (4,)], 3 * 4 + 3 * 4),
        ("bi,ij,bj->b", [(2, 3), (3, 4), (2, 4)], 2 * 3 * 4 + 2 * 4),
        ("...ij,jk,...kl", [(2, 3, 4), (4, 5), (2, 5, 6)], 2 * 3 * 4 * 5 + 2 * 3 * 5 * 6),
    ],
)
def test_operands_are_contracted_one_after_the_other(
    equation: str, shapes: Shapes, macs: int
) -> None:
    assert einsum_macs(equation, shapes) == macs


@pytest.mark.parametrize(
    ("equation", "shapes", "macs"),
    [
        ("ij,k->k", [(3, 4), (5,)], 5),
        ("ij,jk->", [(3, 4), (4, 5)], 4),
        ("ij,jk->i", [(3, 4), (4, 5)], 3 * 4),
        ("ij,jk,k->i", [(3, 4), (4, 5), (5,)], 3 * 4 * 5 + 3 * 5),
        ("ij,j->i", [(3, 4), (1,)], 3),
    ],
)
def test_what_one_operand_alone_has_is_summed_first(
    equation: str, shapes: Shapes, macs: int
) -> None:
    assert einsum_macs(equation, shapes) == macs


def test_one_operand_is_not_multiplied() -> None:
    assert einsum_macs("ij->i", [(3, 4)]) == 0


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [("ij,jk->ik", [(3, 4)]), ("ijk,jk->ik", [(3, 4), (4, 5)]), ("ij->i", [])],
    ids=["too few operands", "another rank", "none"],
)
def test_shapes_of_another_equation_are_refused(equation: str, shapes: Shapes) -> None:
    with pytest.raises(ValueError, match=r"zip\(\)"):
        einsum_macs(equation, shapes)


@pytest.mark.parametrize("equation", ["i;j", "ij->i->j", "ä,ä", "i>j"])
def test_what_is_no_equation_is_refused(equation: str) -> None:
    with pytest.raises(ValueError, match="is no equation"):
        einsum_macs(equation, [(3,)])
