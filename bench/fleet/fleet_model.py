# SPDX-License-Identifier: MIT
"""Servers that start at once, as a simulation: one event a call, the same numbers at every run.

The rules are those of the code: keyring/adaptive_parallelism.h (rounds, pauses), aws/retry.h (the
retries of one call), keyring/version_loader.cc (rounds after failures, MariaDB) and
product/load_retry.cc (the same, MySQL).
bench_fleet.py compares it with real clients.
"""

import dataclasses
import heapq
import random

MOST, CALLS_OF_ONE, SHORTEST_S, FIRST_BOUND_S, DOUBLINGS = 16, 8, 0.05, 1.0, 6
ATTEMPTS, MOST_RETRY_S, QUOTA_TOKENS, COST_OF_RETRY = 3, 20.0, 500, 5
FAILURE_PAUSE_S, LONGEST_FAILURE_PAUSE_S, LOAD_RETRY_S = 0.5, 5.0, 0.5
PASSING = 0.8  # Others have recovered when so much of their calls passes at the first try.


@dataclasses.dataclass(frozen=True)
class Fleet:
    """What is simulated. Rates are a second's; a deadline of None never ends a load."""

    servers: int
    calls: int  # A start's: keys of FILES, 1 for a sealed file.
    quota: float
    burst: float
    latency: float = 0.02
    background: float = 0.0  # Calls of others.
    errors: float = 0.0  # The part of calls that end in 5xx.
    outage: tuple[float, float] = (0.0, 0.0)  # From, to.
    is_mysql: bool = False
    deadline: float = 60.0
    spread: float = 0.5  # Within so many seconds the servers start.
    adaptive: bool = True  # False: 16 calls at once whatever KMS says, as SDKs do.
    seed: int = 12


@dataclasses.dataclass
class Outcome:
    ready: list[float]  # When each server was ready, sorted.
    complete: int  # Servers with all keys then.
    calls: int  # All calls of the servers.
    ideal_calls: int
    throttled: int
    background: dict[int, list[int]]  # Second -> [calls, throttled].

    def quantile(self, fraction: float) -> float:
        return self.ready[round(fraction * (len(self.ready) - 1))]

    def recovery(self) -> float:
        """The second from which on PASSING of the others' calls pass, to the end."""
        bad = [
            second
            for second, (calls, throttled) in self.background.items()
            if calls and throttled > (1 - PASSING) * calls
        ]
        return max(bad) + 1 if bad else 0


class Kms:
    """Token bucket, errors, outage."""

    def __init__(self, fleet: Fleet, chance: random.Random):
        self.fleet, self.chance = fleet, chance
        self.tokens, self.filled = fleet.burst, 0.0

    def answer(self, now: float) -> str:
        fleet = self.fleet
        if fleet.outage[0] <= now < fleet.outage[1]:
            return "error"
        self.tokens = min(fleet.burst, self.tokens + (now - self.filled) * fleet.quota)
        self.filled = now
        if self.tokens < 1:
            return "throttled"
        self.tokens -= 1
        return "error" if self.chance.random() < fleet.errors else "ok"


class Pause:
    """ThrottlePause."""

    def __init__(self, chance: random.Random):
        self.chance, self.doublings = chance, 0

    def after_throttle(self, left: float) -> float:
        bound = min(FIRST_BOUND_S * 2**self.doublings, left)
        self.doublings = min(self.doublings + 1, DOUBLINGS - 1)
        return max(SHORTEST_S, bound * self.chance.random())

    def after_success(self) -> None:
        self.doublings = max(self.doublings - 1, 0)


class Server:
    """One server's load. Times are since the first start of the fleet."""

    def __init__(self, world: "World", began: float):
        self.world, self.began = world, began
        self.left = world.fleet.calls
        self.now, self.is_full, self.pause = MOST, True, Pause(world.chance)
        self.load_round, self.failed, self.tokens = 1, 0, QUOTA_TOKENS
        self.begin_load_round(began)

    def deadline_left(self, time: float) -> float:
        return self.began + self.world.fleet.deadline - time

    # A round of VersionLoader, or one try of LoadWithRetry.

    def begin_load_round(self, time: float) -> None:
        self.streak, self.failed = 0, 0
        self.begin_round(time)

    def end_load_round(self, time: float) -> None:
        if self.left == 0 or self.deadline_left(time) <= 0:
            self.world.is_ready(self, time)
            return
        pause = min(LONGEST_FAILURE_PAUSE_S, FAILURE_PAUSE_S * 2 ** min(self.load_round, 5))
        pause *= 0.5 + self.world.chance.random() / 2
        if self.world.fleet.is_mysql:
            pause = LOAD_RETRY_S
        self.load_round += 1
        self.world.at(time + min(pause, self.deadline_left(time)), self.begin_load_round)

    # A round of RunAdaptive.

    def begin_round(self, time: float) -> None:
        pending = self.left - self.failed
        self.to_send = pending if self.is_full else min(pending, self.now * CALLS_OF_ONE)
        self.throttled, self.in_flight = False, 0
        for _ in range(min(self.now, self.to_send)):
            self.send_next(time)
        if self.in_flight == 0:
            self.end_load_round(time)

    def send_next(self, time: float) -> None:
        over = self.streak >= min(MOST, self.world.fleet.calls) or self.deadline_left(time) <= 0
        if self.to_send == 0 or self.throttled or over:
            return
        self.to_send -= 1
        self.in_flight += 1
        self.send(time, 1)

    def send(self, time: float, attempt: int) -> None:
        result = self.world.call(time)
        self.world.at(
            time + self.world.fleet.latency,
            lambda now: self.has_answer(now, result, attempt),
        )

    def has_answer(self, time: float, result: str, attempt: int) -> None:
        batch = self.world.fleet.adaptive and self.world.fleet.calls > 1
        if result != "ok" and attempt < ATTEMPTS and not (batch and result == "throttled"):
            delay = min(2 ** (attempt - 1), MOST_RETRY_S) * self.world.chance.random()
            if delay < self.deadline_left(time) and self.tokens >= COST_OF_RETRY:
                self.tokens -= COST_OF_RETRY
                self.world.at(time + delay, lambda now: self.send(now, attempt + 1))
                return
        self.in_flight -= 1
        if result == "ok":
            self.left -= 1
            self.streak = 0
            self.tokens = min(
                QUOTA_TOKENS, self.tokens + (COST_OF_RETRY if attempt > 1 else 1)
            )
        elif result == "throttled" and self.world.fleet.adaptive:
            self.throttled = True
        else:
            self.failed += 1
            self.streak += 1
        self.send_next(time)
        if self.in_flight == 0:
            self.end_round(time)

    def end_round(self, time: float) -> None:
        if not self.throttled:
            self.now = min(MOST, self.now + 1)
            self.pause.after_success()
            self.is_full = self.is_full or (self.now == MOST and self.pause.doublings == 0)
            self.begin_round(time)
            return
        self.now, self.is_full = max(1, self.now // 2), False
        left = self.deadline_left(time)
        pause = self.pause.after_throttle(max(left, 0))
        if pause >= left:
            self.end_load_round(time)
        else:
            self.world.at(time + pause, self.begin_round)


class World:
    """The events in their order."""

    def __init__(self, fleet: Fleet):
        self.fleet, self.chance = fleet, random.Random(fleet.seed)
        self.kms = Kms(fleet, random.Random(fleet.seed + 1))
        self.events, self.sequence = [], 0
        self.ready: list[float] = []
        self.complete = self.calls = self.throttled = 0
        self.background: dict[int, list[int]] = {}

    def at(self, time: float, work) -> None:
        self.sequence += 1
        heapq.heappush(self.events, (time, self.sequence, work))

    def call(self, time: float) -> str:
        self.calls += 1
        result = self.kms.answer(time)
        self.throttled += result == "throttled"
        return result

    def is_ready(self, server: Server, time: float) -> None:
        self.ready.append(time - server.began)
        self.complete += server.left == 0

    def call_of_others(self, time: float) -> None:
        counts = self.background.setdefault(int(time), [0, 0])
        counts[0] += 1
        counts[1] += self.kms.answer(time) == "throttled"
        if len(self.ready) < self.fleet.servers:
            self.at(time + 1 / self.fleet.background, self.call_of_others)

    def run(self) -> Outcome:
        for number in range(self.fleet.servers):
            began = self.fleet.spread * number / self.fleet.servers
            self.at(began, lambda time: Server(self, time))
        if self.fleet.background:
            self.at(0, self.call_of_others)
        while self.events:
            time, _, work = heapq.heappop(self.events)
            work(time)
        return Outcome(
            sorted(self.ready),
            self.complete,
            self.calls,
            self.fleet.servers * self.fleet.calls,
            self.throttled,
            self.background,
        )


def simulate(fleet: Fleet) -> Outcome:
    return World(fleet).run()


# ---- A real fleet ------------------------------------------------------------

# 5,000 servers with 100 keys, under the quota of most regions; 3,000 calls a second of others.
REAL = Fleet(5000, 100, 10000, 10000, background=3000, deadline=3600)
CASES = {
    "files": {},
    "files, 5 % errors": {"errors": 0.05},
    "files, out for two minutes": {"outage": (0.0, 120.0)},
    "files, startup deadline 60 s": {"deadline": 60.0},
    "sealed": {"calls": 1},
    "sealed, 5 % errors": {"calls": 1, "errors": 0.05},
    "sealed key set, out for two minutes": {"calls": 1, "outage": (0.0, 120.0)},
    "sealed, MySQL, out for two minutes": {"calls": 1, "outage": (0.0, 120.0), "is_mysql": True},
    "files, 16 calls at once, each repeated": {"adaptive": False},
}


def main() -> None:
    print(f"{'':40} {'p50':>6} {'p99':>6} {'last':>6}  complete  calls  throttled  others after")
    for name, more in CASES.items():
        fleet = dataclasses.replace(REAL, **more)
        found = simulate(fleet)
        print(
            f"{name:40} {found.quantile(0.5):6.1f} {found.quantile(0.99):6.1f} "
            f"{found.quantile(1):6.1f}  {found.complete / fleet.servers:8.0%}  "
            f"{found.calls / found.ideal_calls:4.2f}x  {found.throttled / found.calls:9.0%}  "
            f"{found.recovery():10.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
