"""Many people, one scene: the state machine of one user's copy, for hosts with a socket and an event loop of their own.

`Engine` opens no socket and starts no thread. Whatever drives it (Qt, asyncio, a thread), the loop is the same:

1. Something happens: call `edit` and its like, `undo`, `redo`, or the `handle_*` that fits.
2. `poll_event` until it returns None, and do what the events say. `Connect` asks for a WebSocket to `/ws/SESSION/USER`,
   `Disconnect` to close it.
3. `poll_transmit` until it returns None; send each as a text frame, in order, if there is a connection.
4. `poll_timeout` says when to call `handle_timeout`, if nothing happens before.

```python
import time

from optiverse_engine.sync import Connect, Engine, SceneChanged


def pump(engine, socket, timer):
    while event := engine.poll_event():
        match event:
            case Connect():
                socket.open("ws://localhost:8765/ws/lab/ada")
            case SceneChanged(changed=changed):
                print("somebody changed", *changed)
    while frame := engine.poll_transmit():
        socket.send(frame)
    due = engine.poll_timeout()
    if due is not None:
        timer.start(max(0, due - time.time_ns() // 1_000_000))
```
"""

from optiverse_engine._native import Engine as Engine
from optiverse_engine.events import *  # noqa: F403 - what happens is told by all of them
