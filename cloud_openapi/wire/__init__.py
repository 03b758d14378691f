"""The CloudBase gateway's messages, values, multipart bodies and signature, for either side.

`messages` loads protobuf; nothing else here does.
"""
