/* renewal, in virtual time: no question waits for a connection that could have been opened before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vlm/renewal.h"

#define MS INT64_C(1000000)

static struct renewal connected(long port)
{
    struct renewal renewal;

    renewal_init(&renewal);
    renewal_begin(&renewal);
    renewal_end(&renewal, port, true, 0);
    return renewal;
}

static void connection_is_due_at_once_and_retried(void **state)
{
    struct renewal renewal;

    (void)state;
    renewal_init(&renewal);
    assert_int_equal(renewal.due_ns, 0);
    renewal_begin(&renewal);
    assert_int_equal(renewal.due_ns, INT64_MAX);
    renewal_end(&renewal, 0, false, 7 * MS);
    assert_int_equal(renewal.due_ns, 7 * MS + RENEWAL_RETRY_NS);
}

static void idle_connection_is_refreshed_before_it_is_closed(void **state)
{
    struct renewal renewal = connected(5);

    (void)state;
    assert_int_equal(renewal.due_ns, RENEWAL_IDLE_NS);
    assert_false(renewal_ask(&renewal));
    assert_int_equal(renewal.due_ns, INT64_MAX);
    renewal_answer(&renewal, 5, true, 20 * MS);
    assert_int_equal(renewal.due_ns, 20 * MS + RENEWAL_IDLE_NS);
    renewal_begin(&renewal);
    renewal_end(&renewal, 5, true, 5000 * MS);
    assert_int_equal(renewal.current.requests, 3);
    assert_int_equal(renewal.due_ns, 5000 * MS + RENEWAL_IDLE_NS);
}

/* The server's side of it: request 100 of a connection is its last. */
static void successor_is_opened_during_the_last_request(void **state)
{
    struct renewal renewal = connected(1);
    long port = 1;
    int served = 1;

    (void)state;
    for (int question = 0; question < 1000; question++) {
        bool last = renewal_ask(&renewal);

        served++;
        assert_int_equal(last, served == RENEWAL_REQUESTS);
        if (last) {
            renewal_end(&renewal, port + 1, true, 0); /* the GET /health opened it */
        }
        renewal_answer(&renewal, port, !last, question * 20 * MS);
        assert_int_not_equal(renewal.current.port, 0);
        if (last) {
            port++;
            served = 1;
        }
        assert_int_equal(renewal.current.port, port);
        assert_int_equal(renewal.current.requests, served);
    }
}

static void successor_that_failed_is_due_when_the_last_request_ends(void **state)
{
    struct renewal renewal = connected(1);

    (void)state;
    renewal.current.requests = 99;
    assert_true(renewal_ask(&renewal));
    renewal_end(&renewal, 2, false, 10 * MS);
    assert_int_equal(renewal.due_ns, INT64_MAX); /* not while a question is under way */
    renewal_answer(&renewal, 1, false, 20 * MS);
    assert_int_equal(renewal.due_ns, 20 * MS);
}

static void closed_connection_is_replaced_at_once(void **state)
{
    struct renewal renewal = connected(1);

    (void)state;
    (void)renewal_ask(&renewal);
    renewal_answer(&renewal, 1, false, 30 * MS);
    assert_int_equal(renewal.current.port, 0);
    assert_int_equal(renewal.due_ns, 30 * MS);
    renewal_begin(&renewal);
    renewal_end(&renewal, 9, true, 31 * MS);
    assert_int_equal(renewal.current.port, 9);
    assert_int_equal(renewal.current.requests, 1);
}

static void dropped_question_takes_its_connection_along(void **state)
{
    struct renewal renewal = connected(1);

    (void)state;
    (void)renewal_ask(&renewal);
    renewal_drop(&renewal, 40 * MS);
    assert_int_equal(renewal.current.port, 0);
    assert_int_equal(renewal.due_ns, 40 * MS);
}

static void dropped_question_leaves_the_successor(void **state)
{
    struct renewal renewal = connected(1);

    (void)state;
    renewal_end(&renewal, 2, true, 0);
    (void)renewal_ask(&renewal);
    renewal_drop(&renewal, 40 * MS);
    assert_int_equal(renewal.current.port, 2);
    assert_int_equal(renewal.current.requests, 1);
    assert_int_equal(renewal.successor.port, 0);
    assert_int_equal(renewal.due_ns, 40 * MS + RENEWAL_IDLE_NS);
}

static void question_that_went_over_the_successor_makes_it_current(void **state)
{
    struct renewal renewal = connected(1);

    (void)state;
    renewal_end(&renewal, 2, true, 0);
    (void)renewal_ask(&renewal);
    renewal_answer(&renewal, 2, true, 40 * MS);
    assert_int_equal(renewal.current.port, 2);
    assert_int_equal(renewal.current.requests, 2); /* the GET /health that opened it counts */
    assert_int_equal(renewal.successor.port, 0);
    assert_int_equal(renewal.due_ns, 40 * MS + RENEWAL_IDLE_NS);
}

static void question_that_had_to_connect_starts_a_count(void **state)
{
    struct renewal renewal;

    (void)state;
    renewal_init(&renewal);
    assert_false(renewal_ask(&renewal));
    renewal_answer(&renewal, 3, true, 0);
    assert_int_equal(renewal.current.port, 3);
    assert_int_equal(renewal.current.requests, 1);
}

static void refresh_that_ends_the_connection_uses_the_successor(void **state)
{
    struct renewal renewal = connected(1);

    (void)state;
    renewal_end(&renewal, 2, true, 0);
    assert_int_equal(renewal.successor.port, 2);
    renewal_end(&renewal, 1, false, 50 * MS);
    assert_int_equal(renewal.current.port, 2);
    assert_int_equal(renewal.successor.port, 0);
    assert_int_equal(renewal.due_ns, 50 * MS + RENEWAL_IDLE_NS);
}

static void server_without_a_cap_gets_one_spare_each_hundred(void **state)
{
    struct renewal renewal = connected(1);
    int spares = 0;

    (void)state;
    for (int question = 0; question < 1000; question++) {
        if (renewal_ask(&renewal)) {
            spares++;
            renewal_end(&renewal, 2, true, 0);
        }
        renewal_answer(&renewal, 1, true, 0);
    }
    assert_int_equal(spares, 10);
    assert_int_equal(renewal.current.port, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connection_is_due_at_once_and_retried),
        cmocka_unit_test(idle_connection_is_refreshed_before_it_is_closed),
        cmocka_unit_test(successor_is_opened_during_the_last_request),
        cmocka_unit_test(successor_that_failed_is_due_when_the_last_request_ends),
        cmocka_unit_test(closed_connection_is_replaced_at_once),
        cmocka_unit_test(dropped_question_takes_its_connection_along),
        cmocka_unit_test(dropped_question_leaves_the_successor),
        cmocka_unit_test(question_that_went_over_the_successor_makes_it_current),
        cmocka_unit_test(question_that_had_to_connect_starts_a_count),
        cmocka_unit_test(refresh_that_ends_the_connection_uses_the_successor),
        cmocka_unit_test(server_without_a_cap_gets_one_spare_each_hundred),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
