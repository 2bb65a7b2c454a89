import subprocess, sys, re
from types import SimpleNamespace
import pytest


@pytest.fixture(scope="session")
def live_server():
    p = subprocess.Popen(
        [sys.executable, "-m", "service", "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    line = p.stdout.readline()
    yield SimpleNamespace(url=re.search(r"http://\S+", line)[0])
    p.terminate()
    p.wait()
