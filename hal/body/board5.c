/* See board5.h.
 *
 * The duty of a motor goes over the wire as an IEEE-754 float in percent. It is made from integers:
 * one division with a remainder, rounded to nearest, so the bits depend on neither the compiler nor
 * the state of a floating point unit. A tie cannot occur: a tenth of an integer is either exact in
 * 24 bits or no binary fraction at all.
 *
 * The decoder keeps the last bytes that may still be part of a frame, at most one longest frame.
 * The usual way to read such a stream, to wait at an AA 55 for as many bytes as the length asks and
 * to look for the next AA 55 after a wrong CRC, loses nothing either. But the board sends eight
 * bytes a second, and a length made of noise would hold back five battery reports. So with every
 * byte all places where a frame may have begun are looked at, and the first frame that is whole is
 * the one: everything before it was noise. That drops one byte and rescans without waiting for the
 * end of what is no frame. The price: a frame inside the data of another would win. No report of
 * this board is long enough for that, and no duty has bytes that look like a header (there is a
 * test).
 *
 * Noise can end in the beginning of a frame whose CRC is good by accident and so swallow the
 * beginning of a real one. The next one is read.
 */
#include "hal/body/board5.h"

#include <string.h>

enum {
    HEADER_1 = 0xAA,
    HEADER_2 = 0x55,
    HEADER_SIZE = 4,            /* with func and len */
    OVERHEAD = HEADER_SIZE + 1, /* with the CRC */
    SYS_BATTERY = 0x04,         /* what SYS reports */
    MOTOR_DUTY = 0x05,          /* orders to MOTOR, SERVO, RGB */
    SERVO_MOVE = 0x01,
    SERVO_READ = 0x05,
    RGB_SET = 0x01,
};

static uint8_t crc8(const uint8_t *bytes, size_t size)
{
    uint8_t crc = 0;

    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (uint8_t)(crc >> 1 ^ ((crc & 1) * 0x8C));
        }
    }
    return crc;
}

static void put_u16(uint8_t *bytes, uint16_t value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

static void put_u32(uint8_t *bytes, uint32_t value)
{
    put_u16(bytes, (uint16_t)value);
    put_u16(bytes + 2, (uint16_t)(value >> 16));
}

static int get_u16(const uint8_t *bytes)
{
    return bytes[0] | bytes[1] << 8;
}

/* The bits of the binary32 nearest to permille / 10. */
static uint32_t percent_bits(int permille)
{
    const int point = 32, mantissa_top = 23, bias = 127;
    uint32_t sign = permille < 0 ? UINT32_C(1) << 31 : 0;
    uint64_t tenths = (uint64_t)(permille < 0 ? -permille : permille) << point;
    uint64_t unit, mantissa;
    int top;

    if (permille == 0) {
        return 0; /* never -0 */
    }
    top = 63 - __builtin_clzll(tenths / 10);
    unit = UINT64_C(10) << (top - mantissa_top);
    mantissa = (tenths + unit / 2) / unit;
    return sign | (uint32_t)(top - point + bias) << mantissa_top | (mantissa & 0x7FFFFF);
}

size_t board5_encode(enum board5_func func, const uint8_t *data, size_t data_size,
                     uint8_t *ret_bytes, size_t size)
{
    if (func >= BOARD5_FUNC_COUNT || data_size == 0 || data_size > BOARD5_DATA_MAX ||
        size < data_size + OVERHEAD) {
        return 0;
    }
    ret_bytes[0] = HEADER_1;
    ret_bytes[1] = HEADER_2;
    ret_bytes[2] = (uint8_t)func;
    ret_bytes[3] = (uint8_t)data_size;
    memcpy(ret_bytes + HEADER_SIZE, data, data_size);
    ret_bytes[HEADER_SIZE + data_size] = crc8(ret_bytes + 2, data_size + 2);
    return data_size + OVERHEAD;
}

size_t board5_encode_motors(const int duty_permille[BOARD5_MOTORS], uint8_t *ret_bytes, size_t size)
{
    uint8_t data[2 + 5 * BOARD5_MOTORS] = {MOTOR_DUTY, BOARD5_MOTORS};

    for (int i = 0; i < BOARD5_MOTORS; i++) {
        if (duty_permille[i] < -BOARD5_FULL_PERMILLE || duty_permille[i] > BOARD5_FULL_PERMILLE) {
            return 0;
        }
        data[2 + 5 * i] = (uint8_t)i;
        put_u32(&data[3 + 5 * i], percent_bits(duty_permille[i]));
    }
    return board5_encode(BOARD5_FUNC_MOTOR, data, sizeof(data), ret_bytes, size);
}

size_t board5_encode_stop(uint8_t *ret_bytes, size_t size)
{
    static const int still[BOARD5_MOTORS];

    return board5_encode_motors(still, ret_bytes, size);
}

static void put_beat(uint8_t *bytes, struct board5_beat beat)
{
    put_u16(bytes, beat.on_ms);
    put_u16(bytes + 2, beat.off_ms);
    put_u16(bytes + 4, beat.repeat);
}

static bool beat_never_ends(struct board5_beat beat)
{
    return beat.on_ms > 0 && beat.off_ms == 0;
}

size_t board5_encode_buzzer(uint16_t freq_hz, struct board5_beat beat, uint8_t *ret_bytes,
                            size_t size)
{
    uint8_t data[8];

    if (beat_never_ends(beat)) {
        return 0;
    }
    put_u16(data, freq_hz);
    put_beat(&data[2], beat);
    return board5_encode(BOARD5_FUNC_BUZZER, data, sizeof(data), ret_bytes, size);
}

size_t board5_encode_led(uint8_t led, struct board5_beat beat, uint8_t *ret_bytes, size_t size)
{
    uint8_t data[7] = {led};

    if (beat_never_ends(beat)) {
        return 0;
    }
    put_beat(&data[1], beat);
    return board5_encode(BOARD5_FUNC_LED, data, sizeof(data), ret_bytes, size);
}

size_t board5_encode_lights(const struct board5_light *lights, size_t count, uint8_t *ret_bytes,
                            size_t size)
{
    uint8_t data[2 + 4 * BOARD5_LIGHTS] = {RGB_SET, (uint8_t)count};

    if (count == 0 || count > BOARD5_LIGHTS) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (lights[i].index >= BOARD5_LIGHTS) {
            return 0;
        }
        data[2 + 4 * i] = lights[i].index;
        data[3 + 4 * i] = lights[i].red;
        data[4 + 4 * i] = lights[i].green;
        data[5 + 4 * i] = lights[i].blue;
    }
    return board5_encode(BOARD5_FUNC_RGB, data, 2 + 4 * count, ret_bytes, size);
}

static bool servo_exists(uint8_t servo)
{
    return servo >= 1 && servo <= BOARD5_SERVOS;
}

static bool move_is_possible(struct board5_move move)
{
    return servo_exists(move.servo) && move.pulse_us >= BOARD5_PULSE_MIN_US &&
           move.pulse_us <= BOARD5_PULSE_MAX_US;
}

size_t board5_encode_moves(const struct board5_move *moves, size_t count, uint16_t move_ms,
                           uint8_t *ret_bytes, size_t size)
{
    uint8_t data[4 + 3 * BOARD5_SERVOS] = {SERVO_MOVE, 0, 0, (uint8_t)count};

    if (count == 0 || count > BOARD5_SERVOS || move_ms > BOARD5_MOVE_MAX_MS) {
        return 0;
    }
    put_u16(&data[1], move_ms);
    for (size_t i = 0; i < count; i++) {
        if (!move_is_possible(moves[i])) {
            return 0;
        }
        data[4 + 3 * i] = moves[i].servo;
        put_u16(&data[5 + 3 * i], moves[i].pulse_us);
    }
    return board5_encode(BOARD5_FUNC_SERVO, data, 4 + 3 * count, ret_bytes, size);
}

size_t board5_encode_servo_read(uint8_t servo, uint8_t *ret_bytes, size_t size)
{
    const uint8_t data[] = {SERVO_READ, servo};

    if (!servo_exists(servo)) {
        return 0;
    }
    return board5_encode(BOARD5_FUNC_SERVO, data, sizeof(data), ret_bytes, size);
}

static void report_read(struct board5_report *report)
{
    const uint8_t *data = report->data;

    if (report->func == BOARD5_FUNC_SYS && report->size == 3 && data[0] == SYS_BATTERY) {
        report->kind = BOARD5_REPORT_BATTERY;
        report->value = get_u16(&data[1]);
    } else if (report->func == BOARD5_FUNC_KEY && report->size == 2) {
        report->kind = BOARD5_REPORT_KEY;
        report->id = data[0];
        report->value = data[1];
    } else if (report->func == BOARD5_FUNC_SERVO && report->size == 4 && data[1] == SERVO_READ) {
        report->kind = BOARD5_REPORT_SERVO;
        report->id = data[0];
        report->value = get_u16(&data[2]);
    }
}

static struct board5_report report_of(const uint8_t *frame)
{
    struct board5_report report = {.func = frame[2], .size = frame[3]};

    memcpy(report.data, frame + HEADER_SIZE, report.size);
    report_read(&report);
    return report;
}

static bool is_header(const uint8_t *bytes)
{
    return bytes[0] == HEADER_1 && bytes[1] == HEADER_2 && bytes[2] < BOARD5_FUNC_COUNT &&
           bytes[3] > 0 && bytes[3] <= BOARD5_DATA_MAX;
}

/* Does one of the places where a frame may have begun make one that ends with the last byte? Then
 * that is where it begins. */
static bool frame_find(struct board5_decoder *decoder, size_t *ret_start)
{
    for (size_t start = 0; start + OVERHEAD < decoder->size; start++) {
        const uint8_t *frame = &decoder->bytes[start];
        size_t before_crc = HEADER_SIZE + frame[3];

        if (!is_header(frame) || start + before_crc + 1 != decoder->size) {
            continue;
        }
        if (crc8(frame + 2, before_crc - 2) == frame[before_crc]) {
            *ret_start = start;
            return true;
        }
        decoder->bad_frames++;
    }
    return false;
}

/* With room for the next byte: what is older than one longest frame begins none. */
static void byte_add(struct board5_decoder *decoder, uint8_t byte)
{
    if (decoder->size == BOARD5_FRAME_MAX) {
        decoder->size--;
        decoder->bad_bytes++;
        memmove(decoder->bytes, decoder->bytes + 1, decoder->size);
    }
    decoder->bytes[decoder->size++] = byte;
}

bool board5_next(struct board5_decoder *decoder, const uint8_t **bytes, size_t *size,
                 struct board5_report *ret_report)
{
    while (*size > 0) {
        size_t start;

        byte_add(decoder, **bytes);
        (*bytes)++;
        (*size)--;
        if (frame_find(decoder, &start)) {
            *ret_report = report_of(&decoder->bytes[start]);
            decoder->frames++;
            decoder->bad_bytes += start;
            decoder->size = 0;
            return true;
        }
    }
    return false;
}
