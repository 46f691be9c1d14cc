"""Libraries that only some jobs need: installed as an extra, imported where they are used."""

from importlib import import_module
from typing import Any

from pstmo.errors import PstmoError


def extra(module: str, name: str) -> Any:
    """The module; raises PstmoError saying which extra of pstmo brings it when it is not installed."""
    try:
        return import_module(module)
    except ImportError as error:
        raise PstmoError(
            f"this needs {module}: pip install 'pstmo[{name}]', or '.[{name}]' in a clone ({error})"
        ) from None
