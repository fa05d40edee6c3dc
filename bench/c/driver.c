/* Runs scans in a row, of a compiled ST program or of a C program, and takes their time. */
#include <stdint.h>
#include <time.h>

/* Where the context of a state block stands; runtime/artifact/abi.py. */
struct context {
    int64_t now_ns;
    uint64_t cycle;
    int64_t loop_budget_left;
    uint32_t fault_kind, fault_site;
};

static int64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Both run the scans number `first` up to `first + count - 1`; they return the time taken in ns, -1 after a fault. */
__attribute__((visibility("default"))) int64_t run_takt(int32_t (*task)(void *), struct context *state, uint64_t first, int64_t count, int64_t period_ns,
                 int64_t budget)
{
    int64_t began = clock_ns();
    for (int64_t k = 0; k < count; k++) {
        state->cycle = first + (uint64_t)k;
        state->now_ns = ((int64_t)first - 1 + k) * period_ns;
        state->loop_budget_left = budget;
        if (task(state) != 0)
            return -1;
    }
    return clock_ns() - began;
}

__attribute__((visibility("default"))) int64_t run_c(void (*scan)(int64_t), uint64_t first, int64_t count, int64_t period_ns)
{
    int64_t began = clock_ns();
    for (int64_t k = 0; k < count; k++)
        scan(((int64_t)first - 1 + k) * period_ns);
    return clock_ns() - began;
}
