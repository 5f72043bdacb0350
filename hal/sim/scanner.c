/* See scanner.h. Packets are written here byte by byte and read back by the real decoders in the
 * tests, so that neither of the two can be wrong alone. */
#include "hal/sim/scanner.h"

#include <math.h>
#include <string.h>

#include "hal/body/ld06.h"
#include "hal/body/rplidar.h"

#define RAD           (M_PI / 180)
#define TURN_DEG_S    3600
#define RANGE_MM      12000
#define LD06_STEP_DEG 0.8
#define C1_STEP_DEG   0.72
#define C1_MODEL      0x41
#define LD06_SECOND   0x2c

void scanner_init(struct scanner *scanner, enum scanner_family family, uint64_t seed)
{
    memset(scanner, 0, sizeof(*scanner));
    scanner->family = family;
    scanner->first = true;
    random_init(&scanner->random, seed);
}

static int beam_count(const struct scanner *scanner)
{
    return scanner->family == SCANNER_LD06 ? LD06_POINTS : RPLIDAR_DENSE_POINTS;
}

static double step_deg(const struct scanner *scanner)
{
    return scanner->family == SCANNER_LD06 ? LD06_STEP_DEG : C1_STEP_DEG;
}

int64_t scanner_period_ns(const struct scanner *scanner)
{
    return (int64_t)(beam_count(scanner) * step_deg(scanner) / TURN_DEG_S * 1e9);
}

static void put16(uint8_t *bytes, unsigned value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

static unsigned told_mm(float distance_mm)
{
    return distance_mm <= 0          ? 0
           : distance_mm >= RANGE_MM ? RANGE_MM
                                     : (unsigned)(distance_mm + 0.5F);
}

/* Distances of the next packet, as the fault leaves them. */
static void measure(struct scanner *scanner, const struct world *world,
                    const struct world_pose *car, double height_mm)
{
    struct world_pose from = *car;
    int count = beam_count(scanner);

    from.angle_rad -= scanner->clockwise_deg * RAD;
    if (scanner->fault == SCANNER_FROZEN) {
        memcpy(scanner->distance_mm, scanner->held_mm, sizeof(scanner->held_mm));
        return;
    }
    world_scan(world, WORLD_LIDAR, height_mm, &from, -step_deg(scanner) * RAD, count, RANGE_MM,
               scanner->distance_mm);
    for (int i = 0; i < count; i++) {
        float *distance = &scanner->distance_mm[i];

        if (*distance > 0 && scanner->noise_mm > 0) {
            *distance =
                fmaxf(1, *distance + (float)random_normal(&scanner->random, scanner->noise_mm));
        }
        if (scanner->fault == SCANNER_BLIND ||
            (scanner->dropout > 0 && random_is(&scanner->random, scanner->dropout))) {
            *distance = 0;
        }
    }
    memcpy(scanner->held_mm, scanner->distance_mm, sizeof(scanner->held_mm));
}

static uint8_t ld06_crc(const uint8_t *bytes, size_t size)
{
    unsigned crc = 0;

    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc << 1 ^ ((crc & 0x80) != 0 ? 0x4d : 0)) & 0xff;
        }
    }
    return (uint8_t)crc;
}

static size_t ld06_packet(const struct scanner *scanner, int64_t time_ns, uint8_t *bytes)
{
    unsigned first = (unsigned)lround(scanner->clockwise_deg * 100);
    unsigned last = (unsigned)lround((scanner->clockwise_deg + 11 * LD06_STEP_DEG) * 100);

    bytes[0] = 0x54;
    bytes[1] = LD06_SECOND;
    put16(bytes + 2, TURN_DEG_S);
    put16(bytes + 4, first % 36000);
    for (int i = 0; i < LD06_POINTS; i++) {
        unsigned distance = told_mm(scanner->distance_mm[i]);

        put16(bytes + 6 + 3 * i, distance);
        bytes[8 + 3 * i] = distance > 0 ? 200 : 0;
    }
    put16(bytes + 42, last % 36000);
    put16(bytes + 44, (unsigned)(time_ns / 1000000 % LD06_CLOCK_MS));
    bytes[46] = ld06_crc(bytes, 46);
    return LD06_FRAME_SIZE;
}

static size_t c1_capsule(struct scanner *scanner, uint8_t *bytes)
{
    unsigned start = (unsigned)lround(scanner->clockwise_deg * 64) % (360 * 64);
    uint8_t check = 0;

    put16(bytes + 2, start | (scanner->first ? 0x8000 : 0));
    scanner->first = false;
    for (int i = 0; i < RPLIDAR_DENSE_POINTS; i++) {
        put16(bytes + 4 + 2 * i, told_mm(scanner->distance_mm[i]));
    }
    for (int i = 2; i < RPLIDAR_CAPSULE_SIZE; i++) {
        check ^= bytes[i];
    }
    bytes[0] = (uint8_t)(0xa0 | (check & 0xf));
    bytes[1] = (uint8_t)(0x50 | check >> 4);
    return RPLIDAR_CAPSULE_SIZE;
}

size_t scanner_packet(struct scanner *scanner, const struct world *world,
                      const struct world_pose *car, double height_mm, int64_t time_ns,
                      uint8_t ret_bytes[SCANNER_PACKET_MAX])
{
    bool talks = scanner->family == SCANNER_LD06 || scanner->scans;
    size_t size = 0;

    if (talks && scanner->fault != SCANNER_SILENT) {
        measure(scanner, world, car, height_mm);
        size = scanner->family == SCANNER_LD06 ? ld06_packet(scanner, time_ns, ret_bytes)
                                               : c1_capsule(scanner, ret_bytes);
    }
    scanner->clockwise_deg =
        fmod(scanner->clockwise_deg + beam_count(scanner) * step_deg(scanner), 360);
    if (scanner->fault == SCANNER_GARBAGE && size > 0) {
        ret_bytes[random_next(&scanner->random) % size] ^= 0x5a;
    }
    return size;
}

static size_t describe(uint8_t *answer, unsigned length, bool many, unsigned type)
{
    const uint8_t descriptor[7] = {0xa5,         0x5a, (uint8_t)length, 0, 0, many ? 0x40 : 0,
                                   (uint8_t)type};

    memcpy(answer, descriptor, sizeof(descriptor));
    memset(answer + sizeof(descriptor), 0, many ? 0 : length);
    return sizeof(descriptor) + (many ? 0 : length);
}

static size_t answer(struct scanner *scanner, uint8_t command, uint8_t *bytes)
{
    size_t size = 0;

    switch (command) {
    case RPLIDAR_STOP:
    case RPLIDAR_RESET:
        scanner->scans = false;
        break;
    case RPLIDAR_GET_INFO:
        size = describe(bytes, 20, false, RPLIDAR_ANSWER_INFO);
        bytes[7] = C1_MODEL;
        bytes[9] = 1;
        break;
    case RPLIDAR_GET_HEALTH:
        size = describe(bytes, 3, false, RPLIDAR_ANSWER_HEALTH);
        break;
    case RPLIDAR_GET_TYPICAL_MODE: /* of the dense scan: the entry's number, then mode 0 */
        size = describe(bytes, 6, false, RPLIDAR_ANSWER_CONF);
        bytes[7] = 0x7c;
        break;
    case RPLIDAR_SCAN:
    case RPLIDAR_FORCE_SCAN:
    case RPLIDAR_EXPRESS_SCAN:
        size = describe(bytes, RPLIDAR_CAPSULE_SIZE, true, RPLIDAR_ANSWER_DENSE);
        scanner->scans = true;
        scanner->first = true;
        break;
    default: /* a foreign byte: the real one is silent, too */
        break;
    }
    return size;
}

size_t scanner_take(struct scanner *scanner, uint8_t byte, uint8_t ret_answer[SCANNER_ANSWER_MAX])
{
    size_t wanted = 2, size = 0;

    if (scanner->family != SCANNER_RPLIDAR_C1 || (scanner->request_size == 0 && byte != 0xa5)) {
        return 0;
    }
    scanner->request[scanner->request_size++] = byte;
    if (scanner->request_size >= 2 && (scanner->request[1] & 0x80) != 0) {
        wanted = scanner->request_size >= 3 ? 4 + (size_t)scanner->request[2] : 3;
    }
    if (wanted > sizeof(scanner->request)) {
        scanner->request_size = 0;
    } else if (scanner->request_size == wanted) {
        scanner->request_size = 0;
        size = answer(scanner, scanner->request[1], ret_answer);
    }
    return size;
}
