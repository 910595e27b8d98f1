"""The examples of the simulators' README are tried, every one."""

import os
import re
import shutil
import subprocess

import pytest

from tests.simulators.conftest import ROOT, Simulator

BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "simulators/README.md").read_text(), re.DOTALL)
EXAMPLES = [
    example for block in BLOCKS for example in re.findall(r"^curl .*?(?<!\\)$", block, re.DOTALL | re.MULTILINE)
]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed: the README's examples were NOT tried")
@pytest.mark.parametrize("example", EXAMPLES)
def test_the_example_works(example: str, payments: Simulator, finance: Simulator, unicorns: Simulator) -> None:
    addresses = {"PAYMENTS": payments.url, "FINANCE": finance.url, "UNICORNS": unicorns.url}
    command = example.replace("curl -s ", "curl -sS --fail-with-body --max-time 5 ")
    done = subprocess.run(
        ["bash", "-c", command],
        env={**os.environ, **addresses},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_examples_are_found() -> None:
    assert len(EXAMPLES) == sum(block.count("curl ") for block in BLOCKS) >= 11
