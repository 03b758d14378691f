from cloud_openapi import cloud

cloud.init()
db = cloud.database({"throwOnNotFound": False})
_ = db.command


def main(event, context):
    openid = cloud.getWXContext()["OPENID"]
    book_id = event["book"]

    def lend(transaction):
        book = transaction.collection("books").doc(book_id).get()["data"]
        if not book or book["left"] < 1:
            transaction.rollback(ValueError("没有库存"))
            return None
        transaction.collection("books").doc(book_id).update(
            data={"left": _.inc(-1), "readers": _.addToSet(openid)}
        )
        loan = {"book": book_id, "reader": openid, "time": db.serverDate()}
        transaction.collection("loans").doc(f"{book_id}-{openid}").set(data=loan)
        return book["left"] - 1

    if event.get("back"):
        removed = db.collection("loans").where({"book": book_id, "reader": openid}).remove()
        if removed["stats"]["removed"]:
            db.collection("books").doc(book_id).update(
                data={"left": _.inc(1), "readers": _.pull(openid)}
            )
        return removed["stats"]
    try:
        return {"left": db.runTransaction(lend)}
    except ValueError as error:
        return {"reason": str(error)}
