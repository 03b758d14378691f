from cloud_openapi import CloudSDKError, cloud

cloud.init()


def main(event, context):
    try:
        answer = cloud.openapi.analysis.getDailyVisitTrend(
            beginDate=event["day"], endDate=event["day"]
        )
    except CloudSDKError as error:
        return error.to_dict()
    return {"days": [each["refDate"] for each in answer["list"]]}
