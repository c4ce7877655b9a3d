// The weighted sum of a layer's candidates, and what their masks are owed.

// A value that is added: `channels` channels from channel `first` of the sum on, times `factor`.
struct Term {
    const float* x;
    Reading how;
    unsigned first, channels;
    float factor;
};

struct Terms {
    Term of[MAX_TERMS];
    unsigned count;
};

// y (+)= Σ factor · what a reader sees of x, term by term.
KERNEL mixture(Terms terms, float* y, unsigned len, unsigned per, int accumulate) {
    EACH(i, len);
    const unsigned channel = i / per;
    float sum = accumulate ? y[i] : 0.0f;
    for (unsigned t = 0; t < terms.count; t++) {
        const Term& term = terms.of[t];
        const unsigned own = channel - term.first;
        if (own < term.channels) sum = fmaf(seen(term.x[i - term.first * per], term.how, own), term.factor, sum);
    }
    y[i] = sum;
}

// Σ g·z of each part of all channels, [part]: one block a part.
KERNEL dot(const float* g, const float* x, Reading how, double* out, unsigned len, unsigned per, unsigned parts) {
    unsigned first;
    const unsigned count = part_of(len, parts, blockIdx.x, &first);
    float sum = 0.0f;
    for (unsigned i = first + threadIdx.x; i < first + count; i += blockDim.x) sum = fmaf(g[i], seen(x[i], how, i / per), sum);
    const double total = block_sum(sum);
    if (threadIdx.x == 0) out[blockIdx.x] = total;
}

// The sum of `len` values: one block.
KERNEL sum_all(const double* values, double* out, unsigned len) {
    double sum = 0.0;
    for (unsigned i = threadIdx.x; i < len; i += blockDim.x) sum += values[i];
    const double total = block_sum(sum);
    if (threadIdx.x == 0) *out = total;
}

// Σ g·z = Σ over channels of γ·s1 + β·s0, as z = γ·ŷ + β wherever it is not cut off: one block.
KERNEL dot_from_sums(const double* sums, const float* gamma, const float* beta, double* out, unsigned channels) {
    double sum = 0.0;
    for (unsigned c = threadIdx.x; c < channels; c += blockDim.x) sum += gamma[c] * sums[2 * c + 1] + beta[c] * sums[2 * c];
    const double total = block_sum(sum);
    if (threadIdx.x == 0) *out = total;
}
