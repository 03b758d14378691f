"""Transactions: isolation, conflicts, locks, the end of their time."""

from datetime import datetime, timedelta

import pytest

from cloud_openapi.documents import Client, InvalidOperation, OperationFailure


class Clock:
    def __init__(self):
        self.time = datetime(2020, 1, 1)  # noqa: DTZ001

    def __call__(self):
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def client(clock):
    return Client(now=clock)


@pytest.fixture
def accounts(client):
    collection = client["e"]["accounts"]
    collection.insert_many([{"_id": 1, "n": 10}, {"_id": 2, "n": 20}])
    return collection


def started(client):
    session = client.start_session()
    session.start_transaction()
    return session


def code_of(call, *given, **named):
    with pytest.raises(OperationFailure) as caught:
        call(*given, **named)
    return caught.value.code


def numbers(collection, session=None):
    return [each["n"] for each in collection.find({}, session=session)]


def test_others_see_writes_after_the_commit(client, accounts):
    session = started(client)
    accounts.update_one({"_id": 1}, {"$inc": {"n": 5}}, session=session)
    accounts.insert_one({"_id": 3, "n": 30}, session=session)
    accounts.delete_one({"_id": 2}, session=session)
    assert (numbers(accounts), numbers(accounts, session)) == ([10, 20], [15, 30])
    session.commit_transaction()
    assert numbers(accounts) == [15, 30]


def test_abort_and_end_of_session_discard_the_writes(client, accounts):
    for end in ("abort_transaction", "end_session"):
        session = started(client)
        accounts.delete_many({}, session=session)
        getattr(session, end)()
        assert numbers(accounts) == [10, 20]


def test_transaction_reads_its_snapshot(client, accounts):
    session = started(client)
    assert numbers(accounts, session) == [10, 20]
    accounts.update_one({"_id": 1}, {"$set": {"n": 99}})
    client["e"]["others"].insert_one({"_id": 1})
    assert numbers(accounts, session) == [10, 20]
    assert client["e"]["others"].count_documents({}, session=session) == 0
    session.commit_transaction()
    assert numbers(accounts) == [99, 20]


def test_two_transactions_on_one_document_conflict(client, accounts):
    first, second = started(client), started(client)
    accounts.update_one({"_id": 1}, {"$inc": {"n": 1}}, session=first)
    with pytest.raises(OperationFailure) as caught:
        accounts.update_one({"_id": 1}, {"$inc": {"n": 1}}, session=second)
    assert caught.value.code == 112
    assert caught.value.has_error_label("TransientTransactionError")
    first.commit_transaction()
    assert numbers(accounts) == [11, 20]
    assert not second.in_transaction


def test_document_written_since_the_snapshot_is_a_conflict(client, accounts):
    session = started(client)
    assert numbers(accounts, session) == [10, 20]
    accounts.update_one({"_id": 1}, {"$inc": {"n": 1}})
    change = {"$inc": {"n": 1}}
    assert code_of(accounts.update_one, {"_id": 1}, change, session=session) == 112


def test_transactions_on_different_documents_both_commit(client, accounts):
    first, second = started(client), started(client)
    accounts.update_one({"_id": 1}, {"$inc": {"n": 1}}, session=first)
    accounts.update_one({"_id": 2}, {"$inc": {"n": 1}}, session=second)
    first.commit_transaction()
    second.commit_transaction()
    assert numbers(accounts) == [11, 21]


def test_ordinary_write_on_a_locked_document_is_busy(client, accounts):
    session = started(client)
    accounts.update_one({"_id": 1}, {"$inc": {"n": 1}}, session=session)
    assert code_of(accounts.update_one, {"_id": 1}, {"$set": {"n": 0}}) == 46
    assert code_of(accounts.delete_one, {"_id": 1}) == 46
    session.commit_transaction()
    accounts.update_one({"_id": 1}, {"$set": {"n": 0}})
    assert numbers(accounts) == [0, 20]


def test_unique_value_that_another_writer_took_is_a_conflict(client, accounts):
    accounts.create_index("n", unique=True)
    session = started(client)
    accounts.insert_one({"_id": 3, "n": 30}, session=session)
    accounts.insert_one({"_id": 4, "n": 40}, session=session)
    accounts.insert_one({"_id": 5, "n": 40})
    assert code_of(session.commit_transaction) == 112
    assert numbers(accounts) == [10, 20, 40]


def test_duplicate_within_a_transaction_is_refused_at_once(client, accounts):
    session = started(client)
    assert code_of(accounts.insert_one, {"_id": 1}, session=session) == 11000


def test_transaction_ends_after_thirty_seconds_and_releases_its_documents(client, accounts, clock):
    session = started(client)
    accounts.update_one({"_id": 1}, {"$inc": {"n": 1}}, session=session)
    clock.time += timedelta(seconds=30)
    accounts.find_one({"_id": 1}, session=session)
    clock.time += timedelta(seconds=1)
    accounts.update_one({"_id": 1}, {"$set": {"n": 5}})
    with pytest.raises(InvalidOperation):
        session.commit_transaction()
    assert numbers(accounts) == [5, 20]
    late = started(client)
    clock.time += timedelta(seconds=31)
    assert code_of(accounts.find_one, {}, session=late) == 251


def test_session_runs_one_transaction_at_a_time(client):
    session = started(client)
    with pytest.raises(InvalidOperation):
        session.start_transaction()
    session.abort_transaction()
    with pytest.raises(InvalidOperation):
        session.abort_transaction()


def test_commit_reports_its_changes_at_once():
    reports = []
    client = Client(on_write=reports.append)
    collection = client["e"]["c"]
    collection.insert_many([{"_id": 1}, {"_id": 2}])
    session = started(client)
    collection.delete_one({"_id": 1}, session=session)
    collection.insert_one({"_id": 3}, session=session)
    session.commit_transaction()
    assert [[tuple(each) for each in report] for report in reports] == [
        [("e", "c", 1, {"_id": 1}), ("e", "c", 2, {"_id": 2})],
        [("e", "c", 1, None), ("e", "c", 3, {"_id": 3})],
    ]
