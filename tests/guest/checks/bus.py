"""The glowing sonar on an I2C bus, through the calls that the kernel's i2c-dev has."""

import time

from guest import NO_DISTANCE, Bus, Watch, expect, wait_ready


def good(verdict):
    return verdict["sonar"] >= 0


def faulty(verdict):
    return verdict["sonar"] == NO_DISTANCE


def fails_and_recovers(**behaviour):
    wait_ready()
    with Watch() as watch:
        watch.wait(good, "a distance")
        try:
            Bus.set(**behaviour)
            watch.wait(faulty, "a fault")
            # The loop does not wait for it.
            tick, begun = watch.verdict()["tick"], time.monotonic()
            time.sleep(1)
            ticks = (watch.wait(faulty, "still a fault")["tick"] - tick) / (time.monotonic() - begun)
            expect(ticks > 50, f"{ticks:.0f} ticks a second")
        finally:
            Bus.set()
        watch.wait(good, "a distance again")


def i2c_sonar_tells_the_distance():
    wait_ready()
    with Watch() as watch:
        for mm in (700, 2500):
            Bus.set(mm=mm)
            watch.wait(lambda verdict: mm <= verdict["sonar"] < mm + 10, f"{mm} mm")
    Bus.set()


def i2c_sonar_is_asked_again_while_it_measures():
    """35 ms are longer than the first wait and shorter than four of them."""
    wait_ready()
    try:
        with Watch() as watch:
            Bus.set(measure_ms=35, mm=900)
            watch.wait(lambda verdict: 900 <= verdict["sonar"] < 910, "900 mm")
    finally:
        Bus.set()


def i2c_sonar_that_never_ends_measuring_is_a_fault_and_recovers():
    fails_and_recovers(measure_ms=250)


def i2c_sonar_that_does_not_acknowledge_is_a_fault_and_recovers():
    fails_and_recovers(mode="n")


def i2c_bus_that_hangs_is_a_fault_and_hangs_nobody_and_recovers():
    fails_and_recovers(mode="h")


CHECKS = [
    i2c_sonar_tells_the_distance,
    i2c_sonar_is_asked_again_while_it_measures,
    i2c_sonar_that_never_ends_measuring_is_a_fault_and_recovers,
    i2c_sonar_that_does_not_acknowledge_is_a_fault_and_recovers,
    i2c_bus_that_hangs_is_a_fault_and_hangs_nobody_and_recovers,
]
