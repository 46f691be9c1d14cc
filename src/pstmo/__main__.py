"""`python -m pstmo` is the command `pstmo`."""

from pstmo.cli import main

main()
