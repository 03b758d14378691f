import csv
import io

from cloud_openapi import cloud

cloud.init()


def main(event, context):
    """Store the sales of a month as a table, and return a link to it."""
    db = cloud.database()
    _ = db.command
    sums = _.aggregate
    rows = (
        db.collection("shopOrders")
        .aggregate()
        .match({"day": db.RegExp({"regexp": "^" + event["month"]}), "total": _.gt(0)})
        .group(
            {"_id": {"shop": "$shop", "kind": "$kind"}, "sum": sums.sum("$total"), "n": sums.sum(1)}
        )
        .sort({"sum": -1})
        .limit(100)
        .end()["list"]
    )
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["shop", "kind", "orders", "total"])
    for row in rows:
        writer.writerow([row["_id"]["shop"], row["_id"]["kind"], row["n"], row["sum"]])
    stored = cloud.uploadFile(
        cloudPath=f"reports/{event['month']}.csv", fileContent=table.getvalue().encode()
    )
    links = cloud.getTempFileURL(fileList=[stored["fileID"]])["fileList"]
    return {"rows": len(rows), "link": links[0]["tempFileURL"]}
