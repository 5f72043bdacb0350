/* The messages between agent and safety: what is one, what is none, field by field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "safety/wire.h"

#define NOW_NS INT64_C(5000000000)

static const enum wire_type request_types[] = {
    WIRE_HELLO, WIRE_ARM, WIRE_INTENT, WIRE_DISARM, WIRE_ESTOP, WIRE_RESET, WIRE_LOOK,
};
static const enum wire_type report_types[] = {WIRE_VERDICT, WIRE_SCAN, WIRE_EVENT};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A good message of each type, with no field at zero that may be something else. */
static union wire_request request_of(enum wire_type type)
{
    union wire_request request = {.header = wire_header(type, 7, NOW_NS)};

    if (type == WIRE_ARM) {
        request.arm.mission = 42;
    } else if (type == WIRE_INTENT) {
        request.intent.mission = 42;
        request.intent.frame_seq = 9;
        request.intent.capture_ns = NOW_NS - 1;
        request.intent.twist = (struct twist){100, -200, 300};
        request.intent.source = WIRE_SOURCE_DRIVE;
    } else if (type == WIRE_LOOK) {
        request.look.pan_mrad = -10;
        request.look.tilt_mrad = 20;
    }
    return request;
}

static union wire_report report_of(enum wire_type type)
{
    union wire_report report = {.header = wire_header(type, 7, NOW_NS)};

    if (type == WIRE_VERDICT) {
        report.verdict.tick = 1;
        report.verdict.mission = 42;
        report.verdict.frame_seq = 9;
        report.verdict.reasons = REASON_OBSTACLE | REASON_OVERRUN;
        report.verdict.changed = 3;
        report.verdict.asked = (struct twist){1, 2, 3};
        report.verdict.given = (struct twist){-1, -2, -3};
        report.verdict.clear_front_mm = 500;
        report.verdict.open_bearing_mrad = -1000;
        report.verdict.sonar_mm = -2;
        report.verdict.battery_mv = 7412;
        report.verdict.overruns = UINT32_MAX;
    } else if (type == WIRE_SCAN) {
        memset(report.scan.sector_mm, 0xa5, sizeof(report.scan.sector_mm));
    } else if (type == WIRE_EVENT) {
        report.event.code = WIRE_EVENT_FAULT;
        report.event.severity = WIRE_ERROR;
        wire_text_set(&report.event, "the motor board is silent");
    }
    return report;
}

static enum wire_fault read_request(const union wire_request *request)
{
    union wire_request ignored;

    return wire_request_read(request, request->header.size, &ignored);
}

static enum wire_fault read_report(const union wire_report *report)
{
    union wire_report ignored;

    return wire_report_read(report, report->header.size, &ignored);
}

static void every_request_survives_the_way(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(request_types); i++) {
        union wire_request sent = request_of(request_types[i]), got;

        memset(&got, 0x5a, sizeof(got));
        assert_int_equal(wire_request_read(&sent, sent.header.size, &got), WIRE_OK);
        assert_memory_equal(&got, &sent, sent.header.size);
        assert_int_equal(sent.header.size, wire_size(request_types[i]));
    }
}

static void every_report_survives_the_way(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(report_types); i++) {
        union wire_report sent = report_of(report_types[i]), got;

        memset(&got, 0x5a, sizeof(got));
        assert_int_equal(wire_report_read(&sent, sent.header.size, &got), WIRE_OK);
        assert_memory_equal(&got, &sent, sent.header.size);
        assert_int_equal(sent.header.size, wire_size(report_types[i]));
    }
}

static void bytes_need_no_alignment(void **state)
{
    uint8_t bytes[1 + sizeof(union wire_request)];
    union wire_request sent = request_of(WIRE_INTENT), got;

    (void)state;
    memcpy(bytes + 1, &sent, sizeof(sent.intent));
    assert_int_equal(wire_request_read(bytes + 1, sizeof(sent.intent), &got), WIRE_OK);
    assert_memory_equal(&got.intent, &sent.intent, sizeof(sent.intent));
}

/* In a block of exactly this size, so that a sanitizer sees a read behind its end. */
static enum wire_fault read_exact(const void *bytes, size_t size, bool request)
{
    union wire_request request_out;
    union wire_report report_out;
    void *copy = malloc(size > 0 ? size : 1);
    enum wire_fault fault;

    assert_non_null(copy);
    memcpy(copy, bytes, size);
    fault = request ? wire_request_read(copy, size, &request_out)
                    : wire_report_read(copy, size, &report_out);
    free(copy);
    return fault;
}

static void every_other_size_is_refused(void **state)
{
    static uint8_t bytes[WIRE_SIZE_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(request_types) + COUNT(report_types); i++) {
        bool is_request = i < COUNT(request_types);
        enum wire_type type =
            is_request ? request_types[i] : report_types[i - COUNT(request_types)];
        union wire_request request = request_of(type);
        union wire_report report = report_of(type);
        size_t right = wire_size(type);

        memset(bytes, 0, sizeof(bytes));
        memcpy(bytes, is_request ? (void *)&request : (void *)&report, right);
        for (size_t size = 0; size <= WIRE_SIZE_MAX; size++) {
            enum wire_fault wrong = size < right ? WIRE_SHORT : WIRE_LONG;

            assert_int_equal(read_exact(bytes, size, is_request), size == right ? WIRE_OK : wrong);
        }
    }
}

static void a_header_that_lies_about_the_size_is_refused(void **state)
{
    union wire_request hello = request_of(WIRE_HELLO), ignored;

    (void)state;
    for (uint32_t size = 0; size <= UINT16_MAX; size++) {
        hello.header.size = (uint16_t)size;
        assert_int_equal(wire_request_read(&hello, sizeof(hello.plain), &ignored),
                         size == sizeof(hello.plain) ? WIRE_OK : WIRE_NONSENSE);
    }
}

static void types_travel_in_one_direction(void **state)
{
    (void)state;
    for (int type = 0; type <= UINT8_MAX; type++) {
        bool request = type >= WIRE_HELLO && type <= WIRE_LOOK;
        bool report = type >= WIRE_VERDICT && type <= WIRE_EVENT;
        union wire_request sent = request_of((enum wire_type)type), request_out;
        union wire_report told = report_of((enum wire_type)type), report_out;
        size_t size = wire_size((enum wire_type)type);

        assert_int_equal(size != 0, request || report);
        size = size != 0 ? size : sizeof(struct wire_header);
        assert_int_equal(wire_request_read(&sent, size, &request_out),
                         request ? WIRE_OK : WIRE_UNKNOWN);
        assert_int_equal(wire_report_read(&told, size, &report_out),
                         report ? WIRE_OK : WIRE_UNKNOWN);
    }
}

static void another_protocol_or_version_is_foreign(void **state)
{
    union wire_request request = request_of(WIRE_HELLO);
    union wire_report report = report_of(WIRE_SCAN);

    (void)state;
    for (int bit = 0; bit < 32; bit++) {
        request.header.magic = WIRE_MAGIC ^ (UINT32_C(1) << bit);
        report.header.magic = request.header.magic;
        assert_int_equal(read_request(&request), WIRE_FOREIGN);
        assert_int_equal(read_report(&report), WIRE_FOREIGN);
    }
    request.header.magic = WIRE_MAGIC;
    for (int version = 0; version <= UINT8_MAX; version++) {
        request.header.version = (uint8_t)version;
        assert_int_equal(read_request(&request), version == WIRE_VERSION ? WIRE_OK : WIRE_FOREIGN);
    }
}

static void a_refused_message_leaves_the_output_alone(void **state)
{
    union wire_request request = request_of(WIRE_ARM), request_out, request_before;
    union wire_report report = report_of(WIRE_EVENT), report_out, report_before;

    (void)state;
    memset(&request_out, 0x5a, sizeof(request_out));
    memset(&report_out, 0x5a, sizeof(report_out));
    request_before = request_out;
    report_before = report_out;
    request.arm.mission = 0;
    report.event.severity = 3;
    assert_int_equal(wire_request_read(&request, sizeof(request.arm), &request_out), WIRE_NONSENSE);
    assert_int_equal(wire_request_read(&request, 3, &request_out), WIRE_SHORT);
    assert_int_equal(wire_report_read(&report, sizeof(report.event), &report_out), WIRE_NONSENSE);
    assert_int_equal(wire_report_read(&report, 3, &report_out), WIRE_SHORT);
    assert_memory_equal(&request_out, &request_before, sizeof(request_out));
    assert_memory_equal(&report_out, &report_before, sizeof(report_out));
}

/* What the message is with this value in that field. */
#define REQUEST_WITH(type, field, value)                                                           \
    ({                                                                                             \
        union wire_request with = request_of(type);                                                \
        with.field = (value);                                                                      \
        read_request(&with);                                                                       \
    })
#define REPORT_WITH(type, field, value)                                                            \
    ({                                                                                             \
        union wire_report with = report_of(type);                                                  \
        with.field = (value);                                                                      \
        read_report(&with);                                                                        \
    })

/* Both ends are good, one step beyond is not; nor are the ends of the type. */
#define RANGE(WITH, type, field, low, high, lowest, highest)                                       \
    do {                                                                                           \
        assert_int_equal(WITH(type, field, low), WIRE_OK);                                         \
        assert_int_equal(WITH(type, field, high), WIRE_OK);                                        \
        assert_int_equal(WITH(type, field, (low) - 1), WIRE_NONSENSE);                             \
        assert_int_equal(WITH(type, field, (high) + 1), WIRE_NONSENSE);                            \
        assert_int_equal(WITH(type, field, lowest), WIRE_NONSENSE);                                \
        assert_int_equal(WITH(type, field, highest), WIRE_NONSENSE);                               \
    } while (0)
#define REQUEST_RANGE(type, field, low, high)                                                      \
    RANGE(REQUEST_WITH, type, field, low, high, INT32_MIN, INT32_MAX)
#define REPORT_RANGE(type, field, low, high)                                                       \
    RANGE(REPORT_WITH, type, field, low, high, INT32_MIN, INT32_MAX)

static void fields_of_the_header_have_bounds(void **state)
{
    const int64_t first = 1, last = WIRE_TIME_MAX_NS;

    (void)state;
    RANGE(REQUEST_WITH, WIRE_HELLO, header.time_ns, first, last, INT64_MIN, INT64_MAX);
    RANGE(REPORT_WITH, WIRE_SCAN, header.time_ns, first, last, INT64_MIN, INT64_MAX);
    assert_int_equal(REQUEST_WITH(WIRE_HELLO, header.seq, 0), WIRE_NONSENSE);
    assert_int_equal(REQUEST_WITH(WIRE_HELLO, header.seq, UINT64_MAX), WIRE_OK);
}

static void fields_of_requests_have_bounds(void **state)
{
    const int32_t speed = WIRE_SPEED_MAX, look = WIRE_LOOK_MAX_MRAD;
    const int64_t first = 1, last = WIRE_TIME_MAX_NS;

    (void)state;
    assert_int_equal(REQUEST_WITH(WIRE_ARM, arm.mission, 0), WIRE_NONSENSE);
    assert_int_equal(REQUEST_WITH(WIRE_ARM, arm.mission, UINT64_MAX), WIRE_OK);
    assert_int_equal(REQUEST_WITH(WIRE_INTENT, intent.mission, 0), WIRE_NONSENSE);
    assert_int_equal(REQUEST_WITH(WIRE_INTENT, intent.frame_seq, 0), WIRE_NONSENSE);
    RANGE(REQUEST_WITH, WIRE_INTENT, intent.capture_ns, first, last, INT64_MIN, INT64_MAX);
    REQUEST_RANGE(WIRE_INTENT, intent.twist.vx_mm_s, -speed, speed);
    REQUEST_RANGE(WIRE_INTENT, intent.twist.vy_mm_s, -speed, speed);
    REQUEST_RANGE(WIRE_INTENT, intent.twist.wz_mrad_s, -speed, speed);
    RANGE(REQUEST_WITH, WIRE_INTENT, intent.source, 1, 2, 0, UINT32_MAX);
    REQUEST_RANGE(WIRE_LOOK, look.pan_mrad, -look, look);
    REQUEST_RANGE(WIRE_LOOK, look.tilt_mrad, -look, look);
}

static void fields_of_verdicts_have_bounds(void **state)
{
    const int32_t speed = WIRE_SPEED_MAX, range = WIRE_RANGE_MAX_MM;
    const int32_t bearing = WIRE_BEARING_MAX_MRAD, battery = WIRE_BATTERY_MAX_MV;

    (void)state;
    assert_int_equal(REPORT_WITH(WIRE_VERDICT, verdict.reasons, 0), WIRE_OK);
    assert_int_equal(REPORT_WITH(WIRE_VERDICT, verdict.reasons, 0x01ffffff), WIRE_OK);
    assert_int_equal(REPORT_WITH(WIRE_VERDICT, verdict.reasons, 0x02000000), WIRE_NONSENSE);
    REPORT_RANGE(WIRE_VERDICT, verdict.asked.vx_mm_s, -speed, speed);
    REPORT_RANGE(WIRE_VERDICT, verdict.asked.vy_mm_s, -speed, speed);
    REPORT_RANGE(WIRE_VERDICT, verdict.asked.wz_mrad_s, -speed, speed);
    REPORT_RANGE(WIRE_VERDICT, verdict.given.vx_mm_s, -speed, speed);
    REPORT_RANGE(WIRE_VERDICT, verdict.given.vy_mm_s, -speed, speed);
    REPORT_RANGE(WIRE_VERDICT, verdict.given.wz_mrad_s, -speed, speed);
    REPORT_RANGE(WIRE_VERDICT, verdict.clear_front_mm, 0, range);
    REPORT_RANGE(WIRE_VERDICT, verdict.clear_left_mm, 0, range);
    REPORT_RANGE(WIRE_VERDICT, verdict.clear_rear_mm, 0, range);
    REPORT_RANGE(WIRE_VERDICT, verdict.clear_right_mm, 0, range);
    REPORT_RANGE(WIRE_VERDICT, verdict.open_bearing_mrad, -bearing, bearing);
    REPORT_RANGE(WIRE_VERDICT, verdict.sonar_mm, -2, range);
    REPORT_RANGE(WIRE_VERDICT, verdict.battery_mv, -1, battery);
}

static void fields_of_events_have_bounds(void **state)
{
    (void)state;
    assert_int_equal(REPORT_WITH(WIRE_EVENT, event.code, WIRE_EVENT_TEXT), WIRE_OK);
    assert_int_equal(REPORT_WITH(WIRE_EVENT, event.code, WIRE_EVENT_MALFORMED), WIRE_OK);
    assert_int_equal(REPORT_WITH(WIRE_EVENT, event.code, WIRE_EVENT_MALFORMED + 1), WIRE_NONSENSE);
    assert_int_equal(REPORT_WITH(WIRE_EVENT, event.code, UINT32_MAX), WIRE_NONSENSE);
    assert_int_equal(REPORT_WITH(WIRE_EVENT, event.severity, WIRE_INFO), WIRE_OK);
    assert_int_equal(REPORT_WITH(WIRE_EVENT, event.severity, WIRE_ERROR), WIRE_OK);
    assert_int_equal(REPORT_WITH(WIRE_EVENT, event.severity, WIRE_ERROR + 1), WIRE_NONSENSE);
}

static void the_text_of_an_event_is_printable_and_ends(void **state)
{
    union wire_report event = report_of(WIRE_EVENT);

    (void)state;
    for (int c = 1; c <= UINT8_MAX; c++) {
        event.event.text[3] = (char)c;
        assert_int_equal(read_report(&event), c >= 0x20 && c <= 0x7e ? WIRE_OK : WIRE_NONSENSE);
    }
    memset(event.event.text, 'x', sizeof(event.event.text));
    assert_int_equal(read_report(&event), WIRE_NONSENSE);
    event.event.text[WIRE_TEXT_SIZE - 1] = '\0';
    assert_int_equal(read_report(&event), WIRE_OK);
    event.event.text[5] = '\0';
    assert_int_equal(read_report(&event), WIRE_NONSENSE);
    memset(event.event.text, 0, sizeof(event.event.text));
    assert_int_equal(read_report(&event), WIRE_OK);
}

static void any_text_becomes_one_that_may_be_sent(void **state)
{
    union wire_report event = report_of(WIRE_EVENT);
    char text[2 * WIRE_TEXT_SIZE];

    (void)state;
    wire_text_set(&event.event, "a\tb\xc3\xa9\x7f~ ");
    assert_string_equal(event.event.text, "a?b???~ ");
    assert_int_equal(read_report(&event), WIRE_OK);
    memset(text, 'y', sizeof(text));
    for (size_t length = 0; length < sizeof(text); length++) {
        text[length] = '\0';
        wire_text_set(&event.event, text);
        assert_int_equal(strlen(event.event.text),
                         length < WIRE_TEXT_SIZE ? length : WIRE_TEXT_SIZE - 1);
        assert_int_equal(read_report(&event), WIRE_OK);
        text[length] = 'y';
    }
}

static void every_reason_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int bit = 0; bit < WIRE_REASON_COUNT; bit++) {
        const char *name = wire_reason_name((enum wire_reason)(1u << bit));

        assert_non_null(name);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
        for (int other = 0; other < bit; other++) {
            assert_string_not_equal(name, wire_reason_name((enum wire_reason)(1u << other)));
        }
    }
    assert_string_equal(wire_reason_name(REASON_NOT_ARMED), "not_armed");
    assert_string_equal(wire_reason_name(REASON_OVERRUN), "overrun");
    assert_null(wire_reason_name((enum wire_reason)(1u << WIRE_REASON_COUNT)));
    assert_null(wire_reason_name((enum wire_reason)3));
    assert_null(wire_reason_name((enum wire_reason)0));
}

static void every_fault_has_a_text(void **state)
{
    (void)state;
    for (int fault = WIRE_OK; fault <= WIRE_NONSENSE; fault++) {
        assert_string_not_equal(wire_fault_text((enum wire_fault)fault), "unknown");
    }
    assert_string_equal(wire_fault_text((enum wire_fault)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_survives_the_way),
        cmocka_unit_test(every_report_survives_the_way),
        cmocka_unit_test(bytes_need_no_alignment),
        cmocka_unit_test(every_other_size_is_refused),
        cmocka_unit_test(a_header_that_lies_about_the_size_is_refused),
        cmocka_unit_test(types_travel_in_one_direction),
        cmocka_unit_test(another_protocol_or_version_is_foreign),
        cmocka_unit_test(a_refused_message_leaves_the_output_alone),
        cmocka_unit_test(fields_of_the_header_have_bounds),
        cmocka_unit_test(fields_of_requests_have_bounds),
        cmocka_unit_test(fields_of_verdicts_have_bounds),
        cmocka_unit_test(fields_of_events_have_bounds),
        cmocka_unit_test(the_text_of_an_event_is_printable_and_ends),
        cmocka_unit_test(any_text_becomes_one_that_may_be_sent),
        cmocka_unit_test(every_reason_has_a_name_of_its_own),
        cmocka_unit_test(every_fault_has_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
