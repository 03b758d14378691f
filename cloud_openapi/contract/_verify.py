"""Check recordings against the schemas and the emulator, and run further checks on them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from cloud_openapi.catalogue import Catalogue, Form, Operation
from cloud_openapi.contract._contract import Contract
from cloud_openapi.contract._emulation import Emulation
from cloud_openapi.contract._finding import Case, Check, Finding
from cloud_openapi.contract._sent import params_of
from cloud_openapi.errors import RecordingError
from cloud_openapi.json_schema.paths import anywhere
from cloud_openapi.json_schema.values import error_code, shown, to_cloud
from cloud_openapi.recordings import Interaction
from cloud_openapi.recordings._files import files_of, load_file

if TYPE_CHECKING:
    from cloud_openapi.contract._explain import Part

_OK = 200


def _nothing() -> None:
    """Report no progress."""


class Verification:
    """A case for each recording of an API, and notes with their counts.

    ``compatible`` describes the differences from an earlier catalogue that do not break callers.
    """

    def __init__(self) -> None:
        self.cases: list[Case] = []
        self.notes: Counter[str] = Counter()
        self.compatible: list[str] = []

    @property
    def failed(self) -> list[Case]:
        """Return the cases with findings."""
        return [case for case in self.cases if case.findings]


def verify(
    paths: Iterable[Path],
    catalogue: Catalogue,
    *more: Check,
    after_file: Callable[[], object] = _nothing,
) -> Verification:
    """Check every recording of these files and folders, one file at a time.

    The checks are the schemas of both forms, the emulator, and ``more``. ``after_file`` is called
    after each file, for progress. Raises RecordingError
    for a file that cannot be used, and if no recording is of an API of the catalogue.
    """
    outcome = Verification()
    checks: list[Check] = [_Schemas(catalogue), Emulation(catalogue), *more]
    for place, interaction in read_recordings(paths, catalogue, after_file):
        if interaction.api is None:
            outcome.notes["recordings of token requests or unknown APIs, left out"] += 1
            continue
        operation = catalogue[interaction.api]
        findings = tuple(
            finding for check in checks for finding in check.findings(operation, interaction)
        )
        outcome.cases.append(Case(place, operation.name, _origin(interaction), findings))
    for check in checks:
        outcome.notes.update(check.notes)
    return outcome


def read_recordings(
    paths: Iterable[Path],
    catalogue: Catalogue,
    after_file: Callable[[], object] = _nothing,
) -> Iterator[tuple[str, Interaction]]:
    """Yield each recording with its place, loading one file at a time.

    At the end, raises RecordingError that names all files that cannot be used, or if no recording
    was of an API of the catalogue.
    """
    paths, found = list(paths), False
    unusable: list[str] = []
    for path in paths:
        try:
            files = files_of(path)
        except RecordingError as error:
            unusable.append(str(error))
            continue
        for file in files:
            try:
                interactions = load_file(file, catalogue)
            except RecordingError as error:
                unusable.append(str(error))
                interactions = []
            for number, interaction in enumerate(interactions, 1):
                found = found or interaction.api is not None
                yield f"{file}#{number}", interaction
            after_file()
    if unusable:
        raise RecordingError("\n".join(unusable))
    if not found:
        names = ", ".join(map(str, paths))
        raise RecordingError(f"{names}: no recording is of an API of the catalogue")


def _origin(interaction: Interaction) -> str:
    moment = interaction.recorded_at
    parts = (moment and f"recorded {moment.isoformat(timespec='seconds')}", interaction.origin)
    return ", ".join(part for part in parts if part)


class _Schemas:
    """Checks recordings against the schemas of both forms."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._contract = Contract(catalogue)
        self.notes: Counter[str] = Counter()

    def findings(self, operation: Operation, interaction: Interaction) -> Iterator[Finding]:
        """Yield the violations in a response, and in the request of a successful one."""
        if interaction.status != _OK:
            yield Finding("https form", "status", f"expected 200, got {interaction.status}")
        answer = interaction.response_json
        if operation.binary and answer is None:
            self.notes["recordings of files, of which the schemas describe the requests"] += 1
            yield from self._violations(operation, self._request(operation, interaction))
            return
        if not isinstance(answer, dict):
            got = "text that is not JSON" if answer is None else shown(answer)
            yield Finding("https form", "$", f"expected a JSON object, got {got}")
            return
        self.notes["recordings checked against the schemas of both forms"] += 1
        name = operation.name
        side: Part = "error" if error_code(answer) else "response"
        bodies: list[tuple[Form, Part, Any]] = [
            ("https", side, answer),
            ("cloud", side, to_cloud(name, answer)),
        ]
        if side == "response":
            # A refused request may be invalid.
            bodies += self._request(operation, interaction)
            if operation.binary:
                # Such as the URL of a video in place of a file, which no schema describes.
                bodies = bodies[2:]
        yield from self._violations(operation, bodies)

    def _request(
        self, operation: Operation, interaction: Interaction
    ) -> "list[tuple[Form, Part, Any]]":
        forms: tuple[Form, ...] = get_args(Form)
        return [(form, "request", params_of(operation, interaction, form)) for form in forms]

    def _violations(
        self, operation: Operation, bodies: "Iterable[tuple[Form, Part, Any]]"
    ) -> Iterator[Finding]:
        for form, part, body in bodies:
            for found in self._contract.violations(body, operation.name, form, part):
                yield Finding(f"{form} form", anywhere(found.path), f"{part}: {found.text}")
