"""Regular expressions that always end.

Python's `re` tries every way to match, and nothing can interrupt it: ``(a+)+$`` takes years for
40 letters. So `_ways` bounds the number of ways from the parsed pattern, and a text for which the
bound is too large is refused. PCRE, which MongoDB uses, gives up in such cases too.
"""

import importlib
import re
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from cloud_openapi.documents._errors import OperationFailure, check
from cloud_openapi.documents._scope import Scope

_parser: Any = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")

_INVALID: Final = 51091
_LONGEST_PATTERN: Final = 32_764  # PCRE's limit
_MOST_WAYS: Final = 10**7  # about 0.1 s
_LONGEST_TEXT: Final = 2**24
_FLAGS: Final = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE, "u": 0}
# A search finds the same without a leading .*, in a time that does not grow with the square.
_LEADING: Final = re.compile(r"^(\.\*\??)+(?![?+*{])")
_REPEATS: Final = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}
_GROUPS: Final = {"SUBPATTERN", "ATOMIC_GROUP", "ASSERT", "ASSERT_NOT"}


def searcher(source: Any, options: Any, scope: Scope) -> Callable[[Any], bool]:
    """Return a function that searches a value, which may be of any type.

    ``source`` and ``options`` are those of $regex; a pattern has options of its own. Raises
    OperationFailure; so does the function for a text that may take too long, or ExecutionTimeout.
    """
    pattern = _compiled(source, options)
    longest = _longest_text(pattern)

    def search(value: Any) -> bool:
        if type(value) is not str:
            return False
        if len(value) > longest:
            error = f"Regular expression may take too long for {len(value)} characters"
            advice = "Remove quantifiers inside of quantifiers and unnecessary .*"
            raise OperationFailure(f"{error}. {advice}: /{pattern.pattern:.100}/", _INVALID)
        scope.check()
        return pattern.search(value) is not None

    return search


def _compiled(source: Any, options: Any) -> re.Pattern[str]:
    if isinstance(source, re.Pattern):
        options = options or "".join(each for each, flag in _FLAGS.items() if source.flags & flag)
        source = source.pattern
    check(isinstance(source, str) and isinstance(options, str), "$regex has to be a string")
    unknown = options.strip("".join(_FLAGS))
    check(not unknown, f"Regular expression has an invalid option: {unknown:.20}", _INVALID)
    check(len(source) <= _LONGEST_PATTERN, "Regular expression is too long", _INVALID)
    # PCRE's \w and \d are ASCII, but its i folds the case of all letters. Python has both or none.
    flags = sum({_FLAGS[each] for each in options}) | (0 if "i" in options else re.ASCII)
    try:
        return re.compile(_LEADING.sub("", source), flags)
    except (re.error, ValueError, OverflowError, RecursionError, FutureWarning) as error:
        raise OperationFailure(f"Regular expression is invalid: {error}", _INVALID) from None


@lru_cache
def _longest_text(pattern: re.Pattern[str]) -> int:
    parsed = list(_parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE))
    anchored = str(parsed[:1]) == "[(AT, AT_BEGINNING)]" and not pattern.flags & re.MULTILINE
    if parsed and str(parsed[-1][0]) in _REPEATS and parsed[-1][1][0] == 0:
        del parsed[-1]  # a trailing .* matches in any case
    longest, length = 0, 1
    while length < _LONGEST_TEXT:
        if _ways(parsed, length) * (1 if anchored else length) > _MOST_WAYS:
            break
        longest, length = length, length + 1 + length // 4
    return longest


def _ways(items: Any, length: int) -> float:
    """Return an upper bound of the ways to match a sequence against a text of some length."""
    product = 1.0
    for kind, argument in items:
        name = str(kind)
        if name in _REPEATS:
            least, most, inner = argument
            most, inside = min(int(most), length), _ways(inner, length)
            product *= max(1.0, most - least + 1) if inside == 1 else inside ** min(most, 33)
        elif name == "BRANCH":
            first = [str(branch[:1]) for branch in argument[1]]  # at most one of letters matches
            differ = len({*first}) == len(first) and all("[(LITERAL," in each for each in first)
            product *= (max if differ else sum)(_ways(each, length) for each in argument[1])
        elif name in _GROUPS:
            product *= _ways(argument if name == "ATOMIC_GROUP" else argument[-1], length)
        elif name.startswith("GROUPREF"):
            product *= length if name == "GROUPREF" else 1e9
        product = min(product, 1e9)
    return product
