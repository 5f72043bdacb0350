/* See board.h. */
#include "hal/sim/board.h"

#include <math.h>
#include <string.h>

#define MOTOR_DUTIES 5 /* sub-command: duties of several motors */
#define SERVO_MOVE   1 /* sub-command: several servos */
#define SERVO_READ   5
#define SYS_BATTERY  4
#define DUTY_SIZE    5 /* of one motor: number, float */
#define SERVO_SIZE   3 /* of one servo: number, pulse */
#define SERVO_OFFSET 4 /* in a move: sub-command, duration, count */

static int duty_of(const uint8_t *bytes)
{
    float duty;

    memcpy(&duty, bytes, sizeof(duty)); /* percent, little endian as we are */
    return isfinite(duty) && fabsf(duty) <= 100 ? (int)lroundf(duty * 10) : 0;
}

static void take_duties(const struct board5_report *frame, struct board_event *event)
{
    if (frame->size < 2 || frame->data[0] != MOTOR_DUTIES || frame->data[1] != BOARD5_MOTORS ||
        frame->size != 2 + BOARD5_MOTORS * DUTY_SIZE) {
        return;
    }
    for (int i = 0; i < BOARD5_MOTORS; i++) {
        const uint8_t *motor = frame->data + 2 + i * DUTY_SIZE;

        if (motor[0] < BOARD5_MOTORS) {
            event->duty[motor[0]] = duty_of(motor + 1);
        }
    }
    event->order = BOARD_DUTIES;
}

static void take_servos(struct board *board, const struct board5_report *frame,
                        struct board_event *event)
{
    const uint8_t *data = frame->data;

    if (frame->size == 2 && data[0] == SERVO_READ && data[1] >= 1 && data[1] <= BOARD5_SERVOS) {
        uint16_t pulse = board->pulse_us[data[1]];
        const uint8_t answer[4] = {data[1], SERVO_READ, (uint8_t)pulse, (uint8_t)(pulse >> 8)};

        event->answer_size = board5_encode(BOARD5_FUNC_SERVO, answer, sizeof(answer), event->answer,
                                           sizeof(event->answer));
        event->order = BOARD_ANSWER;
    } else if (frame->size > SERVO_OFFSET && data[0] == SERVO_MOVE) {
        for (size_t at = SERVO_OFFSET; at + SERVO_SIZE <= frame->size; at += SERVO_SIZE) {
            if (data[at] >= 1 && data[at] <= BOARD5_SERVOS) {
                board->pulse_us[data[at]] = (uint16_t)(data[at + 1] | data[at + 2] << 8);
            }
        }
        event->order = BOARD_PULSES;
    }
}

bool board_next(struct board *board, const uint8_t **bytes, size_t *size,
                struct board_event *ret_event)
{
    struct board5_report frame;
    struct board_event event = {BOARD_NOTHING};

    if (!board5_next(&board->decoder, bytes, size, &frame)) {
        return false;
    }
    if (frame.func == BOARD5_FUNC_MOTOR) {
        take_duties(&frame, &event);
    } else if (frame.func == BOARD5_FUNC_SERVO) {
        take_servos(board, &frame, &event);
    }
    *ret_event = event;
    return true;
}

size_t board_battery(unsigned supply_mv, uint8_t ret_bytes[BOARD5_FRAME_MAX])
{
    const uint8_t data[3] = {SYS_BATTERY, (uint8_t)supply_mv, (uint8_t)(supply_mv >> 8)};

    return board5_encode(BOARD5_FUNC_SYS, data, sizeof(data), ret_bytes, BOARD5_FRAME_MAX);
}
