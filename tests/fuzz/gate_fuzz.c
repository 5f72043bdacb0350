/* Any sequence of beams, readings, masks and steps, at any times: what the gate gives never breaks
 * its invariants. Each event is eight bytes: a kind and its numbers. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "safety/gate.h"

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_between(int32_t value, int32_t asked)
{
    return asked >= 0 ? value >= 0 && value <= asked : value <= 0 && value >= asked;
}

static void require_invariants(const struct gate *gate, const struct gate_input *input,
                               const struct gate_output *output, int32_t rim_before)
{
    const struct twist *given = &output->given;
    int32_t rim = gate_model_rim(&gate->model, given);
    int32_t start = rim_before > gate->model.rim_min_mm_s ? rim_before : gate->model.rim_min_mm_s;
    struct gate_motion motion;

    REQUIRE(output->reasons >> WIRE_REASON_COUNT == 0);
    REQUIRE(gate->boxes.count >= 0 && gate->boxes.count <= GATE_BOXES_MAX);
    REQUIRE(output->clear_front_mm >= 0 && output->clear_left_mm >= 0 &&
            output->clear_rear_mm >= 0 && output->clear_right_mm >= 0);
    if (rim == 0) {
        return;
    }
    REQUIRE((input->permits & GATE_PERMIT_ALL) == GATE_PERMIT_ALL);
    REQUIRE(is_between(given->vx_mm_s, input->asked.vx_mm_s));
    REQUIRE(is_between(given->vy_mm_s, input->asked.vy_mm_s));
    REQUIRE(is_between(given->wz_mrad_s, input->asked.wz_mrad_s));
    REQUIRE(rim >= gate->model.rim_min_mm_s && rim <= gate->model.rim_mm_s);
    REQUIRE(rim <= input->cap_mm_s && rim <= start + SLEW_STEP_MM_S);
    REQUIRE(given->vx_mm_s <= gate->model.forward_mm_s);
    REQUIRE(gate_world_is_fresh(&gate->world, &gate->model, gate->now_ms));
    gate_motion_init(&motion, &gate->model, given, GATE_MARGIN_RUNNING);
    for (int i = 0; i < gate->boxes.count; i++) {
        REQUIRE(!gate_box_counts(&gate->boxes.list[i], rim) ||
                !gate_motion_hits(&motion, &gate->boxes.list[i]));
    }
}

static void step(struct gate *gate, int64_t now_ms, const uint8_t *bytes)
{
    struct gate_input input = {
        .now_ms = now_ms,
        .asked = {(int8_t)bytes[1] * 5, (int8_t)bytes[2] * 3, (int8_t)bytes[3] * 15},
        .permits = bytes[4] > 250 ? bytes[4] : GATE_PERMIT_ALL,
        .cap_mm_s = bytes[5] > 200 ? bytes[6] * 2 : GATE_NO_CAP};
    struct gate_output output;
    int32_t rim_before = gate_model_rim(&gate->model, &gate->given);

    if (bytes[7] == 255) {
        memcpy(&input.asked.vx_mm_s, bytes + 1, 4);
        memcpy(&input.asked.wz_mrad_s, bytes + 2, 4);
    }
    gate_step(gate, &input, &output);
    require_invariants(gate, &input, &output, rim_before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gate gate;
    struct gate_model model;
    int64_t now_ms = 1000;

    gate_model_init(&model, NULL);
    gate_init(&gate, &model, now_ms);
    for (; size >= 8; data += 8, size -= 8) {
        uint32_t word;

        memcpy(&word, data + 1, 4);
        switch (data[0] % 6) {
        case 0: /* a whole turn at one distance, so that there is something to see */
            for (int slot = 0; slot < GATE_SLOTS; slot += 1 + data[1] % 4) {
                gate_beam(&gate, slot, data[2] * 20, now_ms - data[3] % 32);
            }
            break;
        case 1: /* a few beams */
            for (int i = 0; i < 1 + data[5] % 32; i++) {
                gate_beam(&gate, (int)(word % 720) + i, (int32_t)(word >> 16) % 700,
                          now_ms - (int8_t)data[6]);
            }
            break;
        case 2:
            gate_sonar(&gate, data[5] > 240 ? (int32_t)word : data[1] * 8, now_ms - data[2] % 16);
            break;
        case 3: /* time, mostly a tick */
            now_ms += data[1] > 250 ? (int32_t)word % 20000 : 10;
            step(&gate, now_ms, data);
            break;
        case 4: /* straight on for a while */
            for (int i = 0; i < data[6] % 16; i++) {
                now_ms += 10;
                step(&gate, now_ms, data);
            }
            break;
        case 5:
            if (data[1] == 7) {
                gate_mask(&gate, (int)word, data[5]);
            }
            break;
        }
    }
    return 0;
}
