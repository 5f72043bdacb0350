/* reply: every shape of a good reply gives its decision, everything else the fault with its name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hal/base/text.h"
#include "vlm/reply.h"

static enum fault parse_as(const char *body, enum reply_shape shape, enum question question,
                           struct reply *ret_reply)
{
    return reply_parse(body, strlen(body), shape, question, ret_reply);
}

static enum fault completion(const char *body, struct reply *ret_reply)
{
    return parse_as(body, REPLY_COMPLETION, QUESTION_ACTION, ret_reply);
}

static enum fault chat(const char *body, struct reply *ret_reply)
{
    return parse_as(body, REPLY_CHAT, QUESTION_ACTION, ret_reply);
}

/* As llama-server b11669 answers /completion with post_sampling_probs; numbers changed. */
static const char completion_reply[] =
    "{\"content\":\"left\",\"completion_probabilities\":[{\"id\":1672,\"token\":\"left\","
    "\"bytes\":[108,101,102,116],\"prob\":0.07,\"top_probs\":["
    "{\"id\":29103,\"token\":\"forward\",\"bytes\":[],\"prob\":0.90},"
    "{\"id\":1672,\"token\":\"left\",\"bytes\":[],\"prob\":0.07},"
    "{\"id\":1833,\"token\":\"right\",\"bytes\":[],\"prob\":0.02},"
    "{\"id\":50,\"token\":\"stop\",\"bytes\":[],\"prob\":0.007},"
    "{\"id\":51,\"token\":\"backward\",\"bytes\":[],\"prob\":0.003}]}],"
    "\"timings\":{\"cache_n\":487,\"prompt_n\":75,\"prompt_ms\":17.25,\"predicted_ms\":0.5}}";

static void likeliest_word_decides_and_not_the_sampled_one(void **state)
{
    struct reply reply;

    (void)state;
    assert_int_equal(completion(completion_reply, &reply), FAULT_NONE);
    assert_int_equal(reply.decision.question, QUESTION_ACTION);
    assert_int_equal(reply.decision.word, ACTION_FORWARD);
    assert_int_equal(reply.decision.confidence_permille, 900);
    assert_int_equal(reply.decision.word_permille[ACTION_LEFT], 70);
    assert_int_equal(reply.decision.word_permille[ACTION_STOP], 7);
    assert_int_equal(reply.timings.cached_tokens, 487);
    assert_int_equal(reply.timings.evaluated_tokens, 75);
    assert_int_equal(reply.timings.server_us, 17750);
}

static void content_alone_decides_with_unknown_confidence(void **state)
{
    static const char *const contents[] = {"forward", " Forward", "FORWARD.", "\\\"forward\\\"\\n",
                                           "**forward**"};
    char body[100];
    struct reply reply;

    (void)state;
    for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
        (void)snprintf(body, sizeof(body), "{\"content\":\"%s\"}", contents[i]);
        assert_int_equal(completion(body, &reply), FAULT_NONE);
        assert_int_equal(reply.decision.word, ACTION_FORWARD);
        assert_int_equal(reply.decision.confidence_permille, WORD_CONFIDENCE_UNKNOWN);
        assert_int_equal(reply.timings.server_us, -1);
    }
}

static void chat_reply_of_llama_server_is_read(void **state)
{
    struct reply reply;

    (void)state;
    assert_int_equal(
        chat("{\"choices\":[{\"finish_reason\":\"length\",\"index\":0,\"message\":{\"role\":"
             "\"assistant\",\"content\":\"right\"},\"logprobs\":{\"content\":[{\"id\":5,\"token\":"
             "\"right\",\"prob\":0.6,\"top_probs\":[{\"token\":\"right\",\"prob\":0.6},{\"token\":"
             "\"left\",\"prob\":0.4}]}]}}],\"timings\":{\"prompt_ms\":1,\"predicted_ms\":1}}",
             &reply),
        FAULT_NONE);
    assert_int_equal(reply.decision.word, ACTION_RIGHT);
    assert_int_equal(reply.decision.confidence_permille, 600);
    assert_int_equal(reply.timings.server_us, 2000);
    assert_int_equal(reply.timings.cached_tokens, -1);
}

static void chat_reply_of_vllm_gives_logarithms(void **state)
{
    struct reply reply;

    (void)state;
    assert_int_equal(
        chat("{\"choices\":[{\"message\":{\"content\":\"left\",\"reasoning\":null},\"logprobs\":{"
             "\"content\":[{\"token\":\"left\",\"logprob\":-0.105361,\"top_logprobs\":["
             "{\"token\":\"left\",\"logprob\":-0.105361},{\"token\":\" Left\",\"logprob\":-4.6},"
             "{\"token\":\"banana\",\"logprob\":-5},{\"token\":\"stop\",\"logprob\":-9999.0}]}]},"
             "\"stop_reason\":null}],\"usage\":{}}",
             &reply),
        FAULT_NONE);
    assert_int_equal(reply.decision.word, ACTION_LEFT);
    assert_int_equal(reply.decision.confidence_permille, 910); /* both spellings together */
    assert_int_equal(reply.decision.word_permille[ACTION_STOP], 0);
}

/* "forward" is "for" and "ward" here; the list is about the first piece. */
static void whole_word_among_pieces_is_no_alternative(void **state)
{
    struct reply reply;

    (void)state;
    assert_int_equal(
        chat("{\"choices\":[{\"message\":{\"content\":\"forward\"},\"logprobs\":{\"content\":["
             "{\"token\":\"for\",\"logprob\":-0.1,\"top_logprobs\":[{\"token\":\"for\","
             "\"logprob\":-0.1},{\"token\":\"stop\",\"logprob\":-3.0}]},{\"token\":\"ward\","
             "\"logprob\":-0.01,\"top_logprobs\":[]}]}}]}",
             &reply),
        FAULT_NONE);
    assert_int_equal(reply.decision.word, ACTION_FORWARD);
    assert_int_equal(reply.decision.confidence_permille, WORD_CONFIDENCE_UNKNOWN);
    assert_int_equal(reply.decision.word_permille[ACTION_STOP], 0);
}

static void usage_of_a_chat_tells_the_tokens(void **state)
{
    struct reply reply;

    (void)state;
    assert_int_equal(chat("{\"choices\":[{\"message\":{\"content\":\"left\"}}],\"usage\":{"
                          "\"prompt_tokens\":640}}",
                          &reply),
                     FAULT_NONE);
    assert_int_equal(reply.timings.evaluated_tokens, 640);
    assert_int_equal(reply.timings.cached_tokens, -1);
}

static void percept_words_are_those_of_the_percept_question(void **state)
{
    struct reply reply;

    (void)state;
    assert_int_equal(
        parse_as("{\"content\":\"center\"}", REPLY_COMPLETION, QUESTION_PERCEPT, &reply),
        FAULT_NONE);
    assert_int_equal(reply.decision.word, PERCEPT_CENTER);
    assert_int_equal(parse_as("{\"content\":\"none\"}", REPLY_COMPLETION, QUESTION_PERCEPT, &reply),
                     FAULT_NONE);
    assert_int_equal(reply.decision.word, PERCEPT_NONE);
    assert_int_equal(
        parse_as("{\"content\":\"forward\"}", REPLY_COMPLETION, QUESTION_PERCEPT, &reply),
        FAULT_UNKNOWN_WORD);
}

static void faults_have_their_names(void **state)
{
    static const struct {
        const char *body;
        enum fault fault;
        const char *detail;
    } cases[] = {
        {"", FAULT_EMPTY, ""},
        {"  ", FAULT_EMPTY, "  "},
        {"<html>busy</html>", FAULT_NOT_JSON, "<html>busy</html>"},
        {"\xff\xfe", FAULT_NOT_JSON, "\\xff\\xfe"},
        {"{\"content\":\"forw", FAULT_TRUNCATED, "{\"content\":\"forw"},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[", FAULT_DEPTH, "[[[[[[[[[[[[[[[[[[[[[[[[[[[["},
        {"[]", FAULT_SHAPE, "no object"},
        {"{}", FAULT_SHAPE, "no content"},
        {"{\"content\":7}", FAULT_SHAPE, "content is no string"},
        {"{\"content\":{}}", FAULT_SHAPE, "content is no string"},
        {"{\"error\":{\"code\":500,\"message\":\"decode failed\"}}", FAULT_SERVER, "decode failed"},
        {"{\"error\":\"out of memory\"}", FAULT_SERVER, "out of memory"},
        {"{\"error\":17}", FAULT_SERVER, ""},
        {"{\"content\":\"\"}", FAULT_NO_WORD, ""},
        {"{\"content\":null}", FAULT_NO_WORD, ""},
        {"{\"content\":\" .\\n\"}", FAULT_NO_WORD, " .\\x0a"},
        {"{\"content\":\"banana\"}", FAULT_UNKNOWN_WORD, "banana"},
        {"{\"content\":\"forwards\"}", FAULT_UNKNOWN_WORD, "forwards"},
        {"{\"content\":\"forward2\"}", FAULT_UNKNOWN_WORD, "forward2"},
        {"{\"content\":\"forw\xc3\xa4rd\"}", FAULT_UNKNOWN_WORD, "forw\xc3\xa4rd"},
        {"{\"content\":\"forward\\u0000\"}", FAULT_UNKNOWN_WORD, "forward\\x00"},
        {"{\"content\":\"left right\"}", FAULT_SEVERAL_WORDS, "left right"},
        {"{\"content\":\"go forward!\"}", FAULT_SEVERAL_WORDS, "go forward!"},
        {"{\"content\":\"forward-left\"}", FAULT_SEVERAL_WORDS, "forward-left"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct reply reply;
        enum fault fault = completion(cases[i].body, &reply);

        if (fault != cases[i].fault) {
            fail_msg("%s: %s instead of %s", cases[i].body, fault_name(fault),
                     fault_name(cases[i].fault));
        }
        assert_string_equal(reply.detail, cases[i].detail);
    }
}

/* The second word stands where the content no longer fits into the parser's buffer. */
static void second_word_far_behind_the_first_is_noticed(void **state)
{
    char body[200];
    struct reply reply;

    (void)state;
    for (int blanks = 1; blanks < 150; blanks++) {
        (void)snprintf(body, sizeof(body), "{\"content\":\"left%*sright\"}", blanks, "");
        assert_int_equal(completion(body, &reply), FAULT_SEVERAL_WORDS);
    }
}

static void chat_faults_have_their_names(void **state)
{
    static const struct {
        const char *body;
        enum fault fault;
    } cases[] = {
        {"{}", FAULT_SHAPE},
        {"{\"choices\":[]}", FAULT_SHAPE},
        {"{\"choices\":{}}", FAULT_SHAPE},
        {"{\"choices\":[{}]}", FAULT_SHAPE},
        {"{\"choices\":[{\"message\":\"left\"}]}", FAULT_SHAPE},
        {"{\"choices\":[{\"message\":{\"role\":\"assistant\"}}]}", FAULT_SHAPE},
        {"{\"choices\":[{\"message\":{\"content\":\"\"}}]}", FAULT_NO_WORD},
        {"{\"choices\":[{\"message\":{\"content\":\"\",\"reasoning_content\":\"\"}}]}",
         FAULT_NO_WORD},
        {"{\"choices\":[{\"message\":{\"content\":\"\",\"reasoning_content\":\"Let me\"}}]}",
         FAULT_REASONING},
        {"{\"choices\":[{\"message\":{\"content\":null,\"reasoning\":\"Hmm\"}}]}", FAULT_REASONING},
        {"{\"choices\":[{\"message\":{\"content\":\"left\",\"reasoning\":\"Hmm\"}}]}", FAULT_NONE},
        {"{\"error\":null,\"choices\":[{\"message\":{\"content\":\"left\"}}]}", FAULT_NONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct reply reply;

        assert_int_equal(chat(cases[i].body, &reply), cases[i].fault);
    }
}

static void probabilities_of_no_use_leave_the_content(void **state)
{
    static const char *const lists[] = {
        "[]",
        "{}",
        "[7]",
        "[{\"token\":\"banana\",\"prob\":1}]",
        "[{\"token\":\"forward\",\"prob\":\"1\"}]",
        "[{\"token\":\"forward\",\"prob\":-0.5}]",
        "[{\"token\":\"forward\",\"prob\":7}]",
        "[{\"token\":\"forward\"}]",
        "[{\"token\":\"forward\",\"logprob\":null}]",
        "[{\"token\":7,\"prob\":1}]",
        "[{\"token\":\"left right\",\"prob\":1}]",
        "[{\"prob\":1}]",
        "[{\"token\":\"\",\"prob\":1}]",
    };
    char body[160];

    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        struct reply reply;

        (void)snprintf(body, sizeof(body),
                       "{\"content\":\"left\",\"completion_probabilities\":[{\"top_probs\":%s}]}",
                       lists[i]);
        assert_int_equal(completion(body, &reply), FAULT_NONE);
        assert_int_equal(reply.decision.word, ACTION_LEFT);
        assert_int_equal(reply.decision.confidence_permille, WORD_CONFIDENCE_UNKNOWN);
    }
}

static int action_permille(const char *entries, enum action action)
{
    char body[4096];
    struct reply reply;
    int size = snprintf(body, sizeof(body),
                        "{\"content\":\"stop\",\"completion_probabilities\":[{%s}]}", entries);

    assert_in_range(size, 1, sizeof(body) - 1);
    assert_int_equal(completion(body, &reply), FAULT_NONE);
    return reply.decision.word_permille[action];
}

static void certainty_is_a_thousand_permille_and_not_more(void **state)
{
    (void)state;
    assert_int_equal(
        action_permille("\"top_probs\":[{\"token\":\"stop\",\"prob\":1}]", ACTION_STOP), 1000);
    assert_int_equal(
        action_permille("\"top_probs\":[{\"token\":\"stop\",\"prob\":1.0009}]", ACTION_STOP), 1000);
    assert_int_equal(
        action_permille("\"top_probs\":[{\"token\":\"stop\",\"prob\":0.9999}]", ACTION_STOP), 1000);
    assert_int_equal(
        action_permille("\"top_probs\":[{\"token\":\"stop\",\"prob\":0.7},{\"token\":\" stop\","
                        "\"prob\":0.6}]",
                        ACTION_STOP),
        1000);
    assert_int_equal(
        action_permille("\"top_logprobs\":[{\"token\":\"stop\",\"logprob\":0.0}]", ACTION_STOP),
        1000);
}

static void completion_without_top_probs_gives_logarithms(void **state)
{
    (void)state;
    assert_int_equal(
        action_permille("\"top_logprobs\":[{\"token\":\"stop\",\"logprob\":-0.6931472}]",
                        ACTION_STOP),
        500);
}

/* As many entries as are looked at, and one more. */
static void probabilities_behind_the_first_32_do_not_count(void **state)
{
    static const char last[] = "{\"token\":\"stop\",\"prob\":0.5}]";

    (void)state;
    for (int before = 31; before <= 32; before++) {
        char entries[2048] = "\"top_probs\":[";

        for (int i = 0; i < before; i++) {
            strcat(entries, "{\"token\":\"left\",\"prob\":0.01},");
        }
        strcat(entries, last);
        assert_int_equal(action_permille(entries, ACTION_LEFT), before == 31 ? 310 : 0);
        assert_int_equal(action_permille(entries, ACTION_STOP), before == 31 ? 500 : 0);
    }
}

static void chat_without_usable_logprobs_leaves_the_content(void **state)
{
    static const char *const logprobs[] = {
        "null",
        "{}",
        "{\"content\":null}",
        "{\"content\":[]}",
        "{\"content\":[7]}",
        "{\"content\":[{}]}",
        "{\"content\":[{\"top_logprobs\":[]}]}",
    };
    char body[160];

    (void)state;
    for (size_t i = 0; i < sizeof(logprobs) / sizeof(logprobs[0]); i++) {
        struct reply reply;

        (void)snprintf(body, sizeof(body),
                       "{\"choices\":[{\"message\":{\"content\":\"left\"},\"logprobs\":%s}]}",
                       logprobs[i]);
        assert_int_equal(chat(body, &reply), FAULT_NONE);
        assert_int_equal(reply.decision.word, ACTION_LEFT);
        assert_int_equal(reply.decision.confidence_permille, WORD_CONFIDENCE_UNKNOWN);
    }
}

static void completion_without_usable_list_leaves_the_content(void **state)
{
    static const char *const lists[] = {"null", "[]", "{}", "[7]", "[{}]"};
    char body[160];

    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        struct reply reply;

        (void)snprintf(body, sizeof(body), "{\"content\":\"left\",\"completion_probabilities\":%s}",
                       lists[i]);
        assert_int_equal(completion(body, &reply), FAULT_NONE);
        assert_int_equal(reply.decision.word, ACTION_LEFT);
        assert_int_equal(reply.decision.confidence_permille, WORD_CONFIDENCE_UNKNOWN);
    }
}

static struct reply_timings timings_of(const char *members)
{
    char body[200];
    struct reply reply;

    (void)snprintf(body, sizeof(body), "{\"content\":\"left\",\"timings\":{%s}}", members);
    assert_int_equal(completion(body, &reply), FAULT_NONE);
    return reply.timings;
}

static void each_timing_stands_for_itself(void **state)
{
    struct reply_timings timings = timings_of("\"cache_n\":1000000000,\"prompt_n\":0");

    (void)state;
    assert_int_equal(timings.cached_tokens, 1000000000);
    assert_int_equal(timings.evaluated_tokens, 0);
    assert_int_equal(timings.server_us, -1);
    assert_int_equal(timings_of("\"cache_n\":1000000001").cached_tokens, -1);
    assert_int_equal(timings_of("\"prompt_ms\":1e9,\"predicted_ms\":0").server_us, 1000000000000);
}

static void time_that_is_known_by_half_is_unknown(void **state)
{
    static const char *const members[] = {
        "\"prompt_ms\":5",
        "\"predicted_ms\":5",
        "\"prompt_ms\":\"5\",\"predicted_ms\":5",
        "\"prompt_ms\":5,\"predicted_ms\":null",
        "\"prompt_ms\":-1,\"predicted_ms\":5",
        "\"prompt_ms\":5,\"predicted_ms\":1000000001",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        assert_int_equal(timings_of(members[i]).server_us, -1);
    }
}

static void nonsense_timings_are_unknown(void **state)
{
    struct reply reply;

    (void)state;
    assert_int_equal(completion("{\"content\":\"left\",\"timings\":{\"cache_n\":-3,\"prompt_n\":"
                                "\"7\",\"prompt_ms\":1e300,\"predicted_ms\":1}}",
                                &reply),
                     FAULT_NONE);
    assert_int_equal(reply.timings.cached_tokens, -1);
    assert_int_equal(reply.timings.evaluated_tokens, -1);
    assert_int_equal(reply.timings.server_us, -1);
}

static void size_is_limited_to_one_megabyte(void **state)
{
    char *body = malloc(REPLY_SIZE_MAX + 1);
    struct reply reply;

    (void)state;
    assert_non_null(body);
    memset(body, ' ', REPLY_SIZE_MAX + 1);
    memcpy(body, "{\"content\":\"stop\"}", 18);
    assert_int_equal(reply_parse(body, REPLY_SIZE_MAX, REPLY_COMPLETION, QUESTION_ACTION, &reply),
                     FAULT_NONE);
    assert_int_equal(
        reply_parse(body, REPLY_SIZE_MAX + 1, REPLY_COMPLETION, QUESTION_ACTION, &reply),
        FAULT_TOO_LARGE);
    free(body);
}

static void every_cut_of_a_reply_is_a_fault(void **state)
{
    struct reply reply;

    (void)state;
    for (size_t size = 0; size < sizeof(completion_reply) - 1; size++) {
        enum fault fault =
            reply_parse(completion_reply, size, REPLY_COMPLETION, QUESTION_ACTION, &reply);

        assert_int_equal(fault, size == 0 ? FAULT_EMPTY : FAULT_TRUNCATED);
    }
}

static void refusals_carry_the_servers_own_words(void **state)
{
    static const struct {
        int status;
        const char *body, *detail;
        enum fault fault;
    } cases[] = {
        {503, "{\"error\":{\"code\":503,\"message\":\"Loading model\"}}", "503 Loading model",
         FAULT_LOADING},
        {400, "{\"error\":{\"message\":\"Failed to load image or audio file\"}}",
         "400 Failed to load image or audio file", FAULT_HTTP},
        {404, "{\"error\":\"model not found\"}", "404 model not found", FAULT_HTTP},
        {400, "{\"object\":\"error\",\"message\":\"bad\"}", "400 bad", FAULT_HTTP},
        {500, "", "500", FAULT_HTTP},
        {502, "<html>", "502", FAULT_HTTP},
        {500, "{}", "500", FAULT_HTTP},
        {500, "[]", "500", FAULT_HTTP},
        {500, "{\"error\":17}", "500", FAULT_HTTP},
        {500, "{\"error\":{\"message\":17}}", "500", FAULT_HTTP},
        {500, "{\"error\":{\"message\":\"\"}}", "500", FAULT_HTTP},
        {400, "{\"error\":null,\"message\":\"bad\"}", "400 bad", FAULT_HTTP},
        {413, "{\"error\":{\"message\":\"a\\u001b[31mb\"}}", "413 a\\x1b[31mb", FAULT_HTTP},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct reply reply;

        assert_int_equal(
            reply_refusal(cases[i].status, cases[i].body, strlen(cases[i].body), &reply),
            cases[i].fault);
        assert_string_equal(reply.detail, cases[i].detail);
    }
}

static void long_refusal_is_cut_to_its_room(void **state)
{
    char body[400], *end = body + sprintf(body, "{\"error\":\"");
    struct reply reply;

    (void)state;
    memset(end, 'x', 300);
    strcpy(end + 300, "\"}");
    assert_int_equal(reply_refusal(500, body, strlen(body), &reply), FAULT_HTTP);
    assert_in_range(strlen(reply.detail), 100, REPLY_DETAIL_SIZE - 1);
    assert_memory_equal(reply.detail, "500 xxx", 7);
}

static void refusal_beyond_the_limit_is_not_read(void **state)
{
    char *body = malloc(REPLY_SIZE_MAX + 1);
    struct reply reply;

    (void)state;
    assert_non_null(body);
    memset(body, ' ', REPLY_SIZE_MAX + 1);
    memcpy(body, "{\"error\":\"bad\"}", 15);
    assert_int_equal(reply_refusal(500, body, REPLY_SIZE_MAX, &reply), FAULT_HTTP);
    assert_string_equal(reply.detail, "500 bad");
    assert_int_equal(reply_refusal(500, body, REPLY_SIZE_MAX + 1, &reply), FAULT_HTTP);
    assert_string_equal(reply.detail, "500");
    free(body);
}

/* Wherever the cut falls, no half of a character is left of it. */
static void long_refusals_are_cut_between_characters(void **state)
{
    (void)state;
    for (int lead = 0; lead < 4; lead++) {
        char body[600];
        struct reply reply;

        (void)snprintf(body, sizeof(body), "{\"error\":\"%.*s", lead, "abc");
        for (int i = 0; i < 100; i++) {
            strcat(body, "\xe2\x82\xac");
        }
        strcat(body, "\"}");
        assert_int_equal(reply_refusal(500, body, strlen(body), &reply), FAULT_HTTP);
        for (size_t at = 0, step; reply.detail[at] != '\0'; at += step) {
            step = text_step(reply.detail + at, strlen(reply.detail + at));
            assert_int_not_equal(step, 0);
        }
        assert_string_equal(reply.detail + strlen(reply.detail) - 3, "...");
    }
}

static void every_fault_has_a_name_and_a_text(void **state)
{
    (void)state;
    for (int fault = 0; fault < FAULT_COUNT; fault++) {
        assert_non_null(fault_name((enum fault)fault));
        assert_non_null(fault_text((enum fault)fault));
        for (int other = 0; other < fault; other++) {
            assert_string_not_equal(fault_name((enum fault)fault), fault_name((enum fault)other));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(likeliest_word_decides_and_not_the_sampled_one),
        cmocka_unit_test(content_alone_decides_with_unknown_confidence),
        cmocka_unit_test(chat_reply_of_llama_server_is_read),
        cmocka_unit_test(chat_reply_of_vllm_gives_logarithms),
        cmocka_unit_test(whole_word_among_pieces_is_no_alternative),
        cmocka_unit_test(usage_of_a_chat_tells_the_tokens),
        cmocka_unit_test(percept_words_are_those_of_the_percept_question),
        cmocka_unit_test(faults_have_their_names),
        cmocka_unit_test(second_word_far_behind_the_first_is_noticed),
        cmocka_unit_test(chat_faults_have_their_names),
        cmocka_unit_test(probabilities_of_no_use_leave_the_content),
        cmocka_unit_test(certainty_is_a_thousand_permille_and_not_more),
        cmocka_unit_test(completion_without_top_probs_gives_logarithms),
        cmocka_unit_test(probabilities_behind_the_first_32_do_not_count),
        cmocka_unit_test(chat_without_usable_logprobs_leaves_the_content),
        cmocka_unit_test(completion_without_usable_list_leaves_the_content),
        cmocka_unit_test(each_timing_stands_for_itself),
        cmocka_unit_test(time_that_is_known_by_half_is_unknown),
        cmocka_unit_test(nonsense_timings_are_unknown),
        cmocka_unit_test(size_is_limited_to_one_megabyte),
        cmocka_unit_test(every_cut_of_a_reply_is_a_fault),
        cmocka_unit_test(refusals_carry_the_servers_own_words),
        cmocka_unit_test(long_refusal_is_cut_to_its_room),
        cmocka_unit_test(refusal_beyond_the_limit_is_not_read),
        cmocka_unit_test(long_refusals_are_cut_between_characters),
        cmocka_unit_test(every_fault_has_a_name_and_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
