// Batch norm. A channel's `per` values are cut into `parts`, each summed by one block; then one thread a channel joins them in order.
//
// The gradient behind batch norm and ReLU: with s0 = Σ g and s1 = Σ g·ŷ, both where the reader sees more than 0, and ŷ = (y − mean)·istd,
// the gradient of the stored value is A·g + B·y + C (Ioffe & Szegedy 2015, §3, rearranged).

// The values of a part: from `*first` on.
__device__ inline unsigned part_of(unsigned per, unsigned parts, unsigned part, unsigned* first) {
    *first = (unsigned)((unsigned long long)per * part / parts);
    return (unsigned)((unsigned long long)per * (part + 1) / parts) - *first;
}

// Mean and sum of squared deviations of each part, [channel][part][2]: one block a part.
KERNEL moments(const float* y, double* out, unsigned per, unsigned parts) {
    unsigned first;
    const unsigned len = part_of(per, parts, blockIdx.x % parts, &first);
    y += blockIdx.x / parts * per + first;
    float sum = 0.0f;
    for (unsigned i = threadIdx.x; i < len; i += blockDim.x) sum += y[i];
    const double mean = block_sum(sum) / len;
    float squares = 0.0f;
    for (unsigned i = threadIdx.x; i < len; i += blockDim.x) {
        const float d = y[i] - (float)mean;
        squares = fmaf(d, d, squares);
    }
    const double m2 = block_sum(squares);
    if (threadIdx.x == 0) {
        // The squares are of deviations from the mean as a float.
        const double off = mean - (double)(float)mean;
        out[2 * blockIdx.x] = mean;
        out[2 * blockIdx.x + 1] = m2 - len * off * off;
    }
}

// Sums and sums of squares of each channel, [channel][2], which shares of a batch may add up: one thread a channel.
KERNEL join_moments(const double* of_parts, double* sums, unsigned channels, unsigned per, unsigned parts) {
    EACH(c, channels);
    double total = 0.0, squares = 0.0;
    for (unsigned p = 0; p < parts; p++) {
        unsigned first;
        const double len = part_of(per, parts, p, &first), mean = of_parts[2 * (c * parts + p)];
        total += len * mean;
        squares += of_parts[2 * (c * parts + p) + 1] + len * mean * mean;
    }
    sums[2 * c] = total;
    sums[2 * c + 1] = squares;
}

// A batch norm's weights and what becomes of them: all [channel].
struct Norm {
    const float* gamma;
    const float* beta;
    float* running_mean;
    float* running_var;
    float* scale;
    float* shift;
    float* mean;
    float* istd;
    float momentum, epsilon;
};

// Scale and shift, from the batch's sums over `count` values, or from the running statistics where there are none; moves these if asked.
KERNEL normalise(const double* sums, unsigned channels, double count, Norm norm, int moves) {
    EACH(c, channels);
    float mean = norm.running_mean[c], var = norm.running_var[c];
    if (sums) {
        const double m = sums[2 * c] / count, m2 = fmax(sums[2 * c + 1] - m * sums[2 * c], 0.0);
        mean = (float)m;
        var = (float)(m2 / count);
        if (moves) {
            norm.running_mean[c] += norm.momentum * (mean - norm.running_mean[c]);
            norm.running_var[c] += norm.momentum * ((float)(m2 / fmax(count - 1.0, 1.0)) - norm.running_var[c]);
        }
    }
    const float istd = 1.0f / sqrtf(var + norm.epsilon);
    norm.scale[c] = norm.gamma[c] * istd;
    norm.shift[c] = norm.beta[c] - norm.scale[c] * mean;
    norm.mean[c] = mean;
    norm.istd[c] = istd;
}

// Σ g and Σ g·ŷ of each part, [channel][part][2]; without mean and istd only Σ g: one block a part.
KERNEL gradient_sums(const float* g, const float* y, Reading how, const float* mean, const float* istd, double* out, unsigned per,
                     unsigned parts) {
    unsigned first;
    const unsigned len = part_of(per, parts, blockIdx.x % parts, &first), channel = blockIdx.x / parts;
    g += channel * per + first;
    y += channel * per + first;
    float s0 = 0.0f, s1 = 0.0f;
    for (unsigned i = threadIdx.x; i < len; i += blockDim.x) {
        const float value = how.relu && !(seen(y[i], how, channel) > 0.0f) ? 0.0f : g[i];
        s0 += value;
        if (mean) s1 = fmaf(value, y[i] - mean[channel], s1);
    }
    const double total0 = block_sum(s0), total1 = block_sum(s1);
    if (threadIdx.x == 0) {
        out[2 * blockIdx.x] = total0;
        out[2 * blockIdx.x + 1] = mean ? total1 * istd[channel] : 0.0;
    }
}

// The sums of each channel, [channel][2]: one thread a channel.
KERNEL join_sums(const double* of_parts, double* sums, unsigned channels, unsigned parts) {
    EACH(c, channels);
    double s0 = 0.0, s1 = 0.0;
    for (unsigned p = 0; p < parts; p++) {
        s0 += of_parts[2 * (c * parts + p)];
        s1 += of_parts[2 * (c * parts + p) + 1];
    }
    sums[2 * c] = s0;
    sums[2 * c + 1] = s1;
}

// A, B, C, [3][channel], from the sums over the whole batch of `count` values; where asked for, the gradients of γ and β grow by what the
// sums of this share give.
KERNEL norm_back(const double* sums, const double* whole, unsigned channels, double count, float factor, const float* gamma,
                 const float* mean, const float* istd, float* abc, float* dgamma, float* dbeta) {
    EACH(c, channels);
    if (dgamma) {
        dgamma[c] += (float)(sums[2 * c + 1] * factor);
        dbeta[c] += (float)(sums[2 * c] * factor);
    }
    const double a = (double)gamma[c] * istd[c], slope = -a * istd[c] * whole[2 * c + 1] * factor / count;
    abc[c] = (float)a;
    abc[channels + c] = (float)slope;
    abc[2 * channels + c] = (float)(-a * whole[2 * c] * factor / count - slope * mean[c]);
}

// dst = the gradient of the stored value, from factor · g behind its batch norm and ReLU; `abc` is null without a batch norm.
KERNEL raw_gradient(const float* g, const float* y, Reading how, const float* abc, float* dst, unsigned len, unsigned per, float factor) {
    EACH(i, len);
    const unsigned channel = i / per, channels = len / per;
    const float value = how.relu && !(seen(y[i], how, channel) > 0.0f) ? 0.0f : factor * g[i];
    dst[i] = abc ? fmaf(abc[channel], value, fmaf(abc[channels + channel], y[i], abc[2 * channels + channel])) : value;
}

// dst += Σ g of each channel, a bias's gradient.
KERNEL add_sums(const double* sums, float* dst, unsigned channels) {
    EACH(c, channels);
    dst[c] += (float)sums[2 * c];
}
