/* Sine and cosine in integers: Q14, so that 16384 is one.
 *
 * Two kinds of angle: milliradians for how far the car turns (within +-1000, what is beyond counts
 * as
 * +-1000), and slots of half a degree, 720 to the turn, for where a beam looks. Pure; any thread.
 */
#ifndef SAFETY_TRIG_H
#define SAFETY_TRIG_H

#include <stdint.h>

#define TRIG_ONE      16384
#define TRIG_SHIFT    14
#define TRIG_MRAD_MAX 1000
#define TRIG_SLOTS    720 /* of half a degree */

/* Of an angle in milliradians; wrong by less than 4/16384 within +-1000; exact at 0. */
int32_t trig_sin(int32_t mrad);
int32_t trig_cos(int32_t mrad);

/* Of slot * 0.5 degree, 0 <= slot < 720; wrong by at most 0.5/16384. Another slot counts as 0. */
int32_t trig_slot_sin(int32_t slot);
int32_t trig_slot_cos(int32_t slot);

#endif
