from datetime import datetime, timedelta, timezone

from cloud_openapi import cloud

cloud.init()


def main(event, context):
    db = cloud.database()
    _ = db.command
    limit = datetime.now(timezone.utc) - timedelta(days=7)
    drafts = db.collection("drafts")
    old = drafts.where({"time": _.lt(limit)}).orderBy("time", "asc").limit(10).get()["data"]
    files = [file for draft in old for file in draft.get("files", [])]
    statuses = []
    if files:
        statuses = [each["status"] for each in cloud.deleteFile(fileList=files)["fileList"]]
    removed = drafts.where({"_id": _.in_([draft["_id"] for draft in old])}).remove()
    left = drafts.field({"title": True}).get()["data"]
    return {"removed": removed["stats"]["removed"], "files": statuses, "left": left}
