/* See vlm.h.
 *
 * Start-up is a sequence: is the server there and ready, which family is it, what does the driver
 * learn, and do two test questions with two different pictures come back with words. Two pictures,
 * because the second shows whether the server's prefix cache keeps the text before the picture, and
 * because a server that is asked the same picture again does not even look at it.
 *
 * In the hot path there are two bodies. `spare` is the one that is not in flight; asking swaps
 * them.
 */
#include "vlm/vlm.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/clock.h"
#include "vlm/body.h"
#include "vlm/client.h"
#include "vlm/jpeg.h"
#include "vlm/protocol.h"

#define HEALTH_MS      2000
#define TEST_QUESTIONS 2
#define TEST_NS        (10 * CLOCK_NS_PER_S) /* the first picture may take long (llama.cpp #27147) */

_Static_assert(VLM_NOTE_MAX == BODY_NOTE_SIZE && sizeof(BODY_NOTE) == BODY_NOTE_SIZE + 1,
               "the note has one size");

struct vlm {
    struct vlm_endpoint_options endpoint;
    struct picture_options picture;
    enum question kind;
    char *prompt, *text;
    struct client *client;
    struct vlm_facts facts;
    struct body bodies[2];
    int spare;
    bool loaded, busy;
    enum reply_shape shape;
    uint64_t seq;
    int64_t asked_ns;
};

int vlm_new(const struct vlm_endpoint_options *endpoint, const struct picture_options *picture,
            const struct vlm_question *question, struct vlm **ret_vlm)
{
    struct vlm *vlm = calloc(1, sizeof(*vlm));
    int result = -ENOMEM;

    if (vlm == NULL) {
        return -ENOMEM;
    }
    vlm->endpoint = *endpoint;
    vlm->picture = *picture;
    vlm->kind = question->kind;
    vlm->prompt = strdup(question->prompt);
    if (vlm->prompt == NULL ||
        asprintf(&vlm->text, "%s%s", question->has_note ? BODY_NOTE : "", question->text) < 0) {
        vlm->text = NULL;
        goto fail;
    }
    result = client_new(endpoint->url, &vlm->client);
    if (result < 0) {
        goto fail;
    }
    *ret_vlm = vlm;
    return 0;

fail:
    vlm_free(vlm);
    return result;
}

void vlm_free(struct vlm *vlm)
{
    if (vlm == NULL) {
        return;
    }
    client_free(vlm->client);
    body_fini(&vlm->bodies[0]);
    body_fini(&vlm->bodies[1]);
    free(vlm->prompt);
    free(vlm->text);
    free(vlm);
}

const struct vlm_facts *vlm_facts(const struct vlm *vlm)
{
    return &vlm->facts;
}

/* A picture of the send size that no camera makes: a slanted gradient. */
static int test_picture(const struct vlm *vlm, struct jpeg *jpeg, int number,
                        struct jpeg_picture *ret_picture)
{
    int width = (int)vlm->picture.width_px, height = (int)vlm->picture.height_px, result;
    size_t stride = (size_t)width * 3;
    uint8_t *rgb = malloc(stride * (size_t)height);

    if (rgb == NULL) {
        return -ENOMEM;
    }
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            uint8_t *pixel = rgb + (size_t)y * stride + (size_t)x * 3;

            pixel[0] = (uint8_t)(x * 255 / width);
            pixel[1] = (uint8_t)(y * 255 / height);
            pixel[2] = (uint8_t)(40 + 80 * number);
        }
    }
    result = jpeg_fit_rgb(jpeg, rgb, width, height, stride, ret_picture);
    free(rgb);
    return result;
}

static int wait_answer(struct vlm *vlm, struct vlm_answer *ret_answer)
{
    for (;;) {
        int64_t now_ns = clock_now_ns();
        int result = vlm_step(vlm, now_ns, ret_answer);

        if (result != 0) {
            return result;
        }
        int64_t wait_ns = vlm_wake_ns(vlm) - now_ns;
        int wait_ms = wait_ns > CLOCK_NS_PER_S ? 1000 : (int)(wait_ns / CLOCK_NS_PER_MS) + 1;
        struct pollfd pollfd = {.fd = vlm_fd(vlm), .events = POLLIN};

        if (wait_ns > 0 && poll(&pollfd, 1, wait_ms) < 0 && errno != EINTR) {
            return -errno;
        }
    }
}

static void learn_tokens(struct vlm_facts *facts, const struct reply_timings *timings, int number)
{
    if (timings->evaluated_tokens < 0) {
        return;
    }
    facts->question_tokens = timings->evaluated_tokens;
    if (timings->cached_tokens > 0) {
        facts->question_tokens += timings->cached_tokens;
    }
    if (facts->text_tokens > 0) {
        facts->picture_tokens = facts->question_tokens - facts->text_tokens;
    }
    if (number == 0 || timings->cached_tokens < 0) {
        return;
    }
    facts->reused_tokens = timings->cached_tokens;
    if (facts->text_tokens > 0 && facts->reused_tokens < facts->text_tokens / 2) {
        protocol_warn(facts,
                      "the prefix cache does not work: only %d of %d tokens of text were "
                      "reused; start the server with --swa-full --ctx-checkpoints 0",
                      facts->reused_tokens, facts->text_tokens);
    }
}

static int test_question(struct vlm *vlm, struct jpeg *jpeg, int number)
{
    struct jpeg_picture picture;
    struct vlm_answer answer;
    int result = test_picture(vlm, jpeg, number, &picture);

    if (result != 0) {
        return result;
    }
    result = vlm_load(vlm, picture.bytes, picture.size);
    if (result < 0) {
        return result;
    }
    int64_t timeout_ms = vlm->endpoint.timeout_ms;

    vlm->endpoint.timeout_ms = TEST_NS / CLOCK_NS_PER_MS;
    result = vlm_ask(vlm, 0, clock_now_ns());
    vlm->endpoint.timeout_ms = timeout_ms;
    if (result == 0) {
        result = wait_answer(vlm, &answer);
    }
    if (result < 0) {
        return result;
    }
    if (answer.fault == FAULT_REASONING) {
        (void)protocol_unusable(&vlm->facts, "thinking cannot be turned off: the model answers a "
                                             "test question with thoughts and no word");
        return VLM_UNUSABLE;
    }
    if (answer.fault != FAULT_NONE) {
        (void)protocol_unusable(&vlm->facts, "a test question failed: %s%s%s",
                                fault_text(answer.fault), answer.detail[0] != '\0' ? ": " : "",
                                answer.detail);
        return VLM_UNUSABLE;
    }
    vlm->facts.probabilities &= answer.decision.confidence_permille != WORD_CONFIDENCE_UNKNOWN;
    learn_tokens(&vlm->facts, &answer.timings, number);
    return 0;
}

static int plan_install(struct vlm *vlm, const struct protocol *protocol, struct plan *plan)
{
    int result;

    vlm->facts.protocol = protocol->name;
    vlm->facts.path = plan->shape == REPLY_COMPLETION ? "/completion" : "/v1/chat/completions";
    vlm->shape = plan->shape;
    for (int i = 0; i < 2; i++) {
        body_fini(&vlm->bodies[i]);
        result = body_init(&vlm->bodies[i], plan->head, plan->tail);
        if (result < 0) {
            return result;
        }
    }
    return client_aim(vlm->client, plan->path);
}

static void forget_words(struct vlm_facts *facts)
{
    for (int word = 0; word < WORD_COUNT_MAX; word++) {
        facts->word_token[word] = -1;
    }
}

/* The family that is configured, or the first that matches. 0, PROTOCOL_UNUSABLE or -errno. */
static int choose_protocol(struct vlm *vlm, int *ret_index)
{
    struct client_exchange props;
    int result, i = 0;

    if (vlm->endpoint.protocol != VLM_PROTOCOL_AUTO) {
        *ret_index = vlm->endpoint.protocol - 1;
        return 0;
    }
    result = client_call(vlm->client, "/props", NULL, PROTOCOL_CALL_MS, &props);
    if (result < 0) {
        return result;
    }
    if (props.fault != FAULT_NONE) {
        return protocol_refused(&vlm->facts, "/props", &props);
    }
    while (i < protocol_count - 1 && !protocol_list[i]->matches(&props)) {
        i++;
    }
    *ret_index = i;
    return 0;
}

/* Asks the chosen driver; in automatic choice also the next one where that one does not suit. */
static int make_plan(struct vlm *vlm, const char *picture, struct plan *ret_plan, int *ret_index)
{
    struct protocol_request request = {
        .kind = vlm->kind,
        .prompt = vlm->prompt,
        .text = vlm->text,
        .model = vlm->endpoint.model,
        .picture = picture,
    };
    int index = 0, result = choose_protocol(vlm, &index);

    if (result != 0) {
        return result < 0 ? result : VLM_UNUSABLE;
    }
    result = protocol_list[index]->learn(vlm->client, &request, &vlm->facts, ret_plan);
    if (result == PROTOCOL_UNSUITED && vlm->endpoint.protocol == VLM_PROTOCOL_AUTO &&
        index + 1 < protocol_count) {
        protocol_warn(&vlm->facts, "%.120s; falling back to protocol %s", vlm->facts.error,
                      protocol_list[index + 1]->name);
        vlm->facts.error[0] = '\0';
        forget_words(&vlm->facts);
        index++;
        result = protocol_list[index]->learn(vlm->client, &request, &vlm->facts, ret_plan);
    }
    *ret_index = index;
    return result > 0 ? VLM_UNUSABLE : result;
}

static int learn_with(struct vlm *vlm, struct jpeg *jpeg)
{
    struct jpeg_picture picture;
    struct body sample;
    struct plan plan;
    int index, result = test_picture(vlm, jpeg, 0, &picture);

    if (result == 0) {
        result = body_init(&sample, "", "");
    }
    if (result < 0) {
        return result;
    }
    result = body_set_picture(&sample, picture.bytes, picture.size);
    if (result == 0) {
        result = make_plan(vlm, sample.text, &plan, &index);
    }
    body_fini(&sample);
    if (result != 0) {
        return result;
    }
    result = plan_install(vlm, protocol_list[index], &plan);
    plan_fini(&plan);
    for (int number = 0; number < TEST_QUESTIONS && result == 0; number++) {
        result = test_question(vlm, jpeg, number);
    }
    return result;
}

static int check_health(struct vlm *vlm)
{
    struct client_exchange exchange;
    int result = client_call(vlm->client, "/health", NULL, HEALTH_MS, &exchange);

    if (result < 0) {
        return result;
    }
    if (exchange.fault != FAULT_NONE) {
        (void)protocol_unusable(&vlm->facts, "%s%s%s", fault_text(exchange.fault),
                                exchange.detail[0] != '\0' ? ": " : "", exchange.detail);
        return VLM_UNUSABLE;
    }
    /* A server without /health answers 404; what matters is that it answers. */
    return exchange.status == 503 ? VLM_LOADING : 0;
}

int vlm_learn(struct vlm *vlm)
{
    struct jpeg *jpeg;
    int result;

    vlm->facts = (struct vlm_facts){
        .slots = -1,
        .context_tokens = -1,
        .question_tokens = -1,
        .text_tokens = -1,
        .picture_tokens = -1,
        .reused_tokens = -1,
    };
    forget_words(&vlm->facts);
    result = check_health(vlm);
    if (result != 0) {
        return result;
    }
    result = jpeg_new((int)vlm->picture.width_px, (int)vlm->picture.height_px,
                      (int)vlm->picture.quality, &jpeg);
    if (result < 0) {
        return result;
    }
    result = learn_with(vlm, jpeg);
    jpeg_free(jpeg);
    return result;
}

void vlm_set_note(struct vlm *vlm, const char *note)
{
    body_set_note(&vlm->bodies[0], note);
    body_set_note(&vlm->bodies[1], note);
}

int vlm_load(struct vlm *vlm, const uint8_t *jpeg, size_t size)
{
    int result = body_set_picture(&vlm->bodies[vlm->spare], jpeg, size);

    vlm->loaded = result == 0;
    return result;
}

int vlm_ask(struct vlm *vlm, uint64_t seq, int64_t now_ns)
{
    struct body *body = &vlm->bodies[vlm->spare];
    int result;

    if (vlm->busy) {
        return -EBUSY;
    }
    if (!vlm->loaded) {
        return -EINVAL;
    }
    result = client_ask(vlm->client, body->text, body->size, now_ns,
                        now_ns + vlm->endpoint.timeout_ms * CLOCK_NS_PER_MS);
    if (result < 0) {
        return result;
    }
    vlm->spare = 1 - vlm->spare;
    vlm->loaded = false;
    vlm->busy = true;
    vlm->seq = seq;
    vlm->asked_ns = now_ns;
    return 0;
}

bool vlm_is_busy(const struct vlm *vlm)
{
    return vlm->busy;
}

int vlm_fd(const struct vlm *vlm)
{
    return client_fd(vlm->client);
}

int64_t vlm_wake_ns(const struct vlm *vlm)
{
    return client_wake_ns(vlm->client);
}

int vlm_step(struct vlm *vlm, int64_t now_ns, struct vlm_answer *ret_answer)
{
    struct client_exchange exchange;
    struct reply reply;
    enum fault fault;
    int result = client_step(vlm->client, now_ns, &exchange);

    if (result != CLIENT_DONE) {
        return result;
    }
    if (exchange.fault != FAULT_NONE) {
        fault = exchange.fault;
        reply = (struct reply){0};
        (void)snprintf(reply.detail, sizeof(reply.detail), "%s", exchange.detail);
    } else if (exchange.status != 200) {
        fault = reply_refusal(exchange.status, exchange.body, exchange.size, &reply);
    } else {
        fault = reply_parse(exchange.body, exchange.size, vlm->shape, vlm->kind, &reply);
    }
    vlm->busy = false;
    *ret_answer = (struct vlm_answer){
        .seq = vlm->seq,
        .fault = fault,
        .decision = reply.decision,
        .timings = reply.timings,
        .asked_ns = vlm->asked_ns,
        .answered_ns = now_ns,
        .connected = exchange.connected,
    };
    memcpy(ret_answer->detail, reply.detail, sizeof(ret_answer->detail));
    return VLM_ANSWERED;
}

void vlm_cancel(struct vlm *vlm, int64_t now_ns)
{
    client_cancel(vlm->client, now_ns);
    vlm->busy = false;
}
