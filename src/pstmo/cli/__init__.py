"""The command line: one file a group of commands; the only place that prints."""

from pstmo.cli import benchmark, data, lift, live, measure, train, view, weights
from pstmo.cli.app import main

__all__ = ["benchmark", "data", "lift", "live", "main", "measure", "train", "view", "weights"]
