/* g: a product of two matrices of 32 x 32 LREAL. */
#include "control.h"

enum { N = 32 };

uint32_t chk, scans;
double fchk;

double a[N][N], b[N][N], c[N][N];
bool ready;
int row;

static void fill(void)
{
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            a[i][j] = (i * 7 + j * 3) % 11 / 11.0;
            b[i][j] = (i * 5 + j * 13) % 17 / 17.0;
        }
    }
}

void scan(int64_t now)
{
    if (!ready)
        fill();
    ready = true;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            double s = 0.0;
            for (int k = 0; k < N; k++)
                s += a[i][k] * b[k][j];
            c[i][j] = s;
        }
    }
    double tr = 0.0;
    for (int i = 0; i < N; i++)
        tr += c[i][i];
    for (int j = 0; j < N; j++)
        a[row][j] = c[row][j] / (tr + 1.0);
    if (++row >= N) {
        row = 0;
        ready = false;
    }
    fchk = tr;
    chk = (uint32_t)(int32_t)rint(tr * 1000.0);
    scans++;
}
