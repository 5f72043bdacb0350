/* gate-bench: what one step of the gate costs. One JSON line.
 *
 * 500 points in the slots, refreshed as a 10 Hz lidar does, the car asked to drive on all axes;
 * once in an ordinary room, where few points are within reach, and once with all 500 within reach.
 * No beam is lost, so that nothing is older than a turn; a point that stays for 400 ms because its
 * bearing is dark costs about 1 us more, for the ages up to it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "hal/base/clock.h"
#include "hal/base/histogram.h"
#include "safety/gate.h"

#define POINTS 500
#define TICKS  20000

static void bench(const char *name, int32_t range_mm)
{
    static struct gate gate;
    static struct histogram times;
    struct gate_model model;
    struct gate_output output = {0};
    struct gate_input input = {
        .asked = {200, 100, 500}, .permits = GATE_PERMIT_ALL, .cap_mm_s = GATE_NO_CAP};
    int64_t total_ns = 0, start_ns, end_ns;
    int beam = 0;

    gate_model_init(&model, NULL);
    gate_init(&gate, &model, 0);
    histogram_init(&times);
    for (int tick = 1; tick <= TICKS; tick++) {
        input.now_ms = tick * 10;
        for (int i = 0; i < POINTS / 10; i++, beam = (beam + 1) % POINTS) {
            gate_beam(&gate, beam * GATE_SLOTS / POINTS, range_mm, input.now_ms - 9);
        }
        if (tick % 5 == 0) {
            gate_sonar(&gate, GATE_SONAR_MAX, input.now_ms);
        }
        start_ns = clock_now_ns();
        gate_step(&gate, &input, &output);
        end_ns = clock_now_ns();
        histogram_add(&times, end_ns - start_ns);
        total_ns += end_ns - start_ns;
    }
    (void)printf("\"%s\":{\"boxes\":%d,\"moving\":%s,\"mean_us\":%.2f,\"p50_us\":%.2f,"
                 "\"p99_us\":%.2f}",
                 name, gate.boxes.count, output.given.vx_mm_s != 0 ? "true" : "false",
                 (double)total_ns / TICKS / 1e3, (double)histogram_permille(&times, 500) / 1e3,
                 (double)histogram_permille(&times, 990) / 1e3);
}

int main(void)
{
    (void)printf("{");
    bench("room", 1500);
    (void)printf(",");
    bench("within_reach", 330);
    (void)printf("}\n");
    return 0;
}
