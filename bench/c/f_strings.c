/* f: light string handling: build, cut, search, replace, compare, number formatting. */
#include "control.h"
#include <string.h>

enum { ROOM = 254 };

/* A string as control programs use it: no longer than its room, what does not fit is cut. */
struct text {
    int length;
    char units[ROOM];
};

uint32_t chk, scans;
double fchk;

int32_t n;
struct text tag, msg, num, part, csv, low;

static void append(struct text *t, const char *units, int length)
{
    if (length > ROOM - t->length)
        length = ROOM - t->length;
    memcpy(t->units + t->length, units, (size_t)length);
    t->length += length;
}

static void append_word(struct text *t, const char *word) { append(t, word, (int)strlen(word)); }

static void append_number(struct text *t, int32_t value)
{
    char digits[12];
    int at = sizeof digits;
    uint32_t left = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    if (value < 0)
        digits[--at] = '-';
    append(t, digits + at, (int)sizeof digits - at);
}

/* Returns where a word begins, counted from 1; 0 where it does not occur. */
static int find(const struct text *t, const char *word)
{
    int length = (int)strlen(word);
    for (int start = 0; start + length <= t->length; start++)
        if (memcmp(t->units + start, word, (size_t)length) == 0)
            return start + 1;
    return 0;
}

/* Puts a word in the place of `count` units from `place` (from 1) on. */
static void replace(struct text *t, const char *word, int count, int place)
{
    int length = (int)strlen(word), rest = place - 1 + count;
    int moved = t->length - rest, target = place - 1 + length;
    if (moved > ROOM - target)
        moved = ROOM - target;
    memmove(t->units + target, t->units + rest, (size_t)moved);
    memcpy(t->units + place - 1, word, (size_t)length);
    t->length = target + moved;
}

/* Takes `count` units of a text from `place` (from 1) on. */
static void middle(struct text *target, const struct text *t, int count, int place)
{
    int start = place > 1 ? place - 1 : 0;
    if (start > t->length)
        start = t->length;
    if (count > t->length - start)
        count = t->length - start;
    memcpy(target->units, t->units + start, (size_t)count);
    target->length = count;
}

static int compare(const struct text *t, const char *word)
{
    int other = (int)strlen(word), common = t->length < other ? t->length : other;
    int order = memcmp(t->units, word, (size_t)common);
    return order ? order : t->length - other;
}

void scan(int64_t now)
{
    n += 37;
    if (n > 99999)
        n -= 99999;
    num.length = 0;
    append_number(&num, n);
    tag.length = 0;
    append_word(&tag, "TANK_");
    append(&tag, num.units, num.length);
    msg = tag;
    append_word(&msg, ": level high, pump ");
    append_number(&msg, n % 17);
    append_word(&msg, " stopped");
    int p = find(&msg, "pump");
    int32_t h = p * 7 + msg.length;
    middle(&part, &msg, 4, p);
    if (compare(&part, "pump") == 0)
        h += 1000;
    replace(&msg, "MOTOR", 4, p);
    h = h * 3 + find(&msg, "MOTOR");
    replace(&msg, "[A] ", 0, 5);
    replace(&msg, "", 2, 1);
    h = h * 5 + msg.length;
    middle(&low, &msg, 7, msg.length - 6);
    if (compare(&low, "stopped") == 0)
        h += 77;
    middle(&low, &tag, 4, 1);
    if (compare(&low, "TANJ") > 0)
        h += 5;
    if (compare(&low, "TANL") < 0)
        h += 11;
    csv = num;
    for (int k = 1; k <= 5; k++) {
        append_word(&csv, ";");
        append_number(&csv, n + k * 101);
    }
    p = 0;
    for (int k = 0; k < csv.length; k++)
        if (csv.units[k] == ';')
            p += k + 1;
    h += p * 13;
    chk = rol32(chk, 1) ^ (uint32_t)h;
    scans++;
}
