/* render-frames FOLDER [COUNT]: paints a short drive as JPEG files, for a demo without photos and
 * for tests. The corridor is open ahead, closes, opens to the left, opens to the right, and ends;
 * then it begins again with other grain, so that no two frames are equal. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/render.h"
#include "vlm/jpeg.h"

#define WIDTH         640
#define HEIGHT        480
#define QUALITY       85
#define DEFAULT_COUNT 60
#define COUNT_MAX     9999

/* How far the floor reaches in each third, in percent of the height, at points of the drive. */
static const int drive[][RENDER_THIRDS] = {
    {25, 45, 25}, {20, 45, 20}, {15, 30, 10}, {38, 12, 8},  {42, 20, 10}, {25, 45, 20},
    {20, 40, 25}, {10, 25, 15}, {8, 12, 40},  {12, 22, 44}, {20, 44, 25}, {4, 4, 4},
};

#define DRIVE_POINTS ((int)(sizeof(drive) / sizeof(drive[0])))
#define FRAMES_EACH  5

/* Between one point of the drive and the next. */
static int reach(int frame, int third)
{
    int point = frame / FRAMES_EACH % DRIVE_POINTS, step = frame % FRAMES_EACH;
    int from = drive[point][third], to = drive[(point + 1) % DRIVE_POINTS][third];

    return from + (to - from) * step / FRAMES_EACH;
}

static int write_file(const char *folder, int frame, const struct jpeg_picture *picture)
{
    char path[4096];
    FILE *file;

    if (snprintf(path, sizeof(path), "%s/%04d.jpg", folder, frame + 1) >= (int)sizeof(path)) {
        return -ENAMETOOLONG;
    }
    file = fopen(path, "wbe");
    if (file == NULL) {
        return -errno;
    }
    size_t written = fwrite(picture->bytes, 1, picture->size, file);

    return fclose(file) == 0 && written == picture->size ? 0 : -EIO;
}

static int paint(struct jpeg *jpeg, uint8_t *rgb, const char *folder, int frame)
{
    struct render_scene scene =
        render_scene(WIDTH, HEIGHT, reach(frame, 0), reach(frame, 1), reach(frame, 2));
    struct jpeg_picture picture;
    int result;

    scene.grain = 6;
    scene.seed = (uint32_t)frame + 1;
    render_corridor(&scene, rgb);
    result = jpeg_fit_rgb(jpeg, rgb, WIDTH, HEIGHT, (size_t)WIDTH * 3, &picture);
    return result == 0 ? write_file(folder, frame, &picture) : result;
}

int main(int argc, char **argv)
{
    int count = argc > 2 ? atoi(argv[2]) : DEFAULT_COUNT, result;
    uint8_t *rgb = malloc((size_t)WIDTH * HEIGHT * 3);
    struct jpeg *jpeg = NULL;

    if (argc < 2 || argc > 3 || count < 1 || count > COUNT_MAX) {
        (void)fprintf(stderr, "Usage: render-frames FOLDER [COUNT]\n");
        free(rgb);
        return 64;
    }
    result = rgb == NULL ? -ENOMEM : jpeg_new(WIDTH, HEIGHT, QUALITY, &jpeg);
    for (int frame = 0; frame < count && result == 0; frame++) {
        result = paint(jpeg, rgb, argv[1], frame);
    }
    if (result < 0) {
        (void)fprintf(stderr, "render-frames: %s: %s\n", argv[1], strerror(-result));
    }
    jpeg_free(jpeg);
    free(rgb);
    return result == 0 ? 0 : 74;
}
