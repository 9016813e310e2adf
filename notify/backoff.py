"""When a delivery that failed is tried again."""

from core.delivery import Outcome, Said

_FACTOR = 3.0
_LONGEST_S = 86_400.0  # nobody may ask us to wait for longer than a day


def next_at_us(said: Said, tries: int, now_us: int, *, most: int, span_s: float, chance: float) -> int | None:
    """When to try again after this many tries; None: never.

    Exponential with full jitter: the pause is drawn evenly from 0 to a bound that triples each
    time, such that all pauses together take span_s on average. What the other side asks for
    (Retry-After) is the least. chance: 0 to 1, drawn by the caller.
    """
    if said.outcome is not Outcome.RETRY or tries >= most:
        return None
    pauses = most - 1
    first_s = 2 * span_s * (_FACTOR - 1) / (_FACTOR**pauses - 1) if pauses > 1 else 2 * span_s
    pause_s = chance * first_s * _FACTOR ** (tries - 1)
    asked_s = min(said.retry_after_s or 0.0, _LONGEST_S)
    return now_us + round(max(pause_s, asked_s) * 1e6)
