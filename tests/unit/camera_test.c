/* camera: the simulator's pictures arrive whole, the newest counts, and what is none is none. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "hal/base/clock.h"
#include "hal/camera/camera_sim.h"

struct stage {
    char folder[40];
    struct camera_options options;
    int listen_fd, fd;
    struct camera *camera;
};

static struct stage stage;

static int set_up(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)state;
    strcpy(stage.folder, "/tmp/turbonav-camera-XXXXXX");
    assert_non_null(mkdtemp(stage.folder));
    stage.options.driver = CAMERA_DRIVER_SIM;
    (void)snprintf(stage.options.socket, sizeof(stage.options.socket), "%s/c", stage.folder);
    strcpy(address.sun_path, stage.options.socket);
    stage.listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(stage.listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(stage.listen_fd, 2), 0);
    assert_int_equal(camera_open(&stage.options, &stage.camera), 0);
    stage.fd = -1;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    camera_close(stage.camera);
    (void)close(stage.listen_fd);
    if (stage.fd >= 0) {
        (void)close(stage.fd);
    }
    (void)unlink(stage.options.socket);
    (void)rmdir(stage.folder);
    return 0;
}

static struct camera_sim_message message_of(uint64_t seq, size_t size)
{
    return (struct camera_sim_message){.magic = CAMERA_SIM_MAGIC,
                                       .version = CAMERA_SIM_VERSION,
                                       .seq = seq,
                                       .capture_ns = clock_now_ns(),
                                       .size = (uint32_t)size};
}

static void send_raw(const void *bytes, size_t size, int fd)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {{0}};
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};

    if (fd >= 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = sizeof(control.bytes);
        CMSG_FIRSTHDR(&header)->cmsg_level = SOL_SOCKET;
        CMSG_FIRSTHDR(&header)->cmsg_type = SCM_RIGHTS;
        CMSG_FIRSTHDR(&header)->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(CMSG_FIRSTHDR(&header)), &fd, sizeof(fd));
    }
    assert_int_equal(sendmsg(stage.fd, &header, MSG_NOSIGNAL), (ssize_t)size);
}

static int memory_of(const char *text)
{
    int fd = memfd_create("test", MFD_CLOEXEC);

    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    return fd;
}

static void send_picture(uint64_t seq, const char *text)
{
    struct camera_sim_message message = message_of(seq, strlen(text));
    int fd = memory_of(text);

    send_raw(&message, sizeof(message), fd);
    (void)close(fd);
}

static void connect_camera(void)
{
    struct frame frame;

    assert_int_equal(camera_take(stage.camera, clock_now_ns(), &frame), CAMERA_NO_FRAME);
    stage.fd = accept(stage.listen_fd, NULL, NULL);
    assert_true(stage.fd >= 0);
    assert_true(camera_fd(stage.camera) >= 0);
}

static void newest_picture_counts(void **state)
{
    struct frame frame;

    (void)state;
    connect_camera();
    send_picture(1, "the first");
    send_picture(2, "the second one");
    assert_int_equal(camera_take(stage.camera, clock_now_ns(), &frame), 0);
    assert_int_equal(frame.seq, 2);
    assert_int_equal(frame.size, 14);
    assert_memory_equal(frame.bytes, "the second one", 14);
    assert_true(frame.capture_ns <= clock_now_ns());
    assert_int_equal(camera_take(stage.camera, clock_now_ns(), &frame), CAMERA_NO_FRAME);
}

static void what_is_no_picture_is_none(void **state)
{
    struct camera_sim_message message = message_of(1, 100);
    struct frame frame;
    int fd = memory_of("short");

    (void)state;
    connect_camera();
    send_raw("noise", 5, -1);
    send_raw("noise", 5, fd);
    send_raw(&message, sizeof(message), -1); /* no descriptor */
    assert_int_equal(camera_take(stage.camera, clock_now_ns(), &frame), CAMERA_NO_FRAME);
    send_raw(&message, sizeof(message), fd); /* shorter than it says */
    assert_int_equal(camera_take(stage.camera, clock_now_ns(), &frame), CAMERA_NO_FRAME);
    (void)close(fd);
    send_picture(3, "a good one");
    assert_int_equal(camera_take(stage.camera, clock_now_ns(), &frame), 0);
}

static void message_is_judged_field_by_field(void **state)
{
    const struct camera_sim_message good = message_of(1, 100);
    struct camera_sim_message message, read;
    int64_t now_ns = clock_now_ns();

    (void)state;
    assert_true(camera_sim_decode(&good, sizeof(good), now_ns, &read));
    assert_false(camera_sim_decode(&good, sizeof(good) - 1, now_ns, &read));
    assert_false(camera_sim_decode(&good, sizeof(good), good.capture_ns - 1, &read));
#define REFUSES(field, value)                                                                      \
    message = good;                                                                                \
    message.field = (value);                                                                       \
    assert_false(camera_sim_decode(&message, sizeof(message), now_ns, &read))
    REFUSES(magic, 1);
    REFUSES(version, 2);
    REFUSES(seq, 0);
    REFUSES(capture_ns, 0);
    REFUSES(size, 0);
    REFUSES(size, CAMERA_FRAME_MAX + 1);
    REFUSES(reserved, 1);
}

static void simulator_that_went_away_is_looked_for_again(void **state)
{
    struct frame frame;
    int64_t now_ns = clock_now_ns();

    (void)state;
    connect_camera();
    (void)close(stage.fd);
    assert_int_equal(camera_take(stage.camera, now_ns, &frame), CAMERA_NO_FRAME);
    assert_int_equal(camera_fd(stage.camera), -1);
    assert_int_equal(camera_take(stage.camera, now_ns + INT64_C(300000000), &frame),
                     CAMERA_NO_FRAME);
    stage.fd = accept(stage.listen_fd, NULL, NULL);
    send_picture(7, "again");
    assert_int_equal(camera_take(stage.camera, now_ns + INT64_C(310000000), &frame), 0);
    assert_int_equal(frame.seq, 7);
}

static void no_driver_is_no_device(void **state)
{
    struct camera_options none = {.driver = CAMERA_DRIVER_NONE};
    struct camera *camera;

    (void)state;
    assert_int_equal(camera_open(&none, &camera), -ENODEV);
    camera_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(newest_picture_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_picture_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(simulator_that_went_away_is_looked_for_again, set_up,
                                        tear_down),
        cmocka_unit_test(message_is_judged_field_by_field),
        cmocka_unit_test(no_driver_is_no_device),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
