/* The bytes are what comes to the simulated devices from the host, and a message of the simulated
 * camera: nothing but an answer within its size comes of it, whatever they are. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "hal/camera/camera_sim.h"
#include "hal/sim/board.h"
#include "hal/sim/scanner.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what)
{
    if (!condition) {
        (void)fprintf(stderr, "not so: %s\n", what);
        abort();
    }
}

static void fuzz_board(const uint8_t *data, size_t size)
{
    struct board board = {0};
    struct board_event event;

    while (board_next(&board, &data, &size, &event)) {
        require(event.answer_size <= sizeof(event.answer), "an answer within its size");
        for (int i = 0; i < BOARD5_MOTORS; i++) {
            require(abs(event.duty[i]) <= BOARD5_FULL_PERMILLE, "a duty within its range");
        }
    }
    require(size == 0, "all bytes were taken");
}

static void fuzz_scanner(const uint8_t *data, size_t size)
{
    uint8_t answer[SCANNER_ANSWER_MAX];
    struct scanner scanner;

    scanner_init(&scanner, SCANNER_RPLIDAR_C1, 1);
    for (size_t i = 0; i < size; i++) {
        require(scanner_take(&scanner, data[i], answer) <= sizeof(answer), "an answer that fits");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct camera_sim_message message;

    fuzz_board(data, size);
    fuzz_scanner(data, size);
    if (camera_sim_decode(data, size, INT64_MAX, &message)) {
        require(message.size > 0 && message.size <= CAMERA_FRAME_MAX, "a picture within its size");
    }
    return 0;
}
