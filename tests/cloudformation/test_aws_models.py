"""What botocore reads is what it would read by itself, only sooner."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from botocore.utils import parse_timestamp
from hypothesis import given
from hypothesis import strategies as st

from deploy_action.cloudformation import aws_models
from deploy_action.cloudformation.aws_credentials import renewing_session
from deploy_action.cloudformation.aws_models import time_of

TIMES = [
    "2027-01-15T08:00:00Z",
    "2027-01-15T08:00:00.1Z",
    "2027-01-15T08:00:00.123456789Z",
    "2027-01-15T08:00:00+02:00",
    "2027-01-15T08:00:00",
    "20270115T080000Z",
    "2027-01-15",
    "Fri, 15 Jan 2027 08:00:00 GMT",
    "1800000000",
    "1800000000.5",
    1_800_000_000,
    1_800_000_000.25,
]
NO_TIMES = ["", "soon", "2027-13-15T08:00:00Z", "2027-01-15T25:00:00Z", "2027-01-15T08:00:00ZZ", None]


@pytest.mark.parametrize("value", TIMES)
def test_a_time_is_read_as_botocore_reads_it(value: object) -> None:
    assert time_of(value) == parse_timestamp(value)
    assert (time_of(value).tzinfo is None) == (parse_timestamp(value).tzinfo is None)


@given(st.datetimes(min_value=datetime(1971, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_each_form_of_a_time_is_read_as_botocore_reads_it(time: datetime) -> None:
    text = time.isoformat().replace("+00:00", "Z")
    assert time_of(text) == parse_timestamp(text) == time
    assert time_of(format_datetime(time, usegmt=True)) == time.replace(microsecond=0)


@pytest.mark.parametrize("value", NO_TIMES)
def test_what_is_no_time_is_an_error_as_with_botocore(value: object) -> None:
    with pytest.raises(Exception) as expected:  # noqa: PT011 - whichever it is
        parse_timestamp(value)
    with pytest.raises(type(expected.value)):
        time_of(value)


def test_models_are_those_of_botocore() -> None:
    # Not the one of this process: botocore adds to what it has read of endpoints.
    ours, theirs = aws_models._loader.__wrapped__(""), Loader()
    for service in ("cloudformation", "sts"):
        for kind in ("service-2", "paginators-1", "waiters-2", "endpoint-rule-set-1"):
            if service in theirs.list_available_services(kind):
                assert ours.load_service_model(service, kind) == theirs.load_service_model(service, kind)
    assert ours.load_data("endpoints") == theirs.load_data("endpoints")
    assert set(theirs.list_available_services("service-2")) <= set(ours.list_available_services("service-2"))
    with pytest.raises(UnknownServiceError):
        ours.load_service_model("cloudfromation", "service-2")


def test_what_one_session_has_read_serves_the_next() -> None:
    one, other = (renewing_session(lambda: 0.0)._session.get_component("data_loader") for _ in range(2))
    assert one.load_service_model("sts", "service-2") is other.load_service_model("sts", "service-2")


def test_models_of_the_user_are_found(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("models") / "own" / "2026-01-01"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text('{"metadata": {"serviceId": "Own"}}')
    monkeypatch.setenv("AWS_DATA_PATH", str(folder.parents[1]))
    loader = renewing_session(lambda: 0.0)._session.get_component("data_loader")
    assert loader.load_service_model("own", "service-2") == {"metadata": {"serviceId": "Own"}}
