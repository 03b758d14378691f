"""Values that an answer by example makes for each request."""

from support.values import NOW

from cloud_openapi.demo import DEMO_APPID
from cloud_openapi.emulator import Emulator
from cloud_openapi.emulator.simulation.made_values import Source, writer


def made(value, **params):
    program = Emulator().program(DEMO_APPID)
    source = Source(
        api="notes.send",
        streams=program.streams,
        kept_files=program.kept_files,
        now=NOW,
        appid=DEMO_APPID,
        params=params,
        files={},
    )
    return writer(value)(source)


def test_the_value_in_place_of_a_missing_parameter_is_made_too():
    value = {"$param": "order", "or": {"$made": "a-####"}}
    assert made({"order": value}, order="mine") == {"order": "mine"}
    order = made({"order": value})["order"]
    assert order.startswith("a-")
    assert order[2:].isdecimal()


def test_a_parameter_that_looks_like_a_made_value_stays_as_it_was_sent():
    sent = {"$made": "####"}
    assert made({"note": {"$param": "note"}}, note=sent) == {"note": sent}


def test_a_code_shows_half_a_surrogate_pair():
    made_of = {half: made({"$qr": ["scene"]}, scene=half) for half in ("\ud800", "\ud801")}
    assert {kind for kind, _ in made_of.values()} == {"image/png"}
    assert made_of["\ud800"] != made_of["\ud801"]
