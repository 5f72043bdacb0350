/* See endpoint.h. */
#include "agent/endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "hal/base/clock.h"

#define LOADING_POLL_MS 250

static void tell_tokens(const struct vlm_facts *facts, enum question kind, const char *name,
                        struct log *log)
{
    char words[160] = "";
    size_t used = 0;

    for (int word = 0; word < word_count(kind) && facts->word_token[word] >= 0; word++) {
        int n = snprintf(words + used, sizeof(words) - used, "%s%s %d", word > 0 ? ", " : "",
                         word_text(kind, word), facts->word_token[word]);

        used += n > 0 && (size_t)n < sizeof(words) - used ? (size_t)n : 0;
    }
    if (used > 0) {
        log_info(log, "vlm %s: words are tokens %s", name, words);
    }
    if (facts->question_tokens >= 0) {
        char picture[64] = "", reused[64] = "";

        if (facts->picture_tokens >= 0) {
            (void)snprintf(picture, sizeof(picture), ", the picture is %d of them",
                           facts->picture_tokens);
        }
        if (facts->reused_tokens >= 0) {
            (void)snprintf(reused, sizeof(reused), "; %d reused from the prefix cache",
                           facts->reused_tokens);
        }
        log_info(log, "vlm %s: a question has %d tokens%s%s", name, facts->question_tokens, picture,
                 reused);
    }
}

static void tell_facts(const struct vlm_facts *facts, const struct endpoint_list *list,
                       size_t index, enum question kind, struct log *log)
{
    const char *name = list->names[index];
    char slots[32] = "", context[48] = "";

    if (facts->slots >= 0) {
        (void)snprintf(slots, sizeof(slots), ", %d slot%s", facts->slots,
                       facts->slots == 1 ? "" : "s");
    }
    if (facts->context_tokens >= 0) {
        (void)snprintf(context, sizeof(context), ", context %d tokens", facts->context_tokens);
    }
    log_info(log, "vlm %s: %s at %s serves %s, %s pictures%s%s, thinking %s", name, facts->server,
             list->options[index].url, facts->model,
             facts->vision == VLM_VISION_TOLD ? "sees" : "takes", slots, context,
             facts->thinking == VLM_THINKING_OFF ? "off" : "not seen");
    log_info(log, "vlm %s: asking with protocol %s over %s, %s probabilities", name,
             facts->protocol, facts->path, facts->probabilities ? "with" : "without");
    tell_tokens(facts, kind, name, log);
}

/* Learns one endpoint, and waits while it loads. 0 and the endpoint; VLM_UNUSABLE and why; -errno.
 */
static int try_endpoint(const struct endpoint_list *list, size_t index, enum question kind,
                        struct log *log, struct vlm **ret_vlm, char why[ENDPOINT_TEXT_SIZE])
{
    const struct vlm_endpoint_options *endpoint = &list->options[index];
    const struct timespec pause = {.tv_nsec = LOADING_POLL_MS * CLOCK_NS_PER_MS};
    bool action = kind == QUESTION_ACTION;
    struct vlm_question question = {
        .kind = kind,
        .prompt = list->prompts[kind],
        .text = action ? list->question->action_text : list->question->percept_text,
        .has_note = list->has_note,
    };
    struct vlm *vlm;
    int64_t waited_ms = 0;
    int result = vlm_new(endpoint, list->picture, &question, &vlm);

    if (result < 0) {
        return result;
    }
    while ((result = vlm_learn(vlm)) == VLM_LOADING && waited_ms < endpoint->startup_ms) {
        if (waited_ms == 0) {
            log_info(log, "vlm %s: %s is loading its model; waiting up to %lld s",
                     list->names[index], endpoint->url,
                     (long long)(endpoint->startup_ms + 999) / 1000);
        }
        (void)nanosleep(&pause, NULL);
        waited_ms += LOADING_POLL_MS;
    }
    for (int i = 0; i < vlm_facts(vlm)->warning_count; i++) {
        log_warning(log, "vlm %s: %s", list->names[index], vlm_facts(vlm)->warnings[i]);
    }
    if (result == 0) {
        tell_facts(vlm_facts(vlm), list, index, kind, log);
        *ret_vlm = vlm;
        return 0;
    }
    if (result > 0) {
        (void)snprintf(why, ENDPOINT_TEXT_SIZE, "vlm %s: %.100s: %.200s", list->names[index],
                       endpoint->url,
                       result == VLM_LOADING ? "still loading its model" : vlm_facts(vlm)->error);
        result = VLM_UNUSABLE;
    }
    vlm_free(vlm);
    return result;
}

/* One client for each question that may be asked of it. */
static int try_both(const struct endpoint_list *list, size_t index, struct log *log,
                    struct endpoint *ret_endpoint, char why[ENDPOINT_TEXT_SIZE])
{
    struct endpoint found = {0};
    int result = try_endpoint(list, index, list->kind, log, &found.vlm, why);

    if (result == 0 && list->may_change) {
        result = try_endpoint(list, index, QUESTION_PERCEPT, log, &found.percept, why);
    }
    if (result != 0) {
        vlm_free(found.vlm);
        return result;
    }
    (void)snprintf(found.text, sizeof(found.text), "%.180s at %.180s", vlm_facts(found.vlm)->model,
                   list->options[index].url);
    *ret_endpoint = found;
    return 0;
}

/* But for the digits: how many milliseconds a refusal took is no news. */
static bool is_told(const char *told, const char *text)
{
    while (told != NULL && (*told != '\0' || *text != '\0')) {
        told += strspn(told, "0123456789");
        text += strspn(text, "0123456789");
        if (*told != *text) {
            return false;
        }
        told += *told != '\0' ? 1 : 0;
        text += *text != '\0' ? 1 : 0;
    }
    return told != NULL;
}

int endpoint_choose(const struct endpoint_list *list, struct log *log, const char *told,
                    struct endpoint *ret_endpoint)
{
    struct endpoint none = {.text = "no model server is configured"};

    for (size_t i = 0; i < list->count; i++) {
        int result = try_both(list, i, log, ret_endpoint, none.text);

        if (result <= 0) {
            return result;
        }
        if (!is_told(told, none.text)) {
            log_error(log, "%s", none.text);
        }
    }
    *ret_endpoint = none;
    return ENDPOINT_NONE;
}
