/* The parts of a mixed plant: tanks with level control, motors, valves, conveyors, alarms, totalisers, loggers. */

#include <string.h>

enum { TANKS = 28, MOTORS = 40, VALVES = 56, CONVEYORS = 8, ALARMS = 80, LOGGERS = 8 };
enum mode { OFF, HAND, AUTO };

struct recipe {
    float water, syrup, temp;
    int16_t minutes;
    char name[16];
};

static inline float limit(float lo, float x, float hi) { return x < lo ? lo : x > hi ? hi : x; }

static inline float scale_in(uint16_t raw, float lo, float hi) { return lo + (hi - lo) * raw / 27648.0f; }

/* Rounds half to even; saturates. */
static inline uint16_t to_uint(float x)
{
    float y = rintf(x);
    return y >= 65535.0f ? 65535 : y > 0.0f ? (uint16_t)y : 0;
}

static inline uint16_t scale_out(float x, float lo, float hi)
{
    return to_uint(limit(0.0f, (x - lo) / (hi - lo) * 27648.0f, 27648.0f));
}

struct motor {
    bool run, fault;
    int32_t starts, hours;
    int16_t tick;
    struct ton feedback_timer;
    struct edge run_edge, reset_edge;
};

static inline void motor_run(struct motor *m, bool cmd, bool interlock, bool feedback, bool reset, int64_t now)
{
    r_trig_run(&m->reset_edge, reset);
    if (m->reset_edge.q)
        m->fault = false;
    m->run = cmd && interlock && !m->fault;
    r_trig_run(&m->run_edge, m->run);
    if (m->run_edge.q)
        m->starts++;
    ton_run(&m->feedback_timer, m->run && !feedback, 200 * MS, now);
    if (m->feedback_timer.q)
        m->fault = true;
    if (m->run && ++m->tick >= 100) {
        m->tick = 0;
        m->hours++;
    }
}

struct valve {
    int16_t pos;
    bool opened, closed, moving, was;
    int32_t cycles;
};

static inline void valve_run(struct valve *v, bool open_cmd, bool block, int16_t travel)
{
    if (open_cmd && !block) {
        if (v->pos < travel)
            v->pos++;
    } else if (v->pos > 0) {
        v->pos--;
    }
    v->opened = v->pos >= travel;
    v->closed = v->pos == 0;
    v->moving = !v->opened && !v->closed;
    if (v->opened && !v->was)
        v->cycles++;
    v->was = v->opened;
}

struct levelctl {
    float u, i, kp, ti;
};

static inline void levelctl_off(struct levelctl *c)
{
    c->u = 0.0f;
    c->i = 0.0f;
}

static inline void levelctl_hand(struct levelctl *c, float sp, float pv, float hand)
{
    c->u = limit(0.0f, hand, 100.0f);
    c->i = c->u - c->kp * (sp - pv);
}

static inline void levelctl_auto(struct levelctl *c, float sp, float pv, float kp, float ti)
{
    c->kp = kp;
    c->ti = ti;
    float e = sp - pv;
    float raw = kp * e + c->i;
    c->u = limit(0.0f, raw, 100.0f);
    if (raw == c->u)
        c->i = c->i + kp * e * 0.01f / ti;
}

struct tank {
    float level;
    bool overflow, empty;
};

static inline void tank_run(struct tank *t, float inflow, float outvalve, float area)
{
    float q = outvalve * sqrtf(t->level) * 0.12f;
    t->level = t->level + (inflow * 0.02f - q * 0.1f) / area;
    t->overflow = t->level > 99.0f;
    t->empty = t->level < 1.0f;
    t->level = limit(0.0f, t->level, 100.0f);
}

struct alarm {
    bool raw, act, unack;
    int32_t count;
    struct ton delay;
    struct edge edge;
};

static inline void alarm_run(struct alarm *a, float x, float hh, float ll, float hyst, bool ack, int64_t dly,
                             int64_t now)
{
    if (x > hh || x < ll)
        a->raw = true;
    else if (x < hh - hyst && x > ll + hyst)
        a->raw = false;
    ton_run(&a->delay, a->raw, dly, now);
    a->act = a->delay.q;
    r_trig_run(&a->edge, a->act);
    if (a->edge.q) {
        a->count++;
        a->unack = true;
    }
    if (ack && !a->act)
        a->unack = false;
}

struct conveyor {
    bool belt, jam;
    int16_t items, state;
    int32_t moved;
    struct edge in_edge, out_edge;
    struct ton jam_timer;
};

static inline void conveyor_run(struct conveyor *c, bool run, bool eye_in, bool eye_out, bool full_next, int64_t now)
{
    r_trig_run(&c->in_edge, eye_in);
    r_trig_run(&c->out_edge, eye_out);
    if (c->in_edge.q && c->items < 50)
        c->items++;
    if (c->out_edge.q && c->items > 0) {
        c->items--;
        c->moved++;
    }
    switch (c->state) {
    case 0:
        c->belt = false;
        if (run && c->items > 0)
            c->state = 1;
        break;
    case 1:
        c->belt = true;
        if (!run)
            c->state = 0;
        else if (full_next && eye_out)
            c->state = 2;
        else if (c->items == 0)
            c->state = 0;
        break;
    case 2:
        c->belt = false;
        if (!full_next)
            c->state = 1;
        break;
    case 3:
        c->belt = false;
        if (!run) {
            c->state = 0;
            c->jam = false;
        }
        break;
    default:
        c->state = 0;
    }
    ton_run(&c->jam_timer, c->belt && eye_out, 400 * MS, now);
    if (c->jam_timer.q) {
        c->jam = true;
        c->state = 3;
    }
}

struct totalizer {
    double total, part;
    int32_t pulses;
};

static inline void totalizer_run(struct totalizer *t, float rate, bool reset)
{
    if (reset) {
        t->total = t->part = 0.0;
        t->pulses = 0;
    }
    t->part = t->part + (double)rate * 0.01;
    t->total = t->total + (double)rate * 0.01;
    if (t->part >= 10.0) {
        t->part = t->part - 10.0;
        t->pulses++;
    }
}

struct logger {
    float ring[32];
    int16_t pos, n;
    float vmin, vmax, mean;
};

static inline void logger_run(struct logger *l, float v, bool trig)
{
    if (!trig)
        return;
    l->ring[l->pos] = v;
    if (++l->pos > 31)
        l->pos = 0;
    if (l->n < 32)
        l->n++;
    float s = 0.0f, low = l->ring[0], high = l->ring[0];
    for (int i = 0; i < l->n; i++) {
        s = s + l->ring[i];
        if (l->ring[i] < low)
            low = l->ring[i];
        if (l->ring[i] > high)
            high = l->ring[i];
    }
    l->vmin = low;
    l->vmax = high;
    l->mean = s / l->n;
}

static inline bool bit(const uint8_t *image, int n) { return (image[n / 8] >> (n % 8)) & 1; }

static inline void put_bit(uint8_t *image, int n, bool value)
{
    uint8_t mask = (uint8_t)(1 << (n % 8));
    if (value)
        image[n / 8] |= mask;
    else
        image[n / 8] &= (uint8_t)~mask;
}
