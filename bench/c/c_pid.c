/* c: 100 control loops, half of them in single precision: filter, PID, a process of two lags. */
#include "control.h"

#define REAL float
#define NAME(word) word##_r
#include "pid.h"
#undef REAL
#undef NAME
#define REAL double
#define NAME(word) word##_l
#include "pid.h"

uint32_t chk, scans;
double fchk;

int16_t phase;
bool hi;
double fsum;
float spr[50];
double spl[50];
struct lag_r fltr[50], par[50], pbr[50];
struct lag_l fltl[50], pal[50], pbl[50];
struct pid_r pidr[50];
struct pid_l pidl[50];

void scan(int64_t now)
{
    /* The rungs, taken over from the ST text. */
    phase = phase + 1;
    if (phase >= 600) {
      phase = 0;
      hi = !hi;
    }
    if (hi) { spr[0] = 58.0f; } else { spr[0] = 26.0f; }
    lag_run_r(&fltr[0], pbr[0].y, 0.05f, 0.01f);
    pid_run_r(&pidr[0], spr[0], fltr[0].y, 1.6f, 1.9f, 0.0f, 0.01f, false, 0.0f);
    lag_run_r(&par[0], pidr[0].u * 1.1f, 0.9f, 0.01f);
    lag_run_r(&pbr[0], par[0].y, 0.2f, 0.01f);
    if (hi) { spr[1] = 44.0f; } else { spr[1] = 18.0f; }
    lag_run_r(&fltr[1], pbr[1].y, 0.05f, 0.01f);
    pid_run_r(&pidr[1], spr[1], fltr[1].y, 3.9f, 1.8f, 0.05f, 0.01f, false, 0.0f);
    lag_run_r(&par[1], pidr[1].u * 1.1f, 0.2f, 0.01f);
    lag_run_r(&pbr[1], par[1].y, 0.4f, 0.01f);
    if (hi) { spr[2] = 83.0f; } else { spr[2] = 18.0f; }
    lag_run_r(&fltr[2], pbr[2].y, 0.05f, 0.01f);
    pid_run_r(&pidr[2], spr[2], fltr[2].y, 0.5f, 2.2f, 0.0f, 0.01f, false, 0.0f);
    lag_run_r(&par[2], pidr[2].u * 1.1f, 0.4f, 0.01f);
    lag_run_r(&pbr[2], par[2].y, 0.3f, 0.01f);
    if (hi) { spr[3] = 87.0f; } else { spr[3] = 38.0f; }
    lag_run_r(&fltr[3], pbr[3].y, 0.05f, 0.01f);
    pid_run_r(&pidr[3], spr[3], fltr[3].y, 3.2f, 1.3f, 0.05f, 0.01f, false, 0.0f);
    lag_run_r(&par[3], pidr[3].u * 1.1f, 1.3f, 0.01f);
    lag_run_r(&pbr[3], par[3].y, 0.2f, 0.01f);
    if (hi) { spr[4] = 88.0f; } else { spr[4] = 41.0f; }
    lag_run_r(&fltr[4], pbr[4].y, 0.05f, 0.01f);
    pid_run_r(&pidr[4], spr[4], fltr[4].y, 3.2f, 2.8f, 0.1f, 0.01f, false, 0.0f);
    lag_run_r(&par[4], pidr[4].u * 1.1f, 1.2f, 0.01f);
    lag_run_r(&pbr[4], par[4].y, 0.1f, 0.01f);
    if (hi) { spr[5] = 78.0f; } else { spr[5] = 32.0f; }
    lag_run_r(&fltr[5], pbr[5].y, 0.05f, 0.01f);
    pid_run_r(&pidr[5], spr[5], fltr[5].y, 2.1f, 3.3f, 0.0f, 0.01f, false, 0.0f);
    lag_run_r(&par[5], pidr[5].u * 1.1f, 1.6f, 0.01f);
    lag_run_r(&pbr[5], par[5].y, 0.4f, 0.01f);
    if (hi) { spr[6] = 51.0f; } else { spr[6] = 44.0f; }
    lag_run_r(&fltr[6], pbr[6].y, 0.05f, 0.01f);
    pid_run_r(&pidr[6], spr[6], fltr[6].y, 2.3f, 1.7f, 0.0f, 0.01f, false, 0.0f);
    lag_run_r(&par[6], pidr[6].u * 1.1f, 1.8f, 0.01f);
    lag_run_r(&pbr[6], par[6].y, 0.3f, 0.01f);
    if (hi) { spr[7] = 63.0f; } else { spr[7] = 26.0f; }
    lag_run_r(&fltr[7], pbr[7].y, 0.05f, 0.01f);
    pid_run_r(&pidr[7], spr[7], fltr[7].y, 3.4f, 2.1f, 0.05f, 0.01f, false, 0.0f);
    lag_run_r(&par[7], pidr[7].u * 1.1f, 1.4f, 0.01f);
    lag_run_r(&pbr[7], par[7].y, 0.2f, 0.01f);
    if (hi) { spr[8] = 71.0f; } else { spr[8] = 46.0f; }
    lag_run_r(&fltr[8], pbr[8].y, 0.05f, 0.01f);
    pid_run_r(&pidr[8], spr[8], fltr[8].y, 2.0f, 2.0f, 0.0f, 0.01f, false, 0.0f);
    lag_run_r(&par[8], pidr[8].u * 1.1f, 1.3f, 0.01f);
    lag_run_r(&pbr[8], par[8].y, 0.2f, 0.01f);
    if (hi) { spr[9] = 67.0f; } else { spr[9] = 14.0f; }
    lag_run_r(&fltr[9], pbr[9].y, 0.05f, 0.01f);
    pid_run_r(&pidr[9], spr[9], fltr[9].y, 3.4f, 2.9f, 0.0f, 0.01f, false, 0.0f);
    lag_run_r(&par[9], pidr[9].u * 1.1f, 1.5f, 0.01f);
    lag_run_r(&pbr[9], par[9].y, 0.1f, 0.01f);
    if (hi) { spr[10] = 49.0f; } else { spr[10] = 24.0f; }
    lag_run_r(&fltr[10], pbr[10].y, 0.05f, 0.01f);
    pid_run_r(&pidr[10], spr[10], fltr[10].y, 3.6f, 3.3f, 0.05f, 0.01f, false, 0.0f);
    lag_run_r(&par[10], pidr[10].u * 1.1f, 0.7f, 0.01f);
    lag_run_r(&pbr[10], par[10].y, 0.4f, 0.01f);
    if (hi) { spr[11] = 88.0f; } else { spr[11] = 26.0f; }
    lag_run_r(&fltr[11], pbr[11].y, 0.05f, 0.01f);
    pid_run_r(&pidr[11], spr[11], fltr[11].y, 2.7f, 1.7f, 0.05f, 0.01f, false, 0.0f);
    lag_run_r(&par[11], pidr[11].u * 1.1f, 1.8f, 0.01f);
    lag_run_r(&pbr[11], par[11].y, 0.2f, 0.01f);
    if (hi) { spr[12] = 55.0f; } else { spr[12] = 48.0f; }
    lag_run_r(&fltr[12], pbr[12].y, 0.05f, 0.01f);
    pid_run_r(&pidr[12], spr[12], fltr[12].y, 3.6f, 1.8f, 0.0f, 0.01f, false, 0.0f);
    lag_run_r(&par[12], pidr[12].u * 1.1f, 0.3f, 0.01f);
    lag_run_r(&pbr[12], par[12].y, 0.3f, 0.01f);
    if (hi) { spr[13] = 86.0f; } else { spr[13] = 47.0f; }
    lag_run_r(&fltr[13], pbr[13].y, 0.05f, 0.01f);
    pid_run_r(&pidr[13], spr[13], fltr[13].y, 2.6f, 1.6f, 0.05f, 0.01f, false, 0.0f);
    lag_run_r(&par[13], pidr[13].u * 1.1f, 0.8f, 0.01f);
    lag_run_r(&pbr[13], par[13].y, 0.2f, 0.01f);
    if (hi) { spr[14] = 47.0f; } else { spr[14] = 45.0f; }
    lag_run_r(&fltr[14], pbr[14].y, 0.05f, 0.01f);
    pid_run_r(&pidr[14], spr[14], fltr[14].y, 1.9f, 1.5f, 0.0f, 0.01f, false, 0.0f);
    lag_run_r(&par[14], pidr[14].u * 1.1f, 1.5f, 0.01f);
    lag_run_r(&pbr[14], par[14].y, 0.5f, 0.01f);
    if (hi) { spr[15] = 74.0f; } else { spr[15] = 45.0f; }
    lag_run_r(&fltr[15], pbr[15].y, 0.05f, 0.01f);
    pid_run_r(&pidr[15], spr[15], fltr[15].y, 0.7f, 3.3f, 0.05f, 0.01f, false, 0.0f);
    lag_run_r(&par[15], pidr[15].u * 1.1f, 0.4f, 0.01f);
    lag_run_r(&pbr[15], par[15].y, 0.5f, 0.01f);
    if (hi) { spr[16] = 48.0f; } else { spr[16] = 10.0f; }
    lag_run_r(&fltr[16], pbr[16].y, 0.05f, 0.01f);
    pid_run_r(&pidr[16], spr[16], fltr[16].y, 2.4f, 1.2f, 0.1f, 0.01f, false, 0.0f);
    lag_run_r(&par[16], pidr[16].u * 1.1f, 1.1f, 0.01f);
    lag_run_r(&pbr[16], par[16].y, 0.3f, 0.01f);
    if (hi) { spr[17] = 78.0f; } else { spr[17] = 46.0f; }
    lag_run_r(&fltr[17], pbr[17].y, 0.05f, 0.01f);
    pid_run_r(&pidr[17], spr[17], fltr[17].y, 0.9f, 3.5f, 0.05f, 0.01f, false, 0.0f);
    lag_run_r(&par[17], pidr[17].u * 1.1f, 0.3f, 0.01f);
    lag_run_r(&pbr[17], par[17].y, 0.1f, 0.01f);
    if (hi) { spr[18] = 61.0f; } else { spr[18] = 30.0f; }
    lag_run_r(&fltr[18], pbr[18].y, 0.05f, 0.01f);
    pid_run_r(&pidr[18], spr[18], fltr[18].y, 1.4f, 3.6f, 0.1f, 0.01f, false, 0.0f);
    lag_run_r(&par[18], pidr[18].u * 1.1f, 0.9f, 0.01f);
    lag_run_r(&pbr[18], par[18].y, 0.2f, 0.01f);
    if (hi) { spr[19] = 42.0f; } else { spr[19] = 28.0f; }
    lag_run_r(&fltr[19], pbr[19].y, 0.05f, 0.01f);
    pid_run_r(&pidr[19], spr[19], fltr[19].y, 2.9f, 3.7f, 0.0f, 0.01f, false, 0.0f);
    lag_run_r(&par[19], pidr[19].u * 1.1f, 0.6f, 0.01f);
    lag_run_r(&pbr[19], par[19].y, 0.3f, 0.01f);
    if (hi) { spr[20] = 83.0f; } else { spr[20] = 37.0f; }
    lag_run_r(&fltr[20], pbr[20].y, 0.05f, 0.01f);
    pid_run_r(&pidr[20], spr[20], fltr[20].y, 1.8f, 2.1f, 0.1f, 0.01f, false, 0.0f);
    lag_run_r(&par[20], pidr[20].u * 1.1f, 0.9f, 0.01f);
    lag_run_r(&pbr[20], par[20].y, 0.3f, 0.01f);
    if (hi) { spr[21] = 77.0f; } else { spr[21] = 25.0f; }
    lag_run_r(&fltr[21], pbr[21].y, 0.05f, 0.01f);
    pid_run_r(&pidr[21], spr[21], fltr[21].y, 2.3f, 3.2f, 0.0f, 0.01f, false, 0.0f);
    lag_run_r(&par[21], pidr[21].u * 1.1f, 1.3f, 0.01f);
    lag_run_r(&pbr[21], par[21].y, 0.4f, 0.01f);
    if (hi) { spr[22] = 60.0f; } else { spr[22] = 12.0f; }
    lag_run_r(&fltr[22], pbr[22].y, 0.05f, 0.01f);
    pid_run_r(&pidr[22], spr[22], fltr[22].y, 3.0f, 3.4f, 0.0f, 0.01f, false, 0.0f);
    lag_run_r(&par[22], pidr[22].u * 1.1f, 0.4f, 0.01f);
    lag_run_r(&pbr[22], par[22].y, 0.1f, 0.01f);
    if (hi) { spr[23] = 40.0f; } else { spr[23] = 48.0f; }
    lag_run_r(&fltr[23], pbr[23].y, 0.05f, 0.01f);
    pid_run_r(&pidr[23], spr[23], fltr[23].y, 2.4f, 1.7f, 0.1f, 0.01f, false, 0.0f);
    lag_run_r(&par[23], pidr[23].u * 1.1f, 1.7f, 0.01f);
    lag_run_r(&pbr[23], par[23].y, 0.5f, 0.01f);
    if (hi) { spr[24] = 61.0f; } else { spr[24] = 34.0f; }
    lag_run_r(&fltr[24], pbr[24].y, 0.05f, 0.01f);
    pid_run_r(&pidr[24], spr[24], fltr[24].y, 0.8f, 2.3f, 0.1f, 0.01f, false, 0.0f);
    lag_run_r(&par[24], pidr[24].u * 1.1f, 0.6f, 0.01f);
    lag_run_r(&pbr[24], par[24].y, 0.2f, 0.01f);
    if (hi) { spr[25] = 47.0f; } else { spr[25] = 13.0f; }
    lag_run_r(&fltr[25], pbr[25].y, 0.05f, 0.01f);
    pid_run_r(&pidr[25], spr[25], fltr[25].y, 2.8f, 1.5f, 0.0f, 0.01f, false, 0.0f);
    lag_run_r(&par[25], pidr[25].u * 1.1f, 1.1f, 0.01f);
    lag_run_r(&pbr[25], par[25].y, 0.3f, 0.01f);
    if (hi) { spr[26] = 64.0f; } else { spr[26] = 48.0f; }
    lag_run_r(&fltr[26], pbr[26].y, 0.05f, 0.01f);
    pid_run_r(&pidr[26], spr[26], fltr[26].y, 2.3f, 0.7f, 0.05f, 0.01f, false, 0.0f);
    lag_run_r(&par[26], pidr[26].u * 1.1f, 0.6f, 0.01f);
    lag_run_r(&pbr[26], par[26].y, 0.1f, 0.01f);
    if (hi) { spr[27] = 71.0f; } else { spr[27] = 33.0f; }
    lag_run_r(&fltr[27], pbr[27].y, 0.05f, 0.01f);
    pid_run_r(&pidr[27], spr[27], fltr[27].y, 3.3f, 3.2f, 0.0f, 0.01f, false, 0.0f);
    lag_run_r(&par[27], pidr[27].u * 1.1f, 1.3f, 0.01f);
    lag_run_r(&pbr[27], par[27].y, 0.5f, 0.01f);
    if (hi) { spr[28] = 48.0f; } else { spr[28] = 28.0f; }
    lag_run_r(&fltr[28], pbr[28].y, 0.05f, 0.01f);
    pid_run_r(&pidr[28], spr[28], fltr[28].y, 0.8f, 2.5f, 0.0f, 0.01f, false, 0.0f);
    lag_run_r(&par[28], pidr[28].u * 1.1f, 1.9f, 0.01f);
    lag_run_r(&pbr[28], par[28].y, 0.2f, 0.01f);
    if (hi) { spr[29] = 55.0f; } else { spr[29] = 10.0f; }
    lag_run_r(&fltr[29], pbr[29].y, 0.05f, 0.01f);
    pid_run_r(&pidr[29], spr[29], fltr[29].y, 1.4f, 1.0f, 0.1f, 0.01f, false, 0.0f);
    lag_run_r(&par[29], pidr[29].u * 1.1f, 1.3f, 0.01f);
    lag_run_r(&pbr[29], par[29].y, 0.1f, 0.01f);
    if (hi) { spr[30] = 56.0f; } else { spr[30] = 32.0f; }
    lag_run_r(&fltr[30], pbr[30].y, 0.05f, 0.01f);
    pid_run_r(&pidr[30], spr[30], fltr[30].y, 1.8f, 0.8f, 0.0f, 0.01f, false, 0.0f);
    lag_run_r(&par[30], pidr[30].u * 1.1f, 0.9f, 0.01f);
    lag_run_r(&pbr[30], par[30].y, 0.5f, 0.01f);
    if (hi) { spr[31] = 52.0f; } else { spr[31] = 38.0f; }
    lag_run_r(&fltr[31], pbr[31].y, 0.05f, 0.01f);
    pid_run_r(&pidr[31], spr[31], fltr[31].y, 3.0f, 0.8f, 0.0f, 0.01f, false, 0.0f);
    lag_run_r(&par[31], pidr[31].u * 1.1f, 0.5f, 0.01f);
    lag_run_r(&pbr[31], par[31].y, 0.5f, 0.01f);
    if (hi) { spr[32] = 74.0f; } else { spr[32] = 18.0f; }
    lag_run_r(&fltr[32], pbr[32].y, 0.05f, 0.01f);
    pid_run_r(&pidr[32], spr[32], fltr[32].y, 2.8f, 3.9f, 0.1f, 0.01f, false, 0.0f);
    lag_run_r(&par[32], pidr[32].u * 1.1f, 1.1f, 0.01f);
    lag_run_r(&pbr[32], par[32].y, 0.2f, 0.01f);
    if (hi) { spr[33] = 59.0f; } else { spr[33] = 44.0f; }
    lag_run_r(&fltr[33], pbr[33].y, 0.05f, 0.01f);
    pid_run_r(&pidr[33], spr[33], fltr[33].y, 2.1f, 1.0f, 0.05f, 0.01f, false, 0.0f);
    lag_run_r(&par[33], pidr[33].u * 1.1f, 0.3f, 0.01f);
    lag_run_r(&pbr[33], par[33].y, 0.1f, 0.01f);
    if (hi) { spr[34] = 86.0f; } else { spr[34] = 20.0f; }
    lag_run_r(&fltr[34], pbr[34].y, 0.05f, 0.01f);
    pid_run_r(&pidr[34], spr[34], fltr[34].y, 0.5f, 1.1f, 0.05f, 0.01f, false, 0.0f);
    lag_run_r(&par[34], pidr[34].u * 1.1f, 0.4f, 0.01f);
    lag_run_r(&pbr[34], par[34].y, 0.3f, 0.01f);
    if (hi) { spr[35] = 50.0f; } else { spr[35] = 37.0f; }
    lag_run_r(&fltr[35], pbr[35].y, 0.05f, 0.01f);
    pid_run_r(&pidr[35], spr[35], fltr[35].y, 2.3f, 0.7f, 0.0f, 0.01f, false, 0.0f);
    lag_run_r(&par[35], pidr[35].u * 1.1f, 0.5f, 0.01f);
    lag_run_r(&pbr[35], par[35].y, 0.3f, 0.01f);
    if (hi) { spr[36] = 64.0f; } else { spr[36] = 35.0f; }
    lag_run_r(&fltr[36], pbr[36].y, 0.05f, 0.01f);
    pid_run_r(&pidr[36], spr[36], fltr[36].y, 3.5f, 2.9f, 0.05f, 0.01f, false, 0.0f);
    lag_run_r(&par[36], pidr[36].u * 1.1f, 0.6f, 0.01f);
    lag_run_r(&pbr[36], par[36].y, 0.2f, 0.01f);
    if (hi) { spr[37] = 59.0f; } else { spr[37] = 38.0f; }
    lag_run_r(&fltr[37], pbr[37].y, 0.05f, 0.01f);
    pid_run_r(&pidr[37], spr[37], fltr[37].y, 0.5f, 3.8f, 0.0f, 0.01f, false, 0.0f);
    lag_run_r(&par[37], pidr[37].u * 1.1f, 1.9f, 0.01f);
    lag_run_r(&pbr[37], par[37].y, 0.3f, 0.01f);
    if (hi) { spr[38] = 61.0f; } else { spr[38] = 27.0f; }
    lag_run_r(&fltr[38], pbr[38].y, 0.05f, 0.01f);
    pid_run_r(&pidr[38], spr[38], fltr[38].y, 1.9f, 2.0f, 0.05f, 0.01f, false, 0.0f);
    lag_run_r(&par[38], pidr[38].u * 1.1f, 1.5f, 0.01f);
    lag_run_r(&pbr[38], par[38].y, 0.2f, 0.01f);
    if (hi) { spr[39] = 66.0f; } else { spr[39] = 40.0f; }
    lag_run_r(&fltr[39], pbr[39].y, 0.05f, 0.01f);
    pid_run_r(&pidr[39], spr[39], fltr[39].y, 2.1f, 1.4f, 0.1f, 0.01f, false, 0.0f);
    lag_run_r(&par[39], pidr[39].u * 1.1f, 1.9f, 0.01f);
    lag_run_r(&pbr[39], par[39].y, 0.4f, 0.01f);
    if (hi) { spr[40] = 89.0f; } else { spr[40] = 22.0f; }
    lag_run_r(&fltr[40], pbr[40].y, 0.05f, 0.01f);
    pid_run_r(&pidr[40], spr[40], fltr[40].y, 2.9f, 3.5f, 0.0f, 0.01f, false, 0.0f);
    lag_run_r(&par[40], pidr[40].u * 1.1f, 0.2f, 0.01f);
    lag_run_r(&pbr[40], par[40].y, 0.5f, 0.01f);
    if (hi) { spr[41] = 70.0f; } else { spr[41] = 12.0f; }
    lag_run_r(&fltr[41], pbr[41].y, 0.05f, 0.01f);
    pid_run_r(&pidr[41], spr[41], fltr[41].y, 3.7f, 1.6f, 0.0f, 0.01f, false, 0.0f);
    lag_run_r(&par[41], pidr[41].u * 1.1f, 0.5f, 0.01f);
    lag_run_r(&pbr[41], par[41].y, 0.1f, 0.01f);
    if (hi) { spr[42] = 48.0f; } else { spr[42] = 47.0f; }
    lag_run_r(&fltr[42], pbr[42].y, 0.05f, 0.01f);
    pid_run_r(&pidr[42], spr[42], fltr[42].y, 2.4f, 1.0f, 0.1f, 0.01f, false, 0.0f);
    lag_run_r(&par[42], pidr[42].u * 1.1f, 1.8f, 0.01f);
    lag_run_r(&pbr[42], par[42].y, 0.1f, 0.01f);
    if (hi) { spr[43] = 85.0f; } else { spr[43] = 23.0f; }
    lag_run_r(&fltr[43], pbr[43].y, 0.05f, 0.01f);
    pid_run_r(&pidr[43], spr[43], fltr[43].y, 3.2f, 0.6f, 0.0f, 0.01f, false, 0.0f);
    lag_run_r(&par[43], pidr[43].u * 1.1f, 0.6f, 0.01f);
    lag_run_r(&pbr[43], par[43].y, 0.3f, 0.01f);
    if (hi) { spr[44] = 49.0f; } else { spr[44] = 49.0f; }
    lag_run_r(&fltr[44], pbr[44].y, 0.05f, 0.01f);
    pid_run_r(&pidr[44], spr[44], fltr[44].y, 0.8f, 3.7f, 0.1f, 0.01f, false, 0.0f);
    lag_run_r(&par[44], pidr[44].u * 1.1f, 1.0f, 0.01f);
    lag_run_r(&pbr[44], par[44].y, 0.2f, 0.01f);
    if (hi) { spr[45] = 41.0f; } else { spr[45] = 41.0f; }
    lag_run_r(&fltr[45], pbr[45].y, 0.05f, 0.01f);
    pid_run_r(&pidr[45], spr[45], fltr[45].y, 1.1f, 2.0f, 0.05f, 0.01f, false, 0.0f);
    lag_run_r(&par[45], pidr[45].u * 1.1f, 1.8f, 0.01f);
    lag_run_r(&pbr[45], par[45].y, 0.5f, 0.01f);
    if (hi) { spr[46] = 76.0f; } else { spr[46] = 10.0f; }
    lag_run_r(&fltr[46], pbr[46].y, 0.05f, 0.01f);
    pid_run_r(&pidr[46], spr[46], fltr[46].y, 3.3f, 2.6f, 0.0f, 0.01f, false, 0.0f);
    lag_run_r(&par[46], pidr[46].u * 1.1f, 0.3f, 0.01f);
    lag_run_r(&pbr[46], par[46].y, 0.5f, 0.01f);
    if (hi) { spr[47] = 55.0f; } else { spr[47] = 37.0f; }
    lag_run_r(&fltr[47], pbr[47].y, 0.05f, 0.01f);
    pid_run_r(&pidr[47], spr[47], fltr[47].y, 3.7f, 0.5f, 0.0f, 0.01f, false, 0.0f);
    lag_run_r(&par[47], pidr[47].u * 1.1f, 1.3f, 0.01f);
    lag_run_r(&pbr[47], par[47].y, 0.2f, 0.01f);
    if (hi) { spr[48] = 62.0f; } else { spr[48] = 39.0f; }
    lag_run_r(&fltr[48], pbr[48].y, 0.05f, 0.01f);
    pid_run_r(&pidr[48], spr[48], fltr[48].y, 1.3f, 2.7f, 0.0f, 0.01f, false, 0.0f);
    lag_run_r(&par[48], pidr[48].u * 1.1f, 1.1f, 0.01f);
    lag_run_r(&pbr[48], par[48].y, 0.5f, 0.01f);
    if (hi) { spr[49] = 56.0f; } else { spr[49] = 15.0f; }
    lag_run_r(&fltr[49], pbr[49].y, 0.05f, 0.01f);
    pid_run_r(&pidr[49], spr[49], fltr[49].y, 1.3f, 1.3f, 0.0f, 0.01f, false, 0.0f);
    lag_run_r(&par[49], pidr[49].u * 1.1f, 0.5f, 0.01f);
    lag_run_r(&pbr[49], par[49].y, 0.1f, 0.01f);
    if (hi) { spl[0] = 81.0; } else { spl[0] = 44.0; }
    lag_run_l(&fltl[0], pbl[0].y, 0.05, 0.01);
    pid_run_l(&pidl[0], spl[0], fltl[0].y, 1.4, 3.7, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[0], pidl[0].u * 1.1, 1.6, 0.01);
    lag_run_l(&pbl[0], pal[0].y, 0.3, 0.01);
    if (hi) { spl[1] = 76.0; } else { spl[1] = 34.0; }
    lag_run_l(&fltl[1], pbl[1].y, 0.05, 0.01);
    pid_run_l(&pidl[1], spl[1], fltl[1].y, 3.6, 3.7, 0.1, 0.01, false, 0.0);
    lag_run_l(&pal[1], pidl[1].u * 1.1, 0.4, 0.01);
    lag_run_l(&pbl[1], pal[1].y, 0.4, 0.01);
    if (hi) { spl[2] = 57.0; } else { spl[2] = 43.0; }
    lag_run_l(&fltl[2], pbl[2].y, 0.05, 0.01);
    pid_run_l(&pidl[2], spl[2], fltl[2].y, 2.6, 2.9, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[2], pidl[2].u * 1.1, 0.8, 0.01);
    lag_run_l(&pbl[2], pal[2].y, 0.3, 0.01);
    if (hi) { spl[3] = 77.0; } else { spl[3] = 34.0; }
    lag_run_l(&fltl[3], pbl[3].y, 0.05, 0.01);
    pid_run_l(&pidl[3], spl[3], fltl[3].y, 0.9, 3.5, 0.1, 0.01, false, 0.0);
    lag_run_l(&pal[3], pidl[3].u * 1.1, 1.1, 0.01);
    lag_run_l(&pbl[3], pal[3].y, 0.1, 0.01);
    if (hi) { spl[4] = 64.0; } else { spl[4] = 38.0; }
    lag_run_l(&fltl[4], pbl[4].y, 0.05, 0.01);
    pid_run_l(&pidl[4], spl[4], fltl[4].y, 3.1, 3.5, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[4], pidl[4].u * 1.1, 0.4, 0.01);
    lag_run_l(&pbl[4], pal[4].y, 0.3, 0.01);
    if (hi) { spl[5] = 40.0; } else { spl[5] = 23.0; }
    lag_run_l(&fltl[5], pbl[5].y, 0.05, 0.01);
    pid_run_l(&pidl[5], spl[5], fltl[5].y, 1.4, 3.9, 0.05, 0.01, false, 0.0);
    lag_run_l(&pal[5], pidl[5].u * 1.1, 1.1, 0.01);
    lag_run_l(&pbl[5], pal[5].y, 0.5, 0.01);
    if (hi) { spl[6] = 67.0; } else { spl[6] = 23.0; }
    lag_run_l(&fltl[6], pbl[6].y, 0.05, 0.01);
    pid_run_l(&pidl[6], spl[6], fltl[6].y, 2.3, 0.5, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[6], pidl[6].u * 1.1, 0.4, 0.01);
    lag_run_l(&pbl[6], pal[6].y, 0.1, 0.01);
    if (hi) { spl[7] = 44.0; } else { spl[7] = 18.0; }
    lag_run_l(&fltl[7], pbl[7].y, 0.05, 0.01);
    pid_run_l(&pidl[7], spl[7], fltl[7].y, 2.9, 1.8, 0.05, 0.01, false, 0.0);
    lag_run_l(&pal[7], pidl[7].u * 1.1, 0.7, 0.01);
    lag_run_l(&pbl[7], pal[7].y, 0.1, 0.01);
    if (hi) { spl[8] = 84.0; } else { spl[8] = 20.0; }
    lag_run_l(&fltl[8], pbl[8].y, 0.05, 0.01);
    pid_run_l(&pidl[8], spl[8], fltl[8].y, 1.6, 0.8, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[8], pidl[8].u * 1.1, 0.9, 0.01);
    lag_run_l(&pbl[8], pal[8].y, 0.4, 0.01);
    if (hi) { spl[9] = 51.0; } else { spl[9] = 46.0; }
    lag_run_l(&fltl[9], pbl[9].y, 0.05, 0.01);
    pid_run_l(&pidl[9], spl[9], fltl[9].y, 3.1, 1.0, 0.1, 0.01, false, 0.0);
    lag_run_l(&pal[9], pidl[9].u * 1.1, 1.8, 0.01);
    lag_run_l(&pbl[9], pal[9].y, 0.2, 0.01);
    if (hi) { spl[10] = 43.0; } else { spl[10] = 17.0; }
    lag_run_l(&fltl[10], pbl[10].y, 0.05, 0.01);
    pid_run_l(&pidl[10], spl[10], fltl[10].y, 2.7, 0.8, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[10], pidl[10].u * 1.1, 0.4, 0.01);
    lag_run_l(&pbl[10], pal[10].y, 0.4, 0.01);
    if (hi) { spl[11] = 66.0; } else { spl[11] = 29.0; }
    lag_run_l(&fltl[11], pbl[11].y, 0.05, 0.01);
    pid_run_l(&pidl[11], spl[11], fltl[11].y, 2.4, 2.0, 0.05, 0.01, false, 0.0);
    lag_run_l(&pal[11], pidl[11].u * 1.1, 1.1, 0.01);
    lag_run_l(&pbl[11], pal[11].y, 0.5, 0.01);
    if (hi) { spl[12] = 66.0; } else { spl[12] = 45.0; }
    lag_run_l(&fltl[12], pbl[12].y, 0.05, 0.01);
    pid_run_l(&pidl[12], spl[12], fltl[12].y, 2.3, 2.2, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[12], pidl[12].u * 1.1, 0.5, 0.01);
    lag_run_l(&pbl[12], pal[12].y, 0.1, 0.01);
    if (hi) { spl[13] = 43.0; } else { spl[13] = 20.0; }
    lag_run_l(&fltl[13], pbl[13].y, 0.05, 0.01);
    pid_run_l(&pidl[13], spl[13], fltl[13].y, 1.2, 2.1, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[13], pidl[13].u * 1.1, 0.9, 0.01);
    lag_run_l(&pbl[13], pal[13].y, 0.5, 0.01);
    if (hi) { spl[14] = 46.0; } else { spl[14] = 29.0; }
    lag_run_l(&fltl[14], pbl[14].y, 0.05, 0.01);
    pid_run_l(&pidl[14], spl[14], fltl[14].y, 1.1, 3.6, 0.1, 0.01, false, 0.0);
    lag_run_l(&pal[14], pidl[14].u * 1.1, 0.5, 0.01);
    lag_run_l(&pbl[14], pal[14].y, 0.1, 0.01);
    if (hi) { spl[15] = 74.0; } else { spl[15] = 46.0; }
    lag_run_l(&fltl[15], pbl[15].y, 0.05, 0.01);
    pid_run_l(&pidl[15], spl[15], fltl[15].y, 3.1, 1.3, 0.1, 0.01, false, 0.0);
    lag_run_l(&pal[15], pidl[15].u * 1.1, 0.9, 0.01);
    lag_run_l(&pbl[15], pal[15].y, 0.4, 0.01);
    if (hi) { spl[16] = 63.0; } else { spl[16] = 31.0; }
    lag_run_l(&fltl[16], pbl[16].y, 0.05, 0.01);
    pid_run_l(&pidl[16], spl[16], fltl[16].y, 1.2, 0.5, 0.1, 0.01, false, 0.0);
    lag_run_l(&pal[16], pidl[16].u * 1.1, 0.4, 0.01);
    lag_run_l(&pbl[16], pal[16].y, 0.1, 0.01);
    if (hi) { spl[17] = 68.0; } else { spl[17] = 27.0; }
    lag_run_l(&fltl[17], pbl[17].y, 0.05, 0.01);
    pid_run_l(&pidl[17], spl[17], fltl[17].y, 0.5, 3.1, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[17], pidl[17].u * 1.1, 0.2, 0.01);
    lag_run_l(&pbl[17], pal[17].y, 0.5, 0.01);
    if (hi) { spl[18] = 55.0; } else { spl[18] = 18.0; }
    lag_run_l(&fltl[18], pbl[18].y, 0.05, 0.01);
    pid_run_l(&pidl[18], spl[18], fltl[18].y, 2.7, 1.4, 0.1, 0.01, false, 0.0);
    lag_run_l(&pal[18], pidl[18].u * 1.1, 1.5, 0.01);
    lag_run_l(&pbl[18], pal[18].y, 0.1, 0.01);
    if (hi) { spl[19] = 63.0; } else { spl[19] = 32.0; }
    lag_run_l(&fltl[19], pbl[19].y, 0.05, 0.01);
    pid_run_l(&pidl[19], spl[19], fltl[19].y, 2.6, 2.7, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[19], pidl[19].u * 1.1, 0.5, 0.01);
    lag_run_l(&pbl[19], pal[19].y, 0.2, 0.01);
    if (hi) { spl[20] = 76.0; } else { spl[20] = 20.0; }
    lag_run_l(&fltl[20], pbl[20].y, 0.05, 0.01);
    pid_run_l(&pidl[20], spl[20], fltl[20].y, 1.5, 3.2, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[20], pidl[20].u * 1.1, 1.5, 0.01);
    lag_run_l(&pbl[20], pal[20].y, 0.1, 0.01);
    if (hi) { spl[21] = 66.0; } else { spl[21] = 41.0; }
    lag_run_l(&fltl[21], pbl[21].y, 0.05, 0.01);
    pid_run_l(&pidl[21], spl[21], fltl[21].y, 1.8, 1.4, 0.1, 0.01, false, 0.0);
    lag_run_l(&pal[21], pidl[21].u * 1.1, 0.2, 0.01);
    lag_run_l(&pbl[21], pal[21].y, 0.4, 0.01);
    if (hi) { spl[22] = 61.0; } else { spl[22] = 35.0; }
    lag_run_l(&fltl[22], pbl[22].y, 0.05, 0.01);
    pid_run_l(&pidl[22], spl[22], fltl[22].y, 3.2, 3.0, 0.05, 0.01, false, 0.0);
    lag_run_l(&pal[22], pidl[22].u * 1.1, 0.4, 0.01);
    lag_run_l(&pbl[22], pal[22].y, 0.5, 0.01);
    if (hi) { spl[23] = 65.0; } else { spl[23] = 25.0; }
    lag_run_l(&fltl[23], pbl[23].y, 0.05, 0.01);
    pid_run_l(&pidl[23], spl[23], fltl[23].y, 1.5, 0.8, 0.1, 0.01, false, 0.0);
    lag_run_l(&pal[23], pidl[23].u * 1.1, 1.6, 0.01);
    lag_run_l(&pbl[23], pal[23].y, 0.1, 0.01);
    if (hi) { spl[24] = 88.0; } else { spl[24] = 44.0; }
    lag_run_l(&fltl[24], pbl[24].y, 0.05, 0.01);
    pid_run_l(&pidl[24], spl[24], fltl[24].y, 3.7, 3.3, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[24], pidl[24].u * 1.1, 1.9, 0.01);
    lag_run_l(&pbl[24], pal[24].y, 0.1, 0.01);
    if (hi) { spl[25] = 86.0; } else { spl[25] = 45.0; }
    lag_run_l(&fltl[25], pbl[25].y, 0.05, 0.01);
    pid_run_l(&pidl[25], spl[25], fltl[25].y, 1.7, 0.6, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[25], pidl[25].u * 1.1, 1.5, 0.01);
    lag_run_l(&pbl[25], pal[25].y, 0.1, 0.01);
    if (hi) { spl[26] = 57.0; } else { spl[26] = 41.0; }
    lag_run_l(&fltl[26], pbl[26].y, 0.05, 0.01);
    pid_run_l(&pidl[26], spl[26], fltl[26].y, 3.2, 0.7, 0.05, 0.01, false, 0.0);
    lag_run_l(&pal[26], pidl[26].u * 1.1, 0.8, 0.01);
    lag_run_l(&pbl[26], pal[26].y, 0.4, 0.01);
    if (hi) { spl[27] = 79.0; } else { spl[27] = 35.0; }
    lag_run_l(&fltl[27], pbl[27].y, 0.05, 0.01);
    pid_run_l(&pidl[27], spl[27], fltl[27].y, 1.5, 3.3, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[27], pidl[27].u * 1.1, 1.5, 0.01);
    lag_run_l(&pbl[27], pal[27].y, 0.5, 0.01);
    if (hi) { spl[28] = 43.0; } else { spl[28] = 35.0; }
    lag_run_l(&fltl[28], pbl[28].y, 0.05, 0.01);
    pid_run_l(&pidl[28], spl[28], fltl[28].y, 3.0, 3.0, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[28], pidl[28].u * 1.1, 0.8, 0.01);
    lag_run_l(&pbl[28], pal[28].y, 0.5, 0.01);
    if (hi) { spl[29] = 53.0; } else { spl[29] = 37.0; }
    lag_run_l(&fltl[29], pbl[29].y, 0.05, 0.01);
    pid_run_l(&pidl[29], spl[29], fltl[29].y, 0.7, 0.7, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[29], pidl[29].u * 1.1, 1.6, 0.01);
    lag_run_l(&pbl[29], pal[29].y, 0.5, 0.01);
    if (hi) { spl[30] = 65.0; } else { spl[30] = 49.0; }
    lag_run_l(&fltl[30], pbl[30].y, 0.05, 0.01);
    pid_run_l(&pidl[30], spl[30], fltl[30].y, 3.0, 3.7, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[30], pidl[30].u * 1.1, 1.6, 0.01);
    lag_run_l(&pbl[30], pal[30].y, 0.1, 0.01);
    if (hi) { spl[31] = 71.0; } else { spl[31] = 41.0; }
    lag_run_l(&fltl[31], pbl[31].y, 0.05, 0.01);
    pid_run_l(&pidl[31], spl[31], fltl[31].y, 3.3, 1.0, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[31], pidl[31].u * 1.1, 0.3, 0.01);
    lag_run_l(&pbl[31], pal[31].y, 0.4, 0.01);
    if (hi) { spl[32] = 55.0; } else { spl[32] = 21.0; }
    lag_run_l(&fltl[32], pbl[32].y, 0.05, 0.01);
    pid_run_l(&pidl[32], spl[32], fltl[32].y, 1.2, 0.6, 0.1, 0.01, false, 0.0);
    lag_run_l(&pal[32], pidl[32].u * 1.1, 1.9, 0.01);
    lag_run_l(&pbl[32], pal[32].y, 0.2, 0.01);
    if (hi) { spl[33] = 70.0; } else { spl[33] = 39.0; }
    lag_run_l(&fltl[33], pbl[33].y, 0.05, 0.01);
    pid_run_l(&pidl[33], spl[33], fltl[33].y, 0.7, 3.1, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[33], pidl[33].u * 1.1, 0.8, 0.01);
    lag_run_l(&pbl[33], pal[33].y, 0.3, 0.01);
    if (hi) { spl[34] = 73.0; } else { spl[34] = 41.0; }
    lag_run_l(&fltl[34], pbl[34].y, 0.05, 0.01);
    pid_run_l(&pidl[34], spl[34], fltl[34].y, 1.4, 1.4, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[34], pidl[34].u * 1.1, 0.2, 0.01);
    lag_run_l(&pbl[34], pal[34].y, 0.2, 0.01);
    if (hi) { spl[35] = 44.0; } else { spl[35] = 46.0; }
    lag_run_l(&fltl[35], pbl[35].y, 0.05, 0.01);
    pid_run_l(&pidl[35], spl[35], fltl[35].y, 2.3, 1.5, 0.1, 0.01, false, 0.0);
    lag_run_l(&pal[35], pidl[35].u * 1.1, 0.8, 0.01);
    lag_run_l(&pbl[35], pal[35].y, 0.4, 0.01);
    if (hi) { spl[36] = 78.0; } else { spl[36] = 10.0; }
    lag_run_l(&fltl[36], pbl[36].y, 0.05, 0.01);
    pid_run_l(&pidl[36], spl[36], fltl[36].y, 2.0, 0.9, 0.1, 0.01, false, 0.0);
    lag_run_l(&pal[36], pidl[36].u * 1.1, 0.5, 0.01);
    lag_run_l(&pbl[36], pal[36].y, 0.1, 0.01);
    if (hi) { spl[37] = 44.0; } else { spl[37] = 48.0; }
    lag_run_l(&fltl[37], pbl[37].y, 0.05, 0.01);
    pid_run_l(&pidl[37], spl[37], fltl[37].y, 2.9, 3.8, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[37], pidl[37].u * 1.1, 0.8, 0.01);
    lag_run_l(&pbl[37], pal[37].y, 0.5, 0.01);
    if (hi) { spl[38] = 86.0; } else { spl[38] = 13.0; }
    lag_run_l(&fltl[38], pbl[38].y, 0.05, 0.01);
    pid_run_l(&pidl[38], spl[38], fltl[38].y, 0.6, 2.9, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[38], pidl[38].u * 1.1, 1.6, 0.01);
    lag_run_l(&pbl[38], pal[38].y, 0.3, 0.01);
    if (hi) { spl[39] = 68.0; } else { spl[39] = 19.0; }
    lag_run_l(&fltl[39], pbl[39].y, 0.05, 0.01);
    pid_run_l(&pidl[39], spl[39], fltl[39].y, 1.6, 1.3, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[39], pidl[39].u * 1.1, 1.8, 0.01);
    lag_run_l(&pbl[39], pal[39].y, 0.5, 0.01);
    if (hi) { spl[40] = 72.0; } else { spl[40] = 14.0; }
    lag_run_l(&fltl[40], pbl[40].y, 0.05, 0.01);
    pid_run_l(&pidl[40], spl[40], fltl[40].y, 3.2, 3.7, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[40], pidl[40].u * 1.1, 1.4, 0.01);
    lag_run_l(&pbl[40], pal[40].y, 0.5, 0.01);
    if (hi) { spl[41] = 55.0; } else { spl[41] = 36.0; }
    lag_run_l(&fltl[41], pbl[41].y, 0.05, 0.01);
    pid_run_l(&pidl[41], spl[41], fltl[41].y, 2.4, 2.3, 0.1, 0.01, false, 0.0);
    lag_run_l(&pal[41], pidl[41].u * 1.1, 0.2, 0.01);
    lag_run_l(&pbl[41], pal[41].y, 0.1, 0.01);
    if (hi) { spl[42] = 69.0; } else { spl[42] = 38.0; }
    lag_run_l(&fltl[42], pbl[42].y, 0.05, 0.01);
    pid_run_l(&pidl[42], spl[42], fltl[42].y, 2.0, 1.6, 0.05, 0.01, false, 0.0);
    lag_run_l(&pal[42], pidl[42].u * 1.1, 0.2, 0.01);
    lag_run_l(&pbl[42], pal[42].y, 0.4, 0.01);
    if (hi) { spl[43] = 75.0; } else { spl[43] = 23.0; }
    lag_run_l(&fltl[43], pbl[43].y, 0.05, 0.01);
    pid_run_l(&pidl[43], spl[43], fltl[43].y, 2.2, 3.9, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[43], pidl[43].u * 1.1, 0.6, 0.01);
    lag_run_l(&pbl[43], pal[43].y, 0.4, 0.01);
    if (hi) { spl[44] = 55.0; } else { spl[44] = 31.0; }
    lag_run_l(&fltl[44], pbl[44].y, 0.05, 0.01);
    pid_run_l(&pidl[44], spl[44], fltl[44].y, 3.3, 0.6, 0.1, 0.01, false, 0.0);
    lag_run_l(&pal[44], pidl[44].u * 1.1, 1.0, 0.01);
    lag_run_l(&pbl[44], pal[44].y, 0.1, 0.01);
    if (hi) { spl[45] = 42.0; } else { spl[45] = 18.0; }
    lag_run_l(&fltl[45], pbl[45].y, 0.05, 0.01);
    pid_run_l(&pidl[45], spl[45], fltl[45].y, 2.6, 3.3, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[45], pidl[45].u * 1.1, 0.4, 0.01);
    lag_run_l(&pbl[45], pal[45].y, 0.1, 0.01);
    if (hi) { spl[46] = 63.0; } else { spl[46] = 17.0; }
    lag_run_l(&fltl[46], pbl[46].y, 0.05, 0.01);
    pid_run_l(&pidl[46], spl[46], fltl[46].y, 1.0, 1.6, 0.1, 0.01, false, 0.0);
    lag_run_l(&pal[46], pidl[46].u * 1.1, 1.6, 0.01);
    lag_run_l(&pbl[46], pal[46].y, 0.5, 0.01);
    if (hi) { spl[47] = 69.0; } else { spl[47] = 10.0; }
    lag_run_l(&fltl[47], pbl[47].y, 0.05, 0.01);
    pid_run_l(&pidl[47], spl[47], fltl[47].y, 3.7, 0.6, 0.05, 0.01, false, 0.0);
    lag_run_l(&pal[47], pidl[47].u * 1.1, 1.9, 0.01);
    lag_run_l(&pbl[47], pal[47].y, 0.3, 0.01);
    if (hi) { spl[48] = 66.0; } else { spl[48] = 15.0; }
    lag_run_l(&fltl[48], pbl[48].y, 0.05, 0.01);
    pid_run_l(&pidl[48], spl[48], fltl[48].y, 3.1, 1.0, 0.0, 0.01, false, 0.0);
    lag_run_l(&pal[48], pidl[48].u * 1.1, 1.2, 0.01);
    lag_run_l(&pbl[48], pal[48].y, 0.2, 0.01);
    if (hi) { spl[49] = 76.0; } else { spl[49] = 17.0; }
    lag_run_l(&fltl[49], pbl[49].y, 0.05, 0.01);
    pid_run_l(&pidl[49], spl[49], fltl[49].y, 1.4, 0.9, 0.1, 0.01, false, 0.0);
    lag_run_l(&pal[49], pidl[49].u * 1.1, 1.1, 0.01);
    lag_run_l(&pbl[49], pal[49].y, 0.4, 0.01);
    fsum = 0.0;
    for (int k = 0; k < 50; k++)
        fsum = fsum + (double)(pbr[k].y) + pbl[k].y;
    fchk = fsum;
    chk = (uint32_t)((int32_t)rint(fsum));
    scans = scans + 1;
    /* End of the rungs. */
}
