"""Networks in .tflite files, run by LiteRT."""

from collections.abc import Sequence
from os import cpu_count
from pathlib import Path

import numpy as np

from pstmo.errors import FormatError
from pstmo.extras import extra
from pstmo.logged import hushed

Shape = tuple[int, ...]

THREADS = 4
"""As many as a network of this size makes use of."""


class Network:
    """A network with one input and outputs that are told apart by their shapes, batch included.

    Raises FormatError for a file that is no such network, PstmoError without LiteRT.
    """

    def __init__(self, path: Path, given: Shape, wanted: Sequence[Shape], threads: int | None = None):
        litert = extra("ai_edge_litert.interpreter", "video")
        if not path.is_file():
            raise FormatError(f"{path}: found no such file, expected a network (.tflite)")
        try:
            with hushed():  # it says who it is
                self._interpreter = litert.Interpreter(str(path), num_threads=threads or min(cpu_count() or 1, THREADS))
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise FormatError(f"{path}: found no network that LiteRT reads, expected .tflite ({error})") from None
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        found = {tuple(output["shape"].tolist()): output["index"] for output in outputs}
        shapes = [tuple(entry["shape"].tolist()) for entry in inputs]
        if shapes != [given] or not set(wanted) <= set(found):
            raise FormatError(
                f"{path}: found a network from {shapes} to {list(found)}, expected one from {given} to {list(wanted)}"
            )
        self._input, self._outputs = inputs[0]["index"], [found[shape] for shape in wanted]

    def __call__(self, values: np.ndarray) -> list[np.ndarray]:
        """The outputs wanted, in that order, without the batch of one."""
        self._interpreter.set_tensor(self._input, values[None])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index)[0] for index in self._outputs]


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * logits))
