/* A first-order lag and a PID controller with anti-windup, for one kind of real. */

struct NAME(lag) {
    REAL y;
};

static inline void NAME(lag_run)(struct NAME(lag) *f, REAL x, REAL tau, REAL ts)
{
    f->y = f->y + (x - f->y) * ts / (tau + ts);
}

struct NAME(pid) {
    REAL u, integ, dflt, pv1;
    bool sat, started;
};

static inline void NAME(pid_run)(struct NAME(pid) *c, REAL sp, REAL pv, REAL kp, REAL ti, REAL td, REAL ts, bool man,
                                 REAL mv)
{
    if (!c->started) {
        c->pv1 = pv;
        c->started = true;
    }
    REAL e = sp - pv;
    c->dflt = c->dflt + ((c->pv1 - pv) * td / ts - c->dflt) * (REAL)0.1;
    c->pv1 = pv;
    REAL raw = kp * (e + c->dflt) + c->integ;
    c->sat = raw > 100 || raw < 0;
    c->u = raw > 100 ? 100 : raw < 0 ? 0 : raw;
    if (man) {
        c->u = mv;
        c->integ = mv - kp * e;
    } else if (!(c->sat && ((raw > 100 && e > 0) || (raw < 0 && e < 0)))) {
        c->integ = c->integ + kp * e * ts / ti;
    }
}
