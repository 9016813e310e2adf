"""Row 15: the process that tells people is killed between what it sends and what it keeps."""

import asyncio
import contextlib
import json
import random
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

from tests.faults.report import Report
from tests.faults.sending import now_us
from tests.faults.world import Options
from tests.notify.receivers import Receiver, answer
from tests.notify.world import World

GROUPS = [(rule, place) for rule in ("high-power", "leak", "note") for place in ("b0", "b1", "hall")]
_ALERTS = 6
_GIVE_UP_S = 60.0


def sender_killed(options: Options, folder: Path) -> Report:
    """Killed before the answer to a random message of each trial, or at most 5 ms after it.

    lost: alerts that nobody was told of. more.repeated: messages that came again, each with the
    id and the body that it had the first time; doubled counts those that had not.
    """
    return asyncio.run(_Campaign(options, folder).run())


class _Campaign:
    def __init__(self, options, folder):
        self.options, self.random = options, random.Random(options.seed)
        self.report = Report("sender-killed", options.trials, options.seed, options.store)
        self.world = World(f"sqlite:///{folder}/registry.sqlite", now_us=now_us())
        self.process = None
        self.receiver = Receiver([self._answered])
        self.kill_at = None
        self.waits = False
        self.records = []

    async def run(self):
        fired = []
        async with self.receiver.serving():
            try:
                for _ in range(self.options.trials):
                    fired += await self._trial()
                self.records = self.world.all()
            finally:
                await self._end()
                self.world.close()
        self._count(fired)
        return self.report

    async def _trial(self):
        self.kill_at = len(self.receiver.requests) + self.random.randint(1, _ALERTS)
        self.waits = self.random.random() < 0.5
        self.world.now_us = now_us()
        fired = [self.world.fire(rule, place) for rule, place in self.random.sample(GROUPS, _ALERTS)]
        await self._start()
        await asyncio.wait_for(self.process.wait(), _GIVE_UP_S)
        since_s = time.monotonic()
        await self._start()
        while set(self.world.statuses()) != {"delivered"}:
            assert time.monotonic() - since_s < _GIVE_UP_S, self.world.statuses()
            await asyncio.sleep(0.05)
        self.report.recovered += 1
        self.report.recovery_s.append(time.monotonic() - since_s)
        await self._end()
        return fired

    async def _answered(self, writer):
        """Answer well, but kill the sender at the chosen message, before or after the answer."""
        is_chosen = self.kill_at is not None and len(self.receiver.requests) >= self.kill_at
        if is_chosen:
            self.kill_at = None
            if not self.waits:
                self.process.kill()
                return
        await answer(204)(writer)
        await writer.drain()
        if is_chosen:
            await asyncio.sleep(self.random.uniform(0, 0.005))
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()

    async def _start(self):
        url = self.world.url
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.faults.sending", url, str(self.receiver.port)
        )

    async def _end(self):
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    def _count(self, fired):
        messages = defaultdict(list)
        ids = defaultdict(set)
        for request in self.receiver.requests:
            messages[request.headers["webhook-id"]].append(request.body)
            for alert in json.loads(request.body)["data"]["alerts"]:
                ids[alert["id"]].add(request.headers["webhook-id"])
        report = self.report
        report.attempted = report.acknowledged = len(fired)
        report.stored = len(set(fired) & set(ids))
        report.lost = len(set(fired) - set(ids))
        report.unexpected = len(set(ids) - set(fired))
        report.doubled = sum(len(named) > 1 for named in ids.values())
        report.doubled += sum(len(set(bodies)) > 1 for bodies in messages.values())
        attempts = Counter(
            "unknown" if attempt.outcome is None else attempt.outcome.value
            for record in self.records
            for attempt in record.attempts
        )
        report.more = {
            "messages": len(messages),
            "repeated": len(self.receiver.requests) - len(messages),
            "attempts": dict(attempts),
        }
