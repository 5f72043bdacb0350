/* turbonav camera: which cameras there are, and a picture of one (snap_command.c). */
#include <cJSON.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "agent/cli/command.h"
#include "hal/base/exit.h"
#include "hal/base/text.h"
#include "hal/camera/libcamera.h"

#define SHOWN_SIZE 200

/* What a camera says of itself may be anything. */
static void print_text(const char *before, const char *text, const char *behind)
{
    char shown[SHOWN_SIZE];

    if (text[0] != '\0') {
        text_escape(text, strlen(text), shown, sizeof(shown));
        printf("%s%s%s", before, shown, behind);
    }
}

static void print_mode(const struct libcamera_mode *mode, const char *before)
{
    printf("%s%s", before, mode->usable ? "" : "(");
    print_text("", mode->format, "");
    for (size_t i = 0; i < mode->size_count; i++) {
        printf(" %dx%d", mode->sizes[i].width_px, mode->sizes[i].height_px);
    }
    fputs(mode->usable ? "" : ")", stdout);
}

static void print_camera(void *user, const struct libcamera_camera *camera)
{
    int *count = user;

    (*count)++;
    print_text("", camera->id, "");
    print_text("  \"", camera->model, "\"");
    print_text("  ", camera->location, "");
    for (size_t i = 0; i < camera->mode_count; i++) {
        print_mode(&camera->modes[i], i == 0 ? "  " : ", ");
    }
    putchar('\n');
}

/* One object a line. */
static void print_json(void *user, const struct libcamera_camera *camera)
{
    cJSON *json = cJSON_CreateObject(), *modes;
    int *count = user;

    cJSON_AddStringToObject(json, "id", camera->id);
    cJSON_AddStringToObject(json, "model", camera->model);
    cJSON_AddStringToObject(json, "location", camera->location);
    modes = cJSON_AddArrayToObject(json, "modes");
    for (size_t i = 0; i < camera->mode_count; i++) {
        const struct libcamera_mode *mode = &camera->modes[i];
        cJSON *entry = cJSON_CreateObject(), *sizes;

        cJSON_AddStringToObject(entry, "format", mode->format);
        cJSON_AddBoolToObject(entry, "usable", mode->usable);
        sizes = cJSON_AddArrayToObject(entry, "sizes");
        for (size_t j = 0; j < mode->size_count; j++) {
            int pair[] = {mode->sizes[j].width_px, mode->sizes[j].height_px};

            cJSON_AddItemToArray(sizes, cJSON_CreateIntArray(pair, 2));
        }
        cJSON_AddItemToArray(modes, entry);
    }
    *count += command_print_json(json) == 0;
}

static int list_failed(int result)
{
    if (result == -ENOSYS) {
        fputs("turbonav: this turbonav was built without libcamera\n", stderr);
        return EXIT_NO_CAMERA;
    }
    fprintf(stderr, "turbonav: libcamera: %s\n", strerror(-result));
    return EXIT_SYSTEM;
}

static int list(int argc, char **argv)
{
    struct libcamera_manager *manager;
    bool json = command_takes_json(&argc, argv);
    int count = 0, result;

    if (argc > 1) {
        return strcmp(argv[1], "--help") == 0 ? command_help(0, NULL) : command_unexpected(argv[1]);
    }
    libcamera_hush();
    result = libcamera_new(&manager);
    if (result < 0) {
        return list_failed(result);
    }
    result = libcamera_list(manager, json ? print_json : print_camera, &count);
    libcamera_free(manager);
    if (result < 0) {
        return list_failed(result);
    }
    if (count == 0) {
        fputs("turbonav: no camera is there, or none that this user may open (group video)\n",
              stderr);
        return EXIT_NO_CAMERA;
    }
    return 0;
}

int command_camera(int argc, char **argv)
{
    static const struct command commands[] = {
        {"list", list},
        {"snap", command_snap},
        {"--help", command_help},
        {NULL, NULL},
    };

    return command_run(commands, "turbonav camera", argc, argv);
}
