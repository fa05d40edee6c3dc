/* What control programs in C share: fixed-width types, units of time, the standard blocks, the program's two ends. */
#ifndef CONTROL_H
#define CONTROL_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#define MS INT64_C(1000000)

/* The rest of a program's globals stay hidden, so that they are addressed directly. */
#define PUBLIC __attribute__((visibility("default")))

extern PUBLIC uint32_t chk;   /* digest of the state after each scan */
extern PUBLIC uint32_t scans; /* number of scans */
extern PUBLIC double fchk;    /* sum of the outputs, where the program computes with reals */
PUBLIC void scan(int64_t now); /* now in ns */

static inline uint32_t rol32(uint32_t x, int n) { return (x << n) | (x >> (32 - n)); }

static inline uint32_t lfsr_next(uint32_t x) { return (x & 1) ? (x >> 1) ^ 0xEDB88320u : x >> 1; }

struct ton {
    bool running, q;
    int64_t start, et;
};

static inline void ton_run(struct ton *t, bool in, int64_t pt, int64_t now)
{
    if (!in) {
        t->running = t->q = false;
        t->et = 0;
        return;
    }
    if (!t->running) {
        t->running = true;
        t->start = now;
    }
    t->et = now - t->start;
    t->q = t->et >= pt;
    if (t->q)
        t->et = pt;
}

struct tof {
    bool running, q;
    int64_t start, et;
};

static inline void tof_run(struct tof *t, bool in, int64_t pt, int64_t now)
{
    if (in) {
        t->q = true;
        t->running = false;
        t->et = 0;
        return;
    }
    if (!t->q)
        return;
    if (!t->running) {
        t->running = true;
        t->start = now;
    }
    t->et = now - t->start;
    if (t->et >= pt) {
        t->q = false;
        t->et = pt;
    }
}

struct ctu {
    bool cu, q;
    int16_t cv;
};

static inline void ctu_run(struct ctu *c, bool cu, bool r, int16_t pv)
{
    if (r)
        c->cv = 0;
    else if (cu && !c->cu && c->cv < INT16_MAX)
        c->cv++;
    c->cu = cu;
    c->q = c->cv >= pv;
}

struct edge {
    bool clk, q;
};

static inline void r_trig_run(struct edge *e, bool clk)
{
    e->q = clk && !e->clk;
    e->clk = clk;
}

#endif
