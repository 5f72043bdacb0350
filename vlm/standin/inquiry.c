/* See inquiry.h.
 *
 * What the answer may be follows from the first of these that the request has: tokens biased by
 * INQUIRY_BIAS_MIN or more (or vLLM's allowed_token_ids), a list of choices (vLLM's
 * structured_outputs), the known words in a grammar, the known words in the last line of the system
 * message. A token that is banned is never among them.
 */
#include "vlm/standin/inquiry.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void inquiry_fini(struct inquiry *inquiry)
{
    prompt_fini(&inquiry->prompt);
}

/* --- strictness --- */

static const char *type_name(const cJSON *item)
{
    return cJSON_IsString(item)   ? "string"
           : cJSON_IsNumber(item) ? "number"
           : cJSON_IsBool(item)   ? "boolean"
           : cJSON_IsArray(item)  ? "array"
           : cJSON_IsObject(item) ? "object"
                                  : "null";
}

/* The fields that have one type in the real server's schema. It takes a boolean for a number. */
static int check_types(const cJSON *body, struct refusal *refusal)
{
    static const char *const numbers[] = {
        "n_predict", "max_completion_tokens", "max_tokens",   "top_k",    "top_p",
        "min_p",     "temperature",           "seed",         "n_probs",  "n_keep",
        "id_slot",   "repeat_penalty",        "top_logprobs", "logprobs",
    };
    static const char *const bools[] = {
        "stream",  "cache_prompt", "post_sampling_probs", "return_tokens", "timings_per_token",
        "verbose", "ignore_eos",
    };

    for (size_t i = 0; i < COUNT(numbers); i++) {
        const cJSON *item = prompt_field(body, numbers[i]);

        if (item != NULL && !cJSON_IsNumber(item) && !cJSON_IsBool(item)) {
            return refuse(refusal, 400,
                          "Field '%s': [json.exception.type_error.302] type must be number, but "
                          "is %s",
                          numbers[i], type_name(item));
        }
    }
    for (size_t i = 0; i < COUNT(bools); i++) {
        const cJSON *item = prompt_field(body, bools[i]);

        if (item != NULL && !cJSON_IsBool(item)) {
            return refuse(refusal, 400,
                          "Field '%s': [json.exception.type_error.302] type must be boolean, but "
                          "is %s",
                          bools[i], type_name(item));
        }
    }
    return 0;
}

static double number(const cJSON *body, const char *name, double fallback)
{
    const cJSON *item = prompt_field(body, name);

    return item == NULL           ? fallback
           : cJSON_IsNumber(item) ? item->valuedouble
                                  : (cJSON_IsTrue(item) ? 1 : 0);
}

static int whole(double value)
{
    return value >= INT_MAX ? INT_MAX : value <= INT_MIN ? INT_MIN : (int)value;
}

static int read_limit(struct inquiry *inquiry, const cJSON *body, struct refusal *refusal)
{
    static const char *const names[] = {"n_predict", "max_completion_tokens", "max_tokens"};

    inquiry->n_predict = INQUIRY_UNLIMITED;
    for (size_t i = 0; i < COUNT(names); i++) {
        if (prompt_field(body, names[i]) == NULL) {
            continue;
        }
        inquiry->n_predict = whole(number(body, names[i], 0));
        if (inquiry->n_predict < INQUIRY_UNLIMITED) {
            return refuse(refusal, 400,
                          "Field '%s': Value must be between -1 <= value <= %d, but got %d",
                          names[i], INT_MAX, inquiry->n_predict);
        }
        return 0;
    }
    return 0;
}

/* --- sampling --- */

static bool samples(const cJSON *samplers, const char *name, char letter)
{
    const cJSON *entry;

    if (cJSON_IsString(samplers)) {
        return strchr(samplers->valuestring, letter) != NULL;
    }
    if (!cJSON_IsArray(samplers)) {
        return true; /* the default chain has them all */
    }
    cJSON_ArrayForEach(entry, samplers)
    {
        if (cJSON_IsString(entry) && strcmp(entry->valuestring, name) == 0) {
            return true;
        }
    }
    return false;
}

static int read_probabilities(const struct options *options, struct inquiry *inquiry,
                              const cJSON *body, struct refusal *refusal)
{
    bool wanted = cJSON_IsTrue(prompt_field(body, "logprobs"));

    if (!inquiry->chat) {
        inquiry->n_probs = whole(number(body, "n_probs", number(body, "logprobs", 0)));
    } else if (wanted) {
        bool llama = options->flavour == FLAVOUR_LLAMA;

        inquiry->n_probs = whole(number(body, "top_logprobs", llama ? 20 : 0));
        inquiry->n_probs = inquiry->n_probs < 1 ? 1 : inquiry->n_probs;
    } else if (prompt_field(body, "top_logprobs") != NULL) {
        return refuse(refusal, 400, "top_logprobs requires logprobs to be set to true");
    } else {
        inquiry->n_probs = whole(number(body, "n_probs", 0));
    }
    inquiry->post_sampling_probs = cJSON_IsTrue(prompt_field(body, "post_sampling_probs"));
    return 0;
}

static void read_sampling(const struct options *options, struct inquiry *inquiry, const cJSON *body)
{
    bool llama = options->flavour == FLAVOUR_LLAMA;
    const cJSON *samplers = llama ? prompt_field(body, "samplers") : NULL;
    const cJSON *cache = prompt_field(body, "cache_prompt");
    double seed = number(body, "seed", -1);

    /* The defaults of llama-server and of vLLM. */
    inquiry->top_k = whole(number(body, "top_k", llama ? 40 : 0));
    inquiry->temperature = number(body, "temperature", llama ? 0.8 : 1.0);
    inquiry->samples_top_k = samples(samplers, "top_k", 'k');
    inquiry->samples_temperature = samples(samplers, "temperature", 't');
    inquiry->cache_prompt = cache == NULL || cJSON_IsTrue(cache);
    inquiry->seeded = seed >= 0 && seed < 4294967295.0;
    inquiry->seed = inquiry->seeded ? (uint64_t)seed : 0;
}

/* --- choices --- */

static void add_choice(struct inquiry *inquiry, uint32_t id, const char *text, size_t size)
{
    if (inquiry->choice_count == INQUIRY_CHOICES_MAX) {
        return;
    }
    for (size_t i = 0; i < inquiry->choice_count; i++) {
        if (inquiry->choices[i].id == id) {
            return;
        }
    }

    struct choice *choice = &inquiry->choices[inquiry->choice_count++];

    choice->id = id;
    (void)snprintf(choice->text, sizeof(choice->text), "%.*s", (int)size, text);
}

static void drop_choice(struct inquiry *inquiry, uint32_t id)
{
    for (size_t i = 0; i < inquiry->choice_count; i++) {
        if (inquiry->choices[i].id == id) {
            inquiry->choices[i] = inquiry->choices[--inquiry->choice_count];
            return;
        }
    }
}

static void add_token(struct inquiry *inquiry, double id)
{
    char text[TOKENS_TEXT_SIZE];

    if (id >= 0 && id < TOKENS_COUNT) {
        tokens_text((uint32_t)id, text);
        add_choice(inquiry, (uint32_t)id, text, strlen(text));
    }
}

/* Every piece of the text, as the real server biases every piece. */
static void bias_text(const struct options *options, struct inquiry *inquiry, const char *text,
                      bool ban)
{
    size_t size = strlen(text);
    char before = 0;

    while (size > 0) {
        struct token token = tokens_first(&options->vocabulary, false, before, text, size);

        if (ban) {
            drop_choice(inquiry, token.id);
        } else {
            add_choice(inquiry, token.id, text, token.size);
        }
        before = text[token.size - 1];
        text += token.size;
        size -= token.size;
    }
}

static void bias_token(const struct options *options, struct inquiry *inquiry, const cJSON *token,
                       const char *name, bool ban)
{
    char *end = NULL;
    double id = name != NULL ? (double)strtol(name, &end, 10) : 0;

    if (name != NULL && *end != '\0') {
        bias_text(options, inquiry, name, ban);
        return;
    }
    if (cJSON_IsString(token)) {
        bias_text(options, inquiry, token->valuestring, ban);
        return;
    }
    if (name == NULL && !cJSON_IsNumber(token)) {
        return;
    }
    id = name != NULL ? id : token->valuedouble;
    if (ban && id >= 0) {
        drop_choice(inquiry, (uint32_t)id);
    } else if (!ban) {
        add_token(inquiry, id);
    }
}

/* logit_bias as an array of pairs or as an object. Entries of a wrong shape are passed over, as the
 * real server does. With `ban`, drops what is banned; else adds what is wanted. */
static void read_bias(const struct options *options, struct inquiry *inquiry, const cJSON *bias,
                      bool ban)
{
    const cJSON *entry;

    cJSON_ArrayForEach(entry, bias)
    {
        bool pair = cJSON_IsArray(bias);
        const cJSON *value = pair ? cJSON_GetArrayItem(entry, 1) : entry;

        if (pair && (!cJSON_IsArray(entry) || cJSON_GetArraySize(entry) != 2)) {
            continue;
        }

        bool wanted = cJSON_IsNumber(value) && value->valuedouble >= INQUIRY_BIAS_MIN;
        bool banned = cJSON_IsFalse(value) ||
                      (cJSON_IsNumber(value) && value->valuedouble <= -INQUIRY_BIAS_MIN);

        if (ban ? banned : wanted) {
            bias_token(options, inquiry, pair ? cJSON_GetArrayItem(entry, 0) : NULL,
                       pair ? NULL : entry->string, ban);
        }
    }
}

static void add_word(const struct options *options, struct inquiry *inquiry, const char *text,
                     size_t size)
{
    add_choice(inquiry, tokens_first(&options->vocabulary, false, 0, text, size).id, text, size);
}

static void add_known_words(const struct options *options, struct inquiry *inquiry,
                            const char *text, size_t size)
{
    for (size_t at = 0; at < size; at++) {
        size_t run = 0;

        while (at + run < size && isalpha((unsigned char)text[at + run])) {
            run++;
        }
        for (size_t i = 0; run > 0 && tokens_known_word(i) != NULL; i++) {
            const char *word = tokens_known_word(i);

            if (strlen(word) == run && strncasecmp(word, text + at, run) == 0) {
                add_word(options, inquiry, word, run);
            }
        }
        at += run;
    }
}

/* The known words of the last line of the system turn, or of the whole prompt without one. */
static void add_words_of_prompt(const struct options *options, struct inquiry *inquiry)
{
    static const char head[] = "<|turn>system\n", tail[] = "<turn|>";
    const char *start = strstr(inquiry->prompt.text, head);
    const char *end = NULL;

    start = start != NULL ? start + strlen(head) : inquiry->prompt.text;
    end = strstr(start, tail);
    end = end != NULL ? end : start + strlen(start);
    while (end > start && isspace((unsigned char)end[-1])) {
        end--;
    }

    const char *line = end;

    while (line > start && line[-1] != '\n') {
        line--;
    }
    add_known_words(options, inquiry, line, (size_t)(end - line));
}

static int read_grammar(const struct options *options, struct inquiry *inquiry,
                        const cJSON *grammar, struct refusal *refusal)
{
    if (!cJSON_IsString(grammar) || grammar->valuestring[0] == '\0') {
        return 0;
    }
    if (strstr(grammar->valuestring, "root") == NULL ||
        strstr(grammar->valuestring, "::=") == NULL) {
        return refuse(refusal, 400, "Failed to initialize samplers: failed to parse grammar");
    }
    add_known_words(options, inquiry, grammar->valuestring, strlen(grammar->valuestring));
    return 0;
}

static void read_vllm_choices(const struct options *options, struct inquiry *inquiry,
                              const cJSON *body)
{
    const cJSON *words = prompt_field(prompt_field(body, "structured_outputs"), "choice");
    const cJSON *entry;

    cJSON_ArrayForEach(entry, prompt_field(body, "allowed_token_ids"))
    {
        add_token(inquiry, entry->valuedouble);
    }
    if (inquiry->choice_count > 0) {
        inquiry->ending = ENDING_LIMIT;
        return;
    }
    cJSON_ArrayForEach(entry, words)
    {
        if (cJSON_IsString(entry) && entry->valuestring[0] != '\0') {
            add_word(options, inquiry, entry->valuestring, strlen(entry->valuestring));
        }
    }
}

static int read_choices(const struct options *options, struct inquiry *inquiry, const cJSON *body,
                        struct refusal *refusal)
{
    const cJSON *bias = prompt_field(body, "logit_bias");
    int status = 0;

    read_bias(options, inquiry, bias, false);
    if (inquiry->choice_count > 0) {
        inquiry->ending = ENDING_LIMIT;
    } else if (options->flavour == FLAVOUR_OPENAI) {
        read_vllm_choices(options, inquiry, body);
    } else {
        status = read_grammar(options, inquiry, prompt_field(body, "grammar"), refusal);
    }
    if (status == 0 && inquiry->choice_count == 0) {
        add_words_of_prompt(options, inquiry);
    }
    read_bias(options, inquiry, bias, true);
    return status;
}

int inquiry_read(const struct options *options, const char *marker, bool chat, const cJSON *body,
                 struct inquiry *inquiry, struct refusal *refusal)
{
    const cJSON *model = prompt_field(body, "model");
    const char *reasoning = cJSON_GetStringValue(prompt_field(body, "reasoning_format"));

    *inquiry = (struct inquiry){.chat = chat, .response_fields = NULL};

    int status = chat ? prompt_from_chat(options, marker, body, &inquiry->prompt, refusal)
                      : prompt_from_completion(options, body, &inquiry->prompt, refusal);

    if (status == 0) {
        status = read_probabilities(options, inquiry, body, refusal);
    }
    if (status == 0) {
        status = check_types(body, refusal);
    }
    if (status == 0) {
        status = read_limit(inquiry, body, refusal);
    }
    if (status == 0 && cJSON_IsTrue(prompt_field(body, "stream"))) {
        status = refuse(refusal, 501, "turbonav-standin does not stream");
    }
    if (status == 0) {
        read_sampling(options, inquiry, body);
        status = read_choices(options, inquiry, body, refusal);
    }
    if (status == 0) {
        status = prompt_tokenize(options, marker, &inquiry->prompt, refusal);
    }
    inquiry->thinks =
        inquiry->prompt.text != NULL && strstr(inquiry->prompt.text, "<|think|>") != NULL;
    inquiry->thought_in_content = reasoning != NULL && strcmp(reasoning, "none") == 0;
    inquiry->model = cJSON_IsString(model) ? model->valuestring : options->model;
    if (cJSON_IsArray(prompt_field(body, "response_fields"))) {
        inquiry->response_fields = prompt_field(body, "response_fields");
    }
    return status;
}
