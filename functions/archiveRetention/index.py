"""Archive the retention in the collection ``retention``: a document for each day, week and month.

A timer runs it in the morning, and again later for what was not ready. The numbers of a day grow
for 30 days, so each run gets the periods with a number that is not stored yet, and no others.
"""

from datetime import datetime

from cloud_openapi import CloudSDKError, cloud, newest_dates

cloud.init()

COLLECTION = "retention"
# The API of each span, and the periods after which WeChat adds a number.
SPANS = {
    "day": (cloud.openapi.analysis.getDailyRetain, (0, 1, 2, 3, 4, 5, 6, 7, 14, 30)),
    "week": (cloud.openapi.analysis.getWeeklyRetain, (0, 1, 2, 3, 4)),
    "month": (cloud.openapi.analysis.getMonthlyRetain, (0, 1)),
}
# Busy, the quota of the day, not ready, busy: the next run gets it.
LATER = (-1, 45009, 61503, 61504)
NO_COLLECTION = -502005


def main(event, context):
    """Store what is new at the time of the event; return the ids of the stored and the waiting."""
    wanted = dict(periods(moment_of(event or {})))
    collection = cloud.database().collection(COLLECTION)
    stored = stored_keys(collection, list(wanted))
    done, waiting = [], []
    for name, (span, key, dates) in wanted.items():
        if key in stored.get(name, ()):
            continue
        try:
            numbers = SPANS[span][0](dates)
        except CloudSDKError as error:
            if error.errCode not in LATER:
                raise
            waiting.append(name)
            continue
        fields = ("refDate", "visitUvNew", "visitUv")
        data = {"span": span, **{field: numbers[field] for field in fields}}
        collection.doc(name).set({"data": data})
        done.append(name)
    return {"stored": done, "waiting": waiting}


def moment_of(event):
    """Return the time of a timer's event, for example 2017-03-14T01:00:00Z; None without one."""
    time = event.get("Time")
    return datetime.fromisoformat(time.replace("Z", "+00:00")) if time else None


def periods(now):
    """Yield the id of each period with a new number: its span, the number's key and its dates."""
    for span, (_, keys) in SPANS.items():
        moment = now
        for key in range(keys[-1] + 1):
            dates = newest_dates(span, moment)
            begin, end = dates["beginDate"], dates["endDate"]
            # At its first moment, the period before is the newest one.
            moment = datetime.fromisoformat(f"{begin[:4]}-{begin[4:6]}-{begin[6:]}T00:00+08:00")
            names = {"day": begin, "week": f"{begin}-{end}", "month": begin[:6]}
            if key in keys:
                yield f"{span}-{names[span]}", (span, key, dates)


def stored_keys(collection, names):
    """Return the keys of the numbers that are stored for each id."""
    query = {"_id": cloud.database().command.in_(names)}
    try:
        found = collection.where(query).field({"visitUv": True}).get()["data"]
    except CloudSDKError as error:
        if error.errCode != NO_COLLECTION:
            raise
        cloud.database().createCollection(COLLECTION)
        found = []
    return {each["_id"]: [number["key"] for number in each["visitUv"]] for each in found}
