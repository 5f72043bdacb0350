/* See trig.h.
 *
 * Turns are short, so a Taylor polynomial to the seventh (cosine: sixth) power is enough: the first
 * term left out is 1/40320 at one radian, 0.4 of the last digit; the rest of the error is rounding.
 * Right shifts only ever see values >= 0. Beam directions come from a table of a quarter turn.
 */
#include "safety/trig.h"

#define QUARTER 180

static const int16_t quarter_sin[QUARTER + 1] = {
    0,     143,   286,   429,   572,   715,   857,   1000,  1143,  1285,  1428,  1570,  1713,
    1855,  1997,  2139,  2280,  2422,  2563,  2704,  2845,  2986,  3126,  3266,  3406,  3546,
    3686,  3825,  3964,  4102,  4240,  4378,  4516,  4653,  4790,  4927,  5063,  5199,  5334,
    5469,  5604,  5738,  5872,  6005,  6138,  6270,  6402,  6533,  6664,  6794,  6924,  7053,
    7182,  7311,  7438,  7565,  7692,  7818,  7943,  8068,  8192,  8316,  8438,  8561,  8682,
    8803,  8923,  9043,  9162,  9280,  9397,  9514,  9630,  9746,  9860,  9974,  10087, 10199,
    10311, 10422, 10531, 10641, 10749, 10856, 10963, 11069, 11174, 11278, 11381, 11484, 11585,
    11686, 11786, 11885, 11982, 12080, 12176, 12271, 12365, 12458, 12551, 12642, 12733, 12822,
    12911, 12998, 13085, 13170, 13255, 13338, 13421, 13502, 13583, 13662, 13741, 13818, 13894,
    13970, 14044, 14117, 14189, 14260, 14330, 14399, 14466, 14533, 14598, 14663, 14726, 14788,
    14849, 14909, 14968, 15025, 15082, 15137, 15191, 15244, 15296, 15346, 15396, 15444, 15491,
    15537, 15582, 15626, 15668, 15709, 15749, 15788, 15826, 15862, 15897, 15931, 15964, 15996,
    16026, 16055, 16083, 16110, 16135, 16159, 16182, 16204, 16225, 16244, 16262, 16279, 16294,
    16309, 16322, 16333, 16344, 16353, 16362, 16368, 16374, 16378, 16382, 16383, 16384,
};

/* |mrad| as radians in Q14, 0..16384. 1073742 / 65536 = 16.384003. */
static int32_t radians(int32_t mrad)
{
    if (mrad > TRIG_MRAD_MAX || mrad < -TRIG_MRAD_MAX) {
        return TRIG_ONE;
    }
    return ((mrad < 0 ? -mrad : mrad) * 1073742 + 32768) >> 16;
}

/* one - square / divisor * inner, all Q14 and >= 0 */
static int32_t nest(int32_t square, int32_t divisor, int32_t inner)
{
    return TRIG_ONE - ((square * inner) >> TRIG_SHIFT) / divisor;
}

int32_t trig_sin(int32_t mrad)
{
    int32_t angle = radians(mrad);
    int32_t square = (angle * angle) >> TRIG_SHIFT;
    int32_t series = nest(square, 6, nest(square, 20, nest(square, 42, TRIG_ONE)));
    int32_t sine = (angle * series + TRIG_ONE / 2) >> TRIG_SHIFT;

    return mrad < 0 ? -sine : sine;
}

int32_t trig_cos(int32_t mrad)
{
    int32_t angle = radians(mrad);
    int32_t square = (angle * angle) >> TRIG_SHIFT;

    return nest(square, 2, nest(square, 12, nest(square, 30, TRIG_ONE)));
}

int32_t trig_slot_sin(int32_t slot)
{
    int32_t half = slot < 2 * QUARTER ? slot : slot - 2 * QUARTER;
    int32_t sine;

    if (slot < 0 || slot >= TRIG_SLOTS) {
        return 0;
    }
    sine = quarter_sin[half <= QUARTER ? half : 2 * QUARTER - half];
    return slot < 2 * QUARTER ? sine : -sine;
}

int32_t trig_slot_cos(int32_t slot)
{
    if (slot < 0 || slot >= TRIG_SLOTS) {
        return TRIG_ONE;
    }
    return trig_slot_sin(slot < 3 * QUARTER ? slot + QUARTER : slot - 3 * QUARTER);
}
