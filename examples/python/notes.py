#!/usr/bin/python3
"""Notes, an application in Python that appbur saves and restores. Its state is one file."""

import argparse
import json
import os
import pathlib
import signal
import threading

import service
from rows import canonical


class Invalid(ValueError):
    """A row does not fit its schema."""


class Dataset:
    """A named part of the state: rows that are told apart by one text field."""

    def __init__(self, name, key, fields, depends_on=(), upcasts=(), clear=False):
        self.name, self.key, self.fields, self.depends_on, self.sensitive = name, key, fields, depends_on, not clear
        self.schema, self.upcasts = "2.0", dict(upcasts)
        self.reads = ">= 1.0, <= 2.0" if upcasts else "= 2.0"

    def check(self, row):
        if set(row) != set(self.fields):
            raise Invalid(f"the fields are {sorted(row)}, want {sorted(self.fields)}")
        for field, kind in self.fields.items():
            if type(row[field]) is not kind:
                raise Invalid(f"{field} is no {kind.__name__}")


def note_from_1(row):
    """Version 1.0 called the text body, and had colours."""
    later = {k: v for k, v in row.items() if k not in ("body", "colour")}
    if "body" in row:
        later["text"] = row["body"]
    return later


DATASETS = [
    Dataset("books", "name", {"name": str}, clear=True),  # what is not clear is encrypted where it is stored
    Dataset("notes", "title", {"title": str, "book": str, "text": str, "done": bool}, depends_on=("books",), upcasts={
        # The same step as code and as data: appbur checks one by the other.
        "1.0": (note_from_1, [
            {"op": "RENAME", "path": "/body", "to": "/text", "reason": "it is more than a body"},
            {"op": "DROP", "path": "/colour", "reason": "themes decide about colours"},
        ]),
    }),
]


INBOX = "inbox"


class Store:
    """The state and the results of imports, in one file that is replaced as a whole."""

    def __init__(self, path):
        self.path, self.changing = pathlib.Path(path), threading.Lock()
        if self.path.exists():
            self.held = json.loads(self.path.read_text("utf-8"))
        else:
            self.held = {"results": {}, "state": {
                "books": [{"name": "errands"}, {"name": "ideas"}],
                "notes": [{"title": "eggs", "book": "errands", "text": "a dozen\n", "done": False},
                          {"title": "Über \"appbur\" <&>", "book": "ideas", "text": "\u2028\u0001", "done": True}],
            }}

    def snapshot(self):
        """One consistent view: what is held is replaced and never changed."""
        return self.held["state"]

    def write(self, title):
        """Adds an empty note, as a user does; False when there is one of that title."""
        with self.changing:
            state = self.snapshot()
            if any(row["title"] == title for row in state["notes"]):
                return False
            books = state["books"] if any(row["name"] == INBOX for row in state["books"]) else [*state["books"], {"name": INBOX}]
            note = {"title": title, "book": INBOX, "text": "", "done": False}
            self.commit({"books": books, "notes": [*state["notes"], note]}, self.results())
            return True

    def check(self, state):
        books = {row["name"] for row in state["books"]}
        for number, row in enumerate(state["notes"], 1):
            if row["book"] not in books:
                raise service.Failure("CONSTRAINT_VIOLATION", f"note {number} lies in a book that is not there",
                                      dataset="notes", row=str(number), constraint="note_book")

    def results(self):
        return self.held["results"]

    def commit(self, state, results):
        """Makes both durable at once: the rename is the commit point."""
        held = {"results": results, "state": state}
        beside = self.path.with_suffix(".new")
        with open(beside, "w", encoding="utf-8") as file:
            file.write(canonical(held))
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, self.path)
        directory = os.open(self.path.parent, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)
        self.held = held


def listen(store):
    """Every line that is typed in becomes the title of a note."""
    # Without a buffer there is no lock that would be held when the program ends.
    with open(0, "rb", buffering=0, closefd=False) as lines:
        for line in lines:
            if title := line.decode().strip():
                print("written" if store.write(title) else "there already", title, flush=True)


def main(store=Store):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", required=True, help="file that holds the notes")
    parser.add_argument("--contract", required=True, metavar="unix:///PATH", help="socket to serve the contract at")
    parser.add_argument("--type", action="store_true", help="every line of standard input becomes the title of a note")
    arguments = parser.parse_args()
    # Blocked before any other thread begins: one that took a signal would not wake this one.
    told = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, told)
    os.umask(0o077)  # only the owner of the socket may connect, and only the owner reads the notes
    held = store(arguments.state)
    stop = service.serve("notes", "2.0.0", DATASETS, held, arguments.contract)
    print("ready", arguments.contract, flush=True)
    if arguments.type:
        threading.Thread(target=listen, args=(held,), daemon=True).start()
    signal.sigwait(told)
    stop()


if __name__ == "__main__":
    main()
