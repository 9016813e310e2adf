"""Payload families, one a file, listed here.

A decoder turns raw messages into samples: a device's values at one time, under the
device's own names. It never raises on what a device sends: a message that it can't read is
a rejection, and costs only itself.
"""

from ingest.decoders import native
from ingest.decoders.samples import Decoder

DECODERS: dict[str, Decoder] = {
    "native": native,
}
