# SPDX-License-Identifier: Apache-2.0
"""JSON rows of benchmarks on standard input -> a table."""
import json
import sys


def text(v):
    return "-" if v is None else v if isinstance(v, str) else f"{v:.6g}"


for line in sys.stdin:
    r = json.loads(line)
    print(f"{r['name']:<52} {text(r['value']):>14} {r['unit']:<10} {text(r['target']):>14} {text(r['beside_value']):>14}  "
          f"{'yes' if r['met'] else 'NO'}  {r['beside'] or ''}")
