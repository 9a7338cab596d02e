"""Arrays share the memory of the engine, keep it alive, and cannot be written."""

import gc
import weakref

import numpy as np
import pytest

ARRAYS = (
    *("points", "intensities", "jones", "optical_path_mm", "beam_radii_mm", "hit_item", "hit_interface"),
    *("offsets", "rgba", "wavelengths_nm", "source_index", "ray_index", "parents", "branch_vertices", "ending_codes"),
)


def address(array):
    """Where the first number of an array lies."""
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize("name", ARRAYS)
def test_two_looks_at_an_array_are_the_same_memory(splitter_scene, name):
    paths = splitter_scene.trace()
    first, second = getattr(paths, name), getattr(paths, name)
    assert first is not second
    assert address(first) == address(second)
    assert np.shares_memory(first, second)
    assert first.base is paths


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_outlives_the_name_of_its_result(splitter_scene, name):
    paths = splitter_scene.trace()
    array = getattr(paths, name)
    before = array.copy()
    del paths
    gc.collect()
    # Other results would take the memory if it had been given back.
    others = [splitter_scene.trace() for _ in range(50)]
    np.testing.assert_array_equal(array, before)
    assert array.base is not None
    assert len(others) == 50


def test_a_view_of_one_path_outlives_path_and_result(splitter_scene):
    points = splitter_scene.trace()[1].points
    gc.collect()
    np.testing.assert_array_equal(points, splitter_scene.trace()[1].points)


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_cannot_be_written(splitter_scene, name):
    array = getattr(splitter_scene.trace(), name)
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 0
    with pytest.raises(ValueError, match="WRITEABLE"):
        array.flags.writeable = True


def test_memory_is_given_back_with_the_last_array(splitter_scene):
    array = splitter_scene.trace().points
    gone = []
    # The result itself takes no weak references; an array over it does.
    weakref.finalize(array, gone.append, True)
    del array
    gc.collect()
    assert gone == [True]


def test_a_large_result_is_handed_over_without_a_copy(splitter_scene):
    splitter_scene.update("laser", n_rays=100_000)
    paths = splitter_scene.trace()
    # Such an array has 3.2 MB or more; views over it cost no memory that Python knows of.
    import tracemalloc

    tracemalloc.start()
    arrays = [getattr(paths, name) for name in ARRAYS]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(array.nbytes for array in arrays) > 10_000_000
    assert peak < 100_000
