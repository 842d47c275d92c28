"""One module per provider: verify, translate, sign samples. Pure: bytes in, Delivery out; no I/O, no clock."""
