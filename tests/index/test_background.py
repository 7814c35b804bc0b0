"""Phrases of trusted human text end to end: a quotation is no evidence once a background has it, a copy still is."""

from __future__ import annotations

import gzip
import random
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import naive
import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from making import Row, folded, make_index, never, nonsense, scanned, words, write_jsonl

from provscan import Index
from provscan.cli import main
from provscan.errors import IndexFormatError, IndexLocked, InputError
from provscan.index import background as library
from provscan.index.background import add_background, learn_chunk
from provscan.index.build import BuildOptions, add
from provscan.index.manifest import locked, read_manifest
from provscan.index.store import BACKGROUND, union
from provscan.read import Rejected
from provscan.sketch.phrases import filter_bytes, knows, learn
from provscan.sketch.seeds import LONGEST
from provscan.text.information import load_information

SINGLE = load_information().single
SINGLE_LIST = SINGLE.tolist()

# ---- the kernel, and filters of several sizes ------------------------------------------------------------------------


@given(st.lists(st.lists(st.integers(1, 65535), max_size=12), max_size=6), st.integers(0, 4))
def test_learn_chunk_equals_twin(texts: list[list[int]], before: int) -> None:
    """No phrase of two texts; slices of a chunk that begin anywhere; what was known stays."""
    ids = np.array([7] * before + [t for text in texts for t in text], np.uint16)
    offsets = np.cumsum([before, *map(len, texts)]).astype(np.int64)
    room = len(ids) + LONGEST + 1
    scratch = np.full(room, 99, np.uint32), np.full(room, 99, np.uint64), np.full(room, 99, np.uint64)
    bits = np.zeros(64, np.uint8)
    bits[3] = 16
    hashes = [h for text in texts for h in naive.phrase_hashes(text, SINGLE_LIST)]
    assert learn_chunk(ids, offsets, SINGLE, *scratch, bits) == sum(map(len, texts))
    known = naive.Filter(64, hashes)
    known.bits.add(3 * 8 + 4)
    assert bits.tolist() == known.bytes()


def filter_of(size: int, hashes: Sequence[int]) -> np.ndarray:
    bits = np.zeros(size, np.uint8)
    learn(bits, np.array(hashes, np.uint64), len(hashes))
    return bits


@given(
    st.lists(
        st.tuples(st.sampled_from([8, 16, 64, 256]), st.lists(st.integers(1, naive.MASK64), max_size=9)), max_size=4
    ),
    st.lists(st.integers(1, naive.MASK64), max_size=20),
)
def test_union_knows_what_any_filter_does_and_no_more_than_the_twin(
    parts: list[tuple[int, list[int]]], others: list[int]
) -> None:
    filters = [filter_of(*part) for part in parts]
    found = union(filters)
    assert not found.flags.writeable
    assert found.tolist() == (naive.union([naive.Filter(*part) for part in parts]).bytes() if parts else [0] * 8)
    assert found.tolist() == union(filters[::-1]).tolist()
    for h in [*others, *(h for _, hashes in parts for h in hashes)]:
        if any(knows(one, np.uint64(h)) for one in filters):
            assert knows(found, np.uint64(h))


def test_union_of_one_or_of_equal_sizes_adds_nothing() -> None:
    rng = random.Random(1)
    mine, other = ([rng.randrange(1, naive.MASK64) for _ in range(400)] for _ in range(2))
    size = filter_bytes(400)
    one, two = filter_of(size, mine), filter_of(size, other)
    assert union([one]).tolist() == one.tolist()
    assert union([one, two]).tolist() == filter_of(size, mine + other).tolist()


def test_union_of_a_small_and_a_large_filter_still_knows_few_others() -> None:
    """The answers of a small one are its own in a large one: as often wrong, not more often."""
    rng = random.Random(2)
    few, many, others = ([rng.randrange(1, naive.MASK64) for _ in range(n)] for n in (32, 4096, 20_000))
    found = union([filter_of(filter_bytes(32), few), filter_of(filter_bytes(4096), many)])
    assert all(knows(found, np.uint64(h)) for h in few + many)
    assert sum(bool(knows(found, np.uint64(h))) for h in others) < 0.09 * 20_000


# ---- end to end ------------------------------------------------------------------------------------------------------


class World(NamedTuple):
    """An index, texts of people that quote what two of its references quote, and a copy of a third."""

    index: Path
    quotes: list[str]
    quoting: list[str]
    copy: str
    folder: Path

    def human(self, name: str, texts: Sequence[str], **columns: str) -> Path:
        return write_jsonl(self.folder / name, [{"text": text, **columns} for text in texts])

    def background(self, *arguments: object) -> Result:
        return CliRunner().invoke(main, ["index", "background", str(self.index), *map(str, arguments)])

    def verdicts(self) -> list[str | None]:
        """The reference that each of the quoting documents and the copy match first."""
        documents, _ = scanned(Index(self.index), [*self.quoting, self.copy])
        return [d["top_ref"] for d in documents]


@pytest.fixture
def world(tmp_path: Path) -> World:
    rng = random.Random(3)
    quotes = [nonsense(rng, 40) for _ in range(2)]
    copied = nonsense(rng, 120)
    rows: list[Row] = [
        {"id": f"quotes {k}", "text": f"{nonsense(rng, 60)} {quote} {nonsense(rng, 60)}"}
        for k, quote in enumerate(quotes)
    ]
    rows += [{"id": "copied", "text": copied}, *({"text": nonsense(rng, 80)} for _ in range(5))]
    make_index(tmp_path / "index", rows)
    quoting = [f"{nonsense(rng, 50)} {quote} {nonsense(rng, 50)}" for quote in quotes]
    return World(tmp_path / "index", quotes, quoting, f"{nonsense(rng, 30)} {copied}", tmp_path)


compiled = pytest.mark.compiled


@compiled
def test_background_makes_a_quotation_no_evidence(world: World) -> None:
    """A human document and a reference quote the same text; the copy of a reference still matches, as before."""
    rng = random.Random(4)
    assert world.verdicts() == ["quotes 0", "quotes 1", "copied"]
    _, before = scanned(Index(world.index), [world.copy])
    source = world.human(
        "human.jsonl", [nonsense(rng, 100), f"{nonsense(rng, 70)} {world.quotes[0]} {nonsense(rng, 9)}"]
    )
    result = world.background(source)
    assert result.exit_code == 0
    assert "learnt from 2 documents" in result.output
    assert world.verdicts() == [None, "quotes 1", "copied"]
    _, after = scanned(Index(world.index), [world.copy])
    assert after == before


@compiled
def test_background_leaves_a_copy_that_also_quotes(world: World) -> None:
    """The whole of a reference is copied, quotation and all: what is its own is evidence enough."""
    whole = Index(world.index)
    source = world.human("human.jsonl", [world.quotes[0]])
    rng = random.Random(3)
    quote = nonsense(rng, 40)
    assert quote == world.quotes[0]
    texts = [f"{nonsense(random.Random(5), 60)} {quote} {nonsense(random.Random(6), 60)}"]
    index = make_index(world.folder / "other", [{"id": "all", "text": texts[0]}])
    ((free,), (hits,)) = scanned(index, texts)
    add_background([str(source)], index.path, BuildOptions(), never)
    ((row,), (less,)) = scanned(Index(index.path), texts)
    assert len(whole) == 8
    assert (row["top_ref"], row["verdict"]) == (free["top_ref"], "match")
    assert less[0]["kind"] == hits[0]["kind"] == "exact"
    assert less[0]["bits"] < hits[0]["bits"]


@compiled
@pytest.mark.parametrize(
    ("length", "whole"),
    [
        (40, False),
        (80, False),
        (400, False),
        (30, True),
        (80, True),
        (400, True),
    ],
)
def test_background_makes_a_text_of_any_length_no_evidence(tmp_path: Path, length: int, whole: bool) -> None:
    """What stands in it is never evidence, says the command: neither a quotation nor a whole document."""
    rng = random.Random(10)
    quote = nonsense(rng, length)
    around = ("", "") if whole else (nonsense(rng, 50), nonsense(rng, 50))
    index = make_index(tmp_path / "index", [{"text": quote}, {"text": nonsense(rng, 99)}])
    document = f"{around[0]} {quote} {around[1]}"
    assert scanned(index, [document])[0][0]["verdict"] == "match"
    add_background([str(write_jsonl(tmp_path / "human.jsonl", [{"text": quote}]))], index.path, BuildOptions(), never)
    assert scanned(Index(index.path), [document])[0][0]["verdict"] == "clean"


@compiled
def test_backgrounds_add_up(world: World) -> None:
    """A small one and a large one; the version tells that the index is another one each time."""
    rng = random.Random(7)
    versions = {read_manifest(world.index).version}
    assert world.background(world.human("a.jsonl", [world.quotes[0]])).exit_code == 0
    versions.add(read_manifest(world.index).version)
    assert world.verdicts() == [None, "quotes 1", "copied"]
    large = [nonsense(rng, 300) for _ in range(20)] + [world.quotes[1]]
    assert world.background(world.human("b.jsonl", large)).exit_code == 0
    versions.add(read_manifest(world.index).version)
    assert world.verdicts() == [None, None, "copied"]
    assert len(versions) == 3
    sizes = [b.file["bytes"] for b in read_manifest(world.index).background]
    assert sizes[0] < sizes[1]
    assert not list(Index(world.index).verify())


@compiled
def test_background_of_several_inputs_is_one(world: World) -> None:
    sources = [world.human(f"{k}.jsonl", [quote]) for k, quote in enumerate(world.quotes)]
    assert world.background(*sources).exit_code == 0
    assert world.verdicts() == [None, None, "copied"]
    (entry,) = read_manifest(world.index).background
    assert (entry.documents, entry.tokens) == (2, sum(len(folded(quote)) for quote in world.quotes))
    told = Index(world.index).info()["background"]
    assert told == [{"documents": 2, "tokens": entry.tokens, "bytes": entry.file["bytes"]}]


@compiled
def test_background_of_a_named_column(world: World) -> None:
    source = world.human("named.jsonl", ["nothing"], body=world.quotes[0])
    assert world.background(source, "--text", "body").exit_code == 0
    assert world.verdicts() == [None, "quotes 1", "copied"]


@compiled
def test_background_stays_when_references_are_added(world: World) -> None:
    assert world.background(world.human("a.jsonl", [world.quotes[0]])).exit_code == 0
    rng = random.Random(8)
    source = write_jsonl(world.folder / "more.jsonl", [{"text": f"{nonsense(rng, 60)} {world.quotes[0]}"}])
    add([str(source)], world.index, BuildOptions(), never)
    assert world.verdicts() == [None, "quotes 1", "copied"]
    assert not list(Index(world.index).verify())


@compiled
def test_background_keeps_hashes_only(world: World) -> None:
    assert world.background(world.human("a.jsonl", [world.quotes[0]])).exit_code == 0
    (path,) = (world.index / BACKGROUND).iterdir()
    bits = np.load(path)
    hashes = naive.phrase_hashes(folded(world.quotes[0]), SINGLE_LIST)
    assert bits.tolist() == naive.Filter(len(bits), hashes).bytes()


@compiled
def test_background_has_sixteen_bits_a_token(world: World) -> None:
    rng = random.Random(9)
    assert world.background(world.human("a.jsonl", [nonsense(rng, 400) for _ in range(20)])).exit_code == 0
    (entry,) = read_manifest(world.index).background
    assert 8 * np.load(world.index / BACKGROUND / entry.name).size >= 16 * entry.tokens


@compiled
def test_background_of_a_compressed_input_has_sixteen_bits_a_token(world: World) -> None:
    rng = random.Random(9)
    few = rng.sample(words(), 30)
    source = world.human("a.jsonl", [" ".join(rng.choice(few) for _ in range(400)) for _ in range(20)])
    packed = source.with_suffix(".jsonl.gz")
    packed.write_bytes(gzip.compress(source.read_bytes()))
    assert world.background(packed).exit_code == 0
    (entry,) = read_manifest(world.index).background
    assert 8 * np.load(world.index / BACKGROUND / entry.name).size >= 16 * entry.tokens


# ---- damage ----------------------------------------------------------------------------------------------------------


def filter_path(world: World) -> Path:
    assert world.background(world.human("a.jsonl", [world.quotes[0]])).exit_code == 0
    (entry,) = read_manifest(world.index).background
    return world.index / BACKGROUND / entry.name


@compiled
def test_verify_notices_a_flipped_byte_of_the_filter(world: World) -> None:
    path = filter_path(world)
    data = bytearray(path.read_bytes())
    assert CliRunner().invoke(main, ["index", "verify", str(world.index)]).exit_code == 0
    for at in (len(data) - 5, 130):
        broken = data.copy()
        broken[at] ^= 0x20
        path.write_bytes(broken)
        (sentence,) = Index(world.index).verify()
        assert str(path) in sentence
        result = CliRunner().invoke(main, ["index", "verify", str(world.index)])
        assert result.exit_code == 2
        assert str(path) in result.output


@compiled
@pytest.mark.parametrize("change", ["truncated", "longer", "empty", "gone"])
def test_scan_refuses_a_filter_of_another_size(world: World, change: str) -> None:
    path = filter_path(world)
    data = path.read_bytes()
    if change == "gone":
        path.unlink()
    else:
        path.write_bytes({"truncated": data[:-1], "longer": data + b"\0", "empty": b""}[change])
    with pytest.raises(IndexFormatError, match=path.name):
        world.verdicts()
    (sentence,) = Index(world.index).verify()
    assert path.name in sentence


@compiled
def test_filter_with_a_damaged_header_is_a_sentence(world: World) -> None:
    """Or a filter that the kernels can read, which verify tells from what it was."""
    path = filter_path(world)
    data = path.read_bytes()
    refused = 0
    for at in range(data.index(b"}") + 1):
        for bit in (0, 1, 2, 4):
            broken = bytearray(data)
            broken[at] ^= 1 << bit
            path.write_bytes(broken)
            assert len(list(Index(world.index).verify())) == 1
            try:
                found = Index(world.index).background
            except IndexFormatError as error:
                assert path.name in str(error)
                refused += 1
            else:
                assert (found.dtype, found.ndim) == (np.uint8, 1), (at, bit)
    assert refused > 100


@compiled
def test_filter_of_another_length_than_its_file_is_a_sentence(world: World) -> None:
    path = filter_path(world)
    assert world.background(world.human("b.jsonl", [world.quotes[1]])).exit_code == 0
    data = path.read_bytes()
    assert data.count(b"(256,)") == 1
    path.write_bytes(data.replace(b"(256,)", b"(246,)"))
    with pytest.raises(IndexFormatError, match=path.name):
        world.verdicts()


# ---- what cannot be read, and what fails -----------------------------------------------------------------------------


@compiled
def test_background_tells_what_cannot_be_read_and_learns_the_rest(world: World) -> None:
    good, bad = world.human("a.jsonl", [world.quotes[0]]), world.folder / "bad.parquet"
    bad.write_bytes(b"PAR1 is how a Parquet file begins")
    result = world.background(good, bad)
    assert result.exit_code == 3
    assert "bad.parquet" in result.output
    assert world.verdicts() == [None, "quotes 1", "copied"]


@compiled
def test_background_tells_of_records_that_cannot_be_read(world: World) -> None:
    source = world.folder / "mixed.jsonl"
    source.write_bytes(
        b'{"text": "\xff"}\n' + world.human("a.jsonl", [world.quotes[0]]).read_bytes() + b'{"text": 3}\n'
    )
    result = world.background(source)
    assert result.exit_code == 3
    assert "line 1" in result.output and "line 3" in result.output
    assert read_manifest(world.index).background[0].documents == 1
    assert world.verdicts() == [None, "quotes 1", "copied"]


@compiled
def test_background_prints_no_control_characters(world: World) -> None:
    bad = world.folder / "\abad.parquet"
    bad.write_bytes(b"PAR1 is how a Parquet file begins")
    result = world.background(world.human("a.jsonl", [world.quotes[0]]), bad)
    assert result.exit_code == 3
    assert "\a" not in result.output


def as_it_was(world: World, manifest: object) -> None:
    assert read_manifest(world.index) == manifest
    assert world.verdicts() == ["quotes 0", "quotes 1", "copied"]
    assert not list(Index(world.index).verify())


@compiled
@pytest.mark.parametrize("content", [b'{"text": null}\n{"text": 5}\n', b'{"text": "..."}\n'])
def test_background_of_nothing_leaves_the_index_as_it_was(world: World, content: bytes) -> None:
    manifest = read_manifest(world.index)
    bad = world.folder / "bad.jsonl"
    bad.write_bytes(content)
    rejected: list[Rejected] = []
    with pytest.raises(InputError, match="as it was"):
        add_background([str(bad)], world.index, BuildOptions(text="text"), rejected.append)
    assert world.background(bad, "--text", "text").exit_code == 2
    assert world.background(world.folder / "absent.jsonl").exit_code == 2
    as_it_was(world, manifest)


@compiled
def test_background_of_no_index(tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "a.jsonl", [{"text": "some words"}])
    (tmp_path / "thing").mkdir()
    result = CliRunner().invoke(main, ["index", "background", str(tmp_path / "thing"), str(source)])
    assert result.exit_code == 2
    assert "is not an index" in result.output


@compiled
@pytest.mark.parametrize("name", ["learn_batch", "file_entry", "sync_folder"])
def test_background_that_fails_leaves_the_index_as_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    manifest = read_manifest(world.index)
    source = world.human("a.jsonl", [world.quotes[0]])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(library, name, full)
        result = world.background(source)
    assert result.exit_code == 2
    assert "No space left on device" in result.output
    as_it_was(world, manifest)
    assert world.background(source).exit_code == 0
    assert world.verdicts() == [None, "quotes 1", "copied"]
    assert {p.name for p in (world.index / BACKGROUND).iterdir()} == {
        b.name for b in read_manifest(world.index).background
    }


@compiled
def test_background_while_another_writes_is_refused_and_changes_nothing(world: World) -> None:
    manifest = read_manifest(world.index)
    source = world.human("a.jsonl", [world.quotes[0]])
    with locked(world.index), pytest.raises(IndexLocked):
        add_background([str(source)], world.index, BuildOptions(), never)
    as_it_was(world, manifest)


MOMENTS = {
    "texts learnt": "provscan.index.background:learn_batch-after",
    "filter written": "provscan.index.background:np.save-after",
    "before the manifest": "provscan.index.manifest:Manifest.write",
    "manifest not yet in place": "provscan.index.manifest:Path.replace",
    "manifest in place": "provscan.index.manifest:Path.replace-after",
}
KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from killed import arm
from provscan.index.background import add_background
from provscan.index.build import BuildOptions
arm(sys.argv[2], 1)
add_background([sys.argv[3]], Path(sys.argv[4]), BuildOptions(), print)
"""


@compiled
@pytest.mark.parametrize("moment", MOMENTS)
def test_background_killed_is_all_or_nothing(world: World, moment: str) -> None:
    """The index is as it was until the manifest is in place, and the next writer removes what is left."""
    manifest = read_manifest(world.index)
    source = world.human("a.jsonl", [world.quotes[0]])
    arguments = [str(Path(__file__).parent), MOMENTS[moment], str(source), str(world.index)]
    died = subprocess.run([sys.executable, "-c", KILLED, *arguments], capture_output=True, text=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    if moment == "manifest in place":
        assert world.verdicts() == [None, "quotes 1", "copied"]
        assert not list(Index(world.index).verify())
        return
    as_it_was(world, manifest)
    if moment != "texts learnt":
        assert list((world.index / BACKGROUND).iterdir()), "the case has something to clean"
    assert world.background(source).exit_code == 0
    assert world.verdicts() == [None, "quotes 1", "copied"]
    assert {p.name for p in (world.index / BACKGROUND).iterdir()} == {
        b.name for b in read_manifest(world.index).background
    }
    assert {p.name for p in world.index.iterdir()} == {"manifest.json", "lock", "segments", BACKGROUND}
