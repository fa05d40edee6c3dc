/* h: a mixed plant of 2,000 lines. */
#include "control.h"
#include "plant.h"
#include <stdio.h>

uint32_t chk, scans;
double fchk;

/* The process image. */
uint8_t di[4], dq[8];
uint16_t ai[16], aq[TANKS], mw[32];

uint32_t lfsr = 0x5EEDF00D;
int16_t dvd, sec, recno, nact, nfault, batch, btime, bphase;
int32_t minute, sum, lot;
bool first = true, pulse100, pulse1s, blink, ackall, estop;
double fs;
enum mode mode = AUTO;
struct recipe recipes[8], cur;
char status[255];
bool in[32];
struct motor mot[MOTORS];
struct valve vlv[VALVES];
struct levelctl lc[TANKS] = {[0 ... TANKS - 1] = {.kp = 2.0f, .ti = 8.0f}};
struct tank tk[TANKS] = {[0 ... TANKS - 1] = {.level = 30.0f}};
struct alarm al[ALARMS];
struct conveyor cv[CONVEYORS];
struct totalizer tot[TANKS];
struct logger lg[LOGGERS];
float lvl[TANKS], spt[TANKS], flow[TANKS];
bool ilk[MOTORS], mcmd[MOTORS], mfb[MOTORS], vcmd[VALVES];

void scan(int64_t now)
{
    /* The rungs, taken over from the ST text. */
    /* --- first scan: recipes --- */
    if (first) {
      first = false;
      recipes[0].water = 20.0f;
      recipes[0].syrup = 2.5f;
      recipes[0].temp = 40.0f;
      recipes[0].minutes = 3;
      strcpy(recipes[0].name, "RECIPE-0");
      recipes[1].water = 25.0f;
      recipes[1].syrup = 3.5f;
      recipes[1].temp = 43.0f;
      recipes[1].minutes = 4;
      strcpy(recipes[1].name, "RECIPE-1");
      recipes[2].water = 30.0f;
      recipes[2].syrup = 4.5f;
      recipes[2].temp = 46.0f;
      recipes[2].minutes = 5;
      strcpy(recipes[2].name, "RECIPE-2");
      recipes[3].water = 35.0f;
      recipes[3].syrup = 5.5f;
      recipes[3].temp = 49.0f;
      recipes[3].minutes = 6;
      strcpy(recipes[3].name, "RECIPE-3");
      recipes[4].water = 40.0f;
      recipes[4].syrup = 6.5f;
      recipes[4].temp = 52.0f;
      recipes[4].minutes = 7;
      strcpy(recipes[4].name, "RECIPE-4");
      recipes[5].water = 45.0f;
      recipes[5].syrup = 7.5f;
      recipes[5].temp = 55.0f;
      recipes[5].minutes = 8;
      strcpy(recipes[5].name, "RECIPE-5");
      recipes[6].water = 50.0f;
      recipes[6].syrup = 8.5f;
      recipes[6].temp = 58.0f;
      recipes[6].minutes = 9;
      strcpy(recipes[6].name, "RECIPE-6");
      recipes[7].water = 55.0f;
      recipes[7].syrup = 9.5f;
      recipes[7].temp = 61.0f;
      recipes[7].minutes = 10;
      strcpy(recipes[7].name, "RECIPE-7");
      spt[0] = 36.0f;
      spt[1] = 32.0f;
      spt[2] = 67.0f;
      spt[3] = 53.0f;
      spt[4] = 46.0f;
      spt[5] = 40.0f;
      spt[6] = 37.0f;
      spt[7] = 56.0f;
      spt[8] = 65.0f;
      spt[9] = 56.0f;
      spt[10] = 36.0f;
      spt[11] = 55.0f;
      spt[12] = 43.0f;
      spt[13] = 54.0f;
      spt[14] = 41.0f;
      spt[15] = 37.0f;
      spt[16] = 41.0f;
      spt[17] = 69.0f;
      spt[18] = 32.0f;
      spt[19] = 45.0f;
      spt[20] = 58.0f;
      spt[21] = 68.0f;
      spt[22] = 73.0f;
      spt[23] = 36.0f;
      spt[24] = 40.0f;
      spt[25] = 35.0f;
      spt[26] = 40.0f;
      spt[27] = 37.0f;
    }
    /* --- time base and stimulus --- */
    pulse100 = false;
    pulse1s = false;
    dvd = dvd + 1;
    if (dvd >= 10) {
      dvd = 0;
      pulse100 = true;
      lfsr = lfsr_next(lfsr);
      sec = sec + 1;
      if (sec >= 10) { sec = 0; pulse1s = true; blink = !blink; minute = minute + 1; }
    }
    for (int k = 0; k < 32; k++)
        in[k] = (((lfsr >> k) & 1)) != bit(di, k);
    estop = in[31] & in[30] & in[29] & in[28] & in[27] & in[26];
    ackall = in[5] & in[11];
    /* --- batch sequence --- */
    switch (batch) {
      case 0: if (in[0] & !estop) { recno = (recno + 1) % 8; cur = recipes[recno]; batch = 1; btime = 0; lot = lot + 1; } break;
      case 1: bphase = 1; btime = btime + 1; if (btime > (int16_t)rintf(cur.water)) { batch = 2; btime = 0; } break;
      case 2: bphase = 2; btime = btime + 1; if (btime > (int16_t)rintf(cur.syrup) * 4) { batch = 3; btime = 0; } break;
      case 3: bphase = 3; btime = btime + 1; if (btime > cur.minutes * 10) { batch = 4; btime = 0; } break;
      case 4: bphase = 4; if (!in[1]) { batch = 5; } break;
      case 5: bphase = 0; btime = btime + 1; if (btime > 25) { batch = 0; } break;
    default:
      batch = 0;
    }
    if (estop) { batch = 0; }
    /* --- tank 00 --- */
    lvl[0] = tk[0].level;
    if (ai[0] > 0) { lvl[0] = scale_in(ai[0], 0.0f, 100.0f); }
    if (pulse1s & in[23]) {
      spt[0] = spt[0] + 4.0f;
      if (spt[0] > 80.0f) { spt[0] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[0]); break;
      case HAND: levelctl_hand(&lc[0], spt[0], lvl[0], 53.0f); break;
      case AUTO: levelctl_auto(&lc[0], spt[0], lvl[0], 4.1f, 4.7f); break;
    }
    flow[0] = lc[0].u * 0.6f;
    if (!vlv[0].opened) { flow[0] = flow[0] * 0.3f; }
    if (estop) { flow[0] = 0.0f; }
    tank_run(&tk[0], flow[0], (float)(vlv[1].pos) / 12.0f, 3.2f);
    totalizer_run(&tot[0], flow[0], in[19] & in[16] & pulse1s);
    aq[0] = scale_out(lc[0].u, 0.0f, 100.0f);
    /* --- tank 01 --- */
    lvl[1] = tk[1].level;
    if (ai[1] > 0) { lvl[1] = scale_in(ai[1], 0.0f, 100.0f); }
    if (pulse1s & in[0]) {
      spt[1] = spt[1] + 6.0f;
      if (spt[1] > 80.0f) { spt[1] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[1]); break;
      case HAND: levelctl_hand(&lc[1], spt[1], lvl[1], 35.0f); break;
      case AUTO: levelctl_auto(&lc[1], spt[1], lvl[1], 2.4f, 7.1f); break;
    }
    flow[1] = lc[1].u * 0.6f;
    if (!vlv[2].opened) { flow[1] = flow[1] * 0.3f; }
    if (estop) { flow[1] = 0.0f; }
    tank_run(&tk[1], flow[1], (float)(vlv[3].pos) / 12.0f, 2.7f);
    totalizer_run(&tot[1], flow[1], in[22] & in[17] & pulse1s);
    aq[1] = scale_out(lc[1].u, 0.0f, 100.0f);
    /* --- tank 02 --- */
    lvl[2] = tk[2].level;
    if (ai[2] > 0) { lvl[2] = scale_in(ai[2], 0.0f, 100.0f); }
    if (pulse1s & in[17]) {
      spt[2] = spt[2] + 5.0f;
      if (spt[2] > 80.0f) { spt[2] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[2]); break;
      case HAND: levelctl_hand(&lc[2], spt[2], lvl[2], 45.0f); break;
      case AUTO: levelctl_auto(&lc[2], spt[2], lvl[2], 1.7f, 5.6f); break;
    }
    flow[2] = lc[2].u * 0.6f;
    if (!vlv[4].opened) { flow[2] = flow[2] * 0.3f; }
    if (estop) { flow[2] = 0.0f; }
    tank_run(&tk[2], flow[2], (float)(vlv[5].pos) / 12.0f, 2.5f);
    totalizer_run(&tot[2], flow[2], in[9] & in[31] & pulse1s);
    aq[2] = scale_out(lc[2].u, 0.0f, 100.0f);
    /* --- tank 03 --- */
    lvl[3] = tk[3].level;
    if (ai[3] > 0) { lvl[3] = scale_in(ai[3], 0.0f, 100.0f); }
    if (pulse1s & in[10]) {
      spt[3] = spt[3] + 4.0f;
      if (spt[3] > 80.0f) { spt[3] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[3]); break;
      case HAND: levelctl_hand(&lc[3], spt[3], lvl[3], 23.0f); break;
      case AUTO: levelctl_auto(&lc[3], spt[3], lvl[3], 3.7f, 3.6f); break;
    }
    flow[3] = lc[3].u * 0.6f;
    if (!vlv[6].opened) { flow[3] = flow[3] * 0.3f; }
    if (estop) { flow[3] = 0.0f; }
    tank_run(&tk[3], flow[3], (float)(vlv[7].pos) / 12.0f, 2.3f);
    totalizer_run(&tot[3], flow[3], in[30] & in[6] & pulse1s);
    aq[3] = scale_out(lc[3].u, 0.0f, 100.0f);
    /* --- tank 04 --- */
    lvl[4] = tk[4].level;
    if (ai[4] > 0) { lvl[4] = scale_in(ai[4], 0.0f, 100.0f); }
    if (pulse1s & in[12]) {
      spt[4] = spt[4] + 5.0f;
      if (spt[4] > 80.0f) { spt[4] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[4]); break;
      case HAND: levelctl_hand(&lc[4], spt[4], lvl[4], 44.0f); break;
      case AUTO: levelctl_auto(&lc[4], spt[4], lvl[4], 3.1f, 8.9f); break;
    }
    flow[4] = lc[4].u * 0.6f;
    if (!vlv[8].opened) { flow[4] = flow[4] * 0.3f; }
    if (estop) { flow[4] = 0.0f; }
    tank_run(&tk[4], flow[4], (float)(vlv[9].pos) / 12.0f, 2.5f);
    totalizer_run(&tot[4], flow[4], in[5] & in[31] & pulse1s);
    aq[4] = scale_out(lc[4].u, 0.0f, 100.0f);
    /* --- tank 05 --- */
    lvl[5] = tk[5].level;
    if (ai[5] > 0) { lvl[5] = scale_in(ai[5], 0.0f, 100.0f); }
    if (pulse1s & in[9]) {
      spt[5] = spt[5] + 8.0f;
      if (spt[5] > 80.0f) { spt[5] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[5]); break;
      case HAND: levelctl_hand(&lc[5], spt[5], lvl[5], 19.0f); break;
      case AUTO: levelctl_auto(&lc[5], spt[5], lvl[5], 4.1f, 3.0f); break;
    }
    flow[5] = lc[5].u * 0.6f;
    if (!vlv[10].opened) { flow[5] = flow[5] * 0.3f; }
    if (estop) { flow[5] = 0.0f; }
    tank_run(&tk[5], flow[5], (float)(vlv[11].pos) / 12.0f, 1.7f);
    totalizer_run(&tot[5], flow[5], in[5] & in[22] & pulse1s);
    aq[5] = scale_out(lc[5].u, 0.0f, 100.0f);
    /* --- tank 06 --- */
    lvl[6] = tk[6].level;
    if (ai[6] > 0) { lvl[6] = scale_in(ai[6], 0.0f, 100.0f); }
    if (pulse1s & in[13]) {
      spt[6] = spt[6] + 7.0f;
      if (spt[6] > 80.0f) { spt[6] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[6]); break;
      case HAND: levelctl_hand(&lc[6], spt[6], lvl[6], 47.0f); break;
      case AUTO: levelctl_auto(&lc[6], spt[6], lvl[6], 4.4f, 8.7f); break;
    }
    flow[6] = lc[6].u * 0.6f;
    if (!vlv[12].opened) { flow[6] = flow[6] * 0.3f; }
    if (estop) { flow[6] = 0.0f; }
    tank_run(&tk[6], flow[6], (float)(vlv[13].pos) / 12.0f, 1.0f);
    totalizer_run(&tot[6], flow[6], in[8] & in[5] & pulse1s);
    aq[6] = scale_out(lc[6].u, 0.0f, 100.0f);
    /* --- tank 07 --- */
    lvl[7] = tk[7].level;
    if (ai[7] > 0) { lvl[7] = scale_in(ai[7], 0.0f, 100.0f); }
    if (pulse1s & in[30]) {
      spt[7] = spt[7] + 7.0f;
      if (spt[7] > 80.0f) { spt[7] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[7]); break;
      case HAND: levelctl_hand(&lc[7], spt[7], lvl[7], 35.0f); break;
      case AUTO: levelctl_auto(&lc[7], spt[7], lvl[7], 2.1f, 6.9f); break;
    }
    flow[7] = lc[7].u * 0.6f;
    if (!vlv[14].opened) { flow[7] = flow[7] * 0.3f; }
    if (estop) { flow[7] = 0.0f; }
    tank_run(&tk[7], flow[7], (float)(vlv[15].pos) / 12.0f, 2.3f);
    totalizer_run(&tot[7], flow[7], in[8] & in[17] & pulse1s);
    aq[7] = scale_out(lc[7].u, 0.0f, 100.0f);
    /* --- tank 08 --- */
    lvl[8] = tk[8].level;
    if (ai[8] > 0) { lvl[8] = scale_in(ai[8], 0.0f, 100.0f); }
    if (pulse1s & in[25]) {
      spt[8] = spt[8] + 6.0f;
      if (spt[8] > 80.0f) { spt[8] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[8]); break;
      case HAND: levelctl_hand(&lc[8], spt[8], lvl[8], 19.0f); break;
      case AUTO: levelctl_auto(&lc[8], spt[8], lvl[8], 3.1f, 6.3f); break;
    }
    flow[8] = lc[8].u * 0.6f;
    if (!vlv[16].opened) { flow[8] = flow[8] * 0.3f; }
    if (estop) { flow[8] = 0.0f; }
    tank_run(&tk[8], flow[8], (float)(vlv[17].pos) / 12.0f, 3.3f);
    totalizer_run(&tot[8], flow[8], in[19] & in[8] & pulse1s);
    aq[8] = scale_out(lc[8].u, 0.0f, 100.0f);
    /* --- tank 09 --- */
    lvl[9] = tk[9].level;
    if (ai[9] > 0) { lvl[9] = scale_in(ai[9], 0.0f, 100.0f); }
    if (pulse1s & in[27]) {
      spt[9] = spt[9] + 1.0f;
      if (spt[9] > 80.0f) { spt[9] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[9]); break;
      case HAND: levelctl_hand(&lc[9], spt[9], lvl[9], 46.0f); break;
      case AUTO: levelctl_auto(&lc[9], spt[9], lvl[9], 3.7f, 3.8f); break;
    }
    flow[9] = lc[9].u * 0.6f;
    if (!vlv[18].opened) { flow[9] = flow[9] * 0.3f; }
    if (estop) { flow[9] = 0.0f; }
    tank_run(&tk[9], flow[9], (float)(vlv[19].pos) / 12.0f, 3.4f);
    totalizer_run(&tot[9], flow[9], in[10] & in[27] & pulse1s);
    aq[9] = scale_out(lc[9].u, 0.0f, 100.0f);
    /* --- tank 10 --- */
    lvl[10] = tk[10].level;
    if (ai[10] > 0) { lvl[10] = scale_in(ai[10], 0.0f, 100.0f); }
    if (pulse1s & in[0]) {
      spt[10] = spt[10] + 8.0f;
      if (spt[10] > 80.0f) { spt[10] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[10]); break;
      case HAND: levelctl_hand(&lc[10], spt[10], lvl[10], 45.0f); break;
      case AUTO: levelctl_auto(&lc[10], spt[10], lvl[10], 1.6f, 2.1f); break;
    }
    flow[10] = lc[10].u * 0.6f;
    if (!vlv[20].opened) { flow[10] = flow[10] * 0.3f; }
    if (estop) { flow[10] = 0.0f; }
    tank_run(&tk[10], flow[10], (float)(vlv[21].pos) / 12.0f, 3.4f);
    totalizer_run(&tot[10], flow[10], in[16] & in[27] & pulse1s);
    aq[10] = scale_out(lc[10].u, 0.0f, 100.0f);
    /* --- tank 11 --- */
    lvl[11] = tk[11].level;
    if (ai[11] > 0) { lvl[11] = scale_in(ai[11], 0.0f, 100.0f); }
    if (pulse1s & in[25]) {
      spt[11] = spt[11] + 8.0f;
      if (spt[11] > 80.0f) { spt[11] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[11]); break;
      case HAND: levelctl_hand(&lc[11], spt[11], lvl[11], 49.0f); break;
      case AUTO: levelctl_auto(&lc[11], spt[11], lvl[11], 4.5f, 8.0f); break;
    }
    flow[11] = lc[11].u * 0.6f;
    if (!vlv[22].opened) { flow[11] = flow[11] * 0.3f; }
    if (estop) { flow[11] = 0.0f; }
    tank_run(&tk[11], flow[11], (float)(vlv[23].pos) / 12.0f, 3.7f);
    totalizer_run(&tot[11], flow[11], in[26] & in[9] & pulse1s);
    aq[11] = scale_out(lc[11].u, 0.0f, 100.0f);
    /* --- tank 12 --- */
    lvl[12] = tk[12].level;
    if (ai[12] > 0) { lvl[12] = scale_in(ai[12], 0.0f, 100.0f); }
    if (pulse1s & in[14]) {
      spt[12] = spt[12] + 3.0f;
      if (spt[12] > 80.0f) { spt[12] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[12]); break;
      case HAND: levelctl_hand(&lc[12], spt[12], lvl[12], 21.0f); break;
      case AUTO: levelctl_auto(&lc[12], spt[12], lvl[12], 3.3f, 5.8f); break;
    }
    flow[12] = lc[12].u * 0.6f;
    if (!vlv[24].opened) { flow[12] = flow[12] * 0.3f; }
    if (estop) { flow[12] = 0.0f; }
    tank_run(&tk[12], flow[12], (float)(vlv[25].pos) / 12.0f, 2.5f);
    totalizer_run(&tot[12], flow[12], in[3] & in[5] & pulse1s);
    aq[12] = scale_out(lc[12].u, 0.0f, 100.0f);
    /* --- tank 13 --- */
    lvl[13] = tk[13].level;
    if (ai[13] > 0) { lvl[13] = scale_in(ai[13], 0.0f, 100.0f); }
    if (pulse1s & in[22]) {
      spt[13] = spt[13] + 3.0f;
      if (spt[13] > 80.0f) { spt[13] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[13]); break;
      case HAND: levelctl_hand(&lc[13], spt[13], lvl[13], 43.0f); break;
      case AUTO: levelctl_auto(&lc[13], spt[13], lvl[13], 1.9f, 4.7f); break;
    }
    flow[13] = lc[13].u * 0.6f;
    if (!vlv[26].opened) { flow[13] = flow[13] * 0.3f; }
    if (estop) { flow[13] = 0.0f; }
    tank_run(&tk[13], flow[13], (float)(vlv[27].pos) / 12.0f, 1.8f);
    totalizer_run(&tot[13], flow[13], in[4] & in[10] & pulse1s);
    aq[13] = scale_out(lc[13].u, 0.0f, 100.0f);
    /* --- tank 14 --- */
    lvl[14] = tk[14].level;
    if (ai[14] > 0) { lvl[14] = scale_in(ai[14], 0.0f, 100.0f); }
    if (pulse1s & in[14]) {
      spt[14] = spt[14] + 3.0f;
      if (spt[14] > 80.0f) { spt[14] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[14]); break;
      case HAND: levelctl_hand(&lc[14], spt[14], lvl[14], 29.0f); break;
      case AUTO: levelctl_auto(&lc[14], spt[14], lvl[14], 1.6f, 6.7f); break;
    }
    flow[14] = lc[14].u * 0.6f;
    if (!vlv[28].opened) { flow[14] = flow[14] * 0.3f; }
    if (estop) { flow[14] = 0.0f; }
    tank_run(&tk[14], flow[14], (float)(vlv[29].pos) / 12.0f, 1.2f);
    totalizer_run(&tot[14], flow[14], in[22] & in[21] & pulse1s);
    aq[14] = scale_out(lc[14].u, 0.0f, 100.0f);
    /* --- tank 15 --- */
    lvl[15] = tk[15].level;
    if (ai[15] > 0) { lvl[15] = scale_in(ai[15], 0.0f, 100.0f); }
    if (pulse1s & in[5]) {
      spt[15] = spt[15] + 5.0f;
      if (spt[15] > 80.0f) { spt[15] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[15]); break;
      case HAND: levelctl_hand(&lc[15], spt[15], lvl[15], 32.0f); break;
      case AUTO: levelctl_auto(&lc[15], spt[15], lvl[15], 2.0f, 7.0f); break;
    }
    flow[15] = lc[15].u * 0.6f;
    if (!vlv[30].opened) { flow[15] = flow[15] * 0.3f; }
    if (estop) { flow[15] = 0.0f; }
    tank_run(&tk[15], flow[15], (float)(vlv[31].pos) / 12.0f, 3.2f);
    totalizer_run(&tot[15], flow[15], in[26] & in[26] & pulse1s);
    aq[15] = scale_out(lc[15].u, 0.0f, 100.0f);
    /* --- tank 16 --- */
    lvl[16] = tk[16].level;
    if (pulse1s & in[0]) {
      spt[16] = spt[16] + 5.0f;
      if (spt[16] > 80.0f) { spt[16] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[16]); break;
      case HAND: levelctl_hand(&lc[16], spt[16], lvl[16], 37.0f); break;
      case AUTO: levelctl_auto(&lc[16], spt[16], lvl[16], 1.2f, 5.2f); break;
    }
    flow[16] = lc[16].u * 0.6f;
    if (!vlv[32].opened) { flow[16] = flow[16] * 0.3f; }
    if (estop) { flow[16] = 0.0f; }
    tank_run(&tk[16], flow[16], (float)(vlv[33].pos) / 12.0f, 2.2f);
    totalizer_run(&tot[16], flow[16], in[17] & in[5] & pulse1s);
    aq[16] = scale_out(lc[16].u, 0.0f, 100.0f);
    /* --- tank 17 --- */
    lvl[17] = tk[17].level;
    if (pulse1s & in[13]) {
      spt[17] = spt[17] + 5.0f;
      if (spt[17] > 80.0f) { spt[17] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[17]); break;
      case HAND: levelctl_hand(&lc[17], spt[17], lvl[17], 20.0f); break;
      case AUTO: levelctl_auto(&lc[17], spt[17], lvl[17], 3.3f, 3.7f); break;
    }
    flow[17] = lc[17].u * 0.6f;
    if (!vlv[34].opened) { flow[17] = flow[17] * 0.3f; }
    if (estop) { flow[17] = 0.0f; }
    tank_run(&tk[17], flow[17], (float)(vlv[35].pos) / 12.0f, 3.2f);
    totalizer_run(&tot[17], flow[17], in[28] & in[5] & pulse1s);
    aq[17] = scale_out(lc[17].u, 0.0f, 100.0f);
    /* --- tank 18 --- */
    lvl[18] = tk[18].level;
    if (pulse1s & in[6]) {
      spt[18] = spt[18] + 6.0f;
      if (spt[18] > 80.0f) { spt[18] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[18]); break;
      case HAND: levelctl_hand(&lc[18], spt[18], lvl[18], 53.0f); break;
      case AUTO: levelctl_auto(&lc[18], spt[18], lvl[18], 2.6f, 7.9f); break;
    }
    flow[18] = lc[18].u * 0.6f;
    if (!vlv[36].opened) { flow[18] = flow[18] * 0.3f; }
    if (estop) { flow[18] = 0.0f; }
    tank_run(&tk[18], flow[18], (float)(vlv[37].pos) / 12.0f, 2.6f);
    totalizer_run(&tot[18], flow[18], in[5] & in[14] & pulse1s);
    aq[18] = scale_out(lc[18].u, 0.0f, 100.0f);
    /* --- tank 19 --- */
    lvl[19] = tk[19].level;
    if (pulse1s & in[4]) {
      spt[19] = spt[19] + 8.0f;
      if (spt[19] > 80.0f) { spt[19] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[19]); break;
      case HAND: levelctl_hand(&lc[19], spt[19], lvl[19], 59.0f); break;
      case AUTO: levelctl_auto(&lc[19], spt[19], lvl[19], 3.0f, 4.0f); break;
    }
    flow[19] = lc[19].u * 0.6f;
    if (!vlv[38].opened) { flow[19] = flow[19] * 0.3f; }
    if (estop) { flow[19] = 0.0f; }
    tank_run(&tk[19], flow[19], (float)(vlv[39].pos) / 12.0f, 3.4f);
    totalizer_run(&tot[19], flow[19], in[5] & in[14] & pulse1s);
    aq[19] = scale_out(lc[19].u, 0.0f, 100.0f);
    /* --- tank 20 --- */
    lvl[20] = tk[20].level;
    if (pulse1s & in[23]) {
      spt[20] = spt[20] + 8.0f;
      if (spt[20] > 80.0f) { spt[20] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[20]); break;
      case HAND: levelctl_hand(&lc[20], spt[20], lvl[20], 43.0f); break;
      case AUTO: levelctl_auto(&lc[20], spt[20], lvl[20], 4.2f, 6.8f); break;
    }
    flow[20] = lc[20].u * 0.6f;
    if (!vlv[40].opened) { flow[20] = flow[20] * 0.3f; }
    if (estop) { flow[20] = 0.0f; }
    tank_run(&tk[20], flow[20], (float)(vlv[41].pos) / 12.0f, 3.7f);
    totalizer_run(&tot[20], flow[20], in[25] & in[19] & pulse1s);
    aq[20] = scale_out(lc[20].u, 0.0f, 100.0f);
    /* --- tank 21 --- */
    lvl[21] = tk[21].level;
    if (pulse1s & in[29]) {
      spt[21] = spt[21] + 1.0f;
      if (spt[21] > 80.0f) { spt[21] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[21]); break;
      case HAND: levelctl_hand(&lc[21], spt[21], lvl[21], 42.0f); break;
      case AUTO: levelctl_auto(&lc[21], spt[21], lvl[21], 2.2f, 4.6f); break;
    }
    flow[21] = lc[21].u * 0.6f;
    if (!vlv[42].opened) { flow[21] = flow[21] * 0.3f; }
    if (estop) { flow[21] = 0.0f; }
    tank_run(&tk[21], flow[21], (float)(vlv[43].pos) / 12.0f, 1.0f);
    totalizer_run(&tot[21], flow[21], in[5] & in[25] & pulse1s);
    aq[21] = scale_out(lc[21].u, 0.0f, 100.0f);
    /* --- tank 22 --- */
    lvl[22] = tk[22].level;
    if (pulse1s & in[23]) {
      spt[22] = spt[22] + 2.0f;
      if (spt[22] > 80.0f) { spt[22] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[22]); break;
      case HAND: levelctl_hand(&lc[22], spt[22], lvl[22], 46.0f); break;
      case AUTO: levelctl_auto(&lc[22], spt[22], lvl[22], 1.0f, 5.5f); break;
    }
    flow[22] = lc[22].u * 0.6f;
    if (!vlv[44].opened) { flow[22] = flow[22] * 0.3f; }
    if (estop) { flow[22] = 0.0f; }
    tank_run(&tk[22], flow[22], (float)(vlv[45].pos) / 12.0f, 1.6f);
    totalizer_run(&tot[22], flow[22], in[15] & in[8] & pulse1s);
    aq[22] = scale_out(lc[22].u, 0.0f, 100.0f);
    /* --- tank 23 --- */
    lvl[23] = tk[23].level;
    if (pulse1s & in[20]) {
      spt[23] = spt[23] + 1.0f;
      if (spt[23] > 80.0f) { spt[23] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[23]); break;
      case HAND: levelctl_hand(&lc[23], spt[23], lvl[23], 18.0f); break;
      case AUTO: levelctl_auto(&lc[23], spt[23], lvl[23], 2.4f, 7.7f); break;
    }
    flow[23] = lc[23].u * 0.6f;
    if (!vlv[46].opened) { flow[23] = flow[23] * 0.3f; }
    if (estop) { flow[23] = 0.0f; }
    tank_run(&tk[23], flow[23], (float)(vlv[47].pos) / 12.0f, 1.8f);
    totalizer_run(&tot[23], flow[23], in[1] & in[27] & pulse1s);
    aq[23] = scale_out(lc[23].u, 0.0f, 100.0f);
    /* --- tank 24 --- */
    lvl[24] = tk[24].level;
    if (pulse1s & in[10]) {
      spt[24] = spt[24] + 5.0f;
      if (spt[24] > 80.0f) { spt[24] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[24]); break;
      case HAND: levelctl_hand(&lc[24], spt[24], lvl[24], 36.0f); break;
      case AUTO: levelctl_auto(&lc[24], spt[24], lvl[24], 1.8f, 8.3f); break;
    }
    flow[24] = lc[24].u * 0.6f;
    if (!vlv[48].opened) { flow[24] = flow[24] * 0.3f; }
    if (estop) { flow[24] = 0.0f; }
    tank_run(&tk[24], flow[24], (float)(vlv[49].pos) / 12.0f, 2.9f);
    totalizer_run(&tot[24], flow[24], in[15] & in[17] & pulse1s);
    aq[24] = scale_out(lc[24].u, 0.0f, 100.0f);
    /* --- tank 25 --- */
    lvl[25] = tk[25].level;
    if (pulse1s & in[30]) {
      spt[25] = spt[25] + 1.0f;
      if (spt[25] > 80.0f) { spt[25] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[25]); break;
      case HAND: levelctl_hand(&lc[25], spt[25], lvl[25], 43.0f); break;
      case AUTO: levelctl_auto(&lc[25], spt[25], lvl[25], 4.8f, 6.4f); break;
    }
    flow[25] = lc[25].u * 0.6f;
    if (!vlv[50].opened) { flow[25] = flow[25] * 0.3f; }
    if (estop) { flow[25] = 0.0f; }
    tank_run(&tk[25], flow[25], (float)(vlv[51].pos) / 12.0f, 2.6f);
    totalizer_run(&tot[25], flow[25], in[3] & in[29] & pulse1s);
    aq[25] = scale_out(lc[25].u, 0.0f, 100.0f);
    /* --- tank 26 --- */
    lvl[26] = tk[26].level;
    if (pulse1s & in[18]) {
      spt[26] = spt[26] + 5.0f;
      if (spt[26] > 80.0f) { spt[26] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[26]); break;
      case HAND: levelctl_hand(&lc[26], spt[26], lvl[26], 55.0f); break;
      case AUTO: levelctl_auto(&lc[26], spt[26], lvl[26], 4.9f, 2.1f); break;
    }
    flow[26] = lc[26].u * 0.6f;
    if (!vlv[52].opened) { flow[26] = flow[26] * 0.3f; }
    if (estop) { flow[26] = 0.0f; }
    tank_run(&tk[26], flow[26], (float)(vlv[53].pos) / 12.0f, 1.6f);
    totalizer_run(&tot[26], flow[26], in[13] & in[1] & pulse1s);
    aq[26] = scale_out(lc[26].u, 0.0f, 100.0f);
    /* --- tank 27 --- */
    lvl[27] = tk[27].level;
    if (pulse1s & in[10]) {
      spt[27] = spt[27] + 5.0f;
      if (spt[27] > 80.0f) { spt[27] = 20.0f; }
    }
    switch (mode) {
      case OFF: levelctl_off(&lc[27]); break;
      case HAND: levelctl_hand(&lc[27], spt[27], lvl[27], 25.0f); break;
      case AUTO: levelctl_auto(&lc[27], spt[27], lvl[27], 2.2f, 7.2f); break;
    }
    flow[27] = lc[27].u * 0.6f;
    if (!vlv[54].opened) { flow[27] = flow[27] * 0.3f; }
    if (estop) { flow[27] = 0.0f; }
    tank_run(&tk[27], flow[27], (float)(vlv[55].pos) / 12.0f, 1.2f);
    totalizer_run(&tot[27], flow[27], in[11] & in[1] & pulse1s);
    aq[27] = scale_out(lc[27].u, 0.0f, 100.0f);
    /* --- motor 00 --- */
    ilk[0] = !estop & !tk[0].overflow & (!al[0].act | in[29]);
    mcmd[0] = (in[17] | mcmd[0]) & !(in[20] & in[7]);
    motor_run(&mot[0], mcmd[0], ilk[0], mfb[0], in[14] & ackall, now);
    mfb[0] = mot[0].run & !(in[2] & in[29] & in[17]);
    put_bit(dq, 0, mot[0].run);
    /* --- motor 01 --- */
    ilk[1] = !estop & !tk[1].overflow & (!al[1].act | in[31]);
    mcmd[1] = (in[15] | mcmd[1]) & !(in[6] & in[29]);
    motor_run(&mot[1], mcmd[1], ilk[1], mfb[1], in[24] & ackall, now);
    mfb[1] = mot[1].run & !(in[14] & in[31] & in[15]);
    put_bit(dq, 1, mot[1].run);
    /* --- motor 02 --- */
    ilk[2] = !estop & !tk[2].overflow & (!al[2].act | in[20]);
    mcmd[2] = (in[31] | mcmd[2]) & !(in[8] & in[13]);
    motor_run(&mot[2], mcmd[2], ilk[2], mfb[2], in[9] & ackall, now);
    mfb[2] = mot[2].run & !(in[4] & in[20] & in[31]);
    put_bit(dq, 2, mot[2].run);
    /* --- motor 03 --- */
    ilk[3] = !estop & !tk[3].overflow & (!al[3].act | in[12]);
    mcmd[3] = (in[31] | mcmd[3]) & !(in[26] & in[20]);
    motor_run(&mot[3], mcmd[3], ilk[3], mfb[3], in[10] & ackall, now);
    mfb[3] = mot[3].run & !(in[23] & in[12] & in[31]);
    put_bit(dq, 3, mot[3].run);
    /* --- motor 04 --- */
    ilk[4] = !estop & !tk[4].overflow & (!al[4].act | in[16]);
    mcmd[4] = (in[28] | mcmd[4]) & !(in[11] & in[6]);
    motor_run(&mot[4], mcmd[4], ilk[4], mfb[4], in[1] & ackall, now);
    mfb[4] = mot[4].run & !(in[21] & in[16] & in[28]);
    put_bit(dq, 4, mot[4].run);
    /* --- motor 05 --- */
    ilk[5] = !estop & !tk[5].overflow & (!al[5].act | in[4]);
    mcmd[5] = (in[19] | mcmd[5]) & !(in[29] & in[31]);
    motor_run(&mot[5], mcmd[5], ilk[5], mfb[5], in[12] & ackall, now);
    mfb[5] = mot[5].run & !(in[2] & in[4] & in[19]);
    put_bit(dq, 5, mot[5].run);
    /* --- motor 06 --- */
    ilk[6] = !estop & !tk[6].overflow & (!al[6].act | in[5]);
    mcmd[6] = (in[15] | mcmd[6]) & !(in[8] & in[11]);
    motor_run(&mot[6], mcmd[6], ilk[6], mfb[6], in[6] & ackall, now);
    mfb[6] = mot[6].run & !(in[30] & in[5] & in[15]);
    put_bit(dq, 6, mot[6].run);
    /* --- motor 07 --- */
    ilk[7] = !estop & !tk[7].overflow & (!al[7].act | in[4]);
    mcmd[7] = (in[28] | mcmd[7]) & !(in[2] & in[27]);
    motor_run(&mot[7], mcmd[7], ilk[7], mfb[7], in[11] & ackall, now);
    mfb[7] = mot[7].run & !(in[31] & in[4] & in[28]);
    put_bit(dq, 7, mot[7].run);
    /* --- motor 08 --- */
    ilk[8] = !estop & !tk[8].overflow & (!al[8].act | in[21]);
    mcmd[8] = (in[10] | mcmd[8]) & !(in[0] & in[13]);
    motor_run(&mot[8], mcmd[8], ilk[8], mfb[8], in[11] & ackall, now);
    mfb[8] = mot[8].run & !(in[6] & in[21] & in[10]);
    put_bit(dq, 8, mot[8].run);
    /* --- motor 09 --- */
    ilk[9] = !estop & !tk[9].overflow & (!al[9].act | in[2]);
    mcmd[9] = (in[29] | mcmd[9]) & !(in[9] & in[6]);
    motor_run(&mot[9], mcmd[9], ilk[9], mfb[9], in[26] & ackall, now);
    mfb[9] = mot[9].run & !(in[7] & in[2] & in[29]);
    put_bit(dq, 9, mot[9].run);
    /* --- motor 10 --- */
    ilk[10] = !estop & !tk[10].overflow & (!al[10].act | in[11]);
    mcmd[10] = (in[19] | mcmd[10]) & !(in[4] & in[31]);
    motor_run(&mot[10], mcmd[10], ilk[10], mfb[10], in[26] & ackall, now);
    mfb[10] = mot[10].run & !(in[20] & in[11] & in[19]);
    put_bit(dq, 10, mot[10].run);
    /* --- motor 11 --- */
    ilk[11] = !estop & !tk[11].overflow & (!al[11].act | in[12]);
    mcmd[11] = (in[0] | mcmd[11]) & !(in[18] & in[1]);
    motor_run(&mot[11], mcmd[11], ilk[11], mfb[11], in[4] & ackall, now);
    mfb[11] = mot[11].run & !(in[17] & in[12] & in[0]);
    put_bit(dq, 11, mot[11].run);
    /* --- motor 12 --- */
    ilk[12] = !estop & !tk[12].overflow & (!al[12].act | in[20]);
    mcmd[12] = (in[30] | mcmd[12]) & !(in[4] & in[1]);
    motor_run(&mot[12], mcmd[12], ilk[12], mfb[12], in[7] & ackall, now);
    mfb[12] = mot[12].run & !(in[21] & in[20] & in[30]);
    put_bit(dq, 12, mot[12].run);
    /* --- motor 13 --- */
    ilk[13] = !estop & !tk[13].overflow & (!al[13].act | in[10]);
    mcmd[13] = (in[31] | mcmd[13]) & !(in[9] & in[22]);
    motor_run(&mot[13], mcmd[13], ilk[13], mfb[13], in[17] & ackall, now);
    mfb[13] = mot[13].run & !(in[30] & in[10] & in[31]);
    put_bit(dq, 13, mot[13].run);
    /* --- motor 14 --- */
    ilk[14] = !estop & !tk[14].overflow & (!al[14].act | in[20]);
    mcmd[14] = (in[27] | mcmd[14]) & !(in[16] & in[26]);
    motor_run(&mot[14], mcmd[14], ilk[14], mfb[14], in[18] & ackall, now);
    mfb[14] = mot[14].run & !(in[10] & in[20] & in[27]);
    put_bit(dq, 14, mot[14].run);
    /* --- motor 15 --- */
    ilk[15] = !estop & !tk[15].overflow & (!al[15].act | in[16]);
    mcmd[15] = (in[9] | mcmd[15]) & !(in[11] & in[7]);
    motor_run(&mot[15], mcmd[15], ilk[15], mfb[15], in[15] & ackall, now);
    mfb[15] = mot[15].run & !(in[29] & in[16] & in[9]);
    put_bit(dq, 15, mot[15].run);
    /* --- motor 16 --- */
    ilk[16] = !estop & !tk[16].overflow & (!al[16].act | in[26]);
    mcmd[16] = (in[13] | mcmd[16]) & !(in[11] & in[25]);
    motor_run(&mot[16], mcmd[16], ilk[16], mfb[16], in[17] & ackall, now);
    mfb[16] = mot[16].run & !(in[28] & in[26] & in[13]);
    put_bit(dq, 16, mot[16].run);
    /* --- motor 17 --- */
    ilk[17] = !estop & !tk[17].overflow & (!al[17].act | in[7]);
    mcmd[17] = (in[8] | mcmd[17]) & !(in[14] & in[4]);
    motor_run(&mot[17], mcmd[17], ilk[17], mfb[17], in[21] & ackall, now);
    mfb[17] = mot[17].run & !(in[6] & in[7] & in[8]);
    put_bit(dq, 17, mot[17].run);
    /* --- motor 18 --- */
    ilk[18] = !estop & !tk[18].overflow & (!al[18].act | in[31]);
    mcmd[18] = (in[11] | mcmd[18]) & !(in[7] & in[14]);
    motor_run(&mot[18], mcmd[18], ilk[18], mfb[18], in[9] & ackall, now);
    mfb[18] = mot[18].run & !(in[25] & in[31] & in[11]);
    put_bit(dq, 18, mot[18].run);
    /* --- motor 19 --- */
    ilk[19] = !estop & !tk[19].overflow & (!al[19].act | in[12]);
    mcmd[19] = (in[15] | mcmd[19]) & !(in[4] & in[8]);
    motor_run(&mot[19], mcmd[19], ilk[19], mfb[19], in[9] & ackall, now);
    mfb[19] = mot[19].run & !(in[31] & in[12] & in[15]);
    put_bit(dq, 19, mot[19].run);
    /* --- motor 20 --- */
    ilk[20] = !estop & !tk[20].overflow & (!al[20].act | in[22]);
    mcmd[20] = (in[24] | mcmd[20]) & !(in[8] & in[26]);
    motor_run(&mot[20], mcmd[20], ilk[20], mfb[20], in[15] & ackall, now);
    mfb[20] = mot[20].run & !(in[9] & in[22] & in[24]);
    put_bit(dq, 20, mot[20].run);
    /* --- motor 21 --- */
    ilk[21] = !estop & !tk[21].overflow & (!al[21].act | in[12]);
    mcmd[21] = (in[9] | mcmd[21]) & !(in[18] & in[0]);
    motor_run(&mot[21], mcmd[21], ilk[21], mfb[21], in[22] & ackall, now);
    mfb[21] = mot[21].run & !(in[31] & in[12] & in[9]);
    put_bit(dq, 21, mot[21].run);
    /* --- motor 22 --- */
    ilk[22] = !estop & !tk[22].overflow & (!al[22].act | in[14]);
    mcmd[22] = (in[24] | mcmd[22]) & !(in[30] & in[21]);
    motor_run(&mot[22], mcmd[22], ilk[22], mfb[22], in[22] & ackall, now);
    mfb[22] = mot[22].run & !(in[12] & in[14] & in[24]);
    put_bit(dq, 22, mot[22].run);
    /* --- motor 23 --- */
    ilk[23] = !estop & !tk[23].overflow & (!al[23].act | in[2]);
    mcmd[23] = (in[16] | mcmd[23]) & !(in[19] & in[3]);
    motor_run(&mot[23], mcmd[23], ilk[23], mfb[23], in[27] & ackall, now);
    mfb[23] = mot[23].run & !(in[21] & in[2] & in[16]);
    put_bit(dq, 23, mot[23].run);
    /* --- motor 24 --- */
    ilk[24] = !estop & !tk[24].overflow & (!al[24].act | in[22]);
    mcmd[24] = (in[1] | mcmd[24]) & !(in[24] & in[29]);
    motor_run(&mot[24], mcmd[24], ilk[24], mfb[24], in[12] & ackall, now);
    mfb[24] = mot[24].run & !(in[28] & in[22] & in[1]);
    put_bit(dq, 24, mot[24].run);
    /* --- motor 25 --- */
    ilk[25] = !estop & !tk[25].overflow & (!al[25].act | in[27]);
    mcmd[25] = (in[26] | mcmd[25]) & !(in[24] & in[31]);
    motor_run(&mot[25], mcmd[25], ilk[25], mfb[25], in[2] & ackall, now);
    mfb[25] = mot[25].run & !(in[13] & in[27] & in[26]);
    put_bit(dq, 25, mot[25].run);
    /* --- motor 26 --- */
    ilk[26] = !estop & !tk[26].overflow & (!al[26].act | in[22]);
    mcmd[26] = (in[15] | mcmd[26]) & !(in[11] & in[27]);
    motor_run(&mot[26], mcmd[26], ilk[26], mfb[26], in[17] & ackall, now);
    mfb[26] = mot[26].run & !(in[6] & in[22] & in[15]);
    put_bit(dq, 26, mot[26].run);
    /* --- motor 27 --- */
    ilk[27] = !estop & !tk[27].overflow & (!al[27].act | in[27]);
    mcmd[27] = (in[25] | mcmd[27]) & !(in[9] & in[17]);
    motor_run(&mot[27], mcmd[27], ilk[27], mfb[27], in[12] & ackall, now);
    mfb[27] = mot[27].run & !(in[18] & in[27] & in[25]);
    put_bit(dq, 27, mot[27].run);
    /* --- motor 28 --- */
    ilk[28] = !estop & !tk[0].overflow & (!al[28].act | in[15]);
    mcmd[28] = (in[22] | mcmd[28]) & !(in[25] & in[24]);
    motor_run(&mot[28], mcmd[28], ilk[28], mfb[28], in[16] & ackall, now);
    mfb[28] = mot[28].run & !(in[2] & in[15] & in[22]);
    put_bit(dq, 28, mot[28].run);
    /* --- motor 29 --- */
    ilk[29] = !estop & !tk[1].overflow & (!al[29].act | in[14]);
    mcmd[29] = (in[2] | mcmd[29]) & !(in[24] & in[29]);
    motor_run(&mot[29], mcmd[29], ilk[29], mfb[29], in[18] & ackall, now);
    mfb[29] = mot[29].run & !(in[16] & in[14] & in[2]);
    put_bit(dq, 29, mot[29].run);
    /* --- motor 30 --- */
    ilk[30] = !estop & !tk[2].overflow & (!al[30].act | in[27]);
    mcmd[30] = (in[10] | mcmd[30]) & !(in[25] & in[8]);
    motor_run(&mot[30], mcmd[30], ilk[30], mfb[30], in[13] & ackall, now);
    mfb[30] = mot[30].run & !(in[11] & in[27] & in[10]);
    put_bit(dq, 30, mot[30].run);
    /* --- motor 31 --- */
    ilk[31] = !estop & !tk[3].overflow & (!al[31].act | in[20]);
    mcmd[31] = (in[17] | mcmd[31]) & !(in[28] & in[11]);
    motor_run(&mot[31], mcmd[31], ilk[31], mfb[31], in[18] & ackall, now);
    mfb[31] = mot[31].run & !(in[29] & in[20] & in[17]);
    put_bit(dq, 31, mot[31].run);
    /* --- motor 32 --- */
    ilk[32] = !estop & !tk[4].overflow & (!al[32].act | in[11]);
    mcmd[32] = (in[9] | mcmd[32]) & !(in[5] & in[1]);
    motor_run(&mot[32], mcmd[32], ilk[32], mfb[32], in[10] & ackall, now);
    mfb[32] = mot[32].run & !(in[0] & in[11] & in[9]);
    put_bit(dq, 32, mot[32].run);
    /* --- motor 33 --- */
    ilk[33] = !estop & !tk[5].overflow & (!al[33].act | in[12]);
    mcmd[33] = (in[31] | mcmd[33]) & !(in[24] & in[7]);
    motor_run(&mot[33], mcmd[33], ilk[33], mfb[33], in[10] & ackall, now);
    mfb[33] = mot[33].run & !(in[17] & in[12] & in[31]);
    put_bit(dq, 33, mot[33].run);
    /* --- motor 34 --- */
    ilk[34] = !estop & !tk[6].overflow & (!al[34].act | in[31]);
    mcmd[34] = (in[3] | mcmd[34]) & !(in[15] & in[27]);
    motor_run(&mot[34], mcmd[34], ilk[34], mfb[34], in[9] & ackall, now);
    mfb[34] = mot[34].run & !(in[26] & in[31] & in[3]);
    put_bit(dq, 34, mot[34].run);
    /* --- motor 35 --- */
    ilk[35] = !estop & !tk[7].overflow & (!al[35].act | in[20]);
    mcmd[35] = (in[26] | mcmd[35]) & !(in[4] & in[31]);
    motor_run(&mot[35], mcmd[35], ilk[35], mfb[35], in[2] & ackall, now);
    mfb[35] = mot[35].run & !(in[9] & in[20] & in[26]);
    put_bit(dq, 35, mot[35].run);
    /* --- motor 36 --- */
    ilk[36] = !estop & !tk[8].overflow & (!al[36].act | in[14]);
    mcmd[36] = (in[30] | mcmd[36]) & !(in[8] & in[7]);
    motor_run(&mot[36], mcmd[36], ilk[36], mfb[36], in[22] & ackall, now);
    mfb[36] = mot[36].run & !(in[13] & in[14] & in[30]);
    put_bit(dq, 36, mot[36].run);
    /* --- motor 37 --- */
    ilk[37] = !estop & !tk[9].overflow & (!al[37].act | in[26]);
    mcmd[37] = (in[6] | mcmd[37]) & !(in[2] & in[3]);
    motor_run(&mot[37], mcmd[37], ilk[37], mfb[37], in[13] & ackall, now);
    mfb[37] = mot[37].run & !(in[10] & in[26] & in[6]);
    put_bit(dq, 37, mot[37].run);
    /* --- motor 38 --- */
    ilk[38] = !estop & !tk[10].overflow & (!al[38].act | in[20]);
    mcmd[38] = (in[10] | mcmd[38]) & !(in[25] & in[19]);
    motor_run(&mot[38], mcmd[38], ilk[38], mfb[38], in[6] & ackall, now);
    mfb[38] = mot[38].run & !(in[23] & in[20] & in[10]);
    put_bit(dq, 38, mot[38].run);
    /* --- motor 39 --- */
    ilk[39] = !estop & !tk[11].overflow & (!al[39].act | in[1]);
    mcmd[39] = (in[28] | mcmd[39]) & !(in[2] & in[25]);
    motor_run(&mot[39], mcmd[39], ilk[39], mfb[39], in[19] & ackall, now);
    mfb[39] = mot[39].run & !(in[21] & in[1] & in[28]);
    put_bit(dq, 39, mot[39].run);
    /* --- valve 00 --- */
    vcmd[0] = lc[0].u > 8.0f & !estop;
    valve_run(&vlv[0], vcmd[0], in[0] & in[8] & estop, 16);
    /* --- valve 01 --- */
    vcmd[1] = (in[7] | lvl[0] > 73.0f) & !tk[0].empty;
    valve_run(&vlv[1], vcmd[1], in[8] & in[13] & estop, 12);
    /* --- valve 02 --- */
    vcmd[2] = lc[1].u > 11.0f & !estop;
    valve_run(&vlv[2], vcmd[2], in[21] & in[8] & estop, 12);
    /* --- valve 03 --- */
    vcmd[3] = (in[27] | lvl[1] > 66.0f) & !tk[1].empty;
    valve_run(&vlv[3], vcmd[3], in[3] & in[24] & estop, 12);
    /* --- valve 04 --- */
    vcmd[4] = lc[2].u > 8.0f & !estop;
    valve_run(&vlv[4], vcmd[4], in[29] & in[3] & estop, 8);
    /* --- valve 05 --- */
    vcmd[5] = (in[2] | lvl[2] > 61.0f) & !tk[2].empty;
    valve_run(&vlv[5], vcmd[5], in[16] & in[10] & estop, 12);
    /* --- valve 06 --- */
    vcmd[6] = lc[3].u > 2.0f & !estop;
    valve_run(&vlv[6], vcmd[6], in[21] & in[7] & estop, 8);
    /* --- valve 07 --- */
    vcmd[7] = (in[1] | lvl[3] > 70.0f) & !tk[3].empty;
    valve_run(&vlv[7], vcmd[7], in[7] & in[19] & estop, 12);
    /* --- valve 08 --- */
    vcmd[8] = lc[4].u > 7.0f & !estop;
    valve_run(&vlv[8], vcmd[8], in[29] & in[9] & estop, 12);
    /* --- valve 09 --- */
    vcmd[9] = (in[18] | lvl[4] > 67.0f) & !tk[4].empty;
    valve_run(&vlv[9], vcmd[9], in[5] & in[4] & estop, 16);
    /* --- valve 10 --- */
    vcmd[10] = lc[5].u > 6.0f & !estop;
    valve_run(&vlv[10], vcmd[10], in[4] & in[8] & estop, 16);
    /* --- valve 11 --- */
    vcmd[11] = (in[20] | lvl[5] > 60.0f) & !tk[5].empty;
    valve_run(&vlv[11], vcmd[11], in[15] & in[2] & estop, 16);
    /* --- valve 12 --- */
    vcmd[12] = lc[6].u > 7.0f & !estop;
    valve_run(&vlv[12], vcmd[12], in[7] & in[24] & estop, 8);
    /* --- valve 13 --- */
    vcmd[13] = (in[27] | lvl[6] > 80.0f) & !tk[6].empty;
    valve_run(&vlv[13], vcmd[13], in[7] & in[17] & estop, 10);
    /* --- valve 14 --- */
    vcmd[14] = lc[7].u > 10.0f & !estop;
    valve_run(&vlv[14], vcmd[14], in[20] & in[2] & estop, 12);
    /* --- valve 15 --- */
    vcmd[15] = (in[13] | lvl[7] > 66.0f) & !tk[7].empty;
    valve_run(&vlv[15], vcmd[15], in[26] & in[11] & estop, 10);
    /* --- valve 16 --- */
    vcmd[16] = lc[8].u > 2.0f & !estop;
    valve_run(&vlv[16], vcmd[16], in[29] & in[15] & estop, 10);
    /* --- valve 17 --- */
    vcmd[17] = (in[22] | lvl[8] > 82.0f) & !tk[8].empty;
    valve_run(&vlv[17], vcmd[17], in[23] & in[17] & estop, 16);
    /* --- valve 18 --- */
    vcmd[18] = lc[9].u > 10.0f & !estop;
    valve_run(&vlv[18], vcmd[18], in[24] & in[28] & estop, 10);
    /* --- valve 19 --- */
    vcmd[19] = (in[23] | lvl[9] > 79.0f) & !tk[9].empty;
    valve_run(&vlv[19], vcmd[19], in[15] & in[21] & estop, 12);
    /* --- valve 20 --- */
    vcmd[20] = lc[10].u > 5.0f & !estop;
    valve_run(&vlv[20], vcmd[20], in[22] & in[31] & estop, 12);
    /* --- valve 21 --- */
    vcmd[21] = (in[24] | lvl[10] > 60.0f) & !tk[10].empty;
    valve_run(&vlv[21], vcmd[21], in[9] & in[30] & estop, 12);
    /* --- valve 22 --- */
    vcmd[22] = lc[11].u > 9.0f & !estop;
    valve_run(&vlv[22], vcmd[22], in[13] & in[31] & estop, 12);
    /* --- valve 23 --- */
    vcmd[23] = (in[27] | lvl[11] > 69.0f) & !tk[11].empty;
    valve_run(&vlv[23], vcmd[23], in[15] & in[7] & estop, 8);
    /* --- valve 24 --- */
    vcmd[24] = lc[12].u > 5.0f & !estop;
    valve_run(&vlv[24], vcmd[24], in[5] & in[30] & estop, 16);
    /* --- valve 25 --- */
    vcmd[25] = (in[27] | lvl[12] > 76.0f) & !tk[12].empty;
    valve_run(&vlv[25], vcmd[25], in[5] & in[24] & estop, 12);
    /* --- valve 26 --- */
    vcmd[26] = lc[13].u > 4.0f & !estop;
    valve_run(&vlv[26], vcmd[26], in[18] & in[21] & estop, 12);
    /* --- valve 27 --- */
    vcmd[27] = (in[15] | lvl[13] > 81.0f) & !tk[13].empty;
    valve_run(&vlv[27], vcmd[27], in[6] & in[8] & estop, 16);
    /* --- valve 28 --- */
    vcmd[28] = lc[14].u > 7.0f & !estop;
    valve_run(&vlv[28], vcmd[28], in[15] & in[11] & estop, 8);
    /* --- valve 29 --- */
    vcmd[29] = (in[27] | lvl[14] > 64.0f) & !tk[14].empty;
    valve_run(&vlv[29], vcmd[29], in[17] & in[25] & estop, 12);
    /* --- valve 30 --- */
    vcmd[30] = lc[15].u > 4.0f & !estop;
    valve_run(&vlv[30], vcmd[30], in[23] & in[9] & estop, 8);
    /* --- valve 31 --- */
    vcmd[31] = (in[16] | lvl[15] > 79.0f) & !tk[15].empty;
    valve_run(&vlv[31], vcmd[31], in[27] & in[11] & estop, 12);
    /* --- valve 32 --- */
    vcmd[32] = lc[16].u > 5.0f & !estop;
    valve_run(&vlv[32], vcmd[32], in[24] & in[3] & estop, 8);
    /* --- valve 33 --- */
    vcmd[33] = (in[16] | lvl[16] > 84.0f) & !tk[16].empty;
    valve_run(&vlv[33], vcmd[33], in[30] & in[18] & estop, 12);
    /* --- valve 34 --- */
    vcmd[34] = lc[17].u > 9.0f & !estop;
    valve_run(&vlv[34], vcmd[34], in[29] & in[27] & estop, 10);
    /* --- valve 35 --- */
    vcmd[35] = (in[31] | lvl[17] > 65.0f) & !tk[17].empty;
    valve_run(&vlv[35], vcmd[35], in[22] & in[2] & estop, 16);
    /* --- valve 36 --- */
    vcmd[36] = lc[18].u > 10.0f & !estop;
    valve_run(&vlv[36], vcmd[36], in[23] & in[16] & estop, 8);
    /* --- valve 37 --- */
    vcmd[37] = (in[30] | lvl[18] > 61.0f) & !tk[18].empty;
    valve_run(&vlv[37], vcmd[37], in[12] & in[9] & estop, 10);
    /* --- valve 38 --- */
    vcmd[38] = lc[19].u > 4.0f & !estop;
    valve_run(&vlv[38], vcmd[38], in[5] & in[17] & estop, 8);
    /* --- valve 39 --- */
    vcmd[39] = (in[1] | lvl[19] > 81.0f) & !tk[19].empty;
    valve_run(&vlv[39], vcmd[39], in[21] & in[15] & estop, 16);
    /* --- valve 40 --- */
    vcmd[40] = lc[20].u > 4.0f & !estop;
    valve_run(&vlv[40], vcmd[40], in[15] & in[0] & estop, 10);
    /* --- valve 41 --- */
    vcmd[41] = (in[19] | lvl[20] > 60.0f) & !tk[20].empty;
    valve_run(&vlv[41], vcmd[41], in[25] & in[0] & estop, 12);
    /* --- valve 42 --- */
    vcmd[42] = lc[21].u > 7.0f & !estop;
    valve_run(&vlv[42], vcmd[42], in[2] & in[12] & estop, 16);
    /* --- valve 43 --- */
    vcmd[43] = (in[18] | lvl[21] > 66.0f) & !tk[21].empty;
    valve_run(&vlv[43], vcmd[43], in[27] & in[7] & estop, 16);
    /* --- valve 44 --- */
    vcmd[44] = lc[22].u > 8.0f & !estop;
    valve_run(&vlv[44], vcmd[44], in[17] & in[27] & estop, 12);
    /* --- valve 45 --- */
    vcmd[45] = (in[16] | lvl[22] > 81.0f) & !tk[22].empty;
    valve_run(&vlv[45], vcmd[45], in[21] & in[7] & estop, 8);
    /* --- valve 46 --- */
    vcmd[46] = lc[23].u > 2.0f & !estop;
    valve_run(&vlv[46], vcmd[46], in[2] & in[24] & estop, 16);
    /* --- valve 47 --- */
    vcmd[47] = (in[8] | lvl[23] > 63.0f) & !tk[23].empty;
    valve_run(&vlv[47], vcmd[47], in[21] & in[10] & estop, 8);
    /* --- valve 48 --- */
    vcmd[48] = lc[24].u > 9.0f & !estop;
    valve_run(&vlv[48], vcmd[48], in[0] & in[16] & estop, 12);
    /* --- valve 49 --- */
    vcmd[49] = (in[5] | lvl[24] > 74.0f) & !tk[24].empty;
    valve_run(&vlv[49], vcmd[49], in[6] & in[11] & estop, 8);
    /* --- valve 50 --- */
    vcmd[50] = lc[25].u > 10.0f & !estop;
    valve_run(&vlv[50], vcmd[50], in[22] & in[13] & estop, 10);
    /* --- valve 51 --- */
    vcmd[51] = (in[27] | lvl[25] > 66.0f) & !tk[25].empty;
    valve_run(&vlv[51], vcmd[51], in[26] & in[23] & estop, 10);
    /* --- valve 52 --- */
    vcmd[52] = lc[26].u > 10.0f & !estop;
    valve_run(&vlv[52], vcmd[52], in[1] & in[9] & estop, 16);
    /* --- valve 53 --- */
    vcmd[53] = (in[22] | lvl[26] > 80.0f) & !tk[26].empty;
    valve_run(&vlv[53], vcmd[53], in[12] & in[29] & estop, 12);
    /* --- valve 54 --- */
    vcmd[54] = lc[27].u > 10.0f & !estop;
    valve_run(&vlv[54], vcmd[54], in[12] & in[2] & estop, 8);
    /* --- valve 55 --- */
    vcmd[55] = (in[21] | lvl[27] > 63.0f) & !tk[27].empty;
    valve_run(&vlv[55], vcmd[55], in[18] & in[28] & estop, 12);
    /* --- conveyor 00 --- */
    conveyor_run(&cv[0], !estop & in[11] | cv[0].items > 5, in[1], in[0] & cv[0].belt, cv[1].items > 8, now);
    put_bit(dq, 40, cv[0].belt);
    put_bit(dq, 48, cv[0].jam & blink);
    /* --- conveyor 01 --- */
    conveyor_run(&cv[1], !estop & in[7] | cv[1].items > 5, cv[0].belt & in[20], in[18] & cv[1].belt, cv[2].items > 8, now);
    put_bit(dq, 41, cv[1].belt);
    put_bit(dq, 49, cv[1].jam & blink);
    /* --- conveyor 02 --- */
    conveyor_run(&cv[2], !estop & in[0] | cv[2].items > 5, cv[1].belt & in[4], in[26] & cv[2].belt, cv[3].items > 8, now);
    put_bit(dq, 42, cv[2].belt);
    put_bit(dq, 50, cv[2].jam & blink);
    /* --- conveyor 03 --- */
    conveyor_run(&cv[3], !estop & in[6] | cv[3].items > 5, cv[2].belt & in[29], in[3] & cv[3].belt, cv[4].items > 8, now);
    put_bit(dq, 43, cv[3].belt);
    put_bit(dq, 51, cv[3].jam & blink);
    /* --- conveyor 04 --- */
    conveyor_run(&cv[4], !estop & in[1] | cv[4].items > 5, cv[3].belt & in[7], in[15] & cv[4].belt, cv[5].items > 8, now);
    put_bit(dq, 44, cv[4].belt);
    put_bit(dq, 52, cv[4].jam & blink);
    /* --- conveyor 05 --- */
    conveyor_run(&cv[5], !estop & in[24] | cv[5].items > 5, cv[4].belt & in[1], in[4] & cv[5].belt, cv[6].items > 8, now);
    put_bit(dq, 45, cv[5].belt);
    put_bit(dq, 53, cv[5].jam & blink);
    /* --- conveyor 06 --- */
    conveyor_run(&cv[6], !estop & in[8] | cv[6].items > 5, cv[5].belt & in[4], in[29] & cv[6].belt, cv[7].items > 8, now);
    put_bit(dq, 46, cv[6].belt);
    put_bit(dq, 54, cv[6].jam & blink);
    /* --- conveyor 07 --- */
    conveyor_run(&cv[7], !estop & in[21] | cv[7].items > 5, cv[6].belt & in[8], in[25] & cv[7].belt, in[19] & in[20], now);
    put_bit(dq, 47, cv[7].belt);
    put_bit(dq, 55, cv[7].jam & blink);
    nact = 0;
    /* --- alarm 00 --- */
    alarm_run(&al[0], lvl[0], 84.0f, 3.0f, 2.1f, ackall, 130 * MS, now);
    if (al[0].act) { nact = nact + 1; }
    /* --- alarm 01 --- */
    alarm_run(&al[1], lvl[1], 90.0f, 18.0f, 0.7f, ackall, 150 * MS, now);
    if (al[1].act) { nact = nact + 1; }
    /* --- alarm 02 --- */
    alarm_run(&al[2], lvl[2], 74.0f, 5.0f, 2.5f, ackall, 120 * MS, now);
    if (al[2].act) { nact = nact + 1; }
    /* --- alarm 03 --- */
    alarm_run(&al[3], lvl[3], 82.0f, 16.0f, 1.8f, ackall, 30 * MS, now);
    if (al[3].act) { nact = nact + 1; }
    /* --- alarm 04 --- */
    alarm_run(&al[4], lvl[4], 88.0f, 6.0f, 1.0f, ackall, 80 * MS, now);
    if (al[4].act) { nact = nact + 1; }
    /* --- alarm 05 --- */
    alarm_run(&al[5], lvl[5], 82.0f, 1.0f, 0.6f, ackall, 50 * MS, now);
    if (al[5].act) { nact = nact + 1; }
    /* --- alarm 06 --- */
    alarm_run(&al[6], lvl[6], 67.0f, 13.0f, 0.6f, ackall, 150 * MS, now);
    if (al[6].act) { nact = nact + 1; }
    /* --- alarm 07 --- */
    alarm_run(&al[7], lvl[7], 68.0f, 10.0f, 0.6f, ackall, 40 * MS, now);
    if (al[7].act) { nact = nact + 1; }
    /* --- alarm 08 --- */
    alarm_run(&al[8], lvl[8], 63.0f, 1.0f, 2.0f, ackall, 50 * MS, now);
    if (al[8].act) { nact = nact + 1; }
    /* --- alarm 09 --- */
    alarm_run(&al[9], lvl[9], 89.0f, 16.0f, 2.8f, ackall, 10 * MS, now);
    if (al[9].act) { nact = nact + 1; }
    /* --- alarm 10 --- */
    alarm_run(&al[10], lvl[10], 69.0f, 2.0f, 2.0f, ackall, 120 * MS, now);
    if (al[10].act) { nact = nact + 1; }
    /* --- alarm 11 --- */
    alarm_run(&al[11], lvl[11], 81.0f, 4.0f, 1.5f, ackall, 110 * MS, now);
    if (al[11].act) { nact = nact + 1; }
    /* --- alarm 12 --- */
    alarm_run(&al[12], lvl[12], 66.0f, 10.0f, 2.4f, ackall, 100 * MS, now);
    if (al[12].act) { nact = nact + 1; }
    /* --- alarm 13 --- */
    alarm_run(&al[13], lvl[13], 53.0f, 13.0f, 1.7f, ackall, 170 * MS, now);
    if (al[13].act) { nact = nact + 1; }
    /* --- alarm 14 --- */
    alarm_run(&al[14], lvl[14], 54.0f, 2.0f, 2.6f, ackall, 180 * MS, now);
    if (al[14].act) { nact = nact + 1; }
    /* --- alarm 15 --- */
    alarm_run(&al[15], lvl[15], 68.0f, 1.0f, 1.5f, ackall, 70 * MS, now);
    if (al[15].act) { nact = nact + 1; }
    /* --- alarm 16 --- */
    alarm_run(&al[16], lvl[16], 69.0f, 19.0f, 1.4f, ackall, 120 * MS, now);
    if (al[16].act) { nact = nact + 1; }
    /* --- alarm 17 --- */
    alarm_run(&al[17], lvl[17], 52.0f, 9.0f, 0.9f, ackall, 70 * MS, now);
    if (al[17].act) { nact = nact + 1; }
    /* --- alarm 18 --- */
    alarm_run(&al[18], lvl[18], 53.0f, 7.0f, 0.7f, ackall, 160 * MS, now);
    if (al[18].act) { nact = nact + 1; }
    /* --- alarm 19 --- */
    alarm_run(&al[19], lvl[19], 79.0f, 0.0f, 1.4f, ackall, 130 * MS, now);
    if (al[19].act) { nact = nact + 1; }
    /* --- alarm 20 --- */
    alarm_run(&al[20], lvl[20], 61.0f, 8.0f, 2.7f, ackall, 80 * MS, now);
    if (al[20].act) { nact = nact + 1; }
    /* --- alarm 21 --- */
    alarm_run(&al[21], lvl[21], 67.0f, 12.0f, 1.8f, ackall, 80 * MS, now);
    if (al[21].act) { nact = nact + 1; }
    /* --- alarm 22 --- */
    alarm_run(&al[22], lvl[22], 91.0f, 0.0f, 0.6f, ackall, 40 * MS, now);
    if (al[22].act) { nact = nact + 1; }
    /* --- alarm 23 --- */
    alarm_run(&al[23], lvl[23], 92.0f, 11.0f, 2.5f, ackall, 50 * MS, now);
    if (al[23].act) { nact = nact + 1; }
    /* --- alarm 24 --- */
    alarm_run(&al[24], lvl[24], 52.0f, 0.0f, 2.0f, ackall, 100 * MS, now);
    if (al[24].act) { nact = nact + 1; }
    /* --- alarm 25 --- */
    alarm_run(&al[25], lvl[25], 51.0f, 12.0f, 1.8f, ackall, 10 * MS, now);
    if (al[25].act) { nact = nact + 1; }
    /* --- alarm 26 --- */
    alarm_run(&al[26], lvl[26], 83.0f, 16.0f, 2.5f, ackall, 90 * MS, now);
    if (al[26].act) { nact = nact + 1; }
    /* --- alarm 27 --- */
    alarm_run(&al[27], lvl[27], 68.0f, 17.0f, 1.0f, ackall, 30 * MS, now);
    if (al[27].act) { nact = nact + 1; }
    /* --- alarm 28 --- */
    alarm_run(&al[28], lvl[0], 82.0f, 16.0f, 1.1f, ackall, 150 * MS, now);
    if (al[28].act) { nact = nact + 1; }
    /* --- alarm 29 --- */
    alarm_run(&al[29], lvl[1], 94.0f, 17.0f, 0.7f, ackall, 10 * MS, now);
    if (al[29].act) { nact = nact + 1; }
    /* --- alarm 30 --- */
    alarm_run(&al[30], lvl[2], 68.0f, 2.0f, 2.7f, ackall, 150 * MS, now);
    if (al[30].act) { nact = nact + 1; }
    /* --- alarm 31 --- */
    alarm_run(&al[31], lvl[3], 63.0f, 4.0f, 2.8f, ackall, 160 * MS, now);
    if (al[31].act) { nact = nact + 1; }
    /* --- alarm 32 --- */
    alarm_run(&al[32], lvl[4], 78.0f, 19.0f, 2.5f, ackall, 110 * MS, now);
    if (al[32].act) { nact = nact + 1; }
    /* --- alarm 33 --- */
    alarm_run(&al[33], lvl[5], 69.0f, 18.0f, 1.3f, ackall, 90 * MS, now);
    if (al[33].act) { nact = nact + 1; }
    /* --- alarm 34 --- */
    alarm_run(&al[34], lvl[6], 86.0f, 11.0f, 2.1f, ackall, 110 * MS, now);
    if (al[34].act) { nact = nact + 1; }
    /* --- alarm 35 --- */
    alarm_run(&al[35], lvl[7], 68.0f, 6.0f, 0.9f, ackall, 110 * MS, now);
    if (al[35].act) { nact = nact + 1; }
    /* --- alarm 36 --- */
    alarm_run(&al[36], lvl[8], 72.0f, 6.0f, 2.7f, ackall, 180 * MS, now);
    if (al[36].act) { nact = nact + 1; }
    /* --- alarm 37 --- */
    alarm_run(&al[37], lvl[9], 81.0f, 19.0f, 1.5f, ackall, 50 * MS, now);
    if (al[37].act) { nact = nact + 1; }
    /* --- alarm 38 --- */
    alarm_run(&al[38], lvl[10], 84.0f, 9.0f, 2.9f, ackall, 30 * MS, now);
    if (al[38].act) { nact = nact + 1; }
    /* --- alarm 39 --- */
    alarm_run(&al[39], lvl[11], 90.0f, 13.0f, 0.7f, ackall, 150 * MS, now);
    if (al[39].act) { nact = nact + 1; }
    /* --- alarm 40 --- */
    alarm_run(&al[40], flow[12], 77.0f, 11.0f, 1.1f, ackall, 30 * MS, now);
    if (al[40].act) { nact = nact + 1; }
    /* --- alarm 41 --- */
    alarm_run(&al[41], flow[13], 93.0f, 9.0f, 2.4f, ackall, 170 * MS, now);
    if (al[41].act) { nact = nact + 1; }
    /* --- alarm 42 --- */
    alarm_run(&al[42], flow[14], 65.0f, 8.0f, 1.4f, ackall, 140 * MS, now);
    if (al[42].act) { nact = nact + 1; }
    /* --- alarm 43 --- */
    alarm_run(&al[43], flow[15], 56.0f, 16.0f, 1.5f, ackall, 150 * MS, now);
    if (al[43].act) { nact = nact + 1; }
    /* --- alarm 44 --- */
    alarm_run(&al[44], flow[16], 75.0f, 6.0f, 2.5f, ackall, 90 * MS, now);
    if (al[44].act) { nact = nact + 1; }
    /* --- alarm 45 --- */
    alarm_run(&al[45], flow[17], 61.0f, 19.0f, 2.2f, ackall, 70 * MS, now);
    if (al[45].act) { nact = nact + 1; }
    /* --- alarm 46 --- */
    alarm_run(&al[46], flow[18], 79.0f, 9.0f, 0.5f, ackall, 110 * MS, now);
    if (al[46].act) { nact = nact + 1; }
    /* --- alarm 47 --- */
    alarm_run(&al[47], flow[19], 68.0f, 2.0f, 2.3f, ackall, 20 * MS, now);
    if (al[47].act) { nact = nact + 1; }
    /* --- alarm 48 --- */
    alarm_run(&al[48], flow[20], 82.0f, 9.0f, 1.8f, ackall, 40 * MS, now);
    if (al[48].act) { nact = nact + 1; }
    /* --- alarm 49 --- */
    alarm_run(&al[49], flow[21], 77.0f, 6.0f, 2.3f, ackall, 50 * MS, now);
    if (al[49].act) { nact = nact + 1; }
    /* --- alarm 50 --- */
    alarm_run(&al[50], flow[22], 55.0f, 18.0f, 1.1f, ackall, 40 * MS, now);
    if (al[50].act) { nact = nact + 1; }
    /* --- alarm 51 --- */
    alarm_run(&al[51], flow[23], 74.0f, 2.0f, 0.8f, ackall, 40 * MS, now);
    if (al[51].act) { nact = nact + 1; }
    /* --- alarm 52 --- */
    alarm_run(&al[52], flow[24], 94.0f, 4.0f, 1.8f, ackall, 80 * MS, now);
    if (al[52].act) { nact = nact + 1; }
    /* --- alarm 53 --- */
    alarm_run(&al[53], flow[25], 94.0f, 16.0f, 2.4f, ackall, 120 * MS, now);
    if (al[53].act) { nact = nact + 1; }
    /* --- alarm 54 --- */
    alarm_run(&al[54], flow[26], 93.0f, 19.0f, 2.8f, ackall, 150 * MS, now);
    if (al[54].act) { nact = nact + 1; }
    /* --- alarm 55 --- */
    alarm_run(&al[55], flow[27], 50.0f, 12.0f, 2.3f, ackall, 40 * MS, now);
    if (al[55].act) { nact = nact + 1; }
    /* --- alarm 56 --- */
    alarm_run(&al[56], flow[0], 81.0f, 19.0f, 2.3f, ackall, 70 * MS, now);
    if (al[56].act) { nact = nact + 1; }
    /* --- alarm 57 --- */
    alarm_run(&al[57], flow[1], 93.0f, 2.0f, 1.0f, ackall, 90 * MS, now);
    if (al[57].act) { nact = nact + 1; }
    /* --- alarm 58 --- */
    alarm_run(&al[58], flow[2], 79.0f, 4.0f, 0.9f, ackall, 40 * MS, now);
    if (al[58].act) { nact = nact + 1; }
    /* --- alarm 59 --- */
    alarm_run(&al[59], flow[3], 56.0f, 5.0f, 0.5f, ackall, 70 * MS, now);
    if (al[59].act) { nact = nact + 1; }
    /* --- alarm 60 --- */
    alarm_run(&al[60], flow[4], 70.0f, 1.0f, 0.5f, ackall, 180 * MS, now);
    if (al[60].act) { nact = nact + 1; }
    /* --- alarm 61 --- */
    alarm_run(&al[61], flow[5], 72.0f, 2.0f, 2.2f, ackall, 50 * MS, now);
    if (al[61].act) { nact = nact + 1; }
    /* --- alarm 62 --- */
    alarm_run(&al[62], flow[6], 94.0f, 4.0f, 2.9f, ackall, 100 * MS, now);
    if (al[62].act) { nact = nact + 1; }
    /* --- alarm 63 --- */
    alarm_run(&al[63], flow[7], 69.0f, 13.0f, 2.9f, ackall, 120 * MS, now);
    if (al[63].act) { nact = nact + 1; }
    /* --- alarm 64 --- */
    alarm_run(&al[64], flow[8], 88.0f, 15.0f, 1.4f, ackall, 140 * MS, now);
    if (al[64].act) { nact = nact + 1; }
    /* --- alarm 65 --- */
    alarm_run(&al[65], flow[9], 88.0f, 12.0f, 2.4f, ackall, 190 * MS, now);
    if (al[65].act) { nact = nact + 1; }
    /* --- alarm 66 --- */
    alarm_run(&al[66], flow[10], 72.0f, 19.0f, 1.4f, ackall, 140 * MS, now);
    if (al[66].act) { nact = nact + 1; }
    /* --- alarm 67 --- */
    alarm_run(&al[67], flow[11], 59.0f, 10.0f, 1.9f, ackall, 150 * MS, now);
    if (al[67].act) { nact = nact + 1; }
    /* --- alarm 68 --- */
    alarm_run(&al[68], flow[12], 84.0f, 2.0f, 1.0f, ackall, 10 * MS, now);
    if (al[68].act) { nact = nact + 1; }
    /* --- alarm 69 --- */
    alarm_run(&al[69], flow[13], 80.0f, 6.0f, 1.5f, ackall, 120 * MS, now);
    if (al[69].act) { nact = nact + 1; }
    /* --- alarm 70 --- */
    alarm_run(&al[70], flow[14], 52.0f, 18.0f, 1.9f, ackall, 110 * MS, now);
    if (al[70].act) { nact = nact + 1; }
    /* --- alarm 71 --- */
    alarm_run(&al[71], flow[15], 56.0f, 2.0f, 2.7f, ackall, 50 * MS, now);
    if (al[71].act) { nact = nact + 1; }
    /* --- alarm 72 --- */
    alarm_run(&al[72], flow[16], 55.0f, 4.0f, 1.2f, ackall, 190 * MS, now);
    if (al[72].act) { nact = nact + 1; }
    /* --- alarm 73 --- */
    alarm_run(&al[73], flow[17], 89.0f, 9.0f, 1.7f, ackall, 10 * MS, now);
    if (al[73].act) { nact = nact + 1; }
    /* --- alarm 74 --- */
    alarm_run(&al[74], flow[18], 64.0f, 17.0f, 1.4f, ackall, 140 * MS, now);
    if (al[74].act) { nact = nact + 1; }
    /* --- alarm 75 --- */
    alarm_run(&al[75], flow[19], 78.0f, 10.0f, 2.4f, ackall, 70 * MS, now);
    if (al[75].act) { nact = nact + 1; }
    /* --- alarm 76 --- */
    alarm_run(&al[76], flow[20], 66.0f, 3.0f, 1.8f, ackall, 10 * MS, now);
    if (al[76].act) { nact = nact + 1; }
    /* --- alarm 77 --- */
    alarm_run(&al[77], flow[21], 87.0f, 6.0f, 0.9f, ackall, 100 * MS, now);
    if (al[77].act) { nact = nact + 1; }
    /* --- alarm 78 --- */
    alarm_run(&al[78], flow[22], 90.0f, 1.0f, 2.7f, ackall, 140 * MS, now);
    if (al[78].act) { nact = nact + 1; }
    /* --- alarm 79 --- */
    alarm_run(&al[79], flow[23], 73.0f, 16.0f, 1.3f, ackall, 110 * MS, now);
    if (al[79].act) { nact = nact + 1; }
    nfault = 0;
    for (int k = 0; k < 40; k++)
        if (mot[k].fault) { nfault = nfault + 1; }
    for (int k = 0; k < 8; k++)
        logger_run(&lg[k], lvl[3 * k], pulse100);
    /* --- status text once a second --- */
    if (pulse1s) {
      snprintf(status, sizeof status, "LOT %d", lot);
      if (nfault > 0) {
        strcat(status, " FAULT");
      } else if (nact > 0) {
        strcat(status, " ALARM");
      } else {
        strcat(status, " OK");
      }
    }
    /* --- registers for the HMI --- */
    for (int k = 0; k < 24; k++)
        mw[k] = to_uint(lvl[k] * 10.0f);
    mw[24] = (uint16_t)(nact);
    mw[25] = (uint16_t)(nfault);
    mw[26] = (uint16_t)(batch);
    mw[27] = (uint16_t)strlen(status);
    /* --- digest --- */
    sum = (batch) + lot * 3 + (recno) * 5;
    for (int k = 0; k < 40; k++)
        sum = sum + mot[k].starts * (k + 1);
    for (int k = 0; k < 28; k++)
        sum = sum + (vlv[2 * k + 1].pos);
    for (int k = 0; k < 8; k++)
        sum = sum + cv[k].moved * 7;
    fs = 0.0;
    for (int k = 0; k < 28; k++)
        fs = fs + (double)(lvl[k]);
    for (int k = 0; k < 8; k++)
        fs = fs + (double)(lg[k].mean);
    fchk = fs;
    chk = (uint32_t)(sum);
    scans = scans + 1;
    /* End of the rungs. */
}
