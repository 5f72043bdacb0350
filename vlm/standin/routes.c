/* See routes.h.
 *
 * A question passes these stages: it is read and its picture looked at (inquiry.c, on the thread of
 * its connection), it waits for the slot, the answer and its whole body are made, and then the
 * thread sleeps until the service time is over. So the own work is part of the service time, and
 * nothing but the sending comes after it.
 */
#include "vlm/standin/routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hal/base/clock.h"

/* A handler of a POST gets the parsed body; of a GET, NULL. */
typedef void handler(struct standin *standin, const struct request *request, const cJSON *body,
                     struct reply *reply);

struct route {
    const char *method;
    const char *path;
    handler *handle;
};

static void reply_status(const struct standin *standin, struct reply *reply, int status,
                         const char *message)
{
    struct refusal refusal;

    (void)refuse(&refusal, status, "%s", message);
    reply_refusal(reply, standin->options, &refusal);
}

/* --- questions --- */

static int64_t deadline_ns(struct standin *standin, const struct request *request)
{
    int64_t free_ns = slot_free_ns(standin->slot);
    int64_t start_ns = request->arrived_ns > free_ns ? request->arrived_ns : free_ns;
    double jitter = (double)standin->options->jitter_ns * slot_chance(standin->slot);

    return start_ns + standin->options->service_ns + (int64_t)jitter;
}

static void measure(struct timings *timings, int64_t entered_ns, int64_t deadline)
{
    int64_t now = clock_now_ns();
    double ms = (double)((deadline > now ? deadline : now) - entered_ns) / (double)CLOCK_NS_PER_MS;

    timings->predicted_ms = ms > 0.02 ? 0.01 : ms / 2 + 0.001;
    timings->prompt_ms = ms > 0.02 ? ms - 0.01 : ms / 2 + 0.001;
}

/* Replaces the good reply by what the fault makes of it. */
static void spoil(const struct standin *standin, const struct fault *fault, struct reply *reply)
{
    char *body;
    size_t size;

    switch (fault->kind) {
    case FAULT_HTTP_500:
    case FAULT_HTTP_503:
        free(reply->body);
        reply_status(standin, reply, fault->kind == FAULT_HTTP_500 ? 500 : 503, "injected fault");
        return;
    case FAULT_HANG:
        reply->delivery = DELIVERY_NEVER;
        return;
    case FAULT_SLOW_BODY:
        reply->delivery = DELIVERY_SLOW;
        return;
    case FAULT_CUT:
        reply->delivery = DELIVERY_CUT;
        return;
    case FAULT_TRUNCATED:
        reply->size /= 2;
        return;
    case FAULT_GARBAGE:
    case FAULT_HUGE:
    case FAULT_DEEP:
        if (fault_body(fault->kind, &body, &size) == 0) {
            free(reply->body);
            reply->body = body;
            reply->size = size;
        }
        return;
    case FAULT_NONE:
    case FAULT_UNKNOWN_WORD:
    case FAULT_EMPTY:
    case FAULT_REASONING:
    case FAULT_SEVERAL_WORDS:
    case FAULT_ALWAYS:
        return; /* answer.c has made these */
    }
}

static void log_question(const struct standin *standin, const struct inquiry *inquiry,
                         const struct answer *answer, const struct timings *timings,
                         const struct fault *fault)
{
    char text[64];
    size_t last = inquiry->prompt.file_count;
    const struct picture_floor none = {0};
    const struct picture_floor *floor = last > 0 ? &inquiry->prompt.images[last - 1].floor : &none;

    if (!standin->options->log) {
        return;
    }
    answer_text(answer, 0, answer->token_count, text, sizeof(text));
    log_info(standin->log,
             "question %lu: \"%s\" p=%.3f floor %d/%d/%d tokens %zu cached %zu fault %s",
             slot_question(standin->slot), text,
             answer->token_count > 0 ? answer->tokens[0].probability : 0.0, floor->left_permille,
             floor->middle_permille, floor->right_permille, inquiry->prompt.token_count,
             timings->cached_tokens, fault_name(fault != NULL ? fault->kind : FAULT_NONE));
}

/* Inside the slot. */
static void serve(struct standin *standin, const struct request *request,
                  const struct inquiry *inquiry, struct reply *reply)
{
    const struct options *options = standin->options;
    unsigned long number = slot_question(standin->slot);
    const struct fault *fault = fault_find(options->faults, options->fault_count, number);
    int64_t entered_ns = clock_now_ns();
    int64_t deadline = deadline_ns(standin, request);
    struct timings timings = {0};
    struct answer answer;
    int outcome;

    (void)slot_remember(standin->slot, inquiry->prompt.tokens, inquiry->prompt.token_count,
                        &timings.cached_tokens);
    if (!inquiry->cache_prompt) {
        timings.cached_tokens = 0;
    }
    timings.prompt_tokens = inquiry->prompt.token_count - timings.cached_tokens;
    answer_make(inquiry, options, standin->slot, fault, &answer);
    measure(&timings, entered_ns, deadline);
    reply_answer(reply, options, inquiry, &answer, &timings, number);
    log_question(standin, inquiry, &answer, &timings, fault);
    if (fault != NULL) {
        spoil(standin, fault, reply);
    }
    outcome = slot_wait_until(standin->slot, deadline);
    if (outcome == 0 && reply->delivery == DELIVERY_NEVER) {
        outcome = slot_wait_hang_up(standin->slot, request->fd);
    }
    if (outcome != 0) {
        reply->delivery = DELIVERY_NEVER;
    }
}

static void ask(struct standin *standin, const struct request *request, const cJSON *body,
                bool chat, struct reply *reply)
{
    struct inquiry inquiry;
    struct refusal refusal;

    if (inquiry_read(standin->options, standin->marker, chat, body, &inquiry, &refusal) != 0) {
        reply_refusal(reply, standin->options, &refusal);
    } else if (slot_enter(standin->slot) != 0) {
        reply->delivery = DELIVERY_NEVER;
    } else {
        serve(standin, request, &inquiry, reply);
        slot_leave(standin->slot);
    }
    inquiry_fini(&inquiry);
}

static void post_completion(struct standin *standin, const struct request *request,
                            const cJSON *body, struct reply *reply)
{
    ask(standin, request, body, false, reply);
}

static void post_chat(struct standin *standin, const struct request *request, const cJSON *body,
                      struct reply *reply)
{
    const cJSON *model = prompt_field(body, "model");

    if (standin->options->flavour == FLAVOUR_OPENAI && cJSON_IsString(model) &&
        strcmp(model->valuestring, standin->options->model) != 0) {
        struct refusal refusal;

        (void)refuse(&refusal, 404, "The model `%.128s` does not exist.", model->valuestring);
        reply_refusal(reply, standin->options, &refusal);
        return;
    }
    ask(standin, request, body, true, reply);
}

/* --- llama.cpp's introspection --- */

static void get_health(struct standin *standin, const struct request *request, const cJSON *body,
                       struct reply *reply)
{
    cJSON *tree = cJSON_CreateObject();

    (void)standin;
    (void)request;
    (void)body;
    (void)cJSON_AddStringToObject(tree, "status", "ok");
    reply_json(reply, 200, tree);
}

static void get_props(struct standin *standin, const struct request *request, const cJSON *body,
                      struct reply *reply)
{
    const struct options *options = standin->options;
    cJSON *tree = cJSON_CreateObject();
    cJSON *defaults = cJSON_AddObjectToObject(tree, "default_generation_settings");
    cJSON *modalities, *capabilities;

    (void)request;
    (void)body;
    (void)cJSON_AddObjectToObject(defaults, "params");
    (void)cJSON_AddNumberToObject(defaults, "n_ctx", options->context);
    (void)cJSON_AddNumberToObject(tree, "total_slots", 1);
    (void)cJSON_AddStringToObject(tree, "model_alias", options->model);
    (void)cJSON_AddStringToObject(tree, "model_path", "turbonav-standin, not a model");
    modalities = cJSON_AddObjectToObject(tree, "modalities");
    (void)cJSON_AddBoolToObject(modalities, "vision", options->vision);
    (void)cJSON_AddFalseToObject(modalities, "video");
    (void)cJSON_AddFalseToObject(modalities, "audio");
    (void)cJSON_AddStringToObject(tree, "media_marker", standin->marker);
    (void)cJSON_AddFalseToObject(tree, "endpoint_slots");
    (void)cJSON_AddFalseToObject(tree, "endpoint_props");
    (void)cJSON_AddFalseToObject(tree, "endpoint_metrics");
    (void)cJSON_AddStringToObject(tree, "chat_template", "");
    capabilities = cJSON_AddObjectToObject(tree, "chat_template_caps");
    (void)cJSON_AddTrueToObject(capabilities, "supports_system_role");
    (void)cJSON_AddStringToObject(tree, "bos_token", "<bos>");
    (void)cJSON_AddStringToObject(tree, "eos_token", "<eos>");
    (void)cJSON_AddStringToObject(tree, "build_info", REPLY_BUILD);
    (void)cJSON_AddFalseToObject(tree, "is_sleeping");
    reply_json(reply, 200, tree);
}

static cJSON *model_json(const struct options *options)
{
    bool llama = options->flavour == FLAVOUR_LLAMA;
    cJSON *model = cJSON_CreateObject();

    (void)cJSON_AddStringToObject(model, "id", options->model);
    (void)cJSON_AddStringToObject(model, "object", "model");
    (void)cJSON_AddNumberToObject(model, "created", (double)time(NULL));
    (void)cJSON_AddStringToObject(model, "owned_by", llama ? "llamacpp" : "vllm");
    if (llama) {
        cJSON *meta = cJSON_AddObjectToObject(model, "meta");

        (void)cJSON_AddNumberToObject(meta, "n_vocab", TOKENS_COUNT);
        (void)cJSON_AddNumberToObject(meta, "n_ctx", options->context);
        (void)cJSON_AddNumberToObject(meta, "n_ctx_train", 131072);
    } else {
        (void)cJSON_AddStringToObject(model, "root", options->model);
        (void)cJSON_AddNullToObject(model, "parent");
        (void)cJSON_AddNumberToObject(model, "max_model_len", options->context);
    }
    return model;
}

static void get_models(struct standin *standin, const struct request *request, const cJSON *body,
                       struct reply *reply)
{
    const struct options *options = standin->options;
    cJSON *tree = cJSON_CreateObject();

    (void)request;
    (void)body;
    if (options->flavour == FLAVOUR_LLAMA) {
        cJSON *model = cJSON_CreateObject();
        cJSON *capabilities;

        (void)cJSON_AddItemToArray(cJSON_AddArrayToObject(tree, "models"), model);
        (void)cJSON_AddStringToObject(model, "name", options->model);
        (void)cJSON_AddStringToObject(model, "model", options->model);
        capabilities = cJSON_AddArrayToObject(model, "capabilities");
        (void)cJSON_AddItemToArray(capabilities, cJSON_CreateString("completion"));
        if (options->vision) {
            (void)cJSON_AddItemToArray(capabilities, cJSON_CreateString("multimodal"));
        }
    }
    (void)cJSON_AddStringToObject(tree, "object", "list");
    (void)cJSON_AddItemToArray(cJSON_AddArrayToObject(tree, "data"), model_json(options));
    reply_json(reply, 200, tree);
}

/* The tokens of a text as a JSON array, of ids or of ids with their pieces. */
static cJSON *tokens_json(const struct options *options, const char *text, bool special, bool bos,
                          bool pieces)
{
    size_t size = strlen(text);
    char before = 0;
    cJSON *list = cJSON_CreateArray();

    if (bos) {
        (void)cJSON_AddItemToArray(list, cJSON_CreateNumber(TOKENS_BOS));
    }
    while (size > 0) {
        struct token token = tokens_first(&options->vocabulary, special, before, text, size);
        cJSON *item = pieces ? cJSON_CreateObject() : cJSON_CreateNumber(token.id);

        if (pieces) {
            char piece[TOKENS_TEXT_SIZE];

            (void)snprintf(piece, sizeof(piece), "%.*s", (int)token.size, text);
            (void)cJSON_AddNumberToObject(item, "id", token.id);
            (void)cJSON_AddStringToObject(item, "piece", piece);
        }
        (void)cJSON_AddItemToArray(list, item);
        before = text[token.size - 1];
        text += token.size;
        size -= token.size;
    }
    return list;
}

static void post_tokenize(struct standin *standin, const struct request *request, const cJSON *body,
                          struct reply *reply)
{
    const char *text = cJSON_GetStringValue(prompt_field(body, "content"));
    const cJSON *special = prompt_field(body, "parse_special");
    cJSON *tree = cJSON_CreateObject();

    (void)request;
    (void)cJSON_AddItemToObject(tree, "tokens",
                                tokens_json(standin->options, text != NULL ? text : "",
                                            special == NULL || cJSON_IsTrue(special),
                                            cJSON_IsTrue(prompt_field(body, "add_special")),
                                            cJSON_IsTrue(prompt_field(body, "with_pieces"))));
    reply_json(reply, 200, tree);
}

static void post_apply_template(struct standin *standin, const struct request *request,
                                const cJSON *body, struct reply *reply)
{
    struct prompt prompt = {0};
    struct refusal refusal;

    (void)request;
    if (prompt_from_chat(standin->options, standin->marker, body, &prompt, &refusal) != 0) {
        reply_refusal(reply, standin->options, &refusal);
    } else {
        cJSON *tree = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(tree, "prompt", prompt.text);
        reply_json(reply, 200, tree);
    }
    prompt_fini(&prompt);
}

static void post_input_tokens(struct standin *standin, const struct request *request,
                              const cJSON *body, struct reply *reply)
{
    struct inquiry inquiry;
    struct refusal refusal;

    (void)request;
    if (inquiry_read(standin->options, standin->marker, true, body, &inquiry, &refusal) != 0) {
        reply_refusal(reply, standin->options, &refusal);
    } else {
        cJSON *tree = cJSON_CreateObject();

        (void)cJSON_AddNumberToObject(tree, "input_tokens", (double)inquiry.prompt.token_count);
        (void)cJSON_AddStringToObject(tree, "object", "response.input_tokens");
        reply_json(reply, 200, tree);
    }
    inquiry_fini(&inquiry);
}

/* --- vLLM's --- */

static void get_health_vllm(struct standin *standin, const struct request *request,
                            const cJSON *body, struct reply *reply)
{
    (void)standin;
    (void)request;
    (void)body;
    *reply = (struct reply){.status = 200, .content_type = "text/plain"};
}

/* {model, prompt} and not llama.cpp's {content}, which is answered like an unknown route. */
static void post_tokenize_vllm(struct standin *standin, const struct request *request,
                               const cJSON *body, struct reply *reply)
{
    const char *text = cJSON_GetStringValue(prompt_field(body, "prompt"));
    const cJSON *bos = prompt_field(body, "add_special_tokens");
    cJSON *tree, *tokens;

    (void)request;
    if (text == NULL) {
        reply_status(standin, reply, 404, "Not Found");
        return;
    }
    tree = cJSON_CreateObject();
    tokens = tokens_json(standin->options, text, true, bos == NULL || cJSON_IsTrue(bos), false);
    (void)cJSON_AddNumberToObject(tree, "count", cJSON_GetArraySize(tokens));
    (void)cJSON_AddNumberToObject(tree, "max_model_len", standin->options->context);
    (void)cJSON_AddItemToObject(tree, "tokens", tokens);
    reply_json(reply, 200, tree);
}

/* --- dispatch --- */

static const struct route llama_routes[] = {
    {"GET", "/health", get_health},
    {"GET", "/v1/health", get_health},
    {"GET", "/props", get_props},
    {"GET", "/models", get_models},
    {"GET", "/v1/models", get_models},
    {"POST", "/tokenize", post_tokenize},
    {"POST", "/apply-template", post_apply_template},
    {"POST", "/completion", post_completion},
    {"POST", "/v1/chat/completions", post_chat},
    {"POST", "/v1/chat/completions/input_tokens", post_input_tokens},
    {0},
};

static const struct route openai_routes[] = {
    {"GET", "/health", get_health_vllm},
    {"GET", "/v1/models", get_models},
    {"POST", "/tokenize", post_tokenize_vllm},
    {"POST", "/v1/chat/completions", post_chat},
    {0},
};

static const struct route *find_route(const struct standin *standin, const struct request *request)
{
    bool llama = standin->options->flavour == FLAVOUR_LLAMA;

    for (const struct route *route = llama ? llama_routes : openai_routes; route->path != NULL;
         route++) {
        if (strcmp(route->path, request->path) == 0 &&
            strcmp(route->method, request->method) == 0) {
            return route;
        }
    }
    return NULL;
}

void routes_answer(struct standin *standin, const struct request *request, struct reply *ret_reply)
{
    bool llama = standin->options->flavour == FLAVOUR_LLAMA;
    const struct route *route = find_route(standin, request);
    cJSON *body = NULL;

    *ret_reply = (struct reply){0};
    if (request->arrived_ns < standin->ready_ns) {
        reply_status(standin, ret_reply, 503, "Loading model");
        return;
    }
    if (route == NULL) {
        reply_status(standin, ret_reply, 404, llama ? "File Not Found" : "Not Found");
        return;
    }
    if (strcmp(route->method, "POST") == 0) {
        body = cJSON_ParseWithLengthOpts(request->body, request->size + 1, NULL, true);
        if (!cJSON_IsObject(body)) {
            reply_status(standin, ret_reply, llama && body == NULL ? 500 : 400,
                         "[json.exception.parse_error.101] parse error: the body is not a JSON "
                         "object");
            cJSON_Delete(body);
            return;
        }
    }
    route->handle(standin, request, body, ret_reply);
    cJSON_Delete(body);
}
