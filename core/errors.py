"""Two kinds of trouble: bad data is a RejectReason, a bad world is an exception."""

from enum import StrEnum

from core.batch import Mask


class RejectReason(StrEnum):
    """Why a message or a value was not accepted."""

    UNDECODABLE = "undecodable"
    UNKNOWN_TOPIC = "unknown_topic"
    UNKNOWN_DEVICE = "unknown_device"
    UNKNOWN_QUANTITY = "unknown_quantity"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_RANGE = "out_of_range"
    CLOCK_FUTURE = "clock_future"
    CLOCK_PAST = "clock_past"
    BAD_TIME = "bad_time"
    BAD_POSITION = "bad_position"
    STORE_REFUSED = "store_refused"


class WattlineError(Exception):
    """Base of every error that Wattline raises on purpose."""


class StoreError(WattlineError):
    """The store refused or failed; retryable says whether the same call may succeed later."""

    def __init__(self, message: str, *, retryable: bool, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after_s = retry_after_s


class RowsRefused(StoreError):
    """The store will never take some rows; all others are durable.

    refused: each row as the store was given it, and what it said.
    readings, positions: where they are in the batches that were to be stored, if these were.
    """

    def __init__(self, message: str, refused: list[tuple[bytes, str]]) -> None:
        super().__init__(message, retryable=False)
        self.refused = refused
        self.readings: Mask | None = None
        self.positions: Mask | None = None


class UnorderedBatch(WattlineError):
    """Rows that a step needs in order of register and time are not."""


class Conflict(WattlineError):
    """A change contradicts what is already registered; says what and how to fix it."""


class ConfigError(WattlineError):
    """Mistakes in configuration, all of them, each with file, key, value and fix."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class StartError(WattlineError):
    """The process can't start; the message is one line that says what to change."""
