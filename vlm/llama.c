/* The llama-server driver: one word and its probability for a single decode.
 *
 * /completion is asked with the very prompt string that the chat path would tokenise (learned once
 * from /apply-template, with the server's own media marker in it), so no template is rendered per
 * frame and the prefix cache serves everything before the picture. A bias of +100 on the token of
 * each word beats any logit, so the sampled token is always one of the words, and a top-k chain of
 * as many entries turns the rest of the distribution into the probabilities of just these words.
 *
 * Where the server has no /apply-template or no media marker the same question goes to
 * /v1/chat/completions. Facts: tools/server/README and server-schema.cpp, server-common.cpp,
 * server-task.cpp of llama.cpp; seen on b11669.
 */
#include "vlm/protocol.h"

#include <cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIAS 100.0 /* Gemma's soft cap keeps logits within +-30 */

static bool llama_matches(const struct client_exchange *props)
{
    cleanup_json root = NULL;

    if (props->fault != FAULT_NONE || props->status != 200) {
        return false;
    }
    root = cJSON_ParseWithLength(props->body, props->size);
    return cJSON_GetObjectItemCaseSensitive(root, "default_generation_settings") != NULL;
}

static int integer_of(const cJSON *object, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(value) ? value->valueint : -1;
}

/* The marker is copied; "" when the build has none. */
static int learn_props(struct client *client, struct vlm_facts *facts, char *ret_marker,
                       size_t capacity)
{
    cleanup_json props = NULL;
    const cJSON *modalities, *defaults;
    char build[VLM_TEXT_SIZE];
    int result = protocol_ask(client, "/props", NULL, facts, &props);

    if (result != 0) {
        return result;
    }
    modalities = cJSON_GetObjectItemCaseSensitive(props, "modalities");
    defaults = cJSON_GetObjectItemCaseSensitive(props, "default_generation_settings");
    protocol_copy(build, protocol_string(props, "build_info"));
    (void)snprintf(facts->server, sizeof(facts->server), "llama-server %.100s", build);
    protocol_copy(facts->model, protocol_string(props, "model_alias"));
    (void)snprintf(ret_marker, capacity, "%s", protocol_string(props, "media_marker"));
    facts->slots = integer_of(props, "total_slots");
    facts->context_tokens = integer_of(defaults, "n_ctx");
    if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(modalities, "vision"))) {
        return protocol_unusable(
            facts, "the server has no vision: it was started without --mmproj, or the model has "
                   "none");
    }
    facts->vision = VLM_VISION_TOLD;
    if (facts->slots > 1) {
        protocol_warn(facts, "the server has %d slots; one (-np 1) leaves it more memory and speed",
                      facts->slots);
    }
    return 0;
}

static void learn_model(struct client *client, const char *wanted, struct vlm_facts *facts)
{
    cleanup_json models = NULL;
    const cJSON *entry, *alias;
    bool found = wanted[0] == '\0';

    if (protocol_ask(client, "/v1/models", NULL, facts, &models) != 0) {
        facts->error[0] = '\0';
        return;
    }
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(models, "data"))
    {
        if (facts->model[0] == '\0') {
            protocol_copy(facts->model, protocol_string(entry, "id"));
        }
        found |= strcmp(protocol_string(entry, "id"), wanted) == 0;
        cJSON_ArrayForEach(alias, cJSON_GetObjectItemCaseSensitive(entry, "aliases"))
        {
            found |= cJSON_IsString(alias) && strcmp(alias->valuestring, wanted) == 0;
        }
    }
    if (!found) {
        protocol_warn(facts, "the server serves %.60s, not %.60s, and answers with that",
                      facts->model, wanted);
    }
}

/* The tokens of a text. PROTOCOL_UNSUITED when the server cannot tell. */
static int tokenize(struct client *client, const char *text, struct vlm_facts *facts,
                    int *ret_count, int *ret_first)
{
    cleanup_json body = cJSON_CreateObject();
    cleanup_json answer = NULL;
    const cJSON *tokens, *first;
    int result;

    cJSON_AddStringToObject(body, "content", text);
    cJSON_AddBoolToObject(body, "add_special", false);
    cJSON_AddBoolToObject(body, "parse_special", true);
    result = protocol_ask(client, "/tokenize", body, facts, &answer);
    if (result != 0) {
        return result;
    }
    tokens = cJSON_GetObjectItemCaseSensitive(answer, "tokens");
    if (!cJSON_IsArray(tokens)) {
        return protocol_unusable(facts, "/tokenize: no list of tokens in the answer");
    }
    first = cJSON_GetArrayItem(tokens, 0);
    *ret_count = cJSON_GetArraySize(tokens);
    *ret_first = cJSON_IsNumber(first) ? first->valueint : integer_of(first, "id");
    return 0;
}

static int learn_words(struct client *client, enum question kind, struct vlm_facts *facts)
{
    for (int word = 0; word < word_count(kind); word++) {
        int count = 0, token = -1;
        int result = tokenize(client, word_text(kind, word), facts, &count, &token);

        if (result != 0) {
            return result;
        }
        if (count != 1 || token < 0) {
            (void)protocol_unusable(facts,
                                    "the word \"%s\" is %d tokens of this model, and only "
                                    "words of one token can be asked for",
                                    word_text(kind, word), count);
            return PROTOCOL_UNSUITED;
        }
        facts->word_token[word] = token;
    }
    return 0;
}

static cJSON *messages_new(const struct protocol_request *request, const char *picture)
{
    cJSON *messages = cJSON_CreateArray(), *system = cJSON_CreateObject();
    cJSON *user = cJSON_CreateObject(), *content = cJSON_CreateArray();
    cJSON *image = cJSON_CreateObject(), *text = cJSON_CreateObject();
    cJSON *url = cJSON_AddObjectToObject(image, "image_url");
    char *data;

    if (asprintf(&data, "data:image/jpeg;base64,%s", picture) >= 0) {
        cJSON_AddStringToObject(url, "url", data);
        free(data);
    }
    cJSON_AddStringToObject(image, "type", "image_url");
    cJSON_AddStringToObject(text, "type", "text");
    cJSON_AddStringToObject(text, "text", request->text);
    cJSON_AddItemToArray(content, image);
    cJSON_AddItemToArray(content, text);
    cJSON_AddStringToObject(system, "role", "system");
    cJSON_AddStringToObject(system, "content", request->prompt);
    cJSON_AddStringToObject(user, "role", "user");
    cJSON_AddItemToObject(user, "content", content);
    cJSON_AddItemToArray(messages, system);
    cJSON_AddItemToArray(messages, user);
    return messages;
}

static void add_thinking_off(cJSON *body)
{
    cJSON *kwargs = cJSON_AddObjectToObject(body, "chat_template_kwargs");

    /* A boolean: the string "false" is refused with 400. */
    cJSON_AddBoolToObject(kwargs, "enable_thinking", false);
}

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);

    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

/* The prompt as the chat path tokenises it, thinking switched off, to be freed. */
static int learn_template(struct client *client, const struct protocol_request *request,
                          struct vlm_facts *facts, char **ret_prompt)
{
    cleanup_json body = cJSON_CreateObject();
    cleanup_json answer = NULL;
    const char *prompt;
    int result;

    cJSON_AddItemToObject(body, "messages", messages_new(request, request->picture));
    add_thinking_off(body);
    result = protocol_ask(client, "/apply-template", body, facts, &answer);
    if (result != 0) {
        return result;
    }
    prompt = protocol_string(answer, "prompt");
    if (prompt[0] == '\0') {
        return protocol_unusable(facts, "/apply-template: no prompt in the answer");
    }
    if (strstr(prompt, "<|think|>") != NULL || ends_with(prompt, "<think>\n") ||
        ends_with(prompt, "<think>")) {
        return protocol_unusable(facts, "thinking cannot be turned off on this server; start it "
                                        "with --reasoning off");
    }
    facts->thinking = VLM_THINKING_OFF;
    *ret_prompt = strdup(prompt);
    return *ret_prompt == NULL ? -ENOMEM : 0;
}

/* The part that both paths share: one decode, only our words, and their probabilities. */
static cJSON *question_new(enum question kind, const struct vlm_facts *facts)
{
    static const char *const samplers[] = {"top_k"};
    cJSON *body = cJSON_CreateObject();
    cJSON *bias = cJSON_AddArrayToObject(body, "logit_bias");

    for (int word = 0; word < word_count(kind); word++) {
        double pair[] = {facts->word_token[word], BIAS};

        cJSON_AddItemToArray(bias, cJSON_CreateDoubleArray(pair, 2));
    }
    cJSON_AddItemToObject(body, "samplers", cJSON_CreateStringArray(samplers, 1));
    cJSON_AddNumberToObject(body, "top_k", word_count(kind));
    cJSON_AddNumberToObject(body, "seed", 1);
    cJSON_AddTrueToObject(body, "post_sampling_probs");
    cJSON_AddTrueToObject(body, "cache_prompt");
    cJSON_AddNumberToObject(body, "id_slot", 0);
    return body;
}

static int plan_completion(const struct protocol_request *request, const char *prompt,
                           const struct vlm_facts *facts, struct plan *ret_plan)
{
    static const char *const fields[] = {"content", "completion_probabilities", "timings"};
    static const char *const pictures[] = {PROTOCOL_PICTURE};
    cleanup_json body = question_new(request->kind, facts);
    cJSON *parts;

    cJSON_AddNumberToObject(body, "n_predict", 1);
    cJSON_AddNumberToObject(body, "n_probs", word_count(request->kind));
    cJSON_AddItemToObject(body, "response_fields", cJSON_CreateStringArray(fields, 3));
    parts = cJSON_AddObjectToObject(body, "prompt");
    /* In this order: the note stands in the prompt, and is written behind the picture (body.h). */
    cJSON_AddItemToObject(parts, "multimodal_data", cJSON_CreateStringArray(pictures, 1));
    cJSON_AddStringToObject(parts, "prompt_string", prompt);
    return plan_init(ret_plan, "/completion", REPLY_COMPLETION, cJSON_PrintUnformatted(body));
}

static int plan_chat(const struct protocol_request *request, const struct vlm_facts *facts,
                     struct plan *ret_plan)
{
    cleanup_json body = question_new(request->kind, facts);

    cJSON_AddStringToObject(body, "model", facts->model);
    cJSON_AddNumberToObject(body, "max_tokens", 1);
    cJSON_AddTrueToObject(body, "logprobs");
    cJSON_AddNumberToObject(body, "top_logprobs", word_count(request->kind));
    cJSON_AddStringToObject(body, "reasoning_format", "none");
    add_thinking_off(body);
    cJSON_AddItemToObject(body, "messages", messages_new(request, PROTOCOL_PICTURE));
    return plan_init(ret_plan, "/v1/chat/completions", REPLY_CHAT, cJSON_PrintUnformatted(body));
}

/* How many tokens a question has without its picture, to tell the picture's from the whole. */
static int text_tokens(struct client *client, const char *prompt, const char *marker,
                       struct vlm_facts *facts)
{
    const char *at = strstr(prompt, marker);
    char *before = strndup(prompt, (size_t)(at - prompt));
    int first, head = 0, tail = 0;
    bool known = before != NULL && tokenize(client, before, facts, &head, &first) == 0 &&
                 tokenize(client, at + strlen(marker), facts, &tail, &first) == 0;

    free(before);
    facts->error[0] = '\0';
    return known ? head + tail + 1 : -1; /* and the begin-of-sequence token */
}

static int count_markers(const char *prompt, const char *marker)
{
    int count = 0;

    for (const char *at = prompt; (at = strstr(at, marker)) != NULL; at += strlen(marker)) {
        count++;
    }
    return count;
}

static int llama_learn(struct client *client, const struct protocol_request *request,
                       struct vlm_facts *facts, struct plan *ret_plan)
{
    char marker[VLM_TEXT_SIZE];
    char *prompt = NULL;
    int result = learn_props(client, facts, marker, sizeof(marker));

    if (result != 0) {
        return result;
    }
    learn_model(client, request->model, facts);
    result = learn_words(client, request->kind, facts);
    if (result != 0) {
        return result;
    }
    facts->probabilities = true;
    result = learn_template(client, request, facts, &prompt);
    if (result == 0 && marker[0] != '\0' && count_markers(prompt, marker) == 1) {
        facts->text_tokens = text_tokens(client, prompt, marker, facts);
        result = plan_completion(request, prompt, facts, ret_plan);
    } else if (result == 0 || result == PROTOCOL_UNSUITED) {
        protocol_warn(facts, "%s; asking over the slower /v1/chat/completions",
                      result == 0 ? "the server does not tell where the picture goes in its prompt"
                                  : "the server has no /apply-template");
        facts->error[0] = '\0';
        result = plan_chat(request, facts, ret_plan);
    }
    free(prompt);
    return result;
}

const struct protocol protocol_llama = {
    .name = "llama",
    .matches = llama_matches,
    .learn = llama_learn,
};
