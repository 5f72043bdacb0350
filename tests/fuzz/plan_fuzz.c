/* The bytes are the plan of a room. Either it is refused with one line that begins with the number
 * of a line, or it is a room that a ray and the survey can be sent through. */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/sim/plan.h"
#include "hal/sim/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what)
{
    if (!condition) {
        (void)fprintf(stderr, "not so: %s\n", what);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct plan plan;
    static struct world world;
    struct world_pose pose = {0, 0, 0};
    char error[300] = "";
    float distance[12];

    if (plan_read((const char *)data, size, &plan, error, sizeof(error)) != 0) {
        require(isdigit((unsigned char)error[0]) && strstr(error, ": ") != NULL, "line: reason");
        return 0;
    }
    require(plan.face_count > 0 && plan.face_count <= PLAN_FACES_MAX, "faces within their array");
    require(plan.walker_count <= PLAN_WALKERS_MAX, "walkers within their array");
    world_init(&world, &plan);
    world_step(&world, 0.5, &pose);
    world_scan(&world, WORLD_LIDAR, 115, &pose, 0.01, 12, 12000, distance);
    for (int i = 0; i < 12; i++) {
        require(distance[i] >= 0 && distance[i] <= 12000, "a distance within the range");
    }
    return 0;
}
