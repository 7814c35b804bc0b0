"""Every Arrow schema that provscan reads or writes.

Whatever reads or writes one of these tables takes the schema from here, so that a column is named and typed once.
Absent values are null, never 0 or the empty string.
"""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 1
"""Version of the output tables and of summary.json."""

METADATA_COLUMNS = ("model", "provider", "source", "created", "key", "project", "annotator", "prompt", "prompt_id")
"""Columns of an input that are taken as what they say; ``--meta NAME=COL`` maps others."""

REFERENCE_COLUMNS = ("model", "provider", "source", "created", "key", "project", "prompt_id")
"""The metadata columns that an index keeps for each reference."""

DOCUMENTS = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        ("id", pa.string()),
        ("lang", pa.string()),
        pa.field("tokens", pa.int32(), nullable=False),
        pa.field("verdict", pa.string(), nullable=False),
        ("coverage", pa.float32()),
        ("bits", pa.float32()),
        ("top_ref", pa.string()),
        ("top_model", pa.string()),
        ("style_score", pa.float32()),
        ("style_p", pa.float32()),
        ("reason", pa.string()),
    ]
)
"""documents-*.parquet: one row a document."""

SPAN = pa.struct(
    [
        pa.field("doc_start", pa.int32(), nullable=False),
        pa.field("doc_end", pa.int32(), nullable=False),
        pa.field("ref_start", pa.int32(), nullable=False),
        pa.field("ref_end", pa.int32(), nullable=False),
    ]
)
"""A run of shared text, in Unicode code points of the original texts, ends exclusive."""

HITS = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        ("id", pa.string()),
        pa.field("ref_id", pa.string(), nullable=False),
        ("ref_model", pa.string()),
        ("ref_provider", pa.string()),
        ("ref_source", pa.string()),
        pa.field("kind", pa.string(), nullable=False),
        ("jaccard", pa.float32()),
        ("doc_coverage", pa.float32()),
        ("ref_coverage", pa.float32()),
        ("bits", pa.float32()),
        ("masked_tokens", pa.int32()),
        ("spans", pa.list_(SPAN)),
    ]
)
"""hits-*.parquet: one row a document and reference."""

REFERENCES = pa.schema(
    [
        pa.field("ref_id", pa.string(), nullable=False),
        *((name, pa.string()) for name in REFERENCE_COLUMNS),
        pa.field("tokens", pa.int32(), nullable=False),
        pa.field("digest", pa.binary(16), nullable=False),
    ]
)
"""refs.parquet of an index segment: one row a reference; digest is the 16-byte BLAKE2b of its UTF-8 text."""

VERDICTS = ("match", "review", "clean", "abstain")
KINDS = ("exact", "near", "passage", "masked", "rewritten")
