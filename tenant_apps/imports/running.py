"""One run over a file: read, mapped, staged, checked; and, where it is to be applied and nothing is wrong, applied."""

import hashlib
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from django.core.cache import cache
from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from shared_apps.core.errors import DomainError, InvalidInput
from shared_apps.core.resources import BulkResource, BulkRow, ColumnError, Outcome, RowResource
from shared_apps.core.staging import pack_errors
from tenant_apps.imports import mapping, price_lists
from tenant_apps.imports.errors import UnreadableFile
from tenant_apps.imports.models import ImportJob, ImportMapping
from tenant_apps.imports.personal import OF_PEOPLE
from tenant_apps.imports.reading import Row, open_table
from tenant_apps.staff.actors import actor_by_id
from tenants.context import current_tenant

MOST_ROWS = 100_000
# What goes through the services row by row takes longer.
MOST_ROWS_ONE_BY_ONE = 5_000
LISTED_ERRORS = 1_000
LISTED_CHANGES = 1_000
BATCH = 2_000
PIECE = 1024 * 1024
LONGEST_KEY = 100


@dataclass
class Found:
    """What a run over a file did: by rows, what is wrong with which, and what came out different."""

    counts: Mapping[str, int] = field(default_factory=Counter)
    errors: Sequence[tuple[int, ColumnError]] = ()
    errors_count: int = 0
    errors_file: bytes | None = None
    changes: Sequence[dict[str, Any]] = ()
    changes_count: int = 0


class Progress:
    """Says how far a run is, beside its transaction, which nobody sees into: in the tenant's cache."""

    STEP_SECONDS = 0.5

    def __init__(self, job: ImportJob):
        self.key = progress_key(job)
        self.next = 0.0

    def at(self, share: float) -> None:
        """`share` is from 0 to 1."""
        if (now := time.monotonic()) >= self.next:
            self.next = now + self.STEP_SECONDS
            cache.set(self.key, max(1, min(99, int(share * 100))), 300)


def progress_key(job: ImportJob) -> str:
    return f"import-progress:{job.pk}"


@contextmanager
def file_of(job: ImportJob) -> Iterator[IO[bytes]]:
    """Open a job's file on disk, fetched from the database a megabyte at a time."""
    with tempfile.TemporaryFile() as file:
        at = 1
        while True:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT substring(content FROM %s FOR %s) FROM imports_importjob WHERE id = %s", [at, PIECE, job.pk]
                )
                row = cursor.fetchone()
            piece = bytes(row[0]) if row and row[0] is not None else b""
            file.write(piece)
            if len(piece) < PIECE:
                break
            at += PIECE
        file.seek(0)
        yield file


def knows(resource: type[RowResource]) -> Callable[[str], bool]:
    """Return what tells whether a file's column is one that we know by name."""

    def known(cell: str) -> bool:
        name = mapping.name_of(cell, resource)
        return name in resource.fields or any(name.startswith(each) for each in resource.prefixes)

    return known


def run(job: ImportJob, resource: RowResource, *, apply: bool) -> Found:
    """Check every row and, if told and nothing is wrong, apply all of them. Runs in the caller's transaction."""
    with override(current_tenant().language), file_of(job) as file:
        if isinstance(resource, BulkResource):
            return _Bulk(job, resource).run(file, apply)
        return _one_by_one(job, resource, file)


def sources_for(
    job: ImportJob, header: Sequence[str], samples: Sequence[Sequence[str]], resource: type[RowResource]
) -> mapping.Sources:
    """Return how the file is read: as was said, as a file with such columns was read before, or as its names tell."""
    if job.mapping:
        sources = mapping.parse(job.mapping, resource)
    elif remembered := ImportMapping.objects.filter(resource=job.resource, signature=mapping.signature(header)).first():
        sources = mapping.parse(remembered.mapping, resource)
        job.key = job.key or remembered.key
    else:
        sources = mapping.guess(header, samples, resource)
    with override(current_tenant().language):
        return mapping.complete(sources, resource)


class _Bulk:
    """A run of a resource that checks and applies all rows at once."""

    def __init__(self, job: ImportJob, resource: BulkResource):
        self.job = job
        self.resource = resource
        self.told = Progress(job)
        self.seen: Counter[str] = Counter()

    def run(self, file: IO[bytes], apply: bool) -> Found:
        try:
            table = open_table(file, knows(type(self.resource)))
            rows = table.rows(most=MOST_ROWS)
            samples = [row for _number, row in zip(range(200), rows, strict=False)]
            read = self._reader(table.header, table.line, samples)
        except UnreadableFile as problem:
            error = ColumnError(problem.column, problem.code, str(problem))
            return Found(Counter(refused=1), [(problem.line, error)], 1)
        staging = self.resource.begin(self.columns, self.job.on_duplicate)
        try:
            self._take(samples, read)
            batch: list[Row] = []
            for row in rows:
                batch.append(row)
                if len(batch) >= BATCH:
                    self._take(batch, read)
                    batch = []
                    self.told.at(0.6 * table.read())
            self._take(batch, read)
        except UnreadableFile as problem:  # what stands before it is checked all the same
            self._take(batch, read)
            staging.refuse(problem.line, [ColumnError(problem.column, problem.code, str(problem))])
        staging.flush()
        self.told.at(0.7)
        self.resource.settle()
        self.told.at(0.8)
        count, first = staging.errors(LISTED_ERRORS)
        changes_count, changes = self.resource.changes(LISTED_CHANGES)
        counts = staging.counts()
        if apply and not count:
            self.resource.put()
            count, first = staging.errors(LISTED_ERRORS)
            if count:
                counts = staging.counts()
        errors = [(one.line, ColumnError(one.column, one.code, one.message)) for one in first]
        packed = staging.errors_file() if count else None
        return Found(counts, errors, count, packed, changes, changes_count)

    def _reader(
        self, header: list[str], line: int, samples: Sequence[Row]
    ) -> Callable[[Sequence[str]], dict[str, Any]]:
        kind = type(self.resource)
        self.header = header
        if not self.job.mapping and (twice := mapping.duplicated(header, kind)):
            raise UnreadableFile(line, twice, "duplicate_column", _("The column %s comes twice.") % twice)
        sources = sources_for(self.job, header, [row.cells for row in samples], kind)
        self.job.header = list(header)
        self.job.mapping = {name: source.as_json() for name, source in sources.items()}
        for name in kind.required:
            if name not in sources:
                raise UnreadableFile(line, name, "missing_column", _("The column %s is missing.") % name)
        self.columns = frozenset(sources)
        self.key_places = []
        for column in self.job.key:
            place = mapping.place_of(str(column), header)
            if place is None:
                raise UnreadableFile(line, "", "unknown_column", _("The file has no column %s.") % str(column)[:80])
            self.key_places.append(place)
        self.named = [(name, place) for place, name in enumerate(header) if name]
        self.named.sort()
        return mapping.reader(sources, header, self.resource, line)

    def _take(self, rows: Sequence[Row], read: Callable[[Sequence[str]], dict[str, Any]]) -> None:
        clean, refuse = self.resource.clean, self.resource.staging.refuse
        good: list[BulkRow] = []
        for row in rows:
            if row.problem is not None:
                refuse(row.line, [row.problem])
                continue
            values, wrong = clean(read(row.cells))
            key = self._key(row, values, wrong)
            if wrong:
                refuse(row.line, wrong)
                continue
            good.append(BulkRow(row.line, key, values))
        if good:
            self.resource.take(good)

    def _key(self, row: Row, values: Mapping[str, Any], wrong: list[ColumnError]) -> str:
        """What the row is known by: its id, the columns that were said to tell, or all of its cells and how often
        these came before."""
        if self.key_places:
            cells = [row.cells[place].strip() for place in self.key_places]
            if not any(cells):
                wrong.append(ColumnError("", "required", _("The columns that tell this row from others are empty.")))
            text = "|".join(cells)
            # Payments are known by this for good, where no erasure would find an address (P3).
            is_secret = self.job.resource in OF_PEOPLE
            return f"key:{_digest(text)}" if is_secret or len(text) > LONGEST_KEY else text
        if key := values.get("external_id"):
            return str(key)
        if not self.resource.known_by_content:
            return ""
        digest = _digest("\x1f".join(f"{name}\x1e{row.cells[place].strip()}" for name, place in self.named))
        self.seen[digest] += 1
        return f"row:{digest}:{self.seen[digest]}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]


# --- Row by row, through the services --------------------------------------------------------------------------------


def _one_by_one(job: ImportJob, resource: RowResource, file: IO[bytes]) -> Found:
    """Put every row into the data; a refused row takes back its own part only, so that those behind it are checked."""
    counts: Counter[str] = Counter()
    errors: list[tuple[int, ColumnError]] = []
    changes: list[dict[str, Any]] = []
    changes_count = 0
    told = Progress(job)
    lines: list[tuple[int, dict[str, Any]]] = []
    unreadable: UnreadableFile | None = None
    try:
        for line, cells in _cells_of(job, resource, file, errors):
            lines.append((line, cells))
    except UnreadableFile as problem:
        unreadable = problem  # what stands before it is checked all the same
    counts["refused"] += len(errors)
    resource.look_over([cells for _line, cells in lines])
    for number, (line, cells) in enumerate(lines):
        told.at(number / len(lines))
        values, wrong = resource.clean(cells)
        if not wrong:
            resource.diff = None
            diff: Any
            try:
                with transaction.atomic():
                    outcome = resource.apply(values)
            except DomainError as refusal:
                wrong = _columns_of(refusal, resource)
            else:
                counts[outcome] += 1
                diff = resource.diff  # by apply()
                if diff is not None and outcome != Outcome.UNCHANGED:
                    changes_count += 1
                    if len(changes) < LISTED_CHANGES:
                        changes.append({"line": line, "outcome": str(outcome), **diff})
                continue
        counts["refused"] += 1
        errors.extend((line, one) for one in wrong)
    if unreadable is not None:
        counts["refused"] += 1
        errors.append((unreadable.line, ColumnError(unreadable.column, unreadable.code, str(unreadable))))
    errors.sort(key=lambda one: one[0])
    packed = pack_errors((line, *one) for line, one in errors) if errors else None
    return Found(counts, errors[:LISTED_ERRORS], len(errors), packed, changes, changes_count)


def _cells_of(
    job: ImportJob, resource: RowResource, file: IO[bytes], errors: list[tuple[int, ColumnError]]
) -> Iterator[tuple[int, dict[str, Any]]]:
    if resource.price_lists and price_lists.is_price_list(job.file_name):
        for listed in price_lists.rows(file.read(), most=MOST_ROWS_ONE_BY_ONE):
            yield listed.line, listed.cells
        return
    table = open_table(file, knows(type(resource)))
    kind = type(resource)
    if not job.mapping and (twice := mapping.duplicated(table.header, kind)):
        raise UnreadableFile(table.line, twice, "duplicate_column", _("The column %s comes twice.") % twice)
    rows = table.rows(most=MOST_ROWS_ONE_BY_ONE)
    samples = [row for _number, row in zip(range(200), rows, strict=False)]
    sources = sources_for(job, table.header, [row.cells for row in samples], kind)
    job.header = list(table.header)
    job.mapping = {name: source.as_json() for name, source in sources.items()}
    for name in kind.required:
        if name not in sources:
            raise UnreadableFile(table.line, name, "missing_column", _("The column %s is missing.") % name)
    read = mapping.reader(sources, table.header, resource, table.line)
    for part in (samples, rows):
        for row in part:
            if row.problem is not None:
                errors.append((row.line, row.problem))
            else:
                yield row.line, read(row.cells)


def _columns_of(refusal: DomainError, resource: RowResource) -> list[ColumnError]:
    if isinstance(refusal, InvalidInput) and refusal.errors:
        return [ColumnError(_column(one.field, resource), one.code, str(one.message)) for one in refusal.errors]
    return [ColumnError(_column(refusal.field, resource), refusal.code, str(refusal))]


def _column(path: str, resource: RowResource) -> str:
    """Return the file's column that a service's field came from."""
    path = resource.column_of(path)
    if path in resource.fields or any(path.startswith(prefix) for prefix in resource.prefixes):
        return path
    name = path.partition(".")[0]
    if name in resource.fields:
        return name
    return f"{name}_name" if f"{name}_name" in resource.fields else ""


def actor_of(job: ImportJob) -> Any:
    return actor_by_id(job.started_by)
