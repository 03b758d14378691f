def main(event, context):
    """Fail: this event has no "week"."""
    print("reporting week", event.get("week"))
    return event["week"]
