"""Both languages have the same pages, every link leads somewhere, the README is short."""

import json
import re

import pytest
from support.pages import ENGLISH, PAGES, anchors, blocks, chinese, links, rows, text_of
from support.paths import ROOT

from cloud_openapi._version import __version__


def test_every_page_exists_in_both_languages():
    translated = {str(path.relative_to(ROOT)) for path in ROOT.glob("docs/zh-CN/**/*.md")}
    assert translated | {"README.zh-CN.md"} == {chinese(page) for page in ENGLISH}


@pytest.mark.parametrize("page", ENGLISH)
def test_both_languages_have_the_same_headings_tables_and_programs(page):
    assert blocks(page) == blocks(chinese(page))
    shapes = [
        re.findall(r"^(#+|\||- )", text_of(each), re.MULTILINE) for each in (page, chinese(page))
    ]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("page", ENGLISH)
def test_the_rows_of_both_languages_name_the_same_code(page):
    for english, translated in zip(rows(page), rows(chinese(page)), strict=True):
        named = [sorted(re.findall(r"`[^`]+`", row)) for row in (english, translated)]
        assert named[0] == named[1], translated


def test_both_languages_have_the_same_figures():
    page = "docs/background/benchmarks.md"
    figures = [
        [re.findall(r"[\d.]+", cell) for row in rows(each) for cell in row.split("|")[2:]]
        for each in (page, chinese(page))
    ]
    assert figures[0] == figures[1]
    assert any(figures[0])


@pytest.mark.parametrize("page", [*PAGES, "ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_every_link_leads_to_a_file_and_a_heading(page):
    for path, anchor in links(page):
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), anchor


@pytest.mark.parametrize("page", PAGES)
def test_a_page_links_to_pages_of_its_own_language(page):
    for path, _anchor in links(page):
        target = str(((ROOT / page).parent / path).resolve().relative_to(ROOT))
        twin = {chinese(page)} if page in ENGLISH else {e for e in ENGLISH if chinese(e) == page}
        # A README and an index lead to the same page in the other language.
        if target in PAGES and target not in twin:
            assert (target in ENGLISH) == (page in ENGLISH), path


@pytest.mark.parametrize("page", ENGLISH)
def test_the_index_lists_every_page(page):
    index = "docs/README.md"
    listed = {(ROOT / index).parent / path for path, _anchor in links(index)}
    assert page in ("README.md", index) or ROOT / page in listed


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_readme_is_short(page):
    assert len((ROOT / page).read_bytes()) <= 7_000


@pytest.mark.parametrize("page", ENGLISH)
def test_json_on_a_page_is_json(page):
    for block in blocks(page, "json"):
        json.loads(block)


@pytest.mark.parametrize("page", PAGES)
def test_no_page_installs_from_an_index_that_does_not_have_the_package(page):
    assert not re.search(r"pip install '?cloud-openapi", text_of(page))


def test_changelog_begins_with_this_version():
    found = re.search(r"^## (\S+)", text_of("CHANGELOG.md"), re.MULTILINE)
    assert found is not None
    assert found[1] == __version__
