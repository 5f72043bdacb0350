/* hub: what goes in comes out, in order; what does not fit is dropped; a stop waits for nothing. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/core/hub.h"

static int setup(void **state)
{
    return hub_new((struct hub **)state);
}

static int teardown(void **state)
{
    hub_free(*state);
    return 0;
}

static bool is_readable(int fd)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};

    return poll(&pollfd, 1, 0) == 1;
}

static void tell_picture(struct hub *hub, uint64_t seq)
{
    struct hub_record *record = hub_record(hub);

    if (record != NULL) {
        record->kind = HUB_PICTURE;
        record->picture_seq = seq;
        record->size = 3;
        memcpy(record->bytes, "abc", 3);
        hub_tell(hub);
    }
}

static void records_come_out_in_order(void **state)
{
    struct hub *hub = *state;

    assert_null(hub_peek(hub));
    assert_false(is_readable(hub_record_fd(hub)));
    for (uint64_t seq = 1; seq <= 5; seq++) {
        tell_picture(hub, seq);
    }
    assert_true(is_readable(hub_record_fd(hub)));
    for (uint64_t seq = 1; seq <= 5; seq++) {
        const struct hub_record *record = hub_peek(hub);

        assert_int_equal(record->picture_seq, seq);
        assert_int_equal(record->size, 3);
        hub_done(hub);
    }
    assert_null(hub_peek(hub));
    assert_false(is_readable(hub_record_fd(hub)));
}

static void full_queue_drops_the_newest_and_counts_it(void **state)
{
    struct hub *hub = *state;

    for (uint64_t seq = 1; seq <= HUB_RECORDS + 3; seq++) {
        tell_picture(hub, seq);
    }
    assert_int_equal(hub_dropped(hub), 3);
    assert_int_equal(hub_peek(hub)->picture_seq, 1);
    hub_done(hub);
    tell_picture(hub, 100);
    assert_int_equal(hub_dropped(hub), 3);
}

static void orders_wait_until_there_are_too_many(void **state)
{
    struct hub *hub = *state;
    struct hub_command command = {.order = HUB_LOOK};

    for (int i = 0; i < HUB_COMMANDS; i++) {
        command.pan_mrad = i;
        assert_int_equal(hub_order(hub, &command), 0);
    }
    assert_int_equal(hub_order(hub, &command), -EAGAIN);
    assert_true(is_readable(hub_command_fd(hub)));
    for (int i = 0; i < HUB_COMMANDS; i++) {
        assert_true(hub_command(hub, &command));
        assert_int_equal(command.pan_mrad, i);
    }
    assert_false(hub_command(hub, &command));
    assert_false(is_readable(hub_command_fd(hub)));
}

static void order_knows_the_stops_before_it(void **state)
{
    struct hub *hub = *state;
    struct hub_command command = {.order = HUB_EXPLORE};

    assert_int_equal(hub_order(hub, &command), 0);
    hub_stop(hub);
    assert_int_equal(hub_order(hub, &command), 0);
    assert_int_equal(hub_stops(hub), 1);
    assert_true(hub_command(hub, &command));
    assert_int_equal(command.stops, 0);
    assert_true(hub_command(hub, &command));
    assert_int_equal(command.stops, 1);
}

static void stop_wakes_the_loop_without_an_order(void **state)
{
    struct hub *hub = *state;
    struct hub_command command;

    hub_stop(hub);
    assert_true(is_readable(hub_command_fd(hub)));
    assert_false(hub_command(hub, &command));
}

#define MANY 20000

static void *write_many(void *hub)
{
    for (uint64_t seq = 1; seq <= MANY; seq++) {
        tell_picture(hub, seq);
    }
    return NULL;
}

static void two_threads_see_whole_records(void **state)
{
    struct hub *hub = *state;
    pthread_t thread;
    uint64_t last = 0, taken = 0;
    const struct hub_record *record;

    assert_int_equal(pthread_create(&thread, NULL, write_many, hub), 0);
    while (taken + hub_dropped(hub) < MANY || (record = hub_peek(hub)) != NULL) {
        if ((record = hub_peek(hub)) != NULL) {
            assert_true(record->picture_seq > last);
            assert_memory_equal(record->bytes, "abc", 3);
            last = record->picture_seq;
            taken++;
            hub_done(hub);
        }
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(taken + hub_dropped(hub), MANY);
    assert_true(taken > HUB_RECORDS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_come_out_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(full_queue_drops_the_newest_and_counts_it, setup, teardown),
        cmocka_unit_test_setup_teardown(orders_wait_until_there_are_too_many, setup, teardown),
        cmocka_unit_test_setup_teardown(order_knows_the_stops_before_it, setup, teardown),
        cmocka_unit_test_setup_teardown(stop_wakes_the_loop_without_an_order, setup, teardown),
        cmocka_unit_test_setup_teardown(two_threads_see_whole_records, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
