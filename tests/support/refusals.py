"""The text of a refusal."""


def refusal(read, *arguments):
    """Return the text of the ValueError that a call raises, "" if it raises none."""
    try:
        read(*arguments)
    except ValueError as error:
        return str(error)
    return ""
