/* sim_input: no message but a whole one from now is believed, and who may send it. The messages'
 * times are virtual; the sockets are real, in a folder of each test.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "hal/base/clock.h"
#include "hal/body/sim_input.h"

#define MS  CLOCK_NS_PER_MS
#define NOW (INT64_C(5000) * MS)

static struct sim_input_message message_of(int64_t time_ns)
{
    return (struct sim_input_message){
        .magic = SIM_INPUT_MAGIC,
        .version = SIM_INPUT_VERSION,
        .sonar_kind = SONAR_GOOD,
        .estop = KEYS_RELEASED,
        .start = KEYS_PRESSED,
        .sonar_mm = 1234,
        .time_ns = time_ns,
    };
}

/* --- One message. --- */

static void assert_judged(const struct sim_input_message *message, enum sim_input_fault fault)
{
    struct sim_input_message got, untouched;

    memset(&got, 0xa5, sizeof(got));
    untouched = got;
    assert_int_equal(sim_input_decode(message, sizeof(*message), NOW, &got), fault);
    assert_memory_equal(&got, fault == SIM_INPUT_OK ? message : &untouched, sizeof(got));
}

static void whole_message_is_taken_as_it_is(void **state)
{
    struct sim_input_message message = message_of(NOW);

    (void)state;
    assert_judged(&message, SIM_INPUT_OK);
}

static void message_has_the_bytes_that_the_simulator_writes(void **state)
{
    static const uint8_t bytes[24] = {'T', 'N', 'S', 'I', 1, SONAR_GOOD, 1, 2, 0xd2, 0x04, 0, 0,
                                      0,   0,   0,   0,   7, 0,          0, 0, 0,    0,    0, 0};
    struct sim_input_message got, whole = message_of(7);

    (void)state;
    assert_int_equal(sim_input_decode(bytes, sizeof(bytes), NOW, &got), SIM_INPUT_OK);
    assert_memory_equal(&got, &whole, sizeof(got));
}

static void message_of_any_other_size_is_refused(void **state)
{
    struct sim_input_message messages[2] = {message_of(NOW), message_of(NOW)}, got;

    (void)state;
    for (size_t size = 0; size <= sizeof(messages); size++) {
        enum sim_input_fault fault = size == 24 ? SIM_INPUT_OK : SIM_INPUT_SIZE;

        assert_int_equal(sim_input_decode(messages, size, NOW, &got), fault);
    }
}

static void message_of_another_program_or_version_is_refused(void **state)
{
    (void)state;
    for (int bit = 0; bit < 40; bit++) { /* magic and version */
        struct sim_input_message message = message_of(NOW);

        ((uint8_t *)&message)[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_judged(&message, SIM_INPUT_FOREIGN);
    }
}

static void kind_is_one_that_a_sensor_can_have(void **state)
{
    (void)state;
    for (int kind = 0; kind < 256; kind++) {
        struct sim_input_message message = message_of(NOW);
        bool known = kind >= SONAR_GOOD && kind <= SONAR_MISSING; /* not what the judge finds */

        message.sonar_kind = (uint8_t)kind;
        message.sonar_mm = kind == SONAR_GOOD ? 1234 : 0;
        assert_judged(&message, known ? SIM_INPUT_OK : SIM_INPUT_NONSENSE);
    }
}

static void key_is_unreadable_released_or_pressed(void **state)
{
    (void)state;
    for (int level = 0; level < 256; level++) {
        enum sim_input_fault fault = level <= KEYS_PRESSED ? SIM_INPUT_OK : SIM_INPUT_NONSENSE;
        struct sim_input_message estop = message_of(NOW), start = message_of(NOW);

        estop.estop = (uint8_t)level;
        assert_judged(&estop, fault);
        start.start = (uint8_t)level;
        assert_judged(&start, fault);
    }
}

static void reserved_bits_are_zero(void **state)
{
    (void)state;
    for (int bit = 0; bit < 32; bit++) {
        struct sim_input_message message = message_of(NOW);

        message.reserved = 1u << bit;
        assert_judged(&message, SIM_INPUT_NONSENSE);
    }
}

/* Any u16 is: 0, 255 and 0xffff are for the judge to judge. */
static void distance_is_a_u16(void **state)
{
    static const struct {
        int32_t mm;
        enum sim_input_fault fault;
    } rows[] = {
        {INT32_MIN, SIM_INPUT_NONSENSE},
        {-1, SIM_INPUT_NONSENSE},
        {0, SIM_INPUT_OK},
        {255, SIM_INPUT_OK},
        {5000, SIM_INPUT_OK},
        {65535, SIM_INPUT_OK},
        {65536, SIM_INPUT_NONSENSE},
        {99999, SIM_INPUT_NONSENSE},
        {INT32_MAX, SIM_INPUT_NONSENSE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sim_input_message message = message_of(NOW);

        message.sonar_mm = rows[i].mm;
        assert_judged(&message, rows[i].fault);
    }
}

static void fault_with_a_distance_is_refused(void **state)
{
    (void)state;
    for (int kind = SONAR_NO_ECHO; kind <= SONAR_MISSING; kind++) {
        struct sim_input_message message = message_of(NOW);

        message.sonar_kind = (uint8_t)kind;
        message.sonar_mm = 1;
        assert_judged(&message, SIM_INPUT_NONSENSE);
    }
}

static void time_is_after_0_and_at_most_one_tick_ahead(void **state)
{
    static const struct {
        int64_t time_ns;
        enum sim_input_fault fault;
    } rows[] = {
        {INT64_MIN, SIM_INPUT_NONSENSE}, {-1, SIM_INPUT_NONSENSE},
        {0, SIM_INPUT_NONSENSE},         {1, SIM_INPUT_OK}, /* old is the reader's affair */
        {NOW + 10 * MS, SIM_INPUT_OK},   {NOW + 10 * MS + 1, SIM_INPUT_NONSENSE},
        {INT64_MAX, SIM_INPUT_NONSENSE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sim_input_message message = message_of(rows[i].time_ns);

        assert_judged(&message, rows[i].fault);
    }
}

/* --- The socket. --- */

struct place {
    char folder[64];
    char path[96];
    struct sim_input *input;
    int sender;
};

static int place_make(void **state)
{
    const char *parent = getenv("TMPDIR");
    struct place *place = calloc(1, sizeof(*place));

    assert_non_null(place);
    (void)snprintf(place->folder, sizeof(place->folder), "%s/sim_input_test.XXXXXX",
                   parent != NULL ? parent : "/tmp");
    assert_non_null(mkdtemp(place->folder));
    (void)snprintf(place->path, sizeof(place->path), "%s/socket", place->folder);
    place->sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(place->sender >= 0);
    *state = place;
    return 0;
}

static int place_open(void **state)
{
    struct place *place;

    (void)place_make(state);
    place = *state;
    assert_int_equal(sim_input_open(place->path, true, &place->input), 0);
    return 0;
}

static int place_remove(void **state)
{
    struct place *place = *state;

    sim_input_close(place->input);
    (void)close(place->sender);
    (void)unlink(place->path);
    assert_int_equal(rmdir(place->folder), 0);
    free(place);
    return 0;
}

static int post_bytes(const struct place *place, const void *bytes, size_t size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", place->path);
    return sendto(place->sender, bytes, size, 0, (const struct sockaddr *)&address,
                  sizeof(address)) == (ssize_t)size
               ? 0
               : -errno;
}

static void post(const struct place *place, int64_t time_ns, int32_t mm)
{
    struct sim_input_message message = message_of(time_ns);

    message.sonar_mm = mm;
    assert_int_equal(post_bytes(place, &message, sizeof(message)), 0);
}

/* What is read at that time: its distance, -1: silence. */
static int read_mm(const struct place *place, int64_t now_ns)
{
    struct sim_input_message message = message_of(0);
    int r = sim_input_read(place->input, now_ns, &message);

    assert_true(r == 0 || r == SIM_INPUT_SILENT);
    assert_true(r == 0 || message.time_ns == 0);
    return r == 0 ? message.sonar_mm : -1;
}

static void nothing_was_said_at_first(void **state)
{
    assert_int_equal(read_mm(*state, NOW), -1);
    assert_int_equal(read_mm(*state, 1), -1);
}

static void newest_message_is_read_and_read_again(void **state)
{
    struct place *place = *state;
    struct pollfd ready = {.fd = sim_input_fd(place->input), .events = POLLIN};

    assert_int_equal(poll(&ready, 1, 0), 0);
    for (int i = 1; i <= 5; i++) {
        post(place, NOW + i, i);
    }
    assert_int_equal(poll(&ready, 1, 0), 1);
    assert_int_equal(read_mm(place, NOW), 5);
    assert_int_equal(poll(&ready, 1, 0), 0);
    assert_int_equal(read_mm(place, NOW + MS), 5);
    assert_int_equal(sim_input_malformed(place->input), 0);
}

static void silence_begins_right_after_200_ms(void **state)
{
    post(*state, NOW, 1234);
    assert_int_equal(read_mm(*state, NOW + 200 * MS), 1234);
    assert_int_equal(read_mm(*state, NOW + 200 * MS + 1), -1);
    post(*state, NOW + 190 * MS, 1235);
    assert_int_equal(read_mm(*state, NOW + 201 * MS), 1235);
}

/* What lay in the socket is as old as it is. */
static void old_message_is_silence_though_it_just_arrived(void **state)
{
    post(*state, NOW, 1234);
    assert_int_equal(read_mm(*state, NOW + 201 * MS), -1);
}

static void time_has_to_increase(void **state)
{
    struct place *place = *state;

    post(place, NOW, 1);
    post(place, NOW, 2);
    post(place, NOW - 1, 3);
    assert_int_equal(read_mm(place, NOW), 1);
    assert_int_equal(sim_input_malformed(place->input), 2);
    post(place, NOW - 1, 4);
    assert_int_equal(read_mm(place, NOW), 1);
    post(place, NOW + 1, 5);
    assert_int_equal(read_mm(place, NOW), 5);
    assert_int_equal(sim_input_malformed(place->input), 3);
}

static void malformed_messages_are_counted_and_do_not_end_the_silence(void **state)
{
    struct place *place = *state;
    struct sim_input_message messages[2] = {message_of(NOW + 1), message_of(NOW + 1)};
    static const size_t sizes[] = {0, 23, 25, 48};

    post(place, NOW, 1234);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_int_equal(post_bytes(place, messages, sizes[i]), 0);
    }
    messages[0].magic++;
    assert_int_equal(post_bytes(place, messages, 24), 0);
    assert_int_equal(read_mm(place, NOW), 1234);
    assert_int_equal(sim_input_malformed(place->input), 5);
    assert_int_equal(read_mm(place, NOW + 201 * MS), -1);
}

static void message_from_the_future_is_none_even_later(void **state)
{
    struct place *place = *state;

    post(place, NOW + 50 * MS, 1);
    assert_int_equal(read_mm(place, NOW), -1);
    assert_int_equal(read_mm(place, NOW + 50 * MS), -1);
    assert_int_equal(sim_input_malformed(place->input), 1);
}

static void simulation_is_refused_unless_it_is_allowed(void **state)
{
    struct place *place = *state;

    assert_int_equal(sim_input_open(place->path, false, &place->input), -EPERM);
    assert_null(place->input);
    assert_int_equal(access(place->path, F_OK), -1);
    assert_non_null(strstr(SIM_INPUT_REFUSED, "pty"));
}

static void socket_belongs_to_its_user_alone(void **state)
{
    struct place *place = *state;
    mode_t before = umask(0);
    struct stat status;

    assert_int_equal(sim_input_open(place->path, true, &place->input), 0);
    (void)umask(before);
    assert_int_equal(stat(place->path, &status), 0);
    assert_true(S_ISSOCK(status.st_mode));
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(status.st_uid, geteuid());
}

static void socket_is_removed_at_the_end(void **state)
{
    struct place *place = *state;

    sim_input_close(place->input);
    place->input = NULL;
    assert_int_equal(access(place->path, F_OK), -1);
    sim_input_close(NULL);
}

static void socket_that_a_killed_process_left_is_taken_over(void **state)
{
    struct place *place = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int left = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", place->path);
    assert_int_equal(bind(left, (const struct sockaddr *)&address, sizeof(address)), 0);
    (void)close(left);
    assert_int_equal(sim_input_open(place->path, true, &place->input), 0);
    post(place, NOW, 1234);
    assert_int_equal(read_mm(place, NOW), 1234);
}

/* Nor is a link to a socket one. */
static void what_is_no_socket_is_left_alone(void **state)
{
    struct place *place = *state;
    struct stat status;

    assert_int_equal(symlink("/nonexistent", place->path), 0);
    assert_int_equal(sim_input_open(place->path, true, &place->input), -EADDRINUSE);
    assert_null(place->input);
    assert_int_equal(lstat(place->path, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
}

static void path_that_cannot_be_bound_says_why(void **state)
{
    struct sim_input *input = NULL;
    char path[120];

    (void)state;
    assert_int_equal(sim_input_open("/nonexistent/socket", true, &input), -ENOENT);
    memset(path, 'x', sizeof(path));
    path[0] = '/';
    path[108] = '\0';
    assert_int_equal(sim_input_open(path, true, &input), -ENAMETOOLONG);
    memcpy(path, "/nonexistent/", 13);
    path[107] = '\0';
    assert_int_equal(sim_input_open(path, true, &input), -ENOENT);
    assert_null(input);
}

/* --- The drivers. --- */

static void *sonar_device(const struct place *place)
{
    struct sonar_place options = {.sim_allowed = true};
    void *device;

    (void)snprintf(options.options.socket, sizeof(options.options.socket), "%s", place->path);
    assert_int_equal(sim_input_sonar_driver.open(&options, &device), 0);
    return device;
}

static void each_message_is_one_reading_and_then_comes_a_timeout(void **state)
{
    const struct place *place = *state;
    void *device = sonar_device(place);
    int64_t start_ns = clock_now_ns();
    struct sonar_reading reading;

    post(place, start_ns, 1234);
    sim_input_sonar_driver.measure(device, &reading);
    assert_int_equal(reading.kind, SONAR_GOOD);
    assert_int_equal(reading.mm, 1234);
    assert_int_equal(reading.time_ns, start_ns); /* the sender's */
    start_ns = clock_now_ns();
    sim_input_sonar_driver.measure(device, &reading);
    assert_int_equal(reading.kind, SONAR_TIMEOUT);
    assert_true(clock_now_ns() - start_ns >= SIM_INPUT_SILENT_MS * MS);
    assert_true(reading.time_ns >= start_ns);
    sim_input_sonar_driver.close(device);
}

static void fault_of_the_simulated_sensor_is_a_fault(void **state)
{
    const struct place *place = *state;
    void *device = sonar_device(place);
    struct sim_input_message message = message_of(clock_now_ns());
    struct sonar_reading reading;

    message.sonar_kind = SONAR_NO_ECHO;
    message.sonar_mm = 0;
    assert_int_equal(post_bytes(place, &message, sizeof(message)), 0);
    sim_input_sonar_driver.measure(device, &reading);
    assert_int_equal(reading.kind, SONAR_NO_ECHO);
    assert_int_equal(reading.mm, 0);
    sim_input_sonar_driver.close(device);
}

static void drivers_are_refused_unless_they_are_allowed(void **state)
{
    const struct keys_options options = {.socket = "/nonexistent/socket"};
    const struct keys_place keys_place = {.options = &options};
    const struct sonar_place sonar_place = {.options.socket = "/nonexistent/socket"};
    void *device = NULL;

    (void)state;
    assert_true(sim_input_sonar_driver.simulated);
    assert_int_equal(sim_input_sonar_driver.open(&sonar_place, &device), -EPERM);
    assert_int_equal(sim_input_keys_driver.open(&keys_place, &device), -EPERM);
    assert_null(device);
}

static void silent_simulator_is_an_estop(void **state)
{
    const struct place *place = *state;
    struct keys_options options = {.driver = KEYS_DRIVER_SIM};
    const struct gpio_options gpio = {.chip = "pinctrl-none"};
    struct keys *keys;

    (void)snprintf(options.socket, sizeof(options.socket), "%s", place->path);
    assert_int_equal(keys_open(&options, &gpio, true, &keys), 0);
    assert_string_equal(keys_name(keys), "sim");
    assert_int_equal(keys_read(keys, NOW).estop, KEYS_UNREADABLE);
    post(place, NOW, 0);
    assert_int_equal(keys_read(keys, NOW + 200 * MS).estop, KEYS_RELEASED);
    assert_int_equal(keys_read(keys, NOW + 200 * MS).start, KEYS_PRESSED);
    assert_int_equal(keys_read(keys, NOW + 201 * MS).estop, KEYS_UNREADABLE);
    assert_int_equal(keys_read(keys, NOW + 201 * MS).start, KEYS_UNREADABLE);
    assert_int_equal(keys_show(keys, KEYS_MODE_FAULT, NOW), 0); /* has no lights */
    keys_close(keys);
}

#define TEST(claim)      cmocka_unit_test_setup_teardown(claim, place_make, place_remove)
#define OPEN_TEST(claim) cmocka_unit_test_setup_teardown(claim, place_open, place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_message_is_taken_as_it_is),
        cmocka_unit_test(message_has_the_bytes_that_the_simulator_writes),
        cmocka_unit_test(message_of_any_other_size_is_refused),
        cmocka_unit_test(message_of_another_program_or_version_is_refused),
        cmocka_unit_test(kind_is_one_that_a_sensor_can_have),
        cmocka_unit_test(key_is_unreadable_released_or_pressed),
        cmocka_unit_test(reserved_bits_are_zero),
        cmocka_unit_test(distance_is_a_u16),
        cmocka_unit_test(fault_with_a_distance_is_refused),
        cmocka_unit_test(time_is_after_0_and_at_most_one_tick_ahead),
        OPEN_TEST(nothing_was_said_at_first),
        OPEN_TEST(newest_message_is_read_and_read_again),
        OPEN_TEST(silence_begins_right_after_200_ms),
        OPEN_TEST(old_message_is_silence_though_it_just_arrived),
        OPEN_TEST(time_has_to_increase),
        OPEN_TEST(malformed_messages_are_counted_and_do_not_end_the_silence),
        OPEN_TEST(message_from_the_future_is_none_even_later),
        TEST(simulation_is_refused_unless_it_is_allowed),
        TEST(socket_belongs_to_its_user_alone),
        OPEN_TEST(socket_is_removed_at_the_end),
        TEST(socket_that_a_killed_process_left_is_taken_over),
        TEST(what_is_no_socket_is_left_alone),
        cmocka_unit_test(path_that_cannot_be_bound_says_why),
        TEST(each_message_is_one_reading_and_then_comes_a_timeout),
        TEST(fault_of_the_simulated_sensor_is_a_fault),
        cmocka_unit_test(drivers_are_refused_unless_they_are_allowed),
        TEST(silent_simulator_is_an_estop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
