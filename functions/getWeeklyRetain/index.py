from cloud_openapi import CloudSDKError, cloud, newest_dates

cloud.init()


def main(event, context):
    """Return the retention of the week in event, or of the newest complete week."""
    dates = {name: event[name] for name in ("beginDate", "endDate") if name in (event or {})}
    try:
        return cloud.openapi.analysis.getWeeklyRetain(dates or newest_dates("week"))
    except CloudSDKError as error:
        return error.to_dict()
