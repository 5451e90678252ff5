"""A door that closes: who was let in is waited for, and who still comes is told."""

import asyncio

from madeira.app.api.door import DRAIN_CHECK_S, QUIET_CHECKS, Door


def test_draining_lasts_as_long_as_somebody_comes_to_be_told() -> None:
    async def work() -> None:
        door = Door(5)
        draining = asyncio.create_task(door.drain(300, lambda: False))
        for _ in range(3 * QUIET_CHECKS):
            door.refused += 1
            await asyncio.sleep(DRAIN_CHECK_S)
            assert not draining.done()
        await draining
        assert door.refusal() is not None

    asyncio.run(work())


def test_draining_waits_for_who_was_let_in_and_not_longer_than_it_may() -> None:
    async def work() -> None:
        door = Door(5)
        door.enter()
        draining = asyncio.create_task(door.drain(300, lambda: False))
        await asyncio.sleep(3 * QUIET_CHECKS * DRAIN_CHECK_S)
        assert not draining.done()
        door.leave()
        await draining
        door.enter()
        await door.drain(0.05, lambda: False)
        await door.drain(300, lambda: True)

    asyncio.run(work())
