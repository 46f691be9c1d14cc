"""The README's picture: the demo's page in a browser. Needs `make demo` before, and a Chromium.

python runs/picture.py [--frame 60]
"""

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

PAGE = Path("out/demo/view.html")
PICTURE = Path("docs/picture.png")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--frame", type=int, default=60)
    frame = arguments.parse_args().frame
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    flags = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=flags)
        page = chromium.new_page(viewport={"width": 1280, "height": 840}, color_scheme="light")
        page.goto(f"{PAGE.resolve().as_uri()}#frame={frame}")
        page.wait_for_selector("html[data-ready]", state="attached")
        page.wait_for_timeout(2000)
        page.screenshot(path=PICTURE)
        chromium.close()
    print(f"wrote {PICTURE}")


if __name__ == "__main__":
    main()
