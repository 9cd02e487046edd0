"""The report in a real browser: each record is one screen on a desktop, and readable on a phone.

The records are the published ones, with the sentences and the numbers that a reader sees. Each has
a blank picture of a shape that takes the most room.
"""

import dataclasses

import pytest
from PIL import Image

from dkg import plots
from dkg.reproduction import report
from dkg.reproduction.records import dumps
from dkg.reproduction.report import collecting, overview

# Height for 1125 pixels of width: the highest of all figures, Fig. 3, and the highest picture that
# does not stand beside the text.
SHAPES = {"tall": 1417, "wide": 562}
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module", params=SHAPES)
def address(request, tmp_path_factory):
    """Write a report in which every record has such a picture, is stale, and has all parts."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "results").mkdir()
    Image.new("RGB", (1125, SHAPES[request.param])).save(folder / "picture.png")
    for id, record in overview.published("results.json").items():
        whole = dataclasses.replace(record, figure="picture.png", more={"a number": 0.5})
        (folder / "results" / f"{id}.json").write_text(dumps(whole), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DKG_OUTPUT", str(folder))
        patch.setattr(collecting, "stale", lambda record: ["made by other code"])
        report.write(plots.paper_and_ours)
    return (folder / "report" / "report.html").as_uri()


@pytest.fixture
def opened(chromium, address):
    """Return a function that opens the report in a window of a size."""
    pages = []

    def opened(size):
        pages.append(chromium.new_page(viewport=size))
        pages[-1].goto(address)
        return pages[-1]

    yield opened
    for page in pages:
        page.close()


def heights(page):
    """Return the height of each record, by its id."""
    cards = page.evaluate(
        """[...document.querySelectorAll(".record")].map(
            card => [card.id, card.getBoundingClientRect().height])"""
    )
    return dict(cards)


def fits(page):
    return page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def test_every_record_is_one_screen_until_it_is_unfolded(opened):
    page = opened(DESKTOP)
    found = heights(page)
    assert len(found) > 60
    assert {id: height for id, height in found.items() if height > DESKTOP["height"]} == {}
    assert fits(page)
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert max(heights(page).values()) > DESKTOP["height"], "what is folded has a height"
    assert fits(page)


def test_a_phone_shows_verdict_and_picture_of_a_record_first(opened):
    page = opened(PHONE)
    assert fits(page)
    below = page.evaluate(
        """() => {
            const header = document.querySelector("nav").getBoundingClientRect().height;
            return [...document.querySelectorAll(".record")].filter(card => {
                const top = card.getBoundingClientRect().top - header;
                return ["h3 .verdict", "img"].some(
                    part => card.querySelector(part).getBoundingClientRect().bottom - top
                        > window.innerHeight);
            }).map(card => card.id);
        }"""
    )
    assert below == []
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert fits(page)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_picture_is_enlarged_by_a_click_and_by_the_keyboard(opened, size):
    page = opened(size)
    figure = page.locator("#table-V figure")
    natural = figure.locator("img").evaluate("image => image.naturalWidth")

    def width():
        # Without the border around the picture.
        return figure.locator("img").evaluate("image => image.clientWidth") - 8

    before = width()
    assert before < natural
    figure.click()
    assert width() == natural and fits(page)
    figure.click()
    assert width() == before
    figure.focus()
    page.keyboard.press("Enter")
    assert width() == natural
