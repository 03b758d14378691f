from documents.document_cases import CASES

from cloud_openapi.documents import Client


def result(call, documents):
    database = Client()["test"]
    collection = database["c"]
    if documents:
        collection.insert_many(documents)
    return call(collection, database)


def test_documented_behaviour():
    failed = {}
    for name, documents, call, expected in CASES:
        try:
            found = result(call, documents)
        except Exception as error:  # noqa: BLE001 - the report has it
            found = repr(error)
        if found != expected:
            failed[name] = found, expected
    assert not failed
    assert len(CASES) == 201
