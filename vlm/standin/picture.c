/* See picture.h.
 *
 * The picture is averaged into a grid of COLUMNS x ROWS cells. In each column a run grows upwards
 * from the lower edge while the cells look like floor: no warmer in colour than the floor before
 * the wheels, not dark (a baseboard or a door), and like the run so far. What the run means depends
 * on where it ends: a surface that goes on towards the top stands upright, so it is a wall
 * however much it looks like a floor, and reaches zero. A floor ends earlier.
 *
 * Everything is in integers, so the same picture gives the same answer on every machine.
 */
#include "vlm/standin/picture.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    COLUMNS = 64,
    ROWS = 48,
    SIDE_MIN = 8,
    HORIZON_ROWS = ROWS * 73 / 100, /* a run this long is not a floor */
    DARK_LUMA = 34,                 /* below it: doors, baseboards, gaps */
    NEIGHBOURS = 3,                 /* columns on each side that a column is smoothed with */
    DIM_LUMA = 50,                  /* below it colour is not trusted */
    NEAR_ROWS = 3,                  /* the floor before the wheels */
    COOL_PERMILLE = -40,            /* no floor is cooler; blue walls are */
    WARMER_PERMILLE = 80,           /* than that floor: not floor */
    WARMER_ROW_PERMILLE = 12,       /* and more with distance: floors mirror the walls */
    STEP_PERMILLE = 130,            /* in colour, from the run so far to the next cell */
    DARKER_PERMILLE = 750,          /* a cell under this part of the run's luma is an edge */
    BRIGHTER_PERMILLE = 1900,       /* lamps mirrored in the floor stay below it */
};

struct cell {
    int luma;
    int warm_permille; /* (red - blue) / luma, signed */
    int tint_permille; /* (red + blue - 2 green) / luma, signed */
};

struct grid {
    struct cell cells[ROWS][COLUMNS]; /* row 0 is the lowest in the picture */
};

static struct cell cell_average(const uint8_t *rgb, int width, int x0, int x1, int y0, int y1)
{
    int red = 0, green = 0, blue = 0, count = (x1 - x0) * (y1 - y0);

    for (int y = y0; y < y1; y++) {
        const uint8_t *pixel = rgb + 3 * ((size_t)y * (size_t)width + (size_t)x0);

        for (int x = x0; x < x1; x++, pixel += 3) {
            red += pixel[0];
            green += pixel[1];
            blue += pixel[2];
        }
    }
    red /= count;
    green /= count;
    blue /= count;

    int luma = (77 * red + 150 * green + 29 * blue) / 256;
    int scale = luma > 16 ? luma : 16; /* the chroma of black is noise */

    return (struct cell){
        .luma = luma,
        .warm_permille = 1000 * (red - blue) / scale,
        .tint_permille = 1000 * (red + blue - 2 * green) / scale,
    };
}

static void grid_fill(struct grid *grid, const uint8_t *rgb, int width, int height)
{
    for (int row = 0; row < ROWS; row++) {
        int y0 = (ROWS - 1 - row) * height / ROWS;
        int y1 = (ROWS - row) * height / ROWS;

        for (int column = 0; column < COLUMNS; column++) {
            int x0 = column * width / COLUMNS;
            int x1 = (column + 1) * width / COLUMNS;

            grid->cells[row][column] =
                cell_average(rgb, width, x0, x1 > x0 ? x1 : x0 + 1, y0, y1 > y0 ? y1 : y0 + 1);
        }
    }
}

static int compare_int(const void *a, const void *b)
{
    int left = *(const int *)a, right = *(const int *)b;

    return (left > right) - (left < right);
}

/* The warmth that `percent` of the near cells in these columns stay below; dark cells left out. */
static int near_warmth(const struct grid *grid, int from, int to, int percent)
{
    int warmth[NEAR_ROWS * COLUMNS] = {0};
    int count = 0;

    for (int row = 0; row < NEAR_ROWS; row++) {
        for (int column = from; column < to; column++) {
            const struct cell *cell = &grid->cells[row][column];

            if (cell->luma >= DIM_LUMA) {
                warmth[count++] = cell->warm_permille;
            }
        }
    }
    qsort(warmth, (size_t)count, sizeof(warmth[0]), compare_int);
    return count > 0 ? warmth[count * percent / 100] : COOL_PERMILLE;
}

/* The colour cast of the floor before the wheels. Walls are mostly warmer than floors, so the lower
 * quartile of a wide strip is floor when any is in sight; a wooden floor is found right ahead. */
static int floor_warmth(const struct grid *grid)
{
    int wide = near_warmth(grid, COLUMNS / 5, COLUMNS - COLUMNS / 5, 25);
    int ahead = near_warmth(grid, COLUMNS * 2 / 5, COLUMNS * 3 / 5, 50);
    int warmth = wide > ahead ? wide : ahead;

    return warmth > COOL_PERMILLE ? warmth : COOL_PERMILLE;
}

/* Rows that the run in `column` covers, HORIZON_ROWS when it does not end. */
static int column_run(const struct grid *grid, int column, int warmth_max)
{
    struct cell mean = grid->cells[0][column];

    for (int row = 0; row < HORIZON_ROWS; row++) {
        const struct cell *cell = &grid->cells[row][column];
        int step = abs(cell->warm_permille - mean.warm_permille) +
                   abs(cell->tint_permille - mean.tint_permille) / 2;

        if (cell->luma < DARK_LUMA ||
            cell->warm_permille > warmth_max + row * WARMER_ROW_PERMILLE || step > STEP_PERMILLE ||
            1000 * cell->luma < DARKER_PERMILLE * mean.luma ||
            1000 * cell->luma > BRIGHTER_PERMILLE * mean.luma) {
            return row;
        }
        mean.luma += (cell->luma - mean.luma) / 3;
        mean.warm_permille += (cell->warm_permille - mean.warm_permille) / 2;
        mean.tint_permille += (cell->tint_permille - mean.tint_permille) / 2;
    }
    return HORIZON_ROWS;
}

/* The median of a column and its neighbours: a floor is wide, a gap between two posters is not. */
static int reach_median(const int *reach, int column)
{
    int window[2 * NEIGHBOURS + 1] = {0};
    int count = 0;

    for (int at = column - NEIGHBOURS; at <= column + NEIGHBOURS; at++) {
        if (at >= 0 && at < COLUMNS) {
            window[count++] = reach[at];
        }
    }
    qsort(window, (size_t)count, sizeof(window[0]), compare_int);
    return window[count / 2];
}

static int third_reach_permille(const int *reach, int from, int to)
{
    int sum = 0;

    for (int column = from; column < to; column++) {
        sum += reach_median(reach, column);
    }
    return 1000 * sum / (ROWS * (to - from));
}

static void grid_measure(const struct grid *grid, struct picture_floor *ret_floor)
{
    int warmth_max = floor_warmth(grid) + WARMER_PERMILLE;
    int reach[COLUMNS];

    for (int column = 0; column < COLUMNS; column++) {
        int run = column_run(grid, column, warmth_max);

        reach[column] = run < HORIZON_ROWS ? run : 0;
    }
    ret_floor->left_permille = third_reach_permille(reach, 0, COLUMNS / 3);
    ret_floor->middle_permille = third_reach_permille(reach, COLUMNS / 3, COLUMNS - COLUMNS / 3);
    ret_floor->right_permille = third_reach_permille(reach, COLUMNS - COLUMNS / 3, COLUMNS);
}

void picture_measure(const uint8_t *rgb, int width, int height, struct picture_floor *ret_floor)
{
    struct picture_floor floor = {0};

    if (width >= SIDE_MIN && height >= SIDE_MIN) {
        struct grid grid;

        grid_fill(&grid, rgb, width, height);
        grid_measure(&grid, &floor);
    }
    *ret_floor = floor;
}

static double clamp(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

/* The slopes were set by looking at the words beside the photos of a corridor: below 46 permille
 * in the middle a door or a wall is near, above it is a way. A side wins over the middle when it is
 * far more open. */
void picture_judge(const struct picture_floor *floor, enum question question,
                   double ret_logits[WORD_COUNT_MAX])
{
    double left = floor->left_permille, middle = floor->middle_permille,
           right = floor->right_permille;
    double side = left > right ? left : right;
    double ahead = clamp((middle - 46) / 9, -4, 4);
    double closed = clamp((14 - (side > middle ? side : middle)) / 4, -3, 3);
    double aside = clamp((side - 2 * middle - 50) / 20, 0, 4);
    double leftwards = clamp((left - right) / 15, -1.5, 1.5);
    double to_left = leftwards + (left > right ? aside : 0);
    double to_right = -leftwards + (left > right ? 0 : aside);

    memset(ret_logits, 0, WORD_COUNT_MAX * sizeof(ret_logits[0]));
    switch (question) {
    case QUESTION_ACTION:
        ret_logits[ACTION_STOP] = -3;
        ret_logits[ACTION_FORWARD] = ahead;
        ret_logits[ACTION_LEFT] = to_left;
        ret_logits[ACTION_RIGHT] = to_right;
        ret_logits[ACTION_BACKWARD] = closed;
        return;
    case QUESTION_PERCEPT:
        ret_logits[PERCEPT_NONE] = closed;
        ret_logits[PERCEPT_LEFT] = to_left;
        ret_logits[PERCEPT_CENTER] = ahead;
        ret_logits[PERCEPT_RIGHT] = to_right;
        return;
    }
}

static const char *last_of(const char *text, const char *wanted)
{
    const char *found = NULL;

    for (const char *at = text; (at = strstr(at, wanted)) != NULL; at++) {
        found = at;
    }
    return found;
}

/* The last word of "Before: forward, left." */
static int last_word(const char *text, enum question question)
{
    size_t size = strcspn(text, "."), begin = size;

    while (begin > 0 && text[begin - 1] != ' ') {
        begin--;
    }
    return word_find(question, text + begin, size - begin);
}

void picture_note_read(const char *prompt, enum question question, struct picture_note *ret_note)
{
    const char *clear = last_of(prompt, "Clear: left "), *before = last_of(prompt, "Before: ");
    struct picture_note note = {-1, -1, -1, -1};

    if (clear != NULL && sscanf(clear, "Clear: left %4d cm, front %4d cm, right %4d cm",
                                &note.left_cm, &note.front_cm, &note.right_cm) != 3) {
        note.left_cm = note.front_cm = note.right_cm = -1;
    }
    if (before != NULL) {
        note.last_word = last_word(before, question);
    }
    *ret_note = note;
}

void picture_heed(const struct picture_note *note, enum question question,
                  double logits[WORD_COUNT_MAX])
{
    bool action = question == QUESTION_ACTION;
    int left = action ? (int)ACTION_LEFT : (int)PERCEPT_LEFT;
    int right = action ? (int)ACTION_RIGHT : (int)PERCEPT_RIGHT;
    int ahead = action ? (int)ACTION_FORWARD : (int)PERCEPT_CENTER;

    if (note->front_cm >= 0) {
        double closed = clamp((50.0 - note->front_cm) / 10, 0, 4);
        double aside = clamp((note->left_cm - note->right_cm) / 50.0, -1.5, 1.5);

        logits[ahead] -= closed;
        logits[left] += closed / 2 + aside;
        logits[right] += closed / 2 - aside;
    }
    if (note->last_word == left || note->last_word == right) {
        logits[note->last_word] += 1;
        logits[note->last_word == left ? right : left] -= 1;
    }
}
