"""Damage: of bytes, of words and numbers in text, of the members of archives, which then fit their checksums again."""

import io
import random
import re
import zipfile

NUMBERS = (
    b"0", b"-1", b"1e999", b"-1e999", b"nan", b"NaN", b"Infinity", b"1e-320", b"9" * 30, b"-2147483649", b"4294967296",
    b"0.1", b"1e308", b"18446744073709551616", b"true", b"null", b'"x"', b"[]", b"{}", b"[[]]", b"[" * 3000,
    b'{"a":' * 3000,
)  # fmt: skip
BYTES = (b"\0", b"\xff", b"\x80", b"\n", b",", b'"', b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\xff" * 8)
NUMBER = re.compile(rb"-?\d+\.?\d*(?:[eE][-+]?\d+)?")
WORD = re.compile(rb"[A-Za-z_]{3,}")


def mutated(seed: bytes, chance: random.Random) -> bytes:
    """The seed after one to four kinds of damage."""
    if seed[:2] == b"PK" and chance.random() < 0.9:
        return _archive(seed, chance)
    text = all(byte < 128 for byte in seed[:2000])
    for _ in range(chance.choice((1, 1, 2, 4))):
        seed = chance.choice(_OF_TEXT if text and chance.random() < 0.7 else _OF_BYTES)(seed, chance)
    return seed


def _archive(seed: bytes, chance: random.Random) -> bytes:
    """One member damaged, left out, doubled or renamed."""
    with zipfile.ZipFile(io.BytesIO(seed)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    place = chance.randrange(len(members))
    name, content = members[place]
    kind = chance.random()
    if kind < 0.05:
        members.pop(place)
    elif kind < 0.1:
        members.append((chance.choice(members)[0], content))
    elif kind < 0.15:
        members[place] = (
            chance.choice((name[::-1], "../" + name, name + "\0", "x" * 300, name)),
            chance.choice(members)[1],
        )
    else:
        head = chance.random() < 0.5  # of a NumPy array: its shape and type
        part = content[:128] if head else content
        for _ in range(chance.choice((1, 1, 3))):
            part = chance.choice(_OF_TEXT if head else _OF_BYTES)(part, chance)
        members[place] = name, part + content[128:] if head else part
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def _flip(data: bytes, chance: random.Random) -> bytes:
    found = bytearray(data)
    for _ in range(chance.choice((1, 2, 8))):
        if found:
            found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)
    return bytes(found)


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _over(data: bytes, chance: random.Random) -> bytes:
    """Bytes that often mean something, over what was there."""
    place, new = chance.randrange(len(data) + 1), chance.choice(BYTES)
    return data[:place] + new + data[place + len(new) :]


def _move(data: bytes, chance: random.Random) -> bytes:
    """A piece left out, doubled, or put elsewhere."""
    start, place = chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)
    stop = start + chance.choice((1, 8, 100, len(data)))
    rest = data if chance.random() < 0.5 else data[:start] + data[stop:]
    return rest[:place] + data[start:stop] * chance.choice((0, 1, 20)) + rest[place:]


def _number(data: bytes, chance: random.Random) -> bytes:
    return _replaced(NUMBER, data, chance, chance.choice(NUMBERS))


def _word(data: bytes, chance: random.Random) -> bytes:
    found = WORD.findall(data)
    return _replaced(WORD, data, chance, chance.choice([*found, b"", b"x" * 5000, b"\xc3\x28"]))


def _line(data: bytes, chance: random.Random) -> bytes:
    lines = data.split(b"\n")
    place = chance.randrange(len(lines))
    lines[place : place + 1] = [lines[place]] * chance.choice((0, 2, 50))
    return b"\n".join(lines)


def _replaced(pattern: re.Pattern[bytes], data: bytes, chance: random.Random, new: bytes) -> bytes:
    """One of the pattern's matches."""
    spans = [found.span() for found in pattern.finditer(data)]
    if not spans:
        return data
    start, stop = chance.choice(spans)
    return data[:start] + new + data[stop:]


_OF_BYTES = (_flip, _flip, _cut, _over, _move)
_OF_TEXT = (_number, _number, _word, _line, _cut, _move)
