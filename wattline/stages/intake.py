"""Raw messages to accepted columns: decode, normalise and validate, registering what is new."""

from core.errors import RejectReason
from core.ports import RawBatch, Registry
from ingest.decoders.samples import Decoded, Decoder
from ingest.normalise import Normalised, RegisterIndex, normalise
from ingest.validate import Accepted, validate
from wattline.catalogs import Catalogs
from wattline.stages.derive import Derivation


class Intake:
    """Keeps the index of registers and takes up each newer catalog, for the derivation too."""

    def __init__(
        self, decoder: Decoder, registry: Registry, catalogs: Catalogs, derivation: Derivation
    ) -> None:
        self._decoder, self._registry = decoder, registry
        self._catalogs, self._derivation = catalogs, derivation
        known = derivation.known
        self._index = RegisterIndex(known.catalog, known.columns)

    def accept(self, raw: RawBatch) -> Accepted:
        """Decode, normalise and validate a batch.

        A canonical quantity that a known device sends for the first time is registered.
        Raises StoreError if the registry can't serve; nothing has happened then.
        """
        self.refit()
        decoded = self._decoder.decode(raw)
        normalised = self._normalise(decoded, raw)
        newest = self._derivation.state.newest
        accepted = validate(
            normalised, self._index.catalog, self._index.columns, newest.last_us, newest.last_value
        )
        accepted.rejected[:0] = decoded.rejected + normalised.rejected
        return accepted

    def refit(self) -> bool:
        """Take up the current catalog; says whether it was another."""
        if self._index.catalog is self._catalogs.current:
            return False
        self._derivation.refit(self._catalogs.current)
        known = self._derivation.known
        self._index.refit(known.catalog, known.columns)
        return True

    def _normalise(self, decoded: Decoded, raw: RawBatch) -> Normalised:
        normalised = normalise(decoded, raw, self._index)
        if any(rejection.reason is RejectReason.UNKNOWN_DEVICE for rejection in normalised.rejected):
            self._catalogs.reload()  # another process may have registered the device
            if self.refit():
                normalised = normalise(decoded, raw, self._index)
        if normalised.wanted:
            self._registry.add_registers(normalised.wanted)
            self._catalogs.reload()
            self.refit()
            normalised = normalise(decoded, raw, self._index)
        return normalised
