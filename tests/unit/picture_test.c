/* The stand-in's look at a picture (vlm/standin/picture.c), on pictures painted here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <string.h>

#include <cmocka.h>

#include "vlm/standin/picture.h"

enum {
    WIDTH = 120,
    HEIGHT = 84,
};

struct colour {
    uint8_t red, green, blue;
};

static const struct colour grey = {138, 138, 138}, cream = {190, 175, 140}, blue = {60, 70, 150},
                           wood = {150, 110, 70}, black = {15, 15, 15};

struct canvas {
    uint8_t rgb[HEIGHT * WIDTH * 3];
};

static void paint(struct canvas *canvas, int x0, int x1, int y0, int y1, struct colour colour)
{
    for (int y = y0; y < y1; y++) {
        for (int x = x0; x < x1; x++) {
            uint8_t *pixel = canvas->rgb + 3 * (y * WIDTH + x);

            pixel[0] = colour.red;
            pixel[1] = colour.green;
            pixel[2] = colour.blue;
        }
    }
}

/* Walls, and a floor that reaches so many percent of the height in each third. */
static struct picture_floor floor_of(struct colour wall, struct colour ground, int left, int middle,
                                     int right)
{
    const int percent[] = {left, middle, right};
    struct canvas canvas;
    struct picture_floor floor;

    paint(&canvas, 0, WIDTH, 0, HEIGHT, wall);
    for (int third = 0; third < 3; third++) {
        paint(&canvas, third * WIDTH / 3, (third + 1) * WIDTH / 3,
              HEIGHT - HEIGHT * percent[third] / 100, HEIGHT, ground);
    }
    picture_measure(canvas.rgb, WIDTH, HEIGHT, &floor);
    return floor;
}

static int best(const struct picture_floor *floor, enum question question)
{
    double logits[WORD_COUNT_MAX];
    int word = 0;

    picture_judge(floor, question, logits);
    for (int i = 1; i < word_count(question); i++) {
        word = logits[i] > logits[word] ? i : word;
    }
    return word;
}

static void assert_words(struct picture_floor floor, enum action action, enum percept percept)
{
    assert_int_equal(best(&floor, QUESTION_ACTION), action);
    assert_int_equal(best(&floor, QUESTION_PERCEPT), percept);
}

static void measured_reach_is_the_painted_one(void **state)
{
    struct picture_floor floor = floor_of(cream, grey, 10, 40, 20);

    (void)state;
    assert_in_range(floor.left_permille, 80, 130);
    assert_in_range(floor.middle_permille, 360, 420);
    assert_in_range(floor.right_permille, 180, 230);
}

static void open_way_is_forward_and_center(void **state)
{
    (void)state;
    assert_words(floor_of(cream, grey, 0, 30, 0), ACTION_FORWARD, PERCEPT_CENTER);
    assert_words(floor_of(blue, grey, 10, 30, 10), ACTION_FORWARD, PERCEPT_CENTER);
}

static void wall_ahead_turns_to_the_open_side(void **state)
{
    (void)state;
    assert_words(floor_of(cream, grey, 30, 0, 0), ACTION_LEFT, PERCEPT_LEFT);
    assert_words(floor_of(cream, grey, 0, 0, 30), ACTION_RIGHT, PERCEPT_RIGHT);
    assert_words(floor_of(blue, grey, 10, 3, 60), ACTION_RIGHT, PERCEPT_RIGHT);
}

static void nothing_open_is_backward_and_none(void **state)
{
    (void)state;
    assert_words(floor_of(cream, grey, 0, 0, 0), ACTION_BACKWARD, PERCEPT_NONE);
    assert_words(floor_of(blue, grey, 0, 0, 0), ACTION_BACKWARD, PERCEPT_NONE);
    assert_words(floor_of(black, grey, 0, 0, 0), ACTION_BACKWARD, PERCEPT_NONE);
}

static void grey_wall_to_the_top_is_no_floor(void **state)
{
    struct picture_floor floor = floor_of(grey, grey, 0, 0, 0);

    (void)state;
    assert_int_equal(floor.left_permille, 0);
    assert_int_equal(floor.middle_permille, 0);
    assert_int_equal(floor.right_permille, 0);
}

static void coloured_floor_is_a_floor(void **state)
{
    (void)state;
    assert_words(floor_of(cream, wood, 0, 30, 0), ACTION_FORWARD, PERCEPT_CENTER);
}

static void baseboard_ends_a_floor_of_the_walls_colour(void **state)
{
    struct canvas canvas;
    struct picture_floor floor;

    (void)state;
    paint(&canvas, 0, WIDTH, 0, HEIGHT, grey);
    paint(&canvas, 0, WIDTH, HEIGHT * 3 / 4 - 4, HEIGHT * 3 / 4, black);
    picture_measure(canvas.rgb, WIDTH, HEIGHT, &floor);
    assert_in_range(floor.middle_permille, 200, 260);
}

static void narrow_strip_is_smoothed_away(void **state)
{
    struct canvas canvas;
    struct picture_floor floor;

    (void)state;
    paint(&canvas, 0, WIDTH, 0, HEIGHT, cream);
    paint(&canvas, 58, 62, HEIGHT / 2, HEIGHT, grey);
    picture_measure(canvas.rgb, WIDTH, HEIGHT, &floor);
    assert_int_equal(floor.middle_permille, 0);
}

static void mirrored_picture_gives_mirrored_sides(void **state)
{
    struct picture_floor one = floor_of(cream, grey, 30, 10, 0);
    struct picture_floor other = floor_of(cream, grey, 0, 10, 30);

    (void)state;
    assert_in_range(one.left_permille, other.right_permille - 20, other.right_permille + 20);
    assert_in_range(one.middle_permille, other.middle_permille - 20, other.middle_permille + 20);
}

static void odd_and_tiny_sizes_are_read(void **state)
{
    static const uint8_t pixels[3 * 61 * 47] = {0};
    struct picture_floor floor = {1, 1, 1};

    (void)state;
    for (int width = 0; width <= 61; width++) {
        picture_measure(pixels, width, 47 - width / 2, &floor);
        assert_int_equal(floor.middle_permille, 0);
    }
}

static void words_beyond_the_vocabulary_weigh_nothing(void **state)
{
    const struct picture_floor floor = {100, 200, 100};
    double logits[WORD_COUNT_MAX] = {9, 9, 9, 9, 9};

    (void)state;
    picture_judge(&floor, QUESTION_PERCEPT, logits);
    assert_true(logits[WORD_COUNT_MAX - 1] == 0);
}

static void last_note_of_a_prompt_is_read(void **state)
{
    struct picture_note note;

    (void)state;
    picture_note_read("Clear: left 1 cm, front 2 cm, right 3 cm. Clear: left 120 cm, front 45 cm, "
                      "right 300 cm. Before: forward, left, right. Command:",
                      QUESTION_ACTION, &note);
    assert_int_equal(note.left_cm, 120);
    assert_int_equal(note.front_cm, 45);
    assert_int_equal(note.right_cm, 300);
    assert_int_equal(note.last_word, ACTION_RIGHT);
    picture_note_read("Before: center. ", QUESTION_PERCEPT, &note);
    assert_int_equal(note.front_cm, -1);
    assert_int_equal(note.last_word, PERCEPT_CENTER);
    picture_note_read("Clear: left 12 cm, front", QUESTION_ACTION, &note);
    assert_int_equal(note.left_cm, -1);
    assert_int_equal(note.last_word, WORD_NONE);
    picture_note_read("", QUESTION_ACTION, &note);
    assert_int_equal(note.last_word, WORD_NONE);
}

static void no_room_ahead_weighs_against_forward(void **state)
{
    struct picture_note note = {.left_cm = 200, .front_cm = 20, .right_cm = 50, .last_word = -1};
    double logits[WORD_COUNT_MAX] = {0};

    (void)state;
    picture_heed(&note, QUESTION_ACTION, logits);
    assert_true(logits[ACTION_FORWARD] < logits[ACTION_RIGHT]);
    assert_true(logits[ACTION_RIGHT] < logits[ACTION_LEFT]);
    note = (struct picture_note){-1, -1, -1, PERCEPT_RIGHT};
    memset(logits, 0, sizeof(logits));
    picture_heed(&note, QUESTION_PERCEPT, logits);
    assert_true(logits[PERCEPT_RIGHT] > logits[PERCEPT_CENTER]);
    assert_true(logits[PERCEPT_CENTER] > logits[PERCEPT_LEFT]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measured_reach_is_the_painted_one),
        cmocka_unit_test(open_way_is_forward_and_center),
        cmocka_unit_test(wall_ahead_turns_to_the_open_side),
        cmocka_unit_test(nothing_open_is_backward_and_none),
        cmocka_unit_test(grey_wall_to_the_top_is_no_floor),
        cmocka_unit_test(coloured_floor_is_a_floor),
        cmocka_unit_test(baseboard_ends_a_floor_of_the_walls_colour),
        cmocka_unit_test(narrow_strip_is_smoothed_away),
        cmocka_unit_test(mirrored_picture_gives_mirrored_sides),
        cmocka_unit_test(odd_and_tiny_sizes_are_read),
        cmocka_unit_test(words_beyond_the_vocabulary_weigh_nothing),
        cmocka_unit_test(last_note_of_a_prompt_is_read),
        cmocka_unit_test(no_room_ahead_weighs_against_forward),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
