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


def index_file(path: pathlib.Path, widened: bool = False) -> bytes:
    """As fuzz_vector_index reads it: the header without sizes and checksums in a line, the tensors one after another."""
    content = path.read_bytes()
    end = 8 + struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:end])
    metadata = {key: value for key, value in header.pop("__metadata__").items() if "xxh3" not in key and key != "program"}
    tensors, data = [], b""
    for name, tensor in header.items():
        begin, past = tensor["data_offsets"]
        shape, part = tensor["shape"], content[end + begin : end + past]
        if widened and name == "links":  # so many that some are dropped, and that sorting them is a matter of its own
            shape, metadata["degree"] = [shape[0], 32], "32"
            part = b"".join(struct.pack("<32I", *((slot + 3 * i + 1) % shape[0] for i in range(32))) for slot in range(shape[0]))
        tensors.append([name, tensor["dtype"], shape])
        data += part
    line = {"metadata": metadata, "tensors": tensors} | ({"codebook": 4} if path.stem == "codebook" else {})
    return json.dumps(line, separators=(",", ":")).encode() + b"\n" + data


for file in (pathlib.Path(__file__).parent.parent / "data/indexes").glob("*/*"):
    if file.suffix in (".index", ".safetensors"):
        seed("vector_index", file.stem, index_file(file))
    if file.suffix == ".index" and file.stem.startswith("graph"):
        seed("vector_index", f"{file.stem}_widened", index_file(file, widened=True))

# Requests to a collection "c" of three points with two numbers each, also called "d".
where = '"filter":' + filters
wide = ",".join('{"id":%d,"vector":[%s]}' % (n, ",".join(str((n * i) % 7) for i in range(1, 65))) for n in range(1, 41))  # so many are indexed
for i, requests in enumerate([
    'GET /collections', 'GET /collections/c', 'GET /collections/d/exists', 'GET /collections/c/aliases', 'GET /aliases', 'GET /readyz',
    'PUT /collections/e {"vectors":{"size":3,"distance":"Cosine","on_disk":true},"hnsw_config":{"m":8,"ef_construct":20},"optimizers_config":{"indexing_threshold":1},"table_points":16,"most_points":100}\nreopen\nPATCH /collections/e {"hnsw_config":{"m":4}}\nDELETE /collections/e',
    'PUT /collections/e {"vectors":{"size":2,"distance":"Dot"},"index_config":{"index":"ivf","codes":"rabitq2","lists":2,"seed":3},"table_points":16}\nPUT /collections/e/points {"batch":{"ids":[1,2],"vectors":[[1,2],[3,4]],"payloads":[{"a":1},null]}}',
    *('PUT /collections/e {"vectors":{"size":64,"distance":"Cosine"},"index_config":{"index":"%s"},"optimizers_config":{"indexing_threshold":1},"table_points":16}\nPUT /collections/e/points {"points":[%s]}\nPOST /collections/e/points/query {"query":5,"limit":20}\nreopen\nPOST /collections/e/points/delete {"points":[1,2,3,4,5,6,7]}\nPOST /collections/e/points/query {"query":9,"limit":20}' % (index, wide) for index in ("graph", "ivf")),
    'PUT /collections/e {"vectors":{"size":2,"distance":"Dot"},"shards":[{"address":"127.0.0.1:1"}]}',
    'PATCH /collections/c {"optimizers_config":{"indexing_threshold":1,"deleted_threshold":0.2}}\nPUT /collections/c/points?wait=true {"points":[%s]}\nPOST /collections/c/points/search {"vector":[1,2]}\nreopen'
    % ",".join('{"id":%d,"vector":[%d,%d]}' % (n, n % 7, n % 5) for n in range(3, 40)),
    'POST /collections/aliases {"actions":[{"create_alias":{"collection_name":"c","alias_name":"f"}},{"rename_alias":{"old_alias_name":"f","new_alias_name":"g"}},{"delete_alias":{"alias_name":"d"}}]}',
    'PUT /collections/c/index {"field_name":"a","field_schema":"keyword"}\nDELETE /collections/c/index/a',
    'PUT /collections/c/points {"points":[{"id":7,"vector":[1,2.5],"payload":{"a":null}},{"id":1,"vector":[0,1e3]}]}\nreopen',
    'POST /collections/c/points {"ids":[1,"00000000-0000-4000-8000-000000000010"],"with_payload":["a","c.d[].e"],"with_vector":true}',
    'GET /collections/c/points/1', 'POST /collections/c/points/delete {"points":[1,9]}\nreopen', 'POST /collections/c/points/delete {%s}' % where,
    'PUT /collections/c/points/vectors {"points":[{"id":2,"vector":[3,4]}]}',
    'POST /collections/c/points/payload {"payload":{"z":1},"points":[1],"key":"c.d"}\nreopen', 'PUT /collections/c/points/payload {"payload":{"z":[1]},%s}' % where,
    'POST /collections/c/points/payload/delete {"keys":["a","c.d[].e"],"points":[1,2]}', 'POST /collections/c/points/payload/clear {"points":[1]}',
    'POST /collections/c/points/batch {"operations":[{"upsert":{"points":[{"id":5,"vector":[1,1]}]}},{"set_payload":{"payload":{"q":1},"points":[5]}},{"delete":{"points":[1]}},{"update_vectors":{"points":[{"id":5,"vector":[2,1]}]}},{"delete_payload":{"keys":["q"],"points":[5]}},{"clear_payload":{"points":[5]}},{"overwrite_payload":{"payload":{},"points":[5]}}]}\nreopen',
    'POST /collections/c/points/scroll {"limit":2,"offset":2,"with_payload":{"exclude":["a"]},%s}' % where, 'POST /collections/c/points/count {"exact":true,%s}' % where,
    'POST /collections/c/facet {"key":"a","limit":5,"exact":true}',
    'POST /collections/c/points/search?timeout=5 {"vector":[1,0],"limit":3,"offset":1,"score_threshold":9,"params":{"hnsw_ef":20,"exact":true},"with_payload":true,"with_vector":true,%s}' % where,
    'POST /collections/c/points/search/batch {"searches":[{"vector":[1,0],"limit":1},{"vector":[0,1],"limit":2}]}',
    'POST /collections/c/points/search/groups {"vector":[1,0],"limit":2,"group_by":"a","group_size":2}',
    'POST /collections/c/points/recommend {"positive":[1],"negative":[2,[0.5,1]],"strategy":"best_score","limit":2}',
    'POST /collections/c/points/recommend/batch {"searches":[{"positive":[1],"limit":1,"strategy":"average_vector"}]}',
    'POST /collections/c/points/recommend/groups {"positive":[1],"limit":1,"group_by":"a"}',
    'POST /collections/c/points/query {"query":{"recommend":{"positive":[1],"negative":[[1,1]],"strategy":"sum_scores"}},"limit":2}',
    'POST /collections/c/points/query {"query":[1,0],"params":{"quantization":{"rescore":true,"oversampling":2.0}}}', 'POST /collections/c/points/query {"query":{"nearest":1}}',
    'POST /collections/c/points/query/batch {"searches":[{"query":1},{"query":[0,1]},{}]}',
    'POST /collections/c/points/query/groups {"query":[1,0],"group_by":"c.d[].e","limit":1}',
    'POST /collections/c/snapshots\nGET /collections/c/snapshots\nGET /collections/c/snapshots/x\nDELETE /collections/c/snapshots/x',
    'PUT /collections/c/snapshots/recover {"location":"file:///x","priority":"snapshot"}', 'GET /cluster\nGET /snapshots\nDELETE /collections/c\nreopen']):
    seed("vector_service", str(i), requests)
