/* The bytes are a configuration file against the real tables. Either it is refused with one
 * printable, non-empty line, or what config_show prints is accepted and gives the same values.
 *
 * The first byte chooses the folder of the file, because a long one makes paths longer. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/list.h"
#include "hal/base/text.h"

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require_one_line(const char *error)
{
    size_t length = strlen(error), step;

    REQUIRE(length > 0);
    for (size_t i = 0; i < length; i += step) {
        step = text_step(error + i, length - i);
        REQUIRE(step > 0);
    }
}

static void require_same(const struct config *a, const struct config *b,
                         const struct setting_table *table)
{
    size_t count = config_count(a, table);
    void *of_a = malloc(table->size), *of_b = malloc(table->size);

    REQUIRE(of_a != NULL && of_b != NULL);
    REQUIRE(config_count(b, table) == count);
    for (size_t i = 0; i < count; i++) {
        config_get(a, table, i, of_a);
        config_get(b, table, i, of_b);
        REQUIRE(memcmp(of_a, of_b, table->size) == 0);
    }
    free(of_a);
    free(of_b);
}

static void require_round_trip(const struct config *config)
{
    struct config *copy;
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    REQUIRE(out != NULL);
    config_show(config, out);
    REQUIRE(fclose(out) == 0);
    REQUIRE(config_new(config_list, config_list_count, &copy) == 0);
    if (config_load_bytes(copy, "/copy.conf", text, size) != 0) {
        fprintf(stderr, "%s\n%s", config_error(copy), text);
        abort();
    }
    for (size_t i = 0; i < config_list_count; i++) {
        require_same(config, copy, config_list[i]);
    }
    config_free(copy);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *config;
    char path[300];
    int result;

    if (size == 0 || size > 64 * 1024) {
        return -1;
    }
    memset(path, 'f', sizeof(path));
    path[0] = '/';
    memcpy(path + data[0] + 1, "/x.conf", 8);
    REQUIRE(config_new(config_list, config_list_count, &config) == 0);
    result = config_load_bytes(config, path, data + 1, size - 1);
    REQUIRE(result == 0 || result == CONFIG_REFUSED);
    if (result == 0) {
        require_round_trip(config);
    } else {
        require_one_line(config_error(config));
    }
    config_free(config);
    return 0;
}
