"""The live page: made in seconds, and its links lead to the tutorials beside it."""

from __future__ import annotations

import numpy as np
import pytest

import tinyvae as tv
from tinyvae.errors import UsageError
from tinyvae.explorer.live import write_live_page


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return write_live_page(tmp_path_factory.mktemp("live") / "live.html", epochs=1)


def test_it_is_short_and_overwrites_nothing(page):
    assert page.stat().st_size <= 600_000
    with pytest.raises(UsageError, match="exists already"):
        write_live_page(page, epochs=1)


def test_its_links_lead_to_the_equations_beside_it(browse, page):
    browsed = browse(page)
    links = browsed.page.locator("#steps a").all()
    assert len(links) == 7
    for link in links:
        address = link.evaluate("(a) => a.href")
        folder, _, place = address.rpartition("#")
        assert folder.startswith(page.parent.as_uri())
        number = place.removeprefix("equation-")
        assert link.inner_text() == f"Tutorial {folder.rpartition('/')[2][:2]}, equation ({number})"


def test_a_link_that_leaves_the_disk_says_so_and_asks_for_nothing(browse, small_vae, tmp_path):
    rows, address = np.zeros((4, 6)), "https://example.org/tinyvae"
    browsed = browse(tv.explore(small_vae(), rows, tmp_path / "page", tutorials=address))
    links = browsed.page.locator("#steps a")
    assert all(text.endswith("(needs a network)") for text in links.all_inner_texts())
    assert links.first.get_attribute("href").startswith(f"{address}/04-")
