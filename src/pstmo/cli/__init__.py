"""The command line: one file a group of commands; the only place that prints."""

from pstmo.cli import benchmark, convert, corpus, data, demo, licences, lift, live, measure, serve, train, view, weights
from pstmo.cli.app import main

__all__ = [
    "benchmark",
    "convert",
    "corpus",
    "data",
    "demo",
    "licences",
    "lift",
    "live",
    "main",
    "measure",
    "serve",
    "train",
    "view",
    "weights",
]
