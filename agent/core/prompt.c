/* See prompt.h. */
#include "agent/core/prompt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/text.h"

static int refuse(char *ret_error, size_t error_size, const char *path, const char *why)
{
    (void)snprintf(ret_error, error_size, "%s: %s", path, why);
    return PROMPT_REFUSED;
}

static const char *first_fault(const char *text, size_t size)
{
    if (size > PROMPT_SIZE_MAX) {
        return "a prompt of more than 16 kB; expected about 2 kB of text";
    }
    for (size_t i = 0; i < size;) {
        size_t step = text[i] == '\n' || text[i] == '\t' ? 1 : text_step(text + i, size - i);

        if (text[i] == '\r') {
            return "a prompt with carriage returns; expected lines that end with a line feed alone";
        }
        if (step == 0) {
            return "a prompt with control characters or bytes that are not UTF-8; expected plain "
                   "text";
        }
        i += step;
    }
    return NULL;
}

static size_t trimmed_size(const char *text, size_t size)
{
    while (size > 0 &&
           (text[size - 1] == '\n' || text[size - 1] == ' ' || text[size - 1] == '\t')) {
        size--;
    }
    return size;
}

int prompt_read(const char *path, char **ret_text, char *ret_error, size_t error_size)
{
    char *text = malloc(PROMPT_SIZE_MAX + 2);
    FILE *file = fopen(path, "re");
    const char *fault;
    size_t size = 0;

    if (file == NULL || text == NULL) {
        fault = strerror(errno);
    } else {
        size = fread(text, 1, PROMPT_SIZE_MAX + 1, file);
        fault = ferror(file) ? strerror(errno) : first_fault(text, size);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    if (text == NULL) {
        return -ENOMEM;
    }
    size = trimmed_size(text, size);
    if (fault == NULL && size == 0) {
        fault = "an empty prompt";
    }
    if (fault != NULL) {
        free(text);
        return refuse(ret_error, error_size, path, fault);
    }
    text[size] = '\0';
    *ret_text = text;
    return 0;
}
