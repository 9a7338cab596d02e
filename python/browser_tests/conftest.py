"""A server and a browser for all tests, a notebook for each."""

import shutil

import pytest
from lab import CHROMIUM_FLAGS, Lab
from playwright.sync_api import sync_playwright

#: A cell on a busy machine: a kernel's first imports take seconds.
PATIENCE_MS = 90_000


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """JupyterLab."""
    server = Lab(tmp_path_factory.mktemp("lab"))
    yield server
    server.close()


@pytest.fixture(scope="session")
def chromium():
    """The browser of the system: none is downloaded."""
    path = shutil.which("chromium")
    assert path is not None, "these tests need the command chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


class Notebook:
    """A notebook in the browser."""

    def __init__(self, page, url):
        self.page = page
        self.problems = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.goto(url)
        page.get_by_text("| Idle").wait_for()
        page.locator(".jp-CodeCell").first.wait_for()

    def run(self, number):
        """Run a cell, wait until it is done, and return the text it has printed."""
        cell = self.page.locator(".jp-CodeCell").nth(number)
        cell.locator(".jp-InputArea-editor").click()
        self.page.keyboard.press("Control+Enter")
        # The prompt shows a number once the cell is done.
        prompt = cell.locator(".jp-InputPrompt")
        self.page.wait_for_function(
            "prompt => /\\[\\d+\\]/.test(prompt.textContent)", arg=prompt.element_handle(), timeout=PATIENCE_MS
        )
        return "\n".join(cell.locator(".jp-OutputArea-output[data-mime-type*=stdout]").all_inner_texts()).strip()

    def widget(self, number=0):
        """Wait for a widget to be drawn."""
        root = self.page.locator(".oe-root").nth(number)
        root.locator("canvas").wait_for()
        self.page.wait_for_function(
            "number => document.querySelectorAll('.oe-root')[number].dataset.revision", arg=number, timeout=PATIENCE_MS
        )
        return Widget(self.page, root)


class Widget:
    """A widget in the page."""

    def __init__(self, page, root):
        self.page = page
        self.root = root

    @property
    def revision(self):
        """The revision of the light that is drawn."""
        return int(self.root.get_attribute("data-revision"))

    def wait_for_revision_after(self, revision):
        """Wait until later light is drawn."""
        self.page.wait_for_function(
            "([root, after]) => Number(root.dataset.revision) > after",
            arg=[self.root.element_handle(), revision],
            timeout=PATIENCE_MS,
        )

    def item(self, id):
        """The group of an item."""
        return self.root.locator(f'[data-item="{id}"]')

    def middle(self, locator):
        """The middle of what a locator finds, in pixels of the page."""
        box = locator.bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def drag(self, start, dx, dy, steps=8):
        """Press at a point, move, let go."""
        x, y = start
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        for step in range(1, steps + 1):
            self.page.mouse.move(x + dx * step / steps, y + dy * step / steps)
        self.page.mouse.up()

    def coloured_pixels(self):
        """How many pixels of the canvas are of light: neither grey nor transparent."""
        return self.root.locator("canvas").evaluate(
            """canvas => {
                const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                let count = 0;
                for (let i = 0; i < data.length; i += 4) {
                    const [r, g, b, a] = data.subarray(i, i + 4);
                    if (a > 10 && Math.max(r, g, b) - Math.min(r, g, b) > 60) count += 1;
                }
                return count;
            }"""
        )


@pytest.fixture
def open_notebook(lab, chromium, request):
    """A function that opens a notebook with the given cells; errors of the page fail the test."""
    opened = []

    def open_cells(*cells, width=1280, height=1100):
        page = chromium.new_page(viewport={"width": width, "height": height})
        notebook = Notebook(page, lab.notebook(request.node.name.replace("[", "-").strip("]"), *cells))
        opened.append(notebook)
        return notebook

    yield open_cells
    for notebook in opened:
        notebook.page.close()
        assert notebook.problems == []
