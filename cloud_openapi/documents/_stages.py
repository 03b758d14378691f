"""Stages of aggregation, compiled once into functions from documents to documents."""

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, Final

from cloud_openapi.documents import _geo
from cloud_openapi.documents._errors import PARSE, TOO_MANY, OperationFailure, check
from cloud_openapi.documents._expressions import Value, expression
from cloud_openapi.documents._functions import ACCUMULATORS
from cloud_openapi.documents._granularity import Granularity
from cloud_openapi.documents._lacking import STAGES, unrecognized
from cloud_openapi.documents._numbers import is_number, whole
from cloud_openapi.documents._operands import (
    is_null,
    is_operators,
    needs,
    options,
    or_null,
    truthy,
    variable,
)
from cloud_openapi.documents._paths import each_element, sorter, split, values_at, with_value
from cloud_openapi.documents._projection import path_tree, projector
from cloud_openapi.documents._query import query
from cloud_openapi.documents._scope import Scope
from cloud_openapi.documents._values import MISSING, Document, Key, key

Documents = Iterable[Document]
Stage = Callable[[Documents], Documents]

_MOST = 1_000_000
_LONGEST_PIPELINE, _LARGEST = 1_000, 2**62


def pipeline(stages: Any, scope: Scope) -> Stage:
    """Return the function of a pipeline. Raises OperationFailure."""
    valid = type(stages) is list and len(stages) <= _LONGEST_PIPELINE
    check(valid, f"A pipeline must be an array of at most {_LONGEST_PIPELINE} stages", 14)
    compiled = [_stage(each, scope) for each in stages]

    def run(documents: Documents) -> Documents:
        for each in compiled:
            documents = each(scope.watch(documents))
        return documents

    return run


def _stage(stage: Any, scope: Scope) -> Stage:
    valid = type(stage) is dict and len(stage) == 1
    check(valid, "A pipeline stage specification object must contain exactly one field.", 40323)
    ((name, operand),) = stage.items()
    check(name in _STAGES, unrecognized("pipeline stage name:", name, STAGES), 40324)
    return _STAGES[name](operand, scope)


def _blocking(documents: Documents) -> list[Document]:
    found = list(islice(documents, _MOST + 1))
    check(len(found) <= _MOST, f"A stage would hold more than {_MOST} documents", TOO_MANY)
    return found


def _named(operand: Any, name: str, required: str, optional: str = "") -> Document:
    """Return the operand of a stage with named options. Raises OperationFailure."""
    given = options(name, operand, required, optional)
    for each in given.keys() & _TEXTS:
        error = f"{each} of {name} must be the name of a field or a collection"
        check(type(given[each]) is str and given[each], error, 4570)
    return given


def _nonempty(name: str, operand: Any, code: int) -> Document:
    if type(operand) is dict and operand:
        return operand
    raise OperationFailure(f"{name} specification must be an object with fields", code)


def _whole(name: str, operand: Any, least: int) -> int:
    found = whole(operand)
    if found is None or found < least:
        raise OperationFailure(f"the {name} must be a number of at least {least}", 15957)
    return min(found, _LARGEST)


# Stages that pass, reorder or count documents ----------------------------------------------------


def _sort(operand: Any, _: Scope) -> Stage:
    arrange = sorter(_nonempty("$sort", operand, 15976).items())
    return lambda documents: arrange(_blocking(documents))


def _cut(begin: int, end: int | None) -> Stage:
    return lambda documents: islice(documents, begin, end)


def _count(operand: Any, _: Scope) -> Stage:
    valid = type(operand) is str and operand and not {*operand} & {*"$."}
    check(valid, "the count field must be a non-empty string without $ and .", 40156)
    return lambda documents: [{operand: n}] if (n := sum(1 for _ in documents)) else []


def _sample(operand: Any, scope: Scope) -> Stage:
    size = _whole("size", _named(operand, "$sample", "size")["size"], 1)

    def run(documents: Documents) -> Documents:
        import random  # noqa: PLC0415 - few pipelines need it, and it loads slowly

        found = _blocking(documents)
        chance = random.Random(str(scope.new_id()))  # noqa: S311 - no secret
        return chance.sample(found, min(size, len(found)))

    return run


def _geo_near(operand: Any, scope: Scope) -> Stage:
    ranges = "maxDistance minDistance limit num distanceMultiplier"
    more = f"{ranges} query includeLocs spherical uniqueDocs"
    given = _named(operand, "$geoNear", "near distanceField key", more)
    distance, read = _geo.Distance(given["near"], given), values_at(given["key"])
    test, factor = query(given.get("query", {}), scope), given.get("distanceMultiplier", 1)
    limit = _whole("limit", given.get("limit", given.get("num", _MOST)), 1)
    check(is_number(factor), "the distanceMultiplier must be a number")
    paths = [split(given[name]) for name in ("distanceField", "includeLocs") if name in given]

    def run(documents: Documents) -> Documents:
        all_ = [(*distance.closest(read(each)), each) for each in filter(test, documents)]
        near = sorted((each for each in all_ if each[0] >= 0), key=lambda each: each[0])
        for far, place, document in near[:limit]:
            result = document
            for path, value in zip(paths, (far * factor / distance.unit, place), strict=False):
                result = with_value(result, path, value)
            yield result

    return run


# Stages that change documents --------------------------------------------------------------------


def _flat(fields: Document, prefix: str = "") -> Document:
    """Return operands by path: an object without operators has one for each of its fields."""
    found: Document = {}
    for name, value in fields.items():
        if type(value) is dict and value and not is_operators(value):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    path_tree(found)  # refuses conflicts
    return found


def _setter(fields: Document, scope: Scope) -> Callable[[Document, Document], Document]:
    """Return a function that adds to a document the fields computed of another."""
    steps = [(split(path), expression(value, scope)) for path, value in fields.items()]

    def add(result: Document, source: Document) -> Document:
        for path, value in steps:
            result = with_value(result, path, value(source, scope.variables))
        return result

    return add


def _add_fields(operand: Any, scope: Scope) -> Stage:
    add = _setter(_flat(_nonempty("$addFields", operand, 40177)), scope)
    return lambda documents: (add(each, each) for each in documents)


def _project(operand: Any, scope: Scope) -> Stage:
    fields = _flat(_nonempty("$project", operand, 40177))
    plain = {path: bool(v) for path, v in fields.items() if type(v) is bool or is_number(v)}
    computed = {path: value for path, value in fields.items() if path not in plain}
    excluding = any(path != "_id" and not kept for path, kept in plain.items())
    check(not (computed and excluding), "Bad projection: it cannot mix exclusion and others", 40179)
    if "_id" in computed:
        plain["_id"] = False
    project, add = projector(plain, including=bool(computed) or None), _setter(computed, scope)
    return lambda documents: (add(project(each), each) for each in documents)


def _replace_root(operand: Any, scope: Scope) -> Stage:
    value = expression(_named(operand, "$replaceRoot", "newRoot")["newRoot"], scope)
    root = partial(needs, dict, "'newRoot' of $replaceRoot", code=40228)
    return lambda documents: (root(value(each, scope.variables)) for each in documents)


def _unwind(operand: Any, _: Scope) -> Stage:
    given = operand if type(operand) is dict else {"path": operand}
    given = _named(given, "$unwind", "path", "includeArrayIndex preserveNullAndEmptyArrays")
    path, index = given["path"], given.get("includeArrayIndex", "")
    valid = type(path) is str and path.startswith("$") and len(path) > 1
    check(valid, "path option to $unwind stage should be prefixed with a '$'", 28818)
    keeps = truthy(given.get("preserveNullAndEmptyArrays"))
    valid = type(index) is str and not index.startswith("$")
    check(valid, "includeArrayIndex must be the name of a field", 28822)
    parts = split(path[1:])

    def elements(document: Document) -> Iterator[Document]:
        value: Any = document
        for part in parts:
            value = value.get(part, MISSING) if type(value) is dict else MISSING
        pairs: Iterable[Any] = enumerate(value) if type(value) is list else [(None, value)]
        if is_null(value) or value == []:
            pairs = [(None, value if value is None else MISSING)] if keeps else []
        for at, each in pairs:
            result = document if each is value else with_value(document, parts, each)
            yield with_value(result, split(index), at) if index else result

    return lambda documents: (each for document in documents for each in elements(document))


def _redact(operand: Any, scope: Scope) -> Stage:
    decide = expression(operand, scope)
    choices = {name: f"$${name}" for name in ("KEEP", "PRUNE", "DESCEND")}

    def redacted(value: Any, root: Document) -> Any:
        if type(value) is list:
            return [each for one in value if (each := redacted(one, root)) is not MISSING]
        if type(value) is not dict:
            return value
        choice = decide(value, {**scope.variables, **choices, "ROOT": root})
        check(choice in choices.values(), "$redact must return $$KEEP, $$PRUNE or $$DESCEND", 17053)
        if choice != choices["DESCEND"]:
            return value if choice == choices["KEEP"] else MISSING
        pairs = ((name, redacted(each, root)) for name, each in value.items())
        return {name: each for name, each in pairs if each is not MISSING}

    return lambda documents: (
        found for each in documents if (found := redacted(each, each)) is not MISSING
    )


# Stages that group documents ---------------------------------------------------------------------

_Result = Callable[[Any, list[Document]], Document]
"""From the ``_id`` of a group and its documents to the document that the stage gives."""


def _accumulated(fields: Any, scope: Scope) -> _Result:
    compiled = []
    for name, each in needs(dict, "the output of a group", fields, 40196).items():
        valid = type(each) is dict and len(each) == 1 and "." not in name
        check(valid, f"The field '{name}' must be an accumulator object", 40234)
        ((operator, operand),) = each.items()
        check(operator in ACCUMULATORS, f"unknown group operator '{operator:.100}'", 15952)
        compiled.append((name, ACCUMULATORS[operator], expression(operand, scope)))

    def result(identity: Any, documents: list[Document]) -> Document:
        found = {"_id": identity}
        for name, accumulate, value in compiled:
            found[name] = or_null(accumulate([value(each, scope.variables) for each in documents]))
        return found

    return result


def _grouped(value: Value, fields: Any, scope: Scope) -> Callable[[Documents], list[Document]]:
    result = _accumulated(fields, scope)

    def run(documents: Documents) -> list[Document]:
        groups: dict[Key, tuple[Any, list[Document]]] = {}
        for each in _blocking(documents):
            identity = or_null(value(each, scope.variables))
            groups.setdefault(key(identity), (identity, []))[1].append(each)
        return [result(*each) for each in groups.values()]

    return run


def _group(operand: Any, scope: Scope) -> Stage:
    valid = type(operand) is dict and "_id" in operand
    check(valid, "a group specification must include an _id", 15955)
    fields = {name: each for name, each in operand.items() if name != "_id"}
    return _grouped(expression(operand["_id"], scope), fields, scope)


_BUCKETED: Final = {"count": {"$sum": 1}}


def _sort_by_count(operand: Any, scope: Scope) -> Stage:
    valid = is_operators(operand) or (type(operand) is str and operand.startswith("$"))
    check(valid, "the sortByCount field must be a $-prefixed path or an expression", 40148)
    return pipeline([{"$group": {"_id": operand, **_BUCKETED}}, {"$sort": {"count": -1}}], scope)


def _bucket(operand: Any, scope: Scope) -> Stage:
    given = _named(operand, "$bucket", "groupBy boundaries", "default output")
    value, bounds = expression(given["groupBy"], scope), given["boundaries"]
    keys = [key(each) for each in bounds] if type(bounds) is list else []
    valid = len(keys) > 1 and keys == sorted({*keys})
    check(valid, "$bucket needs 'boundaries' of at least 2 values, in order", 40191)
    check(keys[0][0] == keys[-1][0], "$bucket needs 'boundaries' of the same type", 40193)
    outside = "default" not in given or not keys[0] <= key(given["default"]) < keys[-1]
    check(outside, "the 'default' of $bucket must lie outside of the boundaries", 40199)

    def bucket_of(document: Document, variables: Document) -> Any:
        found = key(value(document, variables))
        below = sum(each <= found for each in keys)
        inside = 0 < below < len(keys)
        error = "$bucket: no bucket has a value; add a 'default'"
        check(inside or "default" in given, error, 40066)
        return bounds[below - 1] if inside else given["default"]

    run = _grouped(bucket_of, given.get("output", _BUCKETED), scope)
    return lambda documents: sorter([("_id", 1)])(run(documents))


def _bucket_auto(operand: Any, scope: Scope) -> Stage:
    given = _named(operand, "$bucketAuto", "groupBy buckets", "output granularity")
    value, count = expression(given["groupBy"], scope), _whole("buckets", given["buckets"], 1)
    result = _accumulated(given.get("output", _BUCKETED), scope)
    granularity = Granularity(given["granularity"]) if "granularity" in given else None
    checked = granularity.checked if granularity else or_null

    def run(documents: Documents) -> Documents:
        found = [(checked(value(each, scope.variables)), each) for each in _blocking(documents)]
        found.sort(key=lambda pair: key(pair[0]))
        values = [each for each, _ in found]
        for begin, end, limits in _buckets(values, count, granularity):
            yield result(limits, [each for _, each in found[begin:end]])

    return run


def _buckets(
    values: Sequence[Any], count: int, granularity: Granularity | None
) -> Iterator[tuple[int, int, Document]]:
    """Yield where the buckets of sorted values begin and end, and their limits."""
    size, begin = max(1, math.floor(len(values) / count + 0.5)), 0
    least = granularity.down(values[0]) if granularity and values else None
    for number in range(1, count + 1):
        if begin == len(values):
            return
        end = len(values) if number == count else min(begin + size, len(values))
        most = granularity.up(values[end - 1]) if granularity else None
        last, rounds = key(values[end - 1]), granularity is not None
        while end < len(values) and (key(values[end]) == last or (rounds and values[end] < most)):
            end += 1
        if granularity is None:
            least, most = values[begin], values[min(end, len(values) - 1)]
        elif most == 0 and end < len(values):
            most = granularity.down(values[end])
        yield begin, end, {"min": least, "max": most}
        begin, least = end, most


# Stages that read other collections or run pipelines ---------------------------------------------


def _facet(operand: Any, scope: Scope) -> Stage:
    stages = _nonempty("$facet", operand, 40169)
    facets = {name: pipeline(each, scope) for name, each in stages.items()}

    def run(documents: Documents) -> Documents:
        found = _blocking(documents)
        return [{name: list(facet(found)) for name, facet in facets.items()}]

    return run


def _lookup(operand: Any, scope: Scope) -> Stage:
    if type(operand) is dict and "pipeline" in operand:
        return _lookup_pipeline(operand, scope)
    given = _named(operand, "$lookup", "from localField foreignField as")
    local, path = _joined(given["localField"]), split(given["as"])

    def run(documents: Documents) -> Documents:
        foreign = scope.documents(given["from"])
        rows_of = _rows(foreign, given["foreignField"])
        for each in documents:
            found = [foreign[row] for row in rows_of(local(each) or {key(None)})]
            yield with_value(each, path, found)

    return run


def _lookup_pipeline(operand: Document, scope: Scope) -> Stage:
    given, inner = _named(operand, "$lookup", "from pipeline as", "let"), copy.copy(scope)
    let = needs(dict, "'let' of $lookup", given.get("let", {}), PARSE)
    variables = {variable(name): expression(each, scope) for name, each in let.items()}
    stage, path = pipeline(given["pipeline"], inner), split(given["as"])

    def run(documents: Documents) -> Documents:
        foreign = scope.documents(given["from"])
        for each in documents:
            values = {name: value(each, scope.variables) for name, value in variables.items()}
            inner.variables = {**scope.variables, **values}
            yield with_value(each, path, list(stage(foreign)))

    return run


def _joined(path: str) -> Callable[[Document], set[Key]]:
    """Return a reader of the keys by which a document is joined; a missing field has none."""
    read = values_at(path)
    return lambda document: {key(v) for v in each_element(read(document)) if v is not MISSING}


def _rows(documents: list[Document], path: str) -> Callable[[set[Key]], list[int]]:
    """Return a function from keys to the numbers of the documents that have one at a path."""
    read, index = values_at(path), dict[Key, list[int]]()
    for row, document in enumerate(documents):
        for each in each_element(read(document)):
            index.setdefault(key(or_null(each)), []).append(row)
    return lambda wanted: sorted({row for each in wanted for row in index.get(each, ())})


def _graph_lookup(operand: Any, scope: Scope) -> Stage:
    needed = "from startWith connectFromField connectToField as"
    optional = "maxDepth depthField restrictSearchWithMatch"
    given = _named(operand, "$graphLookup", needed, optional)
    start, follow = expression(given["startWith"], scope), _joined(given["connectFromField"])
    test, path = query(given.get("restrictSearchWithMatch", {}), scope), split(given["as"])
    deepest = _whole("maxDepth", given.get("maxDepth", _MOST), 0)

    def reached(wanted: set[Key], foreign: list[Document], rows_of: Any) -> Iterator[Document]:
        seen: set[int] = set()
        for depth in range(deepest + 1):
            rows = [row for row in rows_of(wanted) if row not in seen]
            seen.update(rows)
            for row in rows:
                found = foreign[row]
                yield {**found, given["depthField"]: depth} if "depthField" in given else found
            wanted = {each for row in rows for each in follow(foreign[row])}
            if not rows:
                return

    def run(documents: Documents) -> Documents:
        foreign = [each for each in scope.watch(scope.documents(given["from"])) if test(each)]
        rows_of = _rows(foreign, given["connectToField"])
        for each in documents:
            wanted = {key(v) for v in each_element([or_null(start(each, scope.variables))])}
            yield with_value(each, path, list(reached(wanted, foreign, rows_of)))

    return run


_TEXTS: Final = {
    *("distanceField", "includeLocs", "from", "localField", "foreignField", "as"),
    *("connectFromField", "connectToField", "depthField"),
}
_STAGES: Final[dict[str, Callable[[Any, Scope], Stage]]] = {
    "$addFields": _add_fields,
    "$set": _add_fields,
    "$project": _project,
    "$match": lambda operand, scope: partial(filter, query(operand, scope)),
    "$sort": _sort,
    "$skip": lambda operand, _: _cut(_whole("skip", operand, 0), None),
    "$limit": lambda operand, _: _cut(0, _whole("limit", operand, 1)),
    "$count": _count,
    "$sample": _sample,
    "$group": _group,
    "$sortByCount": _sort_by_count,
    "$bucket": _bucket,
    "$unwind": _unwind,
    "$bucketAuto": _bucket_auto,
    "$facet": _facet,
    "$lookup": _lookup,
    "$redact": _redact,
    "$graphLookup": _graph_lookup,
    "$replaceRoot": _replace_root,
    "$geoNear": _geo_near,
}
