/* camera_libcamera: the driver against a camera that is played behind libcamera.h, in virtual time.
 *
 * pthread_create is wrapped: a job runs at once, or when the test lets it, so that nothing here
 * depends on when a thread is scheduled.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hal/base/clock.h"
#include "hal/camera/camera_libcamera.h"

#define MS      CLOCK_NS_PER_MS
#define TIMEOUT 1000 /* ms */

/* The threads. */

static struct {
    bool held, pending;
    int refusals;
    void *(*main)(void *);
    void *user;
} threads;

static void let_job_run(void)
{
    if (threads.pending) {
        threads.pending = false;
        (void)threads.main(threads.user);
    }
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*thread_main)(void *), void *user);
int __wrap_pthread_join(pthread_t thread, void **ret_result);
int __wrap_pthread_timedjoin_np(pthread_t thread, void **ret_result, const struct timespec *end);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*thread_main)(void *), void *user)
{
    (void)attributes;
    if (threads.refusals > 0) {
        threads.refusals--;
        return EAGAIN;
    }
    assert_false(threads.pending);
    threads.main = thread_main;
    threads.user = user;
    threads.pending = true;
    memset(thread, 0, sizeof(*thread));
    if (!threads.held) {
        let_job_run();
    }
    return 0;
}

int __wrap_pthread_join(pthread_t thread, void **ret_result)
{
    (void)thread;
    (void)ret_result;
    assert_false(threads.pending);
    return 0;
}

/* The job ends within the time that is given to it. */
int __wrap_pthread_timedjoin_np(pthread_t thread, void **ret_result, const struct timespec *end)
{
    (void)end;
    let_job_run();
    return __wrap_pthread_join(thread, ret_result);
}

/* The library and its camera. Objects are told apart by their address alone. */

static struct {
    int new_result, open_result;
    int cameras;
    int managers, opens, closes, gives; /* so often */
    int64_t opened_ms;
    unsigned long errors;
    char id[40];
    int width_px, height_px;
    bool is_open, unplugged, has_picture, taken;
    struct libcamera_picture picture;
} fake;

static char manager_object, stream_object;
static int64_t now_ms;

const char *libcamera_version(void)
{
    return "0.0-played";
}

void libcamera_hush(void)
{
}

int libcamera_new(struct libcamera_manager **ret_manager)
{
    if (fake.new_result == 0) {
        fake.managers++;
        *ret_manager = (void *)&manager_object;
    }
    return fake.new_result;
}

void libcamera_free(struct libcamera_manager *manager)
{
    assert_true(manager == NULL || manager == (void *)&manager_object);
    assert_false(fake.is_open);
    fake.managers -= manager != NULL ? 1 : 0;
}

int libcamera_find(struct libcamera_manager *manager, const char *id,
                   char ret_reason[LIBCAMERA_REASON_SIZE])
{
    assert_ptr_equal(manager, &manager_object);
    if (fake.cameras == 1 || (fake.cameras > 1 && id[0] != '\0')) {
        return 0;
    }
    (void)snprintf(ret_reason, LIBCAMERA_REASON_SIZE, "%d cameras", fake.cameras);
    return fake.cameras == 0 ? -ENODEV : -ENOTUNIQ;
}

int libcamera_open(struct libcamera_manager *manager, const char *id, int width_px, int height_px,
                   struct libcamera_stream **ret_stream, char ret_reason[LIBCAMERA_REASON_SIZE])
{
    assert_ptr_equal(manager, &manager_object);
    assert_false(fake.is_open);
    fake.opens++;
    fake.opened_ms = now_ms;
    if (fake.open_result < 0) {
        (void)snprintf(ret_reason, LIBCAMERA_REASON_SIZE, "camera x does not start");
        return fake.open_result;
    }
    (void)snprintf(fake.id, sizeof(fake.id), "%s", id);
    fake.width_px = width_px;
    fake.height_px = height_px;
    fake.is_open = true;
    fake.unplugged = fake.has_picture = fake.taken = false;
    *ret_stream = (void *)&stream_object;
    return 0;
}

void libcamera_close(struct libcamera_stream *stream)
{
    assert_ptr_equal(stream, &stream_object);
    assert_true(fake.is_open);
    assert_false(fake.taken);
    fake.closes++;
    fake.is_open = false;
}

const char *libcamera_mode_text(const struct libcamera_stream *stream)
{
    (void)stream;
    return "MJPEG 640x480";
}

int libcamera_fd(const struct libcamera_stream *stream)
{
    (void)stream;
    return 77;
}

unsigned long libcamera_errors(const struct libcamera_stream *stream)
{
    (void)stream;
    return fake.errors;
}

int libcamera_take(struct libcamera_stream *stream, struct libcamera_picture *ret_picture)
{
    (void)stream;
    assert_true(fake.is_open);
    assert_false(fake.taken);
    if (!fake.has_picture) {
        return fake.unplugged ? -ENODEV : LIBCAMERA_NO_PICTURE;
    }
    fake.has_picture = false;
    fake.taken = true;
    *ret_picture = fake.picture;
    return 0;
}

void libcamera_give_back(struct libcamera_stream *stream)
{
    (void)stream;
    assert_true(fake.taken);
    fake.taken = false;
    fake.gives++;
}

/* The bench. */

static const uint8_t whole[] = {0xFF, 0xD8, 1, 2, 3, 0xFF, 0xD9};
static struct camera *camera;

static void open_camera(const char *id)
{
    struct camera_options options = {.driver = CAMERA_DRIVER_LIBCAMERA,
                                     .width_px = 640,
                                     .height_px = 480,
                                     .timeout_ms = TIMEOUT};

    (void)snprintf(options.id, sizeof(options.id), "%s", id);
    assert_int_equal(camera_open(&options, &camera), 0);
}

static int set_up(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof(fake));
    memset(&threads, 0, sizeof(threads));
    fake.cameras = 1;
    now_ms = 100000;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    camera_close(camera);
    camera = NULL;
    assert_int_equal(fake.managers, 0);
    assert_int_equal(fake.closes, fake.opens - (fake.open_result < 0 ? fake.opens : 0));
    return 0;
}

static void give(uint32_t sequence, const uint8_t *bytes, size_t size)
{
    fake.picture = (struct libcamera_picture){
        .source = {.format = PIXELS_JPEG, .width_px = 640, .height_px = 480, .plane_count = 1},
        .sequence = sequence,
        .sensor_ns = (now_ms - 10) * MS,
        .arrived_ns = now_ms * MS,
    };
    fake.picture.source.plane[0] =
        (struct pixels_plane){.bytes = bytes, .length = size, .used = size};
    fake.has_picture = true;
}

static int take(struct frame *ret_frame)
{
    return camera_take(camera, now_ms * MS, ret_frame);
}

static void take_nothing(void)
{
    struct frame frame;

    assert_int_equal(take(&frame), CAMERA_NO_FRAME);
}

/* Opened, with a picture. */
static void start(void)
{
    struct frame frame;

    open_camera("");
    take_nothing(); /* begins */
    take_nothing(); /* and is done */
    assert_int_equal(camera_fd(camera), 77);
    give(0, whole, sizeof(whole));
    assert_int_equal(take(&frame), 0);
}

/* The loop's calls until then. */
static void wait_ms(int64_t ms)
{
    for (int64_t end_ms = now_ms + ms; now_ms < end_ms; now_ms += 10) {
        take_nothing();
    }
}

static void assert_state(const char *part)
{
    if (strstr(camera_state(camera), part) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", part, camera_state(camera));
    }
}

static void a_picture_becomes_a_frame(void **state)
{
    struct frame frame;

    (void)state;
    open_camera("front one");
    assert_int_equal(camera_fd(camera), -1);
    assert_state("starting");
    take_nothing();
    take_nothing();
    assert_string_equal(fake.id, "front one");
    assert_int_equal(fake.width_px, 640);
    assert_int_equal(fake.height_px, 480);
    assert_state("no picture yet");
    give(4, whole, sizeof(whole));
    assert_int_equal(take(&frame), 0);
    assert_int_equal(frame.seq, 1);
    assert_int_equal(frame.capture_ns, (now_ms - 10) * MS);
    assert_int_equal(frame.format, FRAME_JPEG);
    assert_memory_equal(frame.bytes, whole, sizeof(whole));
    assert_ptr_not_equal(frame.bytes, whole);
    assert_string_equal(frame.name, "camera");
    assert_int_equal(fake.gives, 1); /* at once */
    assert_string_equal(camera_state(camera), "MJPEG 640x480");
    take_nothing();
}

static void lost_pictures_show_in_the_number(void **state)
{
    struct frame frame;

    (void)state;
    start();
    give(3, whole, sizeof(whole));
    assert_int_equal(take(&frame), 0);
    assert_int_equal(frame.seq, 4);
    give(3, whole, sizeof(whole)); /* a counter that stands */
    assert_int_equal(take(&frame), 0);
    assert_int_equal(frame.seq, 5);
    give(UINT32_MAX, whole, sizeof(whole)); /* or jumps */
    assert_int_equal(take(&frame), 0);
    assert_int_equal(frame.seq, 6);
    give(1, whole, sizeof(whole)); /* or overflows */
    assert_int_equal(take(&frame), 0);
    assert_int_equal(frame.seq, 8);
}

static void a_broken_picture_is_dropped_and_counted(void **state)
{
    struct frame frame;

    (void)state;
    start();
    give(1, whole, sizeof(whole) - 1);
    take_nothing();
    assert_state("but the picture is cut off (1 in a row)");
    give(2, whole, 0);
    take_nothing();
    assert_state("but the picture is empty (2 in a row)");
    assert_int_equal(fake.gives, 3);
    give(3, whole, sizeof(whole));
    fake.picture.source.plane[0].length = fake.picture.source.plane[0].used = CAMERA_FRAME_MAX + 1;
    take_nothing(); /* not a byte of it is read */
    assert_state("but the picture is too large (3 in a row)");
    give(3, whole, sizeof(whole));
    assert_int_equal(take(&frame), 0);
    assert_int_equal(frame.seq, 4);
    assert_string_equal(camera_state(camera), "MJPEG 640x480");
}

static void silence_opens_the_camera_again(void **state)
{
    struct frame frame;

    (void)state;
    start();
    fake.errors = 12;
    wait_ms(TIMEOUT);
    assert_int_equal(fake.closes, 0);
    take_nothing();
    assert_int_equal(fake.closes, 1);
    assert_state("no picture came for 1000 ms, and 12 broken ones");
    assert_int_equal(camera_fd(camera), -1);
    take_nothing();
    take_nothing();
    assert_int_equal(fake.opens, 2);
    assert_int_equal(camera_fd(camera), 77);
    assert_state("no picture came for 1000 ms"); /* still true */
    give(0, whole, sizeof(whole));               /* it counts from the beginning, we go on */
    assert_int_equal(take(&frame), 0);
    assert_int_equal(frame.seq, 2);
}

static void broken_pictures_are_no_sign_of_life(void **state)
{
    (void)state;
    start();
    for (int i = 0; i < 100; i++) {
        give((uint32_t)i, whole, 5);
        take_nothing();
        now_ms += 10;
    }
    assert_int_equal(fake.closes, 0);
    give(100, whole, 5);
    take_nothing();
    assert_int_equal(fake.closes, 1);
    assert_state("cut off (101 in a row)");
}

static void the_first_picture_may_take_longer(void **state)
{
    (void)state;
    open_camera("");
    take_nothing();
    wait_ms(TIMEOUT + CAMERA_LIBCAMERA_START_MS);
    assert_int_equal(fake.closes, 0);
    take_nothing();
    assert_int_equal(fake.closes, 1);
}

static void attempts_become_rare_and_a_picture_makes_them_quick(void **state)
{
    static const int64_t pauses_ms[] = {500, 1000, 2000, 4000, 4000};
    struct frame frame;

    (void)state;
    start();
    wait_ms(TIMEOUT + 30);
    assert_int_equal(fake.opens, 2); /* without a pause */
    for (size_t i = 0; i < sizeof(pauses_ms) / sizeof(pauses_ms[0]); i++) {
        int64_t before_ms = fake.opened_ms, after_ms;
        int opens = fake.opens;

        wait_ms(TIMEOUT + CAMERA_LIBCAMERA_START_MS + pauses_ms[i] + 50);
        assert_int_equal(fake.opens, opens + 1);
        after_ms = fake.opened_ms - before_ms - TIMEOUT - CAMERA_LIBCAMERA_START_MS;
        assert_in_range(after_ms, pauses_ms[i], pauses_ms[i] + 50);
    }
    give(0, whole, sizeof(whole));
    assert_int_equal(take(&frame), 0);
    wait_ms(TIMEOUT + 30);
    assert_int_equal(fake.opens, 8);
}

static void a_camera_that_does_not_start_is_left_alone_for_longer(void **state)
{
    (void)state;
    fake.open_result = -EIO;
    open_camera("");
    take_nothing();
    take_nothing();
    assert_int_equal(fake.opens, 1);
    assert_state("camera x does not start: Input/output error");
    wait_ms(490);
    assert_int_equal(fake.opens, 1);
    wait_ms(30);
    assert_int_equal(fake.opens, 2);
    wait_ms(900);
    assert_int_equal(fake.opens, 2);
    wait_ms(150);
    assert_int_equal(fake.opens, 3);
}

static void an_unplugged_camera_is_taken_as_soon_as_it_is_back(void **state)
{
    struct frame frame;

    (void)state;
    start();
    fake.unplugged = true;
    fake.cameras = 0;
    take_nothing();
    assert_int_equal(fake.closes, 1);
    assert_state("unplugged");
    wait_ms(10000);
    assert_int_equal(fake.opens, 1);
    assert_state("0 cameras");
    fake.cameras = 1;
    wait_ms(CAMERA_LOOK_MS + 20);
    assert_int_equal(fake.opens, 2);
    give(0, whole, sizeof(whole));
    assert_int_equal(take(&frame), 0);
}

static void one_of_several_has_to_be_named(void **state)
{
    (void)state;
    fake.cameras = 2;
    open_camera("");
    wait_ms(1000);
    assert_int_equal(fake.opens, 0);
    assert_state("2 cameras");
    camera_close(camera);
    open_camera("that one");
    wait_ms(10);
    assert_int_equal(fake.opens, 1);
}

static void nothing_is_touched_while_a_job_hangs(void **state)
{
    (void)state;
    start();
    threads.held = true;
    wait_ms(TIMEOUT + 10);
    assert_true(threads.pending); /* closing */
    wait_ms(60000);
    assert_int_equal(camera_fd(camera), -1);
    assert_int_equal(fake.closes, 0);
    let_job_run();
    threads.held = false;
    wait_ms(20);
    assert_int_equal(fake.closes, 1);
    assert_int_equal(fake.opens, 2);
}

static void closing_waits_for_a_job(void **state)
{
    (void)state;
    open_camera("");
    threads.held = true;
    take_nothing();
    assert_true(threads.pending);
    camera_close(camera);
    camera = NULL;
    assert_int_equal(fake.opens, 1);
    assert_int_equal(fake.closes, 1);
    assert_int_equal(fake.managers, 0);
}

static void a_thread_that_cannot_be_had_is_asked_for_again(void **state)
{
    (void)state;
    open_camera("");
    threads.refusals = 3;
    wait_ms(30);
    assert_int_equal(fake.opens, 0);
    wait_ms(20);
    assert_int_equal(fake.opens, 1);
    threads.refusals = 1;
    camera_close(camera); /* then closes by itself */
    camera = NULL;
    assert_int_equal(fake.closes, 1);
}

static void a_library_that_does_not_start_is_told(void **state)
{
    (void)state;
    fake.new_result = -EMFILE;
    open_camera("");
    wait_ms(20);
    assert_state("libcamera: Too many open files");
    fake.new_result = 0;
    wait_ms(600);
    assert_int_equal(fake.opens, 1);
}

static void a_time_is_believed_only_if_it_can_be(void **state)
{
    static const int64_t now_ns = 5000 * CLOCK_NS_PER_S, slept_ns = 900 * CLOCK_NS_PER_S;
    static const struct {
        int64_t sensor_ns, buffer_ns, boot_ahead_ns, expected_ns;
    } cases[] = {
        {now_ns - 30 * MS, now_ns - 20 * MS, 0, now_ns - 30 * MS},
        {0, now_ns - 20 * MS, 0, now_ns - 20 * MS},
        {0, 0, 0, now_ns},
        {now_ns + MS, 0, 0, now_ns},                               /* a hair too late */
        {now_ns + 2 * MS, 0, 0, now_ns},                           /* the future */
        {now_ns - 3000 * MS, now_ns - 9 * MS, 0, now_ns - 9 * MS}, /* the past */
        {-5, -5, 0, now_ns},
        /* CLOCK_BOOTTIME, as the documentation has it, on a machine that slept. */
        {now_ns + slept_ns - 30 * MS, now_ns - 20 * MS, slept_ns, now_ns - 30 * MS},
        {now_ns - 30 * MS, 0, slept_ns, now_ns - 30 * MS},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct libcamera_picture picture = {.sensor_ns = cases[i].sensor_ns,
                                            .buffer_ns = cases[i].buffer_ns,
                                            .arrived_ns = now_ns,
                                            .boot_ahead_ns = cases[i].boot_ahead_ns};

        assert_int_equal(camera_libcamera_time(&picture), cases[i].expected_ns);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_picture_becomes_a_frame),
        TEST(lost_pictures_show_in_the_number),
        TEST(a_broken_picture_is_dropped_and_counted),
        TEST(silence_opens_the_camera_again),
        TEST(broken_pictures_are_no_sign_of_life),
        TEST(the_first_picture_may_take_longer),
        TEST(attempts_become_rare_and_a_picture_makes_them_quick),
        TEST(a_camera_that_does_not_start_is_left_alone_for_longer),
        TEST(an_unplugged_camera_is_taken_as_soon_as_it_is_back),
        TEST(one_of_several_has_to_be_named),
        TEST(nothing_is_touched_while_a_job_hangs),
        TEST(closing_waits_for_a_job),
        TEST(a_thread_that_cannot_be_had_is_asked_for_again),
        TEST(a_library_that_does_not_start_is_told),
        cmocka_unit_test(a_time_is_believed_only_if_it_can_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
