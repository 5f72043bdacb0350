/* See mecanum.h.
 *
 * Rim speeds are the twist's projections on four directions. They are saturated as speeds, before
 * the table bends them, by one factor for all four: a wheel alone at its limit would turn the car
 * into another direction than the one that the gate has judged. Trim belongs to the wheel and comes
 * after the mix, but a trimmed wheel reaches its limit earlier, so the factor knows it.
 *
 * The table is read as a polygon from (0 mm/s, dead band) over its points. Below the dead band
 * stiction holds the wheel, so there is no line from (0, 0); a wheel that should not turn gets
 * exactly 0, and one slower than 1 mm/s, the remainder of a sum that cancels out, counts as such:
 * otherwise it would hum at a third of full duty.
 *
 * Largest values: 200 % of 10^5 mrad/s times an arm of 1000 mm is 2*10^8 um/s, as much again for x
 * and y, times a top speed of 5*10^6 um/s 2*10^15: int32_t holds every speed, int64_t every
 * product.
 *
 * Settings that make no sense give duties that make no sense, but no division here meets a zero.
 */
#include "hal/body/mecanum.h"

#include <stdbool.h>
#include <stdlib.h>

#define UM_PER_MM 1000
#define HUNDRED   100  /* percent */
#define REST_UM_S 1000 /* slower than this is standing */

static int64_t divide_rounded(int64_t value, int64_t by)
{
    return (value + (value < 0 ? -by : by) / 2) / by;
}

static bool is_within(int value, int limit)
{
    return value >= -limit && value <= limit;
}

static int64_t top_um_s(const struct mecanum_settings *settings)
{
    return settings->points == 0
               ? 0
               : (int64_t)settings->point[settings->points - 1].speed_mm_s * UM_PER_MM;
}

static int64_t trimmed(const struct mecanum_settings *settings, int wheel, int64_t speed_um_s)
{
    return divide_rounded(speed_um_s * settings->trim_percent[wheel], HUNDRED);
}

/* Rim speed that a turn alone asks for. */
static int64_t turn_um_s(const struct mecanum_settings *settings, int wz_mrad_s)
{
    int percent = wz_mrad_s > 0 ? settings->turn_left_percent : settings->turn_right_percent;

    /* mrad/s times mm is um/s. */
    return divide_rounded((int64_t)wz_mrad_s * settings->arm_mm * percent, HUNDRED);
}

static void saturate(const struct mecanum_settings *settings,
                     const int64_t asked_um_s[MECANUM_WHEELS], int32_t ret_rim_um_s[MECANUM_WHEELS])
{
    int64_t top = top_um_s(settings);
    int64_t fastest = top;

    for (int i = 0; i < MECANUM_WHEELS; i++) {
        int64_t speed = llabs(trimmed(settings, i, asked_um_s[i]));

        fastest = speed > fastest ? speed : fastest;
    }
    for (int i = 0; i < MECANUM_WHEELS; i++) {
        /* Toward zero: rounding must not lift a wheel above the top. */
        ret_rim_um_s[i] = fastest == 0 ? 0 : (int32_t)(asked_um_s[i] * top / fastest);
    }
}

void mecanum_mix(const struct mecanum_settings *settings, int vx_mm_s, int vy_mm_s, int wz_mrad_s,
                 int32_t ret_rim_um_s[MECANUM_WHEELS])
{
    int64_t asked_um_s[MECANUM_WHEELS] = {0};

    if (is_within(vx_mm_s, MECANUM_ASK_MAX_MM_S) && is_within(vy_mm_s, MECANUM_ASK_MAX_MM_S) &&
        is_within(wz_mrad_s, MECANUM_ASK_MAX_MRAD_S)) {
        int64_t x = (int64_t)vx_mm_s * UM_PER_MM;
        int64_t y = (int64_t)vy_mm_s * UM_PER_MM;
        int64_t turn = turn_um_s(settings, wz_mrad_s);

        asked_um_s[0] = x - y - turn;
        asked_um_s[1] = x + y + turn;
        asked_um_s[2] = x + y - turn;
        asked_um_s[3] = x - y + turn;
    }
    saturate(settings, asked_um_s, ret_rim_um_s);
}

/* The ends of the piece of the polygon that a speed (or a duty) lies on. */
struct piece {
    int64_t speed_um_s, next_speed_um_s;
    int64_t duty, next_duty;
};

static struct piece piece_at(const struct mecanum_settings *settings, int index)
{
    const struct mecanum_point *next = &settings->point[index];
    struct piece piece = {
        .duty = settings->dead_band_permille,
        .next_speed_um_s = (int64_t)next->speed_mm_s * UM_PER_MM,
        .next_duty = next->duty_permille,
    };

    if (index > 0) {
        piece.speed_um_s = (int64_t)next[-1].speed_mm_s * UM_PER_MM;
        piece.duty = next[-1].duty_permille;
    }
    return piece;
}

static int duty_of(const struct mecanum_settings *settings, int64_t speed_um_s)
{
    int64_t duty = 0;

    for (int i = 0; i < settings->points; i++) {
        struct piece piece = piece_at(settings, i);

        if (speed_um_s <= piece.next_speed_um_s) {
            duty = piece.duty +
                   divide_rounded((speed_um_s - piece.speed_um_s) * (piece.next_duty - piece.duty),
                                  piece.next_speed_um_s - piece.speed_um_s);
            return (int)(duty > settings->dead_band_permille ? duty : duty + 1);
        }
        duty = piece.next_duty;
    }
    return (int)duty;
}

static int64_t speed_of(const struct mecanum_settings *settings, int duty)
{
    if (duty <= settings->dead_band_permille) {
        return 0;
    }
    for (int i = 0; i < settings->points; i++) {
        struct piece piece = piece_at(settings, i);

        if (duty <= piece.next_duty) {
            return piece.speed_um_s +
                   divide_rounded((duty - piece.duty) * (piece.next_speed_um_s - piece.speed_um_s),
                                  piece.next_duty - piece.duty);
        }
    }
    return top_um_s(settings);
}

void mecanum_duties(const struct mecanum_settings *settings, const int32_t rim_um_s[MECANUM_WHEELS],
                    int ret_duty[MECANUM_WHEELS])
{
    for (int i = 0; i < MECANUM_WHEELS; i++) {
        int64_t speed = trimmed(settings, i, rim_um_s[i]);
        int duty = llabs(speed) < REST_UM_S ? 0 : duty_of(settings, llabs(speed));

        ret_duty[i] = settings->sign[i] * (speed < 0 ? -duty : duty);
    }
}

int32_t mecanum_rim_um_s(const struct mecanum_settings *settings, int wheel, int duty_permille)
{
    int64_t speed = speed_of(settings, abs(duty_permille)) * settings->sign[wheel];

    if (settings->trim_percent[wheel] == 0) {
        return 0;
    }
    return (int32_t)divide_rounded((duty_permille < 0 ? -speed : speed) * HUNDRED,
                                   settings->trim_percent[wheel]);
}

static bool turns_around(int last, int wanted)
{
    return (int64_t)last * wanted < 0;
}

/* What a wheel takes at once of the way from `last` to `wanted`: all of it when it gets slower, to
 * zero when it turns around, nothing when it grows. */
static int first_part(int last, int wanted)
{
    if (turns_around(last, wanted)) {
        return 0;
    }
    return abs(wanted) < abs(last) ? wanted : last;
}

void mecanum_slew(const struct mecanum_settings *settings, const int last[MECANUM_WHEELS],
                  const int wanted[MECANUM_WHEELS], int ret_duty[MECANUM_WHEELS])
{
    int64_t growth[MECANUM_WHEELS];
    int64_t largest = settings->slew_permille;

    for (int i = 0; i < MECANUM_WHEELS; i++) {
        growth[i] = turns_around(last[i], wanted[i])
                        ? 0
                        : (int64_t)wanted[i] - first_part(last[i], wanted[i]);
        largest = llabs(growth[i]) > largest ? llabs(growth[i]) : largest;
    }
    for (int i = 0; i < MECANUM_WHEELS; i++) {
        int64_t grown = largest == 0 ? 0 : growth[i] * settings->slew_permille / largest;

        ret_duty[i] = first_part(last[i], wanted[i]) + (int)grown;
    }
}
