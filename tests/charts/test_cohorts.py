from cloud_openapi.charts import Cohort, average, best_and_worst

ONE = Cohort("1", "one", {0: 100, 1: 20, 2: 10})
TWO = Cohort("2", "two", {0: 300, 1: 30})
EMPTY = Cohort("3", "three", {0: 0, 1: 5})
FAILED = Cohort("4", "four", {}, problem="61503")


def test_percent_is_the_share_of_key_0():
    assert (ONE.percent(1), TWO.percent(1)) == (20, 10)


def test_no_percent_without_users_or_value():
    assert (EMPTY.percent(1), ONE.percent(30), FAILED.percent(1)) == (None, None, None)


def test_key_0_is_a_number_also_among_percentages():
    assert (ONE.shown(0, "percent"), ONE.shown(1, "percent"), ONE.shown(1, "number")) == (
        100,
        20,
        20,
    )


def test_average_weighs_cohorts_by_their_users():
    assert average([ONE, TWO, FAILED], 1) == 100 * 50 / 400
    assert average([ONE, TWO, FAILED], 2) == 10
    assert average([ONE, TWO, FAILED], 30) is None


def test_average_of_numbers_is_their_mean():
    assert average([ONE, TWO], 1, "number") == 25
    assert average([ONE, TWO], 0) == 200
    assert average([], 0) is None


def test_average_of_cohorts_without_users_is_missing():
    assert average([EMPTY], 1) is None


def test_best_and_worst_by_share_and_by_number():
    assert best_and_worst([ONE, TWO, EMPTY, FAILED], 1) == (ONE, TWO)
    assert best_and_worst([ONE, TWO], 1, "number") == (TWO, ONE)


def test_equal_cohorts_have_no_best():
    assert best_and_worst([ONE, ONE._replace(ref="5")], 1) is None
    assert best_and_worst([ONE], 1) is None
    assert best_and_worst([FAILED], 1) is None
