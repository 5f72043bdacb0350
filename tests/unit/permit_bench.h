/* A permit in virtual time with an agent and another client that said HELLO: what the tests of
 * permit.c share. The functions assert with cmocka. */
#ifndef TESTS_UNIT_PERMIT_BENCH_H
#define TESTS_UNIT_PERMIT_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "safety/permit.h"

#define MS    INT64_C(1000000)
#define AGENT 0
#define OTHER 2

struct bench {
    struct permit permit;
    struct permit_senses senses;
    struct permit_output output; /* of the last step */
    uint64_t seq[PERMIT_CONNECTIONS];
    int64_t now_ns;
};

/* A header with the next seq of this connection, made now. */
union wire_request bench_message(struct bench *bench, int connection, enum wire_type type);

/* A good intent for mission 1, from a frame captured now, at 200 mm/s. */
union wire_request bench_intent(struct bench *bench, int connection, uint64_t frame);

/* Hands a message over now; the others make it, too. */
enum permit_answer bench_deliver(struct bench *bench, int connection,
                                 const union wire_request *request);
enum permit_answer bench_send(struct bench *bench, int connection, enum wire_type type);
enum permit_answer bench_arm(struct bench *bench, int connection, uint64_t mission, int64_t age_ns);
enum permit_answer bench_send_intent(struct bench *bench, int connection, uint64_t frame);

/* The same intent once more, with a new header; it must be taken. */
void bench_renew(struct bench *bench, const union wire_request *intent);

/* A tick at the time that it is, or so much later; the reasons. */
uint32_t bench_step(struct bench *bench);
uint32_t bench_step_after(struct bench *bench, int64_t ns);

bool bench_is_moving(const struct bench *bench);

void bench_forget_events(struct bench *bench);

/* The next event is this one; there is none. */
struct permit_event bench_expect(struct bench *bench, enum wire_event_code code,
                                 enum permit_cause cause);
void bench_expect_nothing(struct bench *bench);

/* Mission 1 was disarmed for this cause and nothing moves. */
void bench_expect_disarmed(struct bench *bench, enum permit_cause cause);

/* The states that the tests begin in. */
void bench_begin_latched(struct bench *bench, bool latched);
void bench_begin(struct bench *bench);
void bench_begin_armed(struct bench *bench);  /* for mission 1 */
void bench_begin_moving(struct bench *bench); /* on frame 5 */

#endif
