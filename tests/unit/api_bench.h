/* An interface without a loop behind it: what the loop would tell is told by the test. */
#ifndef TESTS_UNIT_API_BENCH_H
#define TESTS_UNIT_API_BENCH_H

#include "agent/http/api.h"
#include "hal/base/clock.h"

#define API_BENCH_NOW  (100 * CLOCK_NS_PER_S)
#define API_BENCH_WALL (INT64_C(1800000000) * CLOCK_NS_PER_S)

struct api_bench {
    struct hub *hub;
    struct view *view;
    struct guard guard;
    struct api api;
    struct api_reply reply;
    struct cJSON *json; /* of the reply */
};

/* cmocka's: the state is the bench. */
int api_bench_setup(void **state);
int api_bench_teardown(void **state);

/* Of a car that could explore; and what the loop tells. */
struct hub_status api_bench_status(void);
void api_bench_tell(struct api_bench *bench, const struct hub_status *status);
void api_bench_frame(struct api_bench *bench, uint64_t seq, bool with_picture);

/* A request, and the status of its answer; strings may be NULL. */
int api_bench_send(struct api_bench *bench, struct api_request request);
int api_bench_get(struct api_bench *bench, const char *path);
int api_bench_post(struct api_bench *bench, const char *path, const char *type, const char *body);

/* A string of the answer; "": it has none of that name. */
const char *api_bench_text(const struct api_bench *bench, const char *name);

#endif
