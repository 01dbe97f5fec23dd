# SPDX-License-Identifier: MIT
"""Whether a history of concurrent stores, fetches and removals of one key has an order in which
each took effect at one moment between its call and its answer.

The search of Wing and Gong, with Lowe's memory of states that led nowhere. A call without an answer
may have taken effect at any moment after it was made, or never."""

import dataclasses
import math

ABSENT = ""


@dataclasses.dataclass(frozen=True)
class Operation:
    kind: str  # store, fetch, remove
    value: str  # What is stored, or what was fetched.
    outcome: str  # ok, value, none, exists, unknown
    called: float
    answered: float = math.inf  # By then it has taken effect, when it ever does.

    @property
    def is_optional(self) -> bool:
        return self.outcome == "unknown"


def apply(state: str, operation: Operation) -> str | None:
    """The value of the key afterwards; None when the operation cannot have that outcome then."""
    here = state != ABSENT
    match operation.kind, operation.outcome:
        case "store", ("ok" | "unknown"):
            return None if here else operation.value
        case "store", "exists":
            return state if here else None
        case "remove", ("ok" | "unknown"):
            return ABSENT if here else None
        case ("remove" | "fetch"), "none":
            return None if here else state
        case "fetch", "value":
            return state if state == operation.value else None
    raise ValueError(f"{operation.kind} cannot end with {operation.outcome}")


def is_linearizable(history: list[Operation], state: str = ABSENT) -> bool:
    """Of one key, whose value at the beginning is `state`."""
    todo = [one for one in history if not (one.kind == "fetch" and one.is_optional)]
    todo.sort(key=lambda one: one.called)
    required = sum(1 << at for at, one in enumerate(todo) if not one.is_optional)
    seen = set()
    stack = [(0, state)]  # Which of them took effect (bits), and the value then.
    while stack:
        done, value = stack.pop()
        if (done & required) == required:
            return True
        for at in _next(todo, done):
            after = apply(value, todo[at])
            reached = (done | 1 << at, after)
            if after is not None and reached not in seen:
                seen.add(reached)
                stack.append(reached)
    return False


def _next(todo: list[Operation], done: int):
    """Those that may take effect next: nothing that is left was over before they were called. An
    optional one never has to be; after its answer it cannot be any more."""
    left = [at for at in range(len(todo)) if not done >> at & 1]
    end = min((todo[at].answered for at in left if not todo[at].is_optional), default=math.inf)
    start = max((todo[at].called for at in range(len(todo)) if done >> at & 1), default=-math.inf)
    return [at for at in left if todo[at].called < end and todo[at].answered > start]


class Recorder:
    """Makes operations of the lines of `keyring_writer race`, over several lives of the process."""

    def __init__(self, effects_end_with_process: bool):
        self._ends = effects_end_with_process
        self._now = 0
        self._open: dict[str, tuple[str, str, str, int]] = {}
        self.by_key: dict[str, list[Operation]] = {}
        self.answers = self.unanswered = 0

    def line(self, text: str) -> None:
        self._now += 1
        words = text.split()
        if words[0] == "ready":
            self._close()
        elif words[0] == "call":
            _, number, kind, key, value = words
            self._open[number] = (kind, key, value, self._now)
        else:
            self._answer(words[1], words[2], words[3] if len(words) > 3 else "")

    def _answer(self, number: str, outcome: str, fetched: str) -> None:
        kind, key, value, called = self._open.pop(number)
        end = math.inf if outcome == "unknown" else self._now
        self._add(key, Operation(kind, fetched if kind == "fetch" else value, outcome, called, end))
        self.answers += 1

    def _close(self) -> None:
        """A new process has loaded its keys: what the old one did not answer is over, if it can."""
        end = self._now if self._ends else math.inf
        for kind, key, value, called in self._open.values():
            self._add(key, Operation(kind, value, "unknown", called, end))
            self.unanswered += 1
        self._open.clear()

    def _add(self, key: str, operation: Operation) -> None:
        self.by_key.setdefault(key, []).append(operation)
