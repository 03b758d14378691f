"""Each regular expression of the package takes time in proportion to its input."""

import ast
import importlib
import re
import sys
from functools import partial

import pytest
from support.growth import LARGE, grows_in_proportion, taken
from support.paths import ROOT

from cloud_openapi.recordings import RULES, Interaction, Redactor
from cloud_openapi.recordings._request import _masks

parser = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")

METHODS = {"match", "fullmatch", "search", "finditer", "findall", "split", "sub", "subn"}


def compiled(value):
    """Yield the patterns of a value, also those in its items."""
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, tuple | list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from compiled(item)


def used(tree):
    """Yield the name of each object with a method of patterns, the method, and a first text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of = node.func.value
            name = getattr(of, "id", None) or getattr(of, "attr", None)
            text = node.args[0].value if node.args and is_text(node.args[0]) else None
            if node.func.attr in METHODS:
                yield name, node.func.attr, text


def is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@pytest.fixture(scope="module")
def patterns():
    """Return the patterns of the package, each with the methods by which it is used."""
    files = sorted((ROOT / "cloud_openapi").rglob("*.py"))
    uses = [use for file in files for use in used(ast.parse(file.read_text("utf-8")))]
    found = {text: (re.compile(text), {method}) for of, method, text in uses if text and of == "re"}
    for file in files:
        if "import re\n" in file.read_text("utf-8"):
            name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            for holder, value in vars(importlib.import_module(name)).items():
                methods = {method for of, method, _ in uses if of == holder}
                for one in compiled(value):
                    found[one.pattern] = one, methods or {"search"}
    for rule in RULES.patterns:
        found[rule.head.pattern] = rule.head, {"search"}
        found[rule.value.pattern] = rule.value, {"match"}
    return list(found.values())


def example(tokens, most=1):
    """Return a text that a parsed pattern accepts in part; ``most`` repetitions of each loop."""
    return "".join(_piece(kind, value, most) for kind, value in tokens)


def _piece(kind, value, most):  # noqa: PLR0911 - a kind each
    name = str(kind)
    if name == "LITERAL":
        return chr(value)
    if name == "NOT_LITERAL":
        return "a" if value != ord("a") else "b"
    if name == "IN":
        return _member(value)
    if name in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
        least, greatest, inner = value
        return example(inner, most) * max(least, min(most, greatest))
    if name == "SUBPATTERN":
        return example(value[-1], most)
    if name == "BRANCH":
        return example(value[1][0], most)
    if name == "ATOMIC_GROUP":
        return example(value, most)
    return "a" if name == "ANY" else ""


def _member(tokens):
    allowed = [chr(code) for code in (*range(97, 123), *range(32, 97), 10, 9, *range(123, 127))]
    text = re.compile("[^\\s\\S]" if not tokens else _set(tokens))
    return next((char for char in allowed if text.fullmatch(char)), "a")


def _set(tokens):
    parts = {"CATEGORY_WORD": r"\w", "CATEGORY_NOT_WORD": r"\W", "CATEGORY_SPACE": r"\s"}
    parts |= {"CATEGORY_NOT_SPACE": r"\S", "CATEGORY_DIGIT": r"\d", "CATEGORY_NOT_DIGIT": r"\D"}
    made = ""
    for kind, value in tokens:
        if str(kind) == "NEGATE":
            made += "^"
        elif str(kind) == "LITERAL":
            made += re.escape(chr(value))
        elif str(kind) == "RANGE":
            made += f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
        else:
            made += parts[str(value)]
    return f"[{made}]"


def loops(tokens):
    """Yield what each loop of a parsed pattern repeats, and what stands before it."""
    before = ""
    for kind, value in tokens:
        if "REPEAT" in str(kind):
            yield before, example(value[2])
            yield from ((before + start, piece) for start, piece in loops(value[2]))
        for inner in _inner(kind, value):
            yield from ((before + start, piece) for start, piece in loops(inner))
        before += _piece(kind, value, 1)


def _inner(kind, value):
    name = str(kind)
    if name == "SUBPATTERN":
        return [value[-1]]
    if name == "BRANCH":
        return value[1]
    return [value[1]] if name in {"ASSERT", "ASSERT_NOT"} else []


def worst(pattern):
    """Return starts and pieces whose repetition keeps the pattern busy."""
    text = pattern.pattern
    tokens = parser.parse(text.decode("latin-1") if isinstance(text, bytes) else text)
    whole = example(tokens)
    found = {("", whole), ("", whole[:-1]), ("", whole + "\n"), ("", example(tokens, 2))}
    for start, piece in loops(tokens):
        found |= {(start, piece), ("", start + piece), ("", piece + "\n"), (whole, piece)}
    return sorted(pair for pair in found if pair[1])


def use(pattern, methods, text):
    """Search a text as the package does."""
    text = text.encode("utf-8") if isinstance(pattern.pattern, bytes) else text
    if not methods <= {"match", "fullmatch"}:
        for _ in pattern.finditer(text):
            pass
    (pattern.fullmatch if methods == {"fullmatch"} else pattern.match)(text)


def test_a_pattern_takes_time_in_proportion_to_its_worst_input(patterns):
    for pattern, methods in patterns:
        for start, piece in worst(pattern):
            used = partial(use, pattern, methods)
            assert grows_in_proportion(used, start, piece), (pattern, start, piece)


def test_the_search_finds_the_patterns_of_all_rooms(patterns):
    texts = {str(one.pattern) for one, _ in patterns}
    assert len(texts) > 50
    assert {pattern.head.pattern for pattern in RULES.patterns} <= texts


@pytest.mark.slow
@pytest.mark.parametrize("explosive", [r"\s+$", "a+b", "x.+y.+z"])
def test_the_measure_finds_an_explosive_pattern(explosive):
    pattern = re.compile(explosive)
    assert not all(
        grows_in_proportion(pattern.search, *pair, measures=1) for pair in worst(pattern)
    )


PIECES = [
    "name=" + "a" * 60 + "\n",
    'name="a"\r\n',
    "Content-Disposition: form-data; name=a\r\n",
    "--b\r\nContent-Disposition: form-data; name=token\r\n\r\n",
    "--\ncontent-\n",
    "<a>",
    "<token>",
    "token=",
    "token: ",
    "token='a\" ",
    'token=\\"a',
    'token="\\',
    "://a@",
    "eyJaaaaaaaa.a.",
    "%2525",
]


@pytest.mark.parametrize("piece", PIECES)
def test_redaction_takes_time_in_proportion_to_the_body(piece):
    made = Interaction(None, "POST", "/", {}, b"", 200, "", {}, b"")

    def redact(text):
        Redactor().interaction(made._replace(request_body=text.encode()))

    assert grows_in_proportion(redact, "", piece)
    # A bounded repetition of bounded repetitions is linear too, with a large factor.
    harmless = taken(redact, ("word, " * LARGE)[:LARGE])
    assert taken(redact, (piece * LARGE)[:LARGE]) < 32 * harmless


@pytest.mark.parametrize("piece", ["aREDACTED", "REDACTED", "REDACTEDab"])
def test_masks_are_compared_in_proportion_to_the_text(piece):
    def compare(text):
        _masks(text, "a" * len(text) + "c")

    assert grows_in_proportion(compare, "", piece, "b")
