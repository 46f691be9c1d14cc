"""What is known of each item that was done, beside its motion, and the index made of it.

An item's folder has its motion files and, written last, RECORD: where that is missing, nothing else counts.
"""

import io
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from pstmo.corpus.items import Item
from pstmo.corpus.places import Place
from pstmo.errors import PstmoError
from pstmo.extras import extra
from pstmo.source import DETECTIONS

RECORD, INDEX = "record.json", "index.parquet"


@dataclass(frozen=True)
class Record:
    """What became of an item. size, stamp: of its source, then. settings: tells options and weights from others.

    people, frames, seconds: of the motion, together; 0 where there is none. files: bytes by name. error: its one line;
    None = all is well. told: what one should know, as `pstmo lift` prints it. took: seconds of work by stage.
    """

    item: str
    source: str
    size: int
    stamp: str
    settings: str
    people: int = 0
    frames: int = 0
    seconds: float = 0.0
    model: str = ""
    version: str = ""
    error: str | None = None
    told: list[str] = field(default_factory=list)
    took: dict[str, float] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)

    def of(self, item: Item, settings: str) -> bool:
        """Whether it is of the item as it is now, with those settings."""
        return (self.size, self.stamp, self.settings) == (item.size, item.stamp, settings)

    @property
    def line(self) -> str:
        return json.dumps(asdict(self))


class Target:
    """The folder for the results. Raises PstmoError when it is a file."""

    def __init__(self, folder: Place):
        if folder.exists() and not folder.is_folder():
            raise PstmoError(f"{folder.address} is a file, expected a folder for the results")
        self.folder = folder

    def records(self) -> dict[str, Record]:
        """By item; what can't be read as a record is none."""
        paths = [path for path in self.folder.files() if path.endswith(f"/{RECORD}")]
        read = (_record(content) for content in self.folder.read_all(paths))
        return {record.item: record for record in read if record}

    def clear(self, item: str) -> None:
        """Nothing of an earlier run counts any more; what was seen in its video stays."""
        folder = self.folder.below(item)
        folder.below(RECORD).remove()
        for path in folder.files():
            name = path.removeprefix(f"{folder.path}/")
            if "/" not in name and name != DETECTIONS:
                folder.below(name).remove()

    def put(self, record: Record, files: dict[str, bytes]) -> Record:
        """The files, then the record, in which they stand. Raises PstmoError when the system refuses."""
        folder = self.folder.below(record.item)
        for name, content in files.items():
            folder.below(name).write(content)
        folder.below(RECORD).write(record.line.encode())
        return record

    def drop_index(self) -> None:
        """While records change there is none: one that is there is right."""
        self.folder.below(INDEX).remove()

    def write_index(self) -> list[Record]:
        """Of all records, in the order of their items."""
        records = [record for _, record in sorted(self.records().items())]
        self.folder.below(INDEX).write(_parquet(records))
        return records


def _record(content: bytes) -> Record | None:
    try:
        facts = json.loads(content)
        return Record(**{each.name: facts[each.name] for each in fields(Record)})
    except (ValueError, TypeError, KeyError):
        return None


def _parquet(records: Iterable[Record]) -> bytes:
    pyarrow, parquet = extra("pyarrow", "corpus"), extra("pyarrow.parquet", "corpus")
    text, whole, real = pyarrow.string(), pyarrow.int64(), pyarrow.float64()
    kinds = {
        "item": text, "source": text, "size": whole, "stamp": text, "settings": text, "people": whole, "frames": whole,
        "seconds": real, "model": text, "version": text, "error": text, "told": text, "took": real, "bytes": whole,
    }  # fmt: skip
    rows = [_row(record) for record in records]
    out = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(rows, pyarrow.schema(list(kinds.items()))), out)
    return out.getvalue()


def _row(record: Record) -> dict[str, Any]:
    facts = asdict(record) | {"told": "\n".join(record.told), "took": sum(record.took.values())}
    facts["bytes"] = sum(facts.pop("files").values())
    return {
        key: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for key, value in facts.items()
    }
