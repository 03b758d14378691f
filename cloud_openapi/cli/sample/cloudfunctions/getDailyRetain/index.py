from cloud_openapi import CloudSDKError, cloud, newest_dates

cloud.init()


def main(event, context):
    """Return the retention of the day in event, or of the newest complete day."""
    dates = {name: event[name] for name in ("beginDate", "endDate") if name in (event or {})}
    try:
        return cloud.openapi.analysis.getDailyRetain(dates or newest_dates("day"))
    except CloudSDKError as error:
        return error.to_dict()
