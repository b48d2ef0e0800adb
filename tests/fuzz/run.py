"""One target under atheris: `python -m fuzz.run TARGET CORPUS [libFuzzer's options]`, from the folder of the tests.

What makes a target fail is written as `crash-…` beside the corpus; it becomes a test in `test_fuzz_targets.py`.
"""

from __future__ import annotations

import hashlib
import logging
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["tic_exporter", "yaml"]):
    import tic_exporter.config.document  # the program loads it when it reads a file: too late to be instrumented
    import tic_exporter.web.config  # noqa: F401 - likewise
    from fuzz.targets import TARGETS


def main() -> None:
    name, folder, *options = sys.argv[1:]
    target = TARGETS[name]
    corpus = Path(folder) / name
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    logging.disable(logging.CRITICAL)  # a damaged line has much to say
    words = [f"-max_len={target.longest}", "-timeout=10", "-rss_limit_mb=1024", f"-artifact_prefix={folder}/{name}-"]
    if target.words:
        dictionary = Path(folder) / f"{name}.dict"
        dictionary.write_text("".join(f'"{word}"\n' for word in target.words), encoding="ascii")
        words.append(f"-dict={dictionary}")
    atheris.Setup([sys.argv[0], *words, *options, str(corpus)], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
