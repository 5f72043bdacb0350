/* guard, address: nobody gets in who should not, and the one who should does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/http/address.h"
#include "agent/http/guard.h"

#define TOKEN "0123456789abcdef-token"

static void token_is_the_whole_token(void **state)
{
    struct guard guard = {.token = TOKEN}, none = {0};

    (void)state;
    assert_true(guard_token_is_good(&guard, "Bearer " TOKEN));
    assert_true(guard_token_is_good(&guard, "bearer " TOKEN));
    assert_false(guard_token_is_good(&guard, ""));
    assert_false(guard_token_is_good(&guard, "Bearer "));
    assert_false(guard_token_is_good(&guard, TOKEN));
    assert_false(guard_token_is_good(&guard, "Basic " TOKEN));
    assert_false(guard_token_is_good(&guard, "Bearer " TOKEN "x"));
    assert_false(guard_token_is_good(&guard, "Bearer " TOKEN TOKEN));
    assert_false(guard_token_is_good(&guard, "Bearer 0123456789abcdef-tokem"));
    assert_true(guard_token_is_good(&none, ""));
    assert_true(guard_token_is_good(&none, "Bearer anything"));
}

static void host_is_an_address_or_a_name_of_this_network(void **state)
{
    static const char *const good[] = {"127.0.0.1:8090",   "localhost",  "turbopi",
                                       "turbopi.local:80", "[::1]:8090", "10.0.0.7",
                                       "car.home.arpa"};
    static const char *const bad[] = {
        "",        "evil.example", "127.0.0.1.evil.example:8090", "turbopi.local.evil.example",
        ".local.", "a.b"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(guard_host_is_good(good[i]));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(guard_host_is_good(bad[i]));
    }
}

static void origin_is_the_host_or_a_program(void **state)
{
    (void)state;
    assert_true(guard_origin_is_good("", "127.0.0.1:8090"));
    assert_true(guard_origin_is_good("http://127.0.0.1:8090", "127.0.0.1:8090"));
    assert_false(guard_origin_is_good("http://127.0.0.1:8091", "127.0.0.1:8090"));
    assert_false(guard_origin_is_good("https://evil.example", "127.0.0.1:8090"));
    assert_false(guard_origin_is_good("null", "127.0.0.1:8090"));
}

static int read_token(struct guard *guard, const char *text, mode_t mode)
{
    char path[] = "/tmp/guard_test.XXXXXX";
    const char *why = "";
    int fd = mkstemp(path), result;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
    result = guard_read(guard, path, &why);
    (void)unlink(path);
    return result;
}

static void token_file_is_one_line_of_its_owner(void **state)
{
    char long_token[GUARD_TOKEN_MAX + 2];
    struct guard guard;
    const char *why = "";

    (void)state;
    memset(long_token, 'x', sizeof(long_token) - 1);
    long_token[sizeof(long_token) - 1] = '\0';
    assert_int_equal(read_token(&guard, TOKEN "\n", 0600), 0);
    assert_string_equal(guard.token, TOKEN);
    assert_int_equal(read_token(&guard, TOKEN, 0640), 0);
    assert_true(read_token(&guard, TOKEN, 0644) < 0);
    assert_true(read_token(&guard, TOKEN, 0660) < 0);
    assert_true(read_token(&guard, "short\n", 0600) < 0);
    assert_true(read_token(&guard, "", 0600) < 0);
    assert_true(read_token(&guard, TOKEN "\nmore", 0600) < 0);
    assert_true(read_token(&guard, TOKEN " more", 0600) < 0);
    assert_true(read_token(&guard, long_token, 0600) < 0);
    assert_true(guard_read(&guard, "/nowhere", &why) < 0);
    assert_true(guard_read(&guard, "/tmp", &why) < 0);
}

static void address_is_read_in_numbers(void **state)
{
    static const char *const bad[] = {"",          "8090",          "127.0.0.1",   "localhost:80",
                                      "1.2.3.4:x", "1.2.3.4:65536", "1.2.3.4:",    "::1:80",
                                      "[::1]",     "[1.2.3.4]:80",  "1.2.3.4:80 ", "[]:80",
                                      ":80",       "1.2.3:80"};
    struct address address;

    (void)state;
    assert_int_equal(address_read("127.0.0.1:8090", &address), 0);
    assert_true(address.loopback);
    assert_int_equal(address_read("127.9.9.9:0", &address), 0);
    assert_true(address.loopback);
    assert_int_equal(address_read("[::1]:8090", &address), 0);
    assert_true(address.loopback);
    assert_int_equal(address_read("0.0.0.0:80", &address), 0);
    assert_false(address.loopback);
    assert_int_equal(address_read("[::]:80", &address), 0);
    assert_false(address.loopback);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_true(address_read(bad[i], &address) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(token_is_the_whole_token),
        cmocka_unit_test(host_is_an_address_or_a_name_of_this_network),
        cmocka_unit_test(origin_is_the_host_or_a_program),
        cmocka_unit_test(token_file_is_one_line_of_its_owner),
        cmocka_unit_test(address_is_read_in_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
