"""Notes whose store takes as long as a file beside the state says, to see that exports stay alive meanwhile."""

import pathlib
import time

import notes


class Late(list):
    """Rows that cannot be read at once."""

    def __init__(self, rows, seconds):
        super().__init__(rows)
        self.seconds = seconds

    def __iter__(self):
        time.sleep(self.seconds)
        return super().__iter__()


class SlowStore(notes.Store):
    def snapshot(self):
        state, slow = super().snapshot(), pathlib.Path(self.path).with_suffix(".slow")
        return {**state, "books": Late(state["books"], float(slow.read_text()))} if slow.exists() else state


notes.main(SlowStore)
