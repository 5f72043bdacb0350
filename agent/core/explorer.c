/* See explorer.h. A step is a line: the answer becomes a wish at full speed, the wish is damped,
 * then scaled. What is remembered is the side of the last turn and how many answers in a row spoke
 * against it. */
#include "agent/core/explorer.h"

#define FULL_PERMILLE 1000
#define HALF_PERMILLE 500

void explorer_init(struct explorer *explorer, const struct explorer_options *options)
{
    struct escape_options escape = {
        .forward_mm_s = (int32_t)options->forward_mm_s,
        .shift_mm_s = (int32_t)options->backward_mm_s,
        .turn_mrad_s = (int32_t)options->turn_mrad_s,
        .stuck_ms = (int32_t)options->stuck_ms,
    };

    *explorer = (struct explorer){.options = *options};
    escape_init(&explorer->escape, &escape);
}

static struct twist turn(const struct explorer *explorer, int side, bool ahead)
{
    const struct explorer_options *options = &explorer->options;
    int32_t divisor = ahead ? 2 : 1;

    return (struct twist){
        .vx_mm_s = ahead ? (int32_t)options->forward_mm_s / 2 : 0,
        .wz_mrad_s = side * (int32_t)options->turn_mrad_s / divisor,
    };
}

static struct twist straight(int64_t speed_mm_s)
{
    return (struct twist){.vx_mm_s = (int32_t)speed_mm_s};
}

static struct twist action_wish(const struct explorer *explorer, enum action action)
{
    switch (action) {
    case ACTION_STOP:
        break;
    case ACTION_FORWARD:
        return straight(explorer->options.forward_mm_s);
    case ACTION_LEFT:
        return turn(explorer, 1, false);
    case ACTION_RIGHT:
        return turn(explorer, -1, false);
    case ACTION_BACKWARD:
        return straight(-explorer->options.backward_mm_s);
    }
    return (struct twist){0};
}

static struct twist percept_wish(const struct explorer *explorer, enum percept percept)
{
    switch (percept) {
    case PERCEPT_NONE:
        /* No open floor in sight: look for it, on the side that the last turn went to. */
        return turn(explorer, explorer->side != 0 ? explorer->side : 1, false);
    case PERCEPT_LEFT:
        return turn(explorer, 1, true);
    case PERCEPT_CENTER:
        return straight(explorer->options.forward_mm_s);
    case PERCEPT_RIGHT:
        return turn(explorer, -1, true);
    }
    return (struct twist){0};
}

/* True when the wish may be followed now. Straight motion counts against the remembered side, too,
 * so that a turn long ago does not slow down the next one. */
static bool side_agrees(struct explorer *explorer, const struct twist *wish)
{
    int side = (wish->wz_mrad_s > 0) - (wish->wz_mrad_s < 0);

    if (side == explorer->side) {
        explorer->opposing = 0;
        return true;
    }
    if (explorer->side == 0) {
        explorer->side = side;
        return true;
    }
    explorer->opposing++;
    if (explorer->opposing >= explorer->options.flip_votes) {
        explorer->side = side;
        explorer->opposing = 0;
        return true;
    }
    return side == 0;
}

/* 0: hold. */
static int32_t speed_permille(const struct explorer_options *options, int confidence_permille)
{
    int32_t hold = (int32_t)options->hold_percent * 10, full = (int32_t)options->full_percent * 10;

    if (confidence_permille == WORD_CONFIDENCE_UNKNOWN) {
        return HALF_PERMILLE;
    }
    if (confidence_permille < hold) {
        return 0;
    }
    if (confidence_permille >= full) {
        return FULL_PERMILLE;
    }
    return HALF_PERMILLE +
           (FULL_PERMILLE - HALF_PERMILLE) * (confidence_permille - hold) / (full - hold);
}

static struct twist scaled(struct twist twist, int32_t permille)
{
    return (struct twist){
        .vx_mm_s = twist.vx_mm_s * permille / FULL_PERMILLE,
        .vy_mm_s = twist.vy_mm_s * permille / FULL_PERMILLE,
        .wz_mrad_s = twist.wz_mrad_s * permille / FULL_PERMILLE,
    };
}

static bool is_still(const struct twist *wish)
{
    return wish->vx_mm_s == 0 && wish->vy_mm_s == 0 && wish->wz_mrad_s == 0;
}

/* What the answer alone comes to. */
static struct intent answer_step(struct explorer *explorer, const struct decision *decision)
{
    int32_t permille = speed_permille(&explorer->options, decision->confidence_permille);
    struct twist wish = decision->question == QUESTION_ACTION
                            ? action_wish(explorer, (enum action)decision->word)
                            : percept_wish(explorer, (enum percept)decision->word);

    if (permille == 0) {
        return (struct intent){.reason = EXPLORER_HOLDS};
    }
    if (!side_agrees(explorer, &wish)) {
        return (struct intent){.reason = EXPLORER_WAITS};
    }
    return (struct intent){.twist = scaled(wish, permille),
                           .reason = is_still(&wish) ? EXPLORER_STOPS : EXPLORER_DRIVES};
}

struct intent explorer_step(struct explorer *explorer, const struct decision *decision,
                            const struct wire_verdict *verdict, int64_t now_ns)
{
    struct intent intent;
    struct twist out;

    if (verdict->mission == 0) {
        return (struct intent){.reason = EXPLORER_BLOCKED};
    }
    intent = answer_step(explorer, decision);
    if (escape_step(&explorer->escape, &intent.twist, verdict, now_ns, &out) &&
        intent.reason != EXPLORER_STOPS && intent.reason != EXPLORER_HOLDS) {
        return (struct intent){.twist = out, .reason = EXPLORER_ESCAPES};
    }
    return intent;
}

const char *explorer_reason_name(enum explorer_reason reason)
{
    switch (reason) {
    case EXPLORER_BLOCKED:
        return "blocked";
    case EXPLORER_DRIVES:
        return "drives";
    case EXPLORER_STOPS:
        return "stops";
    case EXPLORER_HOLDS:
        return "holds";
    case EXPLORER_WAITS:
        return "waits";
    case EXPLORER_ESCAPES:
        return "escapes";
    }
    return "";
}
