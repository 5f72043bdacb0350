/* The driver for servers with OpenAI's chat interface: vLLM, and llama-server asked as text.
 *
 * The model answers with text, held to the words by vLLM's structured_outputs where the server
 * knows it. Other servers ignore the fields that they do not know, or refuse them with 400; then
 * the plain question is asked, and the words are only checked on arrival. Thinking is switched off
 * through the template's variable, which is a boolean. Facts: vLLM chat_completion/protocol.py.
 */
#include "vlm/protocol.h"

#include <cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_TOKENS 4 /* the longest word, in the worst of tokenizers */

static bool openai_matches(const struct client_exchange *props)
{
    (void)props;
    return true;
}

static int choose_model(const cJSON *list, const char *wanted, struct vlm_facts *facts)
{
    char served[VLM_TEXT_SIZE] = "", owner[VLM_TEXT_SIZE];
    const cJSON *entry, *max_len;
    size_t used = 0;

    cJSON_ArrayForEach(entry, list)
    {
        const char *id = protocol_string(entry, "id");

        if (wanted[0] == '\0' || strcmp(id, wanted) == 0) {
            max_len = cJSON_GetObjectItemCaseSensitive(entry, "max_model_len");
            facts->context_tokens = cJSON_IsNumber(max_len) ? max_len->valueint : -1;
            protocol_copy(owner, protocol_string(entry, "owned_by"));
            (void)snprintf(facts->server, sizeof(facts->server), "%.100s server", owner);
            protocol_copy(facts->model, id);
            return 0;
        }
        int n = snprintf(served + used, sizeof(served) - used, "%s%.60s", used > 0 ? ", " : "", id);

        used += (size_t)n < sizeof(served) - used ? (size_t)n : sizeof(served) - 1 - used;
    }
    return protocol_unusable(facts, "the server does not serve the model %.60s, only: %.100s",
                             wanted, served);
}

static int learn_model(struct client *client, const char *wanted, struct vlm_facts *facts)
{
    cleanup_json models = NULL;
    const cJSON *list;
    int result = protocol_ask(client, "/v1/models", NULL, facts, &models);

    if (result != 0) {
        return result;
    }
    list = cJSON_GetObjectItemCaseSensitive(models, "data");
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) == 0) {
        return protocol_unusable(facts, "/v1/models: no list of models in the answer");
    }
    return choose_model(list, wanted, facts);
}

static cJSON *message_new(cJSON *messages, const char *role)
{
    cJSON *message = cJSON_CreateObject();

    cJSON_AddStringToObject(message, "role", role);
    cJSON_AddItemToArray(messages, message);
    return message;
}

static cJSON *part_new(cJSON *content, const char *type)
{
    cJSON *part = cJSON_CreateObject();

    cJSON_AddStringToObject(part, "type", type);
    cJSON_AddItemToArray(content, part);
    return part;
}

static cJSON *plain_question(const struct protocol_request *request, const char *model)
{
    cJSON *body = cJSON_CreateObject();
    cJSON *messages, *content, *image;

    cJSON_AddStringToObject(body, "model", model);
    cJSON_AddNumberToObject(body, "max_tokens", ANSWER_TOKENS);
    cJSON_AddNumberToObject(body, "temperature", 0);
    cJSON_AddFalseToObject(body, "stream");
    messages = cJSON_AddArrayToObject(body, "messages");
    cJSON_AddStringToObject(message_new(messages, "system"), "content", request->prompt);
    content = cJSON_AddArrayToObject(message_new(messages, "user"), "content");
    image = cJSON_AddObjectToObject(part_new(content, "image_url"), "image_url");
    cJSON_AddStringToObject(image, "url", "data:image/jpeg;base64," PROTOCOL_PICTURE);
    cJSON_AddStringToObject(part_new(content, "text"), "text", request->text);
    return body;
}

static void add_constraints(cJSON *body, enum question kind)
{
    cJSON *choice;

    cJSON_AddBoolToObject(cJSON_AddObjectToObject(body, "chat_template_kwargs"), "enable_thinking",
                          false);
    cJSON_AddTrueToObject(body, "logprobs");
    cJSON_AddNumberToObject(body, "top_logprobs", WORD_COUNT_MAX);
    choice = cJSON_AddArrayToObject(cJSON_AddObjectToObject(body, "structured_outputs"), "choice");
    for (int word = 0; word < word_count(kind); word++) {
        cJSON_AddItemToArray(choice, cJSON_CreateString(word_text(kind, word)));
    }
}

/* Does the server take a question of this form? 0; PROTOCOL_UNSUITED: no, 400; or as usual. */
static int plan_try(struct client *client, const struct protocol_request *request,
                    struct vlm_facts *facts, const struct plan *plan)
{
    struct client_exchange exchange;
    char *body = plan_body(plan, request->picture);
    int result;

    if (body == NULL) {
        return -ENOMEM;
    }
    result = client_call(client, plan->path, body, PROTOCOL_CALL_MS, &exchange);
    free(body);
    if (result < 0) {
        return result;
    }
    if (exchange.fault != FAULT_NONE || exchange.status != 200) {
        (void)protocol_refused(facts, "a test question", &exchange);
        return exchange.status == 400 ? PROTOCOL_UNSUITED : PROTOCOL_UNUSABLE;
    }
    return 0;
}

static int plan_make(struct client *client, const struct protocol_request *request,
                     struct vlm_facts *facts, bool constrained, struct plan *ret_plan)
{
    cJSON *body = plain_question(request, facts->model);
    struct plan plan;
    int result;

    if (constrained) {
        add_constraints(body, request->kind);
    }
    result = plan_init(&plan, "/v1/chat/completions", REPLY_CHAT, cJSON_PrintUnformatted(body));
    cJSON_Delete(body);
    if (result < 0) {
        return result;
    }
    result = plan_try(client, request, facts, &plan);
    if (result != 0) {
        plan_fini(&plan);
        return result;
    }
    *ret_plan = plan;
    return 0;
}

static int openai_learn(struct client *client, const struct protocol_request *request,
                        struct vlm_facts *facts, struct plan *ret_plan)
{
    int result = learn_model(client, request->model, facts);

    if (result != 0) {
        return result;
    }
    facts->probabilities = true;
    result = plan_make(client, request, facts, true, ret_plan);
    if (result == PROTOCOL_UNSUITED) {
        protocol_warn(facts,
                      "the server refuses a constrained question (%.110s); asking without "
                      "constraint",
                      facts->error);
        facts->error[0] = '\0';
        facts->probabilities = false;
        result = plan_make(client, request, facts, false, ret_plan);
    }
    return result == PROTOCOL_UNSUITED ? PROTOCOL_UNUSABLE : result;
}

const struct protocol protocol_openai = {
    .name = "openai",
    .matches = openai_matches,
    .learn = openai_learn,
};
