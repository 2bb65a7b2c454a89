"""`gradserve datasets` against a running service: up, listed, shown, down again, deleted."""

import subprocess
import sys

from tests.commands.serving import ROOT, serving


def run(url, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "service", "datasets", *map(str, arguments), "--url", url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_file_goes_up_and_comes_down_the_same(tmp_path):
    path, bad, back = tmp_path / "people.csv", tmp_path / "bad.csv", tmp_path / "back.csv"
    path.write_text("a,b\n1,2\n3,4\n")
    bad.write_text("a\nx\n")
    with serving("--workers", "0") as served:
        url = f"http://127.0.0.1:{served.port}"
        code, told, _ = run(url, "upload", path)
        dataset_id = told.split()[0]
        listed = run(url, "list")[1]
        shown = run(url, "show", dataset_id)[1]
        downloaded = run(url, "download", dataset_id, "--out", back)[0]
        refused = run(url, "upload", bad)
        deleted = run(url, "delete", dataset_id)[0]
        gone = run(url, "show", dataset_id)

    assert (code, downloaded, deleted) == (0, 0, 0)
    assert listed == told == f"{dataset_id}  2 rows  2 columns  12 B  csv  'people.csv'\n"
    assert "'b'  float64  from 2 to 4" in shown
    assert back.read_bytes() == path.read_bytes()
    assert (refused[0], "row 1 (line 2), column 'a'" in refused[2]) == (2, True)
    assert (gone[0], "found no such dataset" in gone[2]) == (2, True)


def test_a_service_that_is_not_there_is_told(tmp_path):
    code, _, errors = run("http://127.0.0.1:9", "list")

    assert (code, "found no service (connection refused)" in errors) == (2, True)
