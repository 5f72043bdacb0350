/* The fixed prompt, from its file.
 *
 * UTF-8 text of at most PROMPT_SIZE_MAX bytes, without control characters other than line feed and
 * tab; blanks at its end are dropped, because chat templates do the same.
 */
#ifndef AGENT_CORE_PROMPT_H
#define AGENT_CORE_PROMPT_H

#include <stddef.h>

#define PROMPT_SIZE_MAX (16 * 1024)

enum prompt_result {
    PROMPT_REFUSED = 1, /* `ret_error` says why */
};

/* 0 and the text, to be freed; PROMPT_REFUSED and one line that names the file; or -ENOMEM. */
int prompt_read(const char *path, char **ret_text, char *ret_error, size_t error_size);

#endif
