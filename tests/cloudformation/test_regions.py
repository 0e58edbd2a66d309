"""Regions come from botocore's data, in the image too."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import botocore
import pytest

from deploy_action.cloudformation.regions import ISOLATED_PARTITIONS, console_host, partition_of, partitions
from deploy_action.cloudformation.stacks import console_url, parse_stack_ref
from deploy_action.preflight.template_values import known_values

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(botocore.__file__).parent / "data"
ROWS = json.loads((DATA / "partitions.json").read_text("utf-8"))["partitions"]
REGIONS = [(row["id"], region) for row in ROWS for region in row["regions"] if "global" not in region]


def test_every_region_of_botocore_is_one_in_its_partition() -> None:
    for name, region in REGIONS:
        found = partition_of(region)
        assert found is not None
        assert found.name == name
        assert parse_stack_ref(f"{region}/shop", "").region == region


def test_a_region_that_is_newer_than_the_data_belongs_to_the_partition_of_its_kind() -> None:
    newer = ("eu-west-9", "cn-south-1", "us-gov-north-1", "eusc-de-west-1")
    found = [partition_of(region) for region in newer]
    assert [one and one.name for one in found] == ["aws", "aws-cn", "aws-us-gov", "aws-eusc"]


@pytest.mark.parametrize(
    ("region", "meant"),
    [
        ("ue-west-1", "eu-west-1"),
        ("eu-west1", "eu-west-1"),
        ("EU-WEST-1", "eu-west-1"),
        ("aws-global", "eu-west-1"),
        ("eu-west-1\n", "eu-west-1"),
        ("nowhere", "eu-west-1"),
    ],
)
def test_what_is_no_region_is_refused_with_what_may_be_meant(region: str, meant: str) -> None:
    with pytest.raises(ValueError, match="is not a region") as refused:
        parse_stack_ref(f"{region}/shop", "")
    assert meant in str(refused.value)


def test_the_region_of_an_arn_is_looked_at_too() -> None:
    with pytest.raises(ValueError, match="is not a region"):
        parse_stack_ref("arn:aws:cloudformation:ue-west-1:123456789012:stack/shop/1", "")


@pytest.mark.parametrize(("name", "region"), REGIONS)
def test_only_an_isolated_partition_has_no_console(name: str, region: str) -> None:
    assert bool(console_host(name, region)) == (name not in ISOLATED_PARTITIONS)
    by_name = console_url(region, "shop")
    by_arn = console_url(region, f"arn:{name}:cloudformation:{region}:1:x")
    assert by_name.partition("/cloudformation")[0] == by_arn.partition("/cloudformation")[0]


def test_pseudo_parameters_are_those_of_the_partition() -> None:
    values = known_values(
        region="eusc-de-east-1", account="", stack="shop", declared=(), given={}, is_new=True
    )
    assert (values["AWS::Partition"], values["AWS::URLSuffix"]) == ("aws-eusc", "amazonaws.eu")


def test_the_home_of_a_partition_is_one_of_its_own_regions() -> None:
    assert all(partition.has(partition.home_region) for partition in partitions())


@pytest.mark.skipif(shutil.which("bash") is None, reason="the Dockerfile's shell")
def test_what_the_image_keeps_of_botocore_is_enough(tmp_path: Path) -> None:
    """The Dockerfile's own commands, on a tree with botocore's names."""
    data = tmp_path / "lib" / "python3.13" / "site-packages" / "botocore" / "data"
    for entry in DATA.iterdir():
        if entry.is_dir():
            (data / entry.name).mkdir(parents=True)
        else:
            shutil.copy(entry, data)
    (data.parent / "__init__.py").write_text("raise ImportError('nobody waits for an import')")
    (data.parents[1] / "boto3" / "data" / "ec2" / "2016-11-15").mkdir(parents=True)
    (data / "ec2" / "2016-11-15").mkdir()
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    pruning = next(line for line in dockerfile.splitlines() if line.startswith("RUN find /install"))
    commands = pruning.removeprefix("RUN ").replace("/install", str(tmp_path))
    subprocess.run(["bash", "-euo", "pipefail", "-c", commands], check=True)
    assert {"cloudformation", "sts"} <= {entry.name for entry in data.iterdir()}
    assert not (data / "sagemaker").exists()

    program = (
        "from deploy_action.cloudformation import regions; print(regions.partition_of('eusc-de-east-1').name)"
    )
    paths = f"import sys; sys.path[:0] = [{str(data.parents[1])!r}, {str(ROOT)!r}]; "
    told = subprocess.run(
        [sys.executable, "-I", "-S", "-c", paths + program], check=True, capture_output=True, text=True
    )
    assert told.stdout.strip() == "aws-eusc"
    assert 'partition_of("eu-central-1")' in dockerfile, "the build itself looks, too"
