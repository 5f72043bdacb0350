/* receiver: a reply is whole however it is cut into pieces, up to exactly its limit, and the next
 * one needs no memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vlm/receiver.h"
#include "vlm/reply.h"

static int setup(void **state)
{
    struct receiver *receiver = malloc(sizeof(*receiver));

    assert_non_null(receiver);
    assert_int_equal(receiver_init(receiver), 0);
    *state = receiver;
    return 0;
}

static int teardown(void **state)
{
    receiver_fini(*state);
    free(*state);
    return 0;
}

/* One byte of a reply: no two near each other are equal, none is NUL. */
static char byte_at(size_t at)
{
    return (char)('!' + at % 89);
}

/* The next `size` bytes, in memory of exactly that size. */
static size_t receive(struct receiver *receiver, size_t size)
{
    char *piece = malloc(size + (size == 0));
    size_t taken;

    assert_non_null(piece);
    for (size_t i = 0; i < size; i++) {
        piece[i] = byte_at(receiver->size + i);
    }
    taken = receiver_on_body(piece, 1, size, receiver);
    free(piece);
    return taken;
}

static void assert_received(const struct receiver *receiver, size_t size)
{
    assert_int_equal(receiver->size, size);
    assert_int_equal(strlen(receiver->text), size);
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(receiver->text[i], byte_at(i));
    }
}

static void receive_header(struct receiver *receiver, const char *line)
{
    size_t size = strlen(line);
    char *copy = malloc(size + (size == 0)); /* as curl gives it: without a terminator */

    assert_non_null(copy);
    memcpy(copy, line, size);
    assert_int_equal(receiver_on_header(copy, 1, size, receiver), size);
    free(copy);
}

static bool closes_after(struct receiver *receiver, const char *line)
{
    receiver_reset(receiver);
    receive_header(receiver, line);
    return receiver->closes;
}

static void new_receiver_holds_an_empty_text(void **state)
{
    struct receiver *receiver = *state;

    assert_int_equal(receiver->size, 0);
    assert_string_equal(receiver->text, "");
    assert_false(receiver->too_large);
    assert_false(receiver->closes);
}

static void zeroed_receiver_can_be_undone(void **state)
{
    struct receiver receiver = {0};

    (void)state;
    receiver_fini(&receiver);
    assert_null(receiver.text);
}

static void reply_in_pieces_of_any_size_is_whole(void **state)
{
    static const size_t pieces[] = {1, 7, 1000, 16383, 16384, 16385, 100000};
    struct receiver *receiver = *state;

    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        size_t size = 0;

        receiver_reset(receiver);
        while (size < 3 * pieces[i]) {
            assert_int_equal(receive(receiver, pieces[i]), pieces[i]);
            size += pieces[i];
            assert_int_equal(receiver->size, size);
        }
        assert_received(receiver, size);
    }
}

static void piece_is_as_many_units_as_curl_counts(void **state)
{
    struct receiver *receiver = *state;
    char piece[] = "abcdef";

    assert_int_equal(receiver_on_body(piece, 2, 3, receiver), 6);
    assert_string_equal(receiver->text, "abcdef");
    assert_int_equal(receiver_on_body(piece, 1, 0, receiver), 0);
    assert_string_equal(receiver->text, "abcdef");
}

/* With its terminator it has to fit: around the capacity, one byte decides. */
static void buffer_grows_when_the_terminator_does_not_fit(void **state)
{
    struct receiver *receiver = *state;
    size_t capacity = receiver->capacity;

    assert_int_equal(receive(receiver, capacity - 1), capacity - 1);
    assert_int_equal(receiver->capacity, capacity);
    assert_received(receiver, capacity - 1);
    assert_int_equal(receive(receiver, 1), 1);
    assert_int_equal(receiver->capacity, 2 * capacity);
    assert_received(receiver, capacity);
}

static void reply_of_exactly_the_limit_is_taken(void **state)
{
    struct receiver *receiver = *state;

    assert_int_equal(receive(receiver, REPLY_SIZE_MAX), REPLY_SIZE_MAX);
    assert_false(receiver->too_large);
    assert_received(receiver, REPLY_SIZE_MAX);
}

static void one_byte_more_is_refused_and_the_rest_stays(void **state)
{
    struct receiver *receiver = *state;

    assert_int_equal(receive(receiver, REPLY_SIZE_MAX), REPLY_SIZE_MAX);
    assert_int_equal(receive(receiver, 1), 0);
    assert_true(receiver->too_large);
    assert_received(receiver, REPLY_SIZE_MAX);
}

static void piece_that_is_too_large_by_itself_takes_no_memory(void **state)
{
    struct receiver *receiver = *state;
    size_t capacity = receiver->capacity;

    assert_int_equal(receive(receiver, 5), 5);
    assert_int_equal(receive(receiver, REPLY_SIZE_MAX - 4), 0);
    assert_true(receiver->too_large);
    assert_int_equal(receiver->capacity, capacity);
    assert_received(receiver, 5);
}

static void reset_forgets_the_reply_and_keeps_the_memory(void **state)
{
    struct receiver *receiver = *state;
    const char *text;
    size_t capacity;

    assert_int_equal(receive(receiver, REPLY_SIZE_MAX), REPLY_SIZE_MAX);
    assert_int_equal(receive(receiver, 1), 0);
    receive_header(receiver, "Connection: close\r\n");
    text = receiver->text;
    capacity = receiver->capacity;
    for (int reply = 0; reply < 3; reply++) {
        receiver_reset(receiver);
        new_receiver_holds_an_empty_text(state);
        assert_int_equal(receive(receiver, REPLY_SIZE_MAX), REPLY_SIZE_MAX);
        assert_ptr_equal(receiver->text, text);
        assert_int_equal(receiver->capacity, capacity);
    }
}

static void connection_close_is_seen_in_any_case_and_among_other_words(void **state)
{
    static const char *const lines[] = {
        "Connection: close\r\n",
        "connection: close\r\n",
        "CONNECTION: CLOSE\r\n",
        "cOnNeCtIoN: cLoSe\r\n",
        "Connection:close\r\n",
        "Connection:   close  \r\n",
        "Connection: close, TE\r\n",
        "Connection: keep-alive, close\r\n",
        "Connection: Upgrade,Close,TE\r\n",
        "Connection: close",
        "Connection:close",
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (!closes_after(*state, lines[i])) {
            fail_msg("not seen: %s", lines[i]);
        }
    }
}

static void other_headers_do_not_close(void **state)
{
    static const char *const lines[] = {
        "",
        "\r\n",
        "c",
        "Connection:",
        "Connection:\r\n",
        "Connection: clos",
        "Connection: c",
        "Connection: keep-alive\r\n",
        "Content-Type: close\r\n",
        "X-Connection: close\r\n",
        "Connection : close\r\n",
        "HTTP/1.1 200 close\r\n",
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (closes_after(*state, lines[i])) {
            fail_msg("taken for the end: %s", lines[i]);
        }
    }
}

static void later_headers_do_not_take_the_close_back(void **state)
{
    struct receiver *receiver = *state;

    receive_header(receiver, "Connection: close\r\n");
    receive_header(receiver, "Connection: keep-alive\r\n");
    receive_header(receiver, "\r\n");
    assert_true(receiver->closes);
}

#define RECEIVER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RECEIVER_TEST(new_receiver_holds_an_empty_text),
        cmocka_unit_test(zeroed_receiver_can_be_undone),
        RECEIVER_TEST(reply_in_pieces_of_any_size_is_whole),
        RECEIVER_TEST(piece_is_as_many_units_as_curl_counts),
        RECEIVER_TEST(buffer_grows_when_the_terminator_does_not_fit),
        RECEIVER_TEST(reply_of_exactly_the_limit_is_taken),
        RECEIVER_TEST(one_byte_more_is_refused_and_the_rest_stays),
        RECEIVER_TEST(piece_that_is_too_large_by_itself_takes_no_memory),
        RECEIVER_TEST(reset_forgets_the_reply_and_keeps_the_memory),
        RECEIVER_TEST(connection_close_is_seen_in_any_case_and_among_other_words),
        RECEIVER_TEST(other_headers_do_not_close),
        RECEIVER_TEST(later_headers_do_not_take_the_close_back),
    };

    return cmocka_run_group_tests_name("receiver", tests, NULL, NULL);
}
