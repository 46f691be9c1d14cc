"""Motion files out and in again: BVH, glTF, TRC, C3D, tables and documents."""

from pstmo.motions.formats import FORMATS, checked, format_of, numbered, paths_for, read_motions, write_motions

__all__ = ["FORMATS", "checked", "format_of", "numbered", "paths_for", "read_motions", "write_motions"]
