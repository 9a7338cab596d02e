"""The comparison of counts of instructions."""

import check_instructions


def test_what_lies_within_the_tolerance_passes() -> None:
    assert check_instructions.compare({"maze": 1030}, {"maze": 1000}) == []
    assert check_instructions.compare({"maze": 970}, {"maze": 1000}) == []


def test_more_and_fewer_are_both_told() -> None:
    # Fewer is good news, which the committed counts are to keep.
    assert "+3.1%" in check_instructions.compare({"maze": 1031}, {"maze": 1000})[0]
    assert "-3.1%" in check_instructions.compare({"maze": 969}, {"maze": 1000})[0]


def test_scenes_that_come_and_go_are_told() -> None:
    assert len(check_instructions.compare({"new": 1}, {"old": 1})) == 2
