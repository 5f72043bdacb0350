#!/usr/bin/python3
"""embed.py INPUT OUTPUT: a text as a C string, `page_text`."""

import sys

with open(sys.argv[1], "rb") as file:
    data = file.read()
lines = [", ".join(map(str, data[i : i + 24])) for i in range(0, len(data), 24)]
with open(sys.argv[2], "w", encoding="ascii") as file:
    file.write('#include "agent/http/page.h"\n\nconst char page_text[] = {\n    ')
    file.write(",\n    ".join(lines) + ", 0};\n")
