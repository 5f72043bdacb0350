/* Where the car may have gone since: interval dead reckoning without encoders.
 *
 * From what the wheels were told follow an upper and a lower bound of the true velocity of each
 * axis, and from their sums over time, for any age up to 480 ms, the interval that the true
 * displacement lies in. Caller's memory; pure; one thread.
 */
#ifndef SAFETY_GATE_DRIFT_H
#define SAFETY_GATE_DRIFT_H

#include <stdint.h>

#include "safety/gate_model.h"

#define GATE_OUTPUTS     24  /* of 10 ms: more than the longest reaction */
#define GATE_TICKS       128 /* at least 4 ms apart */
#define GATE_AGES        48
#define GATE_AGE_STEP_MS 10
#define GATE_AGE_MAX_MS  (GATE_AGES * GATE_AGE_STEP_MS)

/* lo <= hi, per axis: mm/s and mrad/s. */
struct gate_bounds {
    int32_t lo[GATE_AXES], hi[GATE_AXES];
};

/* Velocity bounds over ms, which bound a displacement: micrometres and microradians. */
struct gate_sums {
    int64_t time_ms; /* when it ends */
    int64_t lo[GATE_AXES], hi[GATE_AXES];
};

/* What an age does to a point: turned by the middle angle, moved by the middle displacement,
 * blurred by the rest. */
struct gate_age {
    int32_t cosine, sine; /* Q14, of the middle of the angle */
    int32_t x_mm, y_mm;   /* what is taken off */
    int32_t ex_mm, ey_mm; /* blur by the displacement */
    int32_t blur_q10;     /* blur by the angle: of the other coordinate, in 1/1024 */
    int32_t bend_q10;     /* second order of it: of the same coordinate */
    int32_t far_mm;       /* what was this far beyond reach, and more, is beyond reach */
};

struct gate_drift {
    struct gate_bounds outputs[GATE_OUTPUTS]; /* what was told in the last periods of 10 ms */
    int64_t output_ms;                        /* when the newest period began */
    int newest_output;
    struct gate_bounds coast; /* of the commanded motion that may still be under way */
    struct gate_bounds speed; /* of the true velocity: the same with all that is unasked */
    struct gate_bounds held;  /* all speeds since the last tick but one */
    struct gate_sums ticks[GATE_TICKS]; /* each since the one before it */
    int newest;
    struct gate_sums step; /* of the last gate_drift_advance; time_ms: its length */
};

/* At rest since ever. */
void gate_drift_init(struct gate_drift *drift, int64_t now_ms);

/* Time has passed since the last call; the bounds held all the while. Time that runs backward has
 * not passed; more than 10 s count as 10 s. */
void gate_drift_advance(struct gate_drift *drift, int64_t now_ms);

/* `given` is what the wheels are told from now on; the bounds follow it. To be called right after
 * gate_drift_advance. */
void gate_drift_output(struct gate_drift *drift, const struct gate_model *model,
                       const struct twist *given);

/* Fills the table of ages: entry i serves points that are at least 10i and less than 10(i+1) ms
 * old, seen from the last gate_drift_advance. Entries of more than `oldest_ms` are not worked out:
 * their points may be anywhere. */
void gate_drift_ages(const struct gate_drift *drift, int64_t oldest_ms,
                     struct gate_age ages[GATE_AGES]);

#endif
