/* The prompt of a question: its text, its pictures and its tokens; and how a request is refused.
 *
 * The text is made by a template like Gemma 4's (facts section 5) from chat messages, or comes
 * ready-made with /completion. Any thread; a prompt belongs to one request.
 */
#ifndef VLM_STANDIN_PROMPT_H
#define VLM_STANDIN_PROMPT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vlm/standin/image.h"
#include "vlm/standin/options.h"

enum {
    PROMPT_IMAGES_MAX = 8,
    PROMPT_MARKER_SIZE = 32,
};

/* Why a request is not served. Messages are those of the real server where facts/vlm-servers.md or
 * its source gives them. */
struct refusal {
    int status;       /* HTTP */
    const char *type; /* "invalid_request_error", ... */
    char message[320];
    size_t prompt_tokens; /* with exceed_context_size_error */
};

/* Fills the refusal; the type follows from the status. Returns `status`. */
__attribute__((format(printf, 3, 4))) int refuse(struct refusal *refusal, int status,
                                                 const char *format, ...);

/* Zeroed is empty; prompt_fini() frees all of it. */
struct prompt {
    char *text;
    struct image_file files[PROMPT_IMAGES_MAX];
    size_t file_count;
    bool media;         /* the text has one marker for each file */
    const cJSON *parts; /* /completion with an array of token ids and strings: instead of text */

    /* Since prompt_tokenize(): */
    struct image images[PROMPT_IMAGES_MAX];
    uint64_t *tokens; /* picture tokens are the picture's hash with the top bit set */
    size_t token_count;
};

void prompt_fini(struct prompt *prompt);

/* The members of a JSON object; NULL when absent or null. */
const cJSON *prompt_field(const cJSON *object, const char *name);

/* Applies the template to the body's "messages". 0, or the HTTP status of a refusal. */
int prompt_from_chat(const struct options *options, const char *marker, const cJSON *body,
                     struct prompt *prompt, struct refusal *refusal);

/* Takes the body's "prompt". The body must outlive the prompt. 0, or the status of a refusal. */
int prompt_from_completion(const struct options *options, const cJSON *body, struct prompt *prompt,
                           struct refusal *refusal);

/* Reads the pictures and counts everything. 0, or the HTTP status of a refusal. */
int prompt_tokenize(const struct options *options, const char *marker, struct prompt *prompt,
                    struct refusal *refusal);

#endif
