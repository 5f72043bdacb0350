/* See plan.h. A line is cut into a keyword, numbers and key=value pairs; the keyword's row says how
 * many numbers it has and which function builds the thing. The first mistake ends the reading. */
#include "hal/sim/plan.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RAD             (M_PI / 180)
#define NUMBERS_MAX     (2 * PLAN_STOPS_MAX)
#define HEIGHT_MM       2400
#define LEG_MM          45
#define TABLE_TOP_MM    30
#define WALL_MM         60.0 /* thick: an end of none cannot be seen end on */
#define DOOR_MM         40   /* thick */
#define DOOR_TOP_MM     2000
#define LINE_SIZE       512
#define WALL_LOOK       {216, 208, 190, PLAN_PLAIN}
#define NUMBER_EXPECTED "expected a number from -100000 to 100000"

/* One line, taken apart. */
struct line {
    double number[NUMBERS_MAX];
    int count;
    struct plan_face like; /* look, material, bottom and top */
    double turn_rad, open_rad, speed_mm_s;
};

struct reader {
    struct plan *plan;
    char error[200];
};

void plan_init(struct plan *plan, const char *name)
{
    memset(plan, 0, sizeof(*plan));
    (void)snprintf(plan->name, sizeof(plan->name), "%s", name);
    plan->floor = (struct plan_look){176, 140, 100, PLAN_WOOD};
    plan->ceiling = (struct plan_look){232, 232, 228, PLAN_PLAIN};
    plan->height_mm = HEIGHT_MM;
}

void plan_add_face(struct plan *plan, const struct plan_face *face)
{
    if (plan->face_count < PLAN_FACES_MAX) {
        plan->faces[plan->face_count++] = *face;
    }
}

static void add_line(struct plan *plan, const struct plan_face *like, double x0, double y0,
                     double x1, double y1)
{
    struct plan_face face = *like;

    face.x0_mm = (float)x0;
    face.y0_mm = (float)y0;
    face.x1_mm = (float)x1;
    face.y1_mm = (float)y1;
    plan_add_face(plan, &face);
}

void plan_add_box(struct plan *plan, const struct plan_face *like, double width_mm, double depth_mm,
                  double turn_rad)
{
    double ax = width_mm * cos(turn_rad), ay = width_mm * sin(turn_rad);
    double bx = -depth_mm * sin(turn_rad), by = depth_mm * cos(turn_rad);
    double x = (double)like->x0_mm, y = (double)like->y0_mm;

    add_line(plan, like, x, y, x + ax, y + ay);
    add_line(plan, like, x + ax, y + ay, x + ax + bx, y + ay + by);
    add_line(plan, like, x + ax + bx, y + ay + by, x + bx, y + by);
    add_line(plan, like, x + bx, y + by, x, y);
}

void plan_add_wall(struct plan *plan, const struct plan_face *like, double x0_mm, double y0_mm,
                   double x1_mm, double y1_mm)
{
    double turn = atan2(y1_mm - y0_mm, x1_mm - x0_mm);
    double back = -WALL_MM / 2, aside = -WALL_MM / 2;
    struct plan_face corner = *like;

    corner.x0_mm = (float)(x0_mm + back * cos(turn) - aside * sin(turn));
    corner.y0_mm = (float)(y0_mm + back * sin(turn) + aside * cos(turn));
    plan_add_box(plan, &corner, hypot(x1_mm - x0_mm, y1_mm - y0_mm) + WALL_MM, WALL_MM, turn);
}

/* Things */

static void make_start(struct reader *reader, const struct line *line)
{
    reader->plan->x_mm = (float)line->number[0];
    reader->plan->y_mm = (float)line->number[1];
    reader->plan->angle_rad = (float)(line->number[2] * RAD);
}

static void make_floor(struct reader *reader, const struct line *line)
{
    reader->plan->floor = line->like.look;
}

static void make_ceiling(struct reader *reader, const struct line *line)
{
    reader->plan->ceiling = line->like.look;
    reader->plan->height_mm = line->like.top_mm;
}

static void make_box(struct reader *reader, const struct line *line)
{
    struct plan_face like = line->like;

    like.x0_mm = (float)line->number[0];
    like.y0_mm = (float)line->number[1];
    plan_add_box(reader->plan, &like, line->number[2], line->number[3], line->turn_rad);
}

static void make_wall(struct reader *reader, const struct line *line)
{
    const double *at = line->number;

    if (line->count % 2 != 0) {
        (void)snprintf(reader->error, sizeof(reader->error),
                       "wall has %d numbers: expected pairs of x and y", line->count);
        return;
    }
    for (int i = 0; i + 3 < line->count; i += 2) {
        plan_add_wall(reader->plan, &line->like, at[i], at[i + 1], at[i + 2], at[i + 3]);
    }
}

/* Four legs below a top, within the same rectangle. */
static void make_table(struct reader *reader, const struct line *line)
{
    struct plan_face like = line->like;
    double cosine = cos(line->turn_rad), sine = sin(line->turn_rad);
    float top_mm = like.top_mm;

    like.top_mm = top_mm - TABLE_TOP_MM;
    for (int i = 0; i < 4; i++) {
        double along = i % 2 == 0 ? 0 : line->number[2] - LEG_MM;
        double across = i < 2 ? 0 : line->number[3] - LEG_MM;

        like.x0_mm = (float)(line->number[0] + along * cosine - across * sine);
        like.y0_mm = (float)(line->number[1] + along * sine + across * cosine);
        plan_add_box(reader->plan, &like, LEG_MM, LEG_MM, line->turn_rad);
    }
    like.bottom_mm = top_mm - TABLE_TOP_MM;
    like.top_mm = top_mm;
    like.x0_mm = (float)line->number[0];
    like.y0_mm = (float)line->number[1];
    plan_add_box(reader->plan, &like, line->number[2], line->number[3], line->turn_rad);
}

static void make_door(struct reader *reader, const struct line *line)
{
    const double *at = line->number;
    struct plan_face like = line->like;
    double width = hypot(at[2] - at[0], at[3] - at[1]);

    like.x0_mm = (float)at[0];
    like.y0_mm = (float)at[1];
    plan_add_box(reader->plan, &like, width, DOOR_MM,
                 atan2(at[3] - at[1], at[2] - at[0]) + line->open_rad);
}

static void make_walker(struct reader *reader, const struct line *line, bool is_pet)
{
    struct plan *plan = reader->plan;
    struct plan_walker *walker = &plan->walkers[plan->walker_count];

    if (line->count % 2 != 0) {
        (void)snprintf(reader->error, sizeof(reader->error),
                       "a walk has %d numbers: expected pairs of x and y", line->count);
        return;
    }
    if (plan->walker_count == PLAN_WALKERS_MAX) {
        (void)snprintf(reader->error, sizeof(reader->error),
                       "more persons and pets than fit: expected at most %d", PLAN_WALKERS_MAX);
        return;
    }
    plan->walker_count++;
    *walker = (struct plan_walker){.is_pet = is_pet,
                                   .look = line->like.look,
                                   .speed_mm_s = (float)line->speed_mm_s,
                                   .count = line->count / 2};
    for (int i = 0; i < walker->count; i++) {
        walker->x_mm[i] = (float)line->number[2 * i];
        walker->y_mm[i] = (float)line->number[2 * i + 1];
    }
}

static void make_person(struct reader *reader, const struct line *line)
{
    make_walker(reader, line, false);
}

static void make_pet(struct reader *reader, const struct line *line)
{
    make_walker(reader, line, true);
}

/* The words */

struct keyword {
    const char *word;
    int least, most; /* numbers */
    const char *numbers;
    void (*make)(struct reader *reader, const struct line *line);
    struct plan_look look;
    float height_mm, speed_mm_s;
};

static const struct keyword keywords[] = {
    {"start", 3, 3, "x y direction", make_start, WALL_LOOK, HEIGHT_MM, 0},
    {"floor", 0, 0, "no numbers", make_floor, {176, 140, 100, PLAN_WOOD}, HEIGHT_MM, 0},
    {"ceiling", 0, 0, "no numbers", make_ceiling, {232, 232, 228, PLAN_PLAIN}, HEIGHT_MM, 0},
    {"room", 4, 4, "x y width depth", make_box, WALL_LOOK, HEIGHT_MM, 0},
    {"wall", 4, NUMBERS_MAX, "x y x y ...", make_wall, WALL_LOOK, HEIGHT_MM, 0},
    {"box", 4, 4, "x y width depth", make_box, {150, 110, 80, PLAN_WOOD}, 450, 0},
    {"table", 4, 4, "x y width depth", make_table, {140, 96, 60, PLAN_WOOD}, 740, 0},
    {"door", 4, 4, "x y x y", make_door, {236, 232, 220, PLAN_PLAIN}, DOOR_TOP_MM, 0},
    {"person", 4, NUMBERS_MAX, "x y x y ...", make_person, {60, 80, 140, 0}, 1750, 800},
    {"pet", 4, NUMBERS_MAX, "x y x y ...", make_pet, {120, 90, 60, 0}, 350, 500},
};

static const struct keyword *keyword_find(const char *word)
{
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        if (strcmp(keywords[i].word, word) == 0) {
            return &keywords[i];
        }
    }
    return NULL;
}

static bool number_read(const char *text, double *ret_number)
{
    char *end;
    double number = strtod(text, &end);

    if (end == text || *end != '\0' || !isfinite(number) || fabs(number) > PLAN_FAR_MM) {
        return false;
    }
    *ret_number = number;
    return true;
}

/* The place of the word in the list; -1: not in it. */
static int word_find(const char *word, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(word, words[i]) == 0) {
            return i;
        }
    }
    return -1;
}

static const char *const textures[] = {"plain",   "brick",  "wood", "tiles",
                                       "stripes", "carpet", NULL};
static const char *const materials[] = {"solid", "glass", "black", "soft", NULL};

/* NULL, or what was expected. */
static const char *color_set(struct line *line, const char *value)
{
    char *end;
    unsigned long color = strtoul(value, &end, 16);

    if (strlen(value) != 6 || *end != '\0' || strspn(value, "0123456789abcdefABCDEF") != 6) {
        return "expected six hexadecimal digits such as d8d0b8";
    }
    line->like.look.red = (uint8_t)(color >> 16);
    line->like.look.green = (uint8_t)(color >> 8);
    line->like.look.blue = (uint8_t)color;
    return NULL;
}

static const char *choice_set(uint8_t *ret_choice, const char *value, const char *const *words,
                              const char *expected)
{
    int place = word_find(value, words);

    if (place < 0) {
        return expected;
    }
    *ret_choice = (uint8_t)place;
    return NULL;
}

static const char *length_set(float *ret_mm, const char *value)
{
    double number;

    if (!number_read(value, &number) || number < 0 || number > 10000) {
        return "expected a number from 0 to 10000";
    }
    *ret_mm = (float)number;
    return NULL;
}

static const char *angle_set(double *ret_rad, const char *value)
{
    double number;

    if (!number_read(value, &number) || fabs(number) > 360) {
        return "expected a number of degrees from -360 to 360";
    }
    *ret_rad = number * RAD;
    return NULL;
}

static const char *speed_set(double *ret_mm_s, const char *value)
{
    double number;

    if (!number_read(value, &number) || number < 1 || number > 3000) {
        return "expected a number from 1 to 3000 (mm/s)";
    }
    *ret_mm_s = number;
    return NULL;
}

static const char *pair_set(struct line *line, const char *key, const char *value)
{
    if (strcmp(key, "color") == 0) {
        return color_set(line, value);
    }
    if (strcmp(key, "texture") == 0) {
        return choice_set(&line->like.look.texture, value, textures,
                          "expected plain, brick, wood, tiles, stripes or carpet");
    }
    if (strcmp(key, "material") == 0) {
        return choice_set(&line->like.material, value, materials,
                          "expected solid, glass, black or soft");
    }
    if (strcmp(key, "height") == 0) {
        return length_set(&line->like.top_mm, value);
    }
    if (strcmp(key, "bottom") == 0) {
        return length_set(&line->like.bottom_mm, value);
    }
    if (strcmp(key, "turn") == 0) {
        return angle_set(&line->turn_rad, value);
    }
    if (strcmp(key, "open") == 0) {
        return angle_set(&line->open_rad, value);
    }
    if (strcmp(key, "speed") == 0) {
        return speed_set(&line->speed_mm_s, value);
    }
    return "there is no such key: expected color, texture, material, height, bottom, turn, open or "
           "speed";
}

static void refuse(struct reader *reader, const char *word, const char *expected)
{
    (void)snprintf(reader->error, sizeof(reader->error), "%.60s: %s", word, expected);
}

static void word_take(struct reader *reader, const struct keyword *keyword, struct line *line,
                      char *word)
{
    char *equals = strchr(word, '=');

    if (equals != NULL) {
        char key[16];
        const char *expected;

        (void)snprintf(key, sizeof(key), "%.*s", (int)(equals - word), word);
        expected = pair_set(line, key, equals + 1);
        if (expected != NULL) {
            refuse(reader, word, expected);
        }
    } else if (line->count == keyword->most) {
        refuse(reader, word, "one number more than there is room for");
    } else if (!number_read(word, &line->number[line->count])) {
        refuse(reader, word, NUMBER_EXPECTED " or key=value");
    } else {
        line->count++;
    }
}

static void line_read(struct reader *reader, char *text)
{
    char *rest = text;
    char *word = strtok_r(text, " \t\r", &rest);
    const struct keyword *keyword;
    struct line line = {0};

    if (word == NULL || *word == '#') {
        return;
    }
    if (strcmp(word, "name") == 0) {
        rest += strspn(rest, " \t");
        (void)snprintf(reader->plan->name, sizeof(reader->plan->name), "%.*s",
                       (int)strcspn(rest, "\r"), rest);
        return;
    }
    keyword = keyword_find(word);
    if (keyword == NULL) {
        refuse(reader, word,
               "there is no such thing: expected name, start, floor, ceiling, room, wall, box, "
               "table, door, person or pet");
        return;
    }
    line.like = (struct plan_face){.look = keyword->look, .top_mm = keyword->height_mm};
    line.speed_mm_s = (double)keyword->speed_mm_s;
    while (reader->error[0] == '\0' && (word = strtok_r(NULL, " \t\r", &rest)) != NULL &&
           *word != '#') {
        word_take(reader, keyword, &line, word);
    }
    if (reader->error[0] == '\0' && line.count < keyword->least) {
        (void)snprintf(reader->error, sizeof(reader->error), "%s has %d numbers: expected %s",
                       keyword->word, line.count, keyword->numbers);
    }
    if (reader->error[0] == '\0' && line.like.bottom_mm >= line.like.top_mm) {
        refuse(reader, keyword->word, "its bottom is not below its height");
    }
    if (reader->error[0] == '\0') {
        keyword->make(reader, &line);
    }
    if (reader->error[0] == '\0' && reader->plan->face_count == PLAN_FACES_MAX) {
        refuse(reader, keyword->word, "the plan has more faces than the 1000 that fit");
    }
}

int plan_read(const char *text, size_t size, struct plan *plan, char *ret_error, size_t error_size)
{
    struct reader reader = {.plan = plan};
    int number = 0;

    plan_init(plan, "room");
    for (size_t at = 0; at < size && reader.error[0] == '\0'; number++) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end != NULL ? (size_t)(end - text) - at : size - at;
        char line[LINE_SIZE];

        if (length >= sizeof(line)) {
            refuse(&reader, "line", "expected at most 511 bytes");
        } else if (memchr(text + at, '\0', length) != NULL) {
            refuse(&reader, "line", "expected text, there is a byte 0");
        } else {
            memcpy(line, text + at, length);
            line[length] = '\0';
            line_read(&reader, line);
        }
        at += length + 1;
    }
    if (reader.error[0] == '\0' && plan->face_count == 0) {
        refuse(&reader, "plan", "there is nothing in it: expected room or wall");
    }
    if (reader.error[0] != '\0') {
        (void)snprintf(ret_error, error_size, "%d: %s", number, reader.error);
        return PLAN_REFUSED;
    }
    return 0;
}

int plan_load(const char *path, struct plan *plan, char *ret_error, size_t error_size)
{
    char text[PLAN_FILE_MAX + 1], error[200];
    FILE *file = fopen(path, "re");
    size_t size;
    int failed;

    if (file == NULL) {
        return -errno;
    }
    size = fread(text, 1, sizeof(text), file);
    failed = ferror(file) ? errno : 0;
    (void)fclose(file);
    if (failed != 0) {
        return -failed;
    }
    if (size > PLAN_FILE_MAX) {
        (void)snprintf(ret_error, error_size, "%s: larger than 64 kB", path);
        return PLAN_REFUSED;
    }
    if (plan_read(text, size, plan, error, sizeof(error)) != 0) {
        (void)snprintf(ret_error, error_size, "%s:%s", path, error);
        return PLAN_REFUSED;
    }
    return 0;
}
