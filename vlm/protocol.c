/* See protocol.h. What the drivers share: plans and the words for what went wrong. */
#include "vlm/protocol.h"

#include <cJSON.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/text.h"

const struct protocol *const protocol_list[] = {&protocol_llama, &protocol_openai};
const int protocol_count = (int)(sizeof(protocol_list) / sizeof(protocol_list[0]));

int plan_init(struct plan *plan, const char *path, enum reply_shape shape, char *text)
{
    char *picture = text == NULL ? NULL : strstr(text, PROTOCOL_PICTURE);

    *plan = (struct plan){.shape = shape};
    if (picture == NULL) {
        free(text);
        return -ENOMEM;
    }
    (void)snprintf(plan->path, sizeof(plan->path), "%s", path);
    plan->head = strndup(text, (size_t)(picture - text));
    plan->tail = strdup(picture + strlen(PROTOCOL_PICTURE));
    free(text);
    if (plan->head == NULL || plan->tail == NULL) {
        plan_fini(plan);
        return -ENOMEM;
    }
    return 0;
}

void plan_fini(struct plan *plan)
{
    free(plan->head);
    free(plan->tail);
    *plan = (struct plan){0};
}

char *plan_body(const struct plan *plan, const char *picture)
{
    char *body;

    return asprintf(&body, "%s%s%s", plan->head, picture, plan->tail) < 0 ? NULL : body;
}

void protocol_copy(char ret_text[static VLM_TEXT_SIZE], const char *said)
{
    text_escape(said, strlen(said), ret_text, VLM_TEXT_SIZE);
}

int protocol_unusable(struct vlm_facts *facts, const char *format, ...)
{
    char line[2 * VLM_TEXT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    protocol_copy(facts->error, line);
    return PROTOCOL_UNUSABLE;
}

void protocol_warn(struct vlm_facts *facts, const char *format, ...)
{
    char line[2 * VLM_TEXT_SIZE];
    va_list arguments;

    if (facts->warning_count == VLM_WARNINGS_MAX) {
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    protocol_copy(facts->warnings[facts->warning_count], line);
    facts->warning_count++;
}

int protocol_refused(struct vlm_facts *facts, const char *what,
                     const struct client_exchange *exchange)
{
    struct reply reply;

    if (exchange->fault != FAULT_NONE) {
        return protocol_unusable(facts, "%s: %s%s%s", what, fault_text(exchange->fault),
                                 exchange->detail[0] != '\0' ? ": " : "", exchange->detail);
    }
    (void)reply_refusal(exchange->status, exchange->body, exchange->size, &reply);
    return protocol_unusable(facts, "%s: the server answered %s", what, reply.detail);
}

void protocol_json_free(struct cJSON **json)
{
    cJSON_Delete(*json);
}

const char *protocol_string(const struct cJSON *object, const char *name)
{
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return value == NULL ? "" : value;
}

int protocol_ask(struct client *client, const char *path, const struct cJSON *body,
                 struct vlm_facts *facts, struct cJSON **ret_answer)
{
    struct client_exchange exchange;
    char *text = body == NULL ? NULL : cJSON_PrintUnformatted(body);
    int result;

    if (body != NULL && text == NULL) {
        return -ENOMEM;
    }
    result = client_call(client, path, text, PROTOCOL_CALL_MS, &exchange);
    free(text);
    if (result < 0) {
        return result;
    }
    if (exchange.fault != FAULT_NONE || exchange.status != 200) {
        (void)protocol_refused(facts, path, &exchange);
        return exchange.status == 404 || exchange.status == 501 ? PROTOCOL_UNSUITED
                                                                : PROTOCOL_UNUSABLE;
    }
    *ret_answer = cJSON_ParseWithLength(exchange.body, exchange.size);
    if (*ret_answer == NULL) {
        return protocol_unusable(facts, "%s: the server's answer is not JSON", path);
    }
    return 0;
}
