// Max pool without padding, and means over planes.

// The first of the largest values in a window; a NaN counts as larger than all.
__device__ inline float largest(const float* plane, const Reading& how, unsigned channel, unsigned row, unsigned column,
                                const Window& win, unsigned* where) {
    *where = row * win.stride * win.in_w + column * win.stride;
    float best = seen(plane[*where], how, channel);
    for (unsigned tap = 1; tap < win.kernel * win.kernel; tap++) {
        const unsigned at = (row * win.stride + tap / win.kernel) * win.in_w + column * win.stride + tap % win.kernel;
        const float z = seen(plane[at], how, channel);
        if (z > best || (z != z && best == best)) {
            best = z;
            *where = at;
        }
    }
    return best;
}

KERNEL max_pool(const float* x, Reading how, float* y, unsigned len, Window win) {
    EACH(i, len);
    const unsigned column = i % win.out_w, row = i / win.out_w % win.out_h, plane = i / (win.out_w * win.out_h);
    unsigned where;
    y[i] = largest(x + plane * win.in_h * win.in_w, how, plane / win.images, row, column, win, &where);
}

// dx += the gradient of the input: each input pixel asks the windows that hold it whether it is their largest.
KERNEL max_pool_back(const float* x, Reading how, const float* g, float* dx, unsigned len, Window win) {
    EACH(i, len);
    const unsigned in = win.in_h * win.in_w, column = i % win.in_w, row = i % in / win.in_w, plane = i / in;
    float sum = 0.0f;
    for (unsigned kh = 0; kh < win.kernel; kh++) {
        unsigned h, v, where;
        if (!output_at(row, kh, win.out_h, win, &h)) continue;
        for (unsigned kw = 0; kw < win.kernel; kw++) {
            if (!output_at(column, kw, win.out_w, win, &v)) continue;
            largest(x + plane * in, how, plane / win.images, h, v, win, &where);
            if (where == i % in) sum += g[(plane * win.out_h + h) * win.out_w + v];
        }
    }
    dx[i] += sum;
}

// y = the mean of each plane: one block a plane.
KERNEL mean_planes(const float* x, Reading how, float* y, unsigned images, unsigned pixels) {
    float sum = 0.0f;
    for (unsigned i = threadIdx.x; i < pixels; i += blockDim.x) sum += seen(x[blockIdx.x * pixels + i], how, blockIdx.x / images);
    const double total = block_sum(sum);
    if (threadIdx.x == 0) y[blockIdx.x] = (float)(total / pixels);
}

// df += Σ g·z over each plane, the gradient of a factor with one pixel: one block a plane.
KERNEL product_sums(const float* x, Reading how, const float* g, float* df, unsigned images, unsigned pixels) {
    float sum = 0.0f;
    for (unsigned i = threadIdx.x; i < pixels; i += blockDim.x) {
        const unsigned at = blockIdx.x * pixels + i;
        sum = fmaf(g[at], seen(x[at], how, blockIdx.x / images), sum);
    }
    const double total = block_sum(sum);
    if (threadIdx.x == 0) df[blockIdx.x] += (float)total;
}
