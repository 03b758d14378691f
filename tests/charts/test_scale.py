import pytest

from cloud_openapi.charts._scale import scale_of


@pytest.mark.parametrize(
    ("values", "most", "ticks"),
    [
        ([2.1, 21.8], 9, [0, 2.5, 5, 7.5, 10, 12.5, 15, 17.5, 20, 22.5]),
        ([26.1, 34.1], 9, [26, 27, 28, 29, 30, 31, 32, 33, 34, 35]),
        ([0.0, 1.0], 5, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        ([7.0], 4, [7, 7.25, 7.5, 7.75, 8]),
        ([], 2, [0, 0.5, 1]),
    ],
)
def test_ticks_are_round_and_hold_all_values(values, most, ticks):
    scale = scale_of(values, most)
    assert scale.ticks == ticks
    assert scale.ticks[0] <= min(values, default=0)
    assert scale.ticks[-1] >= max(values, default=0)


def test_scale_from_zero_begins_at_zero():
    assert scale_of([9000, 11000], 6, from_zero=True).ticks == [
        0,
        2000,
        4000,
        6000,
        8000,
        10000,
        12000,
    ]


@pytest.mark.parametrize("value", [1e-9, 0.3, 99.9999, 12345.678, 10**15])
@pytest.mark.parametrize("most", [1, 2, 6, 9])
def test_any_value_has_a_place(value, most):
    scale = scale_of([value / 3, value], most)
    assert 1 <= scale.steps <= most
    for each in (value / 3, value):
        assert scale.ticks[scale.place(each)] <= each * (1 + 1e-9)
        assert each <= scale.ticks[scale.place(each) + 1] * (1 + 1e-9)


def test_value_outside_is_in_the_nearest_step():
    scale = scale_of([10, 20], 5)
    assert (scale.place(-5), scale.place(400)) == (0, scale.steps - 1)
