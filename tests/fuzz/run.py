"""One fuzz campaign: `python -m tests.fuzz.run TARGET SECONDS FOLDER`; `make fuzz` runs them.

Coverage of our own modules guides the inputs (atheris, libFuzzer). The last line is a JSON object with what
was counted. What libFuzzer itself ends (a hang, memory) leaves its input in FOLDER and no such line.
"""

import logging
import os
import sys
import tempfile
from pathlib import Path

import atheris

# atheris 3.0.0 never lets go of an array that an instrumented comparison makes.
COLUMNS = ["ingest.normalise", "ingest.validate", "ingest.coordinates"]

with atheris.instrument_imports(include=["ingest"], exclude=COLUMNS):
    from tests.fuzz import campaign, intake, messages

HANG_S = 30
MEMORY_MB = 1500
LONGEST = {"decoders": 8192, "shapes": 4096, "stream": 1024}  # bytes of an input


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(name: str, seconds: float, folder: Path) -> None:
    """Run one campaign; does not return."""
    logging.disable(logging.CRITICAL)
    sys.unraisablehook = lambda _: None  # the codec's panics tell of themselves there
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    kind, _, decoder = name.partition("-")
    options = [f"-timeout={HANG_S}", f"-rss_limit_mb={MEMORY_MB}", f"-max_len={LONGEST[kind]}"]
    options += [f"-artifact_prefix={folder}/", "-print_final_stats=0", "-verbosity=0"]
    if kind == "stream":
        target, seeds = campaign.stream_target(), campaign.stream_seeds()
    else:
        rig = intake.Rig(Path(tempfile.mkdtemp(prefix="wattline-fuzz-")), decoder)
        target = campaign.decoder_target(rig) if kind == "decoders" else campaign.shape_target(rig, decoder)
        seeds = (path.read_bytes() for path in (messages.CORPUS / "decoders" / decoder).glob("*"))
        options.append(f"-dict={campaign.dictionary(folder)}")
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    # libFuzzer has no other way to end early than at once
    run = campaign.Campaign(name, target, seconds, folder, tell=_tell, end=os._exit)
    atheris.Setup([sys.argv[0], *options, str(corpus)], run.one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), Path(sys.argv[3]))
