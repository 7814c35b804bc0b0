"""Plain text for people: what was built, what an index holds, what a scan found."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provscan.index.manifest import Manifest
from provscan.report.visible import visible

TOP = 5


def size(n: float) -> str:
    """Bytes for people.

    >>> size(1_234_567)
    '1.2 MB'
    """
    for unit in ("B", "kB", "MB", "GB"):
        if n < 1000:
            return f"{n:.0f} {unit}" if unit == "B" else f"{n:.1f} {unit}"
        n /= 1000
    return f"{n:.1f} TB"


def percent(rate: Mapping[str, Any]) -> str:
    """A rate with its interval.

    >>> percent({"rate": 0.03, "low": 0.0103, "high": 0.0845})
    '3.00 % (95 %: 1.03 to 8.45)'
    """
    if rate["rate"] is None:
        return "-"
    return f"{rate['rate']:.2%} (95 %: {100 * rate['low']:.2f} to {100 * rate['high']:.2f})".replace("%", " %", 1)


def describe_build(folder: Path, manifest: Manifest) -> str:
    """One line on an index that was written."""
    text = sum(s.text_bytes for s in manifest.segments)
    own = sum(int(f["bytes"]) for s in manifest.segments for name, f in s.files.items() if name != "text.parquet")
    return (
        f"{folder}: {manifest.references:,} references, {size(text)} of text, {size(own)} of index"
        f" in {len(manifest.segments)} segment{'s' if len(manifest.segments) != 1 else ''}"
    )


def describe_index(info: Mapping[str, Any]) -> str:
    """What `Index.info` found, as a page."""
    lines = [
        f"{info['path']}  version {info['version']}",
        f"  references  {info['references']:,}",
        f"  tokens      {info['tokens']:,}",
        f"  text        {size(info['text_bytes'])}" + (", stored" if info["stores_text"] else ", not stored"),
        f"  index       {size(info['bytes'])} ({info['bytes_per_text_byte'] or 0:.2f} bytes a byte of text)",
        f"  seeds       of {info['parameters']['information']:.1f} bits,"
        f" 1 in {info['parameters']['word_scaled']} (1 in {info['parameters']['character_scaled']} for Chinese)",
        f"  segments    {len(info['segments'])}",
    ]
    if info["outgrown"]:
        lines.append("  The index has outgrown its seeds: scans still find the same, but slower. Build it anew.")
    for title in ("models", "providers", "months"):
        counts = info[title]
        lines.append(f"  {title}")
        lines += [f"    {n:>10,}  {name}" for name, n in list(counts.items())[:20]]
        if len(counts) > 20:
            lines.append(f"    and {len(counts) - 20} more (--json lists all)")
    return "\n".join(visible(line) for line in lines)


def describe_scan(summary: Mapping[str, Any], out: Path) -> str:
    """What a scan found, as a page."""
    verdicts = summary["verdicts"]
    rate = summary["text_bytes"] / 1e6 / max(summary["seconds"], 1e-9)
    lines = [
        "",
        f"{summary['documents']:,} documents, {size(summary['text_bytes'])} of text in {summary['seconds']:.1f} s"
        f" ({rate:.0f} MB/s), against {summary['index']['references']:,} references",
        "",
        f"  match    {verdicts['match']:>10,}   {percent(summary['match_rate'])}",
    ]
    lines += [f"  {v:<8} {verdicts[v]:>10,}" for v in ("review", "clean", "abstain") if verdicts[v] or v == "clean"]
    if summary["models"]:
        lines += ["", "Models whose output was found"]
        lines += [f"  {n:>10,}   {name}" for name, n in list(summary["models"].items())[:TOP]]
    shards = [s for s in summary["shards"] if s["verdicts"].get("match")]
    shards.sort(key=lambda s: (-s["match_rate"]["rate"], s["path"]))
    if shards:
        lines += ["", "Files with the highest rates"]
        lines += [
            f"  {s['verdicts']['match']:>10,}   of {s['documents']:,}   {percent(s['match_rate'])}   {s['path']}"
            for s in shards[:TOP]
        ]
    if summary["strongest"]:
        lines += ["", "Strongest hits"]
    for s in summary["strongest"]:
        name = s["id"] or f"{s['path']}:{s['row']}"
        who = s["ref_model"] or "model unknown"
        lines.append(f"  {s['bits']:,.0f} bits   {name} has text of {s['ref_id']} ({who})")
        shown = textwrap.shorten(s["text"], 200, placeholder=" …")
        lines += textwrap.wrap(shown, 100, initial_indent="      ", subsequent_indent="      ")
    lines += ["", f"Results in {out}. A hit is evidence of shared text, not of who wrote it first: look at it with"]
    example = summary["strongest"][0] if summary["strongest"] else None
    document = (example["id"] or f"{example['path']}:{example['row']}") if example else "DOCUMENT"
    lines.append(f"  provscan explain {out} {document}")
    return "\n".join(visible(line) for line in lines)
