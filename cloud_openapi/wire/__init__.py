"""The CloudBase gateway's messages, multipart bodies and signature, for either side of the wire.

`messages` loads protobuf; nothing else here does.
"""
