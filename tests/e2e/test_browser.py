"""A real browser meets the server: it shows /docs and reads the events of an upload. Its pictures go to the build folder."""
import base64
import shutil
import urllib.parse

import pytest
from api_server import ONE_MACHINE, back_end, parse_events
from conftest import BUILD, missing

try:
    from playwright.sync_api import sync_playwright
except ImportError:
    sync_playwright = None

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def server(speech_detector):
    with back_end(ONE_MACHINE) as behind:
        running = behind.serve().wait_ready()
        yield running
        running.stop()


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM:
        missing("chromium")
    if not sync_playwright:
        missing("Playwright (scripts/test)")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM)
        yield running
        running.close()


class Tab:
    """A page, and what went wrong in it."""

    def __init__(self, browser, server, **looks):
        self.top = f"http://127.0.0.1:{server.port}"
        self.page = browser.new_page(**looks)
        self.errors, self.asked = [], []
        self.page.on("console", lambda told: self.errors.append(told.text) if told.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def open(self, path):
        assert self.page.goto(self.top + path).status == 200
        self.page.wait_for_selector("details")

    def picture(self, name):
        folder = BUILD / "screenshots"
        folder.mkdir(exist_ok=True)
        self.page.screenshot(path=folder / f"{name}.png", full_page=True)


@pytest.fixture
def tab(request, browser, server):
    made = Tab(browser, server, **getattr(request, "param", {}))
    yield made
    made.page.close()


LOOKS = {"wide": {}, "narrow-dark": {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}}


@pytest.mark.parametrize("tab", LOOKS.values(), ids=LOOKS.keys(), indirect=True)
def test_the_page_shows_the_whole_document_and_asks_nobody_else(tab, server, request):
    tab.open("/docs")
    document = server.request("GET", "/openapi.json").json()
    operations = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert sorted(tab.page.eval_on_selector_all("details", "all => all.map(one => one.id)")) == sorted(operations)
    tab.page.locator(f"#{operations[0]} summary").click()
    assert tab.page.locator(f"#{operations[0]} .body").is_visible()
    tab.page.eval_on_selector_all("details", "all => all.forEach(one => { one.open = true; })")
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tab.picture(f"docs-{request.node.callspec.id}")
    assert {urllib.parse.urlsplit(url).path for url in tab.asked} == {"/docs", "/openapi.json"}
    assert all(url.startswith(tab.top + "/") for url in tab.asked)
    assert tab.errors == []


# Asks a foreign host in four ways; the directives that forbade it.
FOREIGN = """() => new Promise((done) => {
  const refused = [], foreign = "http://127.0.0.1:1/";
  setTimeout(done, 5000, refused);
  document.addEventListener("securitypolicyviolation", (event) => {
    refused.push(event.effectiveDirective);
    if (refused.length === 4) done(refused);
  });
  for (const tag of ["img", "script", "iframe"]) {
    document.body.append(Object.assign(document.createElement(tag), { src: foreign }));
  }
  fetch(foreign).catch(() => {});
})"""


def test_the_page_lets_nothing_foreign_in(tab):
    tab.open("/docs")
    assert sorted(tab.page.evaluate(FOREIGN)) == ["connect-src", "frame-src", "img-src", "script-src-elem"]


# Names the upload itself, so that its events can be asked for before it has arrived; shows them as they come.
UPLOAD = """async ([token, content]) => {
  const headers = { Authorization: "Bearer " + token }, id = crypto.randomUUID();
  const shown = document.body.appendChild(document.createElement("pre"));
  const form = new FormData();
  form.append("language", "en");
  form.append("file", new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], "talk.wav"));
  const upload = fetch("/api/v1/files/upload", { method: "POST", headers: { ...headers, "X-Upload-Id": id }, body: form });
  const answer = await fetch(`/api/v1/files/${id}/events`, { headers });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) shown.append(read.value);
  shown.scrollIntoView();
  return [answer.status, answer.headers.get("Content-Type"), (await upload).status, shown.textContent];
}"""


def test_a_page_reads_the_events_of_its_upload_until_it_is_done(tab, server, jfk):
    user = server.user()
    tab.open("/docs")
    status, kind, uploaded, text = tab.page.evaluate(UPLOAD, [user.token, base64.b64encode(jfk.read_bytes()).decode()])
    assert (status, kind, uploaded) == (200, "text/event-stream", 201)
    names = [name for _, name, _ in parse_events(text.splitlines())]
    assert sorted(set(names), key=names.index) == ["upload_progress", "job_progress", "completed"]
    tab.picture("events")
    assert tab.errors == []
