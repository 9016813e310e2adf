"""Native topics and payloads, written here a second time on purpose.

The simulators share no code with the decoders of `ingest`, so a mistake on one side shows.
"""

from collections.abc import Iterable, Iterator

import msgspec

from simulators.stream import Message, Sample, Topic

LIST_LIMIT = 100
"""Most readings that one message carries: about 15 kB, well under any broker's limit."""

_encode = msgspec.json.Encoder().encode


def native_topic(device: str, topic: Topic) -> str:
    """Topic that a device publishes on."""
    return f"wattline/v1/{device}/{topic.value}"


def payload_object(sample: Sample) -> dict[str, int | float | bool]:
    """The JSON object of one sample; ts is milliseconds."""
    return {"ts": sample.event_time_us // 1000, **sample.values}


def message_of(samples: list[Sample]) -> Message:
    """One message with all the samples, which are one device's and of one topic.

    A single sample is sent as a bare object, several as a list.
    """
    first = samples[0]
    objects = [payload_object(sample) for sample in samples]
    return Message(
        native_topic(first.device, first.topic), _encode(objects[0] if len(objects) == 1 else objects)
    )


def encode(samples: Iterable[Sample]) -> Iterator[Message]:
    """Messages in the order of the samples.

    Neighbouring readings of one device, each later than the one before, share a message up
    to LIST_LIMIT of them: this is how a device uploads its buffer. A position always has a
    message of its own.
    """
    run: list[Sample] = []
    for sample in samples:
        if run and not (_follows(run[-1], sample) and len(run) < LIST_LIMIT):
            yield message_of(run)
            run = []
        run.append(sample)
    if run:
        yield message_of(run)


def _follows(before: Sample, sample: Sample) -> bool:
    return (
        sample.topic is Topic.READINGS
        and before.topic is Topic.READINGS
        and before.device == sample.device
        and before.event_time_us < sample.event_time_us
    )
