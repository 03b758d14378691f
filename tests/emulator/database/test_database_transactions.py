"""Transactions at the gateway: waits, time limits, and threads."""

import threading

import pytest
from support.database import DatabaseGateway
from support.processes import until
from support.threads import run_concurrently

from cloud_openapi.emulator.database import database as module
from cloud_openapi.emulator.database import transactions

CHANGE = {"collectionName": "c", "queryType": "DOC", "query": '{"_id":"a"}'}
INCREMENT = {**CHANGE, "data": '{"$inc":{"n":{"$numberInt":"1"}}}'}


@pytest.fixture
def gateway():
    return DatabaseGateway({"c": [{"_id": "a", "n": 0}]})


def start(gateway):
    return gateway.act("startTransaction")["transactionId"]


def n(gateway, **fields):
    (text,) = gateway.data("getDocument", **CHANGE, **fields)["list"]
    return text


def test_an_ordinary_write_waits_for_the_transaction_that_holds_the_document(gateway):
    number = start(gateway)
    gateway.data("modifyDocument", **INCREMENT, transactionId=number)
    answers = []
    writer = threading.Thread(
        target=lambda: answers.append(gateway.data("modifyDocument", **INCREMENT))
    )
    writer.start()
    until(lambda: writer.is_alive() and not answers)
    # Others read what was committed, the transaction what it has written.
    assert n(gateway) == '{"_id":"a","n":0}'
    assert n(gateway, transactionId=number) == '{"_id":"a","n":1}'
    gateway.act("commitTransaction", transactionId=number)
    writer.join(30)
    assert answers == [{"updated": 1}]
    assert n(gateway) == '{"_id":"a","n":2}'


def test_a_write_that_waits_in_vain_is_told_so(gateway, monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE", 0.0)
    number = start(gateway)
    gateway.data("modifyDocument", **INCREMENT, transactionId=number)
    answer = gateway.act("modifyDocument", **INCREMENT)
    assert answer["message"].startswith("[ResourceUnavailable.TransactionBusy] Transaction is busy")
    assert gateway.last.errcode == -501001
    assert "commit it or roll it back" in gateway.last.reason
    gateway.act("abortTransaction", transactionId=number)
    assert gateway.data("modifyDocument", **INCREMENT) == {"updated": 1}


def test_of_two_transactions_on_one_document_the_second_conflicts(gateway):
    first, second = start(gateway), start(gateway)
    gateway.data("modifyDocument", **INCREMENT, transactionId=first)
    answer = gateway.act("modifyDocument", **INCREMENT, transactionId=second)
    assert answer["code"] == "DATABASE_TRANSACTION_CONFLICT"
    assert answer["message"].startswith("[ResourceUnavailable.TransactionConflict] Transaction is")
    assert "code" not in gateway.act("commitTransaction", transactionId=first)
    assert gateway.act("commitTransaction", transactionId=second)["code"] == (
        "DATABASE_TRANSACTION_FAIL"
    )
    assert n(gateway) == '{"_id":"a","n":1}'


def test_a_transaction_ends_after_30_seconds_of_the_emulators_clock(gateway):
    number = start(gateway)
    gateway.data("modifyDocument", **INCREMENT, transactionId=number)
    gateway.emulator.clock.advance(31)
    answer = gateway.act("modifyDocument", **INCREMENT, transactionId=number)
    assert answer["code"] == "DATABASE_TRANSACTION_FAIL"
    assert gateway.last.reason == ("the transaction has ended after 30 seconds: start another one")
    assert gateway.data("modifyDocument", **INCREMENT) == {"updated": 1}
    assert n(gateway) == '{"_id":"a","n":1}'


def test_an_abandoned_transaction_ends_while_the_clock_stands_still(gateway, monkeypatch):
    gateway.emulator.clock.freeze()
    monkeypatch.setattr(transactions, "SECONDS", 0)
    number = start(gateway)
    answer = gateway.act("commitTransaction", transactionId=number)
    assert answer["code"] == "DATABASE_TRANSACTION_FAIL"


def test_a_transaction_that_has_ended_is_named_with_its_end(gateway):
    number = start(gateway)
    gateway.act("commitTransaction", transactionId=number)
    for given, why in ((number, "was committed"), ("made-up", "is unknown")):
        answer = gateway.act("abortTransaction", transactionId=given)
        assert answer["code"] == "DATABASE_TRANSACTION_FAIL"
        assert gateway.last.reason == f"the transaction {why}: start another one"


def test_where_and_too_many_transactions_are_refused(gateway):
    number = start(gateway)
    for action in ("getDocument", "modifyDocument", "removeDocument"):
        fields = {"collectionName": "c", "queryType": "WHERE", "data": "{}"}
        answer = gateway.act(action, transactionId=number, **fields)
        assert (answer["code"], "where()" in answer["message"]) == ("INVALID_PARAM", True)
    for _ in range(99):
        start(gateway)
    assert gateway.act("startTransaction")["code"] == "EXCEED_CONCURRENT_REQUEST_LIMIT"


def test_a_reset_ends_open_transactions(gateway):
    number = start(gateway)
    gateway.emulator.reset()
    answer = gateway.act("commitTransaction", transactionId=number)
    assert answer["code"] == "DATABASE_TRANSACTION_FAIL"


def test_400_increments_by_eight_threads_are_400(gateway):
    def increment():
        for _ in range(50):
            assert gateway.data("modifyDocument", **INCREMENT) == {"updated": 1}

    run_concurrently(*[increment] * 8)
    assert n(gateway) == '{"_id":"a","n":400}'
