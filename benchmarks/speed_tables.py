"""The tables of speed.py."""

from __future__ import annotations

from typing import Any

import tables
from endtoend import compared


def end_to_end(found: dict[str, Any]) -> None:
    """Print the table of scans and peers; adds the ratios to the scans."""
    whole = [s for s in found["scans"] if s["corpus"] == "corpus"]
    by = {(s["references"], s["workers"]): s for s in whole}
    base = compared([s["references"] for s in whole])
    rows: list[list[object]] = []
    for (count, workers), s in by.items():
        other = [p for p in found["peers"] if p["name"] == "datasketch" and p["references"] <= count][-1]
        s["times_datasketch"] = s["mb_s"] / other["query_mb_s"]
        s["times_one_worker"] = s["mb_s"] / by[count, 1]["mb_s"]
        s["times_slower"] = by[base, workers]["mb_s"] / s["mb_s"]
        name = f"provscan, {workers} worker{'s' * (workers > 1)}"
        rows.append([name, count, s["mb_s"], s["seconds"], s["cpu_s"] / s["seconds"], s["times_datasketch"]])
        rows[-1] += [s["times_one_worker"], s["times_slower"], s["peak"] / 1e6, s["matched"], s["hits"]]
    for p in found["peers"]:
        rows.append([p["name"], p["references"], p["query_mb_s"], *[None] * 5, p["peak"] / 1e6])
        rows[-1] += [p["documents_with_pairs"], p["pairs"]]
    rows.append(["pyarrow, reading only", None, found["read"], *[None] * 8])
    part = ", ".join(f"{p['name']} {p['query_megabytes']:.0f} MB" for p in found["peers"][:2])
    columns = ["", "references", "MB/s", "s", "CPU s/s", "x datasketch", "x 1 worker", f"slower than {base:,}"]
    tables.show(
        "End to end, from zstd Parquet to written results",
        [*columns, "peak MB", "documents", "pairs"],
        rows,
        f"provscan: {whole[0]['corpus_bytes'] / 1e6:.0f} MB, wall time of the command, start-up included; the fastest",
        "run after a warm-up. CPU s/s: seconds of processor time a second.",
        f"Peers: a part of the corpus, scaled by bytes ({part}); one thread, no start-up, references inserted before.",
        "They are compared at as many references, or at the most that they were given.",
        "Documents: those matched, and of the peers' part those with a candidate; pairs: hits, and candidates.",
    )


def indexes(found: dict[str, Any]) -> None:
    """Print the table of indexes."""
    rows: list[list[object]] = [
        [f"provscan, {i['references']:,}", i["text_bytes"] / 1e6, i["build_s"], i["text_bytes"] / i["build_s"] / 1e6]
        + [i["build_peak"] / 1e6, i["bytes"] / i["text_bytes"], i["open_ms"], i["first_batch_ms"], i["start_up_s"]]
        for i in found["indexes"]
    ]
    rows += [
        [f"{p['name']}, {p['references']:,}", None, None, p["insert_mb_s"], p["peak"] / 1e6, *[None] * 4]
        for p in found["peers"]
    ]
    columns = ["references", "text MB", "build s", "MB/s", "peak MB", "bytes/text byte", "open ms", "first batch ms"]
    tables.show(
        "Index",
        [*columns, "start-up s"],
        rows,
        "provscan builds with all cores and stores the texts too, whose bytes are not counted in bytes/text byte.",
        "Open: Index(path) in a new process, imports excluded; first batch: from there to the answer for one text,",
        "with the filter of seeds made and the kernels loaded: medians of five, the files being in the page cache.",
        "Start-up: `provscan scan` of a single document, from the command to its exit.",
    )


def memory(found: dict[str, Any]) -> None:
    """Print the table of peak memory by the size of the corpus."""
    base = compared([s["references"] for s in found["scans"]])
    some = [s for s in found["scans"] if s["references"] == base]
    some.sort(key=lambda s: (s["workers"], s["corpus_bytes"]))
    tables.show(
        f"Peak memory of a scan against {base:,} references",
        ["corpus", "workers", "MB of text", "resident MB", "of which its own MB"],
        [
            [
                s["corpus"],
                s["workers"],
                s["corpus_bytes"] / 1e6,
                s["peak"] / 1e6,
                s["anonymous"] and s["anonymous"] / 1e6,
            ]
            for s in some
        ],
        "Resident counts the pages of the mapped index that the scan touched, which the system may take back.",
    )
