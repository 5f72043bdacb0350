/* See reply.h. The order of the checks is the order of the fault's usefulness to a person: first
 * whether it is JSON at all, then whether it is an error, then whether there is a word, and only
 * then which. */
#include "vlm/reply.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "hal/base/text.h"
#include "vlm/json.h"

#define CONTENT_SIZE 96 /* a content that does not fit counts as several words */
#define TOP_MAX      32 /* probabilities that are looked at */

static enum fault fault_of(enum json_result result)
{
    switch (result) {
    case JSON_OK:
        return FAULT_NONE;
    case JSON_EMPTY:
        return FAULT_EMPTY;
    case JSON_NUL:
        return FAULT_NUL;
    case JSON_TRUNCATED:
        return FAULT_TRUNCATED;
    case JSON_DEPTH:
        return FAULT_DEPTH;
    case JSON_INVALID:
        break;
    }
    return FAULT_NOT_JSON;
}

static enum fault shape_fault(const char *field, struct reply *ret_reply)
{
    (void)snprintf(ret_reply->detail, sizeof(ret_reply->detail), "%s", field);
    return FAULT_SHAPE;
}

/* {"error":{"message":...}}, {"error":"..."} or {"message":...}: llama-server and vLLM, Ollama, old
 * vLLM. */
static bool error_message(struct json root, char *buffer, size_t capacity)
{
    struct json error, message;
    char text[REPLY_DETAIL_SIZE];

    if (!json_member(root, "error", &error) || error.type == JSON_NULL) {
        error = root;
    }
    if (error.type == JSON_STRING) {
        message = error;
    } else if (!json_member(error, "message", &message)) {
        return false;
    }
    if (json_text(message, text, sizeof(text)) == JSON_NO_STRING) {
        return false;
    }
    text_escape(text, strlen(text), buffer, capacity);
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Bytes that may stand around a word: ASCII blanks and punctuation. */
static bool is_filler(char c)
{
    return (unsigned char)c < 0x80 && !is_letter(c) && !(c >= '0' && c <= '9');
}

/* One word, nothing else: its place in `text`. */
static enum fault single_word(const char *text, const char **ret_start, size_t *ret_size)
{
    const char *start = text, *end, *rest;

    while (*start != '\0' && is_filler(*start)) {
        start++;
    }
    if (*start == '\0') {
        return FAULT_NO_WORD;
    }
    for (end = start; *end != '\0' && !is_filler(*end); end++) {
    }
    for (rest = end; *rest != '\0' && is_filler(*rest); rest++) {
    }
    if (*rest != '\0') {
        return FAULT_SEVERAL_WORDS;
    }
    *ret_start = start;
    *ret_size = (size_t)(end - start);
    return FAULT_NONE;
}

/* What the text of a content says, of `length` as json_text told it. */
static enum fault word_in(const char *text, int length, enum question question, int *ret_word)
{
    const char *start = NULL;
    size_t size = 0;
    enum fault fault;
    int word;

    if (length == JSON_CUT) {
        return FAULT_SEVERAL_WORDS;
    }
    if (strlen(text) != (size_t)length) {
        return FAULT_UNKNOWN_WORD; /* a NUL in it */
    }
    fault = single_word(text, &start, &size);
    if (fault != FAULT_NONE) {
        return fault;
    }
    word = word_find(question, start, size);
    if (word == WORD_NONE) {
        return FAULT_UNKNOWN_WORD;
    }
    *ret_word = word;
    return FAULT_NONE;
}

static enum fault word_from_content(struct json content, enum question question, int *ret_word,
                                    struct reply *ret_reply)
{
    char text[CONTENT_SIZE];
    enum fault fault;
    int length = json_text(content, text, sizeof(text));

    if (length == JSON_NO_STRING) {
        return shape_fault("content is no string", ret_reply);
    }
    fault = word_in(text, length, question, ret_word);
    if (fault != FAULT_NONE) {
        text_escape(text, length == JSON_CUT ? strlen(text) : (size_t)length, ret_reply->detail,
                    sizeof(ret_reply->detail));
    }
    return fault;
}

/* One entry of top_probs or top_logprobs: its word and its probability. */
static bool entry_read(struct json entry, enum question question, int *ret_word, int *ret_permille)
{
    struct json token, number;
    char text[CONTENT_SIZE];
    const char *start;
    size_t size;
    double probability;

    if (!json_member(entry, "token", &token) || json_text(token, text, sizeof(text)) < 0 ||
        single_word(text, &start, &size) != FAULT_NONE) {
        return false;
    }
    if (json_member(entry, "prob", &number)) {
        if (!json_number(number, &probability)) {
            return false;
        }
    } else if (json_member(entry, "logprob", &number) && json_number(number, &probability)) {
        probability = exp(probability);
    } else {
        return false;
    }
    int word = word_find(question, start, size);

    if (word == WORD_NONE || !(probability >= 0.0 && probability <= 1.001)) {
        return false;
    }
    *ret_word = word;
    *ret_permille = probability >= 1.0 ? 1000 : (int)(probability * 1000.0 + 0.5);
    return true;
}

/* Spellings of one word ("left" and " Left") add up. True when the word of the content is in the
 * list: only then do its entries stand for words. Where a word is several tokens the list is about
 * the first piece ("for" of "forward"), and a whole word in it is no alternative to the answer. */
static bool probabilities_read(struct json list, struct decision *decision)
{
    bool found = false;
    struct json entry;

    for (size_t i = 0; i < TOP_MAX && json_element(list, i, &entry); i++) {
        int word, permille;

        if (entry_read(entry, decision->question, &word, &permille)) {
            int sum = decision->word_permille[word] + permille;

            decision->word_permille[word] = sum > 1000 ? 1000 : sum;
            found |= word == decision->word;
        }
    }
    return found;
}

static void likeliest(struct decision *decision)
{
    for (int word = 0; word < word_count(decision->question); word++) {
        if (decision->word_permille[word] > decision->word_permille[decision->word]) {
            decision->word = word;
        }
    }
    decision->confidence_permille = decision->word_permille[decision->word];
}

static int integer_member(struct json object, const char *name)
{
    struct json value;
    double number;

    if (json_member(object, name, &value) && json_number(value, &number) && number >= 0 &&
        number <= 1e9) {
        return (int)number;
    }
    return -1;
}

static int64_t us_member(struct json object, const char *name)
{
    struct json value;
    double number;

    if (json_member(object, name, &value) && json_number(value, &number) && number >= 0 &&
        number <= 1e9) {
        return (int64_t)(number * 1000.0);
    }
    return -1;
}

static struct reply_timings timings_read(struct json root)
{
    struct reply_timings timings = {-1, -1, -1};
    struct json object;
    int64_t prompt_us, predicted_us;

    if (!json_member(root, "timings", &object)) {
        if (json_member(root, "usage", &object)) {
            timings.evaluated_tokens = integer_member(object, "prompt_tokens");
        }
        return timings;
    }
    timings.cached_tokens = integer_member(object, "cache_n");
    timings.evaluated_tokens = integer_member(object, "prompt_n");
    prompt_us = us_member(object, "prompt_ms");
    predicted_us = us_member(object, "predicted_ms");
    if (prompt_us >= 0 && predicted_us >= 0) {
        timings.server_us = prompt_us + predicted_us;
    }
    return timings;
}

/* Where a shape keeps its parts. `top` is a value of another type when there are no probabilities;
 * `thought` likewise. */
struct parts {
    struct json content, top, thought;
};

static enum fault completion_parts(struct json root, struct parts *parts, struct reply *ret_reply)
{
    struct json list, first;

    if (!json_member(root, "content", &parts->content)) {
        return shape_fault("no content", ret_reply);
    }
    if (json_member(root, "completion_probabilities", &list) && json_element(list, 0, &first) &&
        !json_member(first, "top_probs", &parts->top)) {
        (void)json_member(first, "top_logprobs", &parts->top);
    }
    return FAULT_NONE;
}

static enum fault chat_parts(struct json root, struct parts *parts, struct reply *ret_reply)
{
    struct json choices, choice, message, logprobs, list, first;

    if (!json_member(root, "choices", &choices) || !json_element(choices, 0, &choice)) {
        return shape_fault("no choices[0]", ret_reply);
    }
    if (!json_member(choice, "message", &message) ||
        !json_member(message, "content", &parts->content)) {
        return shape_fault("no choices[0].message.content", ret_reply);
    }
    if (!json_member(message, "reasoning_content", &parts->thought)) {
        (void)json_member(message, "reasoning", &parts->thought);
    }
    if (json_member(choice, "logprobs", &logprobs) && json_member(logprobs, "content", &list) &&
        json_element(list, 0, &first) && !json_member(first, "top_probs", &parts->top)) {
        (void)json_member(first, "top_logprobs", &parts->top);
    }
    return FAULT_NONE;
}

/* Empty content: was it thinking, or nothing at all? */
static bool has_thought(const struct parts *parts)
{
    return parts->thought.type == JSON_STRING && parts->thought.end - parts->thought.start > 2;
}

static enum fault decide(struct json root, const struct parts *parts, enum question question,
                         struct reply *reply)
{
    struct decision decision = {.question = question,
                                .confidence_permille = WORD_CONFIDENCE_UNKNOWN};
    enum fault fault;

    if (parts->content.type == JSON_NULL) {
        fault = FAULT_NO_WORD;
    } else {
        fault = word_from_content(parts->content, question, &decision.word, reply);
    }
    if (fault == FAULT_NO_WORD && has_thought(parts)) {
        fault = FAULT_REASONING;
    }
    if (fault != FAULT_NONE) {
        return fault;
    }
    if (probabilities_read(parts->top, &decision)) {
        likeliest(&decision);
    } else {
        memset(decision.word_permille, 0, sizeof(decision.word_permille));
    }
    reply->decision = decision;
    reply->timings = timings_read(root);
    return FAULT_NONE;
}

enum fault reply_parse(const char *body, size_t size, enum reply_shape shape,
                       enum question question, struct reply *ret_reply)
{
    struct json root = {0}, error;
    struct parts parts = {0};
    enum fault fault;

    *ret_reply = (struct reply){0};
    if (size > REPLY_SIZE_MAX) {
        return FAULT_TOO_LARGE;
    }
    fault = fault_of(json_check(body, size, &root));
    if (fault != FAULT_NONE) {
        text_escape(body, size < 40 ? size : 40, ret_reply->detail, sizeof(ret_reply->detail));
        return fault;
    }
    if (root.type != JSON_OBJECT) {
        return shape_fault("no object", ret_reply);
    }
    if (json_member(root, "error", &error) && error.type != JSON_NULL) {
        (void)error_message(root, ret_reply->detail, sizeof(ret_reply->detail));
        return FAULT_SERVER;
    }
    fault = shape == REPLY_COMPLETION ? completion_parts(root, &parts, ret_reply)
                                      : chat_parts(root, &parts, ret_reply);
    if (fault != FAULT_NONE) {
        return fault;
    }
    return decide(root, &parts, question, ret_reply);
}

enum fault reply_refusal(int status, const char *body, size_t size, struct reply *ret_reply)
{
    char message[REPLY_DETAIL_SIZE - sizeof("-2147483648 ")];
    struct json root = {0};
    bool said = size <= REPLY_SIZE_MAX && json_check(body, size, &root) == JSON_OK &&
                error_message(root, message, sizeof(message)) && message[0] != '\0';

    *ret_reply = (struct reply){0};
    (void)snprintf(ret_reply->detail, sizeof(ret_reply->detail), "%d%s%s", status, said ? " " : "",
                   said ? message : "");
    return status == 503 ? FAULT_LOADING : FAULT_HTTP;
}
