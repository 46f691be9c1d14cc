"""Many videos or keypoint files at once: lifted in parallel, one by one recorded, and never twice."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pstmo.corpus.items import Item, items_of
from pstmo.corpus.places import Place, place
from pstmo.corpus.records import INDEX, Record, Target
from pstmo.corpus.work import Order, Raiser, Seer
from pstmo.errors import PstmoError
from pstmo.files.atomic import make_folder
from pstmo.options import Options

if sys.platform != "win32":
    import fcntl

__all__ = ["INDEX", "Corpus", "Item", "Order", "Record", "in_process"]

Run = Callable[[Sequence[Item], Order], Iterator[Record]]
"""How items are done; `pools.on_ray`, or `in_process`."""


@dataclass(frozen=True)
class Corpus:
    """What is to be done. items: all there are. left: those without a record that is right. Make it with `of`."""

    items: list[Item]
    left: list[Item]
    order: Order
    target: Target

    @classmethod
    def of(cls, source: str, out: str, options: Options, again: bool = False) -> "Corpus":
        """source: see `items.items_of`. out: folder or address for the results. again: what failed counts as left.
        Raises PstmoError."""
        target = Target(place(out))
        order = Order.of(target.folder.address, options)
        items, known = items_of(source, target.folder), target.records()
        done = {
            item.name
            for item in items
            if item.name in known
            and known[item.name].of(item, order.settings)
            and not (again and known[item.name].error)
        }
        return cls(items, [item for item in items if item.name not in done], order, target)

    def lift(self, run: Run) -> Iterator[Record]:
        """Of each item that was left, as it ends; then the index is there, also when somebody stops. Raises PstmoError,
        such as when another run writes into the same folder."""
        with _alone(self.target.folder):
            if self.left:
                self.target.drop_index()
            try:
                if self.left:
                    yield from run(self.left, self.order)
            finally:
                self.target.write_index()


def in_process(items: Sequence[Item], order: Order) -> Iterator[Record]:
    """One after another, here."""
    see, lift = Seer(order), Raiser(order)
    for item in items:
        yield from lift([see(item)])


@contextmanager
def _alone(folder: Place) -> Iterator[None]:
    """Two runs on one local folder: the second is told so. The system ends the lock with its process."""
    if sys.platform == "win32" or not folder.local:
        yield
        return
    make_folder(Path(folder.path))
    with Path(folder.path, ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PstmoError(
                f"another run writes into {folder.address}: wait for it, or choose another folder"
            ) from None
        yield
