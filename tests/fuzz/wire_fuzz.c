/* Any bytes as a message, in either direction: what is judged good is in every range and is, byte
 * for byte, what was given; what is judged bad leaves no trace. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "safety/wire.h"

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool bounded(struct twist twist)
{
    return abs(twist.vx_mm_s) <= WIRE_SPEED_MAX && abs(twist.vy_mm_s) <= WIRE_SPEED_MAX &&
           abs(twist.wz_mrad_s) <= WIRE_SPEED_MAX;
}

static void check_header(const struct wire_header *header, size_t size)
{
    REQUIRE(header->magic == WIRE_MAGIC && header->version == WIRE_VERSION);
    REQUIRE(header->size == size && wire_size((enum wire_type)header->type) == size);
    REQUIRE(header->seq > 0 && header->time_ns > 0 && header->time_ns <= WIRE_TIME_MAX_NS);
}

static void check_request(const uint8_t *bytes, size_t size)
{
    union wire_request request, untouched;

    memset(&request, 0x5a, sizeof(request));
    memset(&untouched, 0x5a, sizeof(untouched));
    if (wire_request_read(bytes, size, &request) != WIRE_OK) {
        REQUIRE(memcmp(&request, &untouched, sizeof(request)) == 0);
        return;
    }
    check_header(&request.header, size);
    REQUIRE(request.header.type <= WIRE_LOOK && memcmp(&request, bytes, size) == 0);
    if (request.header.type == WIRE_INTENT) {
        REQUIRE(bounded(request.intent.twist) && request.intent.mission != 0);
        REQUIRE(request.intent.capture_ns > 0 && request.intent.frame_seq != 0);
        REQUIRE(request.intent.source == WIRE_SOURCE_VLM ||
                request.intent.source == WIRE_SOURCE_DRIVE);
    }
}

static void check_report(const uint8_t *bytes, size_t size)
{
    union wire_report report, untouched;

    memset(&report, 0x5a, sizeof(report));
    memset(&untouched, 0x5a, sizeof(untouched));
    if (wire_report_read(bytes, size, &report) != WIRE_OK) {
        REQUIRE(memcmp(&report, &untouched, sizeof(report)) == 0);
        return;
    }
    check_header(&report.header, size);
    REQUIRE(report.header.type >= WIRE_VERDICT && memcmp(&report, bytes, size) == 0);
    if (report.header.type == WIRE_EVENT) {
        REQUIRE(memchr(report.event.text, '\0', sizeof(report.event.text)) != NULL);
    }
    if (report.header.type == WIRE_VERDICT) {
        REQUIRE(bounded(report.verdict.asked) && bounded(report.verdict.given));
    }
}

/* The first byte may ask for a right header, so that the fuzzer gets behind it at once. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes;
    struct wire_header header;

    if (size < 2) {
        return 0;
    }
    size--;
    bytes = malloc(size); /* nothing to read behind the end */
    REQUIRE(bytes != NULL);
    memcpy(bytes, data + 1, size);
    if (data[0] != 0 && size >= sizeof(header)) {
        memcpy(&header, bytes, sizeof(header));
        header = wire_header((enum wire_type)data[0], header.seq, header.time_ns);
        memcpy(bytes, &header, sizeof(header));
    }
    check_request(bytes, size);
    check_report(bytes, size);
    free(bytes);
    return 0;
}
