"""Which paths and URLs a request may name: nothing outside the roots and buckets, however it is written; honest ones pass."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from api.access.paths import Confinement
from api.settings import load_settings
from pipeline.clerk.clerk import Clerks
from pipeline.errors import PathOutside
from pipeline.sources.confined import VARIABLE
from pipeline.sources.listing import list_files
from tests.path_attacks import TRAVERSAL, URLS

BUCKETS = ("s3://allowed/in", "s3://second")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """root/ with honest files and links that lead out; outside/ with a secret; workspace/ with its own."""
    made = Path(os.path.realpath(tmp_path_factory.mktemp("confined")))
    root, outside, workspace = made / "root", made / "outside", made / "workspace"
    for path in (
        root / "a/b",
        root / "honest/part=1",
        root / "deep/er",
        outside,
        made / "root-beside",
        workspace / "service",
        workspace / "jobs",
    ):
        path.mkdir(parents=True)
    for path in (
        root / "a.jsonl",
        root / "honest/part=1/x.jsonl",
        root / "honest/[odd] name.jsonl",
        outside / "secret.jsonl",
        made / "root-beside/x.jsonl",
    ):
        path.write_text('{"text": "a secret or not"}\n')
    (workspace / "service/keys.json").write_text("{}")
    (root / "link.jsonl").symlink_to(outside / "secret.jsonl")
    (root / "relative.jsonl").symlink_to("../outside/secret.jsonl")
    (root / "linked").symlink_to(outside)
    (root / "far").symlink_to(root / "linked")
    (root / "dangling").symlink_to(outside / "not-there")
    (root / "loop").symlink_to(root / "loop")
    (root / "deep/er/out").symlink_to(outside)
    (root / "inner").symlink_to(workspace / "service")
    (root / "honest/again.jsonl").symlink_to(root / "a.jsonl")
    return made


@pytest.fixture(scope="module")
def confinement(folder: Path) -> Confinement:
    settings = load_settings(
        {
            "workspace": str(folder / "workspace"),
            "roots": (str(folder / "root"), str(folder / "workspace")),
            "buckets": BUCKETS,
        },
        {},
    )
    return Confinement.of(settings)


def filled(text: str, folder: Path) -> str:
    return text.format(root=folder / "root", outside=folder / "outside", workspace=folder / "workspace")


@pytest.fixture(autouse=True)
def _in_root(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / "root")


def test_the_corpora_are_large_enough() -> None:
    assert len(set(TRAVERSAL)) >= 60
    assert len(set(URLS)) >= 40


@pytest.mark.parametrize("given", TRAVERSAL + URLS, ids=ascii)
def test_no_input_leads_out(given: str, folder: Path, confinement: Confinement) -> None:
    with pytest.raises(PathOutside) as refused:
        confinement.input(filled(given, folder))
    assert str(refused.value).startswith("input ")
    assert refused.value.code == "path_outside"


@pytest.mark.parametrize("given", [t for t in TRAVERSAL if "**" not in t] + list(URLS), ids=ascii)
def test_no_output_leads_out(given: str, folder: Path, confinement: Confinement) -> None:
    if given == "{root}/deep":
        pytest.skip("a folder with a link in it is no way out for what is written beside the link")
    with pytest.raises(PathOutside):
        confinement.output(filled(given, folder))


def test_the_workspace_itself_is_no_input_and_no_output(folder: Path, confinement: Confinement) -> None:
    workspace = folder / "workspace"
    with pytest.raises(PathOutside, match="workspace's own"):
        confinement.input(str(workspace))
    with pytest.raises(PathOutside, match="workspace's own"):
        confinement.output(f"{workspace}/")
    assert confinement.output(f"{workspace}/exports") == str(workspace / "exports")


@pytest.mark.parametrize("given", ["{outside}/missing", "{outside}/*.none", "~/missing", "/missing/*.jsonl"])
def test_what_is_not_there_tells_nothing_of_its_neighbours(
    given: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(folder / "root"))
    monkeypatch.setenv("HOME", str(folder / "outside"))
    with pytest.raises(PathOutside) as refused:
        list_files([filled(given, folder)])
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("given", URLS, ids=ascii)
def test_without_buckets_no_url_passes(given: str, folder: Path) -> None:
    local_only = Confinement((str(folder / "root"),), (), ())
    with pytest.raises(PathOutside):
        local_only.input(given)


def test_the_workspace_in_a_bucket_is_its_own() -> None:
    settings = load_settings({"workspace": "s3://allowed/in/workspace", "buckets": BUCKETS}, {})
    for name in ("service/keys.json", "jobs/*/job.json", "corpora", "requests/x"):
        with pytest.raises(PathOutside, match="workspace's own"):
            Confinement.of(settings).input(f"s3://allowed/in/workspace/{name}")


@pytest.mark.parametrize(("given", "expected"), [
    ("a.jsonl", "{root}/a.jsonl"), ("./a.jsonl", "{root}/a.jsonl"), ("{root}/a.jsonl", "{root}/a.jsonl"), (".", None), ("honest", "{root}/honest"),
    ("honest/", "{root}/honest"), ("honest/*", "{root}/honest/*"), ("{root}/honest/**/*.jsonl", "{root}/honest/**/*.jsonl"),
    ("{root}/honest/part=1/x.jsonl", "{root}/honest/part=1/x.jsonl"), ("honest/[odd] name.jsonl", "{root}/honest/[odd] name.jsonl"),
    ("a.json[l]", "{root}/a.json[l]"), ("honest/again.jsonl", "{root}/a.jsonl"), ("nothing/here*.parquet", "{root}/nothing/here*.parquet"),
    ("dump=CC%2DMAIN/x.parquet", "{root}/dump=CC%2DMAIN/x.parquet"), ("données/été.jsonl", "{root}/données/été.jsonl"),
    ("{workspace}/curated", "{workspace}/curated"),
    ("s3://allowed/in/x.jsonl", "s3://allowed/in/x.jsonl"), ("s3://allowed/in/*.parquet", "s3://allowed/in/*.parquet"), ("s3://allowed/in", "s3://allowed/in"),
    ("s3://second/any/**/x", "s3://second/any/**/x"), ("s3://second/", "s3://second/"),
])  # fmt: skip
def test_honest_inputs_pass(given: str, expected: str | None, folder: Path, confinement: Confinement) -> None:
    if expected is None:  # the root itself holds links that lead out
        with pytest.raises(PathOutside, match=r"leads out|workspace's own"):
            confinement.input(given)
        return
    assert confinement.input(filled(given, folder)) == filled(expected, folder)


@pytest.mark.parametrize(
    "given", ["new/folder", "{root}/out", "{workspace}/curated", "s3://allowed/in/out", "s3://second/out/"]
)
def test_honest_outputs_pass(given: str, folder: Path, confinement: Confinement) -> None:
    found = confinement.output(filled(given, folder))
    assert found.startswith(("s3://", str(folder)))


def test_a_refusal_says_what_and_what_is_allowed(folder: Path, confinement: Confinement) -> None:
    with pytest.raises(PathOutside, match=r"lies outside the folders that are allowed: .*/root"):
        confinement.input("/etc/passwd")
    with pytest.raises(
        PathOutside, match=r"is or follows a link that leads out of the folders that are allowed: .*/root"
    ):
        confinement.input(str(folder / "root/linked"))
    with pytest.raises(PathOutside, match=r"scheme that is not allowed; allowed: paths in folders, and s3"):
        confinement.input("http://169.254.169.254/")


def test_listing_in_a_confined_process_refuses_a_link_that_came_later(
    folder: Path, confinement: Confinement, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = folder / "root/late"
    late.mkdir()
    (late / "x.jsonl").write_text('{"text": "x"}\n')
    given = confinement.input("late")
    (late / "y.jsonl").symlink_to(folder / "outside/secret.jsonl")
    monkeypatch.setenv(VARIABLE, str(folder / "root"))
    for path in (given, f"{given}/*.jsonl", f"{given}/y.jsonl"):
        with pytest.raises(PathOutside, match="leads out"):
            list_files([path])
    (late / "y.jsonl").unlink()
    (late / "z").symlink_to(folder / "outside")
    for path in (given, f"{given}/*/*.jsonl", f"{given}/**/*.jsonl"):
        with pytest.raises(PathOutside, match="leads out"):
            list_files([path])
    (late / "z").unlink()
    assert [f.name for f in list_files([given])] == ["x.jsonl"]


def test_listing_is_free_where_no_folders_confine_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert [f.name for f in list_files([str(folder / "root/link.jsonl")])] == ["link.jsonl"]


def test_a_clerk_of_a_confined_service_lists_no_link_out(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(folder / "root"))
    with Clerks(str(tmp_path / "ws"), 1) as clerks, pytest.raises(PathOutside, match="leads out"):
        clerks.ask(
            "plan", {"recipe": "minimal", "inputs": [str(folder / "root/deep"), str(folder / "root/link.jsonl")]}, 60
        )


@pytest.mark.parametrize("against", ["{folder}/outside/secret.jsonl", "{folder}/root/link.jsonl", "http://169.254.169.254/x.jsonl",
                                     "s3://other/evals.jsonl", "simplecache::s3://mine/evals.jsonl", "file:///etc/passwd"])  # fmt: skip
def test_evaluation_sets_are_confined_as_input_is(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, against: str
) -> None:
    monkeypatch.setenv(VARIABLE, f"{folder / 'root'}\ns3://mine/crawl")
    recipe = {"name": "r", "score": [], "decontaminate": {"against": [against.format(folder=folder)]}}
    with Clerks(str(tmp_path / "ws"), 1) as clerks, pytest.raises(PathOutside, match="leads out"):
        clerks.ask("check_recipe", {"recipe": recipe}, 60)


@pytest.mark.parametrize(("url", "inside"), [
    ("s3://mine/crawl", True), ("s3://mine/crawl/a/b.parquet", True), ("s3://mine/crawl/*/b.parquet", True),
    ("s3://mine/crawl-other/b.parquet", False), ("s3://mine", False), ("s3://mine/cra*", False), ("gs://mine/crawl/b", False),
])  # fmt: skip
def test_a_confined_process_lists_only_below_its_prefixes(
    monkeypatch: pytest.MonkeyPatch, url: str, inside: bool
) -> None:
    monkeypatch.setenv(VARIABLE, "/data\ns3://mine/crawl")
    monkeypatch.setattr("pipeline.sources.folders.Remote", _Reached)
    with pytest.raises(Reached if inside else PathOutside):
        list_files([url])


class Reached(Exception):
    """Listing went on to the bucket."""


class _Reached:
    def __init__(self, given: str) -> None:
        raise Reached(given)
