"""tiro ocr, from outside: pages that the project makes, and the shared samples where they are."""
import json
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from conftest import ROOT, SAMPLES, TIRO, needs_samples, ok, run

TEXT = (ROOT / "tests" / "samples" / "page.txt").read_text("utf-8")


def flat(text):
    return re.sub(r"\s+", " ", text).strip()


def test_a_page_becomes_its_text(page):
    assert flat(TEXT)[:60] in flat(ok("ocr", "-l", "en", page))


def test_high_accuracy_reads_it_too(page, page_models):
    assert flat(TEXT)[:60] in flat(ok("ocr", "-m", "high_accuracy", "-l", "en", page))


def test_the_language_is_found_where_none_is_named(page):
    found = json.loads(ok("ocr", "-f", "json", page))
    assert found["pages"][0]["language"] == "en"


def test_json_has_boxes_inside_the_page(page):
    found = json.loads(ok("ocr", "-f", "json", "-l", "en", page))["pages"][0]
    words = [w for b in found["blocks"] for line in b["lines"] for w in line["words"]]
    assert len(words) > 20
    for word in words:
        x0, y0, x1, y1 = word["box"]
        assert 0 <= x0 < x1 <= found["width"] and 0 <= y0 < y1 <= found["height"]
        assert 0 <= word["confidence"] <= 1


def test_page_descriptions_are_well_formed_xml(page):
    hocr = ElementTree.fromstring(ok("ocr", "-f", "hocr", "-l", "en", page))
    assert any(e.get("class") == "ocrx_word" for e in hocr.iter())
    alto = ElementTree.fromstring(ok("ocr", "-f", "alto", "-l", "en", page))
    assert any(e.tag.endswith("String") for e in alto.iter())


def test_tsv_has_the_columns_of_tesseract(page):
    lines = ok("ocr", "-f", "tsv", "-l", "en", page).splitlines()
    assert lines[0].split("\t") == [
        "level", "page_num", "block_num", "par_num", "line_num", "word_num",
        "left", "top", "width", "height", "conf", "text",
    ]
    assert all(len(line.split("\t")) == 12 for line in lines)


def test_a_searchable_pdf_gives_its_text_back(page, tmp_path):
    out = tmp_path / "en.pdf"
    assert ok("ocr", "-f", "pdf", "-l", "en", "-o", out, page) == ""
    assert subprocess.run(["qpdf", "--check", out], capture_output=True, check=False).returncode == 0
    text = subprocess.run(["pdftotext", out, "-"], capture_output=True, check=True).stdout.decode()
    assert flat(TEXT)[:60] in flat(text)


def test_pages_come_in_order_from_a_pipe_and_with_a_bad_file_between(page, tmp_path):
    assert ok("ocr", "-l", "en", "-", input=page.read_bytes()) == ok("ocr", "-l", "en", page)
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 100)
    done = run("ocr", "-l", "en", page, bad, page)
    assert done.returncode == 65
    assert done.stderr.decode().count("\n") == 1 and str(bad) in done.stderr.decode()
    assert done.stdout.decode() == ok("ocr", "-l", "en", page) * 2


def test_a_language_that_is_not_installed_is_said_with_those_that_are(page):
    done = run("ocr", "-l", "xx", page)
    assert done.returncode == 65
    assert "en" in done.stderr.decode() and done.stderr.decode().count("\n") == 1


@pytest.mark.parametrize("args", [["-m", "best", "x"], ["-f", "docx", "x"], ["-f", "pdf", "a", "b"], []])
def test_a_wrong_command_line_is_usage(args):
    done = run("ocr", *args)
    assert done.returncode == 64 and done.stderr.decode().count("\n") == 1


@needs_samples
def test_hostile_files_are_refused_quickly_with_one_reason(tmp_path):
    subprocess.run(["python3", SAMPLES / "ocr" / "make_hostile.py", tmp_path], check=True)
    for file in sorted(tmp_path.iterdir()):
        done = run("ocr", file, timeout=60)
        assert done.returncode in (0, 65), (file, done)
        assert done.stderr.decode().count("\n") == (0 if done.returncode == 0 else 1), (file, done.stderr)


@needs_samples
def test_documents_of_several_pages_are_read_whole():
    for name, pages in (("doc-3pages-g4.tif", 3), ("doc-scan-3pages.pdf", 3), ("doc-hybrid.pdf", 2)):
        found = json.loads(ok("ocr", "-f", "json", "-l", "en", SAMPLES / "ocr" / name))
        assert len(found["pages"]) == pages, name


@needs_samples
def test_a_page_with_real_text_is_taken_from_its_text_layer_unless_forced():
    file = SAMPLES / "ocr" / "doc-hybrid.pdf"
    sources = [p["source"] for p in json.loads(ok("ocr", "-f", "json", "-l", "en", file))["pages"]]
    assert sources[0] == "text-layer" and sources[1] != "text-layer"
    forced = [p["source"] for p in json.loads(ok("ocr", "--force", "-f", "json", "-l", "en", file))["pages"]]
    assert "text-layer" not in forced
