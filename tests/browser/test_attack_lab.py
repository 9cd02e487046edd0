"""The attack lab in a real browser: JupyterLab, and in short Notebook 7 and Voila."""

import hashlib
import io
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

from dkg import paths

NOTEBOOK = "10_attack_lab.ipynb"
LONG = 300_000  # Milliseconds; only a run that hangs waits so long.

JUPYTER_OPTIONS = {
    "ServerApp.ip": "127.0.0.1",
    "ServerApp.port": "{0}",
    "ServerApp.open_browser": False,
    "ServerApp.allow_root": True,
    "IdentityProvider.token": "{1}",
}
VOILA_OPTIONS = {"Voila.ip": "127.0.0.1", "Voila.port": "{0}", "Voila.open_browser": False}


@pytest.fixture(scope="module")
def browser(chromium):
    # Whatever works here works without the internet.
    context = chromium.new_context(viewport={"width": 1500, "height": 1000})
    context.set_default_timeout(LONG)
    context.route(re.compile(r"^\w+://(?!127\.0\.0\.1[:/])"), lambda route: route.abort())
    yield context
    context.close()


@contextmanager
def served(program, folder, options):
    """Start a server on a copy of the notebook, with settings of its own."""
    pytest.importorskip(program, reason=f"{program} comes with the extra 'lab' or 'dev'")
    shutil.copy(paths.notebooks() / NOTEBOOK, folder)
    settings = folder / "settings" / "@jupyterlab"
    for extension, content in {
        # All cells are in the page, also those that are not in view.
        "notebook-extension/tracker": '{"windowingMode": "none"}',
        "apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false}',
    }.items():
        path = settings / f"{extension}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(content)
    # It does not listen, so the server can take its port, and no other program gets that.
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    port = held.getsockname()[1]
    token = secrets.token_hex(16)
    log = folder / "server.log"
    arguments = [f"--{name}={value}" for name, value in options.items()]
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", program, NOTEBOOK, *(a.format(port, token) for a in arguments)],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ
            | {
                "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
                "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
            },
        )
    try:
        deadline = time.monotonic() + LONG / 1000
        while True:
            assert server.poll() is None, f"{program} ended:\n{log.read_text()[-3000:]}"
            assert time.monotonic() < deadline, f"{program} is silent:\n{log.read_text()[-3000:]}"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/{{}}?token={token}".format
    finally:
        server.terminate()
        server.wait(timeout=60)
        held.close()


def run_all_cells(page):
    page.get_by_role("heading", name="The attack lab").wait_for()
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(state="attached")
    prompts = page.locator(".jp-Notebook .jp-InputPrompt")
    deadline = time.monotonic() + LONG / 1000
    while not prompts.filter(has_text=re.compile(r"[*\d]")).count():
        assert time.monotonic() < deadline, "the menu runs no cell"
        # Until the page has its commands, the menu does nothing.
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        page.wait_for_timeout(2000)
    # Cells that wait or run show a star. After an error the rest is not run, and shows none.
    page.wait_for_function(
        """() => {
            const prompts = [...document.querySelectorAll('.jp-Notebook .jp-InputPrompt')];
            return prompts.some(prompt => /\\d/.test(prompt.textContent))
                && !prompts.some(prompt => prompt.textContent.includes('*'));
        }"""
    )


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    """Open the notebook in JupyterLab and run all its cells, as a student does."""
    with served("jupyterlab", tmp_path_factory.mktemp("lab"), JUPYTER_OPTIONS) as address:
        page = browser.new_page()
        page.goto(address(f"lab/tree/{NOTEBOOK}"))
        run_all_cells(page)
        yield page
        page.close()


class Panel:
    """A panel of the page, by its CSS class."""

    def __init__(self, page, name):
        self.page = page
        self.root = page.locator(f".{name}")

    def wait_for(self, *, words=None, error=False):
        """Wait until it has computed, and says some words if they are given."""
        message = self.root.get_by_role("alert" if error else "status")
        message.filter(has_text=words or "").filter(has_not_text="Computing").wait_for()
        return message.inner_text()

    def picture(self, title):
        """Return a digest of a picture's bytes."""
        image = self.root.get_by_role("img", name=title, exact=True)
        assert image.evaluate("image => image.naturalWidth") > 0, f"{title} is no picture"
        return hashlib.sha256(image.get_attribute("src").encode()).hexdigest()

    def press(self, slider, key):
        """Move a slider with the keyboard."""
        label = self.page.get_by_text(slider, exact=True)
        handle = self.root.locator(".widget-hslider").filter(has=label).get_by_role("slider")
        handle.focus()
        handle.press(key)

    def wait_for_change(self, title, before):
        deadline = time.monotonic() + LONG / 1000
        while self.picture(title) == before:
            assert time.monotonic() < deadline, f"{title} does not change"
            self.page.wait_for_timeout(100)


def click(panel):
    """Click on the seed image, at a quarter from the left and an eighth from the top."""
    image = panel.root.get_by_role("img", name="changed seed image", exact=True)
    box = image.bounding_box()
    image.click(position={"x": box["width"] / 4, "y": box["height"] / 8})
    # 32 and 64, as pages scroll by parts of a pixel.
    return re.compile(r"Pixel \((31|32|33), (63|64|65)\) ")


def test_all_cells_run_without_an_error(lab):
    errors = lab.locator(".jp-OutputArea-output[data-mime-type*=error]")
    assert errors.all_inner_texts() == []
    for trouble in ("model not found", "javascript error"):
        assert lab.get_by_text(trouble).count() == 0
    notes = lab.get_by_text("This network comes with the package", exact=False)
    assert notes.count() >= 5


@pytest.mark.parametrize(
    ("name", "slider", "key", "title"),
    [
        ("KeysPanel", "change by gray levels", "ArrowLeft", "changed bytes of the key"),
        ("KeysPanel", "row of the pixel", "ArrowUp", "changed seed image"),
        ("CipherPanel", "image", "ArrowRight", "ciphertext"),
        ("ImitationPanel", "image", "ArrowRight", "decrypted by the attacker"),
        ("CiphertextAlonePanel", "strength of the smoothing", "ArrowLeft", "smoothed"),
        ("RandomnessPanel", "seed image", "ArrowRight", "P-values of the fifteen tests"),
    ],
)
def test_a_slider_changes_the_picture(lab, name, slider, key, title):
    panel = Panel(lab, name)
    panel.wait_for()
    before = panel.picture(title)
    panel.press(slider, key)
    panel.wait_for_change(title, before)
    panel.wait_for()


@pytest.mark.parametrize(
    ("tab", "name", "slider", "key", "title", "words"),
    [
        (
            "Key used twice",
            "KnownPlaintextPanel",
            "share of the first plaintext known (%)",
            "ArrowRight",
            "second image, found",
            "51 % of one image",
        ),
        (
            "Unknown seed",
            "GuessSeedPanel",
            "number of seeds tried",
            "ArrowRight",
            "smoothest of the decrypted",
            "Of 3 seed images, number 2",
        ),
        (
            "Approximate seed",
            "ApproximateSeedPanel",
            "quality of the JPEG",
            "ArrowLeft",
            "decrypted",
            "of the key bits come back",
        ),
        (
            "Guessed training",
            "RetrainedPanel",
            "guess at the training's random seed",
            "ArrowRight",
            "decrypted",
            "100.0 % of the key bits agree",
        ),
        (
            "Learned prediction",
            "LearnedPanel",
            "bytes to learn from (thousands)",
            "ArrowLeft",
            "bits that prediction saves",
            "A small network saves",
        ),
        (
            "Bit-flipping",
            "MalleabilityPanel",
            "bits flipped in each byte of a square",
            "ArrowRight",
            "decrypted with XOR alone",
            "refused",
        ),
        (
            "Backdoor",
            "BackdoorPanel",
            "rows of the mark in the seed image",
            "ArrowLeft",
            "decrypted by the maker",
            "of the key bits beforehand",
        ),
    ],
)
def test_each_attack_moves_with_its_slider(lab, tab, name, slider, key, title, words):
    lab.get_by_role("tab", name=tab).click()
    panel = Panel(lab, name)
    panel.wait_for(words="Predict")
    before = panel.picture(title)
    panel.press(slider, key)
    panel.wait_for_change(title, before)
    panel.root.get_by_role("button", name="show answer").click()
    panel.wait_for(words=words)


def test_all_controls_and_tabs_are_reached_with_the_keyboard(lab):
    def focused():
        return lab.evaluate(
            """() => {
                const focused = document.activeElement;
                const label = focused.closest('.widget-inline-hbox')?.querySelector('label');
                return (label ?? focused).textContent.trim();
            }"""
        )

    lab.locator(".CipherPanel select").first.focus()
    reached = []
    while "make files" not in reached:
        assert len(reached) < 20, reached
        reached.append(focused())
        lab.keyboard.press("Tab")
    # A slider has two stops: its handle, and its number, which can be typed.
    upload = reached[-2]
    assert "or upload one" in upload
    assert list(dict.fromkeys(reached)) == [
        "network",
        "seeds from",
        "seed image",
        "keys read as",
        "hide an image of",
        "image",
        upload,
        "make files",
    ]

    lab.get_by_role("tab", name="Ciphertext alone").click()
    lab.locator(".CiphertextAlonePanel select").first.focus()
    lab.keyboard.press("Shift+Tab")
    assert focused() == "Ciphertext alone"
    lab.keyboard.press("ArrowRight")
    lab.keyboard.press("Enter")
    lab.locator(".KnownPlaintextPanel").wait_for()
    assert not lab.locator(".CiphertextAlonePanel").is_visible()


def test_keys_read_in_another_way_stop_an_attack(lab):
    lab.get_by_role("tab", name="Approximate seed").click()
    panel = Panel(lab, "ApproximateSeedPanel")
    panel.wait_for(words="% of the key bits come back")  # The answer is shown since the last test.
    victim = lab.locator(".BreakItPanel")
    victim.get_by_label("keys read as").first.select_option("low-order")
    panel.wait_for(words="50.0 % of the key bits come back")
    victim.get_by_label("keys read as").first.select_option("paper")
    panel.root.get_by_label("damage").select_option("inverted pixels")
    panel.root.get_by_text("number of pixels", exact=True).wait_for()
    panel.wait_for(words="% of the key bits come back")


def test_a_wrong_upload_gets_a_sentence_and_a_good_one_is_encrypted(lab):
    panel = Panel(lab, "CipherPanel")
    panel.wait_for()
    before = panel.picture("plaintext")

    def upload(name, kind, content):
        with lab.expect_file_chooser() as chooser:
            panel.root.get_by_role("button", name="or upload one").click()
        chooser.value.set_files({"name": name, "mimeType": kind, "buffer": content})

    upload("letter.png", "image/png", b"Dear colleague, please find enclosed")
    assert "letter.png: not a PNG" in panel.wait_for(error=True)
    assert panel.picture("plaintext") == before
    assert lab.get_by_text("Traceback").count() == 0

    image = np.random.default_rng().integers(0, 256, (256, 256, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG")
    upload("mine.png", "image/png", buffer.getvalue())
    panel.wait_for(words="All bytes come back after decryption. mine.png: 256 x 256 pixels")
    panel.wait_for_change("plaintext", before)
    assert panel.picture("plaintext") == panel.picture("decrypted")


def test_the_files_can_be_downloaded(lab, tmp_path):
    panel = Panel(lab, "CipherPanel")
    panel.root.get_by_role("button", name="make files").click()
    with lab.expect_download() as download:
        panel.root.get_by_role("link", name="hidden.png").click()
    download.value.save_as(tmp_path / "hidden.png")
    assert (tmp_path / "hidden.png").read_bytes().startswith(b"\x89PNG")


def test_a_click_on_the_seed_image_chooses_the_pixel(lab):
    panel = Panel(lab, "KeysPanel")
    panel.wait_for()
    panel.wait_for(words=click(panel))


@pytest.mark.parametrize("size", [(1280, 720), (1440, 900)])
def test_controls_and_pictures_are_in_view_together(lab, size):
    """With the file browser open, each panel shows its controls and all pictures at once."""
    before = lab.viewport_size
    lab.set_viewport_size({"width": size[0], "height": size[1]})
    page = lab.locator(".jp-WindowedPanel-outer").first.bounding_box()
    for name in ("KeysPanel", "CipherPanel", "ImitationPanel", "BreakItPanel"):
        root = lab.locator(f".{name}")
        images = [image for image in root.get_by_role("img").all() if image.is_visible()]
        boxes = [image.bounding_box() for image in images]
        top = root.bounding_box()["y"]
        bottom = max(box["y"] + box["height"] for box in boxes)
        assert bottom - top <= page["height"], name
        assert max(box["x"] + box["width"] for box in boxes) <= page["x"] + page["width"], name
        assert min(box["width"] for box in boxes) >= 100, name
    tabs = [tab.bounding_box() for tab in lab.locator(".dkg-tabs").get_by_role("tab").all()]
    assert max(box["x"] + box["width"] for box in tabs) <= page["x"] + page["width"]
    lab.set_viewport_size(before)


@pytest.fixture(scope="module", params=["Notebook 7", "Voila"])
def elsewhere(request, browser, tmp_path_factory):
    """Open the notebook in another front end, with the commands that docs/attack_lab.md gives."""
    folder = tmp_path_factory.mktemp("elsewhere")
    program, path, options = {
        "Notebook 7": ("notebook", f"notebooks/{NOTEBOOK}", JUPYTER_OPTIONS),
        "Voila": ("voila", "", VOILA_OPTIONS),
    }[request.param]
    with served(program, folder, options) as address:
        page = browser.new_page()
        page.goto(address(path))
        if request.param == "Notebook 7":
            run_all_cells(page)
        yield page
        page.close()


def test_notebook_7_and_voila_show_the_panels_too(elsewhere):
    panel = Panel(elsewhere, "KeysPanel")
    panel.wait_for()
    before = panel.picture("changed bytes of the key")
    # Notebook 7 takes the arrow keys for itself; the other keys of a slider are left to it.
    panel.press("change by gray levels", "PageDown")
    panel.wait_for_change("changed bytes of the key", before)
    panel.wait_for(words=click(panel))

    Panel(elsewhere, "CiphertextAlonePanel").wait_for()
    elsewhere.get_by_role("tab", name="Bit-flipping").click()
    panel = Panel(elsewhere, "MalleabilityPanel")
    before = panel.picture("decrypted with XOR alone")
    panel.press("bits flipped in each byte of a square", "Home")
    panel.wait_for_change("decrypted with XOR alone", before)
    panel.root.get_by_role("button", name="show answer").click()
    panel.wait_for(words="accepted")
    Panel(elsewhere, "RandomnessPanel").wait_for()
