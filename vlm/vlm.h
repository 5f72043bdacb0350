/* One question to one model: what a picture shows, answered with one word.
 *
 * A struct vlm is one endpoint: its connection, what was learned about its server, and two request
 * bodies, so that the next picture is prepared while the last question is under way. The order of
 * use is vlm_new, vlm_learn (which blocks: start-up), then for each frame vlm_load, vlm_ask, and
 * vlm_step from the caller's loop until there is an answer. Never two questions in flight; a stale
 * frame is never asked again.
 *
 * One thread. Facts on the servers: llama.cpp tools/server (b8901 to b11669), vLLM's
 * OpenAI-compatible server.
 */
#ifndef VLM_VLM_H
#define VLM_VLM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vlm/fault.h"
#include "vlm/reply.h"
#include "vlm/vlm_options.h"
#include "vlm/word.h"

#define VLM_TEXT_SIZE    192
#define VLM_WARNINGS_MAX 6

struct vlm;

enum vlm_result {
    VLM_ANSWERED = 1, /* vlm_step: the question came to its end */
    VLM_UNUSABLE = 2, /* vlm_learn: facts->error says why */
    VLM_LOADING = 3,  /* vlm_learn: the server still loads its model; try again */
};

enum vlm_thinking {
    VLM_THINKING_UNKNOWN, /* no way to see; the test questions were answered with a word */
    VLM_THINKING_OFF,
};

enum vlm_vision {
    VLM_VISION_UNKNOWN, /* the server does not say; it took the pictures of the test questions */
    VLM_VISION_TOLD,
};

/* What is asked. The strings are copied by vlm_new. */
struct vlm_question {
    enum question kind;
    const char *prompt; /* fixed; the system message */
    const char *text;   /* short; behind the picture */
    bool has_note;      /* before the text stands a note that changes from picture to picture */
};

#define VLM_NOTE_MAX 320 /* bytes of it */

/* What start-up found out. Numbers are -1 and texts "" where a server does not tell. */
struct vlm_facts {
    char server[VLM_TEXT_SIZE];  /* "llama-server b10470-34af94cd9" */
    char model[VLM_TEXT_SIZE];   /* that answers */
    const char *protocol, *path; /* NULL before vlm_learn */
    int slots;
    int context_tokens;
    enum vlm_vision vision;
    enum vlm_thinking thinking;
    bool probabilities; /* answers come with them */
    int word_token[WORD_COUNT_MAX];
    int question_tokens; /* of a whole question */
    int text_tokens;     /* of it without the picture */
    int picture_tokens;
    int reused_tokens; /* of a question with a new picture, from the server's prefix cache */
    char warnings[VLM_WARNINGS_MAX][VLM_TEXT_SIZE];
    int warning_count;
    char error[VLM_TEXT_SIZE];
};

/* How a question ended. */
struct vlm_answer {
    uint64_t seq; /* as given to vlm_ask */
    enum fault fault;
    char detail[REPLY_DETAIL_SIZE]; /* of a fault */
    struct decision decision;       /* FAULT_NONE only */
    struct reply_timings timings;
    int64_t asked_ns, answered_ns;
    bool connected; /* a connection had to be opened on the way */
};

/* 0 or -errno. `endpoint` is copied. Free with vlm_free, which accepts NULL. */
int vlm_new(const struct vlm_endpoint_options *endpoint, const struct picture_options *picture,
            const struct vlm_question *question, struct vlm **ret_vlm);
void vlm_free(struct vlm *vlm);

/* The start-up conversation and two test questions. Blocks for as long as the server takes, each
 * step at most 10 s; reads the clock. 0, VLM_UNUSABLE, VLM_LOADING or -errno. */
int vlm_learn(struct vlm *vlm);
const struct vlm_facts *vlm_facts(const struct vlm *vlm);

/* What the note says with the pictures that are loaded from now on: printable UTF-8 without '"' and
 * '\\'; what is longer is cut. Of a question without a note nothing changes. */
void vlm_set_note(struct vlm *vlm, const char *note);

/* Writes a JPEG of the send size into the body that is not in flight. 0 or -ENOMEM. */
int vlm_load(struct vlm *vlm, const uint8_t *jpeg, size_t size);

/* Asks about the picture that was loaded last. 0; -EBUSY while a question is in flight; -EINVAL
 * when nothing was loaded since the last one; -errno. */
int vlm_ask(struct vlm *vlm, uint64_t seq, int64_t now_ns);
bool vlm_is_busy(const struct vlm *vlm);

/* For the loop: readable when vlm_step has something to do; when to call it at the latest. */
int vlm_fd(const struct vlm *vlm);
int64_t vlm_wake_ns(const struct vlm *vlm);

/* 0, VLM_ANSWERED or -errno. */
int vlm_step(struct vlm *vlm, int64_t now_ns, struct vlm_answer *ret_answer);

/* Drops the question in flight. */
void vlm_cancel(struct vlm *vlm, int64_t now_ns);

#endif
