/* EM-INF on rows of float32 logits: adam.py's steps for CPUs, a row at a time in the cache.

   A row's head, the tokens that any step could make count, is packed together and goes through the steps; the tail of a
   large vocabulary keeps its logits and counts in the sums with what it began with. The head begins where all tokens
   together, had each the probability at the cut, could move the distribution by LEFT_OUT in total variation at most. */

#include <math.h>
#include <omp.h>
#include <string.h>

enum { BLOCK = 2048, LANES = 64 };

static const double LEFT_OUT = 2.5e-5;
static const float BETA1 = 0.9f, BETA2 = 0.999f, EPS = 1e-8f;

typedef struct {
    float threshold, kl_weight, rate, steps;
} Parameters;

/* The sums of e^x and of x e^x over x = z - largest; in double from block to block. */
typedef struct {
    double e, xe;
} Sums;

typedef struct {
    float *z, *m, *v, *start;
    int *place;
} Head;

/* e^x for x in [-87, 88], to 2 units in the last place: 2^n times a polynomial in what is left (Cephes). */
static inline float exponential(float x)
{
    float n = (float)(int)(x * 1.44269504f + (x < 0 ? -0.5f : 0.5f));
    float r = x - n * 0.693359375f + n * 2.12194440e-4f;
    float y = 1.9875691500e-4f;
    y = y * r + 1.3981999507e-3f;
    y = y * r + 8.3334519073e-3f;
    y = y * r + 4.1665795894e-2f;
    y = y * r + 1.6666665459e-1f;
    y = y * r + 5.0000001201e-1f;
    int bits = ((int)n + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return (y * r * r + r + 1.0f) * power;
}

/* z - largest, at least where e^x is still a normal number: -inf stands for an impossible token. */
static inline float shifted(float z, float largest)
{
    float x = z - largest;
    return x > -87.0f ? x : -87.0f;
}

/* Of its bits: to compiled code that counts on finite numbers, every number is one. */
static int is_finite(float x)
{
    unsigned bits;
    memcpy(&bits, &x, sizeof bits);
    return (bits & 0x7f800000) != 0x7f800000;
}

static inline float entropy_of(Sums sums) { return log(sums.e) - sums.xe / sums.e; }

static float largest_of(const float *z, long n)
{
    float largest = -INFINITY;
    for (long i = 0; i < n; i++)
        largest = z[i] > largest ? z[i] : largest;
    return largest;
}

static Sums add(Sums sums, const float *z, long n, float largest)
{
    for (long from = 0; from < n; from += BLOCK) {
        long to = from + BLOCK < n ? from + BLOCK : n;
        float e = 0, xe = 0;
        for (long i = from; i < to; i++) {
            float x = shifted(z[i], largest), y = exponential(x);
            e += y;
            xe += x * y;
        }
        sums = (Sums){sums.e + e, sums.xe + xe};
    }
    return sums;
}

/* Pack what lies above the cut; returns how many. Without a branch: where they lie is noise. */
static long pack(Head head, const float *row, long vocabulary, float cut)
{
    long found = 0;
    for (long from = 0; from < vocabulary; from += LANES) {
        long size = from + LANES < vocabulary ? LANES : vocabulary - from;
        unsigned char above[LANES] = {0};
        for (long j = 0; j < size; j++)
            above[j] = row[from + j] > cut;
        for (long j = 0; j < LANES; j++) {
            head.place[found] = (int)(from + j);
            found += above[j];
        }
    }
    for (long i = 0; i < found; i++)
        head.z[i] = row[head.place[i]];
    return found;
}

/* The p that a head begins with, and Adam's means of nothing. */
static void begin(Head head, long n, float largest, float inverse)
{
    for (long i = 0; i < n; i++) {
        head.start[i] = exponential(shifted(head.z[i], largest)) * inverse;
        head.m[i] = head.v[i] = 0;
    }
}

/* One step of Adam, from where the sums are `before`; returns those after it, on top of those given. */
static Sums step(Head head, long n, float largest, Sums before, Sums sums, float kl_weight, float rate, float correction)
{
    float *restrict z = head.z, *restrict m = head.m, *restrict v = head.v;
    const float *restrict start = head.start;
    float inverse = 1 / before.e, offset = entropy_of(before) - log(before.e); /* log p + H = x + offset */
    for (long from = 0; from < n; from += BLOCK) {
        long to = from + BLOCK < n ? from + BLOCK : n;
        float e = 0, xe = 0;
        for (long i = from; i < to; i++) {
            float x = shifted(z[i], largest), p = exponential(x) * inverse;
            float gradient = kl_weight * (p - start[i]) - p * (x + offset);
            m[i] = BETA1 * m[i] + (1 - BETA1) * gradient;
            v[i] = BETA2 * v[i] + (1 - BETA2) * gradient * gradient;
            z[i] -= rate * m[i] / (sqrtf(v[i] * correction) + EPS);
            x = shifted(z[i], largest);
            float y = exponential(x);
            e += y;
            xe += x * y;
        }
        sums = (Sums){sums.e + e, sums.xe + xe};
    }
    return sums;
}

static void descend_row(float *row, long vocabulary, Parameters of, Head head)
{
    float largest = largest_of(row, vocabulary);
    if (!is_finite(largest))
        return;
    Sums sums = add((Sums){0, 0}, row, vocabulary, largest);
    if (!(entropy_of(sums) >= of.threshold))
        return;
    double moved = 1.1 * of.rate * of.steps; /* what a logit moves at most: a little more than the rate in each step */
    float cut = largest + log(sums.e) + log(LEFT_OUT / vocabulary) - moved - log(expm1(moved));
    long n = pack(head, row, vocabulary, cut);
    Sums whole = add((Sums){0, 0}, head.z, n, largest), tail = {sums.e - whole.e, sums.xe - whole.xe};
    begin(head, n, largest, 1 / sums.e);
    double left1 = 1, left2 = 1; /* of the means and of their squares, of their beginning at 0 */
    for (int k = 0; k < of.steps && entropy_of(sums) >= of.threshold; k++) {
        left1 *= BETA1, left2 *= BETA2;
        sums = step(head, n, largest, sums, tail, of.kl_weight, of.rate / (1 - left1), 1 / (1 - left2));
    }
    for (long i = 0; i < n; i++)
        row[head.place[i]] = head.z[i];
}

/* How many floats a thread needs to work in. */
long scratch_size(long vocabulary) { return 5 * (vocabulary + LANES); }

/* rows (count, vocabulary), `stride` floats apart; parameters (count, 4); scratch of that size for each thread. */
void descend(float *rows, long count, long vocabulary, long stride, const Parameters *parameters, float *scratch, int threads)
{
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (long i = 0; i < count; i++) {
        long size = vocabulary + LANES;
        float *own = scratch + omp_get_thread_num() * scratch_size(vocabulary);
        Head head = {own, own + size, own + 2 * size, own + 3 * size, (int *)(own + 4 * size)};
        descend_row(rows + i * stride, vocabulary, parameters[i], head);
    }
}

/* Of each row the largest logit, log sum exp and the entropy: found (count, 3). */
void measure(const float *rows, long count, long vocabulary, long stride, float *found, int threads)
{
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (long i = 0; i < count; i++) {
        const float *row = rows + i * stride;
        float largest = largest_of(row, vocabulary);
        Sums sums = add((Sums){0, 0}, row, vocabulary, largest);
        found[3 * i] = largest, found[3 * i + 1] = largest + log(sums.e), found[3 * i + 2] = entropy_of(sums);
    }
}
