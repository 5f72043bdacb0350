/* From a server's reply to a decision, or to the name of what is wrong with it.
 *
 * Total: any bytes up to REPLY_SIZE_MAX give a decision or a fault, in bounded memory and time. Two
 * shapes are known: llama-server's /completion and the chat shape of llama-server, vLLM and others
 * (facts: llama.cpp server-task.cpp; vLLM's chat completion protocol).
 *
 * The content has to be exactly one word of the question (blanks, quotes and punctuation around it
 * do not count, nor does case). Which word is decided comes from the probabilities when they are
 * told and the content is one of them: with a top-k chain llama-server *samples* the content from
 * them, so the likeliest word and not the content is the model's answer. Without probabilities, or
 * where they are about pieces of words, the content decides and the confidence is unknown.
 *
 * Pure: no allocation, I/O or clock. Any thread.
 */
#ifndef VLM_REPLY_H
#define VLM_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "vlm/fault.h"
#include "vlm/word.h"

#define REPLY_SIZE_MAX    (1024 * 1024)
#define REPLY_DETAIL_SIZE 160

enum reply_shape {
    REPLY_COMPLETION, /* content, completion_probabilities[0].top_probs, timings */
    REPLY_CHAT,       /* choices[0].message.content, choices[0].logprobs.content[0], timings */
};

/* What the server says of its own work; -1 where it does not say. */
struct reply_timings {
    int cached_tokens;
    int evaluated_tokens; /* of the question; where the server tells no cached ones, all of them */
    int64_t server_us;    /* picture encoding, prefill and decoding; not transport and JSON */
};

struct reply {
    struct decision decision;
    struct reply_timings timings;
    char detail[REPLY_DETAIL_SIZE]; /* of a fault: what was found, printable; "" if there is
                                       nothing to add */
};

/* The reply of status 200. On a fault `ret_reply` holds only the detail. */
enum fault reply_parse(const char *body, size_t size, enum reply_shape shape,
                       enum question question, struct reply *ret_reply);

/* The reply of another status: FAULT_LOADING or FAULT_HTTP, and the server's own message as detail
 * where the body has one in a shape that llama-server, vLLM or Ollama use. */
enum fault reply_refusal(int status, const char *body, size_t size, struct reply *ret_reply);

#endif
