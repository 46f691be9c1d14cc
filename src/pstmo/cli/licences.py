"""`pstmo licences`: of pstmo, and of everything that it needs."""

from pstmo.cli.app import app


@app.command
def licences(json: bool = False) -> None:
    """List licences: of what pstmo ships, and of every library installed here that it needs, itself or through others.

    They are what the libraries' own metadata say. Before you pass on one marked with "!", read its licence: it asks for
    source code (GPL, AGPL), forbids earning, or is a company's own. Of some that is true for what they carry within.

    Args:
        json: For machines.
    """
    from json import dumps

    from pstmo.licences import SHIPPED, absent, parts

    found, missing = parts(), absent()
    if json:
        libraries = [part._asdict() | {"strict": part.strict} for part in found]
        shipped = [part._asdict() for part in SHIPPED]
        print(dumps({"shipped": shipped, "libraries": libraries, "absent": missing}, indent=1))
        return
    print("In pstmo itself:")
    for part in SHIPPED:
        print(f"  {part.what:38} {part.licence}: {part.text}")
    print("\nInstalled for it:")
    for part in found:
        carried = "".join(f"; carries {name}, {licence}" for name, licence in part.carries.items())
        needed = f"  [{', '.join(part.extras)}]" if part.extras else ""
        print(f"{'!' if part.strict else ' '} {f'{part.name} {part.version}':38} {part.licence}{carried}{needed}")
    if missing:
        print(f"\nNot all installed, so not all listed: [{', '.join(missing)}]")
