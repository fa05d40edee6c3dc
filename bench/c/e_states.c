/* e: 50 machines, each a sequence of states. */
#include "control.h"
#include "machine.h"

uint32_t chk, scans;
double fchk;

uint32_t lfsr = 0xC0FFEE01;
int32_t sum, lamps;
bool in[32];
struct machine mc[50];

void scan(int64_t now)
{
    /* The rungs, taken over from the ST text. */
    lfsr = lfsr_next(lfsr);
    for (int k = 0; k < 32; k++)
        in[k] = ((lfsr >> k) & 1);
    machine_run(&mc[0], in[13], in[0] & in[16] & in[23], in[1], in[5] & in[7] & in[30] & in[27] & in[13] & !in[0], in[27], 4);
    machine_run(&mc[1], in[23], in[7] & in[3] & in[10], in[14], in[22] & in[11] & in[8] & in[12] & in[23] & !in[7], in[12], 6);
    machine_run(&mc[2], in[22], in[7] & in[29] & in[27], in[6], in[11] & in[25] & in[10] & in[30] & in[22] & !in[7], in[30], 6);
    machine_run(&mc[3], in[26], in[7] & in[18] & in[14], in[31], in[13] & in[15] & in[2] & in[28] & in[26] & !in[7], in[28], 11);
    machine_run(&mc[4], in[23], in[14] & in[18] & in[10], in[22], in[20] & in[30] & in[12] & in[2] & in[23] & !in[14], in[2], 9);
    machine_run(&mc[5], in[1], in[6] & in[4] & in[17], in[5], in[19] & in[25] & in[22] & in[23] & in[1] & !in[6], in[23], 2);
    machine_run(&mc[6], in[18], in[16] & in[15] & in[4], in[27], in[3] & in[26] & in[12] & in[1] & in[18] & !in[16], in[1], 3);
    machine_run(&mc[7], in[29], in[23] & in[26] & in[17], in[9], in[12] & in[16] & in[7] & in[5] & in[29] & !in[23], in[5], 10);
    machine_run(&mc[8], in[22], in[2] & in[7] & in[9], in[28], in[5] & in[20] & in[10] & in[12] & in[22] & !in[2], in[12], 9);
    machine_run(&mc[9], in[21], in[27] & in[14] & in[25], in[2], in[24] & in[28] & in[8] & in[15] & in[21] & !in[27], in[15], 4);
    machine_run(&mc[10], in[7], in[21] & in[15] & in[12], in[28], in[0] & in[8] & in[23] & in[2] & in[7] & !in[21], in[2], 6);
    machine_run(&mc[11], in[4], in[1] & in[14] & in[28], in[30], in[8] & in[5] & in[15] & in[18] & in[4] & !in[1], in[18], 9);
    machine_run(&mc[12], in[31], in[1] & in[16] & in[30], in[15], in[26] & in[2] & in[18] & in[14] & in[31] & !in[1], in[14], 5);
    machine_run(&mc[13], in[28], in[22] & in[23] & in[8], in[21], in[2] & in[19] & in[0] & in[1] & in[28] & !in[22], in[1], 7);
    machine_run(&mc[14], in[24], in[13] & in[11] & in[1], in[19], in[22] & in[9] & in[27] & in[14] & in[24] & !in[13], in[14], 6);
    machine_run(&mc[15], in[1], in[25] & in[13] & in[28], in[27], in[12] & in[0] & in[21] & in[11] & in[1] & !in[25], in[11], 11);
    machine_run(&mc[16], in[24], in[29] & in[16] & in[0], in[4], in[8] & in[7] & in[15] & in[30] & in[24] & !in[29], in[30], 7);
    machine_run(&mc[17], in[20], in[29] & in[7] & in[21], in[18], in[10] & in[15] & in[26] & in[0] & in[20] & !in[29], in[0], 11);
    machine_run(&mc[18], in[22], in[31] & in[7] & in[10], in[1], in[5] & in[20] & in[16] & in[23] & in[22] & !in[31], in[23], 3);
    machine_run(&mc[19], in[25], in[10] & in[27] & in[28], in[29], in[4] & in[30] & in[3] & in[31] & in[25] & !in[10], in[31], 7);
    machine_run(&mc[20], in[29], in[23] & in[19] & in[17], in[31], in[15] & in[18] & in[3] & in[12] & in[29] & !in[23], in[12], 11);
    machine_run(&mc[21], in[0], in[3] & in[25] & in[27], in[4], in[22] & in[20] & in[14] & in[5] & in[0] & !in[3], in[5], 5);
    machine_run(&mc[22], in[20], in[11] & in[12] & in[7], in[17], in[31] & in[16] & in[26] & in[3] & in[20] & !in[11], in[3], 10);
    machine_run(&mc[23], in[29], in[18] & in[5] & in[26], in[22], in[21] & in[24] & in[10] & in[14] & in[29] & !in[18], in[14], 11);
    machine_run(&mc[24], in[26], in[0] & in[8] & in[10], in[4], in[24] & in[29] & in[11] & in[5] & in[26] & !in[0], in[5], 2);
    machine_run(&mc[25], in[29], in[31] & in[22] & in[18], in[25], in[6] & in[3] & in[2] & in[20] & in[29] & !in[31], in[20], 6);
    machine_run(&mc[26], in[13], in[23] & in[21] & in[2], in[25], in[30] & in[14] & in[17] & in[5] & in[13] & !in[23], in[5], 5);
    machine_run(&mc[27], in[20], in[5] & in[19] & in[27], in[1], in[11] & in[13] & in[7] & in[25] & in[20] & !in[5], in[25], 4);
    machine_run(&mc[28], in[23], in[24] & in[18] & in[4], in[16], in[5] & in[15] & in[25] & in[14] & in[23] & !in[24], in[14], 9);
    machine_run(&mc[29], in[10], in[13] & in[2] & in[30], in[8], in[14] & in[23] & in[7] & in[21] & in[10] & !in[13], in[21], 2);
    machine_run(&mc[30], in[28], in[10] & in[12] & in[31], in[20], in[5] & in[1] & in[21] & in[18] & in[28] & !in[10], in[18], 2);
    machine_run(&mc[31], in[29], in[14] & in[0] & in[10], in[30], in[27] & in[19] & in[8] & in[12] & in[29] & !in[14], in[12], 9);
    machine_run(&mc[32], in[28], in[12] & in[22] & in[20], in[16], in[24] & in[3] & in[5] & in[21] & in[28] & !in[12], in[21], 7);
    machine_run(&mc[33], in[28], in[29] & in[15] & in[10], in[22], in[18] & in[14] & in[16] & in[2] & in[28] & !in[29], in[2], 5);
    machine_run(&mc[34], in[14], in[5] & in[24] & in[17], in[16], in[12] & in[21] & in[3] & in[22] & in[14] & !in[5], in[22], 8);
    machine_run(&mc[35], in[21], in[10] & in[28] & in[27], in[29], in[14] & in[8] & in[5] & in[25] & in[21] & !in[10], in[25], 8);
    machine_run(&mc[36], in[7], in[9] & in[28] & in[22], in[29], in[31] & in[8] & in[5] & in[18] & in[7] & !in[9], in[18], 6);
    machine_run(&mc[37], in[18], in[4] & in[14] & in[21], in[16], in[7] & in[30] & in[15] & in[27] & in[18] & !in[4], in[27], 3);
    machine_run(&mc[38], in[15], in[25] & in[6] & in[12], in[13], in[7] & in[19] & in[9] & in[27] & in[15] & !in[25], in[27], 9);
    machine_run(&mc[39], in[25], in[23] & in[31] & in[27], in[15], in[24] & in[7] & in[10] & in[12] & in[25] & !in[23], in[12], 7);
    machine_run(&mc[40], in[21], in[12] & in[10] & in[31], in[29], in[3] & in[24] & in[4] & in[15] & in[21] & !in[12], in[15], 5);
    machine_run(&mc[41], in[14], in[18] & in[21] & in[26], in[2], in[5] & in[22] & in[16] & in[25] & in[14] & !in[18], in[25], 6);
    machine_run(&mc[42], in[16], in[6] & in[7] & in[15], in[8], in[28] & in[5] & in[29] & in[26] & in[16] & !in[6], in[26], 7);
    machine_run(&mc[43], in[10], in[28] & in[16] & in[20], in[21], in[6] & in[17] & in[25] & in[19] & in[10] & !in[28], in[19], 7);
    machine_run(&mc[44], in[7], in[25] & in[19] & in[1], in[8], in[24] & in[28] & in[31] & in[30] & in[7] & !in[25], in[30], 7);
    machine_run(&mc[45], in[25], in[10] & in[16] & in[9], in[18], in[20] & in[27] & in[30] & in[24] & in[25] & !in[10], in[24], 7);
    machine_run(&mc[46], in[26], in[20] & in[17] & in[30], in[12], in[24] & in[0] & in[15] & in[23] & in[26] & !in[20], in[23], 11);
    machine_run(&mc[47], in[14], in[13] & in[22] & in[2], in[21], in[5] & in[30] & in[4] & in[3] & in[14] & !in[13], in[3], 2);
    machine_run(&mc[48], in[5], in[1] & in[20] & in[12], in[23], in[19] & in[17] & in[13] & in[11] & in[5] & !in[1], in[11], 4);
    machine_run(&mc[49], in[12], in[17] & in[11] & in[26], in[2], in[4] & in[1] & in[29] & in[16] & in[12] & !in[17], in[16], 6);
    sum = 0;
    lamps = 0;
    sum = sum + mc[0].done;
    lamps = lamps * 4 + (mc[0].lamp);
    for (int k = 0; k < 5; k++)
        sum = sum + mc[k + 1].done;
    lamps = lamps * 4 + (mc[5].lamp);
    for (int k = 0; k < 5; k++)
        sum = sum + mc[k + 6].done;
    lamps = lamps * 4 + (mc[10].lamp);
    for (int k = 0; k < 5; k++)
        sum = sum + mc[k + 11].done;
    lamps = lamps * 4 + (mc[15].lamp);
    for (int k = 0; k < 5; k++)
        sum = sum + mc[k + 16].done;
    lamps = lamps * 4 + (mc[20].lamp);
    for (int k = 0; k < 5; k++)
        sum = sum + mc[k + 21].done;
    lamps = lamps * 4 + (mc[25].lamp);
    for (int k = 0; k < 5; k++)
        sum = sum + mc[k + 26].done;
    lamps = lamps * 4 + (mc[30].lamp);
    for (int k = 0; k < 5; k++)
        sum = sum + mc[k + 31].done;
    lamps = lamps * 4 + (mc[35].lamp);
    for (int k = 0; k < 5; k++)
        sum = sum + mc[k + 36].done;
    lamps = lamps * 4 + (mc[40].lamp);
    for (int k = 0; k < 5; k++)
        sum = sum + mc[k + 41].done;
    lamps = lamps * 4 + (mc[45].lamp);
    for (int k = 0; k < 4; k++)
        sum = sum + mc[k + 46].done;
    chk = rol32(chk, 1) ^ (uint32_t)(sum) ^ (uint32_t)(lamps);
    scans = scans + 1;
    /* End of the rungs. */
}
