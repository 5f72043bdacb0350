/* See chaos.h. */
#include "hal/sim/chaos.h"

#define MS             INT64_C(1000000)
#define PAUSE_LEAST_MS 2000
#define PAUSE_MOST_MS  5000
#define LEAST_MS       80
#define MOST_MS        1500
#define DEAF_LEAST_MS  20 /* of the board: it holds its last duty, and nobody can stop that */
#define DEAF_MOST_MS   80

static int64_t some_ns(struct random *random, double least_ms, double most_ms)
{
    return (int64_t)random_between(random, least_ms, most_ms) * MS;
}

void chaos_init(struct chaos *chaos, uint64_t seed, int64_t now_ns)
{
    *chaos = (struct chaos){.trouble = CHAOS_NONE};
    random_init(&chaos->random, seed);
    chaos->until_ns = now_ns + some_ns(&chaos->random, PAUSE_LEAST_MS, PAUSE_MOST_MS);
}

bool chaos_step(struct chaos *chaos, int64_t now_ns)
{
    if (now_ns < chaos->until_ns) {
        return false;
    }
    if (chaos->trouble != CHAOS_NONE) {
        chaos->trouble = CHAOS_NONE;
        chaos->until_ns = now_ns + some_ns(&chaos->random, PAUSE_LEAST_MS, PAUSE_MOST_MS);
    } else {
        chaos->trouble = (enum chaos_trouble)(1 + random_next(&chaos->random) % (CHAOS_COUNT - 1));
        chaos->until_ns = now_ns + (chaos->trouble == CHAOS_BOARD_DEAF
                                        ? some_ns(&chaos->random, DEAF_LEAST_MS, DEAF_MOST_MS)
                                        : some_ns(&chaos->random, LEAST_MS, MOST_MS));
        chaos->count++;
    }
    return true;
}

const char *chaos_name(enum chaos_trouble trouble)
{
    switch (trouble) {
    case CHAOS_NONE:
        return "none";
    case CHAOS_LIDAR_SILENT:
        return "lidar silent";
    case CHAOS_LIDAR_BLIND:
        return "lidar blind";
    case CHAOS_LIDAR_GARBAGE:
        return "lidar garbage";
    case CHAOS_SONAR_FAULT:
        return "sonar fault";
    case CHAOS_CAMERA_COVERED:
        return "camera covered";
    case CHAOS_KEYS_SILENT:
        return "keys silent";
    case CHAOS_BOARD_DEAF:
        return "board deaf";
    case CHAOS_COUNT:
        break;
    }
    return "";
}
