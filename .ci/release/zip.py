"""Makes a zip archive of a directory, with the time of SOURCE_DATE_EPOCH and names in order, so that equal files give equal bytes.

usage: zip.py ROOT NAME ARCHIVE
"""

import os
import pathlib
import sys
import time
import zipfile


def main():
    root, name, archive = sys.argv[1:]
    # A zip archive knows no time before 1980.
    moment = time.gmtime(max(int(os.environ["SOURCE_DATE_EPOCH"]), 315532800))[:6]
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for path in sorted(pathlib.Path(root, name).rglob("*")):
            if path.is_dir():
                continue
            entry = zipfile.ZipInfo(path.relative_to(root).as_posix(), moment)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, on every machine
            entry.external_attr = (0o100755 if path.suffix == ".exe" else 0o100644) << 16
            out.writestr(entry, path.read_bytes())


if __name__ == "__main__":
    main()
