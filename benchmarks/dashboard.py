"""What the dashboard weighs and how soon it answers: `dashboard.py [--deployments 10000]`.

Writes the page of made-up deployments, opens it in Chromium, and prints the time that writing takes, the
page's size, and the time until it is drawn and until a filter has been applied, at original speed and at a
quarter of it (a phone).
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import sys
import tempfile
import time
from pathlib import Path

from deploy_action.common.instants import WallTime

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

FILTERED = """() => { const since = performance.now();
  const stack = document.getElementById("stack");
  stack.value = stack.options[1].value;
  stack.dispatchEvent(new Event("change"));
  const drawn = (done) => requestAnimationFrame(() => setTimeout(() => done(performance.now() - since)));
  return new Promise(drawn); }"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deployments", type=int, default=10_000)
    count = parser.parse_args().deployments

    from deploy_action.dashboard.anomalies import unusual_of
    from deploy_action.dashboard.archive import opened
    from deploy_action.dashboard.page import page
    from deploy_action.dashboard.restore_times import restores_of
    from tests.common.many_story import NOW, history

    content = history(count, days=900)
    since = time.perf_counter()
    entries = opened([("made up", content)], now=WallTime(NOW))[0].entries
    text = page(entries, restores_of(entries), unusual_of(entries), source="x", notices=[], now=WallTime(NOW))
    written = time.perf_counter() - since
    weight, small = len(text.encode()), len(gzip.compress(text.encode()))
    print(f"{count:,} deployments, {len(content) / 1e6:.1f} MB of history")
    print(f"written in {written:.1f} s: {weight / 1e3:,.0f} kB, {small / 1e3:,.0f} kB compressed")
    return seen(text)


def seen(text: str) -> int:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("not opened: there is no chromium or google-chrome")
        return 0
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        file = Path(folder) / "index.html"
        file.write_text(text, encoding="utf-8")
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for words, slower, width in (("desktop", 1, 1280), ("phone", 4, 390)):
            shown = browser.new_page(viewport={"width": width, "height": 850})
            shown.context.new_cdp_session(shown).send("Emulation.setCPUThrottlingRate", {"rate": slower})
            shown.goto(file.as_uri() + "#days=all")
            ready = int(shown.evaluate("document.documentElement.dataset.ready"))
            print(f"{words}: interactive after {ready:,} ms, filtered in {shown.evaluate(FILTERED):,.0f} ms")
            shown.close()
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
