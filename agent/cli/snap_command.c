/* turbonav camera snap: one picture of the camera that is configured, as a JPEG file.
 *
 * The file appears whole or not at all: it is written under another name beside its own and
 * renamed. A camera takes about a second to find its exposure, so the picture is not the first one.
 */
#include <cJSON.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/cli/command.h"
#include "agent/core/picture.h"
#include "hal/base/clock.h"
#include "hal/base/exit.h"
#include "hal/base/text.h"
#include "hal/camera/camera.h"

#define PATIENCE_NS (6 * CLOCK_NS_PER_S) /* until the first picture */
#define SETTLE_NS   (1 * CLOCK_NS_PER_S)
#define TURN_MS     20 /* while there is no device to wait for */
#define QUALITY     90
#define SHOWN_SIZE  200
#define SIDE_MIN    32 /* as in [camera] */
#define SIDE_MAX    4096

struct snap {
    const char *file;
    const char *config;
    const char *id;
    int width_px, height_px; /* 0: as configured */
    bool json;
};

/* "640x480". */
static bool read_size(const char *text, struct snap *snap)
{
    int width, height, end = 0;

    if (sscanf(text, "%4dx%4d%n", &width, &height, &end) != 2 || text[end] != '\0' ||
        strspn(text, "0123456789x") != strlen(text) || width < SIDE_MIN || width > SIDE_MAX ||
        height < SIDE_MIN || height > SIDE_MAX) {
        return false;
    }
    snap->width_px = width;
    snap->height_px = height;
    return true;
}

static int read_option(const char *name, const char *value, struct snap *snap)
{
    char shown[SHOWN_SIZE];

    if (value == NULL) {
        return command_needs_value(name);
    }
    if (strcmp(name, "--config") == 0) {
        snap->config = value;
    } else if (strcmp(name, "--camera") == 0) {
        snap->id = value;
    } else if (!read_size(value, snap)) {
        text_escape(value, strlen(value), shown, sizeof(shown));
        return command_usage("option --size is \"%s\": expected WIDTHxHEIGHT, each %d..%d px",
                             shown, SIDE_MIN, SIDE_MAX);
    }
    return 0;
}

static bool is_option(const char *argument)
{
    return strcmp(argument, "--config") == 0 || strcmp(argument, "--camera") == 0 ||
           strcmp(argument, "--size") == 0;
}

static int read_arguments(int argc, char **argv, struct snap *snap)
{
    int result = 0;

    for (int i = 1; i < argc && result == 0; i++) {
        if (is_option(argv[i])) {
            result = read_option(argv[i], argv[i + 1], snap);
            i++;
        } else if (strcmp(argv[i], "--json") == 0) {
            snap->json = true;
        } else if (argv[i][0] == '-' || snap->file != NULL) {
            result = command_unexpected(argv[i]);
        } else {
            snap->file = argv[i];
        }
    }
    if (result == 0 && (snap->file == NULL || snap->file[0] == '\0')) {
        result = command_usage("expected 'turbonav camera snap FILE'");
    }
    return result;
}

static int configure(const struct snap *snap, struct camera_options *options)
{
    int result = command_options(snap->config, &camera_table, options);

    if (result != 0) {
        return result;
    }
    if ((snap->id != NULL || snap->width_px > 0) && options->driver != CAMERA_DRIVER_LIBCAMERA) {
        return command_usage("--camera and --size need [camera] driver = libcamera");
    }
    if (snap->id != NULL) {
        (void)snprintf(options->id, sizeof(options->id), "%s", snap->id);
    }
    if (snap->width_px > 0) {
        options->width_px = snap->width_px;
        options->height_px = snap->height_px;
    }
    return 0;
}

static int file_failed(const char *path, int error)
{
    char shown[SHOWN_SIZE];

    text_escape(path, strlen(path), shown, sizeof(shown));
    fprintf(stderr, "turbonav: %s: %s\n", shown, strerror(error));
    return EXIT_OUTPUT;
}

/* 0 or an errno. Closes `fd`. */
static int write_all(int fd, const struct jpeg_picture *picture)
{
    size_t done = 0;
    mode_t mask = umask(0);
    int error = 0;

    (void)umask(mask);
    while (error == 0 && done < picture->size) {
        ssize_t count = write(fd, picture->bytes + done, picture->size - done);

        if (count < 0 && errno != EINTR) {
            error = errno;
        }
        done += count > 0 ? (size_t)count : 0;
    }
    if (error == 0 && (fchmod(fd, 0666 & ~mask) < 0 || fsync(fd) < 0)) {
        error = errno;
    }
    if (close(fd) < 0 && error == 0) {
        error = errno;
    }
    return error;
}

static int save(const char *path, const struct jpeg_picture *picture)
{
    char other[PATH_MAX];
    int length = snprintf(other, sizeof(other), "%s.XXXXXX", path);
    int fd, error;

    if (length < 0 || (size_t)length >= sizeof(other)) {
        return file_failed(path, ENAMETOOLONG);
    }
    fd = mkstemp(other);
    if (fd < 0) {
        return file_failed(path, errno);
    }
    error = write_all(fd, picture);
    if (error == 0 && rename(other, path) < 0) {
        error = errno;
    }
    if (error != 0) {
        (void)unlink(other);
        return file_failed(path, error);
    }
    return 0;
}

/* As large as the camera made it. 0, JPEG_REFUSED and the reason, or -errno. */
static int encode(const struct frame *frame, struct jpeg **ret_jpeg,
                  struct jpeg_picture *ret_picture, const char **ret_reason)
{
    struct jfif_info info = {.width_px = frame->width_px, .height_px = frame->height_px};
    enum jfif_error error = JFIF_OK;
    int result;

    if (frame->format == FRAME_JPEG) {
        error = jfif_check(frame->bytes, frame->size, &info);
    }
    if (error != JFIF_OK) {
        *ret_reason = jfif_error_text(error);
        return JPEG_REFUSED;
    }
    jpeg_free(*ret_jpeg);
    *ret_jpeg = NULL;
    result = jpeg_new(info.width_px, info.height_px, QUALITY, ret_jpeg);
    if (result == 0) {
        result = picture_fit(*ret_jpeg, frame, ret_picture);
        *ret_reason = result == JPEG_REFUSED ? jpeg_error(*ret_jpeg) : NULL;
    }
    return result;
}

static int print_json(const char *file, const char *source, const struct jpeg_picture *picture,
                      const struct jfif_info *info)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "file", file);
    cJSON_AddNumberToObject(json, "width_px", info->width_px);
    cJSON_AddNumberToObject(json, "height_px", info->height_px);
    cJSON_AddNumberToObject(json, "bytes", (double)picture->size);
    cJSON_AddBoolToObject(json, "encoded", !picture->passed_through);
    cJSON_AddStringToObject(json, "camera", source);
    return command_print_json(json);
}

static int finish(const struct snap *snap, const struct camera *camera,
                  const struct jpeg_picture *picture)
{
    const char *source = camera_state(camera);
    struct jfif_info info;
    char shown[SHOWN_SIZE];
    int result = save(snap->file, picture);

    if (result != 0 || jfif_check(picture->bytes, picture->size, &info) != JFIF_OK) {
        return result;
    }
    if (snap->json) {
        return print_json(snap->file, source, picture, &info);
    }
    text_escape(snap->file, strlen(snap->file), shown, sizeof(shown));
    printf("%s: %dx%d, %zu bytes, %s %s\n", shown, info.width_px, info.height_px, picture->size,
           picture->passed_through ? "as it came from" : "encoded from", source);
    return 0;
}

/* Takes pictures until one is good and the camera has settled. 0 or an exit code. */
static int shoot(const struct snap *snap, struct camera *camera)
{
    int64_t start_ns = clock_now_ns(), first_ns = 0, now_ns;
    struct jpeg *jpeg = NULL;
    const char *reason = NULL;

    while ((now_ns = clock_now_ns()) - (first_ns > 0 ? first_ns : start_ns) < PATIENCE_NS) {
        struct pollfd pollfd = {.fd = camera_fd(camera), .events = POLLIN};
        struct jpeg_picture picture;
        struct frame frame;
        int result;

        (void)poll(&pollfd, 1, TURN_MS);
        result = camera_take(camera, clock_now_ns(), &frame);
        first_ns = result == 0 && first_ns == 0 ? now_ns : first_ns;
        if (result == 0 && now_ns - first_ns >= SETTLE_NS) {
            result = encode(&frame, &jpeg, &picture, &reason);
            if (result == 0) {
                result = finish(snap, camera, &picture);
                jpeg_free(jpeg);
                return result;
            }
        }
        if (result < 0) {
            fprintf(stderr, "turbonav: camera: %s\n", strerror(-result));
            jpeg_free(jpeg);
            return EXIT_SYSTEM;
        }
    }
    fprintf(stderr, "turbonav: no picture: %s%s%s\n", camera_state(camera),
            reason != NULL ? ", and the last one " : "", reason != NULL ? reason : "");
    jpeg_free(jpeg);
    return EXIT_NO_CAMERA;
}

int command_snap(int argc, char **argv)
{
    struct camera_options options;
    struct snap snap = {0};
    struct camera *camera;
    int result;

    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        return command_help(0, NULL);
    }
    result = read_arguments(argc, argv, &snap);
    if (result == 0) {
        result = configure(&snap, &options);
    }
    if (result != 0) {
        return result;
    }
    result = camera_open(&options, &camera);
    if (result == -ENODEV) {
        fputs("turbonav: there is no camera: [camera] driver is none\n", stderr);
        return EXIT_BAD_CONFIG;
    }
    if (result == -ENOSYS) {
        fputs("turbonav: this turbonav was built without libcamera\n", stderr);
        return EXIT_NO_CAMERA;
    }
    if (result < 0) {
        fprintf(stderr, "turbonav: camera: %s\n", strerror(-result));
        return EXIT_SYSTEM;
    }
    result = shoot(&snap, camera);
    camera_close(camera);
    return result;
}
