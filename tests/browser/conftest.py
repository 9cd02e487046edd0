"""The browser of these tests: a Chromium or Chrome of the system, driven by Playwright.

Without them the tests are skipped; where ``DKG_BROWSER_TESTS=required`` is set, as in continuous
integration, they fail instead.
"""

import os
import shutil

import pytest

_REQUIRED = os.environ.get("DKG_BROWSER_TESTS") == "required"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def _unavailable(reason):
    if _REQUIRED:
        pytest.fail(f"DKG_BROWSER_TESTS=required, but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="module")
def chromium():
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _unavailable("Playwright is not installed; it comes with the extra 'dev'")
    executable = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if executable is None:
        _unavailable(f"no browser is installed; looked for {', '.join(_BROWSERS)}")
    with sync_playwright() as playwright:
        # Chromium's own sandbox does not work for root, as whom containers run.
        arguments = ["--no-sandbox"] if os.getuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=executable, args=arguments)
        yield browser
        browser.close()
