// One value a thread.

// dst (+)= factor · what a reader sees of src; `per` values a channel.
KERNEL add_seen(const float* src, Reading how, float* dst, unsigned len, unsigned per, float factor, int accumulate) {
    EACH(i, len);
    put(&dst[i], factor * seen(src[i], how, i / per), accumulate);
}

// dst[b][a][pixels] = src[a][b][pixels].
KERNEL swap_planes(const float* src, float* dst, unsigned len, unsigned a, unsigned b, unsigned pixels) {
    EACH(i, len);
    const unsigned plane = i / pixels;
    dst[i] = src[((plane % a) * b + plane / a) * pixels + i % pixels];
}

// y = its channel's value.
KERNEL fill_channels(const float* values, float* y, unsigned len, unsigned per) {
    EACH(i, len);
    y[i] = values[i / per];
}

// y (+)= z · f; the factor f has as many pixels as x, or one.
KERNEL product(const float* x, Reading how, const float* f, Reading f_how, float* y, unsigned len, unsigned per, unsigned pixels,
               unsigned f_pixels, int accumulate) {
    EACH(i, len);
    const unsigned channel = i / per;
    const float factor = seen(f[f_pixels == 1 ? i / pixels : i], f_how, channel);
    put(&y[i], seen(x[i], how, channel) * factor, accumulate);
}

KERNEL hard_sigmoid(const float* x, Reading how, float* y, unsigned len, unsigned per) {
    EACH(i, len);
    y[i] = fminf(fmaxf(seen(x[i], how, i / per) + 3.0f, 0.0f), 6.0f) / 6.0f;
}

// dx += the gradient of the input, from that of the output.
KERNEL hard_sigmoid_back(const float* x, Reading how, const float* g, float* dx, unsigned len, unsigned per) {
    EACH(i, len);
    const float z = seen(x[i], how, i / per);
    if (z > -3.0f && z < 3.0f) dx[i] += g[i] / 6.0f;
}

// dx += the gradient of a mean over each plane.
KERNEL mean_back(const float* g, float* dx, unsigned len, unsigned pixels) {
    EACH(i, len);
    dx[i] += g[i / pixels] / (float)pixels;
}

// SplitMix64's output function (Steele, Lea, Flood 2014).
__device__ inline unsigned long long hash(unsigned long long x) {
    x += 0x9e3779b97f4a7c15ull;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

// Where dropout is: the batch's share starts at image `first`; `threshold` is the probability in 2^32ths.
struct Dropout {
    unsigned long long seed, index, threshold;
    unsigned first, images, channels, pixels;
    float keep;
};

// dst (+)= what a reader sees of src, dropped or scaled: the same values as on the CPU, whose maps are in blocks of 16 channels.
KERNEL dropout(const float* src, Reading how, float* dst, unsigned len, Dropout drop, int accumulate) {
    EACH(i, len);
    const unsigned per = drop.images * drop.pixels;
    const unsigned channel = i / per, image = drop.first + i % per / drop.pixels, blocks = (drop.channels + 15) / 16;
    const unsigned long long plane = (unsigned long long)image * blocks + channel / 16;
    const unsigned long long place = ((plane << 16) + i % drop.pixels) * 16 + channel % 16;
    const bool dropped = hash(drop.seed ^ hash((drop.index << 48) ^ place)) >> 32 < drop.threshold;
    put(&dst[i], dropped ? 0.0f : drop.keep * seen(src[i], how, channel), accumulate);
}
