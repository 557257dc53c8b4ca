"""Gives a list of components (CycloneDX) the release's version and time, so that equal sources give equal bytes.

usage: sbom.py VERSION IN OUT
"""

import datetime
import json
import os
import sys


def main():
    version, source, target = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        sbom = json.load(file)
    moment = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    sbom["metadata"]["timestamp"] = moment.isoformat().replace("+00:00", "Z")
    # The tool reads the version from the checkout. A release is what its tag says.
    own = sbom["metadata"]["component"]
    before, own["version"] = own.get("version", ""), version
    text = json.dumps(sbom, indent=2, sort_keys=True, ensure_ascii=False)
    if before:
        text = text.replace(f"github.com/pebble/spacel@{before}", f"github.com/pebble/spacel@{version}")
    with open(target, "w", encoding="utf-8") as file:
        file.write(text + "\n")


if __name__ == "__main__":
    main()
