/* Theorem 7, and 5 for slew: shown by Frama-C's WP.
 *
 * For every state, time, last and wished twist within +-10000: each axis of what is given is
 * between zero and the wish, so that an axis that is asked to be zero is zero at once; and its rim
 * speed is at most the larger of the last one's and the slowest of the wheels, plus one step.
 */
#include "safety/slew.h"
#include "tests/proof/contracts.h"

#define AXIS_MAX 10000

/*@ predicate is_between(integer value, integer asked) =
        (asked >= 0 ==> 0 <= value <= asked) && (asked <= 0 ==> asked <= value <= 0);

    predicate is_part(integer d, integer g, integer part, integer whole) =
        whole * d <= part * g;
*/

#ifdef LEMMAS
/*@ lemma right: \forall integer p, w, g;
        0 <= p && g <= 1000 * w + 999 ==> p * g <= 1000 * (p * w) + 999 * p;

    lemma left: \forall integer p, w, d;
        0 < w && d >= 1000 * p + 999 ==> w * d >= 1000 * (p * w) + 999 * w;
*/
#endif

/*@ lemma part: \forall integer d, g, p, w;
        is_part(d, g, p, w) && 0 <= p < w && g <= 1000 * w + 999 ==> d < 1000 * p + 999;

    lemma even_part: \forall integer d, g, p, w;
        is_part(d, g, p, w) && 0 <= p < w && g <= 1000 * w ==> d < 1000 * p + 1;

    lemma no_part: \forall integer d, g, w; is_part(d, g, 0, w) && 0 < w ==> d <= 0;

    lemma parts: \forall integer a, b, c, ga, gb, gc, p, w;
        is_part(a, ga, p, w) && is_part(b, gb, p, w) && is_part(c, gc, p, w) ==>
            is_part(1000 * (a + b) + 126 * c, 1000 * (ga + gb) + 126 * gc, p, w);

    predicate within(struct twist t, struct twist wish) =
        is_between(t.vx_mm_s, wish.vx_mm_s) && is_between(t.vy_mm_s, wish.vy_mm_s) &&
        is_between(t.wz_mrad_s, wish.wz_mrad_s);

    predicate small(struct twist t) =
        size(t.vx_mm_s) <= AXIS_MAX && size(t.vy_mm_s) <= AXIS_MAX && size(t.wz_mrad_s) <= AXIS_MAX;
*/

/*@ requires value > INT32_MIN;
    assigns \nothing;
    ensures \result == size(value); */
static int32_t absolute(int32_t value);

/*@ requires size(last) <= AXIS_MAX && size(wish) <= AXIS_MAX;
    assigns \nothing;
    ensures is_between(\result, wish) && size(\result) <= size(last); */
static int32_t kept(int32_t last, int32_t wish);

/*@ requires \valid_read(last) && \valid_read(wish) && small(*last) && small(*wish);
    assigns \nothing;
    ensures within(\result, *wish) && small(\result);
    ensures exact_rim(\result) <= exact_rim(*last);
    ensures exact_rim(\result) <= exact_rim(*wish) <= 40000000; */
static struct twist all_kept(const struct twist *last, const struct twist *wish);

/*@ requires size(value) <= 2 * AXIS_MAX && 0 <= part < whole <= 1000000;
    assigns \nothing;
    ensures value >= 0 ==> 0 <= \result <= value && whole * \result <= part * value;
    ensures value <= 0 ==> value <= \result <= 0 && whole * \result >= part * value; */
static int32_t share(int32_t value, int32_t part, int32_t whole);

/*@ requires size(from) <= AXIS_MAX && size(to) <= AXIS_MAX && is_between(from, to);
    requires 0 <= part < whole <= 1000000;
    assigns \nothing;
    ensures is_between(\result, to);
    ensures is_part(size(\result) - size(from), size(to) - size(from), part, whole); */
static int32_t between(int32_t from, int32_t to, int32_t part, int32_t whole);

/*@ assigns \nothing;
    ensures 0 <= \result <= SLEW_STEP_MM_S; */
static int32_t earned(uint64_t elapsed_ms);

/*@ requires \valid(slew) && 0 <= slew->allowance_mm_s <= SLEW_STEP_MM_S;
    assigns *slew;
    ensures 0 <= slew->allowance_mm_s <= SLEW_STEP_MM_S; */
static void refill(struct slew *slew, int64_t now_ms);

/*@ requires \valid_read(from) && \valid_read(to) && small(*from) && small(*to);
    requires within(*from, *to) && 0 <= part < whole <= 1000000;
    assigns \nothing;
    ensures within(\result, *to);
    ensures is_part(exact_rim(\result) - exact_rim(*from), exact_rim(*to) - exact_rim(*from), part,
                    whole); */
static struct twist toward(const struct twist *from, const struct twist *to, int32_t part,
                           int32_t whole);

/*@ requires \valid_read(from) && \valid_read(to) && small(*from) && small(*to);
    requires within(*from, *to) && 0 <= more < to_rim - from_rim;
    requires 0 <= from_rim && to_rim <= 1000000;
    requires is_rounded(from_rim, exact_rim(*from)) && is_rounded(to_rim, exact_rim(*to));
    assigns \nothing;
    ensures within(\result, *to);
    ensures exact_rim(\result) <= 1000 * (from_rim + more); */
static struct twist raised(const struct twist *from, int32_t from_rim, const struct twist *to,
                           int32_t to_rim, int32_t more);

/*@ requires \valid(slew) && \valid_read(model) && \valid_read(last) && \valid_read(wish);
    requires \separated(slew, model) && \separated(slew, last) && \separated(slew, wish);
    requires model(*model) && small(*last) && small(*wish);
    requires 0 <= slew->allowance_mm_s <= SLEW_STEP_MM_S;
    assigns *slew;
    ensures 0 <= slew->allowance_mm_s <= SLEW_STEP_MM_S;
    ensures within(\result, *wish);
    ensures \forall integer most; most >= model->rim_min_mm_s && 1000 * most >= exact_rim(*last) ==>
        exact_rim(\result) <= 1000 * (most + SLEW_STEP_MM_S); */
struct twist slew_step(struct slew *slew, const struct gate_model *model, int64_t now_ms,
                       const struct twist *last, const struct twist *wish);

#include "safety/slew.c"
