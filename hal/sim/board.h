/* The motor board as a device: the host's bytes in, duties and answers out.
 *
 * The frames of both directions look alike (hal/body/board5.h). It answers the question for a
 * servo's position, reports the battery when it is asked to, and counts what is no frame. Caller's
 * memory, one thread, no I/O, no clock.
 */
#ifndef HAL_SIM_BOARD_H
#define HAL_SIM_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hal/body/board5.h"

#define BOARD_SERVOS (BOARD5_SERVOS + 1) /* counted from 1 */

struct board {
    struct board5_decoder decoder;
    uint16_t pulse_us[BOARD_SERVOS]; /* as told last; 0: never */
};

/* What one frame of the host asked for. */
enum board_order {
    BOARD_NOTHING,
    BOARD_DUTIES, /* all four of them are new */
    BOARD_ANSWER, /* bytes to be sent back */
    BOARD_PULSES, /* servos were told something */
};

struct board_event {
    enum board_order order;
    int duty[BOARD5_MOTORS]; /* permille */
    uint8_t answer[BOARD5_FRAME_MAX];
    size_t answer_size;
};

/* Takes bytes from *bytes until a frame is complete or *size is 0, and moves both on. False: no
 * further frame in them. */
bool board_next(struct board *board, const uint8_t **bytes, size_t *size,
                struct board_event *ret_event);

/* The board's report of its supply. Returns the size. */
size_t board_battery(unsigned supply_mv, uint8_t ret_bytes[BOARD5_FRAME_MAX]);

#endif
