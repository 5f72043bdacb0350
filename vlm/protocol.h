/* How to ask a family of servers: a driver per family.
 *
 * A driver does one thing: it holds the start-up conversation and comes back with a plan, which is
 * all that the hot path needs: where to post, the fixed text around the picture, and the shape of
 * the reply. Drivers are listed in protocol_list. Blocking, start-up only, one thread.
 */
#ifndef VLM_PROTOCOL_H
#define VLM_PROTOCOL_H

#include "vlm/client.h"
#include "vlm/vlm.h"

enum protocol_result {
    PROTOCOL_UNUSABLE = 1, /* facts->error says why */
    PROTOCOL_UNSUITED = 2, /* the server is fine but not for this way of asking: facts->error */
};

#define PROTOCOL_CALL_MS 10000 /* deadline of one step of the conversation */

/* What a driver works with. The picture is a real one of the send size, as base64. */
struct protocol_request {
    enum question kind;
    const char *prompt, *text, *model;
    const char *picture;
};

struct plan {
    char path[32];
    char *head, *tail; /* of the body, around the picture's base64; owned */
    enum reply_shape shape;
};

struct protocol {
    const char *name;
    /* True when /props or its absence looks like this family. */
    bool (*matches)(const struct client_exchange *props);
    /* 0 and a plan to be freed with plan_fini; PROTOCOL_UNUSABLE; PROTOCOL_UNSUITED; or -errno. */
    int (*learn)(struct client *client, const struct protocol_request *request,
                 struct vlm_facts *facts, struct plan *ret_plan);
};

/* In the order of enum vlm_protocol_choice behind AUTO; the last one matches anything. */
extern const struct protocol *const protocol_list[];
extern const int protocol_count;

extern const struct protocol protocol_llama, protocol_openai;

/* Stands for the picture while a body is built; no prompt holds it by chance. */
#define PROTOCOL_PICTURE "[turbonav-picture-3b9d1c7e]"

/* Takes `text` apart at the picture and frees it. 0 or -errno; a NULL `text` is -ENOMEM. */
int plan_init(struct plan *plan, const char *path, enum reply_shape shape, char *text);
void plan_fini(struct plan *plan);

/* The whole body with a picture in it, to be freed; NULL: no memory. */
char *plan_body(const struct plan *plan, const char *picture);

__attribute__((format(printf, 2, 3))) int protocol_unusable(struct vlm_facts *facts,
                                                            const char *format, ...);
__attribute__((format(printf, 2, 3))) void protocol_warn(struct vlm_facts *facts,
                                                         const char *format, ...);

struct cJSON;

/* One step of a conversation in JSON: GET when `body` is NULL. Wants status 200. 0 and an answer to
 * be freed (cleanup_json does); PROTOCOL_UNSUITED on 404 and 501, so that a driver with another way
 * can take it; PROTOCOL_UNUSABLE; or -errno. */
int protocol_ask(struct client *client, const char *path, const struct cJSON *body,
                 struct vlm_facts *facts, struct cJSON **ret_answer);

/* The member's text; "" when it is missing or no string. */
const char *protocol_string(const struct cJSON *object, const char *name);

void protocol_json_free(struct cJSON **json);
#define cleanup_json __attribute__((cleanup(protocol_json_free))) struct cJSON *

/* Copies what a server says of itself as one printable line of VLM_TEXT_SIZE at most. */
void protocol_copy(char ret_text[static VLM_TEXT_SIZE], const char *said);

/* An exchange that did not come back with status 200, in words: PROTOCOL_UNUSABLE. */
int protocol_refused(struct vlm_facts *facts, const char *what,
                     const struct client_exchange *exchange);

#endif
