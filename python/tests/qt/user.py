"""An application with a canvas that is shared: started by a test, told what its user does by lines on standard input.

It is built as docs/pyqt6-app.md says: the canvas keeps items of its own, `SceneSync` follows it.
"""

import json
import os
import sys

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PyQt6.QtCore import QPointF, QSocketNotifier
from PyQt6.QtWidgets import QApplication, QGraphicsItem, QGraphicsPolygonItem, QGraphicsScene, QGraphicsTextItem

from optiverse_engine.qt import SceneSync


class Canvas:
    """Items on a graphics scene, by id: their section, their properties, and what shows them."""

    def __init__(self):
        self.graphics = QGraphicsScene()
        self.items = {}

    def put(self, id, section, properties):
        self.take(id)
        shape = QGraphicsTextItem(properties["text"]) if section == "texts" else QGraphicsPolygonItem()
        shape.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIsMovable)
        shape.setPos(
            QPointF(properties.get("x_mm", properties.get("x", 0.0)), properties.get("y_mm", properties.get("y", 0.0)))
        )
        self.graphics.addItem(shape)
        self.items[id] = (section, dict(properties), shape)

    def take(self, id):
        if id in self.items:
            self.graphics.removeItem(self.items.pop(id)[2])

    def shown(self):
        return [(section, properties) for section, properties, _ in self.items.values()]


class User:
    def __init__(self, name, url):
        self.canvas = Canvas()
        self.sync = SceneSync()
        self.refused = []
        self.sync.scene_changing.connect(lambda: self.sync.follow(self.canvas.shown()))
        self.sync.item_added.connect(self.show_item)
        self.sync.item_changed.connect(self.show_item)
        self.sync.item_removed.connect(self.canvas.take)
        self.sync.scene_changed.connect(lambda: self.sync.follow(self.canvas.shown(), adopt=True))
        self.sync.refused.connect(lambda *why: self.refused.append(why))
        self.sync.open(url, "bench", name)
        self.input = QSocketNotifier(0, QSocketNotifier.Type.Read)
        self.input.activated.connect(self.read)

    def show_item(self, id, _):
        item = self.sync.scene[id]
        self.canvas.put(id, item.section, dict(item))

    def read(self):
        line = sys.stdin.readline()
        if not line:
            QApplication.quit()
            return
        what, *details = json.loads(line)
        answer = getattr(self, f"do_{what}")(*details)
        print(json.dumps(answer), flush=True)

    def do_put(self, section, properties):
        self.canvas.put(properties["item_uuid"], section, properties)
        self.sync.follow(self.canvas.shown())

    def do_change(self, id, changes):
        section, properties, _ = self.canvas.items[id]
        self.do_put(section, {**properties, **changes})

    def do_delete(self, id):
        self.canvas.take(id)
        self.sync.follow(self.canvas.shown())

    def do_undo(self):
        return self.sync.undo()

    def do_redo(self):
        return self.sync.redo()

    def do_state(self):
        canvas = {id: [section, properties] for id, (section, properties, _) in self.canvas.items.items()}
        on_scene = len(self.canvas.graphics.items())
        return {"status": self.sync.status, "canvas": canvas, "graphics": on_scene, "refused": self.refused}


if __name__ == "__main__":
    application = QApplication(sys.argv[:1])
    user = User(*sys.argv[1:])
    sys.exit(application.exec())
