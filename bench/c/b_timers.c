/* b: 200 standard blocks: timers, counters, edges. */
#include "control.h"

uint32_t chk, scans;
double fchk;

uint32_t lfsr = 0x1BADCAFE;
int16_t dvd;
int32_t sum, edges;
bool in[32];
struct ton ton[60];
struct tof tof[40];
struct ctu ctu[50];
struct edge rt[50];

void scan(int64_t now)
{
    /* The rungs, taken over from the ST text. */
    dvd = dvd + 1;
    if (dvd >= 7) {
      dvd = 0;
      lfsr = lfsr_next(lfsr);
      for (int k = 0; k < 32; k++)
          in[k] = ((lfsr >> k) & 1);
    }
    ton_run(&ton[0], in[0], 90 * MS, now);
    ton_run(&ton[1], in[1], 60 * MS, now);
    ton_run(&ton[2], in[2], 120 * MS, now);
    ton_run(&ton[3], in[3], 100 * MS, now);
    ton_run(&ton[4], in[4], 120 * MS, now);
    ton_run(&ton[5], in[5], 70 * MS, now);
    ton_run(&ton[6], in[6], 40 * MS, now);
    ton_run(&ton[7], in[7], 80 * MS, now);
    ton_run(&ton[8], in[8], 20 * MS, now);
    ton_run(&ton[9], in[9], 70 * MS, now);
    ton_run(&ton[10], in[10], 90 * MS, now);
    ton_run(&ton[11], in[11], 60 * MS, now);
    ton_run(&ton[12], in[12], 120 * MS, now);
    ton_run(&ton[13], in[13], 140 * MS, now);
    ton_run(&ton[14], in[14], 90 * MS, now);
    ton_run(&ton[15], in[15], 130 * MS, now);
    ton_run(&ton[16], in[16], 150 * MS, now);
    ton_run(&ton[17], in[17], 110 * MS, now);
    ton_run(&ton[18], in[18], 50 * MS, now);
    ton_run(&ton[19], in[19], 100 * MS, now);
    ton_run(&ton[20], in[20], 20 * MS, now);
    ton_run(&ton[21], in[21], 120 * MS, now);
    ton_run(&ton[22], in[22], 110 * MS, now);
    ton_run(&ton[23], in[23], 40 * MS, now);
    ton_run(&ton[24], in[24], 90 * MS, now);
    ton_run(&ton[25], in[25], 70 * MS, now);
    ton_run(&ton[26], in[26], 40 * MS, now);
    ton_run(&ton[27], in[27], 70 * MS, now);
    ton_run(&ton[28], in[28], 50 * MS, now);
    ton_run(&ton[29], in[29], 20 * MS, now);
    ton_run(&ton[30], in[30], 110 * MS, now);
    ton_run(&ton[31], in[31], 150 * MS, now);
    ton_run(&ton[32], in[0], 50 * MS, now);
    ton_run(&ton[33], in[1], 30 * MS, now);
    ton_run(&ton[34], in[2], 100 * MS, now);
    ton_run(&ton[35], in[3], 120 * MS, now);
    ton_run(&ton[36], in[4], 150 * MS, now);
    ton_run(&ton[37], in[5], 70 * MS, now);
    ton_run(&ton[38], in[6], 120 * MS, now);
    ton_run(&ton[39], in[7], 80 * MS, now);
    ton_run(&ton[40], ton[0].q & !in[24], 140 * MS, now);
    ton_run(&ton[41], ton[1].q & !in[31], 150 * MS, now);
    ton_run(&ton[42], ton[2].q & !in[6], 30 * MS, now);
    ton_run(&ton[43], ton[3].q & !in[13], 20 * MS, now);
    ton_run(&ton[44], ton[4].q & !in[20], 20 * MS, now);
    ton_run(&ton[45], ton[5].q & !in[27], 150 * MS, now);
    ton_run(&ton[46], ton[6].q & !in[2], 120 * MS, now);
    ton_run(&ton[47], ton[7].q & !in[9], 100 * MS, now);
    ton_run(&ton[48], ton[8].q & !in[16], 50 * MS, now);
    ton_run(&ton[49], ton[9].q & !in[23], 30 * MS, now);
    ton_run(&ton[50], ton[10].q & !in[30], 80 * MS, now);
    ton_run(&ton[51], ton[11].q & !in[5], 90 * MS, now);
    ton_run(&ton[52], ton[12].q & !in[12], 30 * MS, now);
    ton_run(&ton[53], ton[13].q & !in[19], 120 * MS, now);
    ton_run(&ton[54], ton[14].q & !in[26], 80 * MS, now);
    ton_run(&ton[55], ton[15].q & !in[1], 40 * MS, now);
    ton_run(&ton[56], ton[16].q & !in[8], 100 * MS, now);
    ton_run(&ton[57], ton[17].q & !in[15], 70 * MS, now);
    ton_run(&ton[58], ton[18].q & !in[22], 110 * MS, now);
    ton_run(&ton[59], ton[19].q & !in[29], 100 * MS, now);
    tof_run(&tof[0], in[0], 80 * MS, now);
    tof_run(&tof[1], in[3], 250 * MS, now);
    tof_run(&tof[2], in[6], 40 * MS, now);
    tof_run(&tof[3], in[9], 200 * MS, now);
    tof_run(&tof[4], in[12], 80 * MS, now);
    tof_run(&tof[5], in[15], 190 * MS, now);
    tof_run(&tof[6], in[18], 290 * MS, now);
    tof_run(&tof[7], in[21], 50 * MS, now);
    tof_run(&tof[8], in[24], 150 * MS, now);
    tof_run(&tof[9], in[27], 220 * MS, now);
    tof_run(&tof[10], in[30], 160 * MS, now);
    tof_run(&tof[11], in[1], 240 * MS, now);
    tof_run(&tof[12], in[4], 220 * MS, now);
    tof_run(&tof[13], in[7], 180 * MS, now);
    tof_run(&tof[14], in[10], 180 * MS, now);
    tof_run(&tof[15], in[13], 220 * MS, now);
    tof_run(&tof[16], in[16], 150 * MS, now);
    tof_run(&tof[17], in[19], 200 * MS, now);
    tof_run(&tof[18], in[22], 30 * MS, now);
    tof_run(&tof[19], in[25], 230 * MS, now);
    tof_run(&tof[20], ton[20].q, 260 * MS, now);
    tof_run(&tof[21], ton[21].q, 50 * MS, now);
    tof_run(&tof[22], ton[22].q, 90 * MS, now);
    tof_run(&tof[23], ton[23].q, 280 * MS, now);
    tof_run(&tof[24], ton[24].q, 240 * MS, now);
    tof_run(&tof[25], ton[25].q, 110 * MS, now);
    tof_run(&tof[26], ton[26].q, 140 * MS, now);
    tof_run(&tof[27], ton[27].q, 140 * MS, now);
    tof_run(&tof[28], ton[28].q, 250 * MS, now);
    tof_run(&tof[29], ton[29].q, 150 * MS, now);
    tof_run(&tof[30], ton[30].q, 240 * MS, now);
    tof_run(&tof[31], ton[31].q, 120 * MS, now);
    tof_run(&tof[32], ton[32].q, 60 * MS, now);
    tof_run(&tof[33], ton[33].q, 110 * MS, now);
    tof_run(&tof[34], ton[34].q, 100 * MS, now);
    tof_run(&tof[35], ton[35].q, 130 * MS, now);
    tof_run(&tof[36], ton[36].q, 140 * MS, now);
    tof_run(&tof[37], ton[37].q, 140 * MS, now);
    tof_run(&tof[38], ton[38].q, 190 * MS, now);
    tof_run(&tof[39], ton[39].q, 210 * MS, now);
    ctu_run(&ctu[0], ton[0].q, in[0] & in[1] & in[2], 28);
    ctu_run(&ctu[1], ton[1].q, in[5] & in[12] & in[5], 27);
    ctu_run(&ctu[2], ton[2].q, in[10] & in[23] & in[8], 19);
    ctu_run(&ctu[3], ton[3].q, in[15] & in[2] & in[11], 8);
    ctu_run(&ctu[4], ton[4].q, in[20] & in[13] & in[14], 3);
    ctu_run(&ctu[5], ton[5].q, in[25] & in[24] & in[17], 15);
    ctu_run(&ctu[6], ton[6].q, in[30] & in[3] & in[20], 29);
    ctu_run(&ctu[7], ton[7].q, in[3] & in[14] & in[23], 16);
    ctu_run(&ctu[8], ton[8].q, in[8] & in[25] & in[26], 4);
    ctu_run(&ctu[9], ton[9].q, in[13] & in[4] & in[29], 19);
    ctu_run(&ctu[10], ton[10].q, in[18] & in[15] & in[0], 3);
    ctu_run(&ctu[11], ton[11].q, in[23] & in[26] & in[3], 10);
    ctu_run(&ctu[12], ton[12].q, in[28] & in[5] & in[6], 24);
    ctu_run(&ctu[13], ton[13].q, in[1] & in[16] & in[9], 16);
    ctu_run(&ctu[14], ton[14].q, in[6] & in[27] & in[12], 4);
    ctu_run(&ctu[15], ton[15].q, in[11] & in[6] & in[15], 15);
    ctu_run(&ctu[16], ton[16].q, in[16] & in[17] & in[18], 9);
    ctu_run(&ctu[17], ton[17].q, in[21] & in[28] & in[21], 27);
    ctu_run(&ctu[18], ton[18].q, in[26] & in[7] & in[24], 22);
    ctu_run(&ctu[19], ton[19].q, in[31] & in[18] & in[27], 6);
    ctu_run(&ctu[20], ton[20].q, in[4] & in[29] & in[30], 27);
    ctu_run(&ctu[21], ton[21].q, in[9] & in[8] & in[1], 20);
    ctu_run(&ctu[22], ton[22].q, in[14] & in[19] & in[4], 10);
    ctu_run(&ctu[23], ton[23].q, in[19] & in[30] & in[7], 8);
    ctu_run(&ctu[24], ton[24].q, in[24] & in[9] & in[10], 5);
    ctu_run(&ctu[25], tof[5].q, in[29] & in[20] & in[13], 25);
    ctu_run(&ctu[26], tof[6].q, in[2] & in[31] & in[16], 11);
    ctu_run(&ctu[27], tof[7].q, in[7] & in[10] & in[19], 4);
    ctu_run(&ctu[28], tof[8].q, in[12] & in[21] & in[22], 16);
    ctu_run(&ctu[29], tof[9].q, in[17] & in[0] & in[25], 11);
    ctu_run(&ctu[30], tof[10].q, in[22] & in[11] & in[28], 18);
    ctu_run(&ctu[31], tof[11].q, in[27] & in[22] & in[31], 14);
    ctu_run(&ctu[32], tof[12].q, in[0] & in[1] & in[2], 22);
    ctu_run(&ctu[33], tof[13].q, in[5] & in[12] & in[5], 23);
    ctu_run(&ctu[34], tof[14].q, in[10] & in[23] & in[8], 26);
    ctu_run(&ctu[35], tof[15].q, in[15] & in[2] & in[11], 4);
    ctu_run(&ctu[36], tof[16].q, in[20] & in[13] & in[14], 19);
    ctu_run(&ctu[37], tof[17].q, in[25] & in[24] & in[17], 17);
    ctu_run(&ctu[38], tof[18].q, in[30] & in[3] & in[20], 14);
    ctu_run(&ctu[39], tof[19].q, in[3] & in[14] & in[23], 9);
    ctu_run(&ctu[40], tof[20].q, in[8] & in[25] & in[26], 13);
    ctu_run(&ctu[41], tof[21].q, in[13] & in[4] & in[29], 12);
    ctu_run(&ctu[42], tof[22].q, in[18] & in[15] & in[0], 17);
    ctu_run(&ctu[43], tof[23].q, in[23] & in[26] & in[3], 18);
    ctu_run(&ctu[44], tof[24].q, in[28] & in[5] & in[6], 25);
    ctu_run(&ctu[45], tof[25].q, in[1] & in[16] & in[9], 18);
    ctu_run(&ctu[46], tof[26].q, in[6] & in[27] & in[12], 10);
    ctu_run(&ctu[47], tof[27].q, in[11] & in[6] & in[15], 8);
    ctu_run(&ctu[48], tof[28].q, in[16] & in[17] & in[18], 17);
    ctu_run(&ctu[49], tof[29].q, in[21] & in[28] & in[21], 20);
    r_trig_run(&rt[0], ctu[0].q);
    if (rt[0].q) { edges = edges + 1; }
    r_trig_run(&rt[1], tof[1].q);
    r_trig_run(&rt[2], ctu[2].q);
    r_trig_run(&rt[3], tof[3].q);
    r_trig_run(&rt[4], ctu[4].q);
    r_trig_run(&rt[5], tof[5].q);
    if (rt[5].q) { edges = edges + 1; }
    r_trig_run(&rt[6], ctu[6].q);
    r_trig_run(&rt[7], tof[7].q);
    r_trig_run(&rt[8], ctu[8].q);
    r_trig_run(&rt[9], tof[9].q);
    r_trig_run(&rt[10], ctu[10].q);
    if (rt[10].q) { edges = edges + 1; }
    r_trig_run(&rt[11], tof[11].q);
    r_trig_run(&rt[12], ctu[12].q);
    r_trig_run(&rt[13], tof[13].q);
    r_trig_run(&rt[14], ctu[14].q);
    r_trig_run(&rt[15], tof[15].q);
    if (rt[15].q) { edges = edges + 1; }
    r_trig_run(&rt[16], ctu[16].q);
    r_trig_run(&rt[17], tof[17].q);
    r_trig_run(&rt[18], ctu[18].q);
    r_trig_run(&rt[19], tof[19].q);
    r_trig_run(&rt[20], ctu[20].q);
    if (rt[20].q) { edges = edges + 1; }
    r_trig_run(&rt[21], tof[21].q);
    r_trig_run(&rt[22], ctu[22].q);
    r_trig_run(&rt[23], tof[23].q);
    r_trig_run(&rt[24], ctu[24].q);
    r_trig_run(&rt[25], tof[25].q);
    if (rt[25].q) { edges = edges + 1; }
    r_trig_run(&rt[26], ctu[26].q);
    r_trig_run(&rt[27], tof[27].q);
    r_trig_run(&rt[28], ctu[28].q);
    r_trig_run(&rt[29], tof[29].q);
    r_trig_run(&rt[30], ctu[30].q);
    if (rt[30].q) { edges = edges + 1; }
    r_trig_run(&rt[31], tof[31].q);
    r_trig_run(&rt[32], ctu[32].q);
    r_trig_run(&rt[33], tof[33].q);
    r_trig_run(&rt[34], ctu[34].q);
    r_trig_run(&rt[35], tof[35].q);
    if (rt[35].q) { edges = edges + 1; }
    r_trig_run(&rt[36], ctu[36].q);
    r_trig_run(&rt[37], tof[37].q);
    r_trig_run(&rt[38], ctu[38].q);
    r_trig_run(&rt[39], tof[39].q);
    r_trig_run(&rt[40], ctu[40].q);
    if (rt[40].q) { edges = edges + 1; }
    r_trig_run(&rt[41], tof[1].q);
    r_trig_run(&rt[42], ctu[42].q);
    r_trig_run(&rt[43], tof[3].q);
    r_trig_run(&rt[44], ctu[44].q);
    r_trig_run(&rt[45], tof[5].q);
    if (rt[45].q) { edges = edges + 1; }
    r_trig_run(&rt[46], ctu[46].q);
    r_trig_run(&rt[47], tof[7].q);
    r_trig_run(&rt[48], ctu[48].q);
    r_trig_run(&rt[49], tof[9].q);
    sum = 0;
    for (int k = 0; k < 25; k++)
        sum = sum + (ctu[2 * k].cv);
    for (int k = 0; k < 10; k++)
        if (rt[5 * k].q) { sum = sum + (5 * k + 1000); }
    chk = rol32(chk, 1) ^ (uint32_t)(sum * 31 + edges);
    scans = scans + 1;
    /* End of the rungs. */
}
