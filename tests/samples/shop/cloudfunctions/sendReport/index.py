from cloud_openapi import cloud

cloud.init()


def main(event, context):
    """Send a message, for which config.json lacks the permission."""
    message = {"touser": event["toUser"], "templateId": "report", "data": {}}
    return cloud.openapi.subscribeMessage.send(message)
