/* sonar: the judge in virtual time, the slot under two threads, and the choice of a driver. The
 * thread and its device: sonar_i2c_test.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "hal/base/clock.h"
#include "hal/body/gpio.h"
#include "hal/body/sonar.h"

#define MS       CLOCK_NS_PER_MS
#define STALE_MS 120
#define TICK_MS  20
#define WAIT_MS  10000 /* for another thread; far more than it needs */

/* --- The judge. --- */

struct bench {
    struct sonar_judge judge;
    struct sonar_reading reading;
    int64_t now_ns;
    bool moving;
};

static struct bench bench_make(void)
{
    struct bench bench = {.now_ns = 1000 * MS};

    sonar_judge_init(&bench.judge, STALE_MS, bench.now_ns);
    return bench;
}

static struct sonar_verdict step(struct bench *bench)
{
    struct sonar_verdict verdict =
        sonar_judge_step(&bench->judge, &bench->reading, bench->moving, bench->now_ns);

    assert_int_equal(verdict.seq, bench->reading.seq);
    assert_int_equal(verdict.time_ns, bench->reading.time_ns);
    return verdict;
}

/* A tick later, with a new reading that was triggered just now. */
static struct sonar_verdict feed(struct bench *bench, enum sonar_kind kind, int32_t mm)
{
    bench->now_ns += TICK_MS * MS;
    bench->reading = (struct sonar_reading){
        .time_ns = bench->now_ns,
        .seq = bench->reading.seq + 1,
        .mm = mm,
        .kind = kind,
    };
    return step(bench);
}

static struct bench bench_open(int32_t mm)
{
    struct bench bench = bench_make();

    for (int i = 0; i < SONAR_RECOVERY; i++) {
        (void)feed(&bench, SONAR_GOOD, mm);
    }
    assert_int_equal(step(&bench).kind, SONAR_GOOD);
    return bench;
}

static void assert_verdict(struct sonar_verdict verdict, enum sonar_kind kind, int32_t mm)
{
    assert_string_equal(sonar_kind_name(verdict.kind), sonar_kind_name(kind));
    assert_int_equal(verdict.mm, mm);
}

static void assert_recovers(struct bench *bench, int32_t mm)
{
    assert_verdict(feed(bench, SONAR_GOOD, mm), SONAR_RECOVERING, mm);
    assert_verdict(feed(bench, SONAR_GOOD, mm), SONAR_RECOVERING, mm);
    assert_verdict(feed(bench, SONAR_GOOD, mm), SONAR_GOOD, mm);
}

static void every_kind_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < SONAR_KIND_COUNT; i++) {
        assert_string_not_equal(sonar_kind_name((enum sonar_kind)i), "unknown");
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(sonar_kind_name((enum sonar_kind)i),
                                    sonar_kind_name((enum sonar_kind)j));
        }
    }
    assert_string_equal(sonar_kind_name((enum sonar_kind)SONAR_KIND_COUNT), "unknown");
    assert_string_equal(sonar_kind_name(SONAR_NO_ECHO), "no_echo");
}

static void only_20_to_4999_mm_is_a_distance(void **state)
{
    static const struct {
        int32_t mm;
        enum sonar_kind kind;
    } rows[] = {
        {INT32_MIN, SONAR_NONSENSE}, {-1, SONAR_NONSENSE},     {0, SONAR_TOO_NEAR},
        {19, SONAR_TOO_NEAR},        {20, SONAR_GOOD},         {255, SONAR_GOOD},
        {4999, SONAR_GOOD},          {5000, SONAR_NO_ECHO},    {0xfffe, SONAR_NO_ECHO},
        {0xffff, SONAR_NONSENSE},    {0x10000, SONAR_NO_ECHO}, {INT32_MAX, SONAR_NO_ECHO},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bench bench = bench_open(1000);

        assert_int_equal(sonar_classify(rows[i].mm), rows[i].kind);
        /* Also when a driver calls it good. */
        assert_verdict(feed(&bench, SONAR_GOOD, rows[i].mm), rows[i].kind,
                       rows[i].kind == SONAR_GOOD ? rows[i].mm : -1);
    }
}

static void judge_begins_with_a_fault(void **state)
{
    struct bench bench = bench_make();

    (void)state;
    assert_verdict(step(&bench), SONAR_NONE, -1);
    bench.now_ns += TICK_MS * MS;
    assert_verdict(step(&bench), SONAR_NONE, -1);
    assert_recovers(&bench, 300);
}

static void one_reading_counts_once_however_often_it_is_looked_at(void **state)
{
    struct bench bench = bench_make();

    (void)state;
    (void)feed(&bench, SONAR_GOOD, 300);
    for (int i = 0; i < 10; i++, bench.now_ns += MS) {
        assert_verdict(step(&bench), SONAR_RECOVERING, 300);
    }
    (void)feed(&bench, SONAR_GOOD, 300);
    assert_verdict(feed(&bench, SONAR_GOOD, 300), SONAR_GOOD, 300);
}

static void readings_that_were_missed_cost_nothing(void **state)
{
    struct bench bench = bench_open(300);

    (void)state;
    bench.reading.seq += 1000;
    assert_verdict(feed(&bench, SONAR_GOOD, 310), SONAR_GOOD, 310);
}

static void every_fault_takes_all_credit(void **state)
{
    (void)state;
    for (int kind = SONAR_NONE; kind <= SONAR_MISSING; kind++) {
        struct bench bench = bench_open(300);

        if (kind == SONAR_GOOD) {
            continue;
        }
        /* A distance in a faulty reading is none. */
        assert_verdict(feed(&bench, (enum sonar_kind)kind, 400), (enum sonar_kind)kind, -1);
        assert_verdict(feed(&bench, SONAR_GOOD, 300), SONAR_RECOVERING, 300);
        assert_verdict(feed(&bench, (enum sonar_kind)kind, 400), (enum sonar_kind)kind, -1);
        assert_recovers(&bench, 300);
    }
}

static void reading_is_stale_right_after_its_time(void **state)
{
    struct bench bench = bench_open(300);

    (void)state;
    bench.now_ns = bench.reading.time_ns + STALE_MS * MS;
    assert_verdict(step(&bench), SONAR_GOOD, 300);
    bench.now_ns++;
    assert_verdict(step(&bench), SONAR_STALE, -1);
    assert_recovers(&bench, 300);
}

static void reading_that_was_stale_is_not_believed_again(void **state)
{
    struct bench bench = bench_open(300);

    (void)state;
    bench.now_ns += (STALE_MS + 1) * MS;
    assert_verdict(step(&bench), SONAR_STALE, -1);
    bench.now_ns -= (STALE_MS + 1) * MS;
    assert_verdict(step(&bench), SONAR_RECOVERING, 300);
}

static void reading_may_be_one_tick_ahead_and_not_more(void **state)
{
    struct bench bench = bench_open(300);

    (void)state;
    bench.now_ns = bench.reading.time_ns - SONAR_AHEAD_MS * MS;
    assert_verdict(step(&bench), SONAR_GOOD, 300);
    bench.now_ns--;
    assert_verdict(step(&bench), SONAR_STALE, -1);
    bench.now_ns = bench.reading.time_ns;
    assert_verdict(step(&bench), SONAR_RECOVERING, 300);
}

static void reading_whose_time_does_not_increase_is_stale(void **state)
{
    (void)state;
    for (int64_t back_ns = 0; back_ns <= 1; back_ns++) {
        struct bench bench = bench_open(300);

        bench.reading.seq++;
        bench.reading.time_ns -= back_ns;
        assert_verdict(step(&bench), SONAR_STALE, -1);
        assert_recovers(&bench, 300);
    }
}

static void distance_that_never_changes_while_driving_is_stuck(void **state)
{
    struct bench bench = bench_open(300);

    (void)state;
    bench.moving = true;
    for (int ms = TICK_MS; ms <= SONAR_STUCK_MS; ms += TICK_MS) {
        assert_verdict(feed(&bench, SONAR_GOOD, 300), SONAR_GOOD, 300);
    }
    bench.now_ns++;
    assert_verdict(step(&bench), SONAR_STUCK, 300); /* may close the way */
    assert_verdict(feed(&bench, SONAR_GOOD, 300), SONAR_STUCK, 300);
    assert_recovers(&bench, 301);
}

static void stuck_distance_stays_a_fault_while_the_car_stands(void **state)
{
    struct bench bench = bench_open(300);

    (void)state;
    bench.moving = true;
    for (int ms = 0; ms <= SONAR_STUCK_MS; ms += TICK_MS) {
        (void)feed(&bench, SONAR_GOOD, 300);
    }
    bench.moving = false;
    for (int i = 0; i < 100; i++) {
        assert_verdict(feed(&bench, SONAR_GOOD, 300), SONAR_STUCK, 300);
    }
}

static void standing_car_may_see_the_same_for_ever(void **state)
{
    struct bench bench = bench_open(300);

    (void)state;
    for (int ms = 0; ms < 10 * SONAR_STUCK_MS; ms += TICK_MS) {
        assert_verdict(feed(&bench, SONAR_GOOD, 300), SONAR_GOOD, 300);
    }
}

static void changing_distance_is_never_stuck(void **state)
{
    struct bench bench = bench_open(300);

    (void)state;
    bench.moving = true;
    for (int i = 0; i < 10 * SONAR_STUCK_MS / TICK_MS; i++) {
        int32_t mm = 300 + i / 40 % 2; /* changes every 800 ms, by the least there is */

        assert_verdict(feed(&bench, SONAR_GOOD, mm), SONAR_GOOD, mm);
    }
}

/* Neither a stop nor a fault nor a clock that goes back gives a dead sensor another second. */
static void time_in_motion_is_kept(void **state)
{
    struct bench bench = bench_open(300);

    (void)state;
    bench.moving = true;
    for (int ms = 0; ms < SONAR_STUCK_MS - 2 * TICK_MS; ms += TICK_MS) {
        (void)feed(&bench, SONAR_GOOD, 300);
    }
    bench.moving = false;
    for (int i = 0; i < 200; i++) {
        (void)feed(&bench, SONAR_GOOD, 300);
    }
    bench.moving = true;
    bench.now_ns -= TICK_MS * MS;
    (void)step(&bench);
    (void)feed(&bench, SONAR_PLACEHOLDER, 0);
    assert_verdict(feed(&bench, SONAR_GOOD, 300), SONAR_RECOVERING, 300);
    assert_verdict(feed(&bench, SONAR_GOOD, 300), SONAR_STUCK, 300);
}

static void sensor_that_is_off_is_off_and_nothing_else(void **state)
{
    struct bench bench = bench_make();

    (void)state;
    bench.reading.kind = SONAR_OFF;
    bench.moving = true;
    for (int i = 0; i < 200; i++) {
        bench.now_ns += TICK_MS * MS;
        assert_verdict(step(&bench), SONAR_OFF, -1);
    }
}

/* Whatever comes: a distance is one that was measured just now, and no error is any distance. */
static void error_is_never_far(void **state)
{
    static const int32_t distances[] = {-1, 0, 19, 20, 255, 1000, 4999, 5000, 0xffff, 99999};
    struct bench bench = bench_make();
    unsigned int seed = 1;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        bool good = rand_r(&seed) % 4 != 0;
        int32_t mm = distances[rand_r(&seed) % (sizeof(distances) / sizeof(distances[0]))];
        enum sonar_kind kind = good ? SONAR_GOOD : (enum sonar_kind)(rand_r(&seed) % SONAR_STALE);
        struct sonar_verdict verdict;

        bench.moving = rand_r(&seed) % 2 != 0;
        bench.now_ns += rand_r(&seed) % 8 == 0 ? STALE_MS * MS : 0;
        verdict = feed(&bench, kind, mm);
        if (kind != SONAR_GOOD || sonar_classify(mm) != SONAR_GOOD) {
            assert_int_equal(verdict.mm, -1);
            assert_int_not_equal(verdict.kind, SONAR_GOOD);
            assert_int_not_equal(verdict.kind, SONAR_OFF);
        } else {
            assert_int_equal(verdict.mm, mm);
        }
        bench.now_ns += STALE_MS * MS * (rand_r(&seed) % 2) + 1;
        verdict = step(&bench);
        assert_true(verdict.mm == -1 || verdict.mm == mm);
        assert_true(verdict.mm == -1 || bench.now_ns - bench.reading.time_ns <= STALE_MS * MS);
    }
}

/* --- The slot. --- */

static struct sonar_reading numbered(uint64_t number)
{
    return (struct sonar_reading){
        .time_ns = (int64_t)(number * 1000003),
        .seq = number,
        .mm = (int32_t)(number * 7 & INT32_MAX),
        .error = -(int32_t)(number * 13 & INT32_MAX),
        .kind = (enum sonar_kind)(number % SONAR_KIND_COUNT),
    };
}

static bool is_whole(const struct sonar_reading *reading)
{
    struct sonar_reading whole = numbered(reading->seq);

    return reading->time_ns == whole.time_ns && reading->mm == whole.mm &&
           reading->error == whole.error && reading->kind == whole.kind;
}

static void slot_gives_the_latest_reading_and_counts(void **state)
{
    struct sonar_slot slot = {0};
    struct sonar_reading got = sonar_slot_get(&slot);

    (void)state;
    assert_int_equal(got.seq, 0);
    assert_int_equal(got.kind, SONAR_NONE);
    for (uint64_t number = 1; number < 10; number++) {
        struct sonar_reading reading = numbered(number);

        reading.seq = 77; /* the slot's affair */
        sonar_slot_put(&slot, &reading);
        got = sonar_slot_get(&slot);
        assert_int_equal(got.seq, number);
        assert_true(is_whole(&got));
    }
}

static void writer_stopped_in_the_middle_disturbs_nobody(void **state)
{
    struct sonar_slot slot = {0};
    struct sonar_reading got;

    (void)state;
    for (uint64_t number = 1; number < 4; number++) {
        struct sonar_reading reading = numbered(number);

        sonar_slot_put(&slot, &reading);
        slot.cells[(number + 1) % 2].time_ns = -1;
        slot.cells[(number + 1) % 2].mm = 4999;
        got = sonar_slot_get(&slot);
        assert_int_equal(got.seq, number);
        assert_true(is_whole(&got));
    }
}

struct traffic {
    struct sonar_slot slot;
    atomic_bool stop;
};

static void *write_all_the_time(void *argument)
{
    struct traffic *traffic = argument;

    for (uint64_t number = 1; !traffic->stop; number++) {
        struct sonar_reading reading = numbered(number);

        sonar_slot_put(&traffic->slot, &reading);
    }
    return NULL;
}

static void no_reading_is_torn_between_two_threads(void **state)
{
    int64_t until_ns = clock_now_ns() + 400 * MS;
    struct traffic traffic = {0};
    uint64_t last = 0, torn = 0, backward = 0, different = 0;
    pthread_t writer;

    (void)state;
    assert_int_equal(pthread_create(&writer, NULL, write_all_the_time, &traffic), 0);
    while (clock_now_ns() < until_ns || different < 2) {
        struct sonar_reading got = sonar_slot_get(&traffic.slot);

        if (got.seq == 0) { /* the slot may give up, as no driver is so fast */
            torn += got.time_ns != 0 || got.mm != 0 || got.kind != SONAR_NONE;
            continue;
        }
        torn += !is_whole(&got);
        backward += got.seq < last;
        different += got.seq != last;
        last = got.seq;
    }
    traffic.stop = true;
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_int_equal(torn, 0);
    assert_int_equal(backward, 0);
}

/* --- The drivers, on a car without GPIO. --- */

int gpio_open(const char *chip, struct gpio **ret_gpio)
{
    (void)chip;
    (void)ret_gpio;
    return -ENODEV;
}

void gpio_close(struct gpio *gpio)
{
    assert_null(gpio);
}

int gpio_output_open(struct gpio *gpio, unsigned int number, bool active_low,
                     struct gpio_line **ret_line)
{
    (void)gpio, (void)number, (void)active_low, (void)ret_line;
    return -EINVAL;
}

int gpio_edges_open(struct gpio *gpio, unsigned int number, struct gpio_line **ret_line)
{
    (void)gpio, (void)number, (void)ret_line;
    return -EINVAL;
}

void gpio_line_close(struct gpio_line *line)
{
    assert_null(line);
}

int gpio_line_set(struct gpio_line *line, bool active)
{
    (void)line, (void)active;
    return -EIO;
}

int gpio_line_wait(struct gpio_line *line, int64_t timeout_ns)
{
    (void)line, (void)timeout_ns;
    return -EIO;
}

int gpio_line_read(struct gpio_line *line, struct gpio_edge *ret_edge)
{
    (void)line, (void)ret_edge;
    return -EIO;
}

static int sonar_of(enum sonar_driver_choice driver, bool sim_allowed, struct sonar **ret_sonar)
{
    const struct gpio_options gpio = {.chip = "pinctrl-none"};
    const struct sonar_options options = {
        .driver = driver,
        .device = "/nonexistent/i2c",
        .socket = "/nonexistent/sim-sonar.sock",
        .stale_ms = STALE_MS,
    };

    return sonar_open(&options, &gpio, sim_allowed, ret_sonar);
}

static struct sonar_reading await(const struct sonar *sonar, uint64_t seq)
{
    int64_t until_ns = clock_now_ns() + WAIT_MS * MS;
    struct sonar_reading reading;

    for (sonar_read(sonar, &reading); reading.seq < seq; sonar_read(sonar, &reading)) {
        assert_true(clock_now_ns() < until_ns);
        (void)usleep(1000);
    }
    return reading;
}

static void each_choice_has_its_driver(void **state)
{
    static const struct {
        enum sonar_driver_choice choice;
        const char *name;
        int error;
    } rows[] = {
        {SONAR_DRIVER_I2C, "i2c", -ENOENT},
        {SONAR_DRIVER_HCSR04, "hcsr04", -ENODEV},
        {SONAR_DRIVER_SIM, "sim", -ENOENT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sonar_reading reading;
        struct sonar *sonar;

        assert_int_equal(sonar_of(rows[i].choice, true, &sonar), 0);
        assert_string_equal(sonar_name(sonar), rows[i].name);
        reading = await(sonar, 1);
        assert_int_equal(reading.kind, SONAR_MISSING);
        assert_int_equal(reading.error, rows[i].error);
        sonar_close(sonar);
    }
}

static void sensor_that_is_off_has_no_reading(void **state)
{
    struct sonar_reading reading;
    struct sonar *sonar;

    (void)state;
    assert_int_equal(sonar_of(SONAR_DRIVER_OFF, false, &sonar), 0);
    assert_string_equal(sonar_name(sonar), "off");
    sonar_read(sonar, &reading);
    assert_int_equal(reading.kind, SONAR_OFF);
    sonar_close(sonar);
}

static void simulated_sensor_is_refused_unless_it_is_allowed(void **state)
{
    struct sonar *sonar = NULL;

    (void)state;
    assert_int_equal(sonar_of(SONAR_DRIVER_SIM, false, &sonar), -EPERM);
    assert_null(sonar);
    sonar_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_a_name_of_its_own),
        cmocka_unit_test(only_20_to_4999_mm_is_a_distance),
        cmocka_unit_test(judge_begins_with_a_fault),
        cmocka_unit_test(one_reading_counts_once_however_often_it_is_looked_at),
        cmocka_unit_test(readings_that_were_missed_cost_nothing),
        cmocka_unit_test(every_fault_takes_all_credit),
        cmocka_unit_test(reading_is_stale_right_after_its_time),
        cmocka_unit_test(reading_that_was_stale_is_not_believed_again),
        cmocka_unit_test(reading_may_be_one_tick_ahead_and_not_more),
        cmocka_unit_test(reading_whose_time_does_not_increase_is_stale),
        cmocka_unit_test(distance_that_never_changes_while_driving_is_stuck),
        cmocka_unit_test(stuck_distance_stays_a_fault_while_the_car_stands),
        cmocka_unit_test(standing_car_may_see_the_same_for_ever),
        cmocka_unit_test(changing_distance_is_never_stuck),
        cmocka_unit_test(time_in_motion_is_kept),
        cmocka_unit_test(sensor_that_is_off_is_off_and_nothing_else),
        cmocka_unit_test(error_is_never_far),
        cmocka_unit_test(slot_gives_the_latest_reading_and_counts),
        cmocka_unit_test(writer_stopped_in_the_middle_disturbs_nobody),
        cmocka_unit_test(no_reading_is_torn_between_two_threads),
        cmocka_unit_test(each_choice_has_its_driver),
        cmocka_unit_test(sensor_that_is_off_has_no_reading),
        cmocka_unit_test(simulated_sensor_is_refused_unless_it_is_allowed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
