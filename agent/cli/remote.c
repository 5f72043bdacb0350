/* See remote.h. */
#include "agent/cli/remote.h"

#include <cJSON.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cli/command.h"
#include "agent/http/guard.h"
#include "agent/http/http_options.h"
#include "hal/base/exit.h"
#include "hal/base/text.h"

#define ASK_S      10L
#define CONNECT_S  3L
#define ANSWER_MAX (4 * 1024 * 1024)
#define SHOWN_SIZE 400

struct remote {
    char url[SETTING_STRING_SIZE];
    CURL *curl;
    struct curl_slist *headers;
};

struct answer {
    char *text;
    size_t size;
};

static int add_token(struct remote *remote, const char *path)
{
    char line[sizeof("Authorization: Bearer ") + GUARD_TOKEN_MAX];
    const char *why = NULL;
    struct guard guard;
    int result = guard_read(&guard, path, &why);

    if (result < 0) {
        (void)fprintf(stderr, "turbonav: %s: %s\n", path, why != NULL ? why : strerror(-result));
        return EXIT_BAD_CONFIG;
    }
    (void)snprintf(line, sizeof(line), "Authorization: Bearer %s", guard.token);
    remote->headers = curl_slist_append(remote->headers, line);
    return 0;
}

int remote_open(const char *url, const char *token_file, const char *config,
                struct remote **ret_remote)
{
    struct remote *remote;
    struct http_options options = {0};
    int result = url == NULL ? command_options(config, &http_table, &options) : 0;

    if (result != 0) {
        return result;
    }
    remote = calloc(1, sizeof(*remote));
    if (remote == NULL || (remote->curl = curl_easy_init()) == NULL) {
        remote_close(remote);
        return EXIT_SYSTEM;
    }
    if (url == NULL) {
        (void)snprintf(remote->url, sizeof(remote->url), "http://%.*s",
                       (int)sizeof(remote->url) - 8, options.listen);
    } else {
        (void)snprintf(remote->url, sizeof(remote->url), "%s", url);
    }
    token_file = token_file != NULL ? token_file : options.token_file;
    if (token_file[0] != '\0' && (result = add_token(remote, token_file)) != 0) {
        remote_close(remote);
        return result;
    }
    remote->headers = curl_slist_append(remote->headers, "Content-Type: application/json");
    *ret_remote = remote;
    return 0;
}

void remote_close(struct remote *remote)
{
    if (remote != NULL) {
        curl_easy_cleanup(remote->curl);
        curl_slist_free_all(remote->headers);
        free(remote);
    }
}

static void prepare(struct remote *remote, const char *path, char *url, size_t size)
{
    size_t length = strlen(remote->url);

    while (length > 0 && remote->url[length - 1] == '/') {
        length--;
    }
    (void)snprintf(url, size, "%.*s%s", (int)length, remote->url, path);
    curl_easy_reset(remote->curl);
    (void)curl_easy_setopt(remote->curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(remote->curl, CURLOPT_HTTPHEADER, remote->headers);
    (void)curl_easy_setopt(remote->curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
    (void)curl_easy_setopt(remote->curl, CURLOPT_NOSIGNAL, 1L);
    /* A proxy of the house's is for the world outside. */
    (void)curl_easy_setopt(remote->curl, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(remote->curl, CURLOPT_PROTOCOLS_STR, "http,https");
}

static int unreachable(const struct remote *remote, CURLcode code)
{
    (void)fprintf(stderr, "turbonav: %s: %s; does 'turbonav-agent --serve' run?\n", remote->url,
                  curl_easy_strerror(code));
    return EXIT_NO_CAR;
}

static size_t keep(char *bytes, size_t one, size_t size, void *context)
{
    struct answer *answer = context;
    char *text =
        answer->size + size < ANSWER_MAX ? realloc(answer->text, answer->size + size + 1) : NULL;

    (void)one;
    if (text == NULL) {
        return 0;
    }
    memcpy(text + answer->size, bytes, size);
    answer->text = text;
    answer->size += size;
    text[answer->size] = '\0';
    return size;
}

int remote_ask(struct remote *remote, const char *path, const char *body, int *ret_status,
               char **ret_answer)
{
    char url[2 * SETTING_STRING_SIZE];
    struct answer answer = {.text = strdup("")};
    long status = 0;
    CURLcode code;

    prepare(remote, path, url, sizeof(url));
    (void)curl_easy_setopt(remote->curl, CURLOPT_TIMEOUT, ASK_S);
    (void)curl_easy_setopt(remote->curl, CURLOPT_WRITEFUNCTION, keep);
    (void)curl_easy_setopt(remote->curl, CURLOPT_WRITEDATA, &answer);
    if (body != NULL) {
        (void)curl_easy_setopt(remote->curl, CURLOPT_POSTFIELDS, body);
    }
    code = curl_easy_perform(remote->curl);
    (void)curl_easy_getinfo(remote->curl, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK || answer.text == NULL) {
        free(answer.text);
        return unreachable(remote, code);
    }
    *ret_status = (int)status;
    *ret_answer = answer.text;
    return 0;
}

/* A stream while it is read. */
struct follower {
    bool (*event)(void *context, const char *kind, const char *data);
    bool (*ends)(void *context);
    void *context;
    bool ended;
    char kind[32];
    struct answer line;
};

static void take_line(struct follower *follower, char *line)
{
    if (strncmp(line, "event: ", 7) == 0) {
        (void)snprintf(follower->kind, sizeof(follower->kind), "%s", line + 7);
    } else if (strncmp(line, "data: ", 6) == 0) {
        follower->ended = !follower->event(follower->context, follower->kind, line + 6);
    }
}

static size_t take_piece(char *bytes, size_t one, size_t size, void *context)
{
    struct follower *follower = context;
    size_t left = size;

    while (left > 0 && !follower->ended) {
        char *end = memchr(bytes, '\n', left);
        size_t length = end != NULL ? (size_t)(end - bytes) : left;

        if (length > 0 && keep(bytes, one, length, &follower->line) == 0) {
            return 0;
        }
        if (end != NULL && follower->line.size > 0) {
            take_line(follower, follower->line.text);
            follower->line.size = 0;
        }
        length += end != NULL ? 1 : 0;
        bytes += length;
        left -= length;
    }
    return follower->ended ? 0 : size;
}

static int is_over(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct follower *follower = context;

    (void)a;
    (void)b;
    (void)c;
    (void)d;
    follower->ended = follower->ended || follower->ends(follower->context);
    return follower->ended;
}

int remote_follow(struct remote *remote, const char *path,
                  bool (*event)(void *context, const char *kind, const char *data),
                  bool (*ends)(void *context), void *context)
{
    char url[2 * SETTING_STRING_SIZE];
    struct follower follower = {.event = event, .ends = ends, .context = context};
    CURLcode code;

    prepare(remote, path, url, sizeof(url));
    (void)curl_easy_setopt(remote->curl, CURLOPT_WRITEFUNCTION, take_piece);
    (void)curl_easy_setopt(remote->curl, CURLOPT_WRITEDATA, &follower);
    (void)curl_easy_setopt(remote->curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(remote->curl, CURLOPT_XFERINFOFUNCTION, is_over);
    (void)curl_easy_setopt(remote->curl, CURLOPT_XFERINFODATA, &follower);
    code = curl_easy_perform(remote->curl);
    free(follower.line.text);
    return code == CURLE_OK || follower.ended ? 0 : unreachable(remote, code);
}

static void complain_part(const cJSON *item)
{
    char shown[SHOWN_SIZE];
    const char *text = cJSON_GetStringValue(item);

    if (text != NULL && text[0] != '\0') {
        text_escape(text, strlen(text), shown, sizeof(shown));
        (void)fprintf(stderr, ": %s", shown);
    }
}

void remote_complain(const char *answer)
{
    cJSON *json = cJSON_Parse(answer);
    const cJSON *item;

    (void)fprintf(stderr, "turbonav: refused");
    complain_part(cJSON_GetObjectItem(json, "title"));
    complain_part(cJSON_GetObjectItem(json, "detail"));
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(json, "not_ready"))
    {
        complain_part(item);
    }
    (void)fputc('\n', stderr);
    cJSON_Delete(json);
}
