"""People kept apart: who of one frame is who of the next."""

from pstmo.tracking.clip import tracked
from pstmo.tracking.live import Tracker

__all__ = ["Tracker", "tracked"]
