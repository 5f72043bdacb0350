/* See renewal.h. There are never more than two connections: the current one, and the successor that
 * was opened while the current one served its last request. */
#include "vlm/renewal.h"

void renewal_init(struct renewal *renewal)
{
    *renewal = (struct renewal){.due_ns = 0};
}

void renewal_begin(struct renewal *renewal)
{
    renewal->due_ns = INT64_MAX;
}

/* The connection that was lost is followed by its successor, if there is one. */
static void lose_current(struct renewal *renewal)
{
    renewal->current = renewal->successor;
    renewal->successor = (struct renewal_connection){0};
}

/* Called when nothing is under way. */
static void schedule(struct renewal *renewal, int64_t now_ns, int64_t when_none_ns)
{
    renewal->due_ns = renewal->current.port == 0 ? when_none_ns : now_ns + RENEWAL_IDLE_NS;
}

void renewal_end(struct renewal *renewal, long port, bool open, int64_t now_ns)
{
    struct renewal_connection fresh = {.port = port, .requests = 1};

    if (!open) {
        if (port != 0 && port == renewal->current.port) {
            lose_current(renewal);
        }
    } else if (port == renewal->current.port) {
        renewal->current.requests++;
    } else if (renewal->current.port == 0) {
        renewal->current = fresh;
    } else {
        renewal->successor = fresh;
    }
    if (!renewal->asking) {
        schedule(renewal, now_ns, now_ns + RENEWAL_RETRY_NS);
    }
}

bool renewal_ask(struct renewal *renewal)
{
    renewal->asking = true;
    renewal->due_ns = INT64_MAX;
    return (renewal->current.requests + 1) % RENEWAL_REQUESTS == 0;
}

void renewal_answer(struct renewal *renewal, long port, bool open, int64_t now_ns)
{
    renewal->asking = false;
    if (port != renewal->current.port) {
        struct renewal_connection other = {.port = port};

        renewal->current = port == renewal->successor.port ? renewal->successor : other;
        renewal->successor = (struct renewal_connection){0};
    }
    renewal->current.requests++;
    if (!open) {
        lose_current(renewal);
    }
    schedule(renewal, now_ns, now_ns);
}

void renewal_drop(struct renewal *renewal, int64_t now_ns)
{
    renewal->asking = false;
    lose_current(renewal);
    schedule(renewal, now_ns, now_ns);
}
