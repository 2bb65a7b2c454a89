"""The battery of bad inputs: the cases of bad_inputs.json, by id."""

import json
from pathlib import Path

BATTERY = json.loads(Path(__file__).with_name("bad_inputs.json").read_text(encoding="utf-8"))
CASES = {case["id"]: case for case in BATTERY["cases"]}
