/* The lidar as a device: the bytes that it sends of what it sees, packet by packet.
 *
 * Two families: ld06 talks by itself; rplidar_c1 answers requests and sends dense capsules once it
 * was told to scan. What each byte means stands in hal/body/ld06.h and rplidar.h. Beams go
 * clockwise from straight ahead, ten turns a second. Caller's memory, one thread, no clock.
 */
#ifndef HAL_SIM_SCANNER_H
#define HAL_SIM_SCANNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hal/sim/random.h"
#include "hal/sim/world.h"

#define SCANNER_PACKET_MAX 84
#define SCANNER_ANSWER_MAX 64 /* bytes of one answer to a request */
#define SCANNER_BEAMS_MAX  40

enum scanner_family {
    SCANNER_LD06,
    SCANNER_RPLIDAR_C1,
};

/* What can be wrong with it. */
enum scanner_fault {
    SCANNER_GOOD,
    SCANNER_SILENT,  /* sends nothing */
    SCANNER_FROZEN,  /* sends the last distances again and again */
    SCANNER_BLIND,   /* no beam has a return */
    SCANNER_GARBAGE, /* flips bits in every packet */
};

struct scanner {
    enum scanner_family family;
    enum scanner_fault fault;
    double noise_mm; /* standard deviation */
    double dropout;  /* probability that a beam has no return */
    struct random random;
    double clockwise_deg; /* of the next beam */
    bool scans, first;
    uint8_t request[16];
    size_t request_size;
    float held_mm[SCANNER_BEAMS_MAX]; /* for SCANNER_FROZEN */
    float distance_mm[SCANNER_BEAMS_MAX];
};

/* No noise, no drop-outs. */
void scanner_init(struct scanner *scanner, enum scanner_family family, uint64_t seed);

/* The time that one packet takes: the next one is due that much later. */
int64_t scanner_period_ns(const struct scanner *scanner);

/* One packet of what is seen from the car's pose, at its `time_ns`. Returns its size; 0: nothing is
 * sent now. The beams' angle moves on in any case. */
size_t scanner_packet(struct scanner *scanner, const struct world *world,
                      const struct world_pose *car, double height_mm, int64_t time_ns,
                      uint8_t ret_bytes[SCANNER_PACKET_MAX]);

/* A byte from the host. Returns the size of the answer, mostly 0. */
size_t scanner_take(struct scanner *scanner, uint8_t byte, uint8_t ret_answer[SCANNER_ANSWER_MAX]);

#endif
