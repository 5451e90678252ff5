"""Draining waits for the requests that were let in, and rejects those that still come."""

import asyncio

from madeira.app.http.limit import DRAIN_CHECK_S, QUIET_CHECKS, ConcurrencyLimit


def test_draining_lasts_as_long_as_requests_come_that_are_rejected() -> None:
    async def work() -> None:
        limit = ConcurrencyLimit(5)
        draining = asyncio.create_task(limit.drain(300, lambda: False))
        for _ in range(3 * QUIET_CHECKS):
            limit.rejected += 1
            await asyncio.sleep(DRAIN_CHECK_S)
            assert not draining.done()
        await draining
        assert limit.rejection() is not None

    asyncio.run(work())


def test_draining_waits_for_requests_in_flight_and_not_longer_than_it_may() -> None:
    async def work() -> None:
        limit = ConcurrencyLimit(5)
        limit.enter()
        draining = asyncio.create_task(limit.drain(300, lambda: False))
        await asyncio.sleep(3 * QUIET_CHECKS * DRAIN_CHECK_S)
        assert not draining.done()
        limit.leave()
        await draining
        limit.enter()
        await limit.drain(0.05, lambda: False)
        await limit.drain(300, lambda: True)

    asyncio.run(work())
