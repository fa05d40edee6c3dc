/* A drilling machine: a sequence of states with counters, guards and an error path. */

struct machine {
    bool clampo, feedo, drillo, ejecto;
    int16_t lamp, st, t, retries, prev;
    int32_t done;
};

static inline void go(struct machine *m, int16_t state)
{
    m->st = state;
    m->t = 0;
}

static inline void machine_run(struct machine *m, bool start, bool stop, bool part, bool fault, bool ack,
                               int16_t cycle)
{
    if (fault && m->st > 0 && m->st < 90) {
        m->prev = m->st;
        go(m, 90);
    }
    switch (m->st) {
    case 0: /* idle */
        m->clampo = m->feedo = m->drillo = m->ejecto = false;
        m->lamp = 0;
        if (start && !stop)
            go(m, 10);
        break;
    case 10: /* wait for a part */
        m->lamp = 1;
        if (part)
            go(m, 20);
        else if (stop)
            m->st = 0;
        break;
    case 20: /* clamp */
        m->clampo = true;
        if (++m->t >= 3)
            go(m, 30);
        break;
    case 30: /* feed down, fast */
        m->feedo = true;
        if (++m->t >= cycle)
            go(m, 31);
        break;
    case 31: /* feed down, slowly */
        m->feedo = true;
        if (++m->t >= cycle / 2)
            go(m, 40);
        break;
    case 40: /* drill */
        m->drillo = true;
        if (++m->t >= cycle * 2)
            go(m, 50);
        break;
    case 50: /* retract */
        m->drillo = m->feedo = false;
        if (++m->t >= cycle)
            go(m, 60);
        break;
    case 60: /* unclamp */
        m->clampo = false;
        if (++m->t >= 2)
            go(m, 70);
        break;
    case 70: /* eject */
        m->ejecto = true;
        if (++m->t >= 2) {
            m->done++;
            m->ejecto = false;
            go(m, stop ? 0 : 10);
        }
        break;
    case 90: /* fault: wait for acknowledge */
        m->clampo = m->feedo = m->drillo = m->ejecto = false;
        m->lamp = 2;
        m->t++;
        if (ack && !fault) {
            if (++m->retries > 3)
                go(m, 95);
            else
                m->st = 0;
        }
        break;
    case 95:
    case 96:
    case 97:
    case 98:
    case 99: /* lock-out */
        m->lamp = 3;
        if (++m->t > 20) {
            go(m, m->st + 1);
            if (m->st > 97) {
                m->st = 0;
                m->retries = 0;
            }
        }
        break;
    default:
        m->st = 0;
    }
}
