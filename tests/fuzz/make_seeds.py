#!/usr/bin/env python3
"""Writes inputs to begin from: make_seeds.py FOLDER makes FOLDER/TARGET/… for every fuzz target."""

import base64
import gzip
import json
import pathlib
import struct
import sys
import zlib

root = pathlib.Path(sys.argv[1])


def seed(target: str, name: str, content: bytes | str) -> None:
    folder = root / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


log = 'user,item,time,watched_ms,kind\nann,x,2024-05-01T10:00:00Z,3500,watch\nbob,"y ""z"", two\nlines",1714557600,,like\n'
rows = '{"user":"ann","item":"x","time":1714557600,"tags":["a b","c"]}\n{"video_id":7,"user":null,"portion":0.5}\n'
# The first byte: 0 CSV, 1 TSV, 2 JSON lines; plus 4: no header (of 3 formats: the remainder by 3 counts).
seed("records", "csv", "\x00" + log)
seed("records", "csv_bom", b"\x00\xef\xbb\xbf" + log.replace("\n", "\r\n").encode())
seed("records", "csv_semicolon", "\x00id;title;hashtags;file\n1;Caf\u00e9;#cat #dog;a.mp4\n")
seed("records", "csv_gzip", b"\x00" + gzip.compress(log.encode(), mtime=0))
seed("records", "tsv", "\x01" + log.replace(",", "\t"))
seed("records", "tsv_bare", "\x04" + "196\t1\t5\t881250949\n")
seed("records", "jsonl", "\x02" + rows)
for i, text in enumerate(["2024-02-29T10:20:30.5+08:00", "1714557600", "1714557600123", "1e9", "-0.5", "#cat #red_panda",
                          "Film Noir|Sci-Fi", "cat, red panda", "caf\u00e9 \u732b \U0001f600"]):
    seed("values", str(i), text)


def npy(kind: str, shape: tuple, data: bytes, version: int = 1) -> bytes:
    head = str({"descr": kind, "fortran_order": False, "shape": shape}).encode()
    head += b" " * (63 - (10 + len(head)) % 64) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(head)) + head + data


seed("npy", "f4", npy("<f4", (2, 3), struct.pack("<6f", 1, 2, 3, 4, 5, 6)))
seed("npy", "f2", npy("<f2", (1, 2), struct.pack("<2e", 1, 2)))
seed("npy", "i8", npy("<i8", (2, 1), struct.pack("<2q", 1, -2), 2))
seed("npy", "gzip", gzip.compress(npy("|u1", (1, 4), b"abcd"), mtime=0))
seed("graph", "edges", "0\t1\n1\t2\t0.5\n5\t5\nx\t1\n")
seed("graph", "ids", "QuRYeRnAuXM\n3TYqkBJ9YRk\n")

header = json.dumps({"__metadata__": {"kind": "features", "format": "1"},
                     "features": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
                     "present": {"dtype": "U8", "shape": [2, 1], "data_offsets": [16, 18]}}).encode()
seed("tensor_file", "features", struct.pack("<Q", len(header)) + header + struct.pack("<4f", 1, 2, 3, 4) + b"\x01\x00")
table = struct.pack("<6f", 1, 2, 3, 4, 5, 6)
rows = b"".join(struct.pack("<i", 3) + table[i : i + 12] for i in (0, 12))
# The first byte: 0 npy, 1 fvecs, 2 bvecs, 3 safetensors.
seed("vector_files", "npy", b"\x00" + npy("<f4", (2, 3), table))
seed("vector_files", "fvecs", b"\x01" + rows)
seed("vector_files", "bvecs", b"\x02" + b"".join(struct.pack("<i3B", 3, i, 2, 3) for i in (1, 9)))
header = json.dumps({"vectors": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}).encode()
seed("vector_files", "safetensors", b"\x03" + struct.pack("<Q", len(header)) + header + table)
# Dataset "train" of 6 rows and 4 columns, as libhdf5 writes it: big-endian doubles; chunks of two rows, deflated.
seed("vector_hdf5", "train", zlib.decompress(base64.b64decode(
    "eNrr9HBx4+WS4mIAAQ4OBhYGAQZk8B8KDnCg8mHyCVCaEUp3QOkVTDBxRrCcBFRcEGo+urqQIFdXkOr/aABmjwELhOZgGAUjEXi4"
    "OgaA6AgoH5ZKTzChqispSszMQ0qPHhTay8jABjGLEcbXgNBMEAE2qDpo8sTgMwNTPkiloKI9NO06MJhwM5j8Z4bIswJFQfJMTBAD"
    "OaA5hZkRltQPoLhHCCoMUhx8iD2bgSGDrvEQ7OfvAsrRsHyowDyaNkfBKBjqwP4DA7R0gtLQDO4ALWgdRKA0tCJ3kIHSClBaCUqr"
    "QGk1KK0BpbWgtA6U1oPSBlDaEEobQWljKG0CpU2htBmUNofQAM8NPGs=")))
seed("vector_hdf5", "chunked", zlib.decompress(base64.b64decode(
    "eNrr9HBx4+WS4mIAAQ4OBhYGAQZk8B8KuAVQ+TD5BCjNCKU7oPQKJpg4I1hOAiouCDUfXV1IkKsrSPV/NACzx4AFQnMwjIKRCDxc"
    "HQNAdASUD0ulJ5hQ1ZUUJWbmIaVHDwrtZWRgh5jFCONrQGgmiAAbVB00eWLwmYEpH6RSUEEeKqbAIM7BIF4PlWcFpmiQPBMzxEBu"
    "oDyIwQi3jwOcg1JS03ISS1Lh5nNAcxQzE3MFK0SICWot2BohaE4BGRN8iD2bgcGBKvEQ7Ofvwgh2FQQoMI+mTXIAqLxjBKYO9PJO"
    "loC+DfwQWp4BEenYwFk0dSw41L3hR+Wjp1+W0agaBaNgFIyCUTAKRsEoGFBQMSc5gaGRrVrhIYOLwx2GI9wNPxgE7AsYGKyPszqA"
    "JBMKUhIEGJJYFcwYktgV+BgesSjoFbAwGEgwnwRJZwClXzA84nSwYe4QZ/jIpXCP4Yi1DGN6BNtLAEq8Y+k=")))
seed("points", "number", '{"id":7,"vector":[1,2.5],"payload":{"a":{"b":[1,"x",null]},"when":"2024-05-01"}}\n{"must":[{"key":"a.b","match":{"any":["x",1]}}]}')
seed("points", "uuid", '{"id":"550e8400-e29b-41d4-a716-446655440000","vector":[]}\n{"min_should":{"conditions":[{"has_id":[7]},{"is_empty":{"key":"a[].b"}}],"min_count":1}}')
seed("points", "range", '{"id":1,"vector":[0],"payload":{"n":5}}\n{"must_not":{"key":"n","range":{"gte":1,"lt":"2024-05-01"}},"should":[{"key":"n","values_count":{"gt":0}}]}')

seed("worker_result", "changes", bytes([0, 0, 1, 5, 0, 7, 20, 0, 255]))
seed("json_body", "feedback", '[{"FeedbackType":"watch","UserId":"u","ItemId":"v","Timestamp":"2024-05-01T10:00:00Z","Value":0.5}]')
seed("json_body", "item", '{"ItemId":"v","IsHidden":false,"Categories":["a"],"Labels":{"x":1},"Comment":"t"}')
seed("json_body", "target", "/api/item-to-item/a%20b?n=10&offset=%31")

filters = '{"must":[{"key":"a","match":{"any":[1,"x"]}},{"key":"b.c","range":{"gte":1,"lt":5}}],"must_not":[{"has_id":[1]}],"should":[{"is_empty":{"key":"d"}}]}'
for i, body in enumerate(['{"vector":[1,0],"limit":3,"exact":true,"key":"a","ids":[1,"00000000-0000-4000-8000-000000000010"],"filter":%s}' % filters,
                          '{"filter":{"must":[{"key":"a","match":{"text":"x"}},{"key":"a","range":{"gte":"2024-01-01"}}]}}',
                          '{"filter":{"must_not":[{"key":"b[].c","match":{"except":[1]}},{"is_null":{"key":"d"}}]}}',
                          '{"filter":{"min_should":{"conditions":[{"key":"a","values_count":{"gt":1}}],"min_count":1}}}']):
    seed("vector_bodies", str(i), body)
for files in (pathlib.Path(__file__).parent.parent / "data/collections").iterdir():
    for kind, pattern in [(0, "segment-*.safetensors"), (1, "manifest.safetensors"), (2, "records.sqlite")]:
        for file in files.glob(pattern):
            seed("collection_files", f"{files.name}_{file.name}", bytes([kind]) + file.read_bytes())
for count in (2, 130):  # of format 1, of format 2
    seed("collection_files", f"tensors_{count}", bytes([3, count, 0, 0, 1, 0, 0, 2, 1, 1, 2, 4, 1, 3, 1, 2, 0, 1, 0]) + b"{}{}")
