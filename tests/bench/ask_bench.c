/* ask-bench: what our client costs over the plainest loop that libcurl allows.
 *
 *   ask-bench pair URL FRAMES COUNT   alternates between the two, question by question
 *   ask-bench plain URL FRAMES COUNT  the plain loop alone, as fast as it goes
 *
 * Both send the same bodies: the plain loop's are built beforehand from the same frames with the
 * same plan, and posted with curl_easy_perform on one handle that is kept alive. In `pair` each of
 * COUNT rounds asks one question with either, in turning order, about pictures that are half the
 * list apart, so that the server never sees the same picture twice in a row. Prints one JSON line.
 */
#include <curl/curl.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/base/clock.h"
#include "hal/base/histogram.h"
#include "hal/camera/folder.h"
#include "vlm/body.h"
#include "vlm/jpeg.h"
#include "vlm/protocol.h"

#define FRAMES_MAX  1000
#define WIDTH       480
#define HEIGHT      336
#define QUALITY     70
#define HEAP_PROBES 8

static const char prompt[] =
    "You are the eyes of a small robot car that explores rooms. Answer with "
    "exactly one word: forward, left, right, backward or stop";
static const char text[] = "Command:";

struct bench {
    struct body bodies[FRAMES_MAX];
    uint8_t *jpegs[FRAMES_MAX];
    size_t sizes[FRAMES_MAX];
    int frames;
    struct vlm *vlm;
    CURL *plain;
    struct histogram plain_time, client_time;
    size_t reply_size;
};

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "ask-bench: %s: %s\n", what, why);
    exit(1);
}

static size_t on_body(char *data, size_t one, size_t size, void *user)
{
    struct bench *bench = user;

    (void)data;
    bench->reply_size += one * size;
    return one * size;
}

static void plain_open(struct bench *bench, const char *url, const char *path)
{
    char *whole = NULL;
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");

    headers = curl_slist_append(headers, "Expect:");
    bench->plain = curl_easy_init();
    if (bench->plain == NULL || asprintf(&whole, "%s%s", url, path) < 0) {
        die("curl", "no memory");
    }
    curl_easy_setopt(bench->plain, CURLOPT_URL, whole);
    curl_easy_setopt(bench->plain, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(bench->plain, CURLOPT_UPLOAD_BUFFERSIZE, 512 * 1024L);
    curl_easy_setopt(bench->plain, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(bench->plain, CURLOPT_WRITEDATA, bench);
    free(whole);
}

static void frames_load(struct bench *bench, const char *path, const struct plan *plan)
{
    struct folder *folder;
    struct jpeg *jpeg;
    struct frame frame;
    struct jpeg_picture picture;

    if (folder_open(path, &folder) < 0 || jpeg_new(WIDTH, HEIGHT, QUALITY, &jpeg) < 0) {
        die(path, "cannot be read");
    }
    while (bench->frames < FRAMES_MAX && folder_next(folder, &frame) == 0) {
        int i = bench->frames++;

        if (jpeg_fit(jpeg, frame.bytes, frame.size, &picture) != 0 ||
            body_init(&bench->bodies[i], plan->head, plan->tail) != 0 ||
            body_set_picture(&bench->bodies[i], picture.bytes, picture.size) != 0) {
            die(frame.name, "cannot be prepared");
        }
        bench->jpegs[i] = memcpy(malloc(picture.size), picture.bytes, picture.size);
        bench->sizes[i] = picture.size;
    }
    jpeg_free(jpeg);
    folder_close(folder);
}

static void plan_learn(const char *url, struct plan *ret_plan)
{
    struct vlm_facts facts = {0};
    struct client *client;
    struct protocol_request request = {
        .kind = QUESTION_ACTION,
        .prompt = prompt,
        .text = text,
        .model = "",
        .picture = "/9j/4AAQ",
    };

    if (client_new(url, &client) != 0 ||
        protocol_llama.learn(client, &request, &facts, ret_plan) != 0) {
        die(url, facts.error);
    }
    client_free(client);
}

static void vlm_open(struct bench *bench, const char *url)
{
    struct vlm_endpoint_options endpoint = {.timeout_ms = 5000};
    struct picture_options picture = {WIDTH, HEIGHT, QUALITY};
    struct vlm_question question = {QUESTION_ACTION, prompt, text};

    (void)snprintf(endpoint.url, sizeof(endpoint.url), "%s", url);
    if (vlm_new(&endpoint, &picture, &question, &bench->vlm) != 0 || vlm_learn(bench->vlm) != 0) {
        die(url, bench->vlm == NULL ? "no memory" : vlm_facts(bench->vlm)->error);
    }
}

static void ask_plain(struct bench *bench, int frame)
{
    const struct body *body = &bench->bodies[frame % bench->frames];
    int64_t start_ns;

    curl_easy_setopt(bench->plain, CURLOPT_POSTFIELDS, body->text);
    curl_easy_setopt(bench->plain, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->size);
    start_ns = clock_now_ns();
    if (curl_easy_perform(bench->plain) != CURLE_OK) {
        die("plain loop", "a request failed");
    }
    histogram_add(&bench->plain_time, clock_now_ns() - start_ns);
}

/* Sends, waits and parses, as the agent's loop does. */
static void ask_client(struct bench *bench, int frame)
{
    int i = frame % bench->frames;
    struct vlm_answer answer;
    int64_t start_ns;
    int result;

    if (vlm_load(bench->vlm, bench->jpegs[i], bench->sizes[i]) != 0) {
        die("client", "no memory");
    }
    start_ns = clock_now_ns();
    if (vlm_ask(bench->vlm, (uint64_t)frame, start_ns) != 0) {
        die("client", "cannot ask");
    }
    while ((result = vlm_step(bench->vlm, clock_now_ns(), &answer)) == 0) {
        struct pollfd pollfd = {.fd = vlm_fd(bench->vlm), .events = POLLIN};
        int64_t wait_ns = vlm_wake_ns(bench->vlm) - clock_now_ns();

        (void)poll(&pollfd, 1, wait_ns > 0 ? (int)(wait_ns / CLOCK_NS_PER_MS) + 1 : 0);
    }
    if (result != VLM_ANSWERED || answer.fault != FAULT_NONE) {
        die("client", fault_text(answer.fault));
    }
    histogram_add(&bench->client_time, clock_now_ns() - start_ns);
}

static void print_times(const char *name, const struct histogram *histogram)
{
    (void)printf("\"%s_us\":{\"p50\":%.1f,\"p95\":%.1f,\"p99\":%.1f}", name,
                 (double)histogram_permille(histogram, 500) / 1e3,
                 (double)histogram_permille(histogram, 950) / 1e3,
                 (double)histogram_permille(histogram, 990) / 1e3);
}

static void run_pair(struct bench *bench, int count)
{
    size_t heap[HEAP_PROBES] = {0};

    for (int i = 0; i < count; i++) {
        int probe = i * HEAP_PROBES / count;

        if (i % 2 == 0) {
            ask_plain(bench, i);
            ask_client(bench, i + bench->frames / 2);
        } else {
            ask_client(bench, i + bench->frames / 2);
            ask_plain(bench, i);
        }
        heap[probe] = mallinfo2().uordblks;
    }
    (void)printf("{");
    print_times("plain", &bench->plain_time);
    (void)printf(",");
    print_times("client", &bench->client_time);
    (void)printf(",\"heap_bytes\":[");
    for (int i = 0; i < HEAP_PROBES; i++) {
        (void)printf("%s%zu", i > 0 ? "," : "", heap[i]);
    }
    (void)printf("],\"count\":%d}\n", count);
}

static void run_plain(struct bench *bench, int count)
{
    int64_t start_ns = clock_now_ns();

    for (int i = 0; i < count; i++) {
        ask_plain(bench, i);
    }
    (void)printf("{\"rate_hz\":%.3f,", count * 1e9 / (double)(clock_now_ns() - start_ns));
    print_times("plain", &bench->plain_time);
    (void)printf("}\n");
}

int main(int argc, char **argv)
{
    static struct bench bench;
    struct plan plan;
    int count = argc == 5 ? atoi(argv[4]) : 0;
    bool pair = argc == 5 && strcmp(argv[1], "pair") == 0;

    if (count < HEAP_PROBES || (!pair && strcmp(argv[1], "plain") != 0)) {
        (void)fprintf(stderr, "Usage: ask-bench pair|plain URL FRAMES COUNT\n");
        return 64;
    }
    char *root = strdup(argv[2]);
    char *v1 = root == NULL ? NULL : strstr(root, "/v1");

    if (v1 != NULL) {
        *v1 = '\0';
    }
    plan_learn(argv[2], &plan);
    frames_load(&bench, argv[3], &plan);
    histogram_init(&bench.plain_time);
    histogram_init(&bench.client_time);
    plain_open(&bench, root, plan.path);
    if (pair) {
        vlm_open(&bench, argv[2]);
        run_pair(&bench, count);
    } else {
        run_plain(&bench, count);
    }
    return 0;
}
