"""Stages of aggregation, compiled once into functions from documents to documents."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from cloud_openapi.documents import _geo
from cloud_openapi.documents._accumulators import ACCUMULATORS
from cloud_openapi.documents._errors import Code, OperationFailure
from cloud_openapi.documents._expressions import Value, expression, truthy
from cloud_openapi.documents._paths import each_element, sorter, split, values_at
from cloud_openapi.documents._projection import path_tree, project
from cloud_openapi.documents._query import query
from cloud_openapi.documents._scope import Scope
from cloud_openapi.documents._values import (
    MISSING,
    Document,
    Key,
    is_number,
    is_operators,
    key,
    shown,
    type_name,
    whole,
)

Documents = Iterable[Document]
Stage = Callable[[Documents], Documents]

_MOST: Final = 1_000_000
_LONGEST_PIPELINE: Final = 1_000


def pipeline(stages: Any, scope: Scope) -> Stage:
    """Return the function of a pipeline. Raises OperationFailure."""
    if type(stages) is not list or len(stages) > _LONGEST_PIPELINE:
        raise OperationFailure("A pipeline must be an array of stages", Code.TYPE_MISMATCH)
    compiled = [_stage(each, scope) for each in stages]

    def run(documents: Documents) -> Documents:
        for each in compiled:
            documents = each(scope.watch(documents))
        return documents

    return run


def _stage(stage: Any, scope: Scope) -> Stage:
    if type(stage) is not dict or len(stage) != 1:
        raise OperationFailure(
            "A pipeline stage specification object must contain exactly one field.", 40323
        )
    ((name, operand),) = stage.items()
    if name in _REFUSED:
        raise OperationFailure(f"{name} is not supported: {_REFUSED[name]}", 40324)
    if name not in _STAGES:
        raise OperationFailure(f"Unrecognized pipeline stage name: '{name:.100}'", 40324)
    return _STAGES[name](operand, scope)


def _blocking(documents: Documents) -> list[Document]:
    found = list(islice(documents, _MOST + 1))
    if len(found) > _MOST:
        raise OperationFailure(
            f"A stage would hold more than {_MOST} documents. Filter them before",
            Code.EXCEEDED_MEMORY_LIMIT,
        )
    return found


def _object(
    name: str, operand: Any, allowed: Sequence[str], needed: Sequence[str] = ()
) -> Document:
    """Return the operand of a stage that takes named arguments. Raises OperationFailure."""
    if type(operand) is not dict:
        raise OperationFailure(f"the {name} stage specification must be an object", 15969)
    if wrong := (operand.keys() - {*allowed}) or ({*needed} - operand.keys()):
        raise OperationFailure(f"{name}: missing or unrecognized option: {min(wrong):.100}", 40415)
    return operand


def _whole(name: str, operand: Any, least: int) -> int:
    found = whole(operand)
    if found is None or found < least:
        raise OperationFailure(f"the {name} must be a number of at least {least}", 15957)
    return found


# Stages that pass, reorder or count documents ----------------------------------------------------


def _match(operand: Any, scope: Scope) -> Stage:
    test = query(operand, scope)
    return lambda documents: filter(test, documents)


def _sort(operand: Any, *_: Any) -> Stage:
    if type(operand) is not dict or not operand:
        raise OperationFailure("the $sort key specification must be an object with fields", 15973)
    for path, way in operand.items():
        if whole(way) not in {1, -1}:
            raise OperationFailure(f"$sort key ordering must be 1 or -1, at {path}", 15975)
    arrange = sorter([(path, int(way)) for path, way in operand.items()])
    return lambda documents: arrange(_blocking(documents))


def _skip(operand: Any, *_: Any) -> Stage:
    count = _whole("skip", operand, 0)
    return lambda documents: islice(documents, count, None)


def _limit(operand: Any, *_: Any) -> Stage:
    count = _whole("limit", operand, 1)
    return lambda documents: islice(documents, count)


def _count(operand: Any, *_: Any) -> Stage:
    if type(operand) is not str or not operand or "$" in operand or "." in operand:
        raise OperationFailure("the count field must be a non-empty string without $ and .", 40156)

    def run(documents: Documents) -> Documents:
        count = sum(1 for _ in documents)
        return [{operand: count}] if count else []

    return run


def _sample(operand: Any, *_: Any) -> Stage:
    size = _whole("$sample size", _object("$sample", operand, ["size"], ["size"])["size"], 1)

    def run(documents: Documents) -> Documents:
        import random  # noqa: PLC0415 - few pipelines need it, and it loads slowly

        found = _blocking(documents)
        return random.sample(found, min(size, len(found)))

    return run


def _geo_near(operand: Any, scope: Scope) -> Stage:
    options = ("near", "distanceField", "key", "query", "includeLocs", "distanceMultiplier")
    more = ("spherical", "maxDistance", "minDistance", "limit", "num", "uniqueDocs")
    given = _object("$geoNear", operand, (*options, *more), ("near", "distanceField", "key"))
    distance, read = _geo.distance(given["near"], given), values_at(given["key"])
    test = query(given.get("query", {}), scope)
    factor = given.get("distanceMultiplier", 1)
    if not is_number(factor) or type(given["distanceField"]) is not str:
        raise OperationFailure("$geoNear needs a distanceField, and numbers where they belong")
    scale = (
        factor if type(given["near"]) is dict and "type" in given["near"] else factor / _geo.RADIUS
    )

    def found(documents: Documents) -> Iterator[tuple[Document, float]]:
        for document in filter(test, documents):
            near = [(d, value) for value in read(document) if (d := distance(value)) is not None]
            if near:
                metres, place = min(near, key=lambda each: each[0])
                result = _with(document, split(given["distanceField"]), metres * scale)
                if "includeLocs" in given:
                    result = _with(result, split(given["includeLocs"]), place)
                yield result, metres

    def run(documents: Documents) -> Documents:
        pairs = sorted(found(documents), key=lambda pair: pair[1])
        limit = given.get("limit", given.get("num"))
        return [each for each, _ in pairs[: None if limit is None else _whole("limit", limit, 1)]]

    return run


# Stages that change documents --------------------------------------------------------------------


def _with(value: Any, path: Sequence[str], new: Any) -> Any:
    """Return a value with another one at a path, in each object of an array; MISSING removes it."""
    if not path:
        return new
    if type(value) is list:
        return [_with(each, path, new) for each in value]
    fields = dict(value) if type(value) is dict else {}
    changed = _with(fields.get(path[0], MISSING), path[1:], new)
    if changed is MISSING:
        fields.pop(path[0], None)
    else:
        fields[path[0]] = changed
    return fields


def _computed(fields: Document, scope: Scope, prefix: str = "") -> dict[str, Value]:
    """Return the expressions by path; an object without operators has one for each field."""
    found: dict[str, Value] = {}
    for name, value in fields.items():
        path = f"{prefix}{name}"
        if type(value) is dict and value and not is_operators(value):
            found |= _computed(value, scope, f"{path}.")
        else:
            found[path] = expression(value, scope)
    path_tree(dict.fromkeys(found, True))  # refuses conflicts
    return found


def _setter(fields: dict[str, Value], scope: Scope) -> Callable[[Document, Document], Document]:
    """Return a function that adds to a document the fields computed of another."""
    steps = [(split(path), value) for path, value in fields.items()]

    def add(result: Document, source: Document) -> Document:
        for path, value in steps:
            result = _with(result, path, value(source, scope.variables))
        return result

    return add


def _add_fields(operand: Any, scope: Scope) -> Stage:
    if type(operand) is not dict or not operand:
        raise OperationFailure("$addFields specification must be an object with fields", 40272)
    add = _setter(_computed(operand, scope), scope)
    return lambda documents: (add(each, each) for each in documents)


def _project(operand: Any, scope: Scope) -> Stage:
    if type(operand) is not dict or not operand:
        raise OperationFailure("$project specification must be an object with fields", 40177)
    plain, computed = _project_fields(operand)
    flags = {flag for path, flag in plain.items() if path != "_id"}
    if len(flags) > 1 or (False in flags and computed):
        raise OperationFailure("Bad projection: it cannot mix inclusion and exclusion", 40179)
    including = bool(computed) or True in flags or (not flags and plain.get("_id") is True)
    if including and "_id" not in computed:
        plain.setdefault("_id", True)
    path_tree({**plain, **computed})  # refuses conflicts
    tree, add = path_tree(plain), _setter(_computed(computed, scope), scope)
    return lambda documents: (
        add(project(each, tree, including=including), each) for each in documents
    )


def _project_fields(fields: Document, prefix: str = "") -> tuple[dict[str, bool], Document]:
    """Return the paths to include or exclude, and the expressions by path."""
    plain: dict[str, bool] = {}
    computed: Document = {}
    for name, value in fields.items():
        path = f"{prefix}{name}"
        if type(value) is bool or is_number(value):
            plain[path] = bool(value)
        elif type(value) is dict and value and not is_operators(value):
            inner, more = _project_fields(value, f"{path}.")
            plain |= inner
            computed |= more
        else:
            computed[path] = value
    return plain, computed


def _replace_root(operand: Any, scope: Scope) -> Stage:
    root = _object("$replaceRoot", operand, ["newRoot"], ["newRoot"])["newRoot"]
    value = expression(root, scope)

    def new(document: Document) -> Document:
        found = value(document, scope.variables)
        if type(found) is dict:
            return found
        raise OperationFailure(
            "'newRoot' expression must evaluate to an object, but resulting value was: "
            f"{shown(found)}. Type of resulting value: '{type_name(found)}'",
            40228,
        )

    return lambda documents: map(new, documents)


def _unwind(operand: Any, *_: Any) -> Stage:
    options = operand if type(operand) is dict else {"path": operand}
    allowed = ("path", "includeArrayIndex", "preserveNullAndEmptyArrays")
    path = _object("$unwind", options, allowed, ["path"])["path"]
    if type(path) is not str or not path.startswith("$") or len(path) == 1:
        raise OperationFailure("path option to $unwind stage should be prefixed with a '$'", 28818)
    parts, keeps = split(path[1:]), truthy(options.get("preserveNullAndEmptyArrays"))
    index = options.get("includeArrayIndex")
    if index is not None and (type(index) is not str or not index or index.startswith("$")):
        raise OperationFailure("includeArrayIndex must be the name of a field", 28810)

    def elements(document: Document) -> Iterator[Document]:
        value: Any = document
        for part in parts:
            value = value.get(part, MISSING) if type(value) is dict else MISSING
        if type(value) is list and value:
            pairs: Iterable[Any] = enumerate(value)
        elif type(value) is list:
            pairs = [(None, MISSING)] if keeps else []
        else:
            pairs = [(None, value)] if keeps or not (value is None or value is MISSING) else []
        for at, each in pairs:
            result = document if each is value else _with(document, parts, each)
            yield result if index is None else _with(result, split(index), at)

    return lambda documents: (each for document in documents for each in elements(document))


def _redact(operand: Any, scope: Scope) -> Stage:
    decide = expression(operand, scope)
    choices = {name: f"${name}" for name in ("KEEP", "PRUNE", "DESCEND")}

    def redacted(value: Any, root: Document) -> Any:
        if type(value) is list:
            return [each for one in value if (each := redacted(one, root)) is not MISSING]
        if type(value) is not dict:
            return value
        choice = decide(value, {**scope.variables, **choices, "ROOT": root})
        if choice == choices["DESCEND"]:
            pairs = ((name, redacted(each, root)) for name, each in value.items())
            return {name: each for name, each in pairs if each is not MISSING}
        if choice not in {choices["KEEP"], choices["PRUNE"]}:
            raise OperationFailure("$redact must return $$KEEP, $$PRUNE or $$DESCEND", 17053)
        return value if choice == choices["KEEP"] else MISSING

    return lambda documents: (
        found for each in documents if (found := redacted(each, each)) is not MISSING
    )


# Stages that group documents ---------------------------------------------------------------------


class _Group:
    """Documents by the key of a value, and their accumulated fields."""

    def __init__(self, fields: Document, scope: Scope) -> None:
        self._scope = scope
        self._fields: list[tuple[str, Callable[[list[Any]], Any], Value]] = []
        for name, accumulated in fields.items():
            if type(accumulated) is not dict or len(accumulated) != 1:
                raise OperationFailure(f"The field '{name}' must be an accumulator object", 40234)
            ((operator, operand),) = accumulated.items()
            if operator not in ACCUMULATORS:
                raise OperationFailure(f"unknown group operator '{operator:.100}'", 15952)
            if "." in name:
                raise OperationFailure(f"The field name '{name}' cannot contain '.'", 40235)
            value = expression(operand, scope)
            self._fields.append((name, ACCUMULATORS[operator], value))

    def result(self, identity: Any, documents: list[Document]) -> Document:
        result = {"_id": None if identity is MISSING else identity}
        for name, accumulate, value in self._fields:
            found = accumulate([value(each, self._scope.variables) for each in documents])
            result[name] = None if found is MISSING else found
        return result


def _group(operand: Any, scope: Scope) -> Stage:
    if type(operand) is not dict or "_id" not in operand:
        raise OperationFailure("a group specification must include an _id", 15955)
    identity = expression(operand["_id"], scope)
    fields = {name: each for name, each in operand.items() if name != "_id"}
    group = _Group(fields, scope)

    def run(documents: Documents) -> Documents:
        groups: dict[Key, tuple[Any, list[Document]]] = {}
        for each in _blocking(documents):
            value = identity(each, scope.variables)
            found = groups.setdefault(key(None if value is MISSING else value), (value, []))
            found[1].append(each)
        return [group.result(value, each) for value, each in groups.values()]

    return run


def _sort_by_count(operand: Any, scope: Scope) -> Stage:
    if not (is_operators(operand) or (type(operand) is str and operand.startswith("$"))):
        raise OperationFailure(
            "the sortByCount field must be a $-prefixed path or an expression", 40148
        )
    group = _group({"_id": operand, "count": {"$sum": 1}}, scope)
    arrange = sorter([("count", -1)])
    return lambda documents: arrange(list(group(documents)))


_BUCKETED: Final = {"count": {"$sum": 1}}


def _bucket(operand: Any, scope: Scope) -> Stage:
    allowed = ("groupBy", "boundaries", "default", "output")
    given = _object("$bucket", operand, allowed, allowed[:2])
    value = expression(given["groupBy"], scope)
    bounds = given["boundaries"]
    if type(bounds) is not list or len(bounds) < 2 or sorted(bounds, key=key) != bounds:  # noqa: PLR2004
        raise OperationFailure("$bucket needs 'boundaries' of at least 2 values, in order", 40191)
    group = _Group(given.get("output", _BUCKETED), scope)
    keys = [key(each) for each in bounds]

    def bucket_of(document: Document) -> Any:
        found = key(value(document, scope.variables))
        below = sum(each <= found for each in keys)
        if 0 < below < len(keys):
            return bounds[below - 1]
        if "default" in given:
            return given["default"]
        raise OperationFailure(
            "$bucket could not find a bucket for a value; add a 'default'", 40066
        )

    def run(documents: Documents) -> Documents:
        buckets: dict[Key, tuple[Any, list[Document]]] = {}
        for each in _blocking(documents):
            bucket = bucket_of(each)
            buckets.setdefault(key(bucket), (bucket, []))[1].append(each)
        return [group.result(*buckets[each]) for each in sorted(buckets)]

    return run


def _bucket_auto(operand: Any, scope: Scope) -> Stage:
    allowed = ("groupBy", "buckets", "output", "granularity")
    given = _object("$bucketAuto", operand, allowed, allowed[:2])
    if "granularity" in given:
        raise OperationFailure("$bucketAuto: 'granularity' is not supported", 40258)
    value = expression(given["groupBy"], scope)
    buckets = _whole("'buckets' of $bucketAuto", given["buckets"], 1)
    group = _Group(given.get("output", _BUCKETED), scope)

    def run(documents: Documents) -> Documents:
        pairs = [(value(each, scope.variables), each) for each in _blocking(documents)]
        pairs = [(None if found is MISSING else found, each) for found, each in pairs]
        pairs.sort(key=lambda pair: key(pair[0]))
        size, at = max(1, round(len(pairs) / buckets)), 0
        for number in range(buckets):
            end = at + size if number < buckets - 1 else len(pairs)
            while 0 < end < len(pairs) and key(pairs[end - 1][0]) == key(pairs[end][0]):
                end += 1
            part = pairs[at:end]
            if part:
                upper = pairs[end][0] if end < len(pairs) else part[-1][0]
                identity = {"min": part[0][0], "max": upper}
                yield group.result(identity, [each for _, each in part])
            at = end

    return run


# Stages that read other collections or run pipelines ---------------------------------------------


def _facet(operand: Any, scope: Scope) -> Stage:
    if type(operand) is not dict or not operand:
        raise OperationFailure("the $facet specification must be a non-empty object", 40169)
    stages = {name: pipeline(each, scope) for name, each in operand.items()}

    def run(documents: Documents) -> Documents:
        found = _blocking(documents)
        return [{name: list(stage(found)) for name, stage in stages.items()}]

    return run


def _lookup(operand: Any, scope: Scope) -> Stage:
    if type(operand) is dict and "pipeline" in operand:
        return _lookup_pipeline(operand, scope)
    allowed = ("from", "localField", "foreignField", "as")
    given = _object("$lookup", operand, allowed, allowed)
    _check_texts("$lookup", given.values())
    local, path = _path_values(given["localField"]), split(given["as"])

    def run(documents: Documents) -> Documents:
        foreign = scope.documents(given["from"])
        index = _index(foreign, given["foreignField"])
        for each in documents:
            rows = sorted({row for wanted in local(each) for row in index.get(wanted, ())})
            yield _with(each, path, [foreign[row] for row in rows])

    return run


def _lookup_pipeline(operand: Document, scope: Scope) -> Stage:
    allowed = ("from", "let", "pipeline", "as")
    given = _object("$lookup", operand, allowed, ("from", "pipeline", "as"))
    _check_texts("$lookup", [given["from"], given["as"]])
    sources = given.get("let", {})
    if type(sources) is not dict:
        raise OperationFailure("$lookup argument 'let' must be an object", 9)
    let = {name: expression(each, scope) for name, each in sources.items()}
    inner, path = scope.inner(), split(given["as"])
    stage = pipeline(given["pipeline"], inner)

    def run(documents: Documents) -> Documents:
        foreign = scope.documents(given["from"])
        for each in documents:
            values = {name: value(each, scope.variables) for name, value in let.items()}
            inner.variables.update(scope.variables | values)
            yield _with(each, path, list(stage(foreign)))

    return run


def _check_texts(name: str, values: Iterable[Any]) -> None:
    for each in values:
        if type(each) is not str or not each:
            raise OperationFailure(
                f"arguments to {name} must be strings, {shown(each)} is not", 4570
            )


def _path_values(path: str) -> Callable[[Document], list[Key]]:
    """Return a reader of the keys that $lookup compares: null for a missing field."""
    read = values_at(path)

    def keys(document: Document) -> list[Key]:
        found = read(document)
        values = each_element(found) or ([] if found else [None])
        return [key(None if each is MISSING else each) for each in values]

    return keys


def _index(documents: list[Document], path: str) -> dict[Key, list[int]]:
    keys, index = _path_values(path), dict[Key, list[int]]()
    for row, document in enumerate(documents):
        for each in keys(document):
            index.setdefault(each, []).append(row)
    return index


def _graph_lookup(operand: Any, scope: Scope) -> Stage:
    needed = ("from", "startWith", "connectFromField", "connectToField", "as")
    optional = ("maxDepth", "depthField", "restrictSearchWithMatch")
    given = _object("$graphLookup", operand, (*needed, *optional), needed)
    _check_texts(
        "$graphLookup", [each for name, each in given.items() if name in {*needed} - {"startWith"}]
    )
    start, follow = expression(given["startWith"], scope), _path_values(given["connectFromField"])
    test = query(given.get("restrictSearchWithMatch", {}), scope)
    deepest = _whole("maxDepth", given.get("maxDepth", _MOST), 0)

    def reached(
        document: Document, foreign: list[Document], index: dict[Key, list[int]]
    ) -> Iterator[Document]:
        value = start(document, scope.variables)
        wanted = {key(each) for each in (value if type(value) is list else [value])}
        seen: set[int] = set()
        for depth in range(deepest + 1):
            rows = sorted({row for each in wanted for row in index.get(each, ())} - seen)
            seen |= set(rows)
            for row in rows:
                found = foreign[row]
                yield {**found, given["depthField"]: depth} if "depthField" in given else found
            wanted = {each for row in rows for each in follow(foreign[row])}
            if not rows:
                return

    def run(documents: Documents) -> Documents:
        foreign = [each for each in scope.watch(scope.documents(given["from"])) if test(each)]
        index = _index(foreign, given["connectToField"])
        for each in documents:
            yield _with(each, split(given["as"]), list(reached(each, foreign, index)))

    return run


_REFUSED: Final = {
    "$out": "write the result with the methods of the collection",
    "$merge": "write the result with the methods of the collection",
    "$collStats": "use count",
    "$indexStats": "this engine does not count the use of indexes",
}
_STAGES: Final[dict[str, Callable[[Any, Scope], Stage]]] = {
    "$addFields": _add_fields,
    "$bucket": _bucket,
    "$bucketAuto": _bucket_auto,
    "$count": _count,
    "$facet": _facet,
    "$geoNear": _geo_near,
    "$graphLookup": _graph_lookup,
    "$group": _group,
    "$limit": _limit,
    "$lookup": _lookup,
    "$match": _match,
    "$project": _project,
    "$redact": _redact,
    "$replaceRoot": _replace_root,
    "$sample": _sample,
    "$set": _add_fields,
    "$skip": _skip,
    "$sort": _sort,
    "$sortByCount": _sort_by_count,
    "$unwind": _unwind,
}
