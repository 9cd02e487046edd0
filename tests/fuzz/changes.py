"""Changes of a file: some bytes, a length, a field of its metadata, with or without checksums."""

import json
import random
import struct
import zlib

INTERESTING = [0, 1, 2, 7, 8, 127, 128, 255, 256, 2**15 - 1, 2**15, 2**16 - 1, 2**31 - 1, 2**32 - 1]
VALUES = [
    None,
    True,
    -1,
    0,
    1.5,
    2**63,
    1e308,
    "",
    "x" * 300,
    "NaN",
    [],
    {},
    [[[]]],
    [None],
    "../a",
]


def change_bytes(rng: random.Random, data: bytes) -> bytes:
    """Change a few bytes, or cut, double, insert and remove some."""
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 4, 16])):
        at = rng.randrange(len(changed) + 1)
        # Headers decide most, and are at the start.
        at = min(at, rng.randrange(400)) if rng.random() < 0.4 else at
        length = min(rng.choice([1, 2, 4, 8, 64, 1000]), len(changed) - at)
        kind = rng.randrange(8)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and at < len(changed):
            changed[at] = rng.randrange(256)
        elif kind == 2:
            width = rng.choice([1, 2, 4, 8])
            number = rng.choice(INTERESTING) % 256**width
            changed[at : at + width] = number.to_bytes(width, rng.choice(["little", "big"]))
        elif kind == 3:
            del changed[at : at + length]
        elif kind == 4:
            changed[at:at] = changed[at : at + length]
        elif kind == 5:
            changed[at:at] = rng.randbytes(length)
        elif kind == 6:
            changed[at : at + length] = bytes(length)
        elif rng.random() < 0.3:
            del changed[at:]
    return bytes(changed)


def change_json(rng: random.Random, value):
    """Change something in nested lists and dicts."""
    if isinstance(value, (dict, list)) and value and rng.random() < 0.85:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = rng.choice(keys)
        changed = value.copy()
        kind = rng.random()
        if kind < 0.1:
            del changed[key]
        elif kind < 0.2 and isinstance(value, list):
            changed.append(value[key])
        elif kind < 0.2:
            changed[rng.choice(["", "new", f"{key}x"])] = value[key]
        else:
            changed[key] = change_json(rng, value[key])
        return changed
    if isinstance(value, str) and value and rng.random() < 0.4:
        at = rng.randrange(len(value))
        return value[:at] + chr(rng.choice([0, 34, 48, 92, 233, 0x1F600])) + value[at + 1 :]
    return rng.choice(VALUES)


def png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    chunks, at = [], 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4])
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return chunks


def png_file(chunks: list[tuple[bytes, bytes]]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def change_png(rng: random.Random, data: bytes) -> bytes:
    """Change a chunk, and let its checksum fit."""
    chunks = png_chunks(data)
    samples = b"".join(body for name, body in chunks if name == b"IDAT")
    chunks = [chunk for chunk in chunks if chunk[0] != b"IDAT"]
    chunks.insert(-1, (b"IDAT", samples))
    at = rng.randrange(len(chunks))
    name, body = chunks[at]
    kind = rng.random()
    if name == b"tEXt" and body.startswith(b"dkg\0") and rng.random() < 0.7:
        text = json.dumps(
            change_json(rng, json.loads(body[4:])), sort_keys=True, separators=(",", ":")
        )
        chunks[at] = (name, b"dkg\0" + text.encode())
    elif name == b"IDAT" and kind < 0.5:
        chunks[at] = (name, zlib.compress(change_bytes(rng, zlib.decompress(body)), 1))
    elif kind < 0.8:
        chunks[at] = (name, change_bytes(rng, body))
    elif kind < 0.9:
        chunks.insert(rng.randrange(len(chunks)), chunks[at])
    else:
        del chunks[at]
    return png_file(chunks)


def change_gzip(rng: random.Random, data: bytes) -> bytes:
    import gzip

    return gzip.compress(change_bytes(rng, gzip.decompress(data)), 1, mtime=0)


def change_deflated(rng: random.Random, data: bytes) -> bytes:
    """Change what is deflated in a DICOM file; others are changed as they are."""
    start = 144 + int.from_bytes(data[140:144], "little")
    try:
        inside = zlib.decompress(data[start:], -zlib.MAX_WBITS)
    except zlib.error:
        return change_bytes(rng, data)
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return data[:start] + deflate.compress(change_bytes(rng, inside)) + deflate.flush()


def change_safetensors(rng: random.Random, data: bytes) -> bytes:
    """Change the header, and let its length fit."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    about = header["__metadata__"]
    if rng.random() < 0.7:
        # The values are JSON in turn.
        key = rng.choice(list(about))
        about[key] = json.dumps(change_json(rng, json.loads(about[key])))
    else:
        header = change_json(rng, header)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


def change_record(rng: random.Random, data: bytes) -> bytes:
    return json.dumps(change_json(rng, json.loads(data))).encode()


def change_toml(rng: random.Random, data: bytes) -> bytes:
    """Change a line: its value, its key, or whether it is there."""
    lines = data.decode().splitlines()
    at = rng.randrange(len(lines))
    key, equals, _ = lines[at].partition(" = ")
    kind = rng.random()
    if kind < 0.6 and equals:
        lines[at] = f"{key} = {rng.choice(['1', '-1', 'nan', 'true', '[]', '{}', '1979-05-27'])}"
        if rng.random() < 0.3:
            lines[at] = f'{key} = "{rng.choice(["", "x", "../a", "generator.safetensors"])}"'
    elif kind < 0.75:
        lines[at] = lines[at].replace(rng.choice("e.t[]"), rng.choice("x.[]="), 1)
    elif kind < 0.9:
        del lines[at]
    else:
        lines.insert(at, rng.choice(lines))
    return "\n".join(lines).encode()
