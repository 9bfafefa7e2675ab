"""Timestamps: what forms they have, and that the past is taken as it is."""

import datetime

import pytest

UTC = datetime.timezone.utc
NOON = "2024-02-29T12:30:00.000000Z"


@pytest.mark.parametrize(
    "given,stored",
    [
        (datetime.datetime(2024, 2, 29, 12, 30, tzinfo=UTC), NOON),
        (datetime.datetime(2024, 2, 29, 14, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=2))), NOON),
        (datetime.datetime(2024, 2, 29, 12, 30), NOON),
        (datetime.date(2024, 2, 29), "2024-02-29T00:00:00.000000Z"),
        ("2024-02-29T12:30:00Z", NOON),
        ("2024-02-29T14:30:00+02:00", NOON),
        ("2024-02-29T12:30:00", NOON),
        ("2024-02-29 12:30:00", NOON),
        (1709209800, NOON),
        (1709209800.5, "2024-02-29T12:30:00.500000Z"),
        ("1709209800", NOON),
        (1709209800_000, NOON),
        (1709209800_000_000, NOON),
        (1709209800_000_000_000, NOON),
        (0, "1970-01-01T00:00:00.000000Z"),
        (datetime.datetime(1950, 1, 1, tzinfo=UTC), "1950-01-01T00:00:00.000000Z"),
    ],
    ids=str,
)
def test_a_time_may_be_given_in_many_forms(logger, rows, given, stored):
    logger.log_llm_call(model="m", timestamp=given)
    assert rows("llm_calls")[0]["timestamp"] == stored


def test_months_of_the_past_are_filled_in(logger, rows):
    start = datetime.datetime(2025, 1, 1, tzinfo=UTC)
    for day in range(180):
        logger.log_llm_call(model="m", timestamp=start + datetime.timedelta(days=day), latency_ms=10)
    found = [row["timestamp"][:10] for row in rows("llm_calls")]
    assert found == [str((start + datetime.timedelta(days=day)).date()) for day in range(180)]
