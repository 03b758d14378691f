"""The case conversion, against what wx-server-sdk 0.5.1 to 4.0.2 was seen to give."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_openapi.naming import camel_to_snake, snake_to_camel, to_camel_case, to_snake_case

TO_SNAKE = {
    "visitUvNew": "visit_uv_new",
    "visit_uv_new": "visit_uv_new",
    "beginDate": "begin_date",
    "BeginDate": "begin_date",
    "page1Url": "page1_url",
    "key1Name": "key1_name",
    "userId2": "user_id2",
    "a1B2": "a1_b2",
    "URL": "u_r_l",
    "openURL": "open_u_r_l",
    "appID": "app_i_d",
    "_privateKey": "_private_key",
    "_Private": "__private",
    "visit_UvNew": "visit__uv_new",
    "iOS": "i_o_s",
    "REF_DATE": "r_e_f__d_a_t_e",
    "thing1.DATA": "thing1._d_a_t_a",
    "is-Hyaline": "is-_hyaline",
    "ÀBc": "À_bc",
    "X": "x",
}

TO_CAMEL = {
    "visit_uv_new": "visitUvNew",
    "visitUvNew": "visitUvNew",
    "ref_date": "refDate",
    "key_1": "key_1",
    "key_1_name": "key_1Name",
    "uv_2nd": "uv_2nd",
    "u_r_l": "uRL",
    "_id": "Id",
    "__v": "_V",
    "_private_key": "PrivateKey",
    "a__b": "a_B",
    "id_": "id_",
    "A_b": "AB",
    "REF_DATE": "REF_DATE",
    "Ref_date": "RefDate",
    "1_a": "1A",
    "x_é": "x_é",
    "errcode": "errcode",
    "err_code": "errCode",
}


@pytest.mark.parametrize(("camel", "snake"), TO_SNAKE.items())
def test_a_name_becomes_snake_case(camel, snake):
    assert camel_to_snake(camel) == snake


@pytest.mark.parametrize(("snake", "camel"), TO_CAMEL.items())
def test_a_name_becomes_camel_case(snake, camel):
    assert snake_to_camel(snake) == camel


def test_keys_are_converted_at_any_depth():
    before = {"aB": {"cD": [{"eF": 1}, [{"gH": 2}, [{"iJ": 3}]], "kL", 5, None]}}
    after = {"a_b": {"c_d": [{"e_f": 1}, [{"g_h": 2}, [{"i_j": 3}]], "kL", 5, None]}}
    assert to_snake_case(before) == after


def test_a_converted_key_moves_to_the_end():
    converted = to_snake_case({"visitUvNew": 1, "b": 2, "c_d": 3, "eF": 4})
    assert list(converted.items()) == [("b", 2), ("c_d", 3), ("visit_uv_new", 1), ("e_f", 4)]


@pytest.mark.parametrize("before", [{"aB": 1, "a_b": 2}, {"a_b": 2, "aB": 1}])
def test_of_two_keys_with_one_name_the_converted_one_wins_to_snake(before):
    assert to_snake_case(before) == {"a_b": 1}


@pytest.mark.parametrize("before", [{"aB": 1, "a_b": 2}, {"a_b": 2, "aB": 1}])
def test_of_two_keys_with_one_name_the_converted_one_wins_to_camel(before):
    assert to_camel_case(before) == {"aB": 2}


def test_a_string_is_a_name_only_where_it_is_the_whole_value():
    assert to_snake_case("aB") == "a_b"
    assert to_snake_case({"x": "aB"}) == {"x": "aB"}
    assert to_snake_case(["aB"]) == ["aB"]


def test_values_that_are_no_objects_stay_as_they_are():
    for value in (None, 1, 1.5, True, b"aB"):
        assert to_snake_case(value) is value
    assert to_snake_case({1: "aB"}) == {1: "aB"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("aBcD_1", max_size=6), inner),
)


@given(JSON)
@pytest.mark.slow
def test_a_second_conversion_changes_nothing_and_the_input_stays(value):
    before = repr(value)
    if not isinstance(value, str):
        once = to_snake_case(value)
        assert to_snake_case(once) == once
    assert repr(value) == before
