/* d: integer loops: insertion sort, CRC-16 bit by bit, moving averages, a prime sieve. */
#include "control.h"

uint32_t chk, scans;
double fchk;

uint32_t seed = 12345;
int16_t a[64];
uint8_t buf[256];
int32_t ring[8][128], avg[8];
bool sieve[400];
int pos;

static uint32_t lcg(uint32_t s) { return s * 1664525u + 1013904223u; }

static uint16_t crc_step(uint16_t crc, uint8_t byte)
{
    crc ^= byte;
    for (int j = 0; j < 8; j++)
        crc = (crc & 1) ? (crc >> 1) ^ 0xA001 : crc >> 1;
    return crc;
}

static int32_t fill_and_sort(void)
{
    for (int i = 0; i < 64; i++) {
        seed = lcg(seed);
        a[i] = (int16_t)(seed / 65536 % 20000);
    }
    for (int i = 1; i < 64; i++) {
        int16_t t = a[i];
        int j = i - 1;
        while (j >= 0 && a[j] > t) {
            a[j + 1] = a[j];
            j--;
        }
        a[j + 1] = t;
    }
    return (a[31] + a[32]) / 2;
}

static uint16_t crc_of_buffer(void)
{
    for (int i = 0; i < 64; i++)
        buf[i] = (uint8_t)(a[i] % 256);
    for (int i = 64; i < 256; i++)
        buf[i] = buf[i - 64] ^ 0x5A;
    uint16_t crc = 0xFFFF;
    for (int i = 0; i < 256; i++)
        crc = crc_step(crc, buf[i]);
    return crc;
}

static void average(void)
{
    for (int k = 0; k < 8; k++) {
        ring[k][pos] = a[k * 8] + k;
        int32_t sum = 0;
        for (int i = 0; i < 128; i++)
            sum += ring[k][i];
        avg[k] = sum / 128;
    }
    if (++pos > 127)
        pos = 0;
}

static int32_t count_primes(void)
{
    for (int i = 2; i < 400; i++)
        sieve[i] = true;
    for (int i = 2; i * i < 400; i++) {
        if (!sieve[i])
            continue;
        for (int k = i * i; k < 400; k += i)
            sieve[k] = false;
    }
    int32_t primes = 0;
    for (int i = 2; i < 400; i++)
        if (sieve[i])
            primes++;
    return primes;
}

void scan(int64_t now)
{
    int32_t median = fill_and_sort();
    uint16_t crc = crc_of_buffer();
    average();
    int32_t sum = median + count_primes();
    for (int k = 0; k < 8; k++)
        sum += avg[k];
    chk = rol32(chk, 1) ^ crc ^ ((uint32_t)sum << 8);
    scans++;
}
