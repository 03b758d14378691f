from cloud_openapi import cloud, newest_dates

cloud.init()


def main(event, context):
    """Report the newest day, and send the report if the event has a user."""
    dates = newest_dates("day")
    retained = cloud.openapi.analysis.getDailyRetain(dates)
    summary = cloud.openapi.analysis.getDailySummary(dates)
    print("report of", dates["beginDate"])
    report = {"new": retained["visitUvNew"], "total": summary["list"]}
    if "toUser" in event:
        cloud.callFunction({"name": "sendReport", "data": {"toUser": event["toUser"]}})
    return report
