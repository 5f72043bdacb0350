/* plan, furnish: good plans become faces, a bad one becomes one clear error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hal/sim/furnish.h"
#include "hal/sim/world.h"

static struct plan plan;

static void refuses(const char *text, const char *expected)
{
    char error[300] = "";

    assert_int_equal(plan_read(text, strlen(text), &plan, error, sizeof(error)), PLAN_REFUSED);
    if (strstr(error, expected) == NULL) {
        fail_msg("'%s' does not say '%s'", error, expected);
    }
}

static void reads(const char *text)
{
    char error[300] = "";

    if (plan_read(text, strlen(text), &plan, error, sizeof(error)) != 0) {
        fail_msg("%s", error);
    }
}

static void every_thing_becomes_its_faces(void **state)
{
    (void)state;
    reads("name  a room\n# comment\nstart 100 200 90\nroom 0 0 1000 800 color=102030\n"
          "wall 0 0 10 0 10 10\nbox 1 1 2 2 height=90 # low\ntable 0 0 500 500\n"
          "door 0 0 800 0 open=90\npet 0 0 10 10 speed=100\n");
    assert_string_equal(plan.name, "a room");
    assert_int_equal(plan.face_count, 4 + 2 * 4 + 4 + 5 * 4 + 4);
    assert_int_equal(plan.walker_count, 1);
    assert_int_equal(plan.faces[0].look.red, 0x10);
    assert_int_equal(plan.faces[0].look.blue, 0x30);
    assert_true(plan.faces[12].top_mm == 90);
    assert_true(plan.angle_rad > 1.57F && plan.angle_rad < 1.58F);
}

static void open_door_stands_off_its_wall(void **state)
{
    (void)state;
    reads("door 0 0 800 0 open=90\n");
    assert_true(plan.faces[0].x1_mm > -1 && plan.faces[0].x1_mm < 1);
    assert_true(plan.faces[0].y1_mm > 799 && plan.faces[0].y1_mm < 801);
}

static void mistake_names_line_value_and_what_was_expected(void **state)
{
    (void)state;
    refuses("room 0 0 10 10\nbox 1 2 3\n", "2: box has 3 numbers: expected x y width depth");
    refuses("sofa 1 2 3 4\n", "1: sofa: there is no such thing: expected name, start");
    refuses("box 1 2 3 x\n", "1: x: expected a number from -100000 to 100000");
    refuses("box 1 2 3 4 5\n", "1: 5: one number more");
    refuses("box 1 2 3 1e9\n", "1e9: expected a number");
    refuses("box 1 2 3 nan\n", "nan: expected a number");
    refuses("box 1 2 3 4 color=red\n", "color=red: expected six hexadecimal digits");
    refuses("box 1 2 3 4 texture=fur\n", "expected plain, brick");
    refuses("box 1 2 3 4 material=air\n", "expected solid, glass");
    refuses("box 1 2 3 4 height=-1\n", "height=-1: expected a number from 0 to 10000");
    refuses("box 1 2 3 4 turn=400\n", "expected a number of degrees");
    refuses("pet 1 2 3 4 speed=0\n", "from 1 to 3000");
    refuses("pet 1 2 3 4 5\n", "expected pairs");
    refuses("wall 1 2 3 4 5\n", "expected pairs");
    refuses("box 1 2 3 4 weight=3\n", "there is no such key");
    refuses("box 1 2 3 4 bottom=500\n", "its bottom is not below its height");
    refuses("", "there is nothing in it");
    refuses("pet 1 2 3 4\npet 1 2 3 4\npet 1 2 3 4\npet 1 2 3 4\npet 1 2 3 4\n", "at most 4");
}

static void line_without_end_and_byte_zero_are_refused(void **state)
{
    char text[1000], error[300];

    (void)state;
    memset(text, 'x', sizeof(text));
    assert_int_equal(plan_read(text, sizeof(text), &plan, error, sizeof(error)), PLAN_REFUSED);
    assert_string_equal(error, "1: line: expected at most 511 bytes");
    text[5] = '\0';
    assert_int_equal(plan_read(text, 100, &plan, error, sizeof(error)), PLAN_REFUSED);
    assert_string_equal(error, "1: line: expected text, there is a byte 0");
}

static void too_much_furniture_is_refused(void **state)
{
    static char text[300 * 16];
    size_t used = 0;

    (void)state;
    for (int i = 0; i < 260; i++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "box 1 2 3 4\n");
    }
    refuses(text, "250: box: the plan has more faces than the 1000 that fit");
}

static void file_that_is_not_there_is_an_errno(void **state)
{
    char error[10];

    (void)state;
    assert_int_equal(plan_load("/nowhere/x.room", &plan, error, sizeof(error)), -2);
}

static void same_seed_makes_the_same_room(void **state)
{
    static struct plan again;

    (void)state;
    for (uint64_t seed = 1; seed < 200; seed++) {
        static struct world world;

        furnish(&plan, seed);
        furnish(&again, seed);
        assert_memory_equal(&plan, &again, sizeof(plan));
        world_init(&world, &plan);
        assert_true(world_room(&world, (double)plan.x_mm, (double)plan.y_mm, 150, 230) >= 230);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_thing_becomes_its_faces),
        cmocka_unit_test(open_door_stands_off_its_wall),
        cmocka_unit_test(mistake_names_line_value_and_what_was_expected),
        cmocka_unit_test(line_without_end_and_byte_zero_are_refused),
        cmocka_unit_test(too_much_furniture_is_refused),
        cmocka_unit_test(file_that_is_not_there_is_an_errno),
        cmocka_unit_test(same_seed_makes_the_same_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
