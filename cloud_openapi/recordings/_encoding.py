import zlib

from cloud_openapi.errors import RecordingError
from cloud_openapi.recordings._interaction import Headers, header

GZIP = b"\x1f\x8b"
"""The first two bytes of a gzip body."""
_OF_BODY = frozenset({"content-encoding", "content-length", "transfer-encoding"})


def decoded(body: bytes, headers: Headers) -> tuple[bytes, Headers]:
    """Decode a body by its Content-Encoding; return it with headers that fit it.

    VCR.py may have decoded a body and kept the header: such a body is returned unchanged. Raises
    RecordingError.
    """
    encoding = (header(headers, "content-encoding") or "").strip().lower()
    if not encoding or encoding == "identity" or not body:
        return body, headers
    if encoding in {"gzip", "x-gzip", "deflate"}:
        plain = _inflated(body, encoding)
    elif _is_text(body):
        plain = body
    else:
        raise RecordingError(
            f"headers.Content-Encoding: is {encoding}; only gzip and deflate are supported. VCR.py "
            "decodes other encodings with decode_compressed_response=True"
        )
    rest = {name: values for name, values in headers.items() if name.lower() not in _OF_BODY}
    return plain, {**rest, "Content-Length": [str(len(plain))]}


def _inflated(body: bytes, encoding: str) -> bytes:
    if "gzip" in encoding and not body.startswith(GZIP):
        return body
    # Servers send deflate with and without zlib's header.
    for bits in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):
        inflater = zlib.decompressobj(bits)
        try:
            plain = inflater.decompress(body) + inflater.flush()
        except zlib.error:
            continue
        if not inflater.eof:
            raise RecordingError(f"body: the {encoding} data end too early")
        return plain
    if _is_text(body):
        return body
    raise RecordingError(f"body: is not {encoding} data")


def _is_text(body: bytes) -> bool:
    return isinstance(text_of(body), str)


def text_of(body: bytes) -> str | bytes:
    """Return a body as a string, or unchanged if it is not UTF-8."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body
