/* jpeg: known sizes need no allocation, and lack of memory is an error wherever it strikes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <turbojpeg.h>

#include "tests/unit/jpeg_fixture.h"
#include "vlm/jpeg.h"

/* Calls of malloc and calloc, while counting: ours (from the executable, which holds vlm/)
 * and all (TurboJPEG's among them). A sanitizer brings an allocator of its own. */
static struct {
    bool on;
    unsigned long ours, all;
    unsigned long fail_at; /* the n-th of ours fails; 0: none */
    long live;             /* blocks, of all */
} allocations;

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OWN_ALLOCATOR 0
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define OWN_ALLOCATOR 0
#endif
#ifndef OWN_ALLOCATOR
#define OWN_ALLOCATOR 1
extern const char __executable_start, etext;
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void __libc_free(void *bytes);

/* Whether this one may succeed. */
static bool allocation_count(const void *caller)
{
    bool ours = (uintptr_t)caller >= (uintptr_t)&__executable_start &&
                (uintptr_t)caller < (uintptr_t)&etext;

    if (!allocations.on) {
        return true;
    }
    allocations.all++;
    allocations.ours += ours;
    if (ours && allocations.ours == allocations.fail_at) {
        return false;
    }
    allocations.live++;
    return true;
}

void *malloc(size_t size)
{
    return allocation_count(__builtin_return_address(0)) ? __libc_malloc(size) : NULL;
}

void *calloc(size_t count, size_t size)
{
    return allocation_count(__builtin_return_address(0)) ? __libc_calloc(count, size) : NULL;
}

void free(void *bytes)
{
    allocations.live -= allocations.on && bytes != NULL;
    __libc_free(bytes);
}
#endif

static void known_sizes_need_no_allocation(void **state)
{
    struct encoded files[] = {image_encode(image_corridor(128, 96), TJSAMP_420, 0),
                              image_encode(image_corridor(333, 257), TJSAMP_444, 0),
                              image_encode(image_corridor(40, 30), TJSAMP_GRAY, 0)};
    struct jpeg *jpeg = jpeg_make(SEND_WIDTH, SEND_HEIGHT);
    struct image image = image_corridor(200, 150);
    unsigned long per_round[20];

    (void)state;
    memset(&allocations, 0, sizeof(allocations));
    for (int round = 0; round < 20; round++) {
        struct jpeg_picture picture;

        allocations.all = 0;
        allocations.on = round > 0;
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(jpeg_fit(jpeg, files[i].bytes, files[i].size, &picture), 0);
        }
        assert_int_equal(jpeg_fit_rgb(jpeg, image.rgb, 200, 150, 600, &picture), 0);
        allocations.on = false;
        per_round[round] = allocations.all;
    }
    assert_int_equal(allocations.ours, 0);
    assert_int_equal(per_round[19], per_round[1]);
    assert_int_equal(per_round[1] > 0, OWN_ALLOCATOR); /* TurboJPEG's own: the count is alive */
    assert_int_equal(allocations.live, 0);
    for (size_t i = 0; i < 3; i++) {
        free(files[i].bytes);
    }
    free(image.rgb);
    jpeg_free(jpeg);
}

/* Everything that the encoder ever allocates, once. */
static int whole_life(struct encoded file, const struct image *image)
{
    struct jpeg_picture picture;
    struct jpeg *jpeg = NULL;
    int r = jpeg_new(SEND_WIDTH, SEND_HEIGHT, 80, &jpeg);

    if (r == 0) {
        r = jpeg_fit(jpeg, file.bytes, file.size, &picture);
    }
    if (r == 0) {
        r = jpeg_fit_rgb(jpeg, image->rgb, image->width, image->height, 3 * (size_t)image->width,
                         &picture);
    }
    jpeg_free(jpeg);
    return r;
}

static void lack_of_memory_is_an_error_wherever_it_strikes(void **state)
{
    unsigned long fail_at = 0;
    struct image image;
    struct encoded file;
    int r = -ENOMEM;

    (void)state;
    if (!OWN_ALLOCATOR) {
        skip();
    }
    file = image_encode(image_corridor(128, 96), TJSAMP_420, 0);
    image = image_corridor(400, 250);
    assert_int_equal(whole_life(file, &image), 0);
    while (r != 0) {
        memset(&allocations, 0, sizeof(allocations));
        allocations.fail_at = ++fail_at;
        allocations.on = true;
        r = whole_life(file, &image);
        allocations.on = false;
        assert_int_equal(r, allocations.ours < fail_at ? 0 : -ENOMEM);
        assert_int_equal(allocations.live, 0);
    }
    assert_true(fail_at > 10);
    free(image.rgb);
    free(file.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_sizes_need_no_allocation),
        cmocka_unit_test(lack_of_memory_is_an_error_wherever_it_strikes),
    };

    return cmocka_run_group_tests_name("jpeg_memory", tests, NULL, NULL);
}
