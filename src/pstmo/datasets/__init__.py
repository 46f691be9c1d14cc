"""Readers of motion capture and of benchmarks: files in, sequences in metres out."""
