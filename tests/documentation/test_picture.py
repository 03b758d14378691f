"""The README's picture shows what the emulator prints."""

from scripts.picture import PICTURE, draw, session


def test_the_picture_is_what_serve_prints():
    assert draw(session()) == PICTURE.read_text("utf-8")
