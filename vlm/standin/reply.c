/* See reply.h. */
#include "vlm/standin/reply.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    TEXT_SIZE = ANSWER_TOKENS_MAX * INQUIRY_CHOICE_SIZE,
};

static const char json_type[] = "application/json; charset=utf-8";

void reply_json(struct reply *reply, int status, cJSON *tree)
{
    char *body = cJSON_PrintUnformatted(tree);

    cJSON_Delete(tree);
    *reply = (struct reply){
        .status = body != NULL ? status : 500,
        .content_type = json_type,
        .body = body,
        .size = body != NULL ? strlen(body) : 0,
    };
}

static const char *vllm_type(int status)
{
    return status == 404   ? "NotFoundError"
           : status >= 500 ? "InternalServerError"
                           : "BadRequestError";
}

void reply_refusal(struct reply *reply, const struct options *options,
                   const struct refusal *refusal)
{
    bool llama = options->flavour == FLAVOUR_LLAMA;
    cJSON *tree = cJSON_CreateObject();
    cJSON *error = cJSON_AddObjectToObject(tree, "error");

    (void)cJSON_AddNumberToObject(error, "code", refusal->status);
    (void)cJSON_AddStringToObject(error, "message", refusal->message);
    (void)cJSON_AddStringToObject(error, "type",
                                  llama ? refusal->type : vllm_type(refusal->status));
    if (!llama) {
        (void)cJSON_AddNullToObject(error, "param");
    }
    if (llama && refusal->prompt_tokens > 0) {
        (void)cJSON_AddNumberToObject(error, "n_prompt_tokens", (double)refusal->prompt_tokens);
        (void)cJSON_AddNumberToObject(error, "n_ctx", options->context);
    }
    reply_json(reply, refusal->status, tree);
}

/* --- probabilities --- */

/* How a flavour writes one token. */
struct notation {
    bool ids;           /* llama.cpp tells ids, vLLM does not */
    const char *one;    /* "prob", "logprob" */
    const char *others; /* "top_probs", "top_logprobs" */
    bool logarithms;
};

static cJSON *token_json(const struct notation *notation, uint32_t id, const char *text,
                         double probability)
{
    cJSON *token = cJSON_CreateObject();
    cJSON *bytes;

    if (notation->ids) {
        (void)cJSON_AddNumberToObject(token, "id", id);
    }
    (void)cJSON_AddStringToObject(token, "token", text);
    bytes = cJSON_AddArrayToObject(token, "bytes");
    for (const char *at = text; *at != '\0'; at++) {
        (void)cJSON_AddItemToArray(bytes, cJSON_CreateNumber((unsigned char)*at));
    }
    (void)cJSON_AddNumberToObject(token, notation->one,
                                  !notation->logarithms ? probability
                                  : probability > 0     ? log(probability)
                                                        : -9999);
    return token;
}

static cJSON *probabilities_json(const struct options *options, const struct inquiry *inquiry,
                                 const struct answer *answer)
{
    bool after = options->flavour == FLAVOUR_LLAMA && inquiry->post_sampling_probs;
    struct notation notation = {
        .ids = options->flavour == FLAVOUR_LLAMA,
        .one = after ? "prob" : "logprob",
        .others = after ? "top_probs" : "top_logprobs",
        .logarithms = !after,
    };
    size_t wanted = (size_t)inquiry->n_probs;
    cJSON *list = cJSON_CreateArray();

    for (size_t i = 0; i < answer->token_count; i++) {
        const struct answer_token *token = &answer->tokens[i];
        cJSON *item = token_json(&notation, token->id, token->text, token->probability);
        cJSON *others = cJSON_AddArrayToObject(item, notation.others);

        for (size_t k = 0; token->chosen && k < answer->choice_count && k < wanted; k++) {
            const struct answer_choice *choice = &answer->choices[k];

            (void)cJSON_AddItemToArray(
                others, token_json(&notation, choice->id, choice->text, choice->probability));
        }
        if (!token->chosen) {
            (void)cJSON_AddItemToArray(
                others, token_json(&notation, token->id, token->text, token->probability));
        }
        (void)cJSON_AddItemToArray(list, item);
    }
    return list;
}

/* --- llama.cpp --- */

static void add_timings(cJSON *tree, const struct timings *timings, const struct answer *answer)
{
    double predicted = (double)(answer->token_count + (answer->ended ? 1 : 0));
    double prompt = (double)timings->prompt_tokens;
    cJSON *object = cJSON_AddObjectToObject(tree, "timings");

    predicted = predicted > 0 ? predicted : 1;
    (void)cJSON_AddNumberToObject(object, "cache_n", (double)timings->cached_tokens);
    (void)cJSON_AddNumberToObject(object, "prompt_n", prompt);
    (void)cJSON_AddNumberToObject(object, "prompt_ms", timings->prompt_ms);
    (void)cJSON_AddNumberToObject(object, "prompt_per_token_ms", timings->prompt_ms / prompt);
    (void)cJSON_AddNumberToObject(object, "prompt_per_second", 1e3 * prompt / timings->prompt_ms);
    (void)cJSON_AddNumberToObject(object, "predicted_n", predicted);
    (void)cJSON_AddNumberToObject(object, "predicted_ms", timings->predicted_ms);
    (void)cJSON_AddNumberToObject(object, "predicted_per_token_ms",
                                  timings->predicted_ms / predicted);
    (void)cJSON_AddNumberToObject(object, "predicted_per_second",
                                  1e3 * predicted / timings->predicted_ms);
}

static void add_settings(cJSON *tree, const struct inquiry *inquiry)
{
    cJSON *settings = cJSON_AddObjectToObject(tree, "generation_settings");

    (void)cJSON_AddNumberToObject(settings, "n_predict", inquiry->n_predict);
    (void)cJSON_AddNumberToObject(settings, "max_tokens", inquiry->n_predict);
    (void)cJSON_AddNumberToObject(settings, "temperature", inquiry->temperature);
    (void)cJSON_AddNumberToObject(settings, "top_k", inquiry->top_k);
    (void)cJSON_AddNumberToObject(settings, "n_probs", inquiry->n_probs);
    (void)cJSON_AddBoolToObject(settings, "post_sampling_probs", inquiry->post_sampling_probs);
}

/* Only the fields that the request names; "a/b" reaches into objects. Takes and deletes the tree.
 */
static cJSON *select_fields(cJSON *tree, const cJSON *names)
{
    cJSON *selected = cJSON_CreateObject();
    const cJSON *name;

    cJSON_ArrayForEach(name, names)
    {
        char path[128];
        char *rest = path;
        const cJSON *item = tree;

        if (!cJSON_IsString(name) || strlen(name->valuestring) >= sizeof(path)) {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s", name->valuestring);
        while (item != NULL && rest != NULL) {
            item = cJSON_GetObjectItemCaseSensitive(item, strsep(&rest, "/"));
        }
        if (item != NULL && cJSON_GetObjectItemCaseSensitive(selected, name->valuestring) == NULL) {
            (void)cJSON_AddItemToObject(selected, name->valuestring, cJSON_Duplicate(item, true));
        }
    }
    cJSON_Delete(tree);
    return selected;
}

static cJSON *completion_json(const struct options *options, const struct inquiry *inquiry,
                              const struct answer *answer, const struct timings *timings)
{
    size_t cached = timings->cached_tokens;
    char content[TEXT_SIZE];
    cJSON *tree = cJSON_CreateObject();

    answer_text(answer, 0, answer->token_count, content, sizeof(content));
    (void)cJSON_AddNumberToObject(tree, "index", 0);
    (void)cJSON_AddStringToObject(tree, "content", content);
    (void)cJSON_AddArrayToObject(tree, "tokens");
    (void)cJSON_AddNumberToObject(tree, "id_slot", 0);
    (void)cJSON_AddTrueToObject(tree, "stop");
    (void)cJSON_AddStringToObject(tree, "model", inquiry->model);
    (void)cJSON_AddNumberToObject(tree, "tokens_predicted", (double)answer->token_count);
    (void)cJSON_AddNumberToObject(tree, "tokens_evaluated", (double)inquiry->prompt.token_count);
    add_settings(tree, inquiry);
    (void)cJSON_AddStringToObject(tree, "prompt", inquiry->prompt.text);
    (void)cJSON_AddFalseToObject(tree, "has_new_line");
    (void)cJSON_AddFalseToObject(tree, "truncated");
    (void)cJSON_AddStringToObject(tree, "stop_type", answer->ended ? "eos" : "limit");
    (void)cJSON_AddStringToObject(tree, "stopping_word", "");
    (void)cJSON_AddNumberToObject(tree, "tokens_cached", (double)(cached + timings->prompt_tokens));
    add_timings(tree, timings, answer);
    if (inquiry->n_probs > 0 && answer->token_count > 0) {
        (void)cJSON_AddItemToObject(tree, "completion_probabilities",
                                    probabilities_json(options, inquiry, answer));
    }
    return inquiry->response_fields != NULL && cJSON_GetArraySize(inquiry->response_fields) > 0
               ? select_fields(tree, inquiry->response_fields)
               : tree;
}

/* --- chat --- */

static void add_message(cJSON *choice, const struct options *options, const struct inquiry *inquiry,
                        const struct answer *answer)
{
    size_t thought = inquiry->thought_in_content ? 0 : answer->thought_count;
    bool llama = options->flavour == FLAVOUR_LLAMA;
    char content[TEXT_SIZE], reasoning[TEXT_SIZE];
    cJSON *message = cJSON_AddObjectToObject(choice, "message");

    answer_text(answer, 0, thought, reasoning, sizeof(reasoning));
    answer_text(answer, thought, answer->token_count, content, sizeof(content));
    (void)cJSON_AddStringToObject(message, "role", "assistant");
    (void)cJSON_AddStringToObject(message, "content", content);
    if (!llama && reasoning[0] == '\0') {
        (void)cJSON_AddNullToObject(message, "reasoning");
    } else if (reasoning[0] != '\0') {
        (void)cJSON_AddStringToObject(message, llama ? "reasoning_content" : "reasoning",
                                      reasoning);
    }
}

static void add_usage(cJSON *tree, bool llama, const struct inquiry *inquiry,
                      const struct answer *answer, const struct timings *timings)
{
    double prompt = (double)inquiry->prompt.token_count;
    double predicted = (double)answer->token_count;
    cJSON *usage = cJSON_AddObjectToObject(tree, "usage");

    (void)cJSON_AddNumberToObject(usage, "completion_tokens", predicted);
    (void)cJSON_AddNumberToObject(usage, "prompt_tokens", prompt);
    (void)cJSON_AddNumberToObject(usage, "total_tokens", prompt + predicted);
    if (llama) {
        (void)cJSON_AddNumberToObject(cJSON_AddObjectToObject(usage, "prompt_tokens_details"),
                                      "cached_tokens", (double)timings->cached_tokens);
    }
}

static cJSON *chat_json(const struct options *options, const struct inquiry *inquiry,
                        const struct answer *answer, const struct timings *timings,
                        unsigned long number)
{
    bool llama = options->flavour == FLAVOUR_LLAMA;
    char id[48];
    cJSON *tree = cJSON_CreateObject();
    cJSON *choice = cJSON_CreateObject();

    (void)snprintf(id, sizeof(id), "chatcmpl-standin-%lu", number);
    (void)cJSON_AddItemToArray(cJSON_AddArrayToObject(tree, "choices"), choice);
    (void)cJSON_AddStringToObject(choice, "finish_reason", answer->ended ? "stop" : "length");
    (void)cJSON_AddNumberToObject(choice, "index", 0);
    add_message(choice, options, inquiry, answer);
    if (inquiry->n_probs > 0 && answer->token_count > 0) {
        (void)cJSON_AddItemToObject(cJSON_AddObjectToObject(choice, "logprobs"), "content",
                                    probabilities_json(options, inquiry, answer));
    }
    if (!llama) {
        (void)cJSON_AddNullToObject(choice, "stop_reason");
    }
    (void)cJSON_AddNumberToObject(tree, "created", (double)time(NULL));
    (void)cJSON_AddStringToObject(tree, "model", inquiry->model);
    if (llama) {
        (void)cJSON_AddStringToObject(tree, "system_fingerprint", REPLY_BUILD);
    }
    (void)cJSON_AddStringToObject(tree, "object", "chat.completion");
    add_usage(tree, llama, inquiry, answer, timings);
    (void)cJSON_AddStringToObject(tree, "id", id);
    if (llama) {
        add_timings(tree, timings, answer);
    }
    return tree;
}

void reply_answer(struct reply *reply, const struct options *options, const struct inquiry *inquiry,
                  const struct answer *answer, const struct timings *timings, unsigned long number)
{
    reply_json(reply, 200,
               inquiry->chat ? chat_json(options, inquiry, answer, timings, number)
                             : completion_json(options, inquiry, answer, timings));
}
