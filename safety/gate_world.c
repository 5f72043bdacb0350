/* See gate_world.h.
 *
 * A new return replaces its slot and its neighbours when they are older than 50 ms, because from
 * turn to turn beams do not look exactly the same way; a nearer return of the same turn stays. No
 * return is no evidence of free floor: the point stays, for longer, so that a glossy or black thing
 * does not vanish by one drop-out. A point within the hull is put on the hull.
 *
 * What is unknown is a box as well, just outside of all margins on the side, within them in the
 * direction of travel: any motion toward it hits it, passing along or leaving does not. A bearing
 * that nobody looked at for 250 ms is hard; one that was looked at and gave no return for 400 ms is
 * black or far, and an obstacle above 250 mm/s only.
 */
#include "safety/gate_world.h"

#define REPLACE_MS   50
#define EDGE_EXTENT  9  /* half of five degrees at the largest distance of the edge */
#define EDGE_ROOM    15 /* from the fast margin of a start to the middle of an edge box */
#define CONE_MAX_MM  1500
#define CONE_PERCENT 27 /* half width of the sonar's cone by its length */
#define AHEAD_CELLS  3  /* on either side: 15 degrees */
#define OPEN_CELLS   2  /* on either side of a bearing have to be open as well */

static int32_t absolute(int32_t value)
{
    return value < 0 ? -value : value;
}

static int32_t greater(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static int32_t lesser(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int64_t earlier(int64_t a_ms, int64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

void gate_boxes_add(struct gate_boxes *boxes, const struct gate_box *box)
{
    if (boxes->count < GATE_BOXES_MAX) {
        boxes->list[boxes->count++] = *box;
    }
}

/* Where the bearing of a cell leaves the hull, inflated by the margins. */
static void edge_init(struct gate_world *world, const struct gate_model *model, int cell)
{
    int32_t room = model->margin_fast_mm + model->margin_start_mm + EDGE_ROOM;
    int32_t cosine = trig_slot_cos(cell * GATE_CELL_SLOTS + GATE_CELL_SLOTS / 2);
    int32_t sine = trig_slot_sin(cell * GATE_CELL_SLOTS + GATE_CELL_SLOTS / 2);
    int32_t x = room + (cosine > 0 ? model->front_mm : model->rear_mm);
    int32_t y = room + model->half_width_mm;

    /* |sine| and |cosine| of the middle of a cell are never 0. */
    if (x * absolute(sine) <= y * absolute(cosine)) {
        y = x * absolute(sine) / absolute(cosine);
    } else {
        x = y * absolute(cosine) / absolute(sine);
    }
    world->edge_x[cell] = (int16_t)(cosine > 0 ? x : -x);
    world->edge_y[cell] = (int16_t)(sine > 0 ? y : -y);
}

/* As far as the hull, its margins and the longest stopping motion go, on either axis. */
static int32_t reach(const struct gate_model *model)
{
    int32_t hull = greater(greater(model->front_mm, model->rear_mm), model->half_width_mm);
    int32_t room = model->margin_fast_mm + model->margin_start_mm + model->margin_ahead_mm;
    int32_t forward = greater(model->forward_mm_s, model->backward_mm_s);
    int32_t x = gate_model_stop(model, GATE_FORWARD, forward * 11 / 10);
    int32_t y = gate_model_stop(model, GATE_STRAFE, model->strafe_mm_s * 11 / 10);
    int32_t turn = gate_model_stop(model, GATE_TURN, model->turn_mrad_s * 14 / 10);

    return hull + room + x + y + (2 * hull + room + x + y) * turn / 1000 + 10;
}

void gate_world_init(struct gate_world *world, const struct gate_model *model, int64_t now_ms)
{
    int64_t never_ms = now_ms - 10 * (int64_t)model->dark_ms;

    *world =
        (struct gate_world){.beam_ms = never_ms, .oldest_ms = now_ms, .reach_mm = reach(model)};
    for (int i = 0; i < GATE_CELLS; i++) {
        world->seen_ms[i] = never_ms;
        world->return_ms[i] = never_ms;
        edge_init(world, model, i);
    }
    for (int i = 0; i < GATE_SLOTS; i++) {
        world->slots[i].time_ms = never_ms;
    }
}

void gate_world_mask(struct gate_world *world, int first, int count)
{
    for (int i = 0; i < count && i < GATE_SLOTS; i++) {
        int slot = (first % GATE_SLOTS + GATE_SLOTS + i) % GATE_SLOTS;

        world->masked[slot] = true;
        world->never[slot / GATE_CELL_SLOTS] = true;
        world->slots[slot].range_mm = 0;
    }
}

/* A point inside the hull goes to the side that is nearest. */
static void put_on_hull(const struct gate_model *model, int32_t *x, int32_t *y)
{
    int32_t front = model->front_mm - *x, rear = *x + model->rear_mm;
    int32_t left = model->half_width_mm - *y, right = *y + model->half_width_mm;
    int32_t along = lesser(front, rear), across = lesser(left, right);

    if (along <= 0 || across <= 0) {
        return;
    }
    if (along <= across) {
        *x = front <= rear ? model->front_mm : -model->rear_mm;
    } else {
        *y = left <= right ? model->half_width_mm : -model->half_width_mm;
    }
}

static bool is_across(const struct gate_model *model, int32_t x)
{
    return x < model->front_mm && x > -model->rear_mm;
}

static void slot_set(struct gate_slot *slot, const struct gate_model *model, int index,
                     int32_t range_mm, int64_t time_ms)
{
    int32_t range = lesser(range_mm, GATE_RANGE_MAX);
    int32_t x = model->lidar_x_mm + range * trig_slot_cos(index) / TRIG_ONE;
    int32_t y = model->lidar_y_mm + range * trig_slot_sin(index) / TRIG_ONE;

    put_on_hull(model, &x, &y);
    *slot = (struct gate_slot){
        .time_ms = time_ms,
        .x_mm = (int16_t)x,
        .y_mm = (int16_t)y,
        .range_mm = (uint16_t)range,
        .beside = absolute(y) < model->half_width_mm || is_across(model, x),
    };
}

static void slots_return(struct gate_world *world, const struct gate_model *model, int index,
                         int32_t range_mm, int64_t time_ms)
{
    struct gate_slot *slot = &world->slots[index];

    if (slot->range_mm == 0 || time_ms - slot->time_ms >= REPLACE_MS ||
        range_mm <= slot->range_mm) {
        slot_set(slot, model, index, range_mm, time_ms);
        world->oldest_ms = earlier(world->oldest_ms, time_ms);
    }
    for (int side = -1; side <= 1; side += 2) {
        slot = &world->slots[(index + GATE_SLOTS + side) % GATE_SLOTS];
        if (time_ms - slot->time_ms >= REPLACE_MS) {
            slot->range_mm = 0;
        }
    }
}

static void slots_darken(struct gate_world *world, int index)
{
    for (int side = -1; side <= 1; side++) {
        world->slots[(index + GATE_SLOTS + side) % GATE_SLOTS].dark = true;
    }
}

void gate_world_beam(struct gate_world *world, const struct gate_model *model, int slot,
                     int32_t range_mm, int64_t time_ms)
{
    int cell;

    if (slot < 0 || slot >= GATE_SLOTS || range_mm < 0 || world->masked[slot] ||
        time_ms < world->slots[slot].time_ms) {
        return;
    }
    cell = slot / GATE_CELL_SLOTS;
    world->beam_ms = time_ms > world->beam_ms ? time_ms : world->beam_ms;
    world->seen_ms[cell] = time_ms > world->seen_ms[cell] ? time_ms : world->seen_ms[cell];
    if (range_mm == 0) {
        slots_darken(world, slot);
        return;
    }
    world->return_ms[cell] = time_ms > world->return_ms[cell] ? time_ms : world->return_ms[cell];
    slots_return(world, model, slot, range_mm, time_ms);
}

/* A time from the future tells nothing. */
static bool is_recent(int64_t time_ms, int64_t now_ms, int32_t limit_ms)
{
    return now_ms >= time_ms && now_ms - time_ms < limit_ms;
}

bool gate_world_is_fresh(const struct gate_world *world, const struct gate_model *model,
                         int64_t now_ms)
{
    return is_recent(world->beam_ms, now_ms, model->fresh_ms);
}

/* Whether a point of this age still holds. One from the future does: it is something, at any time.
 */
static bool slot_holds(const struct gate_slot *slot, const struct gate_model *model, int64_t age_ms)
{
    const int32_t limits_ms[] = {model->seen_ms, model->dark_ms};

    return slot->range_mm > 0 && age_ms < limits_ms[slot->dark];
}

/* The point, by now. */
static struct gate_box point_box(const struct gate_slot *slot, const struct gate_age *age)
{
    int32_t x = (slot->x_mm * age->cosine + slot->y_mm * age->sine) / TRIG_ONE;
    int32_t y = (slot->y_mm * age->cosine - slot->x_mm * age->sine) / TRIG_ONE;
    int32_t ax = absolute(x), ay = absolute(y);

    return (struct gate_box){
        .x_mm = x - age->x_mm,
        .y_mm = y - age->y_mm,
        .ex_mm = age->ex_mm + ((ay * age->blur_q10 + ax * age->bend_q10) >> 10),
        .ey_mm = age->ey_mm + ((ax * age->blur_q10 + ay * age->bend_q10) >> 10),
        .reason = REASON_OBSTACLE,
    };
}

/* slot_holds keeps the age within the table; what is from the future is new. */
static int32_t age_index(int64_t age_ms)
{
    uint32_t index = (uint32_t)age_ms / GATE_AGE_STEP_MS;

    return age_ms < 0 ? 0 : lesser((int32_t)index, GATE_AGES - 1);
}

static bool is_within_reach(const struct gate_box *box, int32_t reach_mm)
{
    return absolute(box->x_mm) - box->ex_mm < reach_mm &&
           absolute(box->y_mm) - box->ey_mm < reach_mm;
}

/* Whether the sonar sees it as well, wherever in its blur it is. */
static void view_cone(struct gate_view *view, const struct gate_model *model,
                      const struct gate_box *box, int32_t echo_x_mm)
{
    int32_t length = box->x_mm + box->ex_mm - model->sonar_x_mm;
    int32_t aside = absolute(box->y_mm) - box->ey_mm;

    if (length >= 0 && length < CONE_MAX_MM && aside * 100 <= length * CONE_PERCENT) {
        int32_t apart = greater(absolute(box->x_mm - echo_x_mm) - box->ex_mm, 0);

        view->echo_gap_mm = lesser(view->echo_gap_mm, apart);
    }
}

/* Clearances are told to the agent and not judged by: they leave out the age. */
static void view_clearance(struct gate_view *view, const struct gate_model *model,
                           const struct gate_slot *slot)
{
    int32_t x = slot->x_mm, y = slot->y_mm;

    if (absolute(y) < model->half_width_mm) {
        int side = x > 0 ? 0 : 2;
        int32_t clear = x > 0 ? x - model->front_mm : -x - model->rear_mm;

        view->clear_mm[side] = lesser(view->clear_mm[side], greater(clear, 0));
    }
    if (is_across(model, x)) {
        int side = y > 0 ? 1 : 3;

        view->clear_mm[side] =
            lesser(view->clear_mm[side], greater(absolute(y) - model->half_width_mm, 0));
    }
}

static bool is_ahead(int cell)
{
    return cell < AHEAD_CELLS || cell >= GATE_CELLS - AHEAD_CELLS;
}

static void view_init(struct gate_view *view, const struct gate_world *world,
                      const struct gate_model *model, int64_t now_ms)
{
    *view = (struct gate_view){.echo_gap_mm = GATE_FAR,
                               .clear_mm = {GATE_FAR, GATE_FAR, GATE_FAR, GATE_FAR},
                               .cone_was_seen = true};
    for (int i = 0; i < GATE_CELLS; i++) {
        view->unseen[i] = world->never[i] || !is_recent(world->seen_ms[i], now_ms, model->seen_ms);
        view->returns += is_recent(world->return_ms[i], now_ms, model->dark_ms) ? 1 : 0;
        if (is_ahead(i) && view->unseen[i] && !world->never[i]) {
            view->cone_was_seen = false;
        }
    }
}

/* Cheap and coarse: neither within reach nor where the sonar looks. */
static bool is_far(const struct gate_slot *slot, const struct gate_age *age, int32_t reach_mm)
{
    return slot->range_mm > 2 * reach_mm + age->far_mm &&
           (slot->range_mm > 2 * CONE_MAX_MM || absolute(slot->y_mm) > slot->x_mm);
}

/* Of one slot: its box, when it is near enough, and what it adds to the view. */
static void point_add(const struct gate_model *model, const struct gate_slot *slot,
                      const struct gate_age *age, int32_t reach_mm, int32_t echo_x_mm,
                      struct gate_boxes *boxes, struct gate_view *view)
{
    struct gate_box box;

    if (is_far(slot, age, reach_mm)) {
        return;
    }
    box = point_box(slot, age);
    view_cone(view, model, &box, echo_x_mm);
    if (is_within_reach(&box, reach_mm)) {
        gate_boxes_add(boxes, &box);
    }
}

void gate_world_points(struct gate_world *world, const struct gate_model *model,
                       const struct gate_age ages[GATE_AGES], int32_t echo_x_mm, int64_t now_ms,
                       struct gate_boxes *boxes, struct gate_view *view)
{
    int32_t reach_mm = world->reach_mm;
    int64_t oldest_ms = now_ms;

    view_init(view, world, model, now_ms);
    for (int cell = 0; cell < GATE_CELLS; cell++) {
        int32_t nearest_mm = GATE_FAR;

        for (int i = 0; i < GATE_CELL_SLOTS; i++) {
            struct gate_slot *slot = &world->slots[cell * GATE_CELL_SLOTS + i];
            int64_t age_ms = now_ms - slot->time_ms;

            if (!slot_holds(slot, model, age_ms)) {
                slot->range_mm = 0;
                continue;
            }
            oldest_ms = earlier(oldest_ms, slot->time_ms);
            nearest_mm = lesser(nearest_mm, slot->range_mm);
            if (slot->beside) {
                view_clearance(view, model, slot);
            }
            point_add(model, slot, &ages[age_index(age_ms)], reach_mm, echo_x_mm, boxes, view);
        }
        view->cell_mm[cell] = nearest_mm;
    }
    world->oldest_ms = oldest_ms;
}

void gate_world_cells(const struct gate_world *world, const struct gate_model *model,
                      bool sonar_is_good, int64_t now_ms, struct gate_boxes *boxes,
                      const struct gate_view *view)
{
    for (int i = 0; i < GATE_CELLS; i++) {
        struct gate_box box = {.x_mm = world->edge_x[i],
                               .y_mm = world->edge_y[i],
                               .ex_mm = EDGE_EXTENT,
                               .ey_mm = EDGE_EXTENT};

        if (view->unseen[i]) {
            box.reason = REASON_UNSEEN;
            box.cap_mm_s = is_ahead(i) && sonar_is_good && !world->never[i] ? model->creep_mm_s : 0;
        } else if (!is_recent(world->return_ms[i], now_ms, model->dark_ms)) {
            box.reason = REASON_DARK;
            box.cap_mm_s = model->dark_mm_s;
        } else {
            continue;
        }
        gate_boxes_add(boxes, &box);
    }
}

void gate_world_scan(const struct gate_world *world, const struct gate_model *model, int64_t now_ms,
                     uint16_t sector_mm[GATE_SECTORS])
{
    for (int i = 0; i < GATE_SECTORS; i++) {
        sector_mm[i] = 0;
    }
    for (int i = 0; i < GATE_SLOTS; i++) {
        const struct gate_slot *slot = &world->slots[i];
        uint16_t *sector = &sector_mm[i * GATE_SECTORS / GATE_SLOTS];

        if (slot_holds(slot, model, now_ms - slot->time_ms) &&
            (*sector == 0 || slot->range_mm < *sector)) {
            *sector = slot->range_mm;
        }
    }
}

/* The way of a bearing: to its nearest return; what is unseen or gives no return is no way. */
static int32_t way(const struct gate_view *view, int cell)
{
    return view->unseen[cell] || view->cell_mm[cell] == GATE_FAR ? 0 : view->cell_mm[cell];
}

/* Shortest way around a bearing. `ways` has OPEN_CELLS more cells on either side. */
static int32_t openness(const int32_t *ways, int cell)
{
    int32_t least = GATE_RANGE_MAX;

    for (int i = 0; i <= 2 * OPEN_CELLS; i++) {
        least = lesser(least, ways[cell + i]);
    }
    return least;
}

/* Ahead first, then outward on both sides, so that of equal ways the one nearest to ahead wins. */
int32_t gate_world_open_bearing(const struct gate_view *view)
{
    int32_t ways[GATE_CELLS + 2 * OPEN_CELLS];
    int32_t longest = 0, bearing = 0;

    for (int i = 0; i < GATE_CELLS + 2 * OPEN_CELLS; i++) {
        ways[i] = way(view, (i + GATE_CELLS - OPEN_CELLS) % GATE_CELLS);
    }
    for (int i = 0; i < GATE_CELLS; i++) {
        int cell = i % 2 == 0 ? i / 2 : GATE_CELLS - 1 - i / 2;
        /* Most bearings are no better even by themselves. */
        int32_t open = ways[cell + OPEN_CELLS] > longest ? openness(ways, cell) : 0;

        if (open > longest) {
            int32_t slot = cell * GATE_CELL_SLOTS + GATE_CELL_SLOTS / 2;

            longest = open;
            bearing = (slot < GATE_SLOTS / 2 ? slot : slot - GATE_SLOTS) * 3142 / (GATE_SLOTS / 2);
        }
    }
    return bearing;
}
